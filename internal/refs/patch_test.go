package refs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAPatchIsOfTheRepository reads a set-up from several working directories. The
// names in patches are those that git knows, with the line ends of the file, and
// there is no patch for what stands outside.
func TestAPatchIsOfTheRepository(t *testing.T) {
	const broken = "    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-job"
	for _, c := range []struct{ name, git, wd, path, end, want string }{
		{"in the root of the repository", ".", ".", "setup", "\n", "setup/jobs.yaml"},
		{"in a folder of the repository", ".", "setup", ".", "\n", "setup/jobs.yaml"},
		{"in a folder beside it", ".", "docs", "../setup", "\n", "setup/jobs.yaml"},
		{"by an absolute path", ".", "docs", "/", "\n", "setup/jobs.yaml"},
		{"without a repository", "", ".", "setup", "\n", "setup/jobs.yaml"},
		{"outside of the repository", "docs", "docs", "../setup", "\n", ""},
		{"with the line ends of Windows", ".", ".", "setup", "\r\n", "setup/jobs.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range folder(t, "testdata/jobs") {
				if name == "jobs.yaml" {
					text = strings.Replace(text, broken[:len(broken)-1]+"bs", broken, 1)
					text = strings.ReplaceAll(text, "\n", c.end)
				}
				write(t, filepath.Join(dir, "setup", name), text)
			}
			write(t, filepath.Join(dir, "docs", "x"), "")
			if c.git != "" {
				if err := os.Mkdir(filepath.Join(dir, c.git, ".git"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Chdir(filepath.Join(dir, c.wd))
			if c.path == "/" {
				c.path = filepath.Join(dir, "setup")
			}
			want := ""
			if c.want != "" {
				want = "--- a/" + c.want + "\n+++ b/" + c.want + "\n@@ -7 +7 @@\n-" + broken + strings.TrimSuffix(c.end, "\n") + "\n+" + broken + "s" + strings.TrimSuffix(c.end, "\n") + "\n"
			}
			got := ""
			for _, f := range Check(read(t, nil, c.path), Options{}).Report.Findings() {
				for _, s := range f.Paste {
					got += s.Text
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			if want == "" {
				return
			}
			cmd := exec.CommandContext(t.Context(), "git", "apply", "--unidiff-zero", "--check", "-")
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(got)
			cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
			_ = os.Remove(filepath.Join(dir, c.git, ".git"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
