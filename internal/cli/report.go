package cli

import (
	"errors"
	"fmt"
	goio "io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// reportForm is how a command prints its findings, and where.
type reportForm struct {
	form              string // text, json or junit
	file, annotations report.Value
	before            string           // stands before the text
	times             bool             // the text says how long each check took
	siblings          []report.Sibling // of the findings in the JSON
	html              func() string    // the form html, of a command that has one
	mermaid           func() string    // likewise
}

// reportForm reads --output, --file and --annotations. A command may have more
// forms than text, json and junit.
func (s settings) reportForm(more ...string) (f reportForm, err error) {
	output, err := s.value("output")
	if err != nil {
		return f, err
	}
	f.form = output.Text
	forms := append([]string{"text", "json", "junit"}, more...)
	switch {
	case f.form == "":
		f.form = "text"
	case !slices.Contains(forms, f.form):
		last := len(forms) - 1
		return f, wrong(output, "unknown form %q: want %s or %s", report.Clean(output.Text), strings.Join(forms[:last], ", "), forms[last])
	}
	if f.file, err = s.value("file"); err != nil {
		return f, err
	}
	if f.file.Known() && f.form == "text" {
		return f, wrong(f.file, "a file is for --output %s; the text goes to stdout", strings.Join(forms[1:], " or "))
	}
	if f.annotations, err = s.value("annotations"); err != nil {
		return f, err
	}
	for _, at := range []report.Value{f.file, f.annotations} {
		if at.Text == "-" {
			return f, wrong(at, "- is no file; without it the report goes to stdout")
		}
	}
	if f.file.Known() && filepath.Clean(f.file.Text) == filepath.Clean(f.annotations.Text) {
		return f, wrong(f.annotations, "it names the file of %s", f.file.From)
	}
	return f, nil
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
		err = errors.Join(err, writeFile(f.annotations, t.redact.Redact(r.Annotations(suite, catalogue.Home))))
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
	case "html":
		return f.html()
	case "mermaid":
		return f.mermaid()
	}
	inLog := j.InGitLab() && sameFile(io.Out, io.Err)
	colour := (inLog || terminal(io.Out)) && j.Get("NO_COLOR") == ""
	return f.before + r.Text(report.TextOptions{Colour: colour, Sections: inLog, Now: io.Now, Times: f.times})
}

// writeFile puts a report in place, at once where that is a file, readable by the
// runner's helper, which runs as another user.
func writeFile(at report.Value, text string) error {
	path := at.Text
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		err = errors.New("it is a folder")
	case err == nil && !info.Mode().IsRegular():
		err = writeThrough(path, text)
	default:
		err = replaceFile(path, text)
	}
	if err != nil {
		return &hintedError{
			fmt.Errorf("writing %q (%s): %w", at.Text, at.From, bare(err)),
			[]string{"let " + at.From + " name a file in a folder that this job can write"},
		}
	}
	return nil
}

// writeThrough writes into a device or a pipe. It does not wait for a reader.
func writeThrough(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the path is the user's
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func replaceFile(path, text string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".ci-aws-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // it was renamed, or is of no use
	_, err = temp.WriteString(text)
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err := os.Chmod(temp.Name(), 0o644); err != nil { //nolint:gosec // it holds no secret
		return err
	}
	return os.Rename(temp.Name(), path)
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
