package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
)

// node is a JSON value and where in the document it starts, in bytes.
type node struct {
	raw json.RawMessage
	at  int
}

// member is one member of an object, and where its name starts.
type member struct {
	name  string
	at    int
	value node
}

// reader walks a document that is valid JSON.
type reader struct {
	lines      []int // where each line starts
	statement  int   // that is being read
	duplicates []Duplicate
	keepFirst  bool // of members with one name the first counts
}

func newReader(document []byte) *reader {
	r := &reader{lines: []int{0}}
	for i, c := range document {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	return r
}

func (r *reader) position(offset int) Position {
	line := sort.SearchInts(r.lines, offset+1)
	return Position{Line: line, Column: offset - r.lines[line-1] + 1}
}

// members gives an object's members in the order of the file. Of members with
// one name the last counts, in its own place; it is noted as a duplicate.
func (r *reader) members(n node) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(n.raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("is not an object")
	}
	var all []member
	last := map[string]int{} // the index of the member that counts
	for d.More() {
		m := member{at: n.at + skip(n.raw, d.InputOffset())}
		t, err := d.Token()
		if err != nil {
			return nil, errors.New("is not JSON")
		}
		m.name = t.(string) // the decoder gives only strings where a name stands
		m.value.at = n.at + skip(n.raw, d.InputOffset())
		if err := d.Decode(&m.value.raw); err != nil {
			return nil, errors.New("is not JSON")
		}
		if i, twice := last[m.name]; twice {
			r.duplicates = append(r.duplicates, Duplicate{m.name, r.statement, r.position(all[i].at), r.position(m.at)})
		}
		if _, twice := last[m.name]; !twice || !r.keepFirst {
			last[m.name] = len(all)
		}
		all = append(all, m)
	}
	kept := all[:0]
	for i, m := range all {
		if last[m.name] == i {
			kept = append(kept, m)
		}
	}
	return kept, nil
}

// skip goes on from an offset to where the next value starts.
func skip(raw []byte, offset int64) int {
	i := int(offset)
	for i < len(raw) && bytes.IndexByte([]byte(" \t\r\n,:"), raw[i]) >= 0 {
		i++
	}
	return i
}

// checkJSON gives the place of a syntax error but none of the text around it.
func checkJSON(what string, document []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(document, &v)
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		p := newReader(document).position(max(int(syntax.Offset)-1, 0))
		return fmt.Errorf("%s is not JSON: line %d, column %d", what, p.Line, p.Column)
	}
	return fmt.Errorf("%s is not JSON", what)
}

// oneOrMore gives the items of a list, or the value itself.
func oneOrMore(n node) ([]node, error) {
	d := json.NewDecoder(bytes.NewReader(n.raw))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return []node{n}, nil
	}
	var list []node
	for d.More() {
		item := node{at: n.at + skip(n.raw, d.InputOffset())}
		if err := d.Decode(&item.raw); err != nil {
			return nil, errors.New("is not JSON")
		}
		list = append(list, item)
	}
	return list, nil
}

// texts reads one string or a list of them. IAM takes bare booleans and
// numbers for their text.
func texts(n node) ([]string, error) {
	list, err := oneOrMore(n)
	if err != nil {
		return nil, err
	}
	all := []string{}
	for _, item := range list {
		s, err := text(item)
		if err != nil {
			switch item.raw[0] {
			case 't', 'f', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
				s = string(item.raw)
			default:
				return nil, errors.New("is neither a string nor a list of strings")
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func text(n node) (string, error) {
	var s *string
	if err := json.Unmarshal(n.raw, &s); err != nil || s == nil {
		return "", errors.New("is not a string")
	}
	return *s, nil
}
