package main

import (
	"fmt"
	"os"
	"strings"
)

// page is the file that shows the table, between these two lines.
const (
	page  = "docs/performance.md"
	begin = "<!-- Written by `make bench`: -->"
	end   = "<!-- end of what `make bench` writes -->"
)

// result is what a run of the bench found.
type result struct {
	facts []string // about the machine and how it was measured
	rows  []row
}

type row struct {
	what, measured, against string
	ratio                   float64
	bound                   bound
}

// bound is what a ratio has to be; the zero value, beside, asks nothing.
type bound struct {
	sign  string
	limit float64
}

var beside = bound{}

func atMost(limit float64) bound { return bound{"≤", limit} }

func atLeast(limit float64) bound { return bound{"≥", limit} }

func (b bound) holds(ratio float64) bool {
	switch b.sign {
	case "≤":
		return ratio <= b.limit
	case "≥":
		return ratio >= b.limit
	}
	return true
}

func (r *result) add(what, measured, against string, ratio float64, b bound) {
	r.rows = append(r.rows, row{what, measured, against, ratio, b})
}

// missed names the rows whose bound does not hold.
func (r result) missed() []string {
	var names []string
	for _, row := range r.rows {
		if !row.bound.holds(row.ratio) {
			names = append(names, fmt.Sprintf("%s, %s: %.3f, want %s %.4g", row.what, row.measured, row.ratio, row.bound.sign, row.bound.limit))
		}
	}
	return names
}

// markdown is the table with the facts below it.
func (r result) markdown() string {
	var b strings.Builder
	b.WriteString("| what | measured | against | ratio | bound | holds |\n|---|---|---|---|---|---|\n")
	for _, row := range r.rows {
		limit, holds := "none", "beside"
		if row.bound != beside {
			limit, holds = fmt.Sprintf("%s %.4g", row.bound.sign, row.bound.limit), "yes"
			if !row.bound.holds(row.ratio) {
				holds = "**no**"
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.3f | %s | %s |\n", row.what, row.measured, row.against, row.ratio, limit, holds)
	}
	b.WriteString("\n")
	for _, fact := range r.facts {
		fmt.Fprintf(&b, "- %s\n", fact)
	}
	return b.String()
}

// writeTo puts the table into a file, in place of the one that it holds.
func (r result) writeTo(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err = replace(text, r.markdown())
	if err != nil {
		return fmt.Errorf("writing %q: %w", file, err)
	}
	return os.WriteFile(file, text, 0o644)
}

// replace puts a table between the two lines.
func replace(text []byte, table string) ([]byte, error) {
	before, rest, found := strings.Cut(string(text), begin+"\n")
	_, after, closed := strings.Cut(rest, end+"\n")
	if !found || !closed {
		return nil, fmt.Errorf("want the lines %q and %q in it", begin, end)
	}
	return []byte(before + begin + "\n\n" + table + "\n" + end + "\n" + after), nil
}
