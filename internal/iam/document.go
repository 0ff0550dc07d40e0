package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Document is a trust policy that was found in a file, and the role it is of.
type Document struct {
	Role   string // the role's name; empty where the file does not say
	ARN    string // the role's; empty where the file does not say
	Policy []byte // empty where the file does not hold it yet, as a plan may not
	// Base is where the policy stands if it is a text inside the file: positions
	// in it are of that text. Zero where positions are those of the file.
	Base Position

	at Position // of Policy in the file, where it stands there as it is
}

// Documents finds the trust policies in a file: a bare policy, what
// `aws iam get-role` prints, or what `terraform show -json` prints of a state or
// a plan. A byte order mark in front is no part of the file's text. Errors are
// predicates about the file ("is not JSON: line 1, column 1") and hold none of
// its text.
func Documents(file []byte) ([]Document, error) {
	file = bytes.TrimPrefix(file, []byte("\uFEFF"))
	if isUTF16(file) {
		return nil, errors.New("it is UTF-16, and a policy is UTF-8")
	}
	if len(bytes.TrimSpace(file)) == 0 {
		return nil, errors.New("it is empty")
	}
	if err := checkJSON("it", file); err != nil {
		return nil, err
	}
	f := finder{reader: newReader(file), file: file}
	top, err := f.object(node{file, 0})
	if err != nil {
		return nil, errors.New("it is JSON, but not an object")
	}
	switch {
	case top.has("Statement"):
		return []Document{{Policy: file}}, nil
	case top.has("Role"):
		if top, err = f.object(top["Role"]); err != nil {
			return nil, errors.New(`its "Role" is not an object`)
		}
		fallthrough
	case top.has("AssumeRolePolicyDocument"):
		d, err := f.role(top, "RoleName", "Arn", "AssumeRolePolicyDocument")
		if err == nil && d.Policy == nil {
			err = errors.New(`its role has no "AssumeRolePolicyDocument"`)
		}
		return []Document{d}, err
	case top.has("planned_values"):
		err = f.terraform(top["planned_values"])
	case top.has("values"):
		err = f.terraform(top["values"])
	default:
		return nil, errors.New("it holds neither a policy, nor what `aws iam get-role` or `terraform show -json` prints")
	}
	if err == nil && len(f.found) == 0 {
		err = errors.New("it holds no resource of type aws_iam_role")
	}
	return f.found, err
}

// isUTF16 looks for its byte order mark, or for the { of an object in it.
func isUTF16(file []byte) bool {
	for _, start := range []string{"\xff\xfe", "\xfe\xff", "{\x00", "\x00{"} {
		if bytes.HasPrefix(file, []byte(start)) {
			return true
		}
	}
	return false
}

// finder collects the roles of a file.
type finder struct {
	reader *reader
	file   []byte
	found  []Document
}

type object map[string]node

func (o object) has(name string) bool {
	_, ok := o[name]
	return ok
}

// text is a member that is a string, "" where it is not one.
func (o object) text(name string) string {
	n, ok := o[name]
	if !ok {
		return ""
	}
	s, err := text(n)
	if err != nil {
		return ""
	}
	return s
}

func (f *finder) object(n node) (object, error) {
	all, err := f.reader.members(n)
	if err != nil {
		return nil, err
	}
	o := object{}
	for _, m := range all {
		o[m.name] = m.value
	}
	return o, nil
}

// role reads a role whose policy is an object, or a text that holds one, which
// IAM's API writes in URL encoding.
func (f *finder) role(o object, name, arn, policy string) (Document, error) {
	d := Document{Role: o.text(name), ARN: o.text(arn)}
	if d.Role == "" {
		d.Role = d.ARN[strings.LastIndexByte(d.ARN, '/')+1:]
	}
	n, ok := o[policy]
	switch {
	case !ok || bytes.Equal(n.raw, []byte("null")):
		return d, nil
	case n.raw[0] == '{':
		d.Policy, d.at = n.raw, f.reader.position(n.at)
		return d, nil
	}
	at := f.reader.position(n.at)
	s, err := text(n)
	if err != nil {
		return d, fmt.Errorf("the trust policy at line %d, column %d is neither an object nor a text", at.Line, at.Column)
	}
	d.Base = at
	if strings.HasPrefix(s, "%7B") || strings.HasPrefix(s, "%7b") {
		if s, err = url.PathUnescape(s); err != nil {
			return d, fmt.Errorf("the trust policy at line %d, column %d is not URL-encoded as IAM does it", at.Line, at.Column)
		}
	}
	if s != "" {
		d.Policy = []byte(s)
	}
	return d, nil
}

