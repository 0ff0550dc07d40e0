package iam

import (
	"fmt"
	"strings"
	"unicode"
)

// operator is what a condition's operator asks for, taken apart.
type operator struct {
	set      string // "", "ForAnyValue" or "ForAllValues"
	base     string
	ifExists bool
	negated  bool
	fold     bool // letter case does not count
	wild     bool // * and ? are wildcards
}

// Operators are the names of IAM's condition operators, each set operator and
// IfExists among them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func Operators() []string {
	all := []string{"Null"}
	for _, base := range []string{
		"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
		"Bool", "BinaryEquals", "IpAddress", "NotIpAddress",
		"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike",
	} {
		for _, set := range []string{"", "ForAnyValue:", "ForAllValues:"} {
			all = append(all, set+base, set+base+"IfExists")
		}
	}
	return all
}

// parseOperator knows the string operators and Null.
func parseOperator(name string) (operator, bool) {
	var o operator
	o.base = name
	if set, base, ok := strings.Cut(name, ":"); ok {
		if set != "ForAnyValue" && set != "ForAllValues" {
			return o, false
		}
		o.set, o.base = set, base
	}
	if base, ok := strings.CutSuffix(o.base, "IfExists"); ok {
		o.base, o.ifExists = base, true
	}
	switch o.base {
	case "StringEquals":
	case "StringNotEquals":
		o.negated = true
	case "StringEqualsIgnoreCase":
		o.fold = true
	case "StringNotEqualsIgnoreCase":
		o.fold, o.negated = true, true
	case "StringLike":
		o.wild = true
	case "StringNotLike":
		o.wild, o.negated = true, true
	case "Null":
		return o, o.set == "" && !o.ifExists
	default:
		return o, false
	}
	return o, true
}

// matcher compares by the rules of one policy's version.
type matcher struct {
	variables bool // ${…} is a policy variable
	context   map[string][]string
}

// condition applies the rules of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
func (m matcher) condition(c Condition) Check {
	check := Check{Element: "Condition", Operator: c.Operator, Key: c.Key, Expected: c.Values, At: c.At}
	o, ok := parseOperator(c.Operator)
	if !ok {
		check.Reason = fmt.Sprintf("operator %q is not evaluated", c.Operator)
		return check
	}
	actual, known := lookup(m.context, c.Key)
	if !known {
		check.Reason = fmt.Sprintf("the value of %q is not known here", c.Key)
		return check
	}
	if len(actual) > 0 {
		check.Actual = actual
	}
	switch {
	case o.base == "Null":
		check.Holds, check.Reason = null(c.Values, len(actual) == 0)
	case len(actual) == 0:
		check.Holds = truth(missing(o))
	default:
		check.Holds, check.Reason = m.compare(o, c.Values, actual)
	}
	return check
}

// lookup finds a key, whose name has no letter case, and says whether its
// value, or its absence, is known.
func lookup(context map[string][]string, key string) ([]string, bool) {
	for name, values := range context {
		if strings.EqualFold(name, key) {
			return values, true
		}
	}
	colon := strings.LastIndexByte(key, ':')
	service, claim := strings.ToLower(key[:max(colon, 0)]), strings.ToLower(key[colon+1:])
	switch {
	case strings.HasPrefix(service+":", "aws:") || strings.HasPrefix(service+":", "sts:"):
		return nil, false
	case colon < 0 || claim == "sub" || claim == "aud" || claim == "oaud" || claim == "amr":
		return nil, true // every key has a service or a provider in front, and these claims are a provider's
	}
	return nil, strings.ContainsAny(service, "./")
}

func null(values []string, absent bool) (Truth, string) {
	holds := No
	for _, v := range values {
		switch strings.ToLower(v) {
		case "true":
			holds = or(holds, truth(absent))
		case "false":
			holds = or(holds, truth(!absent))
		default:
			return Unknown, `Null takes "true" or "false"`
		}
	}
	return holds, ""
}

// missing says whether a condition holds for a key that the request has not.
func missing(o operator) bool {
	switch o.set {
	case "ForAnyValue":
		return false
	case "ForAllValues":
		return true
	}
	return o.negated || o.ifExists
}

func (m matcher) compare(o operator, expected, actual []string) (Truth, string) {
	all, some := Yes, No
	var reason string
	for _, a := range actual {
		one, why := m.any(o, expected, a)
		if o.negated {
			one = not(one)
		}
		if one == Unknown {
			reason = why
		}
		all, some = and(all, one), or(some, one)
	}
	holds := all
	if o.set == "ForAnyValue" {
		holds = some
	}
	if o.set == "" && all != some {
		return Unknown, fmt.Sprintf("the request has %d values, which do not agree, and the operator is for one", len(actual))
	}
	if holds != Unknown {
		reason = ""
	}
	return holds, reason
}

func (m matcher) any(o operator, expected []string, actual string) (Truth, string) {
	fold := same
	if o.fold {
		fold = unicode.ToLower
	}
	result, reason := No, ""
	for _, e := range expected {
		p, why := m.pattern(e, o.wild, fold)
		if why != "" {
			result, reason = or(result, Unknown), why
			continue
		}
		result = or(result, truth(p.match(strings.Map(fold, actual))))
	}
	return result, reason
}

// list judges Action, Resource and their negations.
func (m matcher) list(element string, expected []string, actual string, fold func(rune) rune, negated bool) Check {
	c := Check{Element: element, Expected: expected, Actual: []string{actual}, Holds: No}
	for _, e := range expected {
		p, why := m.pattern(e, true, fold)
		if why != "" {
			c.Holds, c.Reason = or(c.Holds, Unknown), why
			continue
		}
		c.Holds = or(c.Holds, truth(p.match(strings.Map(fold, actual))))
	}
	if c.Holds == Yes {
		c.Reason = ""
	}
	if negated {
		c.Holds = not(c.Holds)
	}
	return c
}
