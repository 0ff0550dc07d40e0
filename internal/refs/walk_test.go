package refs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// manifest is a small file with an account of that name.
func manifest(name string) string {
	return "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: " + name + "\n  namespace: gitlab\n"
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFoldersAreReadInOrderAndNothingEndlessIsFollowed walks a folder with all that
// a folder can have.
func TestFoldersAreReadInOrderAndNothingEndlessIsFollowed(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "set/b.yaml", manifest("b"))
	write(t, "set/a/any.name", manifest("a"))
	write(t, "set/c.yml", "\t: broken script\n")
	write(t, "set/README.md", "# script\n\tx: : y\n")
	write(t, "set/logo.png", "\x89PNG\x00\x00")
	write(t, "set/main.tf", "")
	write(t, "set/.git/config.yaml", manifest("git"))
	write(t, "set/node_modules/x.yaml", manifest("module"))
	write(t, "set/huge.json", "")
	if err := os.Truncate("set/huge.json", maxFile+1); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"set/a/loop": "..", "set/z.yaml": "b.yaml", "set/self": "self"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo("set/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	set := read(t, nil, "set", "set/b.yaml")
	var got []string
	for _, a := range set.Accounts {
		got = append(got, a.Name.At.File+" "+a.Name.Text)
	}
	for _, u := range set.Unread {
		got = append(got, fmt.Sprintf("%s: %s", where(u.At), u.Reason))
	}
	want := []string{
		"set/a/any.name a", "set/b.yaml b",
		"set/a/loop:0:0: is a link, which is not followed",
		"set/c.yml:1:1: is not YAML: a tab stands where only blanks may",
		"set/huge.json:0:0: has more than 32 MiB",
		"set/main.tf:0:0: is not evaluated: give what `terraform show -json` prints",
		"set/pipe:0:0: is no regular file",
		"set/self:0:0: is a link, which is not followed",
		"set/z.yaml:0:0: is a link, which is not followed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// TestWhatIsNamedIsReadOrAnError reads paths, links and streams by their names.
func TestWhatIsNamedIsReadOrAnError(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "real/a.yaml", manifest("a"))
	for link, to := range map[string]string{"folder": "real", "file": "real/a.yaml"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path, want string
	}{
		{"stdin", "-", "stdin"},
		{"a link to a folder", "folder", "folder/a.yaml"},
		{"a link to a file", "file", "file"},
		{"a pipe", "pipe", "pipe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.path == "pipe" {
				go func() { _ = os.WriteFile("pipe", []byte(manifest("a")), 0o600) }()
			}
			set := read(t, strings.NewReader(manifest("a")), c.path)
			if len(set.Accounts) != 1 || set.Accounts[0].At.File != c.want {
				t.Errorf("got %+v, want one account of %q", set.Accounts, c.want)
			}
		})
	}
	t.Run("a device that never ends", func(t *testing.T) {
		set := read(t, nil, "/dev/zero")
		if diff := cmp.Diff([]Unread{{Kind: Skipped, Reason: "has more than 32 MiB"}}, set.Unread, cmpopts.IgnoreFields(Unread{}, "At")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a path that is not there", func(t *testing.T) {
		_, err := Read(t.Context(), []string{"real", "absent.yaml"}, nil)
		if err == nil || err.Error() != `reading "absent.yaml": no such file or directory` || !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	t.Run("a pipe without a writer, when the time is up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Read(ctx, []string{"pipe"}, nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		// The reader that was left behind ends with this writer.
		if f, err := os.OpenFile("pipe", os.O_RDWR|syscall.O_NONBLOCK, 0); err == nil {
			defer f.Close()
		}
	})
}

// TestTenThousandFilesGiveTheSameSetEachTime reads them side by side, twice.
func TestTenThousandFilesGiveTheSameSetEachTime(t *testing.T) {
	dir := t.TempDir()
	for i := range 10_000 {
		text := manifest(fmt.Sprintf("a%05d", i))
		if i%10 > 0 {
			text = "nothing\n"
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%02d", i%100), fmt.Sprintf("%05d.yaml", i)), text)
	}
	first, second := read(t, nil, dir), read(t, nil, dir)
	if diff := cmp.Diff(dump(first), dump(second)); diff != "" {
		t.Error(diff)
	}
	if !slices.IsSortedFunc(first.Accounts, func(a, b Account) int { return strings.Compare(a.At.File, b.At.File) }) {
		t.Error("the order is not that of the names")
	}
	if first.Files != 1000 || first.Others != 9000 || len(first.Accounts) != 1000 {
		t.Errorf("%d files, %d others, %d accounts", first.Files, first.Others, len(first.Accounts))
	}
}

// TestAReaderThatBreaksIsAnError passes on what stdin says.
func TestAReaderThatBreaksIsAnError(t *testing.T) {
	_, err := Read(t.Context(), []string{"-"}, io.MultiReader(strings.NewReader("a"), broken{}))
	if err == nil || err.Error() != `reading "stdin": input/output error` {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, syscall.EIO }

// BenchmarkRead reads a thousand manifests of the size that people have.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	pod := "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, namespace: gitlab}\nspec:\n  template:\n    spec:\n      serviceAccountName: gitlab-jobs\n      containers:\n" + strings.Repeat("      - name: one\n        image: alpine\n        env:\n        - name: A\n          value: b\n", 20)
	for i := range 1000 {
		write(b, filepath.Join(dir, fmt.Sprintf("%04d.yaml", i)), manifest(fmt.Sprint(i))+pod)
	}
	b.ReportAllocs()
	for b.Loop() {
		set, err := Read(b.Context(), []string{dir}, nil)
		if err != nil || len(set.Accounts) != 1000 {
			b.Fatal(err, len(set.Accounts))
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-sys")
}
