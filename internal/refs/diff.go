package refs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// plainName is what a patch may put into YAML, JSON or TOML as it stands, in
// quotes or not: it means the same in all of them.
var plainName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+=@._/:-]*[A-Za-z0-9]$`) })

// patchTitle is what a patch is called.
const patchTitle = "the change, as a patch"

// words are those that YAML takes for something else than a text.
var notTexts = []string{"true", "false", "yes", "no", "on", "off", "null"}

// patch gives the change that puts want in the place of each end's name, as
// `patch -p1` and `git apply --unidiff-zero` take it. There is none where a line
// may hold more than the name, or where want would need quotes.
func (c *checker) patch(ends []end, want string) []report.Snippet {
	if !plainName().MatchString(want) || slices.Contains(notTexts, strings.ToLower(want)) {
		return nil
	}
	var b strings.Builder
	for _, e := range ends {
		old, ok := c.Line(e.text)
		if !ok {
			return nil
		}
		line, ok := replaced(old, e, want)
		if !ok {
			return nil
		}
		name, ok := c.patchName(e.text.At.File)
		if !ok {
			return nil
		}
		fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n@@ -%d +%d @@\n-%s\n+%s\n", name, name, e.text.At.Line, e.text.At.Line, old, line)
	}
	text := b.String()
	if !printsAsIs(strings.ReplaceAll(text, "\r\n", "\n")) {
		return nil
	}
	return []report.Snippet{{For: patchTitle, Text: text}}
}

// patchName is the name of a file in a patch: relative to the repository that the
// files are in, else to the working directory. There is none for stdin and for what
// stands outside.
func (c *checker) patchName(file string) (string, bool) {
	name := filepath.Clean(file)
	if root := c.root; root != "" {
		full, err := filepath.Abs(name)
		if err != nil {
			return "", false
		}
		if name, err = filepath.Rel(root, full); err != nil {
			return "", false
		}
	}
	return filepath.ToSlash(name), file != Stdin && filepath.IsLocal(name)
}

// repository is the folder above dir that holds .git, else dir itself.
func repository(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// replaced is a line with the end's name changed to want: at its place, or where
// it stands once only.
func replaced(line string, e end, want string) (string, bool) {
	whole := e.part == e.text.Text
	if e.part == "" || !strings.HasPrefix(e.text.Text[min(e.from, len(e.text.Text)):], e.part) || whole && !strings.ContainsFunc(want, unicode.IsLetter) {
		return "", false
	}
	column := min(max(e.text.At.Column-1, 0), len(line))
	// A quote may stand in front.
	if i := strings.Index(line[column:], e.text.Text); i == 0 || i == 1 {
		at := column + i + e.from
		return line[:at] + want + line[at+len(e.part):], true
	}
	if strings.Count(line, e.part) != 1 {
		return "", false
	}
	return strings.Replace(line, e.part, want, 1), true
}

// printsAsIs reports whether a text of several lines is shown as it is: nothing
// in it commands a terminal or a job log, and no line is cut.
func printsAsIs(text string) bool {
	plain := strings.ReplaceAll(text, "\t", " ")
	return report.CleanLines(plain) == plain
}
