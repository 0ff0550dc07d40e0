package report

import (
	"encoding/json"
	"strings"
)

// Status is how a check ended.
type Status string

// The states of a finding.
const (
	Fail    Status = "fail"
	Unknown Status = "unknown" // could not tell
)

// Finding is one checked fact. Title is the healthy fact; Cause says in one
// sentence what is wrong. All its texts are clean.
type Finding struct {
	ID       string
	Status   Status
	Title    string
	Evidence []Value
	Cause    string
	Hints    []string // what to change, most likely change first
	Paste    string   // what to put in place, encoded for its target, or ""
}

// MarshalJSON gives the form that all commands share. Its fix is the hints, a
// line each, and behind them what can be pasted.
func (f Finding) MarshalJSON() ([]byte, error) {
	fix := strings.Join(f.Hints, "\n")
	if f.Paste != "" {
		fix += "\n" + f.Paste
	}
	return json.Marshal(struct {
		ID       string  `json:"id"`
		Status   Status  `json:"status"`
		Title    string  `json:"title"`
		Evidence []Value `json:"evidence"`
		Cause    string  `json:"cause"`
		Fix      string  `json:"fix"`
	}{f.ID, f.Status, f.Title, append([]Value{}, f.Evidence...), f.Cause, fix})
}
