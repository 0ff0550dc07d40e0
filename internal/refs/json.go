package refs

import (
	"bytes"
	"encoding/json"
	"errors"
)

// syntaxError is a text that cannot be parsed. It holds nothing of the text.
type syntaxError struct {
	at   int // offset in the page
	what string
}

func (e *syntaxError) Error() string { return e.what }

const (
	maxDepth = 1000
	maxNodes = 2_000_000 // values of a file
)

// jsonDocuments reads a page of JSON: one value, or several behind each other.
// What comes before a syntax error is given with it.
func (r *reader) jsonDocuments(p *page) ([]*node, error) {
	var all []*node
	for at := blank(p.text, 0); at < len(p.text); {
		d := json.NewDecoder(bytes.NewReader(p.text[at:]))
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return all, jsonError(p.text[at:], at)
		}
		n, err := (&jsonReader{reader: r, page: p, from: at, decoder: json.NewDecoder(bytes.NewReader(p.text[at:]))}).value(0)
		if err != nil {
			return all, err
		}
		all = append(all, n)
		at = blank(p.text, at+int(d.InputOffset()))
	}
	return all, nil
}

// blank goes on to where the next value starts.
func blank(text []byte, at int) int {
	for at < len(text) && bytes.IndexByte([]byte(" \t\r\n"), text[at]) >= 0 {
		at++
	}
	return at
}

func jsonError(text []byte, from int) error {
	e := &syntaxError{from, "is not JSON"}
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, new(json.RawMessage))); ok {
		e.at = from + max(int(syntax.Offset)-1, 0)
	}
	return e
}

// jsonReader makes nodes of the tokens of one valid value.
type jsonReader struct {
	*reader
	page    *page
	from    int // where the decoder's text starts in the page
	decoder *json.Decoder
}

// next is where the next token starts.
func (j *jsonReader) next() int {
	at := j.from + int(j.decoder.InputOffset())
	for at < len(j.page.text) && bytes.IndexByte([]byte(" \t\r\n,:"), j.page.text[at]) >= 0 {
		at++
	}
	return at
}

func (j *jsonReader) value(depth int) (*node, error) {
	n := &node{page: j.page, at: j.next(), style: stylePlain}
	if depth > maxDepth {
		return nil, &syntaxError{n.at, "is nested too deeply"}
	}
	if j.nodes++; j.nodes > maxNodes {
		return nil, &syntaxError{n.at, "has more values than are read"}
	}
	t, err := j.decoder.Token()
	if err != nil {
		return nil, &syntaxError{n.at, "is not JSON"}
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return n, j.object(n, depth)
		}
		n.kind = formList
		for j.decoder.More() {
			item, err := j.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		return n, j.close(n)
	case nil:
	case string:
		n.kind, n.text, n.style = formScalar, t, styleDouble
	default:
		n.kind, n.text = formScalar, string(j.page.text[n.at:j.from+int(j.decoder.InputOffset())])
	}
	return n, nil
}

func (j *jsonReader) object(n *node, depth int) error {
	n.kind = formObject
	for j.decoder.More() {
		m := member{at: j.next(), page: j.page}
		t, err := j.decoder.Token()
		if err != nil {
			return &syntaxError{m.at, "is not JSON"}
		}
		m.name = t.(string) // the decoder gives only strings where a name stands
		if m.value, err = j.value(depth + 1); err != nil {
			return err
		}
		j.put(n, m)
	}
	return j.close(n)
}

func (j *jsonReader) close(n *node) error {
	_, err := j.decoder.Token()
	n.end = j.from + int(j.decoder.InputOffset())
	return err
}
