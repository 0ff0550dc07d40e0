package smoke_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// asFile is a result as smoke read writes it.
func asFile(r smoke.Result) string {
	return r.Report("ci-aws-smoke").JSON(report.Sibling{Key: "smoke", Value: r})
}

// result is what a reader on a fleet got, by the writers' fleets.
func result(reader string, cells ...smoke.Cell) smoke.Result {
	return smoke.Result{Pipeline: "1212", Reader: smoke.Side{Fleet: reader, Origin: smoke.Origin{Job: "4712", Runner: "8", Host: "h8"}}, Cells: cells}
}

func cell(fleet string, v smoke.Verdict) smoke.Cell {
	c := smoke.Cell{Writer: fleet, Verdict: v, Files: []string{}}
	switch v {
	case smoke.Miss:
		return c
	case smoke.Corrupt:
		c.Why, c.Files = "it differs from byte 40 on", []string{"02/0002.bin"}
	case smoke.Partial:
		c.Files = []string{"02/0002.bin"}
	}
	c.Pipeline, c.By, c.Bytes = "1212", writer, 192
	if v == smoke.Stale {
		c.Pipeline = "1211"
	}
	return c
}

const hostile = "a \"b\" 'c' </title><script>alert(1)</script> 🦊 $(touch x) \u202e\x1b[31m section_start:1:x ]]> --> &amp;"

func TestAResultIsReadAsItWasWritten(t *testing.T) {
	for _, want := range []smoke.Result{
		result("a", cell("b", smoke.Hit), cell("c", smoke.Miss)),
		result(hostile, cell(hostile, smoke.Corrupt)),
	} {
		text := asFile(want)
		if i := strings.IndexFunc(text, func(r rune) bool {
			return r != '\n' && (!unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r))
		}); i >= 0 || strings.Contains(text, "section_start:") {
			t.Errorf("it is not fit for a log at byte %d:\n%s", i, text)
		}
		got, err := smoke.ParseResult([]byte(text))
		check(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestAResultThatCannotBeUsedSaysWhy(t *testing.T) {
	good := asFile(result("hunter2", cell("b", smoke.Hit)))
	with := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	tests := []struct{ name, text, want string }{
		{"another version", with(`"schema": 1`, `"schema": 7`), "it is of schema 7, and this program knows 1"},
		{"another version of another form", `{"schema": 7, "smoke": []}`, "it is of schema 7, and this program knows 1"},
		{"no version", with(`"schema"`, `"scheme"`), "it has no schema"},
		{"cut", good[:len(good)/2], "it ends too early"},
		{"empty", "", "it is empty"},
		{"white space", " \n", "it is empty"},
		{"no JSON", "hunter2", "it is not JSON at byte 1"},
		{"two", good + good, "something follows the JSON at byte " + itoa(len(good)-1)},
		{"no text", "\xff", "it is not UTF-8"},
		{"other findings", `{"schema": 1, "verdict": "ok", "findings": []}`, `it has no "smoke": it is not what smoke read --output json writes`},
		{"a verdict of the future", with(`"verdict": "hit"`, `"verdict": "hunter2"`), "its verdict 1 is none that this program knows"},
		{"no verdict", with(`"verdict": "hit"`, `"verdict": ""`), "its verdict 1 is none that this program knows"},
		{"no cells", `{"schema": 1, "smoke": {"pipeline": "1"}}`, "it has 0 verdicts: want 1 to 200"},
		{"no pipeline", with(`"pipeline": "1212"`, `"pipeline": "hunter2/"`), "its pipeline is none"},
		{"no fleet", with(`"writer": "b"`, `"writer": ""`), "its verdict 1 names no fleet"},
		{"a negative number", with(`"bytes": 192`, `"bytes": -1`), "its verdict 1 has numbers that cannot be"},
		{"an unknown name", with(`"cells"`, `"hunter2": 1, "cells"`), "it has a name that this program does not know"},
		{"a name in other letters", with(`"fallback_key"`, `"Fallback_Key"`), "it has a name that this program does not know"},
		{"a name twice", `{"schema": 1, "schema": 1}`, "a name stands twice in one object, at byte 22"},
		{"a number for a word", `{"schema": 1, "smoke": {"pipeline": 7}}`, "the value at byte 37 is of another kind than it must be"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := smoke.ParseResult([]byte(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func itoa(n int) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func TestAResultFileIsASmallPlainFile(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	check(t, os.WriteFile(path("good.json"), []byte(asFile(result("a", cell("b", smoke.Hit)))), 0o644))
	check(t, os.WriteFile(path("huge.json"), nil, 0o644))
	check(t, os.Truncate(path("huge.json"), 100_000_000))
	check(t, os.Mkdir(path("folder"), 0o755))
	for name, want := range map[string]string{
		"good.json": "", "huge.json": "it is larger than 4 MiB", "folder": "it is not a regular file",
		"none.json": "there is no such file", "nowhere/x.json": "there is no such file", "nomatch-*.json": "no file fits this pattern",
	} {
		got := ""
		if _, err := smoke.ReadResult(path(name)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// FuzzResult joins any two result files: what they hold never makes the page
// anything but well formed, nor a verdict that is no hit a pass.
func FuzzResult(f *testing.F) {
	for _, r := range []smoke.Result{
		result("a", cell("a", smoke.Hit), cell("b", smoke.Miss)), result("b", cell("a", smoke.Stale)), result(hostile, cell(hostile, smoke.Corrupt), cell("a", smoke.Partial)),
	} {
		f.Add([]byte(asFile(r)), []byte(asFile(result("c", cell("a", smoke.Hit)))))
	}
	f.Add([]byte(`{"schema": 1, "smoke": {"pipeline": "1", "reader": {"fleet": ","}, "cells": [{"writer": "\ufffe", "verdict": "hit", "by": {"runner": "</text>"}}]}}`), []byte("{"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var files []smoke.File
		good := true
		for i, raw := range [][]byte{first, second} {
			r, err := smoke.ParseResult(raw)
			files = append(files, smoke.File{Path: itoa(i), Result: r, Err: err})
			good = good && err == nil
			for _, c := range r.Cells {
				good = good && c.Verdict == smoke.Hit
			}
		}
		m := smoke.Join(nil, "", files)
		if v := m.Report().Verdict(); !good && v == report.OK {
			t.Errorf("%s for %q and %q", v, first, second)
		}
		wellFormed(t, m.HTML())
		_ = m.Text()
		_ = m.Report().JUnit("x")
	})
}
