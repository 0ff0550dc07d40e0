package runner_test

import (
	"fmt"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// TestAnAllowListThatIsNoneShowsWhoItLetsPass: each expression is followed by a
// name that it admits and should not, and by the list that takes its place.
func TestAnAllowListThatIsNoneShowsWhoItLetsPass(t *testing.T) {
	tests := []struct{ name, account, pattern, stranger, list string }{
		{"a prefix", "gitlab-jobs", "^gitlab-", "gitlab-x", "^gitlab-jobs$"},
		{"a prefix and anything", "gitlab-jobs", "gitlab-.*", "gitlab-x", "^gitlab-jobs$"},
		{"a prefix and anything, anchored", "gitlab-jobs", "^(gitlab-.*)$", "gitlab-x", "^gitlab-jobs$"},
		{"the prefix's account is the stranger", "gitlab-x", "^gitlab-.*$", "gitlab-x-x", "^gitlab-x$"},
		{"a class", "gitlab-jobs", `^gitlab-[a-z]+$`, "gitlab-x", "^gitlab-jobs$"},
		{"numbers", "gitlab-jobs", `^team-\d{2}$`, "team-77", "^gitlab-jobs$"},
		{"any letter case", "gitlab-jobs", "(?i)^gitlab-jobs$", "", "^gitlab-jobs$"},
		{"a dot that is any character", "gitlab.jobs", "^gitlab.jobs$", "gitlabxjobs", `^gitlab\.jobs$`},
		{"one branch of two", "gitlab-jobs", "^(gitlab-jobs|team-.*)$", "team-x", "^gitlab-jobs$"},
		{"names without anchors", "gitlab-jobs", "gitlab-jobs|gitlab-deploy", "gitlab-jobs-x", "^(gitlab-jobs|gitlab-deploy)$"},
		{"names, one without its end", "gitlab-jobs", "^gitlab-jobs$|^team", "team-x", "^(gitlab-jobs|team)$"},
		{"any name", "gitlab-jobs", ".", "x", "^gitlab-jobs$"},
		{"an account that nothing names", "", "^gitlab-.*$", "gitlab-x", "^SERVICE-ACCOUNT$"},
		{"an account that is none", "gitlab/jobs", "^gitlab-.*$", "gitlab-x", "^SERVICE-ACCOUNT$"},
		{"a name as long as the text", "gitlab-jobs", "^" + strings.Repeat("(a|b)", 40) + "x*$", strings.Repeat("a", 40) + "x", "^gitlab-jobs$"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := runner.Runner{Kubernetes: runner.Kubernetes{
				ServiceAccount: runner.Value{Text: tt.account}, ServiceAccountOverwriteAllowed: runner.Value{Text: tt.pattern},
			}}
			f := r.Findings()[2]
			if f.ID != "runner-overwrite" || f.Status != report.Warn {
				t.Fatalf("%s %s: %s", f.Status, f.ID, f.Cause)
			}
			stranger := ""
			if len(f.Evidence) > 1 {
				stranger = f.Evidence[1].Text
			}
			if stranger != tt.stranger || stranger != "" && !r.JobAccount().Allows(stranger) {
				t.Errorf("lets pass %q, want %q", stranger, tt.stranger)
			}
			if want := runner.OverwriteLines("x"); len(f.Paste) != 1 || f.Paste[0].Text != strings.Replace(want, `"^x$"`, fmt.Sprintf("%q", tt.list), 1) {
				t.Errorf("paste %+v, want the list %s", f.Paste, tt.list)
			}
			// What is pasted is good, and admits nobody else.
			mended := runner.Runner{Kubernetes: runner.Kubernetes{
				ServiceAccount: r.Kubernetes.ServiceAccount, ServiceAccountOverwriteAllowed: only(t, f.Paste[0].Text).Kubernetes.ServiceAccountOverwriteAllowed,
			}}
			if f := mended.Findings()[2]; f.Status != report.OK {
				t.Errorf("after the paste: %s %s", f.Status, f.Cause)
			}
			for _, name := range []string{"gitlab-runner-common", stranger} {
				if mended.JobAccount().Allows(name) {
					t.Errorf("the paste admits %q", name)
				}
			}
		})
	}
}

// FuzzWhatIsCalledAListNamesItsAccounts: an expression that holds lets no name
// pass that its text does not spell.
func FuzzWhatIsCalledAListNamesItsAccounts(f *testing.F) {
	for _, s := range []string{"^(a|b)$", "^gitlab-.*$", "^a$|^b$", `\Aa\.b\z`, "^(a|ab|abc)$", "(?i)^a$", "^a\n$", "", "^$", "^((a|b)(c|d))$", "^a$b", "\xff"} {
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		r := runner.Runner{Kubernetes: runner.Kubernetes{ServiceAccountOverwriteAllowed: runner.Value{Text: pattern}}}
		for _, found := range r.Findings() {
			if found.ID != "runner-overwrite" || found.Status != report.OK || strings.Contains(pattern, "{{") {
				continue
			}
			longer := []string{name + "-runner-common", "x" + name, name + "x", "x"}
			for _, n := range append(longer, name) {
				if r.JobAccount().Allows(n) && !inOrder(pattern, n) {
					t.Errorf("%q lets %q pass", pattern, n)
				}
			}
		}
	})
}

// inOrder reports whether the characters of name stand in text, in their order.
func inOrder(text, name string) bool {
	for _, r := range name {
		i := strings.IndexRune(text, r)
		if i < 0 {
			return false
		}
		text = text[i+len(string(r)):]
	}
	return true
}
