package testpipelines_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// renderedSetUps are the output folders that internal/render is compared with.
func renderedSetUps(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join("..", "internal", "render", "testdata", "*", "out"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no set-ups: %v", err)
	}
	for i, dir := range dirs {
		if dirs[i], err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
	}
	return dirs
}

// buildRendered builds the program that judges, whose module is its own.
func buildRendered(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rendered")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, ".")
	cmd.Dir = "rendered"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the libraries of Terraform and Kubernetes are not to be had: %v: %s", err, out)
	}
	return program
}

func TestRenderedFilesAreAsTerraformAndKubernetesTakeThem(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), buildRendered(t), renderedSetUps(t)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if want := "12 files of HCL, 12 objects of Kubernetes\n"; string(out) != want {
		t.Errorf("read %s, want %s", out, want)
	}
}

// TestTheTerraformThatAFindingHasIsAsTerraformTakesIt judges what is printed to
// be pasted: the resource, and the arguments of a role in one.
func TestTheTerraformThatAFindingHasIsAsTerraformTakesIt(t *testing.T) {
	dir := t.TempDir()
	access := iam.CacheAccess{Bucket: "b", Prefix: `"${path.root}`, Write: true, KMSKey: "arn:aws:kms:eu-central-1:123456789012:key/1"}
	trust := iam.Trust{Partition: "aws", Account: "123456789012", Issuer: "https://i.example.com", Audience: "sts.amazonaws.com", Subject: `a:"b`}
	role := strings.ReplaceAll("resource \"aws_iam_role\" \"jobs\" {\n"+trust.Terraform(), "\n", "\n  ") + "\n}\n"
	for path, text := range map[string]string{
		"terraform/cache.tf": access.Terraform(`runner"`) + "\n", "terraform/jobs.tf": role,
		"iam/cache.json": access.JSON(), "iam/jobs.json": trust.JSON(),
	} {
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), buildRendered(t), dir).CombinedOutput()
	if want := "2 files of HCL, 0 objects of Kubernetes\n"; err != nil || string(out) != want {
		t.Errorf("%v: %s, want %s", err, out, want)
	}
}

// TestTheJudgeFindsWhatIsWrong spoils one file at a time.
func TestTheJudgeFindsWhatIsWrong(t *testing.T) {
	program := buildRendered(t)
	for _, tt := range []struct{ name, file, from, to, want string }{
		{"a field that a pod does not have", "kubernetes/debug-pod-gitlab-jobs.yaml", "serviceAccountName", "serviceAccount_name", "unknown field"},
		{"arguments that are not aligned", "terraform/versions.tf", "version = ", "version  = ", "terraform fmt changes it"},
		{"a brace too few", "terraform/bucket.tf", "}", "", "bucket.tf"},
		{"another policy in JSON", "iam/k8s-irsa-gitlab-jobs.trust.json", "gitlab-jobs", "gitlab-job", "the policies differ"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "internal", "render", "testdata", "long", "out"))); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, filepath.FromSlash(tt.file))
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(strings.Replace(string(text), tt.from, tt.to, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), program, dir).CombinedOutput()
			if err == nil || !strings.Contains(string(out), tt.want) {
				t.Errorf("%v, want %q in:\n%s", err, tt.want, out)
			}
		})
	}
}

// terraform runs OpenTofu, or Terraform where there is none, in a set-up's module.
func terraform(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	program, err := exec.LookPath("tofu")
	if err != nil {
		program, err = exec.LookPath("terraform")
	}
	if err != nil {
		t.Skip(parts.NotAtHand + "neither tofu nor terraform is in PATH")
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestTerraformItselfLeavesTheFormatAlone(t *testing.T) {
	for _, dir := range renderedSetUps(t) {
		if out, err := terraform(t, filepath.Join(dir, "terraform"), "fmt", "-check", "-diff"); err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
	}
}

func TestTerraformValidatesTheModules(t *testing.T) {
	for _, dir := range renderedSetUps(t) {
		module := t.TempDir()
		if err := os.CopyFS(module, os.DirFS(filepath.Join(dir, "terraform"))); err != nil {
			t.Fatal(err)
		}
		if out, err := terraform(t, module, "init", "-backend=false", "-input=false", "-no-color"); err != nil {
			t.Skipf(parts.NotAtHand+"the provider hashicorp/aws: %v: %s", err, out)
		}
		if out, err := terraform(t, module, "validate", "-no-color"); err != nil {
			t.Errorf("%s: %v:\n%s", dir, err, out)
		}
	}
}
