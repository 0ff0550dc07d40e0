package iam

import (
	"slices"
	"unicode"
)

// Truth is the answer to "does it hold?".
type Truth int

// Unknown is the zero value: what nobody decided is not decided.
const (
	Unknown Truth = iota
	No
	Yes
)

// String gives "unknown", "no" or "yes".
func (t Truth) String() string { return [...]string{"unknown", "no", "yes"}[t] }

// MarshalText gives the same words.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func truth(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

// Request is one call to be judged.
type Request struct {
	// Principal is who calls, by every name that a policy may give it: a role's
	// session answers to its own ARN, its role's and its account's. Empty when a
	// permission policy is judged, which has no Principal.
	Principal []Principal
	Action    string // service:Action
	Resource  string // ARN; empty when a trust policy is judged, in which a Resource makes the statement Unknown
	// Context holds the condition keys of the call. An empty list is a key that
	// the call surely does not have. A key that is not listed makes a condition
	// on it Unknown, except a key of an identity provider (gitlab.com:project_id):
	// a call has those of its own token, which are to be listed, and no others.
	Context map[string][]string
}

// Decision is a policy's answer to a request.
type Decision int

// Undecided is the zero value: some element that counts could not be judged.
const (
	Undecided Decision = iota
	NotAllowed
	Denied // by an explicit Deny
	Allowed
)

// String gives "undecided", "not allowed", "denied" or "allowed".
func (d Decision) String() string {
	return [...]string{"undecided", "not allowed", "denied", "allowed"}[d]
}

// Result is a decision and why it was made.
type Result struct {
	Decision   Decision
	Statements []StatementResult // in the policies' order
}

// StatementResult says whether a statement applies to the request.
type StatementResult struct {
	Sid     string
	Effect  string
	Applies Truth
	Checks  []Check // Principal, Action, Resource, then conditions, in this order
	At      Position
}

// Check is one element of a statement against the request.
type Check struct {
	Element  string   // Principal, NotPrincipal, Action, NotAction, Resource, NotResource, Condition
	Operator string   // of a condition
	Key      string   // of a condition
	Expected []string // what the policy says
	Actual   []string // what the request has; nil where it has nothing
	Holds    Truth
	Reason   string // why it is Unknown; empty otherwise
	At       Position
}

// Evaluate judges a request by this policy alone.
func (p Policy) Evaluate(r Request) Result { return Evaluate([]Policy{p}, r) }

// Evaluate judges a request by policies that count together, as all permission
// policies of a role do. An explicit Deny in any wins; without a statement that
// allows, the answer is NotAllowed.
func Evaluate(policies []Policy, r Request) Result {
	var result Result
	allow, deny := No, No
	for _, p := range policies {
		for _, s := range p.Statements {
			sr := p.statement(s, r)
			result.Statements = append(result.Statements, sr)
			if s.Effect == "Deny" {
				deny = or(deny, sr.Applies)
			} else {
				allow = or(allow, sr.Applies)
			}
		}
	}
	switch {
	case deny == Yes:
		result.Decision = Denied
	case allow == No:
		result.Decision = NotAllowed
	case allow == Yes && deny == No:
		result.Decision = Allowed
	}
	return result
}

func (p Policy) statement(s Statement, r Request) StatementResult {
	m := matcher{variables: p.Version == Version, context: r.Context}
	result := StatementResult{Sid: s.Sid, Effect: s.Effect, Applies: Yes, At: s.At}
	add := func(c Check) {
		if c.Element != "Condition" {
			c.At = s.Elements[c.Element]
		}
		result.Checks = append(result.Checks, c)
		result.Applies = and(result.Applies, c.Holds)
	}
	if r.Principal != nil || s.Principal != nil || s.NotPrincipal != nil {
		add(principalCheck(s, r))
	}
	if s.Action != nil {
		add(m.list("Action", s.Action, r.Action, unicode.ToLower, false))
	} else {
		add(m.list("NotAction", s.NotAction, r.Action, unicode.ToLower, true))
	}
	switch {
	case r.Resource == "" && (s.Resource != nil || s.NotResource != nil):
		add(misplaced(s))
	case s.Resource != nil:
		add(m.list("Resource", s.Resource, r.Resource, same, false))
	case s.NotResource != nil:
		add(m.list("NotResource", s.NotResource, r.Resource, same, true))
	case r.Resource != "":
		add(Check{Element: "Resource", Actual: []string{r.Resource}, Holds: No})
	}
	for _, c := range s.Conditions {
		add(m.condition(c))
	}
	return result
}

// misplaced is the Resource or NotResource of a trust policy.
func misplaced(s Statement) Check {
	if s.NotResource != nil {
		return Check{Element: "NotResource", Expected: s.NotResource, Reason: "a trust policy has no NotResource"}
	}
	return Check{Element: "Resource", Expected: s.Resource, Reason: "a trust policy has no Resource"}
}

func principalCheck(s Statement, r Request) Check {
	c := Check{Element: "Principal", Holds: No}
	for _, p := range r.Principal {
		c.Actual = append(c.Actual, p.Name)
	}
	named := s.Principal
	if s.NotPrincipal != nil {
		c.Element, named = "NotPrincipal", s.NotPrincipal
	}
	for _, p := range named {
		c.Expected = append(c.Expected, p.Name)
	}
	if s.NotPrincipal != nil {
		c.Holds, c.Reason = Unknown, "NotPrincipal is not evaluated"
		return c
	}
	for _, p := range named {
		switch {
		case slices.Contains(r.Principal, p):
			c.Holds = Yes
		case p.Name == "*" && (p.Type == "AWS" || p.Type == "*") && isAWS(r.Principal):
			c.Holds = Yes
		case p.Name == "*" && len(r.Principal) > 0 && (p.Type == "*" || p.Type == "AWS" || p.Type == r.Principal[0].Type):
			c.Holds = or(c.Holds, Unknown)
		}
	}
	if c.Holds == Unknown {
		c.Reason = `whether "*" admits a principal that is not of AWS is not documented`
	}
	return c
}

func isAWS(names []Principal) bool {
	return slices.ContainsFunc(names, func(p Principal) bool { return p.Type == "AWS" })
}

func and(a, b Truth) Truth {
	switch {
	case a == No || b == No:
		return No
	case a == Unknown || b == Unknown:
		return Unknown
	}
	return Yes
}

func or(a, b Truth) Truth { return not(and(not(a), not(b))) }

func not(a Truth) Truth {
	switch a {
	case Yes:
		return No
	case No:
		return Yes
	}
	return Unknown
}

func same(r rune) rune { return r }
