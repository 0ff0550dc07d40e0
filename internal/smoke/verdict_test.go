package smoke_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// noon is when everything happens, but for what the kernel dates.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var writer = smoke.Origin{Job: "4711", Runner: "7", Host: "runner-7-project-42-concurrent-0"}

// stored is what a writer on a fleet stores in pipeline 1212: three files of 64 bytes.
func stored(fleet string) smoke.Content {
	return smoke.Content{Pipeline: "1212", Fleet: fleet, Size: 64, Files: 3}
}

// cached writes content and gives what a cache makes of it: the same files, made
// anew in dir/slot.
func cached(t testing.TB, dir, slot string, c smoke.Content) {
	t.Helper()
	origin := filepath.Join(t.TempDir(), "writer")
	_, err := smoke.Write(t.Context(), origin, c, writer, noon)
	check(t, err)
	check(t, os.CopyFS(filepath.Join(dir, slot), os.DirFS(origin)))
}

func reading(dir string, fleets ...string) smoke.Reading {
	return smoke.Reading{
		Dir: dir, Expect: fleets, Pipeline: "1212", Fleet: "reader", Now: clock,
		By: smoke.Origin{Job: "4712", Runner: "8", Host: "runner-8-project-42-concurrent-0"},
	}
}

// edit rewrites a text in a file.
func edit(t testing.TB, path, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	check(t, err)
	if !strings.Contains(string(raw), from) {
		t.Fatalf("%s does not hold %q", path, from)
	}
	check(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(raw), from, to)), 0o644))
}

