package cli

import (
	"fmt"
	"os"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const logSectionUsage = "on success fold all that is said on stderr into a section of GitLab's job log, with the version and where settings come from"

// sectionName is constant: nothing of the job's can be a part of the mark.
const sectionName = "ci_aws"

// section holds what a command says until it is known how the command ends: on
// success it is folded below a header, on failure it comes out plain.
type section struct {
	began  time.Time
	header string // of a command that came to its end; "" folds nothing
	lines  []sectionLine
}

type sectionLine struct {
	text    string
	warning bool
	folded  bool // said in the section only
}

// inSection says a fact that only a section has room for.
func (t *talk) inSection(name string, v report.Value) {
	if t.section == nil || !v.Known() {
		return
	}
	t.say(name, v.String())
	t.section.lines[len(t.section.lines)-1].folded = true
}

// heading names what the section is about. A section without one is not folded.
// What is foreign in it LogSection cleans.
func (t *talk) heading(text string) {
	if t.section != nil {
		t.section.header = "ci-aws: " + t.redact.Redact(text)
	}
}

// release writes what was held. What is said after it goes out as it comes.
func (t *talk) release(err error) {
	s := t.section
	if t.section = nil; s == nil {
		return
	}
	if err == nil && s.header != "" {
		_, _ = fmt.Fprint(t.io.Err, s.text(t.io.Now()))
		return
	}
	for _, l := range s.lines {
		if !l.folded {
			_, _ = fmt.Fprintln(t.io.Err, l.text)
		}
	}
}

func (s *section) text(ended time.Time) string {
	header, warnings := s.header, 0
	var lines []string
	for _, l := range s.lines {
		lines = append(lines, l.text)
		if l.warning {
			warnings++
		}
	}
	if warnings > 0 {
		header += ", " + catalogue.Count(warnings, "warning")
	}
	return report.LogSection(sectionName, header, lines, s.began, ended)
}

// about is whose credentials a session holds, for a heading.
func about(id *identity.Identity, s identity.Session) string {
	who := s.ARN.Or(id.FinalRole())
	if !who.Known() {
		who.Text = "credentials of source " + string(id.Source)
	}
	return who.Text
}

// until is when a session ends, for a heading; "" where nobody tells.
func until(s identity.Session) string {
	if s.Keys.Expires.IsZero() {
		return ""
	}
	return " until " + s.Keys.Expires.UTC().Format(time.RFC3339)
}

// wantsSection begins a section, if it was asked for, with the program itself.
func (t *talk) wantsSection(s settings) error {
	asked, err := s.yes("log-section")
	if err != nil || !asked {
		return err
	}
	t.section = &section{began: t.io.Now()}
	version := report.Value{Text: Version}
	if path, err := os.Executable(); err == nil {
		version.From = path
	}
	t.inSection("version", version)
	return nil
}
