package render_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/render"
)

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files are those of the long set-up, in another namespace where one is given.
func files(t testing.TB, namespace string) []render.File {
	text := described(t, "long")
	if namespace != "" {
		text = strings.Replace(text, "namespace: gitlab\n", "namespace: "+namespace+"\n", 1)
	}
	return render.Files(complete(t, text), "ci-aws.yaml")
}

func compare(t testing.TB, dir string, all []render.File) render.Plan {
	t.Helper()
	plan, err := render.Compare(dir, all)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func put(t testing.TB, dir string, all []render.File) {
	t.Helper()
	if err := compare(t, dir, all).Write(false); err != nil {
		t.Fatal(err)
	}
}

// states are those of a plan's files that are not as they should be.
func states(p render.Plan) map[string]render.State {
	all := map[string]render.State{}
	for _, f := range p.Files {
		if f.State != render.Unchanged {
			all[f.Path] = f.State
		}
	}
	return all
}

func TestWritingAgainTouchesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "out")
	put(t, dir, files(t, ""))
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, f := range files(t, "") {
		if err := os.Chtimes(filepath.Join(dir, f.Path), old, old); err != nil {
			t.Fatal(err)
		}
	}
	plan := compare(t, dir, files(t, ""))
	if plan.Differs() || plan.Diff(same) != "" {
		t.Errorf("differs: %v", states(plan))
	}
	put(t, dir, files(t, ""))
	for _, f := range files(t, "") {
		if info, err := os.Stat(filepath.Join(dir, f.Path)); err != nil || !info.ModTime().Equal(old) {
			t.Errorf("%s was written again: %v", f.Path, err)
		}
	}
}

func same(line string) string { return line }

func TestAnEditedFileKeepsAllFromBeingWritten(t *testing.T) {
	for name, edit := range map[string]func(old string) string{
		"SETUP.md":                                     func(old string) string { return old + "our own words\n" },
		"helm/values.yaml":                             func(old string) string { return strings.Replace(old, "gitlab-jobs", "gitlab-job", 1) },
		"iam/k8s-irsa-gitlab-jobs.trust.json":          func(old string) string { return strings.Replace(old, "gitlab-jobs", "*", 1) },
		"kubernetes/service-accounts.yaml":             func(string) string { return "" },
		"terraform/runner.tf":                          func(old string) string { _, rest, _ := strings.Cut(old, "\n"); return rest },
		render.Manifest:                                func(string) string { return "{" },
		"iam/k8s-irsa-gitlab-runner-common.trust.json": func(old string) string { return old + "\n" },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, files(t, ""))
			edited := edit(read(t, dir, name))
			write(t, dir, name, edited)
			before := tree(t, dir)
			plan := compare(t, dir, files(t, "other"))
			err := plan.Write(false)
			if refused, ok := errors.AsType[*render.EditedError](err); !ok || !slices.Contains(refused.Paths, name) {
				t.Fatalf("%v", err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("something was written (-before +after):\n%s", diff)
			}
			if err := plan.Write(true); err != nil {
				t.Fatal(err)
			}
			want := byPath(files(t, "other"))
			if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
				t.Errorf("with force (-want +got):\n%s", diff)
			}
		})
	}
}

func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.Walk(dir, func(file string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		all[filepath.ToSlash(name)] = read(t, dir, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsOursIsReplaced(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, files(t, ""))
	put(t, dir, files(t, "other"))
	if diff := cmp.Diff(byPath(files(t, "other")), tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAFileOfSomebodyElseIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "helm/values.yaml", "gitlabUrl: x\n")
	write(t, dir, "iam/k8s-irsa-gitlab-jobs.trust.json", "{}\n")
	err := compare(t, dir, files(t, "")).Write(false)
	want := `edited by hand, or not written by ci-aws: helm/values.yaml, iam/k8s-irsa-gitlab-jobs.trust.json`
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestFilesThatAreAskedForNoMoreAreNamedAndLeft(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, files(t, ""))
	text := strings.Replace(described(t, "long"), "gitlab-jobs, role: k8s-irsa-gitlab-jobs", "deploy, role: deploy", 1)
	fewer := render.Files(complete(t, text), "ci-aws.yaml")
	want := []string{"iam/k8s-irsa-gitlab-jobs.trust.json", "kubernetes/debug-pod-gitlab-jobs.yaml"}
	plan := compare(t, dir, fewer)
	if diff := cmp.Diff(want, plan.Stale); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := plan.Write(false); err != nil {
		t.Fatal(err)
	}
	read(t, dir, want[0])
}

func TestALinkDoesNotLeadOutOfTheFolder(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "iam")); err != nil {
		t.Fatal(err)
	}
	plan, err := render.Compare(dir, files(t, ""))
	if err == nil {
		err = plan.Write(true)
	}
	if err == nil || len(tree(t, outside)) > 0 {
		t.Errorf("%v, outside: %v", err, tree(t, outside))
	}
}

func TestTheDiffIsWhatPatchTakes(t *testing.T) {
	if _, err := exec.LookPath("patch"); err != nil {
		t.Skip("patch not installed")
	}
	dir := t.TempDir()
	put(t, dir, files(t, ""))
	write(t, dir, "SETUP.md", "one\n"+read(t, dir, "SETUP.md")+"two\n")
	if err := os.Remove(filepath.Join(dir, "terraform", "bucket.tf")); err != nil {
		t.Fatal(err)
	}
	plan := compare(t, dir, files(t, "other"))
	cmd := exec.CommandContext(t.Context(), "patch", "-p1", "-s", "-F0")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(plan.Diff(same))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, want := tree(t, dir), byPath(files(t, "other"))
	delete(got, render.Manifest)
	delete(want, render.Manifest)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
