package refs

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// policy reads a policy: an object, or a text that holds one as JSON, which IAM's
// API writes in URL encoding. It is nil where there is none yet, or none that can
// be read, which is noted.
func (r *reader) policy(n *node, from Source) *Policy {
	switch {
	case n == nil || n.kind == formNull:
		return nil
	case n.kind == formScalar && n.text != "":
		if n = r.inString(n); n == nil {
			return nil
		}
	}
	if n.kind != formObject || n.end <= n.at {
		return nil
	}
	p := &Policy{At: n.place(), Source: from}
	for _, s := range n.get("Statement").all() {
		if s.isObject() && len(p.Statements) < maxStatements {
			p.Statements = append(p.Statements, statement(s))
		}
	}
	page := n.page.part(n.at, n.end)
	parsed, err := iam.ParsePolicy(page.text)
	if err != nil {
		at, why := refusal(n)
		r.unread(at, Refused, why)
		return p
	}
	p.Policy, p.Document = parsed, iam.Document{Policy: page.text}
	p.places = map[iam.Position]report.Place{}
	for _, at := range positions(parsed) {
		p.places[at] = page.place(page.byteAt(at))
	}
	return p
}

// positions are all that a parsed policy has.
func positions(p iam.Policy) []iam.Position {
	var all []iam.Position
	for _, s := range p.Statements {
		all = append(all, s.At)
		all = slices.AppendSeq(all, maps.Values(s.Elements))
		for _, c := range s.Conditions {
			all = append(all, c.At)
		}
	}
	for _, d := range p.Duplicates {
		all = append(all, d.Lost, d.At)
	}
	return all
}

// maxStatements is far above what IAM stores in one policy.
const maxStatements = 1000

// inString gives the root of the JSON in a text.
func (r *reader) inString(n *node) *node {
	p := n.inner()
	if strings.HasPrefix(n.text, "%7B") || strings.HasPrefix(n.text, "%7b") {
		if p = p.unescaped(); p == nil {
			r.unread(n.place(), Broken, "holds a policy that is not URL-encoded as IAM does it")
			return nil
		}
	}
	all, err := r.jsonDocuments(p)
	if err != nil {
		at := 0
		if e, ok := err.(*syntaxError); ok { //nolint:errorlint // made by jsonDocuments, never wrapped
			at = e.at
		}
		r.unread(p.place(at), Broken, "holds a policy that is not JSON")
		return nil
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// unescaped is the page of a text in URL encoding, nil where it is none.
func (p *page) unescaped() *page {
	value, err := url.PathUnescape(string(p.text))
	if err != nil {
		return nil
	}
	table := make([]int, 0, len(value)+1)
	for at := 0; at < len(p.text); {
		table = append(table, at)
		if p.text[at] == '%' {
			at += 2
		}
		at++
	}
	return p.inside([]byte(value), fill(table, len(value), len(p.text)))
}

func statement(n *node) Statement {
	s := Statement{
		At: n.place(), Sid: n.field("Sid"), Effect: n.field("Effect"),
		Actions: n.fields("Action"), NotActions: n.fields("NotAction"),
		Resources: n.fields("Resource"), NotResources: n.fields("NotResource"),
		PrincipalAt: n.key("Principal", "NotPrincipal"), ConditionAt: n.key("Condition"),
		ActionAt: n.key("Action", "NotAction"), ResourceAt: n.key("Resource", "NotResource"),
		NotPrincipal: n.has("NotPrincipal"),
	}
	for _, name := range []string{"Principal", "NotPrincipal"} {
		s.Principals = append(s.Principals, principals(n.get(name))...)
	}
	if c := n.get("Condition"); c.isObject() {
		for _, operator := range c.members {
			for _, key := range operator.value.keys() {
				s.Conditions = append(s.Conditions, Condition{operator.word(), key.word(), scalars(key.value)})
			}
		}
	}
	return s
}

func principals(n *node) []Principal {
	if n != nil && n.kind == formScalar {
		return []Principal{{"*", n.word()}}
	}
	var all []Principal
	for _, m := range n.keys() {
		for _, name := range scalars(m.value) {
			all = append(all, Principal{m.name, name})
		}
	}
	return all
}

// keys are the members of a mapping, none of anything else.
func (n *node) keys() []member {
	if n == nil {
		return nil
	}
	return n.members
}

func scalars(n *node) []Text {
	var all []Text
	for _, i := range n.all() {
		if i != nil && i.kind == formScalar {
			all = append(all, i.word())
		}
	}
	return all
}

// key is where the name of the first of these members stands.
func (n *node) key(names ...string) report.Place {
	for _, name := range names {
		if i, found := n.find(name); found {
			return n.members[i].page.place(n.members[i].at)
		}
	}
	return report.Place{}
}

// refusal finds what IAM would refuse in a policy, in words that quote nothing.
func refusal(n *node) (report.Place, string) {
	if at, found := stranger(n, "Version", "Id", "Statement"); found {
		return at, "is no element of a policy, so that IAM would refuse it"
	}
	if v := n.field("Version"); v.Known() && v.Text != iam.Version && v.Text != "2008-10-17" {
		return v.At, "is not a version of the policy language"
	}
	for _, s := range n.get("Statement").all() {
		if !s.isObject() {
			return n.key("Statement"), "is not a statement or a list of them"
		}
		if at, found := stranger(s, "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"); found {
			return at, "is no element of a statement, so that IAM would refuse the policy"
		}
		if e := s.field("Effect"); e.Text != "Allow" && e.Text != "Deny" {
			return e.At, "is neither Allow nor Deny, so that IAM would refuse the policy"
		}
		if s.has("Action") == s.has("NotAction") {
			return s.place(), "is a statement that needs one of Action and NotAction"
		}
	}
	return n.place(), "is a policy that IAM would refuse"
}

func stranger(n *node, known ...string) (report.Place, bool) {
	for _, m := range n.keys() {
		if !slices.Contains(known, m.name) {
			return m.page.place(m.at), true
		}
	}
	return report.Place{}, false
}

// use says what a policy is for.
type use int

const (
	forRole use = iota
	forTrust
	forResource // a bucket's or a key's own policy
)

// use tells a trust policy, which has principals and no resource, from the
// others.
func (p *Policy) use() use {
	of := forRole
	for _, s := range p.Statements {
		for _, a := range s.Actions {
			if strings.HasPrefix(strings.ToLower(a.Text), "sts:assumerole") && (len(s.Principals) > 0 || len(s.Resources) == 0) {
				return forTrust
			}
		}
		switch {
		case len(s.Principals) == 0:
		case len(s.Resources) > 0:
			of = forResource
		case of == forRole:
			of = forTrust
		}
	}
	return of
}

// loose takes a policy that no role of its file has.
func (r *reader) loose(p *Policy) {
	switch {
	case p == nil:
	case p.use() == forTrust:
		r.set.Trusts = append(r.set.Trusts, *p)
	case p.use() == forRole:
		r.set.Policies = append(r.set.Policies, *p)
	}
}
