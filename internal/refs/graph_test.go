package refs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// TestThePictureOfTheReferenceSetUp compares tree and flowchart with testdata/graph:
// of what holds, and of the set-up with a slip and a file too few.
func TestThePictureOfTheReferenceSetUp(t *testing.T) {
	broken := folder(t, "testdata/jobs")
	broken["jobs.yaml"] = strings.Replace(broken["jobs.yaml"], "role/k8s-irsa-gitlab-jobs", "role/k8s-irsa-gitlab-job", 1)
	delete(broken, "runner-role.json")
	delete(broken, "runner-policy.json")
	for name, files := range map[string]map[string]string{"short": folder(t, "testdata/short"), "long": folder(t, "testdata/long"), "jobs": folder(t, "testdata/jobs"), "broken": broken} {
		g := Check(setOf(t, files), Options{}).Graph
		for ext, got := range map[string]string{".txt": g.Tree(), ".mmd": g.Mermaid()} {
			file := filepath.Join("testdata", "graph", name+ext)
			if *updateCheck {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s -want +got\n%s", file, diff)
			}
		}
	}
}

// TestAHostileNameDoesNothing has names that would end a label, a line or a patch.
func TestAHostileNameDoesNothing(t *testing.T) {
	files := folder(t, "testdata/jobs")
	for _, name := range []string{`"];click n0 "javascript:alert(1)"`, "a\\n--- a/b\\n+++ b/c", `x\u001b[2Jsection_start:1:y`, "<script>alert(1)</script>", "`%0a|"} {
		files["jobs.yaml"] = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: \"" + strings.ReplaceAll(name, `"`, `\"`) + "\"\n  namespace: gitlab\n  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs\n"
		r := Check(setOf(t, files), Options{})
		if r.Report.Verdict() != report.Fail {
			t.Errorf("%q: nothing fails", name)
		}
		picture := r.Graph.Mermaid()
		for _, bad := range []string{"<script", "javascript:alert(1)", "`", `"]`} {
			if n := strings.Count(strings.ReplaceAll(picture, "\"]\n", ""), bad); n > 0 {
				t.Errorf("%q: the picture has %q\n%s", name, bad, picture)
			}
		}
		for _, text := range []string{r.Graph.Tree(), r.Report.Text(report.TextOptions{})} {
			if strings.ContainsAny(text, "\x1b\r") || strings.Contains(text, "section_start:") {
				t.Errorf("%q commands the terminal:\n%s", name, text)
			}
		}
		for _, f := range r.Report.Findings() {
			for _, s := range f.Paste {
				if strings.Count(s.Text, "\n--- ") > 0 && s.For == "the change, as a patch" && !strings.Contains(s.Text, "@@\n") {
					t.Errorf("%q makes a patch\n%s", name, s.Text)
				}
			}
		}
	}
}

func TestTheKindThatABindingNamesDoesNothingEither(t *testing.T) {
	r := Check(setOf(t, map[string]string{"binding.yaml": "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: gitlab}\n" +
		"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: \"Role\\e[31m\\nsection_start:1:x\\r\", name: r}\n" +
		"subjects: [{kind: ServiceAccount, name: gitlab-runner, namespace: gitlab}]\n"}), Options{})
	for _, shown := range []string{r.Graph.Tree(), r.Graph.Mermaid()} {
		if strings.ContainsAny(shown, "\x1b\r") || strings.Contains(shown, "section_start:") || !strings.Contains(shown, "31m") {
			t.Errorf("the kind commands the terminal, or is not shown:\n%q", shown)
		}
	}
}

// FuzzCheck judges whatever stands in a file beside the reference set-up.
func FuzzCheck(f *testing.F) {
	base := folder(f, "testdata/jobs")
	for _, text := range base {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set := setOf(t, base)
		set.add(parse("fuzz", []byte(text), false))
		set.join()
		r := Check(set, Options{Closed: true})
		for _, shown := range []string{r.Report.Text(report.TextOptions{}), r.Graph.Tree(), r.Graph.Mermaid()} {
			if strings.ContainsAny(shown, "\x00\x1b\r\u202e") || strings.Contains(shown, "section_start:") {
				t.Errorf("%q", shown)
			}
		}
		for _, found := range r.Report.Findings() {
			if strings.Contains(found.Cause, "(not known)") || strings.Contains(found.Fix(), "(not known)") {
				t.Errorf("a gap: %s\n%s", found.Cause, found.Fix())
			}
		}
	})
}
