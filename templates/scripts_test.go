package templates_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/cli"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// beforeScript is that of a hidden job, by what follows the prefix in its name.
func beforeScript(t *testing.T, suffix string) string {
	t.Helper()
	text := flat(all(t)["ci-aws"].body[".$[[ inputs.job-prefix ]]"+suffix]["before_script"])
	if text == "" {
		t.Fatalf("no before_script for %q", suffix)
	}
	return text
}

type outcome struct {
	Code           int
	Stdout, Stderr string
}

// runScript runs a script with a ci-aws of this version in PATH that, asked for
// anything but its version, runs the program's lines.
func runScript(t *testing.T, shell []string, program, script string, env map[string]string) outcome {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range []string{"sh", "grep"} {
		if err := os.Symlink(parts.Program(t, tool), filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	program = "#!/bin/sh\n[ \"$1\" != --version ] || { echo \"ci-aws version " + cli.Version + "\"; exit; }\n" + program
	if err := os.WriteFile(filepath.Join(bin, "ci-aws"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), parts.Program(t, shell[0]), append(shell[1:], script)...)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	cmd.Env = append(cmd.Env, "PATH="+bin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestAJobThatTakesABeforeScriptWithoutItsVariablesIsToldToExtend(t *testing.T) {
	const notExtended = `ci-aws: error: this job takes the before_script of .ci-aws but does not extend it
ci-aws: hint: extend .ci-aws too: its variables carry the component's inputs
`
	const notProfile = `ci-aws: error: this job takes the before_script of .ci-aws-profile but does not extend it
ci-aws: hint: extend .ci-aws-profile: its variables name the AWS config file, for after_script too
`
	tests := []struct {
		name, suffix, extends, want string
	}{
		{".ci-aws, extending nothing", "", "", notExtended},
		{".ci-aws-profile, extending nothing", "-profile", "", notExtended},
		{".ci-aws-profile, extending .ci-aws", "-profile", ".ci-aws", notProfile},
		{".ci-aws-oidc-profile, extending .ci-aws-oidc", "-oidc-profile", ".ci-aws-oidc", notProfile},
	}
	inEveryShell(t, func(t *testing.T, shell []string) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				env := map[string]string{}
				if tt.extends != "" {
					env["CI_AWS_EXTENDS"] = tt.extends
				}
				got := runScript(t, shell, "echo called >&2\n", "set -eu\n"+beforeScript(t, tt.suffix)+"echo goes on\n", env)
				if diff := cmp.Diff(outcome{1, "", tt.want}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	})
}

func TestASettingOfTheInstallStepThatAVariableOutranksIsSaid(t *testing.T) {
	tests := []struct {
		name, is, input string // CI_AWS_BINARY_URL and the input
		want            string
	}{
		{"another value", "https://user:word@other.example.com", "https://mirror.example.com", "ci-aws: warning: CI_AWS_BINARY_URL is not what the component's input binary-url says: the variable outranks it\n"},
		{"the same", "https://mirror.example.com", "https://mirror.example.com", ""},
		{"an input alone", "", "https://mirror.example.com", ""},
		{"a variable alone", "https://mirror.example.com", "", ""},
	}
	inEveryShell(t, func(t *testing.T, shell []string) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				env := map[string]string{
					"CI_AWS_EXTENDS": ".ci-aws", "CI_AWS_BINARY_URL": tt.is, "CI_AWS_INPUT_BINARY_URL": tt.input,
					"CI_AWS_WANT_VERSION": "any", "CI_AWS_INPUT_WANT_VERSION": "any", "CI_AWS_BINARY_PROJECT": "mirrors/ci-aws",
				}
				got := runScript(t, shell, "echo export A=b\n", "set -eu\n"+beforeScript(t, ""), env)
				if diff := cmp.Diff(outcome{0, "", tt.want}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	})
}

// TestTheInstallStepTakesAVariableAndElseTheInput sees which value of version is
// refused.
func TestTheInstallStepTakesAVariableAndElseTheInput(t *testing.T) {
	const refused = "ci-aws: error: reading CI_AWS_WANT_VERSION: it is neither empty nor any\n"
	tests := []struct {
		name, is, input string
		refused         bool
	}{
		{"the input", "", "old", true},
		{"a variable outranks it", "any", "old", false},
		{"a variable that is wrong, and is said to outrank it", "old", "any", true},
		{"neither", "", "", false},
	}
	inEveryShell(t, func(t *testing.T, shell []string) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				env := map[string]string{"CI_AWS_EXTENDS": ".ci-aws", "CI_AWS_WANT_VERSION": tt.is, "CI_AWS_INPUT_WANT_VERSION": tt.input}
				got := runScript(t, shell, "echo export A=b\n", "set -eu\n"+beforeScript(t, "")+"unset A\nset | grep '^CI_AWS_WANT'\n", env)
				if (got.Code == 1) != tt.refused || strings.Contains(got.Stderr, refused) != tt.refused {
					t.Errorf("%+v", got)
				}
				if differ := tt.is != "" && tt.input != "" && tt.is != tt.input; strings.HasPrefix(got.Stderr, "ci-aws: warning: CI_AWS_WANT_VERSION is not what the component's input version says") != differ {
					t.Errorf("the first line is not the warning, or one too many:\n%s", got.Stderr)
				}
			})
		}
	})
}

// isolates is a ci-aws that prints what configure --isolate does.
const isolates = `[ "$CI_AWS_LOG_SECTION $*" = "true configure --isolate --check" ] || exit 7
echo "export AWS_CONFIG_FILE='$AWS_CONFIG_FILE'"
echo "export AWS_REGION='eu-central-1'"
for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_PROFILE AWS_DEFAULT_PROFILE; do
  echo "unset $name"
done
`

