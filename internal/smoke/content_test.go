package smoke_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

func TestContentFollowsFromPipelineFleetSizeAndNumber(t *testing.T) {
	read := func(c smoke.Content) map[string]string {
		dir := filepath.Join(t.TempDir(), "x")
		_, err := smoke.Write(t.Context(), dir, c, writer, noon)
		check(t, err)
		all := map[string]string{}
		check(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && path != smoke.ManifestName {
				var raw []byte
				raw, err = os.ReadFile(filepath.Join(dir, path))
				all[path] = string(raw)
			}
			return err
		}))
		return all
	}
	base := stored("a")
	first := read(base)
	if diff := cmp.Diff(first, read(base)); diff != "" {
		t.Errorf("the same content differs: %s", diff)
	}
	seen := map[string]string{}
	for name, text := range first {
		seen[text] = name
	}
	for name, c := range map[string]smoke.Content{
		"pipeline": {Pipeline: "1213", Fleet: "a", Size: 64, Files: 3},
		"fleet":    {Pipeline: "1212", Fleet: "b", Size: 64, Files: 3},
		"size":     {Pipeline: "1212", Fleet: "a", Size: 65, Files: 3},
		"number":   {Pipeline: "1212", Fleet: "a", Size: 64, Files: 4},
		"border":   {Pipeline: "121", Fleet: "2a", Size: 64, Files: 3},
	} {
		for file, text := range read(c) {
			if other, twice := seen[text[:64]]; twice {
				t.Errorf("another %s: %s is %s", name, file, other)
			}
			seen[text[:64]] = name + " " + file
		}
	}
	if len(seen) != 3+3+3+3+4+3 {
		t.Errorf("%d files differ", len(seen))
	}
}

func TestAWriterLeavesAManifestOrNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	m, err := smoke.Write(t.Context(), dir, stored("a"), writer, noon)
	check(t, err)
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	check(t, err)
	if diff := cmp.Diff(string(m.JSON()), string(raw)); diff != "" {
		t.Error(diff)
	}
	names := func() []string {
		entries, err := os.ReadDir(dir)
		check(t, err)
		got := []string{}
		for _, e := range entries {
			got = append(got, e.Name())
		}
		return got
	}
	// A second writer replaces all of the first's, and leaves what is not a writer's.
	check(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644))
	outside := filepath.Join(t.TempDir(), "outside")
	check(t, os.WriteFile(outside, []byte("keep"), 0o644))
	check(t, os.Remove(filepath.Join(dir, "0001.bin")))
	check(t, os.Symlink(outside, filepath.Join(dir, "0001.bin")))
	_, err = smoke.Write(t.Context(), dir, smoke.Content{Pipeline: "1", Fleet: "a", Size: 32, Files: 2}, writer, noon)
	check(t, err)
	if diff := cmp.Diff([]string{"0001.bin", "0002.bin", "manifest.json", "notes.txt"}, names()); diff != "" {
		t.Error(diff)
	}
	if raw, err := os.ReadFile(outside); err != nil || string(raw) != "keep" {
		t.Errorf("a link was followed: %q %v", raw, err)
	}
	// One that is interrupted leaves nothing of its own.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := smoke.Write(ctx, dir, stored("a"), writer, noon); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted writer: %v", err)
	}
	if diff := cmp.Diff([]string{"notes.txt"}, names()); diff != "" {
		t.Error(diff)
	}
}

