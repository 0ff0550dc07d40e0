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
	"go.yaml.in/yaml/v3"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// hook is a hook as pre-commit reads it, without the keys that ours has no use for.
// https://pre-commit.com/#new-hooks
type hook struct {
	ID, Name, Description, Entry, Language, Files string

	Args          []string
	PassFilenames *bool  `yaml:"pass_filenames"`
	Minimum       string `yaml:"minimum_pre_commit_version"`
}

func readHook(t *testing.T) hook {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "../.pre-commit-hooks.yaml")))
	decoder.KnownFields(true)
	var hooks []hook
	if err := decoder.Decode(&hooks); err != nil {
		t.Fatal(err)
	}
	if len(hooks) != 1 {
		t.Fatalf("%d hooks", len(hooks))
	}
	return hooks[0]
}

func TestTheHookIsAsPreCommitWantsIt(t *testing.T) {
	h := readHook(t)
	// The names of files would be those that changed, and each name needs the others.
	want := hook{
		ID: "ci-aws-refs", Name: "ci-aws refs", Description: h.Description, Entry: "ci-aws refs", Args: []string{"."}, Language: "golang",
		Files: h.Files, PassFilenames: new(bool), Minimum: "3.0.0", // from then on it gets a Go where there is none
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	files := regexp.MustCompile(h.Files)
	for name, starts := range map[string]bool{
		".gitlab-ci.yml": true, "helm/values.yaml": true, "iam/trust.json": true, "config.toml": true, "main.tf": true,
		"templates/_x.tpl": true, "README.md": false, "yaml": false, "main.tf.bak": false, "x.go": false,
	} {
		if files.MatchString(name) != starts {
			t.Errorf("a change of %s: starts the hook: %v, want %v", name, !starts, starts)
		}
	}
	program, err := exec.LookPath("pre-commit")
	if err != nil {
		t.Log("pre-commit itself was not asked: it is not in PATH")
		return
	}
	if out, err := exec.CommandContext(t.Context(), program, "validate-manifest", "../.pre-commit-hooks.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestTheHooksProgramIsInstalled: pre-commit runs "go install ./..." in this
// module, so that just one package may give that name to its program.
func TestTheHooksProgramIsInstalled(t *testing.T) {
	name, _, _ := strings.Cut(readHook(t).Entry, " ")
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var of []string
	for path := range strings.FieldsSeq(string(out)) {
		if filepath.Base(path) == name {
			of = append(of, path)
		}
	}
	if diff := cmp.Diff([]string{"gitlab.com/ci-aws/ci-aws/cmd/ci-aws"}, of); diff != "" {
		t.Errorf("programs named %s (-want +got):\n%s", name, diff)
	}
}

func TestTheHookFindsASlip(t *testing.T) {
	bin := parts.Build(t, "./cmd/ci-aws")
	h := readHook(t)
	for _, tt := range []struct {
		name, from, to string
		code           int
		says           string
	}{
		{"all names match", "", "", 0, "checks hold"},
		{"a role without its last letter", "role/k8s-irsa-gitlab-jobs", "role/k8s-irsa-gitlab-job", 1, "refs-role: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../internal/render/testdata/long/out")); err != nil {
				t.Fatal(err)
			}
			spoil(t, filepath.Join(dir, "kubernetes", "service-accounts.yaml"), tt.from, tt.to)
			words := append(strings.Fields(h.Entry), h.Args...)
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, words[0]), words[1:]...)
			cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir}
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(out.String(), tt.says) {
				t.Errorf("exit code %d, want %d and %q in:\n%s", code, tt.code, tt.says, &out)
			}
		})
	}
}
