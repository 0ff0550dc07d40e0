package report

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// line escapes, as Clean does, what could leave its line or fold a log, and cuts
// nothing: a sentence holds several texts that were cut already.
func line(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r) {
			b.WriteString(Clean(s[:size]))
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return breakSections(b.String())
}

// lines does so for each line of a text, and keeps breaks and tabs.
func lines(s string) string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		cells := strings.Split(l, "\t")
		for i, c := range cells {
			cells[i] = line(c)
		}
		out = append(out, strings.Join(cells, "\t"))
	}
	return strings.Join(out, "\n")
}

// safe is the finding with each of its texts on its own line, and without facts
// that are not known. Findings are clean when they are made; this holds where
// one was not.
func (f Finding) safe() Finding {
	f.ID, f.Title, f.Cause, f.Doc = line(f.ID), line(f.Title), line(f.Cause), line(f.Doc)
	f.Status = Status(line(string(f.Status)))
	f.Evidence = each(known(f.Evidence), func(v Value) Value { return Value{line(v.Text), line(v.From)} })
	f.Hints = each(f.Hints, line)
	f.Paste = each(f.Paste, func(s Snippet) Snippet { return Snippet{line(s.For), lines(s.Text)} })
	f.Where = each(f.Where, func(p Place) Place { p.File = line(p.File); return p })
	return f
}

func (r Report) safe() Report {
	return Report{each(r.Groups, func(g Group) Group {
		return Group{line(g.ID), line(g.Title), each(g.Findings, Finding.safe), g.Open}
	})}
}

func known(values []Value) []Value {
	return slices.DeleteFunc(slices.Clone(values), func(v Value) bool { return !v.Known() })
}

func each[T any](in []T, to func(T) T) []T {
	var out []T
	for _, v := range in {
		out = append(out, to(v))
	}
	return out
}
