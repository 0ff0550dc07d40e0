package refs

import (
	"bytes"
	"errors"
	"reflect"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// toml reads a page of a runner's configuration.
func (r *reader) toml(p *page, from Source, namespace Text) {
	m := mask(p.text)
	text := bytes.Clone(m.text)
	bare := blankBare(text)
	// What was taken out of the whole file before does not show in m.
	partial := len(bare) > 0 || len(m.blanks) > 0 || r.templates.within(p)
	if p.outer != nil && len(m.at) > 0 {
		r.unread(p.place(p.at(m.text, m.at[0])), Templated, notEvaluated)
	}
	config, err := runner.Read(p.file, text)
	if err != nil {
		e := &runner.SyntaxError{At: report.Place{Line: 1, Column: 1}, What: "this is not TOML"}
		_ = errors.As(err, &e)
		at := p.place(p.runeAt(e.At.Line, e.At.Column))
		if partial {
			r.unread(at, Templated, "is a template that cannot be read before Helm renders it: give what `helm template` prints")
		} else {
			r.unread(at, Broken, "is no configuration that gitlab-runner reads: "+e.What)
		}
		return
	}
	for _, one := range config.Runners {
		shift(reflect.ValueOf(&one).Elem(), p)
		r.set.Runners = append(r.set.Runners, Runner{Runner: one, Source: from, Namespace: namespace, Partial: partial})
	}
}

// at is the offset in p of one in a masked copy of its text: both have the same
// lines and characters.
func (p *page) at(masked []byte, offset int) int {
	start := bytes.LastIndexByte(masked[:offset], '\n') + 1
	return p.runeAt(1+bytes.Count(masked[:start], []byte("\n")), 1+starts(masked[start:offset]))
}

// shift puts every place in v where it is in the file, and writes what templates
// left as the model does.
func shift(v reflect.Value, p *page) {
	switch v.Kind() { //nolint:exhaustive // no other kind holds a place or a text
	case reflect.Struct:
		if at, ok := reflect.TypeAssert[*report.Place](v.Addr()); ok {
			if *at != (report.Place{}) {
				*at = p.place(p.runeAt(at.Line, at.Column))
			}
			return
		}
		for _, field := range v.Fields() {
			shift(field, p)
		}
	case reflect.Slice:
		for i := range v.Len() {
			shift(v.Index(i), p)
		}
	case reflect.String:
		// An address comes back from its parser in URL encoding.
		v.SetString(unmask(strings.ReplaceAll(v.String(), "%EE%80%80", mark)))
	}
}

// within reports whether a template that had its lines to itself, or the value of
// a key, stood in the page.
func (m masked) within(p *page) bool {
	from, to := 0, len(p.text)
	for q := p; q.outer != nil; q = q.outer {
		from, to = q.table[from], q.table[to]
	}
	for _, at := range m.blanks {
		if at >= from && at < to {
			return true
		}
	}
	return false
}
