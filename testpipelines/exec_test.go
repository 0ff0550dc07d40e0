package testpipelines_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// inSandbox runs a shell script in the sandbox, with the built programs in PATH.
func inSandbox(t *testing.T, script string, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	bin := parts.Build(t, "./cmd/ci-aws", "./testpipelines/sandbox", "./testpipelines/sdkprobe")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "sandbox"), append(flags, "--", "sh", "-c", script)...)
	cmd.Env = []string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestServedCredentialsOutliveASession(t *testing.T) {
	code, out, errs := inSandbox(t, `ci-aws exec --serve -- sh -c 'sdkprobe whoami && sleep 4 && sdkprobe whoami'`, "--session-length", "3s")
	if code != 0 || strings.Count(out, "assumed-role/k8s-irsa-gitlab-jobs/") != 2 {
		t.Errorf("code %d\n%s\n%s", code, out, errs)
	}
	// Without it the same job ends with its session.
	code, out, errs = inSandbox(t, `ci-aws exec --isolate -- sh -c 'sdkprobe whoami && sleep 4 && sdkprobe whoami'`, "--session-length", "3s")
	if code == 0 || strings.Count(out, "assumed-role/k8s-irsa-gitlab-jobs/") != 1 {
		t.Errorf("a session of 3s lasted for more: code %d\n%s\n%s", code, out, errs)
	}
}

func TestExecIsAFilterThatBehaves(t *testing.T) {
	tests := []struct {
		name, script string
		code         int
		want         string
	}{
		{"a signal to ci-aws reaches the command, whose code is ours", `ci-aws exec -- sh -c 'trap "echo trapped; exit 9" TERM; echo ready >ready; while :; do sleep 0.05; done' & p=$!; while [ ! -e ready ]; do sleep 0.05; done; kill -TERM $p; wait $p`, 9, "trapped\n"},
		{"a grandchild that keeps the pipe does not hang it", `ci-aws exec -- sh -c 'sleep 60 & echo done'`, 0, "done\n"},
		{"a reader that is gone ends it", `ci-aws exec -- yes | head -n 1`, 0, "y\n"},
		{"an ignored hangup stays ignored", `trap "" HUP; ci-aws exec -- sh -c 'kill -HUP $PPID; sleep 0.2; echo alive'`, 0, "alive\n"},
		{"standard input passes through", `printf 'a\0b' | ci-aws exec -- od -An -c`, 0, "   a  \\0   b\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := inSandbox(t, "cd \"$HOME\"\n"+tt.script)
			if code != tt.code || out != tt.want {
				t.Errorf("code %d, want %d; stdout %q, want %q\n%s", code, tt.code, out, tt.want, errs)
			}
		})
	}
}

func TestASignalDuringTheExchangeIsNoVerdict(t *testing.T) {
	bin := parts.Build(t, "./cmd/ci-aws", "./testpipelines/sandbox")
	for _, sent := range []os.Signal{syscall.SIGTERM, os.Interrupt, syscall.SIGHUP, syscall.SIGQUIT} {
		// An address that takes a connection and never answers.
		listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with the test
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "sandbox"), "--", "ci-aws", "env", "--endpoint-url", "http://"+listener.Addr().String())
		cmd.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(sent); err != nil { // which the sandbox passes on
			t.Fatal(err)
		}
		_ = cmd.Wait()
		_ = conn.Close()
		if code := cmd.ProcessState.ExitCode(); code != 3 || out.String() != "false\n" || !strings.Contains(errs.String(), "ci-aws: error: interrupted\n") {
			t.Errorf("%v: code %d, stdout %q\n%s", sent, code, out.String(), errs.String())
		}
	}
}
