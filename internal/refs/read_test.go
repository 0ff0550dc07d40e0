package refs

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

var update = flag.Bool("update-read", false, "record what the readers make of testdata/read")

// TestReadersGiveEveryNameWithItsPlace reads the files of each archive and compares
// all that the set has with the archive's own section "want".
func TestReadersGiveEveryNameWithItsPlace(t *testing.T) {
	for _, file := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, files := "", map[string]string{}
			var kept []txtar.File
			var names []string
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				kept, names = append(kept, f), append(names, f.Name)
				files[f.Name] = string(f.Data)
			}
			set := readAll(t, files, names)
			got := dump(set)
			if *update {
				archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			inPlace(t, set, files)
			if s := fmt.Sprintf("%+v %q %q", set, documents(set), set.lines); strings.Contains(s, "PLANTED") {
				t.Errorf("the set holds a secret: %s", s)
			}
		})
	}
}

func archives(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/read/*.txtar")
	if err != nil || len(all) == 0 {
		t.Fatal("no archives", err)
	}
	return all
}

// readAll parses files as if each had been named.
func readAll(t testing.TB, files map[string]string, names []string) Set {
	t.Helper()
	var set Set
	for _, name := range names {
		set.add(parse(name, []byte(files[name]), true))
	}
	set.join()
	return set
}

// inPlace checks that each text of the set stands in its file where the set says.
// Those that are not written there as they are begin there with a quote, an escape
// or the braces of a template.
func inPlace(t testing.TB, set Set, files map[string]string) {
	t.Helper()
	each(reflect.ValueOf(set), "", func(path string, text *Text, at report.Place) {
		if text == nil || !text.Known() || at.Line == 0 {
			return
		}
		rest := strings.TrimLeft(from(files[at.File], at), `"'\`)
		if derived := strings.HasSuffix(path, ".Kind") || strings.Contains(path, ".Flat[") || strings.HasSuffix(path, ".Key") && strings.Contains(path, ".Old["); derived {
			return
		}
		known, _, _ := strings.Cut(text.Text, "{{")
		if n := strings.IndexByte(rest, '\\'); n >= 0 && n < len(known) {
			known = known[:n]
		}
		if strings.HasPrefix(rest, "yes") && known == "true" || strings.HasPrefix(rest, "https://user:") {
			return
		}
		if !strings.HasPrefix(rest, known) && !strings.HasPrefix(rest, "%") && !strings.HasPrefix(rest, "{{") {
			t.Errorf("%s: %q is not at line %d, column %d: %.40q", path, text.Text, at.Line, at.Column, rest)
		}
	})
}

// documents are the texts of all policies.
func documents(set Set) []string {
	all := append(slices.Clone(set.Policies), set.Trusts...)
	for _, r := range set.Roles {
		all = append(all, r.Policies...)
		if r.Trust != nil {
			all = append(all, *r.Trust)
		}
	}
	var texts []string
	for _, p := range all {
		texts = append(texts, string(p.Document.Policy))
	}
	return texts
}

// from is the text from a place on.
func from(text string, at report.Place) string {
	for range at.Line - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	runes := []rune(text)
	return string(runes[min(at.Column-1, len(runes)):])
}

// each calls f for every text and every place of a value.
func each(v reflect.Value, path string, f func(path string, text *Text, at report.Place)) {
	switch v.Kind() {
	case reflect.Struct:
		switch x := v.Interface().(type) {
		case Text:
			f(path, &x, x.At)
			return
		case report.Place:
			f(path, nil, x)
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Type.PkgPath() != reflect.TypeFor[iam.Policy]().PkgPath() {
				name := path + "." + field.Name
				if field.Anonymous {
					name = path
				}
				each(v.Field(i), strings.TrimPrefix(name, "."), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			each(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			each(v.Elem(), path, f)
		}
	case reflect.String, reflect.Bool, reflect.Int:
		if !v.IsZero() || v.Kind() == reflect.Int {
			f(fmt.Sprintf("%s: %v", path, v), nil, report.Place{Line: -1})
		}
	}
}

// dump writes all that the set has, a line for each value that is known.
func dump(set Set) string {
	var b strings.Builder
	each(reflect.ValueOf(set), "", func(path string, text *Text, at report.Place) {
		switch {
		case strings.HasPrefix(path, "Unread"):
		case text == nil && strings.Count(path, ".") == 1 && strings.HasSuffix(path, ".At"):
			fmt.Fprintf(&b, "%s %s\n", strings.TrimSuffix(path, ".At"), where(at))
		case text != nil && text.Known():
			fmt.Fprintf(&b, "\t%s = %q %s\n", path[strings.Index(path, ".")+1:], text.Text, where(at))
		case text == nil && at == (report.Place{Line: -1}):
			fmt.Fprintf(&b, "\t%s\n", path[strings.Index(path, ".")+1:])
		}
	})
	for _, u := range set.Unread {
		fmt.Fprintf(&b, "unread %s %s: %s\n", where(u.At), u.Kind, u.Reason)
	}
	fmt.Fprintf(&b, "%d files, %d others\n", set.Files, set.Others)
	return b.String()
}

func where(p report.Place) string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

func read(t *testing.T, in io.Reader, paths ...string) Set {
	t.Helper()
	set, err := Read(context.Background(), paths, in)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
