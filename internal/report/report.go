// Package report holds what every command says with: a value and where it came
// from, a secret that cannot be printed, a finding, and the cleaning that text
// of foreign origin passes before it reaches a terminal or a job log.
package report

import "cmp"

// Value is a fact and its source. It prints as "eu-central-1 (AWS_REGION)".
type Value struct {
	Text string `json:"text"`
	From string `json:"from"`
}

// Known reports whether the value was found at all.
func (v Value) Known() bool { return v.Text != "" }

// Or returns v, or w where v is not known.
func (v Value) Or(w Value) Value { return cmp.Or(v, w) }

// String is the cleaned text followed by its source.
func (v Value) String() string {
	if v.From == "" {
		return Clean(v.Text)
	}
	return Clean(v.Text) + " (" + Clean(v.From) + ")"
}
