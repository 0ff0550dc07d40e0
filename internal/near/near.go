// Package near tells a slip from another name: how two names differ, and which
// of several a name was meant to be.
package near

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEdits is how many letters a slip changes at most, and maxName how long a
// name may be, in runes, to be compared at all.
const (
	maxEdits = 2
	maxName  = 512
)

// Slip words how got differs from want where it looks like a slip of want
// ("one letter differs", "the letter case differs"), or is "" where the two are
// equal or have little in common.
func Slip(got, want string) string {
	if got == want || got == "" || want == "" || utf8.RuneCountInString(got) > maxName || utf8.RuneCountInString(want) > maxName {
		return ""
	}
	switch {
	case strings.TrimSpace(got) == strings.TrimSpace(want):
		return "white space around it differs"
	case strings.EqualFold(got, want):
		return "the letter case differs"
	case letters(got) == letters(want):
		return "the characters between the letters differ"
	}
	n := edits([]rune(got), []rune(want))
	shortest := min(utf8.RuneCountInString(got), utf8.RuneCountInString(want))
	switch {
	case n > maxEdits, n*3 > shortest:
		return ""
	case n == 1:
		return "one character differs"
	}
	return strconv.Itoa(n) + " characters differ"
}

// Of gives the candidate that got is most likely a slip of, "" where none is.
func Of(got string, candidates []string) string {
	best, least := "", maxEdits+1
	for _, c := range candidates {
		if Slip(got, c) == "" {
			continue
		}
		if n := edits([]rune(strings.ToLower(got)), []rune(strings.ToLower(c))); n < least {
			best, least = c, n
		}
	}
	return best
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// edits counts the letters to insert, remove, replace or swap with a neighbour
// (optimal string alignment).
func edits(a, b []rune) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		next[0] = i + 1
		for j, y := range b {
			cost := 1
			if x == y {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && x == b[j-1] && a[i-1] == y {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
