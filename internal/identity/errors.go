package identity

import (
	"errors"
	"slices"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Error is a failure with the facts that name what is wrong. Its words are the
// catalogue's, so that every command says the same of the same cause.
type Error struct {
	Case      string          // the catalogue's id
	Doing     string          // what was being done, to which thing
	Facts     catalogue.Facts // the actual values
	Evidence  []report.Value
	Paste     []report.Snippet // what would mend it
	Said      string           // the service's own code and message, or the system's error
	Code      string           // the service's error code, or the HTTP status where it gave none
	Usage     bool             // the wrong value stood on the command line
	NoVerdict bool             // nobody said no: a network, a timeout, a broken answer
	err       error
}

func (e *Error) Error() string {
	s := e.Doing + ": " + catalogue.Fill(catalogue.Find(e.Case).Problem, e.Facts)
	if e.Said != "" {
		s += " (" + report.Clean(e.Said) + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.err }

// Finding makes the finding of an error that this package returned.
func Finding(err error) (report.Finding, bool) {
	var e *Error
	if !errors.As(err, &e) {
		return report.Finding{}, false
	}
	evidence := e.Evidence
	if e.Said != "" {
		evidence = append(slices.Clone(evidence), report.Value{Text: e.Said, From: "the answer"})
	}
	f := catalogue.Find(e.Case).Finding(e.Facts, evidence, e.Paste...)
	if e.NoVerdict {
		f.Status = report.Unknown
	}
	return f, true
}

// evidence is what was presented to the service.
func (id *Identity) evidence() []report.Value {
	c := id.Token.Claims
	var out []report.Value
	for _, fact := range []struct{ name, text, from string }{
		{"iss ", c.Issuer, "the token"},
		{"sub ", c.Subject, "the token"},
		{"aud ", c.STSAudience(), "the token"},
		{"role ", id.Role.Text, id.Role.From},
		{"region ", id.Region.Text, id.Region.From},
	} {
		if fact.text != "" {
			out = append(out, report.Value{Text: fact.name + fact.text, From: fact.from})
		}
	}
	return out
}
