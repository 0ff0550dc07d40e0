package iam

import (
	"errors"
	"fmt"
	"slices"
)

// Policy is a parsed trust or permission policy.
type Policy struct {
	Version    string // empty where the policy has none
	Statements []Statement
	Duplicates []Duplicate // in the order of the file
}

// Duplicate is a member of an object that stands there a second time: IAM keeps
// the last of them.
type Duplicate struct {
	Name      string
	Statement int      // counts from 1; 0 is outside of any
	Lost      Position // of the one that does not count
	At        Position // of the one that counts
}

// Position is a place in the document that was parsed. Both count from 1, the
// column in bytes; zero is not known.
type Position struct{ Line, Column int }

// String is the position in words.
func (p Position) String() string { return fmt.Sprintf("line %d, column %d", p.Line, p.Column) }

// Statement is one statement of a policy. A nil list is an element that is not there.
type Statement struct {
	Sid          string
	Effect       string // Allow or Deny
	Principal    []Principal
	NotPrincipal []Principal
	Action       []string
	NotAction    []string
	Resource     []string
	NotResource  []string
	Conditions   []Condition // in the order of the file
	At           Position
	Elements     map[string]Position // where an element's name stands
}

// Principal is one name in a Principal element. Type is "AWS", "Federated",
// "Service", "CanonicalUser", or "*" where the element is that one string.
type Principal struct{ Type, Name string }

// Condition is one operator on one key, true if it holds for one of the values.
type Condition struct {
	Operator string
	Key      string
	Values   []string
	At       Position // of the key
}

// maxPolicy bounds what is parsed, in bytes: IAM's own limits are far below.
const maxPolicy = 1 << 20

// ParsePolicy reads a policy document by IAM's grammar: one value or a list
// of them wherever IAM allows both, element names in their exact case, and an
// element that IAM does not know is an error. Errors name the statement by its
// number and the place in it by line and column.
func ParsePolicy(document []byte) (Policy, error) { return parsePolicy(document, false) }

// ParsePolicyKeepingFirst reads it as if of members with one name the first
// counted, which is not what IAM does: with it a lost member can be told to be
// the one that was meant.
func ParsePolicyKeepingFirst(document []byte) (Policy, error) { return parsePolicy(document, true) }

func parsePolicy(document []byte, keepFirst bool) (Policy, error) {
	if len(document) > maxPolicy {
		return Policy{}, fmt.Errorf("policy has %d bytes, more than %d", len(document), maxPolicy)
	}
	if err := checkJSON("policy", document); err != nil {
		return Policy{}, err
	}
	r := newReader(document)
	r.keepFirst = keepFirst
	top, err := r.members(node{document, 0})
	if err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	var p Policy
	var statements []node
	for _, m := range top {
		switch m.name {
		case "Version":
			p.Version, err = text(m.value)
			if err == nil && p.Version != Version && p.Version != "2008-10-17" {
				err = fmt.Errorf("%q is not a version of the policy language", p.Version)
			}
		case "Id":
			_, err = text(m.value)
		case "Statement":
			statements, err = oneOrMore(m.value)
		default:
			err = errors.New("is not an element of a policy")
		}
		if err != nil {
			return Policy{}, fmt.Errorf("policy: %s: %q: %w", r.position(m.at), m.name, err)
		}
	}
	if len(statements) == 0 {
		return Policy{}, errors.New("policy has no statement")
	}
	for i, n := range statements {
		r.statement = i + 1
		s, err := r.parseStatement(n)
		if err != nil {
			return Policy{}, fmt.Errorf("statement %d: %w", i+1, err)
		}
		p.Statements = append(p.Statements, s)
	}
	p.Duplicates = r.duplicates
	return p, nil
}

func (r *reader) parseStatement(n node) (Statement, error) {
	elements, err := r.members(n)
	if err != nil {
		return Statement{}, err
	}
	s := Statement{At: r.position(n.at), Elements: map[string]Position{}}
	for _, m := range elements {
		s.Elements[m.name] = r.position(m.at)
		switch m.name {
		case "Sid":
			s.Sid, err = text(m.value)
		case "Effect":
			s.Effect, err = text(m.value)
		case "Principal":
			s.Principal, err = r.principals(m.value)
		case "NotPrincipal":
			s.NotPrincipal, err = r.principals(m.value)
		case "Action":
			s.Action, err = texts(m.value)
		case "NotAction":
			s.NotAction, err = texts(m.value)
		case "Resource":
			s.Resource, err = texts(m.value)
		case "NotResource":
			s.NotResource, err = texts(m.value)
		case "Condition":
			s.Conditions, err = r.conditions(m.value)
		default:
			err = errors.New("is not an element of a statement")
		}
		if err != nil {
			return Statement{}, fmt.Errorf("%s: %q: %w", s.Elements[m.name], m.name, err)
		}
	}
	if err := s.check(); err != nil {
		return Statement{}, fmt.Errorf("%s: %w", s.At, err)
	}
	return s, nil
}

func (s Statement) check() error {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return fmt.Errorf("effect is %q, neither Allow nor Deny", s.Effect)
	case (s.Action == nil) == (s.NotAction == nil):
		return errors.New("needs one of Action and NotAction")
	case s.Resource != nil && s.NotResource != nil:
		return errors.New("has both Resource and NotResource")
	case s.Principal != nil && s.NotPrincipal != nil:
		return errors.New("has both Principal and NotPrincipal")
	}
	return nil
}

func (r *reader) principals(n node) ([]Principal, error) {
	if name, err := text(n); err == nil {
		if name != "*" {
			return nil, fmt.Errorf("%q needs a kind, such as Federated", name)
		}
		return []Principal{{Type: "*", Name: "*"}}, nil
	}
	kinds, err := r.members(n)
	if err != nil {
		return nil, err
	}
	all := []Principal{}
	for _, m := range kinds {
		if !slices.Contains([]string{"AWS", "Federated", "Service", "CanonicalUser"}, m.name) {
			return nil, fmt.Errorf("%q is not a kind of principal", m.name)
		}
		names, err := texts(m.value)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", m.name, err)
		}
		for _, name := range names {
			all = append(all, Principal{Type: m.name, Name: name})
		}
	}
	return all, nil
}

func (r *reader) conditions(n node) ([]Condition, error) {
	operators, err := r.members(n)
	if err != nil {
		return nil, err
	}
	var all []Condition
	for _, operator := range operators {
		keys, err := r.members(operator.value)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", operator.name, err)
		}
		for _, key := range keys {
			values, err := texts(key.value)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", key.name, err)
			}
			all = append(all, Condition{Operator: operator.name, Key: key.name, Values: values, At: r.position(key.at)})
		}
	}
	return all, nil
}
