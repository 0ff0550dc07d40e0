package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// talk is what a command says on stderr. No secret that it knows of, and
// nothing that looks like a token, gets through.
type talk struct {
	io      IO
	redact  report.Redactor
	verbose bool
	section *section // what is said for a section of the job's log; nil where nothing is folded
}

func newTalk(io IO) *talk {
	t := &talk{io: io}
	j := job.Read(io.Environ, "")
	t.redact.Add(j.Secrets(j.Get(variable("id-token-env")))...)
	return t
}

func (t *talk) say(kind, text string) {
	line := "ci-aws: " + kind + ": " + t.redact.Redact(text)
	if t.section != nil {
		t.section.lines = append(t.section.lines, sectionLine{text: line, warning: kind == "warning"})
		return
	}
	_, _ = fmt.Fprintln(t.io.Err, line)
}

// warn says what stops nobody but should be known.
func (t *talk) warn(text string) { t.say("warning", report.Clean(text)) }

// detail says a fact when --verbose was given.
func (t *talk) detail(name string, v report.Value) {
	if t.verbose && v.Known() {
		t.say(name, v.String())
	}
}

// failure says why a command failed: what broke, then what to change, then what
// can be pasted.
func (t *talk) failure(err error) {
	var (
		status exitStatus
		hinted *hintedError
		bug    *bugError
	)
	if err == nil || errors.As(err, &status) {
		return
	}
	finding, found := identity.Finding(err)
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		text = "interrupted"
	case errors.Is(err, context.DeadlineExceeded) && !found:
		text = "timed out; give --timeout more room"
	}
	t.say("error", report.CleanLines(text))
	t.hints(finding)
	if setting, ok := errors.AsType[*settingError](err); ok {
		t.say("hint", setting.hint())
	}
	if errors.As(err, &hinted) {
		for _, h := range hinted.hints {
			t.say("hint", h)
		}
	}
	if errors.As(err, &bug) {
		t.say("hint", "this is a defect of ci-aws; please report it with these lines")
		_, _ = fmt.Fprintln(t.io.Err, t.redact.Redact(report.CleanLines(strings.ReplaceAll(bug.stack, "\t", "  "))))
	}
}

func (t *talk) hints(f report.Finding) {
	for _, h := range f.Hints {
		t.say("hint", h)
	}
	if len(f.Paste) > 0 {
		_, _ = fmt.Fprintln(t.io.Err, t.redact.Redact(f.Paste[0].Text))
	}
}

// safe is an error whose text can be shown to a child: without the secrets that
// an answer may hold.
func (t *talk) safe(err error) error {
	if err == nil {
		return nil
	}
	return &safeError{err, t.redact.Redact(report.Clean(err.Error()))}
}

type safeError struct {
	error
	text string
}

func (e *safeError) Error() string { return e.text }
func (e *safeError) Unwrap() error { return e.error }
