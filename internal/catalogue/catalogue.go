// Package catalogue holds every way an identity can fail, as data: the check
// that fails, the sentence that names what is wrong, the causes with the change
// that mends each, most likely first, and where the knowledge comes from. The
// words of every error and hint of this project stand here and nowhere else.
package catalogue

import (
	"cmp"
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
	Check   string        // the check that it fails; Title gives its healthy fact
	Status  report.Status // how bad it is; "" is report.Fail
	Answer  Answer        // how the service says it; zero for what is seen locally
	Problem string
	Causes  []Cause // most likely first; where one excludes the others, just that
	Sources []string
}

// Answer recognises a service's answer.
type Answer struct {
	Op   string   // the operation that was called, or "" for any but S3Op
	Code []string // error codes, without a trailing "Exception"
	Text string   // a part of the message, or "" for any
}

// Cause is one explanation of a case and the change that mends it.
type Cause struct {
	Why, Fix string
	When     string // given only where this fact is known; "" is always
	First    string // comes before the others where this fact is known
	Tell     string // how to tell it from the case's other causes
	Unsure   bool   // no source confirms it: worded "may"
}

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

// Title is the healthy fact that a check proves.
func Title(check string) string {
	for _, titles := range []map[string]string{identityTitles, podTitles, trustTitles, runnerTitles, bucketTitles, cacheCheckTitles, cacheAccessTitles, smokeTitles, cacheLogTitles, refsTitles} {
		if t, ok := titles[check]; ok {
			return t
		}
	}
	return check
}

// All returns every case, in the order of a diagnosis.
func All() []Case {
	return slices.Concat(local, pod, web, signed, agent, network, trust, narrow, runnerConfig, bucket, s3Network, cacheCheck, cacheAccess, smoke, cacheLog, cachePair, refs(), refsCache())
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
	if a.Op != op && (a.Op != "" || op == S3Op) || !strings.Contains(message, a.Text) {
		return false
	}
	return slices.Contains(a.Code, code)
}

// Finding makes the finding of a case: its sentences with the facts put in, and
// at most three of its causes.
func (c Case) Finding(f Facts, evidence []report.Value, paste ...report.Snippet) report.Finding {
	return report.Finding{
		ID: c.Check, Status: cmp.Or(c.Status, report.Fail), Title: Title(c.Check), Evidence: clean(evidence),
		Cause: Fill(c.Problem, f), Hints: c.hints(f), Paste: paste, Doc: Doc(c.Check),
	}
}

// Holds makes the finding of a check that holds.
func Holds(check string, evidence ...report.Value) report.Finding {
	return report.Finding{ID: check, Status: report.OK, Title: Title(check), Evidence: clean(evidence), Doc: Doc(check)}
}

// Waits makes the finding of a check that could not run since another failed.
func Waits(check, other string) report.Finding {
	return report.Finding{ID: check, Status: report.Skip, Title: Title(check), Cause: "waits for " + other, Waits: other, Doc: Doc(check)}
}

// Home is where the project's files are read.
const Home = "https://gitlab.com/ci-aws/ci-aws/-/blob/main/"

// Doc is the place in the project's files that explains a check.
func Doc(check string) string { return "docs/checks.md#" + check }

// clean leaves out facts that are not known, which would be empty lines.
func clean(evidence []report.Value) []report.Value {
	var out []report.Value
	for _, v := range evidence {
		if v.Known() {
			out = append(out, report.Value{Text: report.Clean(v.Text), From: report.Clean(v.From)})
		}
	}
	return out
}

// maxHints keeps a message readable at night.
const maxHints = 3

func (c Case) hints(f Facts) []string {
	causes := c.ranked(f)
	var out []string
	for i, cause := range causes[:min(len(causes), maxHints)] {
		out = append(out, Fill(rank(i, len(causes), cause.Unsure)+cause.Why+": "+cause.Fix, f))
	}
	return out
}

// ranked are the causes that the facts leave, those first that a fact speaks for.
func (c Case) ranked(f Facts) []Cause {
	left := slices.DeleteFunc(slices.Clone(c.Causes), func(cause Cause) bool { return cause.When != "" && f[cause.When] == "" })
	slices.SortStableFunc(left, func(a, b Cause) int { return cmp.Compare(f.speaksFor(b), f.speaksFor(a)) })
	return left
}

func (f Facts) speaksFor(c Cause) int {
	if c.First != "" && f[c.First] != "" {
		return 1
	}
	return 0
}

// rank words how sure a cause is: alone it is the cause, otherwise one of several.
func rank(i, n int, unsure bool) string {
	switch {
	case unsure && i > 0:
		return "or it may be that "
	case unsure:
		return "it may be that "
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
