package testpipelines_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

func TestDemoShowsWhatItSays(t *testing.T) {
	bin := parts.Build(t, "./cmd/ci-aws", "./testpipelines/sandbox", "./testpipelines/sdkprobe")
	demo := func(t *testing.T, flags ...string) (int, string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "sandbox"), append(flags, "--", "sh", "demo.sh")...)
		cmd.Env = []string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir()}
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), output.String()
	}

	t.Run("all is well, the broken trust policy is named, and its fix mends it", func(t *testing.T) {
		code, output := demo(t)
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		rest := output
		for _, want := range []string{
			"assumed-role/k8s-irsa-gitlab-jobs/", "wrote, read back and deleted", "the secret key is [MASKED]\n",
			"$ sandbox --trust-sub", "  fail     role-trusts-token: ", "fix: ", "as JSON:\n{\n", "1 fail", "(exit code 1, as it should be)",
			"$ sandbox --trust-policy", "the role trusts this token: arn:", " hold (",
		} {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Fatalf("after what came before it, no %q in:\n%s", want, output)
			}
			rest = after
		}
	})

	t.Run("a trust policy of another service account turns it red", func(t *testing.T) {
		if code, output := demo(t, "--trust-sub", "system:serviceaccount:gitlab:gitlab-runner"); code != 1 {
			t.Errorf("exit code %d:\n%s", code, output)
		}
	})
}
