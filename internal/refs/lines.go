package refs

import (
	"bytes"
	"reflect"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// maxLine is how long a line may be that is kept for a diff, in bytes.
const maxLine = 400

// remember keeps the lines of the file that hold nothing but a key and a Text of
// the set.
func (r *reader) remember() {
	if r.set.Files == 0 {
		return
	}
	r.set.lines = map[report.Place]string{}
	r.texts(reflect.ValueOf(r.set))
}

// texts goes through every Text of a value.
func (r *reader) texts(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // no other kind holds a Text
	case reflect.Struct:
		switch t := v.Interface().(type) {
		case Text:
			r.keep(t)
			return
		case Unread, report.Place, iam.Policy, iam.Document:
			return
		}
		for f, field := range v.Fields() {
			if f.IsExported() {
				r.texts(field)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			r.texts(v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			r.texts(v.Elem())
		}
	}
}

func (r *reader) keep(t Text) {
	key := report.Place{File: t.At.File, Line: t.At.Line}
	if _, kept := r.set.lines[key]; kept || !t.Known() || t.At.Line == 0 {
		return
	}
	start := r.page.lines[t.At.Line-1]
	at := r.page.runeAt(t.At.Line, t.At.Column)
	line, _, _ := bytes.Cut(r.page.text[start:], []byte("\n"))
	line, windows := bytes.CutSuffix(line, []byte("\r"))
	if len(line) > maxLine || at > start+len(line) {
		return
	}
	if safe(string(line[:at-start]), string(line[at-start:]), t.Text) {
		r.set.lines[key] = string(line)
		if windows {
			r.set.lines[key] += "\r" // a patch has to have it
		}
	}
}

// safe reports whether a line is a key, the text and nothing else but the marks of
// its language.
func safe(before, after, text string) bool {
	after = strings.TrimRight(after, " \t")
	after = strings.TrimSuffix(after, ",")
	switch {
	case after == text:
	case len(after) >= 2 && (after[0] == '"' || after[0] == '\'') && after[len(after)-1] == after[0] && after[1:len(after)-1] == text:
	default:
		return false
	}
	before = strings.TrimLeft(before, " \t")
	for strings.HasPrefix(before, "- ") {
		before = strings.TrimLeft(before[2:], " ")
	}
	if before == "" || before == "[" {
		return true
	}
	key := strings.TrimRight(before, " \t")
	if key = strings.TrimRight(key, ":="); len(key) == len(strings.TrimRight(before, " \t")) {
		return false
	}
	key = strings.Trim(key, " \t\"'")
	for _, c := range key {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:", c) {
			return false
		}
	}
	return key != ""
}
