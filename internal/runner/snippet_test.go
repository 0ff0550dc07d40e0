package runner_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// hostile are names that would do something if they were not encoded.
var hostile = []string{
	"gitlab-jobs", "", `"`, `\`, `a"` + "\n[[runners]]\ntoken = \"x", "'; touch pwned; '", "$(touch pwned)", "`touch pwned`", "a\nb\r\nc", "\x00\x1b[31m\x7f", "--kubeconfig=x",
	"section_start:1:x", "a\u202Eb", "日本 😀", "!!", "a b\tc", "*", "${IFS}", "\\u0061", "\U0010FFFF", "\u2028", "'''", `"""`, "{{ .Values.x }}", "a.b+c",
}

func TestSnippetsAreWhatAPersonPastes(t *testing.T) {
	got := []string{
		runner.ServiceAccountLines("gitlab-jobs"), runner.OverwriteLines("gitlab-jobs"), runner.OverwriteLines("a.b", "c"), runner.FSGroupLines(65533),
		runner.RoleLines("arn:aws:iam::123456789012:role/cache"), runner.AnnotateCommand("gitlab", "gitlab-jobs", "arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs"),
	}
	want := []string{
		"[[runners]]\n  [runners.kubernetes]\n    service_account = \"gitlab-jobs\"\n",
		"[[runners]]\n  [runners.kubernetes]\n    service_account_overwrite_allowed = \"^gitlab-jobs$\"\n",
		"[[runners]]\n  [runners.kubernetes]\n    service_account_overwrite_allowed = \"^(a\\\\.b|c)$\"\n",
		"[[runners]]\n  [runners.kubernetes.pod_security_context]\n    fs_group = 65533\n",
		"[[runners]]\n  [runners.cache.s3]\n    RoleARN = \"arn:aws:iam::123456789012:role/cache\"\n",
		"kubectl annotate --overwrite --namespace=gitlab serviceaccount/gitlab-jobs eks.amazonaws.com/role-arn=arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := only(t, runner.FSGroupLines(65533)).Kubernetes.PodSecurityContext.FSGroup; got != (runner.Value{Text: "65533", At: place(3, 16)}) {
		t.Errorf("fs_group = %v", got)
	}
}

// checkLines reads back what the writer of lines made of a name.
func checkLines(t *testing.T, name string) bool {
	t.Helper()
	name = strings.ToValidUTF8(name, "\uFFFD")
	lines := runner.ServiceAccountLines(name)
	if regexp.MustCompile(`[^\n[:print:]\p{L}\p{N}\p{P}\p{S}\p{M}]|section_start:`).MatchString(lines) {
		t.Errorf("%q does not print in full", lines)
		return false
	}
	r := only(t, lines)
	if want := (runner.Value{Text: name, At: place(3, 23)}); r.Kubernetes.ServiceAccount != want {
		t.Errorf("service_account = %q, want %q", r.Kubernetes.ServiceAccount, want)
		return false
	}
	if want := (runner.Value{Text: name, At: place(3, 15)}); only(t, runner.RoleLines(name)).Cache.S3.RoleARN != want {
		t.Errorf("RoleARN does not come back as %q", want)
		return false
	}
	allowed := only(t, runner.OverwriteLines(name, "other")).JobAccount()
	if !allowed.Allows(name) || !allowed.Allows("other") || allowed.Allows(name+"x") || allowed.Allows("x"+name) {
		t.Errorf("%q allows another set than %q and other", allowed.Overwrite.Text, name)
		return false
	}
	return true
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, name := range hostile {
		checkLines(t, name)
	}
	if err := quick.Check(func(name string) bool { return checkLines(t, name) }, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

func FuzzLines(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) { checkLines(t, name) })
}

// TestTheCommandExecutesNothing runs it in a real shell, where kubectl prints
// its arguments.
func TestTheCommandExecutesNothing(t *testing.T) {
	bin, work := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "kubectl"), []byte("#!/bin/sh\nprintf '<%s>' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range hostile {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", runner.AnnotateCommand(name, name, name))
		cmd.Dir, cmd.Env = work, []string{"PATH=" + bin}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v: %s", name, err, out)
		}
		args := regexp.MustCompile(`(?s)^<annotate><--overwrite><--namespace=(.*)><serviceaccount/(.*)><eks.amazonaws.com/role-arn=(.*)>$`).FindStringSubmatch(string(out))
		if args == nil || args[1] != args[2] || args[2] != args[3] || strings.ContainsAny(args[1], "\x00\x1b\n\r\t") {
			t.Errorf("%q gives the arguments %q", name, out)
		}
		if name == "$(touch pwned)" && args[1] != name {
			t.Errorf("%q became %q", name, args[1])
		}
	}
	left, err := os.ReadDir(work)
	if err != nil || len(left) != 0 {
		t.Errorf("the command left %v (%v)", left, err)
	}
}
