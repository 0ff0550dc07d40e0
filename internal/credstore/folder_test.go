package credstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesFoldersThatAreNotOurs(t *testing.T) {
	tests := []struct {
		name  string
		uid   int
		dir   func(t *testing.T, tmp string) string // returns the folder to open
		avoid func(tmp string) []string
		want  string
	}{
		{"a link to a good folder", 0, func(t *testing.T, tmp string) string {
			t.Helper()
			must(t, os.Mkdir(filepath.Join(tmp, "real"), 0o700))
			must(t, os.Symlink("real", filepath.Join(tmp, "link")))
			return filepath.Join(tmp, "link")
		}, nil, "it is a link"},
		{"a dangling link", 0, func(t *testing.T, tmp string) string {
			t.Helper()
			must(t, os.Symlink("nowhere", filepath.Join(tmp, "link")))
			return filepath.Join(tmp, "link")
		}, nil, "it is a link"},
		{"a file", 0, func(t *testing.T, tmp string) string {
			t.Helper()
			must(t, os.WriteFile(filepath.Join(tmp, "file"), nil, 0o600))
			return filepath.Join(tmp, "file")
		}, nil, "it is of type ----------, not d---------"},
		{"a folder that others can read", 0, func(t *testing.T, tmp string) string {
			t.Helper()
			must(t, os.Mkdir(filepath.Join(tmp, "open"), 0o700))
			must(t, os.Chmod(filepath.Join(tmp, "open"), 0o755)) //nolint:gosec // the mode to refuse
			return filepath.Join(tmp, "open")
		}, nil, "its mode is 0755, not 0700"},
		{"a folder of another user", 1, func(_ *testing.T, tmp string) string { return tmp }, nil, "it does not belong to uid"},
		{"no parent", 0, func(_ *testing.T, tmp string) string { return filepath.Join(tmp, "a", "b") }, nil, "no such file or directory"},
		{"a relative path", 0, func(*testing.T, string) string { return "store" }, nil, "not an absolute path"},
		{"inside the project", 0, func(t *testing.T, tmp string) string {
			t.Helper()
			must(t, os.MkdirAll(filepath.Join(tmp, "builds", "project", "tmp"), 0o700))
			return filepath.Join(tmp, "builds", "project", "tmp", "store")
		}, func(tmp string) []string {
			return []string{"", filepath.Join(tmp, "gone"), filepath.Join(tmp, "builds")}
		}, "whose files become artifacts and caches"},
		{"inside the project by a link", 0, func(t *testing.T, tmp string) string {
			t.Helper()
			must(t, os.MkdirAll(filepath.Join(tmp, "builds", "project"), 0o700))
			must(t, os.Symlink("builds/project", filepath.Join(tmp, "scratch")))
			return filepath.Join(tmp, "scratch", "store")
		}, func(tmp string) []string { return []string{filepath.Join(tmp, "builds")} }, "whose files become artifacts and caches"},
		{"the project itself, that is named by a link", 0, func(t *testing.T, tmp string) string {
			t.Helper()
			must(t, os.Mkdir(filepath.Join(tmp, "store"), 0o700))
			must(t, os.Symlink("store", filepath.Join(tmp, "project")))
			return filepath.Join(tmp, "store")
		}, func(tmp string) []string { return []string{filepath.Join(tmp, "project")} }, "whose files become artifacts and caches"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmp := t.TempDir()
			c := Config{Dir: tt.dir(t, tmp), UID: os.Geteuid() + tt.uid, Now: time.Now}
			if tt.avoid != nil {
				c.Avoid = tt.avoid(tmp)
			}
			s, err := Open(c)
			unusable := (*UnusableError)(nil)
			if !errors.As(err, &unusable) || unusable.Path != c.Dir || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("store %v, error %v, want %q", s, err, tt.want)
			}
			if _, err := os.Lstat(filepath.Join(tmp, "nowhere")); err == nil {
				t.Error("the link's target was made")
			}
		})
	}
}

func TestOpenMakesAFolderForUsAlone(t *testing.T) {
	tmp := t.TempDir()
	// Kubernetes' fsGroup sets the set-group-id bit, which new folders inherit on Linux.
	must(t, os.Chmod(tmp, 0o770|fs.ModeSetgid))
	dir := filepath.Join(tmp, "store")
	for range 2 {
		s, err := Open(Config{Dir: dir, UID: os.Geteuid(), Avoid: []string{filepath.Join(tmp, "builds")}, Now: time.Now})
		must(t, err)
		must(t, s.Close())
	}
	fi, err := os.Stat(dir)
	must(t, err)
	if fi.Mode().Perm() != 0o700 {
		t.Errorf("mode %s", fi.Mode())
	}
}

func TestFilesThatAreNotOursAreRefusedAndLeftAlone(t *testing.T) {
	tests := []struct {
		name, want string
		put        func(t *testing.T, path string)
	}{
		{"a link to an entry", "it is a link", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Rename(path, path+".real"))
			must(t, os.Symlink(filepath.Base(path)+".real", path))
		}},
		{"a link out of the folder", "it is a link", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Remove(path))
			must(t, os.Symlink("/etc/passwd", path))
		}},
		{"a second name", "it has another name", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Link(path, path+".copy"))
		}},
		{"a mode that lets others read", "its mode is 0644, not 0600", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Chmod(path, 0o644)) //nolint:gosec // the mode to refuse
		}},
		{"a folder", "it is of type d---------, not ----------", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o700))
		}},
		{"a pipe", "it is of type p---------, not ----------", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Remove(path))
			must(t, syscall.Mkfifo(path, 0o600))
		}},
	}
	for _, tt := range tests {
		for _, file := range []string{name, "lock-" + name[:2]} {
			t.Run(tt.name+" at "+file[:4], func(t *testing.T) {
				f := newFixture(t)
				f.do(t, name, token)
				path := filepath.Join(f.dir, file)
				if file != name {
					must(t, os.Remove(filepath.Join(f.dir, name))) // so that the lock is asked for
				}
				tt.put(t, path)
				before, err := os.Lstat(path)
				must(t, err)

				if got := f.do(t, name, token); got != "secret" || f.fetches != 2 {
					t.Errorf("got %q after %d fetches, want a fresh one", got, f.fetches)
				}
				want := `using the credential store "` + path + `": ` + tt.want
				if len(f.reported) != 1 || f.reported[0] != want {
					t.Errorf("reported %q, want %q", f.reported, want)
				}
				if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) || before.Mode() != after.Mode() {
					t.Errorf("the file was touched: %v", err)
				}
			})
		}
	}
}

func TestFileOfAnotherUserIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "entry")
	must(t, os.WriteFile(path, nil, 0o600))
	fi, err := os.Stat(path)
	must(t, err)
	if err := check(fi, 0, 0o600, os.Geteuid()); err != nil {
		t.Errorf("our own: %v", err)
	}
	if err := check(fi, 0, 0o600, os.Geteuid()+1); err == nil {
		t.Error("another user's is accepted")
	}
}