// inPlace puts as many blank columns and lines before the policy as stand before
// it in the file, so that positions in it are those of the file; but no more than
// a policy may have bytes.
func (d Document) inPlace() Document {
	lines, columns := max(d.at.Line-1, 0), max(d.at.Column-1, 0)
	if d.at != (Position{}) && len(d.Policy)+lines+columns < maxPolicy {
		blank := strings.Repeat("\n", lines) + strings.Repeat(" ", columns)
		d.Policy = append([]byte(blank), d.Policy...)
	}
	return d
}

// terraform reads the values representation, modules in modules.
// https://developer.hashicorp.com/terraform/internals/json-format#values-representation
func (f *finder) terraform(values node) error {
	o, err := f.object(values)
	if err != nil || !o.has("root_module") {
		return errors.New(`it has no "root_module", as terraform show -json would write`)
	}
	return f.module(o["root_module"])
}

// maxModules is how deep modules stand in modules at most.
const maxModules = 64

func (f *finder) module(root node) error {
	type level struct {
		node  node
		depth int
	}
	for todo := []level{{root, 0}}; len(todo) > 0; {
		l := todo[0]
		todo = todo[1:]
		module, err := f.object(l.node)
		if err != nil {
			return errors.New("one of its modules is not an object")
		}
		for _, r := range f.items(module, "resources") {
			if err := f.resource(r); err != nil {
				return err
			}
		}
		if l.depth == maxModules {
			return fmt.Errorf("its modules are nested more than %d deep", maxModules)
		}
		for _, child := range f.items(module, "child_modules") {
			todo = append(todo, level{child, l.depth + 1})
		}
	}
	return nil
}

func (f *finder) items(o object, name string) []node {
	n, ok := o[name]
	if !ok || n.raw[0] != '[' {
		return nil
	}
	list, err := oneOrMore(n)
	if err != nil {
		return nil
	}
	return list
}

func (f *finder) resource(n node) error {
	var kind struct {
		Type json.RawMessage `json:"type"`
	}
	if err := json.Unmarshal(n.raw, &kind); err != nil || string(kind.Type) != `"aws_iam_role"` {
		return nil
	}
	r, err := f.object(n)
	if err != nil || !r.has("values") {
		return nil
	}
	values, err := f.object(r["values"])
	if err != nil {
		return nil
	}
	d, err := f.role(values, "name", "arn", "assume_role_policy")
	if err != nil {
		return err
	}
	f.found = append(f.found, d)
	return nil
}

// Choose picks the policy of the role that is asked for, by its ARN or, where
// the file has no ARNs, by its name; with no role asked for, the only one. The
// error is a predicate about the file.
func Choose(all []Document, role string) (Document, error) {
	name := role[strings.LastIndexByte(role, '/')+1:]
	var fits []Document
	for _, d := range all {
		switch {
		case role == "", d.Role == "" && d.ARN == "", d.ARN != "" && d.ARN == role, d.ARN == "" && d.Role == name:
			fits = append(fits, d)
		}
	}
	switch {
	case len(fits) == 1 && fits[0].Policy == nil:
		return Document{}, &ChoiceError{What: "the trust policy of this role is not known before terraform apply", Roles: names(fits)}
	case len(fits) == 1:
		return fits[0].inPlace(), nil
	case len(fits) == 0:
		return Document{}, &ChoiceError{What: "it does not hold the role that is asked for", Roles: names(all), Other: true}
	}
	return Document{}, &ChoiceError{What: fmt.Sprintf("it holds %d roles", len(fits)), Roles: names(fits)}
}

// ChoiceError is a file of which no one role can be taken.
type ChoiceError struct {
	What  string
	Roles []string // those that the file holds, by ARN or name, as the file has them
	Other bool     // none of them is the role that is asked for
}

func (e *ChoiceError) Error() string { return e.What }

func names(all []Document) []string {
	var out []string
	for _, d := range all {
		if d.ARN != "" {
			out = append(out, d.ARN)
		} else {
			out = append(out, d.Role)
		}
	}
	return out
}
