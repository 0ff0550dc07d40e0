package report

import (
	"slices"
	"strings"
	"time"
)

// Status is how a check ended.
type Status string

// The states of a finding.
const (
	OK      Status = "ok"
	Note    Status = "note" // worth knowing, nothing to change
	Warn    Status = "warn" // harms something else than what was asked for
	Fail    Status = "fail"
	Unknown Status = "unknown" // could not tell; Cause says why
	Skip    Status = "skip"    // waits for another finding; Cause names it
)

// Finding is one checked fact. Title is the healthy fact; Cause says in one
// sentence what is wrong. All its texts are clean.
type Finding struct {
	ID       string
	Status   Status
	Title    string
	Evidence []Value
	Cause    string
	Hints    []string  // what to change, most likely change first
	Paste    []Snippet // what to put in place
	Where    []Place   // where files are the evidence
	Doc      string    // the anchor in the docs
	Waits    string    // of a skipped finding: the id of the one that it waits for
	Took     time.Duration
}

// Snippet is a text to paste, encoded for its target.
type Snippet struct {
	For  string // what it is and where it goes: "the trust policy, as JSON"
	Text string
}

// Place is a position in a file. Line and Column count from 1; 0 is not known.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Bad reports whether something is wrong, or could not be told.
func (f Finding) Bad() bool { return f.Status == Fail || f.Status == Unknown }

// Fix is what to change, a line for each hint, and behind them what can be pasted.
func (f Finding) Fix() string {
	parts := f.Hints
	for _, s := range f.Paste {
		parts = append(slices.Clip(parts), s.For+":", s.Text)
	}
	return strings.Join(parts, "\n")
}

// MarshalJSON gives the form that all commands share.
func (f Finding) MarshalJSON() ([]byte, error) {
	return encode(struct {
		ID       string  `json:"id"`
		Status   Status  `json:"status"`
		Title    string  `json:"title"`
		Evidence []Value `json:"evidence"`
		Cause    string  `json:"cause"`
		Fix      string  `json:"fix"`
		Where    []Place `json:"where"`
		Doc      string  `json:"doc"`
		Seconds  float64 `json:"seconds"`
	}{
		f.ID, f.Status, f.Title, append([]Value{}, f.Evidence...), f.Cause, f.Fix(),
		append([]Place{}, f.Where...), f.Doc, f.Took.Round(time.Microsecond).Seconds(),
	}), nil
}

// Group is a stage of a diagnosis, with the findings of its checks in order.
type Group struct {
	ID       string // a slug: "token"
	Title    string // "the token"
	Findings []Finding
	Open     bool // is not folded in a job log, whatever is in it
}

// Report is what a command that checks found, in the order of the diagnosis.
type Report struct{ Groups []Group }

// Findings are those of all groups, in order.
func (r Report) Findings() []Finding {
	var all []Finding
	for _, g := range r.Groups {
		all = append(all, g.Findings...)
	}
	return all
}

// First is the first finding that failed or, where none did, the first that
// could not be told.
func (r Report) First() (Finding, bool) {
	for _, want := range []Status{Fail, Unknown} {
		for _, f := range r.Findings() {
			if f.Status == want {
				return f, true
			}
		}
	}
	return Finding{}, false
}

// Verdict is fail where a finding failed, else unknown where one is unknown,
// else ok.
func (r Report) Verdict() Status {
	if f, found := r.First(); found {
		return f.Status
	}
	return OK
}
