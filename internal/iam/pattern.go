package iam

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// pattern is a text in which some runes are wildcards.
type pattern []glyph

type glyph struct {
	r    rune
	wild bool // * stands for any text, ? for any one rune
}

// pattern reads a value of a policy and puts in the policy variables that are
// known. Where one is not, it says why the pattern cannot be told.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func (m matcher) pattern(value string, wild bool, fold func(rune) rune) (p pattern, why string) {
	for value != "" {
		if m.variables && strings.HasPrefix(value, "${") {
			name, rest, closed := strings.Cut(value[2:], "}")
			if !closed {
				return nil, "a policy variable has no end"
			}
			text, why := m.variable(name, wild)
			if why != "" {
				return nil, why
			}
			for _, r := range text {
				p = append(p, glyph{r: fold(r)})
			}
			value = rest
			continue
		}
		r, size := utf8.DecodeRuneInString(value)
		p = append(p, glyph{r: fold(r), wild: wild && (r == '*' || r == '?')})
		value = value[size:]
	}
	return p, ""
}

// variable gives the value of a policy variable: one of the three that stand for
// a character of their own, else a key of the request that has one value, else
// the default that stands behind it: key, 'default'.
func (m matcher) variable(name string, wild bool) (value, why string) {
	if len(name) == 1 && strings.Contains("*?$", name) {
		return name, ""
	}
	key, fallback, hasDefault := strings.Cut(name, ",")
	if hasDefault {
		fallback = strings.TrimSpace(fallback)
		inner, ok := strings.CutPrefix(fallback, "'")
		inner, ended := strings.CutSuffix(inner, "'")
		if !ok || !ended {
			return "", fmt.Sprintf("the policy variable %q has a default that is not in single quotes", name)
		}
		fallback = inner
	}
	values, known := lookup(m.context, strings.TrimSpace(key))
	switch {
	case !known:
		return "", fmt.Sprintf("the value of the policy variable %q is not known here", name)
	case len(values) == 1 && wild && strings.ContainsAny(values[0], "*?"):
		return "", fmt.Sprintf("the value of the policy variable %q has a wildcard in it", name)
	case len(values) == 1:
		return values[0], ""
	case len(values) == 0 && hasDefault:
		return fallback, ""
	case len(values) == 0:
		return "", fmt.Sprintf("the policy variable %q has no value", name)
	}
	return "", fmt.Sprintf("the policy variable %q has %d values", name, len(values))
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

// Like says whether a text fits a value of StringLike without policy variables.
func Like(value, text string) bool {
	p, why := matcher{}.pattern(value, true, same)
	return why == "" && p.match(text)
}
