package refs

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// seeds are the files of all archives with one of these endings.
func seeds(f *testing.F, endings ...string) {
	f.Helper()
	for _, file := range archives(f) {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, one := range archive.Files {
			for _, end := range endings {
				if strings.HasSuffix(one.Name, end) {
					f.Add(one.Data)
				}
			}
		}
	}
}

// holds checks what is true of a set of any file: each place is in the file, and
// no line is kept that has more than a text of the set.
func holds(t *testing.T, name string, text []byte) {
	t.Helper()
	set := parse(name, text, true)
	lines := bytes.Split(bytes.TrimPrefix(text, []byte("\uFEFF")), []byte("\n"))
	check := func(at report.Place) {
		switch {
		case at == report.Place{} || at == report.Place{File: name} || at.Line == -1:
		case at.File != name || at.Line < 1 || at.Line > len(lines) || at.Column < 1 || at.Column > starts(lines[at.Line-1])+2:
			t.Errorf("%+v is no place in the file", at)
		}
	}
	each(reflect.ValueOf(set), "", func(_ string, _ *Text, at report.Place) { check(at) })
	for _, r := range set.Roles {
		if r.Trust != nil {
			for _, s := range r.Trust.Policy.Statements {
				check(r.Trust.Place(s.At))
			}
		}
	}
	if set.Files+set.Others != 1 {
		t.Errorf("%d files and %d others", set.Files, set.Others)
	}
}

func FuzzYAML(f *testing.F) {
	seeds(f, ".yaml", ".yml")
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, "a.yaml", text) })
}

func FuzzJSON(f *testing.F) {
	seeds(f, ".json", ".tfstate")
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, "a.json", text) })
}

func FuzzTOML(f *testing.F) {
	seeds(f, ".toml")
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, "a.toml", text) })
}

// FuzzNested puts a text into each kind of scalar, of which its places have to come
// back to the file.
func FuzzNested(f *testing.F) {
	seeds(f, ".toml")
	f.Add([]byte("[[runners]]\n  name = \"größer\\\"\"\n  [runners.kubernetes]\n    service_account = '{{ .x }}'\n"))
	f.Fuzz(func(t *testing.T, toml []byte) {
		if !utf8.Valid(toml) {
			return
		}
		block := "runners:\n  config: |\n    " + strings.ReplaceAll(string(toml), "\n", "\n    ") + "\n"
		holds(t, "a.yaml", []byte(block))
		holds(t, "a.yaml", []byte("runners: {config: '"+strings.ReplaceAll(string(toml), "'", "''")+"'}\n"))
		holds(t, "a.yaml", []byte("runners:\n  config: >\n    "+strings.ReplaceAll(string(toml), "\n", "\n\n    ")+"\n"))
	})
}

// FuzzTemplate takes templates out of texts: lines and columns stay.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"a: {{ .x }}\n", "{{- if x }}\r\nb\n{{ end -}} {{/* c\nd */}}\n", "{{", "}}{{}}", "ä{{ö}}ü\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		m := mask(text)
		before, after := bytes.Split(text, []byte("\n")), bytes.Split(m.text, []byte("\n"))
		if len(before) != len(after) {
			t.Fatalf("%d lines became %d", len(before), len(after))
		}
		for i := range before {
			if b, a := starts(before[i]), starts(after[i]); a != b {
				t.Errorf("line %d: %d characters became %d", i+1, b, a)
			}
		}
		n := len(m.text)
		blankBare(m.text)
		if len(m.text) != n {
			t.Error("the length changed")
		}
	})
}
