package report

// Status is how a check ended.
type Status string

// The states of a finding.
const (
	OK      Status = "ok"
	Note    Status = "note"
	Warn    Status = "warn"
	Fail    Status = "fail"
	Unknown Status = "unknown"
	Skip    Status = "skip"
)

// Finding is one checked fact. Title is the healthy fact; Cause says in one
// sentence what is wrong, and Fix what to change, most likely change first.
type Finding struct {
	ID       string   `json:"id"`
	Status   Status   `json:"status"`
	Title    string   `json:"title"`
	Evidence []Value  `json:"evidence"`
	Cause    string   `json:"cause"`
	Fix      []string `json:"fix"`
	// Paste is what to put in place, encoded for its target, or "".
	Paste string `json:"paste"`
}