func TestAReaderSaysWhatItsCacheGave(t *testing.T) {
	a := "cluster,kubernetes"
	found := smoke.Cell{Writer: a, Files: []string{}, Pipeline: "1212", By: writer}
	with := func(change func(*smoke.Cell)) smoke.Cell {
		c := found
		change(&c)
		return c
	}
	bare := func(v smoke.Verdict, why string, files ...string) smoke.Cell {
		return smoke.Cell{Writer: a, Verdict: v, Files: append([]string{}, files...), Why: why}
	}
	corrupt := func(why, file string, bytes int64) smoke.Cell {
		return with(func(c *smoke.Cell) {
			c.Verdict, c.Why, c.Files, c.Bytes = smoke.Corrupt, why, []string{file}, bytes
		})
	}
	tests := []struct {
		name   string
		spoil  func(t *testing.T, dir string) // what stands in dir/02
		expect string
		want   smoke.Cell
	}{
		{name: "every byte", want: with(func(c *smoke.Cell) { c.Verdict, c.Bytes = smoke.Hit, 192 })},
		{name: "tags in another order", expect: "kubernetes,cluster", want: with(func(c *smoke.Cell) {
			c.Writer, c.Verdict, c.Bytes = "kubernetes,cluster", smoke.Hit, 192
		})},
		{name: "nothing", spoil: func(t *testing.T, dir string) { check(t, os.RemoveAll(filepath.Join(dir, "02"))) }, want: bare(smoke.Miss, "")},
		{name: "no folder at all", spoil: func(t *testing.T, dir string) { check(t, os.RemoveAll(dir)) }, want: bare(smoke.Miss, "")},
		{name: "an empty folder", spoil: func(t *testing.T, dir string) {
			check(t, os.RemoveAll(filepath.Join(dir, "02")))
			check(t, os.Mkdir(filepath.Join(dir, "02"), 0o755))
		}, want: bare(smoke.Miss, "")},
		{name: "another fleet's cache", spoil: func(t *testing.T, dir string) {
			check(t, os.RemoveAll(filepath.Join(dir, "02")))
			cached(t, dir, "02", stored("arm"))
		}, want: bare(smoke.Miss, "")},
		{name: "another pipeline's cache", spoil: func(t *testing.T, dir string) {
			check(t, os.RemoveAll(filepath.Join(dir, "02")))
			cached(t, dir, "02", smoke.Content{Pipeline: "1211", Fleet: a, Size: 64, Files: 3})
		}, want: with(func(c *smoke.Cell) { c.Verdict, c.Pipeline = smoke.Stale, "1211" })},
		{name: "another pipeline's cache whose manifest claims this one", spoil: func(t *testing.T, dir string) {
			check(t, os.RemoveAll(filepath.Join(dir, "02")))
			cached(t, dir, "02", smoke.Content{Pipeline: "1211", Fleet: a, Size: 64, Files: 3})
			edit(t, filepath.Join(dir, "02", "manifest.json"), "1211", "1212")
		}, want: with(func(c *smoke.Cell) {
			c.Verdict, c.Why = smoke.Corrupt, "it differs from byte 0 on"
			c.Files = []string{"02/0001.bin", "02/0002.bin", "02/0003.bin"}
		})},
		{name: "another fleet's cache whose manifest was copied from this one's", spoil: func(t *testing.T, dir string) {
			manifest, err := os.ReadFile(filepath.Join(dir, "02", "manifest.json"))
			check(t, err)
			check(t, os.RemoveAll(filepath.Join(dir, "02")))
			cached(t, dir, "02", stored("arm"))
			check(t, os.WriteFile(filepath.Join(dir, "02", "manifest.json"), manifest, 0o644))
		}, want: with(func(c *smoke.Cell) {
			c.Verdict, c.Why = smoke.Corrupt, "it differs from byte 0 on"
			c.Files = []string{"02/0001.bin", "02/0002.bin", "02/0003.bin"}
		})},
		{name: "a manifest that asks for one file less", spoil: func(t *testing.T, dir string) {
			path := filepath.Join(dir, "02", "manifest.json")
			raw, err := os.ReadFile(path)
			check(t, err)
			last := strings.LastIndex(string(raw), "    {")
			check(t, os.WriteFile(path, []byte(strings.TrimRight(string(raw[:last]), " ,\n")+"]}"), 0o644))
		}, want: with(func(c *smoke.Cell) {
			c.Verdict, c.Why = smoke.Corrupt, "it differs from byte 0 on"
			c.Files = []string{"02/0001.bin", "02/0002.bin"}
		})},
		{name: "a manifest with another sum", spoil: func(t *testing.T, dir string) {
			path := filepath.Join(dir, "02", "manifest.json")
			raw, err := os.ReadFile(path)
			check(t, err)
			_, after, _ := strings.Cut(string(raw), `"sha256": "`)
			edit(t, path, after[:64], strings.Repeat("0", 64))
		}, want: corrupt("its SHA-256 in the manifest is another", "02/0001.bin", 192)},
		{name: "one bit that turned", spoil: func(t *testing.T, dir string) {
			path := filepath.Join(dir, "02", "0002.bin")
			raw, err := os.ReadFile(path)
			check(t, err)
			raw[40] ^= 1
			check(t, os.WriteFile(path, raw, 0o644))
		}, want: corrupt("it differs from byte 40 on", "02/0002.bin", 128)},
		{name: "a file that was cut", spoil: func(t *testing.T, dir string) {
			check(t, os.Truncate(filepath.Join(dir, "02", "0003.bin"), 63))
		}, want: corrupt("it has 63 bytes, not 64", "02/0003.bin", 128)},
		{name: "a link in place of a file", spoil: func(t *testing.T, dir string) {
			check(t, os.Rename(filepath.Join(dir, "02", "0001.bin"), filepath.Join(dir, "02", "kept")))
			check(t, os.Symlink("kept", filepath.Join(dir, "02", "0001.bin")))
		}, want: corrupt("it is not a regular file", "02/0001.bin", 128)},
		{name: "a pipe in place of a file", spoil: func(t *testing.T, dir string) {
			check(t, os.Remove(filepath.Join(dir, "02", "0001.bin")))
			check(t, syscall.Mkfifo(filepath.Join(dir, "02", "0001.bin"), 0o644))
		}, want: corrupt("it is not a regular file", "02/0001.bin", 128)},
		{name: "a link in place of the folder", spoil: func(t *testing.T, dir string) {
			outside := t.TempDir()
			cached(t, outside, "02", stored(a))
			check(t, os.RemoveAll(filepath.Join(dir, "02")))
			check(t, os.Symlink(filepath.Join(outside, "02"), filepath.Join(dir, "02")))
		}, want: bare(smoke.Miss, "")},
		{name: "a file too few", spoil: func(t *testing.T, dir string) {
			check(t, os.Remove(filepath.Join(dir, "02", "0002.bin")))
		}, want: with(func(c *smoke.Cell) {
			c.Verdict, c.Files, c.Bytes = smoke.Partial, []string{"02/0002.bin"}, 128
		})},
		{name: "files without their manifest", spoil: func(t *testing.T, dir string) {
			check(t, os.Remove(filepath.Join(dir, "02", "manifest.json")))
		}, want: bare(smoke.Partial, "files of a writer stand there without their manifest; whose they are cannot be told", "02/manifest.json")},
		{name: "a manifest that is cut", spoil: func(t *testing.T, dir string) {
			check(t, os.Truncate(filepath.Join(dir, "02", "manifest.json"), 100))
		}, want: bare(smoke.Corrupt, "it ends too early; whose it is cannot be told", "02/manifest.json")},
		{name: "a manifest of another version", spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "02", "manifest.json"), `"schema": 1`, `"schema": 2`)
		}, want: bare(smoke.Corrupt, "it is of schema 2, and this program knows 1; whose it is cannot be told", "02/manifest.json")},
		{name: "a manifest of 100 MB", spoil: func(t *testing.T, dir string) {
			check(t, os.Truncate(filepath.Join(dir, "02", "manifest.json"), 100_000_000))
		}, want: bare(smoke.Corrupt, "it is larger than 1 MiB; whose it is cannot be told", "02/manifest.json")},
		{name: "a manifest with a path for a name", spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "02", "manifest.json"), `0002.bin`, `../../etc/passwd`)
		}, want: bare(smoke.Corrupt, "its file 2 is not called 0002.bin; whose it is cannot be told", "02/manifest.json")},
		{name: "a manifest with huge numbers", spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "02", "manifest.json"), `"size": 64`, `"size": 9223372036854775807`)
		}, want: bare(smoke.Corrupt, "3 files of 9223372036854775807 bytes: want 4 GiB at most together; whose it is cannot be told", "02/manifest.json")},
		{name: "a manifest with a number that is none", spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "02", "manifest.json"), `"size": 64`, `"size": 1e999`)
		}, want: bare(smoke.Corrupt, "the value at byte 204 is of another kind than it must be; whose it is cannot be told", "02/manifest.json")},
		{name: "a second folder that claims the fleet", spoil: func(t *testing.T, dir string) {
			check(t, os.CopyFS(filepath.Join(dir, "01"), os.DirFS(filepath.Join(dir, "02"))))
			check(t, os.Truncate(filepath.Join(dir, "01", "0001.bin"), 0))
		}, want: with(func(c *smoke.Cell) { c.Verdict, c.Bytes = smoke.Hit, 192 })},
		{name: "the folder itself is the fleet's", spoil: func(t *testing.T, dir string) {
			check(t, os.CopyFS(dir, os.DirFS(filepath.Join(dir, "02"))))
			check(t, os.RemoveAll(filepath.Join(dir, "02")))
		}, want: with(func(c *smoke.Cell) { c.Verdict, c.Bytes = smoke.Hit, 192 })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "smoke")
			cached(t, dir, "02", stored(a))
			if tt.spoil != nil {
				tt.spoil(t, dir)
			}
			if tt.expect == "" {
				tt.expect = a
			}
			r := reading(dir, tt.expect)
			got, err := smoke.Read(t.Context(), r)
			check(t, err)
			want := smoke.Result{Pipeline: "1212", Reader: smoke.Side{Fleet: "reader", Origin: r.By}, Cells: []smoke.Cell{tt.want}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAWriterLeftBehindIsNoHit(t *testing.T) {
	tests := []struct {
		name    string
		copied  bool          // made anew, as a cache does
		chmod   bool          // of all files, after they were written
		started time.Duration // of the reader's job, after the files were last changed
		want    smoke.Cell
	}{
		{name: "the writer's own files", want: smoke.Cell{
			Verdict: smoke.Miss, Leftover: true, Files: []string{"w/0001.bin"},
			Why: "it is the very file that the writer made; no cache was extracted over it",
		}},
		{name: "the writer's own files after chmod", chmod: true, want: smoke.Cell{
			Verdict: smoke.Miss, Leftover: true, Files: []string{"w/0001.bin"},
			Why: "it is the very file that the writer made; no cache was extracted over it",
		}},
		{name: "extracted after the job began", copied: true, started: -5 * time.Second, want: smoke.Cell{Verdict: smoke.Hit, Files: []string{}}},
		{name: "older than the job by more than clocks differ", copied: true, started: 2 * time.Hour, want: smoke.Cell{
			Verdict: smoke.Unproven, Files: []string{"w/0001.bin"}, Why: "last changed at CHANGED, and this job began at BEGAN",
		}},
		{name: "older than the job by less", copied: true, started: 30 * time.Second, want: smoke.Cell{
			Verdict: smoke.Hit, Untold: true, Files: []string{},
			Why: "files were last changed 30s before this job began, as far as the clocks agree",
		}},
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
			if tt.chmod {
				for _, name := range []string{"0001.bin", "0002.bin", "0003.bin"} {
					check(t, os.Chmod(filepath.Join(dir, "w", name), 0o600))
				}
			}
			fi, err := os.Stat(filepath.Join(dir, "w", "0001.bin"))
			check(t, err)
			r := reading(dir, "a")
			if tt.started != 0 {
				r.Started = fi.ModTime().Add(tt.started) // a new file is changed when it is written
				tt.want.Why = strings.NewReplacer(
					"CHANGED", fi.ModTime().UTC().Format(time.RFC3339), "BEGAN", r.Started.UTC().Format(time.RFC3339),
				).Replace(tt.want.Why)
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

func TestAFolderThatCannotBeReadIsAnError(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	check(t, os.WriteFile(file, nil, 0o644))
	_, err := smoke.Read(t.Context(), reading(file, "a"))
	if want := `opening the folder "` + file + `": not a directory`; err == nil || err.Error() != want {
		t.Errorf("a file in place of the folder: %v, want %s", err, want)
	}
	cached(t, dir, "w", stored("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := smoke.Read(ctx, reading(dir, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted reader: %v", err)
	}
}

func TestOneBrokenManifestIsNotEveryFleetsFault(t *testing.T) {
	dir := t.TempDir()
	cached(t, dir, "01", stored("a"))
	cached(t, dir, "02", stored("b"))
	check(t, os.Truncate(filepath.Join(dir, "02", "manifest.json"), 100))
	got, err := smoke.Read(t.Context(), reading(dir, "a", "b", "c"))
	check(t, err)
	said := []string{}
	for _, c := range got.Cells {
		said = append(said, string(c.Verdict))
	}
	for _, f := range got.Report(dir).Findings() {
		if f.ID == "smoke-folders" {
			said = append(said, f.Cause)
		}
	}
	want := []string{
		"hit", "miss", "miss",
		`"02/manifest.json" cannot be used, and may be what "b" stored (it ends too early; whose it is cannot be told)`,
		`"02/manifest.json" cannot be used, and may be what "c" stored (it ends too early; whose it is cannot be told)`,
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

func TestOneRunnerForTwoFleetsIsNoHit(t *testing.T) {
	dir := t.TempDir()
	cached(t, dir, "w", stored("a"))
	r := reading(dir, "a")
	r.By.Runner = writer.Runner
	for fleet, want := range map[string]smoke.Verdict{"reader": smoke.Unproven, "a": smoke.Hit} {
		r.Fleet = fleet
		got, err := smoke.Read(t.Context(), r)
		check(t, err)
		if got.Cells[0].Verdict != want {
			t.Errorf("%s: %s, want %s", fleet, got.Cells[0].Verdict, want)
		}
	}
}

// FuzzManifest gives a reader any manifest beside another fleet's content: it
// must never be a hit, whatever it claims.
func FuzzManifest(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "smoke")
	cached(f, dir, "02", stored("arm"))
	path := filepath.Join(dir, "02", "manifest.json")
	own, err := os.ReadFile(path)
	check(f, err)
	for _, seed := range []string{
		string(own), strings.ReplaceAll(string(own), "arm", "a"), "", "{}", `{"schema": 1}`, `{"schema": 1, "files": null}`, "[1e999]", "\xff",
		strings.Replace(string(own), "64", "1000000000", 1), strings.ReplaceAll(string(own), "0001.bin", "../../x"),
		`{"schema":1,"fleet":"a","pipeline":"1212","size":64,"files":[{"name":"0001.bin"}]}`,
		`{"schema":1,"fleet":"a","pipeline":"1212","size":32,"files":[{"name":"0001.bin","inode":18446744073709551615,"changed":"9999-12-31T23:59:59Z"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		check(t, os.WriteFile(path, raw, 0o644))
		got, err := smoke.Read(t.Context(), reading(dir, "a"))
		check(t, err)
		if got.Cells[0].Verdict == smoke.Hit {
			t.Errorf("a hit by %q", raw)
		}
		_ = got.Report(dir).Text
	})
}
