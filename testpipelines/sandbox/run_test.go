package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// build compiles a program of this repository.
func build(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", file, "../"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// play runs the sandbox in this process.
func play(t *testing.T, environ []string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, streams{strings.NewReader("from stdin"), &stdout, &stderr}, append(environ, "PATH="+os.Getenv("PATH")))
	return code, stdout.String(), stderr.String()
}

func TestAnySDKProgramHasTheJobsRole(t *testing.T) {
	probe := build(t, "sdkprobe")
	for _, c := range []struct {
		name        string
		args        []string
		code        int
		out, errors string
	}{
		{"irsa", []string{probe, "whoami"}, 0, `"arn":"arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/`, ""},
		{"pod identity", []string{"--pod-identity", probe, "whoami"}, 0, `"arn":"arn:aws:sts::123456789012:assumed-role/pod-identity-jobs/eks-runner-abc123-`, ""},
		{"the bucket", []string{"--", probe, "roundtrip", "s3://my-super-duper-gitlab-runner-cache/a/b"}, 0, "s3://my-super-duper-gitlab-runner-cache/a/b: wrote, read back and deleted 65536 bytes\n", ""},
		{"another bucket", []string{probe, "roundtrip", "s3://other/k"}, 1, "", "NoSuchBucket"},
		{"a trust policy with another sub", []string{"--trust-sub", "system:serviceaccount:gitlab:gitlab-job", probe, "whoami"}, 1, "", "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		{"a trust policy of a file that is not there", []string{"--trust-policy", "/none", probe, "whoami"}, 125, "", "/none: no such file"},
		{"another audience", []string{"--audience", "sts.amazon.com", probe, "whoami"}, 1, "", "InvalidIdentityToken: Incorrect token audience"},
		{"another account", []string{"--account", "210987654321", probe, "whoami"}, 1, "", "No OpenIDConnect provider found in your account"},
		{"an old token", []string{"--token-age", "25h", probe, "whoami"}, 1, "", "Token expired: current date/time"},
		{"a replayed answer", []string{"--replay", "thumbprint", probe, "whoami"}, 1, "", "certificate doesn't match configured thumbprint"},
		{"an answer replayed once", []string{"--replay", "throttled", "--replay-times", "1", probe, "whoami"}, 0, "assumed-role", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := play(t, nil, c.args...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errors) || (code != 0 && out != "") {
				t.Errorf("code %d, stdout %q, stderr %q", code, out, errs)
			}
		})
	}
}

func TestTheCommandHasAJobPodsEnvironment(t *testing.T) {
	inherited := []string{"AWS_ACCESS_KEY_ID=AKIAOLD", "AWS_PROFILE=old", "AWS_ROLE_ARN=old", "CI_JOB_ID=99", "OTHER=kept"}
	code, out, errs := play(t, inherited, "--gitlab-token", "env")
	if code != 0 || errs != "" {
		t.Fatalf("code %d, %s", code, errs)
	}
	env := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	for name, want := range map[string]string{
		"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs", "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
		"AWS_STS_REGIONAL_ENDPOINTS": "regional", "CI_AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/gitlab-oidc-jobs",
		"CI_JOB_ID": "99", "CI_PROJECT_PATH": "group/project", "GITLAB_CI": "true", "OTHER": "kept",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	for name := range env {
		if strings.HasPrefix(name, "AWS_") && (strings.Contains(name, "KEY") || strings.Contains(name, "PROFILE")) {
			t.Errorf("%s was inherited", name)
		}
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_S3"} {
		if !strings.HasPrefix(env[name], "http://127.0.0.1:") {
			t.Errorf("%s is %q", name, env[name])
		}
	}
	if strings.Count(env["CI_AWS_ID_TOKEN"], ".") != 2 {
		t.Error("no ID token")
	}
	if _, err := os.Stat(env["AWS_WEB_IDENTITY_TOKEN_FILE"]); !os.IsNotExist(err) {
		t.Errorf("the token is still there: %v", err)
	}
}

func TestTheTokenIsALinkAsKubeletMakesIt(t *testing.T) {
	code, out, _ := play(t, nil, "sh", "-c", `readlink "$AWS_WEB_IDENTITY_TOKEN_FILE"; stat -L -c %a "$AWS_WEB_IDENTITY_TOKEN_FILE"; tr -cd . <"$AWS_WEB_IDENTITY_TOKEN_FILE"`)
	if want := "..data/token\n600\n.."; code != 0 || out != want {
		t.Errorf("code %d, %q, want %q", code, out, want)
	}
}

func TestStreamsAndExitCodesAreTheCommandsOwn(t *testing.T) {
	for _, c := range []struct {
		name      string
		args      []string
		code      int
		out, errs string
	}{
		{"success", []string{"sh", "-c", "cat; echo talk >&2"}, 0, "from stdin", "talk\n"},
		{"failure", []string{"sh", "-c", "exit 3"}, 3, "", ""},
		{"a signal", []string{"sh", "-c", "kill -TERM $$"}, 143, "", ""},
		{"its flags are not ours", []string{"echo", "--replay", "x"}, 0, "--replay x\n", ""},
		{"not found", []string{"no-such-command"}, 127, "", `sandbox: error: exec: "no-such-command": executable file not found in $PATH` + "\n"},
		{"not to be run", []string{"/"}, 126, "", "sandbox: error: exec: \"/\": is a directory\n"},
		{"no command", nil, 125, "", "sandbox: error: no command given\n"},
		{"no such vector", []string{"--replay", "x", "true"}, 125, "", "sandbox: error: no vector \"x\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := play(t, nil, c.args...)
			if code != c.code || out != c.out || errs != c.errs {
				t.Errorf("code %d, stdout %q, stderr %q", code, out, errs)
			}
		})
	}
}

func TestASignalReachesTheCommandAndNothingIsLeft(t *testing.T) {
	sandbox, temp := build(t, "sandbox"), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, sandbox, "sh", "-c", `trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.05; done`)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	lines.Scan()
	if got := lines.Text(); got != "got it" {
		t.Errorf("the command printed %q", got)
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		t.Errorf("%v, want the command's exit code 7", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
