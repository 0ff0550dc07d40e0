package iam

import (
	"strings"
	"unicode/utf8"
)

// pattern is a text in which some runes are wildcards.
type pattern []glyph

type glyph struct {
	r    rune
	wild bool // * stands for any text, ? for any one rune
}

// pattern reads a value of a policy. It fails where the value holds a policy
// variable other than the three that stand for a character of their own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func (m matcher) pattern(value string, wild bool) (pattern, bool) {
	var p pattern
	for value != "" {
		if m.variables && strings.HasPrefix(value, "${") {
			if len(value) < 4 || value[3] != '}' || !strings.ContainsRune("*?$", rune(value[2])) {
				return nil, false
			}
			p = append(p, glyph{r: rune(value[2])})
			value = value[4:]
			continue
		}
		r, size := utf8.DecodeRuneInString(value)
		p = append(p, glyph{r: r, wild: wild && (r == '*' || r == '?')})
		value = value[size:]
	}
	return p, true
}

// match says whether the pattern covers the whole text, in time that is at
// most the product of their lengths.
func (p pattern) match(text string) bool {
	s := []rune(text)
	star, retry := -1, 0 // the last * seen, and where the text goes on behind what it took
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i].wild && p[i].r == '*':
			star, retry = i, j
			i++
		case i < len(p) && (p[i].r == s[j] && !p[i].wild || p[i].wild && p[i].r == '?'):
			i++
			j++
		case star >= 0:
			retry++
			i, j = star+1, retry
		default:
			return false
		}
	}
	for i < len(p) && p[i].wild && p[i].r == '*' {
		i++
	}
	return i == len(p)
}
