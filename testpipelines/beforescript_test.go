package testpipelines_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"gitlab.com/ci-aws/ci-aws/internal/cli"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// shells are those in which a job of ours may run, each as the start of a
// command line that ends in a script.
func shells(t *testing.T) map[string][]string {
	t.Helper()
	return map[string][]string{
		"dash": {"dash", "-c"},
		"ash":  {"busybox", "ash", "-c"},
		"bash": {"bash", "-c"},
	}
}

// beforeScript is the text of .ci-aws's before_script.
func beforeScript(t *testing.T) string {
	t.Helper()
	file, err := os.Open("../templates/ci-aws.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var head any
	var jobs map[string]struct {
		BeforeScript []string `yaml:"before_script"`
	}
	decoder := yaml.NewDecoder(file)
	if err := errors.Join(decoder.Decode(&head), decoder.Decode(&jobs)); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(jobs[".$[[ inputs.job-prefix ]]"].BeforeScript, "\n")
	if !strings.Contains(text, "ci-aws env") {
		t.Fatalf("no before_script in templates/ci-aws.yml: %q", text)
	}
	return text
}

const planted = "planted/secret key"

// TestTheBeforeScriptWorksInEveryShellOfAJob runs it with a ci-aws that prints
// what the test says, under the options that a job's own script may have set.
func TestTheBeforeScriptWorksInEveryShellOfAJob(t *testing.T) {
	const after = `
echo "key: $AWS_SECRET_ACCESS_KEY"
case $- in *x*) set +x; echo "xtrace is on" ;; esac
set | grep -i '^ci_aws' | grep -v '^CI_AWS_EXTENDS=' || true
`
	type result struct {
		Code   int
		Stdout string
	}
	const ours = `#!/bin/sh
[ "$1" != --version ] || { echo "ci-aws version ` + cli.Version + `"; exit; }
`
	works := ours + `echo "export AWS_SECRET_ACCESS_KEY='` + planted + `'"
`
	tests := []struct {
		name, prelude, program string
		want                   result
		stderr                 string
	}{
		{"a plain shell", "", works, result{0, "key: " + planted + "\n"}, ""},
		{"set -eu", "set -eu", works, result{0, "key: " + planted + "\n"}, ""},
		{"pipefail, where the shell has it", "(set -o pipefail) 2>/dev/null && set -o pipefail; set -eu", works, result{0, "key: " + planted + "\n"}, ""},
		{"xtrace is restored, and shows no secret", "set -x", works, result{0, "key: " + planted + "\nxtrace is on\n"}, ""},
		{"a refusal ends the job", "", ours + "echo 'the role does not trust you' >&2\necho false\nexit 1\n", result{1, ""}, "the role does not trust you\n"},
		{"no verdict ends the job with its own code", "set -eu", ours + "echo false\nexit 3\n", result{3, ""}, ""},
	}
	script := beforeScript(t)
	for shell, command := range shells(t) {
		t.Run(shell, func(t *testing.T) {
			command = append([]string{parts.Program(t, command[0])}, command[1:]...)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					path := t.TempDir()
					for _, tool := range []string{"sh", "grep"} {
						if err := os.Symlink(parts.Program(t, tool), filepath.Join(path, tool)); err != nil {
							t.Fatal(err)
						}
					}
					if tt.program != "" {
						if err := os.WriteFile(filepath.Join(path, "ci-aws"), []byte(tt.program), 0o700); err != nil {
							t.Fatal(err)
						}
					}
					cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], tt.prelude+"\n"+script+after)...)
					cmd.Env = []string{"PATH=" + path, "CI_AWS_EXTENDS=.ci-aws"}
					var stdout, stderr bytes.Buffer
					cmd.Stdout, cmd.Stderr = &stdout, &stderr
					if err := cmd.Run(); cmd.ProcessState == nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(tt.want, result{cmd.ProcessState.ExitCode(), stdout.String()}); diff != "" {
						t.Errorf("result (-want +got):\n%s", diff)
					}
					traced, _, _ := strings.Cut(stderr.String(), "+ echo")
					if strings.Contains(traced, planted) {
						t.Errorf("the secret is in the trace:\n%s", traced)
					}
					if tt.prelude != "set -x" && stderr.String() != tt.stderr {
						t.Errorf("stderr is %q, want %q", stderr.String(), tt.stderr)
					}
				})
			}
		})
	}
}