// show prints the variables of AWS, and those of ours that should not be left.
const show = `
for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_PROFILE AWS_DEFAULT_PROFILE AWS_CONFIG_FILE AWS_REGION; do
  eval "if [ -n \"\${$name+set}\" ]; then echo \"$name=\$$name\"; fi"
done
set | grep '^ci_aws' || :
`

// asTheRunner is how GitLab Runner reads the file before after_script.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/shells/bash.go (SourceEnv)
const asTheRunner = `if set -o | grep pipefail > /dev/null; then set -o pipefail; fi; set -o errexit
while read -r line; do export "$line"; done < "$GITLAB_ENV"
`

func TestAProfileOutranksEverythingInScriptAndInAfterScript(t *testing.T) {
	pod := map[string]string{
		"CI_AWS_EXTENDS": ".ci-aws-profile", "AWS_CONFIG_FILE": "/tmp/ci-aws-1/config",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/pod",
	}
	leftovers := maps.Clone(pod)
	maps.Copy(leftovers, map[string]string{"AWS_ACCESS_KEY_ID": "left", "AWS_SECRET_ACCESS_KEY": "planted/secret", "AWS_PROFILE": "left", "AWS_REGION": "us-east-1"})
	tests := []struct {
		name, prelude string
		env           map[string]string
		after         string // what after_script sees
	}{
		{"in a pod with a role", "set -eu", pod, "AWS_WEB_IDENTITY_TOKEN_FILE=\nAWS_ROLE_ARN=\n"},
		{"beside what somebody left", "set -eu", leftovers, "AWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY=\nAWS_WEB_IDENTITY_TOKEN_FILE=\nAWS_ROLE_ARN=\nAWS_PROFILE=default\n"},
		{"with pipefail, no glob, and words cut at colons", "(set -o pipefail) 2>/dev/null && set -o pipefail; set -efu; IFS=:", pod, "AWS_WEB_IDENTITY_TOKEN_FILE=\nAWS_ROLE_ARN=\n"},
		{"where nothing is to be taken away", "", map[string]string{"CI_AWS_EXTENDS": ".ci-aws-oidc-profile", "AWS_CONFIG_FILE": "/tmp/ci-aws-1/config"}, ""},
	}
	const kept = "AWS_CONFIG_FILE=/tmp/ci-aws-1/config\nAWS_REGION=eu-central-1\n"
	inEveryShell(t, func(t *testing.T, shell []string) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "gitlab_runner_env")
				if err := os.WriteFile(file, []byte("OWN=a b\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				env := maps.Clone(tt.env)
				env["GITLAB_ENV"] = file
				got := runScript(t, shell, isolates, tt.prelude+"\n"+beforeScript(t, "-profile")+show, env)
				if diff := cmp.Diff(outcome{0, kept, ""}, got); diff != "" {
					t.Errorf("script (-want +got):\n%s", diff)
				}
				got = runScript(t, shell, "", asTheRunner+`echo "OWN=$OWN"`+show, env)
				if diff := cmp.Diff(outcome{0, "OWN=a b\n" + tt.after + kept, ""}, got); diff != "" {
					t.Errorf("after_script (-want +got):\n%s", diff)
				}
			})
		}
	})
}

func TestAProfileWorksWhereTheRunnerOffersNoFileForAfterScript(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		for name, file := range map[string]string{"no such variable": "", "no such file": "/nowhere/at/all", "a folder": "/"} {
			t.Run(name, func(t *testing.T) {
				env := map[string]string{"CI_AWS_EXTENDS": ".ci-aws-profile", "AWS_CONFIG_FILE": "/tmp/c", "AWS_ROLE_ARN": "x", "GITLAB_ENV": file}
				if file == "" {
					delete(env, "GITLAB_ENV")
				}
				got := runScript(t, shell, isolates, "set -eu\n"+beforeScript(t, "-profile")+show, env)
				if diff := cmp.Diff(outcome{0, "AWS_CONFIG_FILE=/tmp/c\nAWS_REGION=eu-central-1\n", ""}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	})
}

func TestAProfileThatCannotBeWrittenEndsTheJobWithTheCodeOfCIAWS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gitlab_runner_env")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"CI_AWS_EXTENDS": ".ci-aws-profile", "AWS_ROLE_ARN": "x", "GITLAB_ENV": file}
	inEveryShell(t, func(t *testing.T, shell []string) {
		got := runScript(t, shell, "echo 'the role does not trust you' >&2\nexit 3\n", beforeScript(t, "-profile")+"echo goes on\n", env)
		if diff := cmp.Diff(outcome{3, "", "the role does not trust you\n"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if text, err := os.ReadFile(file); err != nil || len(text) > 0 {
			t.Errorf("after_script would get %q, %v", text, err)
		}
	})
}

func TestXtraceShowsNothingOfTheScriptsAndIsRestored(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		for _, suffix := range []string{"", "-profile"} {
			env := map[string]string{"CI_AWS_EXTENDS": ".ci-aws" + suffix, "AWS_CONFIG_FILE": "/tmp/c"}
			const program = "echo \"export AWS_SECRET_ACCESS_KEY='planted/secret'\"\n"
			got := runScript(t, shell, program, "set -x\n"+beforeScript(t, suffix)+"case $- in *x*) set +x; echo on ;; esac\n", env)
			if got.Code != 0 || got.Stdout != "on\n" || strings.Contains(got.Stderr, "planted") {
				t.Errorf("%q: %+v", suffix, got)
			}
		}
	})
}
