package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is how many runes of a foreign text are shown.
const MaxText = 512

// Clean makes a text of foreign origin (a claim, an answer, a variable) safe to
// print on one line: control characters, bidirectional marks, line separators
// and invalid UTF-8 are escaped, GitLab's section markers are broken up so that
// they fold nothing, and what follows MaxText runes is cut.
func Clean(s string) string {
	var b strings.Builder
	runes := 0
	for i, r := range s {
		if runes == MaxText {
			fmt.Fprintf(&b, "… (%d bytes in all)", len(s))
			break
		}
		runes++
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r):
			b.WriteString(escape(r))
		default:
			b.WriteRune(r)
		}
	}
	return breakSections(b.String())
}

func escape(r rune) string {
	q := fmt.Sprintf("%+q", r)
	return q[1 : len(q)-1]
}

// breakSections takes the meaning from section_start and section_end: GitLab
// looks for them anywhere in a line.
// https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
func breakSections(s string) string {
	return strings.NewReplacer("section_start:", "section_start\\:", "section_end:", "section_end\\:").Replace(s)
}

// CleanLines cleans each line of a text of several lines and keeps the breaks.
func CleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Clean(l)
	}
	return strings.Join(lines, "\n")
}
