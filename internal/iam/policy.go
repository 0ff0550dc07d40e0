package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Policy is a parsed trust or permission policy.
type Policy struct {
	Version    string // empty where the policy has none
	Statements []Statement
}

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
}

// Principal is one name in a Principal element. Type is "AWS", "Federated",
// "Service", "CanonicalUser", or "*" where the element is that one string.
type Principal struct{ Type, Name string }

// Condition is one operator on one key, true if it holds for one of the values.
type Condition struct {
	Operator string
	Key      string
	Values   []string
}

// maxPolicy bounds what is parsed, in bytes: IAM's own limits are far below.
const maxPolicy = 1 << 20

// ParsePolicy reads a policy document by IAM's grammar: one value or a list
// of them wherever IAM allows both, element names in their exact case, and an
// element that IAM does not know is an error. Errors name the statement by its
// number, never by its text.
func ParsePolicy(document []byte) (Policy, error) {
	if len(document) > maxPolicy {
		return Policy{}, fmt.Errorf("policy has %d bytes, more than %d", len(document), maxPolicy)
	}
	if err := checkJSON(document); err != nil {
		return Policy{}, err
	}
	top, err := members(document)
	if err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	var p Policy
	var statements []json.RawMessage
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
			return Policy{}, fmt.Errorf("policy: %q: %w", m.name, err)
		}
	}
	if len(statements) == 0 {
		return Policy{}, errors.New("policy has no statement")
	}
	for i, raw := range statements {
		s, err := parseStatement(raw)
		if err != nil {
			return Policy{}, fmt.Errorf("statement %d: %w", i+1, err)
		}
		p.Statements = append(p.Statements, s)
	}
	return p, nil
}

func parseStatement(raw json.RawMessage) (Statement, error) {
	elements, err := members(raw)
	if err != nil {
		return Statement{}, err
	}
	var s Statement
	for _, m := range elements {
		switch m.name {
		case "Sid":
			s.Sid, err = text(m.value)
		case "Effect":
			s.Effect, err = text(m.value)
		case "Principal":
			s.Principal, err = principals(m.value)
		case "NotPrincipal":
			s.NotPrincipal, err = principals(m.value)
		case "Action":
			s.Action, err = texts(m.value)
		case "NotAction":
			s.NotAction, err = texts(m.value)
		case "Resource":
			s.Resource, err = texts(m.value)
		case "NotResource":
			s.NotResource, err = texts(m.value)
		case "Condition":
			s.Conditions, err = conditions(m.value)
		default:
			err = errors.New("is not an element of a statement")
		}
		if err != nil {
			return Statement{}, fmt.Errorf("%q: %w", m.name, err)
		}
	}
	return s, s.check()
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

func principals(raw json.RawMessage) ([]Principal, error) {
	if name, err := text(raw); err == nil {
		if name != "*" {
			return nil, fmt.Errorf("%q needs a kind, such as Federated", name)
		}
		return []Principal{{Type: "*", Name: "*"}}, nil
	}
	kinds, err := members(raw)
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

func conditions(raw json.RawMessage) ([]Condition, error) {
	operators, err := members(raw)
	if err != nil {
		return nil, err
	}
	var all []Condition
	for _, operator := range operators {
		keys, err := members(operator.value)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", operator.name, err)
		}
		for _, key := range keys {
			values, err := texts(key.value)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", key.name, err)
			}
			all = append(all, Condition{Operator: operator.name, Key: key.name, Values: values})
		}
	}
	return all, nil
}

type member struct {
	name  string
	value json.RawMessage
}

// members gives an object's members in the order of the file. Of members with
// one name the last counts, in its own place.
func members(raw json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("is not an object")
	}
	var all []member
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, errors.New("is not JSON")
		}
		m := member{name: t.(string)} // the decoder gives only strings where a name stands
		if err := d.Decode(&m.value); err != nil {
			return nil, errors.New("is not JSON")
		}
		all = slices.DeleteFunc(all, func(o member) bool { return o.name == m.name })
		all = append(all, m)
	}
	return all, nil
}

// checkJSON gives the place of a syntax error but none of the text around it.
func checkJSON(document []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(document, &v)
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := string(document[:min(int(syntax.Offset), len(document))])
		line := strings.Count(before, "\n") + 1
		column := len(before) - strings.LastIndexByte(before, '\n') - 1
		return fmt.Errorf("policy is not JSON: line %d, column %d", line, max(column, 1))
	}
	return errors.New("policy is not JSON")
}

func oneOrMore(raw json.RawMessage) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		err := json.Unmarshal(raw, &list)
		return list, err
	}
	return []json.RawMessage{raw}, nil
}

// texts reads one string or a list of them. IAM takes bare booleans and
// numbers for their text.
func texts(raw json.RawMessage) ([]string, error) {
	list, err := oneOrMore(raw)
	if err != nil {
		return nil, err
	}
	all := []string{}
	for _, item := range list {
		s, err := text(item)
		if err != nil {
			switch item[0] {
			case 't', 'f', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
				s = string(item)
			default:
				return nil, errors.New("is neither a string nor a list of strings")
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func text(raw json.RawMessage) (string, error) {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", errors.New("is not a string")
	}
	return *s, nil
}
