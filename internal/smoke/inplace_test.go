package smoke_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// rewrite writes over a file in place until the kernel's clock, which goes by
// ticks, has another time for it.
func rewrite(t *testing.T, path string, text []byte) {
	t.Helper()
	changed := func() time.Time { // a write sets it with the time of change
		fi, err := os.Stat(path)
		check(t, err)
		return fi.ModTime()
	}
	for before := changed(); changed().Equal(before); {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		check(t, err)
		_, err = f.Write(text)
		check(t, err)
		check(t, f.Close())
	}
}

func TestWhatIsWrittenOverInPlaceIsNoHitWithoutADoubt(t *testing.T) {
	damaged := func(why string) smoke.Cell {
		return smoke.Cell{Verdict: smoke.Corrupt, Why: why, Files: []string{"w/0002.bin"}, Bytes: 128}
	}
	tests := []struct {
		name   string
		copied bool // a cache gave the files; else they are the writer's own
		spoil  func([]byte) []byte
		want   smoke.Cell
	}{
		{"a cache's file, with other bytes", true, func(b []byte) []byte { return bytes.Repeat([]byte{^b[0]}, 64) }, damaged("it differs from byte 0 on")},
		{"a cache's file, with fewer bytes", true, func(b []byte) []byte { return b[:5] }, damaged("it has 5 bytes, not 64")},
		{"a cache's file, with its own bytes", true, func(b []byte) []byte { return b }, smoke.Cell{Verdict: smoke.Hit, Files: []string{}, Bytes: 192}},
		{"the writer's file, with other bytes", false, func(b []byte) []byte { return append(b[:63:63], ^b[63]) }, damaged("it differs from byte 63 on")},
		{"the writer's file, with more bytes", false, func(b []byte) []byte { return append(b, 0) }, damaged("it has 65 bytes, not 64")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.copied {
				cached(t, dir, "w", stored("a"))
			} else {
				_, err := smoke.Write(t.Context(), filepath.Join(dir, "w"), stored("a"), writer, noon)
				check(t, err)
			}
			path := filepath.Join(dir, "w", "0002.bin")
			raw, err := os.ReadFile(path)
			check(t, err)
			rewrite(t, path, tt.spoil(raw))
			got, err := smoke.Read(t.Context(), reading(dir, "a"))
			check(t, err)
			tt.want.Writer, tt.want.Pipeline, tt.want.By = "a", "1212", writer
			if diff := cmp.Diff([]smoke.Cell{tt.want}, got.Cells); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("all of the writer's files, with their own bytes", func(t *testing.T) {
		dir := t.TempDir()
		_, err := smoke.Write(t.Context(), filepath.Join(dir, "w"), stored("a"), writer, noon)
		check(t, err)
		for _, name := range []string{"0001.bin", "0002.bin", "0003.bin"} {
			path := filepath.Join(dir, "w", name)
			raw, err := os.ReadFile(path)
			check(t, err)
			rewrite(t, path, raw)
		}
		got, err := smoke.Read(t.Context(), reading(dir, "a"))
		check(t, err)
		want := smoke.Cell{Writer: "a", Verdict: smoke.Hit, Untold: true, Why: "a file is the writer's own, and something wrote over it", Files: []string{}, Pipeline: "1212", By: writer, Bytes: 192}
		if diff := cmp.Diff([]smoke.Cell{want}, got.Cells); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("another pipeline's writer", func(t *testing.T) {
		dir := t.TempDir()
		cached(t, dir, "w", stored("a"))
		_, err := smoke.Write(t.Context(), filepath.Join(dir, "w"), smoke.Content{Pipeline: "1213", Fleet: "a", Size: 64, Files: 3}, writer, noon)
		check(t, err)
		got, err := smoke.Read(t.Context(), reading(dir, "a"))
		check(t, err)
		want := smoke.Cell{Writer: "a", Verdict: smoke.Stale, Files: []string{}, Pipeline: "1213", By: writer}
		if diff := cmp.Diff([]smoke.Cell{want}, got.Cells); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestAFileSystemThatTellsNoBirth has manifests of a writer on such a one.
func TestAFileSystemThatTellsNoBirth(t *testing.T) {
	own := func(why string) smoke.Cell {
		return smoke.Cell{Verdict: smoke.Miss, Leftover: true, Files: []string{"w/0001.bin"}, Why: why}
	}
	hit := smoke.Cell{Verdict: smoke.Hit, Files: []string{}}
	tests := []struct {
		name    string
		copied  bool
		touched bool   // something changed the files, and not their bytes
		host    string // of the reader
		late    bool   // its job began long after
		want    smoke.Cell
	}{
		{name: "a cache's files", copied: true, host: writer.Host, want: hit},
		{name: "the writer's files", host: writer.Host, want: own("it is the very file that the writer made; no cache was extracted over it")},
		{name: "the writer's files, touched", touched: true, host: writer.Host, want: smoke.Cell{
			Verdict: smoke.Hit, Untold: true, Files: []string{},
			Why: "a file has the inode that its writer noted, and this system does not tell when it was made",
		}},
		{name: "the writer's files, touched, and older than the job", touched: true, host: writer.Host, late: true, want: own("")},
		{name: "an inode that is the same by chance", touched: true, host: "another", want: hit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.copied {
				cached(t, dir, "w", stored("a"))
			} else {
				_, err := smoke.Write(t.Context(), filepath.Join(dir, "w"), stored("a"), writer, noon)
				check(t, err)
			}
			manifest, first := filepath.Join(dir, "w", "manifest.json"), filepath.Join(dir, "w", "0001.bin")
			raw, err := os.ReadFile(manifest)
			check(t, err)
			born := regexp.MustCompile(`"born": "[^"]*"`)
			check(t, os.WriteFile(manifest, born.ReplaceAll(raw, []byte(`"born": "0001-01-01T00:00:00Z"`)), 0o644))
			if tt.touched {
				for _, name := range []string{"0001.bin", "0002.bin", "0003.bin"} {
					path := filepath.Join(dir, "w", name)
					raw, err := os.ReadFile(path)
					check(t, err)
					rewrite(t, path, raw)
				}
			}
			r := reading(dir, "a")
			r.By.Host = tt.host
			if tt.late {
				fi, err := os.Stat(first)
				check(t, err)
				r.Started = fi.ModTime().Add(2 * time.Hour)
				tt.want.Why = "last changed at " + fi.ModTime().UTC().Format(time.RFC3339) + ", and this job began at " + r.Started.UTC().Format(time.RFC3339)
			}
			got, err := smoke.Read(t.Context(), r)
			check(t, err)
			tt.want.Writer, tt.want.Pipeline, tt.want.By, tt.want.Bytes = "a", "1212", writer, 192
			if diff := cmp.Diff([]smoke.Cell{tt.want}, got.Cells); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
