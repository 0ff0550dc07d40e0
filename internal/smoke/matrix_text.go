package smoke

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// wordy is up to how many fleets the text has room for words.
const wordy = 8

// letters stand for the states where words are too long.
var letters = [...]struct{ state, letter string }{
	{string(Hit), "H"},
	{string(Miss), "M"},
	{string(Stale), "S"},
	{string(Corrupt), "C"},
	{string(Partial), "P"},
	{string(Unproven), "N"},
	{string(Unreadable), "U"},
	{NoAnswer, "?"},
	{Implied, "."},
	{NotRun, "-"},
}

func letterOf(state string) string {
	for _, l := range letters {
		if l.state == state {
			return l.letter
		}
	}
	return state
}

// Text is the matrix for people: a line for each writer, a column for each
// reader, which has its writer's number.
func (m Matrix) Text() string {
	var b strings.Builder
	b.WriteString("what each fleet (column) got of what each fleet (line) stored")
	if m.Pipeline != "" {
		b.WriteString(" in pipeline " + report.Clean(m.Pipeline))
	}
	b.WriteString("\n\n")
	width, cell := len(NoAnswer), func(state string) string { return state }
	for _, line := range m.fields {
		for _, field := range line {
			width = max(width, len(field.State))
		}
	}
	if len(m.Fleets) > wordy {
		width, cell = 2, letterOf
	}
	names, longest := m.names()
	fmt.Fprintf(&b, "  %*s", longest, "")
	for r := range m.Fleets {
		fmt.Fprintf(&b, "  %*d", width, r+1)
	}
	b.WriteByte('\n')
	for w, name := range names {
		b.WriteString("  " + name + strings.Repeat(" ", longest-utf8.RuneCountInString(name)))
		for _, field := range m.fields[w] {
			fmt.Fprintf(&b, "  %*s", width, cell(field.State))
		}
		b.WriteByte('\n')
	}
	if len(m.Fleets) > wordy {
		var key []string
		for _, l := range letters {
			key = append(key, l.letter+" "+l.state)
		}
		b.WriteString("\n  " + strings.Join(key, ", ") + "\n")
	}
	b.WriteString("\n")
	return b.String()
}

// names are the fleets with their numbers, cut, and the length of the longest.
func (m Matrix) names() (names []string, longest int) {
	for i, f := range m.Fleets {
		name := fmt.Sprintf("%*d %s", len(strconv.Itoa(len(m.Fleets))), i+1, cut(report.Clean(f)))
		names, longest = append(names, name), max(longest, utf8.RuneCountInString(name))
	}
	return names, longest
}

// maxLabel is how many characters of a fleet's name the matrix shows.
const maxLabel = 40

func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxLabel {
		return s
	}
	return string([]rune(s)[:maxLabel-1]) + "…"
}

// summary is the matrix in a sentence: "2 hits, 1 miss, 1 implied".
func (m Matrix) summary() string {
	counts := map[string]int{}
	for _, line := range m.fields {
		for _, field := range line {
			counts[field.State]++
		}
	}
	var parts []string
	for _, l := range letters {
		if n := counts[l.state]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+l.state)
		}
	}
	return catalogue.Count(len(m.Fleets), "fleet") + ": " + strings.Join(parts, ", ")
}
