package report

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// TextOptions are how a report is shown to people.
type TextOptions struct {
	Colour   bool             // colours the words of the states, and nothing else
	Sections bool             // folds each group in GitLab's job log
	Now      func() time.Time // the clock of the sections; needed for them only
	Times    bool             // says how long each check took that has a time
}

// Text is the report for people: a line for each check that holds; for one that
// does not, what is wrong, then what to change. The end repeats the first that
// failed or, where none did, that warns, since a job log opens at its end.
func (r Report) Text(o TextOptions) string {
	r = r.safe()
	var b strings.Builder
	names := map[string]int{}
	for i, g := range r.Groups {
		switch {
		case o.Sections:
			o.section(&b, g, unique(names, slug(g.ID), "_"))
			continue
		case i > 0:
			b.WriteByte('\n')
		}
		b.WriteString(g.Title + "\n")
		o.findings(&b, g)
	}
	if !o.Sections && len(r.Groups) > 0 {
		b.WriteByte('\n')
	}
	var end strings.Builder
	o.summary(&end, r)
	return b.String() + breakSections(end.String())
}

// section folds a group away, unless it is to stay open, or something in it is
// bad or warns.
// https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
func (o TextOptions) section(b *strings.Builder, g Group, name string) {
	folded := "[collapsed=true]"
	if g.Open || slices.ContainsFunc(g.Findings, func(f Finding) bool { return f.Bad() || f.Status == Warn }) {
		folded = ""
	}
	startSection(b, "ci_aws_"+name+folded, g.Title, o.Now())
	o.findings(b, g)
	endSection(b, "ci_aws_"+name, o.Now())
}

// findings writes a group. Texts are cleaned one by one, so that two of them
// could still make a mark of a section together.
func (o TextOptions) findings(b *strings.Builder, g Group) {
	var own strings.Builder
	for _, f := range g.Findings {
		o.finding(&own, f)
	}
	b.WriteString(breakSections(own.String()))
}

// indent is where texts stand, behind the word of the state.
const indent = "           "

func (o TextOptions) finding(b *strings.Builder, f Finding) {
	if f.Status == OK || f.Status == Skip {
		b.WriteString("  " + o.word(f.Status) + f.Title + about(f) + o.took(f) + "\n")
		return
	}
	b.WriteString("  " + o.word(f.Status) + f.headline() + o.took(f) + "\n")
	for _, p := range f.Where {
		b.WriteString(indent + "at " + p.String() + "\n")
	}
	for _, hint := range f.Hints {
		b.WriteString(indent + "fix: " + hint + "\n")
	}
	for _, v := range f.Evidence {
		b.WriteString(indent + sourced(v) + "\n")
	}
	if f.Status != Note {
		b.WriteString(indent + "see ci-aws explain " + f.ID + "\n")
	}
	for _, s := range f.Paste {
		b.WriteString(indent + s.For + ":\n" + strings.TrimRight(s.Text, "\n") + "\n")
	}
}

// took is how long a check took, in seconds as JUnit has them; what took no
// millisecond has one.
func (o TextOptions) took(f Finding) string {
	if !o.Times || f.Took <= 0 {
		return ""
	}
	return " (" + seconds(max(f.Took, time.Millisecond)) + " s)"
}

// headline is the first line of what does not hold: which check, and why.
func (f Finding) headline() string {
	if f.Cause == "" {
		return f.ID + ": " + f.Title
	}
	return f.ID + ": " + f.Cause
}

// about is what a line says beside the healthy fact: what it waits for, or the
// main value.
func about(f Finding) string {
	switch {
	case f.Cause != "":
		return ": " + f.Cause
	case len(f.Evidence) > 0:
		return ": " + sourced(f.Evidence[0])
	}
	return ""
}

// sourced is a value as Value.String has it, but for a second cut.
func sourced(v Value) string {
	if v.From == "" {
		return v.Text
	}
	return v.Text + " (" + v.From + ")"
}

// String is the place as editors and compilers write it.
func (p Place) String() string {
	s := Clean(p.File)
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			s += ":" + strconv.Itoa(p.Column)
		}
	}
	return s
}

// colour is the SGR code of a state's word, "" for none: one that terminals of
// both backgrounds and GitLab's log show.
func colour(s Status) string {
	switch s {
	case OK:
		return "32"
	case Note:
		return "36"
	case Warn:
		return "33"
	case Fail:
		return "31"
	case Unknown:
		return "35"
	}
	return ""
}

// word is a state's word, filled up to the longest.
func (o TextOptions) word(s Status) string {
	text, fill := string(s), strings.Repeat(" ", max(len(indent)-2-len(s), 1))
	if code := colour(s); o.Colour && code != "" {
		text = "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	return text + fill
}

// summary is at most three lines: the counts, what failed first or else warns
// first, what to change. What can be pasted does not follow here.
func (o TextOptions) summary(b *strings.Builder, r Report) {
	all, counts := r.Findings(), []string{}
	for _, s := range []Status{OK, Note, Warn, Fail, Unknown, Skip} {
		if n := r.count(s); n > 0 {
			counts = append(counts, strconv.Itoa(n)+" "+string(s))
		}
	}
	first, bad := r.First()
	warning := slices.IndexFunc(all, func(f Finding) bool { return f.Status == Warn })
	switch {
	case len(all) == 0:
		b.WriteString("nothing was checked\n")
	case bad:
		b.WriteString(checks(len(all)) + ": " + strings.Join(counts, ", ") + "\n")
		o.brief(b, first)
	case warning >= 0:
		b.WriteString("no check failed, " + warns(r.count(Warn)) + ": " + strings.Join(counts, ", ") + "\n")
		o.brief(b, all[warning])
	case r.count(OK) == len(all):
		b.WriteString("all " + checks(len(all)) + " hold\n")
	default:
		b.WriteString("all " + checks(len(all)-r.count(Skip)) + " hold (" + strings.Join(counts, ", ") + ")\n")
	}
}

// brief is a finding without its facts: what is wrong, and the first change.
func (o TextOptions) brief(b *strings.Builder, f Finding) {
	b.WriteString(o.word(f.Status) + f.headline() + "\n")
	if len(f.Hints) > 0 {
		b.WriteString(strings.TrimPrefix(indent, "  ") + "fix: " + f.Hints[0] + "\n")
	}
}

func warns(n int) string {
	if n == 1 {
		return "1 warns"
	}
	return strconv.Itoa(n) + " warn"
}

func checks(n int) string {
	if n == 1 {
		return "1 check"
	}
	return strconv.Itoa(n) + " checks"
}

func (r Report) count(s Status) int {
	n := 0
	for _, f := range r.Findings() {
		if f.Status == s {
			n++
		}
	}
	return n
}

// slug keeps the characters that the name of a section may have.
func slug(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, s)
}

// unique gives a name that was not given before.
func unique(given map[string]int, name, between string) string {
	for {
		given[name]++
		if given[name] == 1 {
			return name
		}
		name += between + strconv.Itoa(given[name])
	}
}
