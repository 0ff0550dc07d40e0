// Package catalogue holds every way an identity can fail, as data: the check
// that fails, the sentence that names what is wrong, the causes with the change
// that mends each, most likely first, and where the knowledge comes from. The
// words of every error and hint of this project stand here and nowhere else.
package catalogue

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Case is one way in which a check fails.
//
// Problem, and the texts of Causes, name facts in brackets ({role}, <what>);
// Fill puts the actual values in their place.
type Case struct {
	ID      string
	Check   string // the check that it fails; Title gives its healthy fact
	Answer  Answer // how the service says it; zero for what is seen locally
	Problem string
	Causes  []Cause // most likely first; where one excludes the others, just that
	Sources []string
}

// Answer recognises a service's answer.
type Answer struct {
	Op   string   // the operation that was called, or "" for any
	Code []string // error codes, without a trailing "Exception"
	Text string   // a part of the message, or "" for any
}

// Cause is one explanation of a case and the change that mends it. It is given
// only where the fact that When names is known; "" is always.
type Cause struct{ Why, Fix, When string }

// Facts are the actual values of one failure, by the name in the braces.
type Facts map[string]string

// Say makes a fact known that has no value of its own but chooses between
// causes, if it holds.
func (f Facts) Say(name string, holds bool) {
	if holds {
		f[name] = "yes"
	}
}

var placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{[a-z-]+\}|<[a-z-]+>`) })

// Fill replaces each {fact} in text by its value, cleaned and in quotes, and
// each <fact>, which holds words of our own, by its value as it is; or by "(not
// known)".
func Fill(text string, f Facts) string {
	return placeholder().ReplaceAllStringFunc(text, func(m string) string {
		v := f[m[1:len(m)-1]]
		switch {
		case v == "":
			return "(not known)"
		case m[0] == '<':
			return report.Clean(v)
		}
		return Quote(v)
	})
}

// Quote puts a foreign text in double quotes, cleaned. Unlike %q it leaves
// letters of every script, and text that Clean has escaped, readable.
func Quote(s string) string {
	return `"` + strings.ReplaceAll(report.Clean(s), `"`, `\"`) + `"`
}

// title is the healthy fact that a check proves.
func title(check string) string {
	t, ok := titles[check]
	if !ok {
		return check
	}
	return t
}

// All returns every case, in the order of a diagnosis.
func All() []Case {
	all := make([]Case, 0, len(local)+len(web)+len(signed)+len(agent)+len(network))
	for _, group := range [][]Case{local, web, signed, agent, network} {
		all = append(all, group...)
	}
	return all
}

// Find returns the case of that id. An id that is not in the catalogue is a
// defect; it gives a case whose problem is the id itself.
func Find(id string) Case {
	for _, c := range All() {
		if c.ID == id {
			return c
		}
	}
	return Case{ID: id, Check: id, Problem: id}
}

// Recognise returns the case of a service's answer to op. Prefixes that SDKs put
// before the message do not matter.
func Recognise(op, code, message string) (Case, bool) {
	code = strings.TrimSuffix(code, "Exception")
	for _, c := range All() {
		if c.Answer.matches(op, code, message) {
			return c, true
		}
	}
	return Case{}, false
}

func (a Answer) matches(op, code, message string) bool {
	if a.Op != "" && a.Op != op || !strings.Contains(message, a.Text) {
		return false
	}
	return slices.Contains(a.Code, code)
}

// Finding makes the failing finding of a case: its sentences with the facts put
// in, and at most three of its causes.
func (c Case) Finding(f Facts, evidence []report.Value, paste string) report.Finding {
	var clean []report.Value
	for _, v := range evidence {
		clean = append(clean, report.Value{Text: report.Clean(v.Text), From: report.Clean(v.From)})
	}
	return report.Finding{
		ID: c.Check, Status: report.Fail, Title: title(c.Check), Evidence: clean,
		Cause: Fill(c.Problem, f), Hints: c.hints(f), Paste: paste,
	}
}

// maxHints keeps a message readable at night.
const maxHints = 3

func (c Case) hints(f Facts) []string {
	causes := slices.DeleteFunc(slices.Clone(c.Causes), func(cause Cause) bool { return cause.When != "" && f[cause.When] == "" })
	var out []string
	for i, cause := range causes[:min(len(causes), maxHints)] {
		out = append(out, Fill(rank(i, len(causes))+cause.Why+": "+cause.Fix, f))
	}
	return out
}

// rank words how sure a cause is: alone it is the cause, otherwise one of several.
func rank(i, n int) string {
	switch {
	case n == 1:
		return ""
	case i == 0:
		return "most likely "
	default:
		return "or "
	}
}

// Count words a number of things: "1 call", "3 calls".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