func TestAWriterRemovesNothingButItsOwn(t *testing.T) {
	first := t.TempDir()
	m, err := smoke.Write(t.Context(), first, stored("a"), writer, noon)
	check(t, err)
	manifest := string(m.JSON())
	tests := []struct {
		name        string
		files, left map[string]string // left besides what is written
		foreign     string
	}{
		{"a manifest of another program", map[string]string{"manifest.json": `{"name":"app"}`, "0042.bin": "precious"}, nil, "manifest.json"},
		{"a file without a manifest", map[string]string{"0001.bin": "precious"}, nil, "0001.bin"},
		{"a manifest in the making", map[string]string{"manifest.json.new": "precious"}, nil, "manifest.json.new"},
		{"a file that no manifest lists", map[string]string{"manifest.json": manifest, "0003.bin": "x", "0042.bin": "precious"}, map[string]string{"0042.bin": "precious"}, ""},
		{"a writer that was killed", map[string]string{"manifest.json.begun": manifest, "manifest.json": "{", "0002.bin": "x"}, map[string]string{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
			}
			_, err := smoke.Write(t.Context(), dir, smoke.Content{Pipeline: "1", Fleet: "a", Size: 64, Files: 1}, writer, noon)
			got := ""
			if foreign, ok := errors.AsType[*smoke.ForeignError](err); ok {
				got, tt.left = foreign.Name, tt.files
			} else {
				check(t, err)
				check(t, os.Remove(filepath.Join(dir, "manifest.json")))
				check(t, os.Remove(filepath.Join(dir, "0001.bin")))
			}
			if got != tt.foreign {
				t.Errorf("refused for %q, want %q", got, tt.foreign)
			}
			left := map[string]string{}
			entries, err := os.ReadDir(dir)
			check(t, err)
			for _, e := range entries {
				raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
				check(t, err)
				left[e.Name()] = string(raw)
			}
			if diff := cmp.Diff(tt.left, left); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryUserMayReadWhateverTheUmask(t *testing.T) {
	parent := t.TempDir()
	defer syscall.Umask(syscall.Umask(0o077))
	dir := filepath.Join(parent, "new")
	_, err := smoke.Write(t.Context(), filepath.Join(dir, "01"), stored("a"), writer, noon)
	check(t, err)
	got := map[string]fs.FileMode{}
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		fi, err := d.Info()
		check(t, err)
		name, err := filepath.Rel(dir, path)
		got[name] = fi.Mode().Perm()
		return err
	}))
	want := map[string]fs.FileMode{".": 0o755, "01": 0o755, "01/0001.bin": 0o644, "01/0002.bin": 0o644, "01/0003.bin": 0o644, "01/manifest.json": 0o644}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestContentThatCannotBeIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*smoke.Content)
		want   string
	}{
		{"no tag", func(c *smoke.Content) { c.Fleet = " " }, "the fleet has no tag"},
		{"a fleet of 5000 bytes", func(c *smoke.Content) { c.Fleet = strings.Repeat("x", 5000) }, "the fleet's tags have 5000 bytes: want 4096 at most"},
		{"a fleet that is no text", func(c *smoke.Content) { c.Fleet = "a\xff" }, `the fleet's tags "a\xff" are not UTF-8`},
		{"a pipeline with a path", func(c *smoke.Content) { c.Pipeline = "../1" }, `"../1" is not the id of a pipeline`},
		{"no pipeline", func(c *smoke.Content) { c.Pipeline = "" }, `"" is not the id of a pipeline`},
		{"no file", func(c *smoke.Content) { c.Files = 0 }, "0 files: want 1 to 1000"},
		{"too many files", func(c *smoke.Content) { c.Files = 1001 }, "1001 files: want 1 to 1000"},
		{"files that are too small", func(c *smoke.Content) { c.Size = 31 }, "files of 31 bytes: want 32 bytes at least"},
		{"more than one PUT takes", func(c *smoke.Content) { c.Size = 2 << 30 }, "3 files of 2 GiB: want 4 GiB at most together"},
		{"quotes, spaces, emoji and $(…)", func(c *smoke.Content) { c.Fleet = "a \"b\" 'c' 🦊, $(touch x)" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := stored("a")
			tt.change(&c)
			got := ""
			if err := c.Check(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestSizesAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]int64{"32": 32, "64KiB": 64 << 10, "1MiB": 1 << 20, "2 gib": 2 << 30, "1536KiB": 1536 << 10} {
		if got, err := smoke.ParseSize(text); err != nil || got != want {
			t.Errorf("%s is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "MiB", "1MB", "1.5MiB", "99999999999999999999", "9999999999GiB", "1 MiB x", "٣"} {
		if got, err := smoke.ParseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	for n, want := range map[int64]string{1: "1 byte", 1000: "1000 bytes", 1024: "1 KiB", 3 << 20: "3 MiB", 1<<30 + 1<<20: "1025 MiB"} {
		if got := smoke.SizeText(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
