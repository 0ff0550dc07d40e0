package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// hold fails where the folder has another file than those named, or the file another text.
func hold(t *testing.T, path, text string, names ...string) {
	t.Helper()
	got, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(text, string(got)); diff != "" {
		t.Error(diff)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if diff := cmp.Diff(names, left); diff != "" {
		t.Error(diff)
	}
}

func TestNewFileIsForItsOwnerAlone(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "home")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, ".aws", "config")
	must(t, Set(t.Context(), path, []Profile{profile("ci")}, false))
	hold(t, path, block("[profile ci]"), "config")
	for p, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): fs.ModeDir | 0o700} {
		if fi, err := os.Stat(p); err != nil || fi.Mode() != want {
			t.Errorf("%s: %v, want %v", p, fi.Mode(), want)
		}
	}
	removed, err := Remove(t.Context(), path, nil)
	if err != nil || len(removed) != 1 {
		t.Errorf("removed %q, %v", removed, err)
	}
	hold(t, path, "", "config")
}

func TestModeIsKept(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o444, 0o666} {
		path := filepath.Join(t.TempDir(), "config")
		write(t, path, "")
		must(t, os.Chmod(path, mode))
		must(t, Set(t.Context(), path, []Profile{profile("ci")}, false))
		if fi, err := os.Stat(path); err != nil || fi.Mode() != mode {
			t.Errorf("%v, want %v", fi.Mode(), mode)
		}
	}
}

func TestOwnerIsKept(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can give a file away, and CI must test it")
		}
		t.Skip("only root can give a file away: that the owner is kept was not tested")
	}
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "")
	must(t, os.Chown(path, 12345, 54321))
	must(t, Set(t.Context(), path, []Profile{profile("ci")}, false))
	fi, err := os.Stat(path)
	must(t, err)
	if st, ok := fi.Sys().(*syscall.Stat_t); !ok || st.Uid != 12345 || st.Gid != 54321 {
		t.Errorf("owner %+v", st)
	}
}

func TestLinksStayLinks(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "dotfiles"), 0o700))
	target := filepath.Join(dir, "dotfiles", "aws")
	write(t, target, "[default]\n")
	must(t, os.Symlink("dotfiles/aws", filepath.Join(dir, "one")))
	link := filepath.Join(dir, "config")
	must(t, os.Symlink(filepath.Join(dir, "one"), link))

	must(t, Set(t.Context(), link, []Profile{profile("ci")}, false))
	hold(t, target, "[default]\n\n"+block("[profile ci]"), "aws")
	hold(t, link, "[default]\n\n"+block("[profile ci]"), "config", "dotfiles", "one")
	if to, err := os.Readlink(link); err != nil || to != filepath.Join(dir, "one") {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

func TestSettingTheSameTwiceDoesNotTouchTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	must(t, Set(t.Context(), path, []Profile{profile("a"), profile("b")}, false))
	long := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(path, long, long))
	before, err := os.Stat(path)
	must(t, err)
	must(t, Set(t.Context(), path, []Profile{profile("b"), profile("a")}, false))
	_, err = Remove(t.Context(), path, []string{"absent"})
	must(t, err)
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("the file was written again: %v", err)
	}
}

func TestFilesThatCannotBeEditedStayAsTheyAre(t *testing.T) {
	tests := []struct {
		name, want string
		prepare    func(t *testing.T, path string)
	}{
		{"a folder", "it is not a regular file", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Mkdir(path, 0o700))
		}},
		{"a pipe", "it is not a regular file", func(t *testing.T, path string) {
			t.Helper()
			must(t, syscall.Mkfifo(path, 0o600))
		}},
		{"a link to nothing", `it is a link to "nowhere", which does not exist`, func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Symlink("nowhere", path))
		}},
		{"links in a ring", "too many links", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Symlink(filepath.Base(path), path))
		}},
		{"a binary", "byte 2 is a control character: that is no AWS config file", func(t *testing.T, path string) {
			t.Helper()
			write(t, path, "\x7fELF\x00")
			write(t, path, "\xfe\x00[\x00")
		}},
		{"a huge file", "it has 10000000 bytes: that is no AWS config file", func(t *testing.T, path string) {
			t.Helper()
			write(t, path, "")
			must(t, os.Truncate(path, maxSize))
		}},
		{"a folder that others can write", "can be written by others (mode 0777)", func(t *testing.T, path string) {
			t.Helper()
			write(t, path, "[default]\n")
			must(t, os.Chmod(filepath.Dir(path), 0o777)) //nolint:gosec // the mode to refuse
		}},
		{"another's profile", `profile "ci" in line 1 was not written by ci-aws configure`, func(t *testing.T, path string) {
			t.Helper()
			write(t, path, "[profile ci]\n")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "config")
			tt.prepare(t, path)
			before, err := os.Lstat(path)
			must(t, err)
			err = Set(t.Context(), path, []Profile{profile("other"), profile("ci")}, false)
			if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("editing %q: ", path)) || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			after, err := os.Lstat(path)
			must(t, err)
			if !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
				t.Error("the file was touched")
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("left in the folder: %v, %v", entries, err)
			}
		})
	}
}

func TestStickyFolderIsFit(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o777|fs.ModeSticky))
	must(t, Set(t.Context(), filepath.Join(dir, "config"), []Profile{profile("ci")}, false))
}

func TestRemoveOfAMissingFileMakesNothing(t *testing.T) {
	dir := t.TempDir()
	removed, err := Remove(t.Context(), filepath.Join(dir, "aws", "config"), nil)
	if err != nil || removed != nil {
		t.Errorf("removed %q, %v", removed, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("made %v, %v", entries, err)
	}
}

func TestParallelCallsLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			if err := Set(t.Context(), path, []Profile{profile(fmt.Sprintf("p%d", i))}, false); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	removed, err := Remove(t.Context(), path, nil)
	if err != nil || len(removed) != 30 {
		t.Errorf("%d of 30 profiles are there, %v", len(removed), err)
	}
}

func TestChangeByAnotherProgramIsKept(t *testing.T) {
	for _, original := range []string{"", "[default]\n"} {
		path := filepath.Join(t.TempDir(), "config")
		if original != "" {
			write(t, path, original)
		}
		calls := 0
		must(t, edit(t.Context(), path, true, func(text []byte) ([]byte, error) {
			if calls++; calls == 1 {
				write(t, path, original+"[profile theirs]\n")
			}
			return set(text, profile("ci"), false)
		}))
		hold(t, path, original+"[profile theirs]\n\n"+block("[profile ci]"), "config")
	}
}

func TestFileThatVanishesMeanwhileIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "[default]\n")
	must(t, edit(t.Context(), path, true, func(text []byte) ([]byte, error) {
		_ = os.Remove(path)
		return set(text, profile("ci"), false)
	}))
	hold(t, path, block("[profile ci]"), "config")
}

func TestFileThatKeepsChangingIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	calls := 0
	err := edit(t.Context(), path, true, func([]byte) ([]byte, error) {
		calls++
		write(t, path, strings.Repeat("#", calls))
		return []byte("lost"), nil
	})
	if err == nil || !strings.HasSuffix(err.Error(), "it keeps changing") {
		t.Errorf("error %v", err)
	}
	hold(t, path, strings.Repeat("#", calls), "config")
}

func TestWaitForAnotherCallEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockFolder(t.Context(), dir)
	must(t, err)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = Set(ctx, filepath.Join(dir, "config"), []Profile{profile("ci")}, false)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
