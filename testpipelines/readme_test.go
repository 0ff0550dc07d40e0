package testpipelines_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// block is the README's fenced block that starts with a line.
func block(t *testing.T, language, firstLine string) string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "```"+language+"\n"+firstLine)
	if !found {
		t.Fatalf("README.md has no block of %s that starts with %q", language, firstLine)
	}
	text, _, _ := strings.Cut(rest, "```")
	return firstLine + text
}

func TestTheREADMEsIncludeIsTheShortestPipeline(t *testing.T) {
	text, err := os.ReadFile("shortest/.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(text), "\n") // the first line is a comment
	want = asShown(want, pageVersion(t))
	if diff := cmp.Diff(want, block(t, "yaml", "include:")); diff != "" {
		t.Errorf("README.md differs from testpipelines/shortest:\n%s", diff)
	}

	bin := builtPrograms(t)
	run := runPipeline(t, "shortest", bin, podEnv(t, startCloud(t)))
	wantRun := pipeline{Code: 0, Jobs: map[string]string{"upload": "PASS"}}
	if diff := cmp.Diff(wantRun, run, cmpopts.IgnoreUnexported(pipeline{})); diff != "" {
		t.Fatalf("pipeline (-want +got):\n%s\n%s", diff, run.all)
	}
	run.wantLines(t, "upload", "wrote, read back and deleted")
}

func TestTheREADMEsTranscriptIsTrue(t *testing.T) {
	bin := parts.Build(t, "./cmd/ci-aws", "./testpipelines/sandbox")
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "sandbox"), "--trust-sub", "system:serviceaccount:gitlab:gitlab-job", "--", "ci-aws", "whoami")
	cmd.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err == nil {
		t.Fatal("a broken trust policy is green")
	}
	// The endpoint of the sandbox is the one line that a real job does not have.
	said := regexp.MustCompile(`(?m)^ci-aws: warning: STS is .*\n`).ReplaceAllString(stderr.String(), "")
	if diff := cmp.Diff("$ ci-aws whoami >/dev/null\n"+said, block(t, "console", "$ ci-aws whoami")); diff != "" {
		t.Errorf("README.md (-want +got):\n%s", diff)
	}
}

func TestTheREADMEsSlipIsFoundInFiles(t *testing.T) {
	bin, dir := parts.Build(t, "./cmd/ci-aws"), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../internal/render/testdata/long/out")); err != nil {
		t.Fatal(err)
	}
	spoil(t, filepath.Join(dir, "iam", "k8s-irsa-gitlab-jobs.trust.json"), ":gitlab:gitlab-jobs", ":gitlab:gitlab-job")
	const line = "$ ci-aws refs iam kubernetes | tail -n 3\n"
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.TrimPrefix(line, "$ "))
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(line+string(out), block(t, "console", line)); diff != "" {
		t.Errorf("README.md (-want +got):\n%s", diff)
	}
}

func TestTheREADMEsStepsOfTheCacheCheckAreTrue(t *testing.T) {
	bin := parts.Build(t, "./cmd/ci-aws", "./testpipelines/sandbox")
	const line = "$ ci-aws cache check --bucket my-super-duper-gitlab-runner-cache --prefix runners-all"
	args := append([]string{"--"}, strings.Fields(strings.TrimPrefix(line, "$ "))...)
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "sandbox"), args...)
	cmd.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, said, _ := strings.Cut(string(out), "\nits objects")
	said, _, _ = strings.Cut("its objects"+said, "\n\n")
	// What differs from run to run is the same in both.
	steady := func(text string) string {
		for what, word := range map[string]string{`ci-aws-check/[A-Z0-9]+`: "ci-aws-check/…", `\d+\.\d+ (MiB/s|s\))`: "1 $1"} {
			text = regexp.MustCompile(what).ReplaceAllString(text, word)
		}
		return strings.TrimSpace(text)
	}
	if diff := cmp.Diff(steady(line+"\n"+said), steady(block(t, "console", line))); diff != "" {
		t.Errorf("README.md (-want +got):\n%s", diff)
	}
}
