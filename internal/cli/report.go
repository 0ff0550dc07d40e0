package cli

import (
	"errors"
	"fmt"
	goio "io"
	"os"
	"path/filepath"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// reportForm is how a command prints its findings, and where.
type reportForm struct {
	form              string // text, json or junit
	file, annotations report.Value
	before            string           // stands before the text
	siblings          []report.Sibling // of the findings in the JSON
}

// reportForm reads --output, --file and --annotations.
func (s settings) reportForm() (f reportForm, err error) {
	output, err := s.value("output")
	if err != nil {
		return f, err
	}
	f.form = output.Text
	switch f.form {
	case "":
		f.form = "text"
	case "text", "json", "junit":
	default:
		return f, wrong(output, "unknown form %q: want text, json or junit", report.Clean(output.Text))
	}
	if f.file, err = s.value("file"); err != nil {
		return f, err
	}
	if f.file.Known() && f.form == "text" {
		return f, wrong(f.file, "a file is for --output json or junit; the text goes to stdout")
	}
	f.annotations, err = s.value("annotations")
	return f, err
}

// write prints the report and ends with its verdict. What goes into a file
// leaves stdout to the text.
func (f reportForm) write(io IO, t *talk, j job.Job, r report.Report, suite string) error {
	shown := f.form
	if f.file.Known() {
		shown = "text"
	}
	_, err := fmt.Fprint(io.Out, t.redact.Redact(f.render(io, j, r, suite, shown)))
	if err != nil {
		err = writeFailed(err)
	}
	if f.file.Known() {
		err = errors.Join(err, writeFile(f.file, t.redact.Redact(f.render(io, j, r, suite, f.form))))
	}
	if f.annotations.Known() {
		err = errors.Join(err, writeFile(f.annotations, t.redact.Redact(r.Annotations(catalogue.Home))))
	}
	if err != nil {
		return err
	}
	switch r.Verdict() {
	case report.Fail:
		return exitStatus(exitNo)
	case report.Unknown:
		return exitStatus(exitNoVerdict)
	}
	return nil
}

func (f reportForm) render(io IO, j job.Job, r report.Report, suite, form string) string {
	switch form {
	case "json":
		return r.JSON(f.siblings...)
	case "junit":
		return r.JUnit(suite)
	}
	inLog := j.InGitLab() && sameFile(io.Out, io.Err)
	colour := (inLog || terminal(io.Out)) && j.Get("NO_COLOR") == ""
	return f.before + r.Text(report.TextOptions{Colour: colour, Sections: inLog, Now: io.Now})
}

// writeFile puts a report in place at once, readable by the runner's helper,
// which runs as another user.
func writeFile(at report.Value, text string) error {
	temp, err := os.CreateTemp(filepath.Dir(at.Text), ".ci-aws-*")
	if err == nil {
		defer func() { _ = os.Remove(temp.Name()) }() // it was renamed, or is of no use
		_, err = temp.WriteString(text)
		if cerr := temp.Close(); err == nil {
			err = cerr
		}
	}
	if err == nil {
		err = os.Chmod(temp.Name(), 0o644) //nolint:gosec // it holds no secret
	}
	if err == nil {
		err = os.Rename(temp.Name(), at.Text)
	}
	if err != nil {
		return &hintedError{
			fmt.Errorf("writing %q (%s): %w", at.Text, at.From, bare(err)),
			[]string{"let " + at.From + " name a file in a folder that this job can write"},
		}
	}
	return nil
}

// terminal reports whether a stream is one that a person looks at.
func terminal(w goio.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && !discarded(w)
}
