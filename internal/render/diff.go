package render

import (
	"fmt"
	"slices"
	"strings"
)

// Diff is what Write would change, as a unified diff; "" where that is nothing.
// Lines that it takes away pass hide first, since somebody may have put a secret
// into one.
func (p Plan) Diff(hide func(line string) string) string {
	var b strings.Builder
	for _, f := range p.Files {
		if f.State == Unchanged || f.Path == Manifest {
			continue
		}
		before := "a/" + f.Path
		if f.State == New {
			before = "/dev/null"
		}
		fmt.Fprintf(&b, "--- %s\n+++ b/%s\n", before, f.Path)
		writeHunks(&b, linesOf(f.Old), linesOf(f.Text), hide)
	}
	return b.String()
}

func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// edit is a line and whether it is kept (' '), taken away ('-') or added ('+').
type edit struct {
	kind byte
	line string
}

const (
	context   = 3       // lines round a change
	maxMatrix = 4 << 20 // comparisons; larger middles are replaced as a whole
)

// edits turn a into b by a longest common subsequence.
func edits(a, b []string) []edit {
	var all, tail []edit
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		all, a, b = append(all, edit{' ', a[0]}), a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail, a, b = append(tail, edit{' ', a[len(a)-1]}), a[:len(a)-1], b[:len(b)-1]
	}
	all = append(all, middle(a, b)...)
	for _, e := range slices.Backward(tail) {
		all = append(all, e)
	}
	return all
}

func middle(a, b []string) []edit {
	var all []edit
	if (len(a)+1)*(len(b)+1) <= maxMatrix {
		common := lengths(a, b)
		for len(a) > 0 && len(b) > 0 {
			i, j := len(common)-1-len(a), len(common[0])-1-len(b)
			switch {
			case a[0] == b[0]:
				all, a, b = append(all, edit{' ', a[0]}), a[1:], b[1:]
			case common[i+1][j] >= common[i][j+1]:
				all, a = append(all, edit{'-', a[0]}), a[1:]
			default:
				all, b = append(all, edit{'+', b[0]}), b[1:]
			}
		}
	}
	for _, line := range a {
		all = append(all, edit{'-', line})
	}
	for _, line := range b {
		all = append(all, edit{'+', line})
	}
	return all
}

// lengths[i][j] is how long a common subsequence of a[i:] and b[j:] can be.
func lengths(a, b []string) [][]int32 {
	rows := make([][]int32, len(a)+1)
	for i := range rows {
		rows[i] = make([]int32, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				rows[i][j] = rows[i+1][j+1] + 1
			} else {
				rows[i][j] = max(rows[i+1][j], rows[i][j+1])
			}
		}
	}
	return rows
}

func writeHunks(b *strings.Builder, before, after []string, hide func(string) string) {
	all := edits(before, after)
	oldLine, newLine := 1, 1
	for i := 0; i < len(all); {
		if all[i].kind == ' ' {
			oldLine, newLine, i = oldLine+1, newLine+1, i+1
			continue
		}
		start := max(0, i-context)
		end := hunkEnd(all, i)
		oldStart, newStart := oldLine-(i-start), newLine-(i-start)
		var text strings.Builder
		oldCount, newCount := 0, 0
		for _, e := range all[start:end] {
			if e.kind != '+' {
				oldCount++
			}
			if e.kind == '-' {
				e.line = hide(e.line)
			}
			if e.kind != '-' {
				newCount++
			}
			fmt.Fprintf(&text, "%c%s\n", e.kind, e.line)
		}
		fmt.Fprintf(b, "@@ -%s +%s @@\n%s", span(oldStart, oldCount), span(newStart, newCount), text.String())
		oldLine, newLine, i = oldStart+oldCount, newStart+newCount, end
	}
}

// hunkEnd is where the hunk ends that has a change at i: behind its context, and
// that of changes near by.
func hunkEnd(all []edit, i int) int {
	last := i
	for j := i; j < len(all) && j <= last+2*context+1; j++ {
		if all[j].kind != ' ' {
			last = j
		}
	}
	return min(len(all), last+1+context)
}

// span is a range of lines as a unified diff has it: one of no lines is named
// by the line before it.
func span(start, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", start-1)
	case 1:
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, count)
}
