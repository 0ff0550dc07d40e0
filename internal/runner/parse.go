package runner

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// SyntaxError is a text that is not TOML, or not a runner's configuration. It
// holds nothing of the text, which may be a token.
type SyntaxError struct {
	At   report.Place
	What string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("reading %q: line %d, column %d: %s", e.At.File, e.At.Line, e.At.Column, e.What)
}

// table is a TOML table with the places of its keys.
type table struct {
	at    report.Place
	names []string // in the order of the file
	items map[string]*item
}

func newTable(at report.Place) *table { return &table{at: at, items: map[string]*item{}} }

func (t *table) set(name string, i *item) {
	t.names = append(t.names, name)
	t.items[name] = i
}

// find gives the item of that name as the runner's own reader does: an equal
// name before one that differs in letter case.
// https://github.com/BurntSushi/toml/blob/master/decode.go
func (t *table) find(name string) *item {
	if i := t.items[name]; i != nil {
		return i
	}
	for _, n := range t.names {
		if strings.EqualFold(n, name) {
			return t.items[n]
		}
	}
	return nil
}

// item is what a key holds: a scalar, a table or a list of tables.
type item struct {
	at    report.Place // of the value; of the header where there is one
	key   report.Place
	kind  unstable.Kind
	text  string   // of a scalar
	table *table   // of a table
	list  []*table // of an array of tables
	// elements are those of an array in brackets.
	elements []*item
	closed   bool // written in one piece: nothing can be added
	header   bool // has had a header of its own
}

// reader turns a document into tables.
type reader struct {
	file     string
	document []byte
	lines    []int // where each line starts
	// The last place that was asked for: a line may be as long as the file, and
	// counting it from its start for each value would take the square of that.
	offset, column int
}

func newReader(file string, document []byte) *reader {
	r := &reader{file: file, document: document, lines: []int{0}, column: 1}
	for i, b := range document {
		if b == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	return r
}

// place gives line and column, in characters, of an offset.
func (r *reader) place(offset int) report.Place {
	line := sort.SearchInts(r.lines, offset+1)
	if start := r.lines[line-1]; r.offset < start || r.offset > offset {
		r.offset, r.column = start, 1
	}
	r.column += utf8.RuneCount(r.document[r.offset:offset])
	r.offset = offset
	return report.Place{File: r.file, Line: line, Column: r.column}
}

func (r *reader) fail(at report.Place, what string) error { return &SyntaxError{at, what} }

// read gives the root table.
func (r *reader) read() (*table, error) {
	root := newTable(r.place(0))
	current := root
	var p unstable.Parser
	p.Reset(r.document)
	for p.NextExpression() {
		var err error
		switch e := p.Expression(); e.Kind {
		case unstable.KeyValue:
			err = r.assign(current, e)
		default:
			current, err = r.open(root, e)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := p.Error(); err != nil {
		return nil, r.explain(err)
	}
	return root, nil
}

// explain gives the parser's error in words that quote nothing.
func (r *reader) explain(err error) error {
	var broken *unstable.ParserError
	if !errors.As(err, &broken) {
		return r.fail(r.place(0), "this is not TOML")
	}
	offset := min(max(cap(r.document)-cap(broken.Highlight), 0), len(r.document))
	return r.fail(r.place(offset), inOurWords(broken.Message))
}

// inOurWords replaces the parser's message, which may hold characters of the
// document, by one of ours.
func inOurWords(message string) string {
	for _, m := range []struct{ theirs, ours string }{
		{"UTF-8", "a character is not UTF-8"},
		{"unterminated", "the text is not closed by its quote"},
		{"not terminated", "the text is not closed by its quotes"},
		{"cannot have new lines", "the text is not closed by its quote before the line ends"},
		{"escape", "a backslash in double quotes starts no escape that TOML knows"},
		{"control characters", "a control character stands where TOML allows none"},
		{"carriage return", "a carriage return without a line feed"},
		{"after key", "the key is not followed by an equals sign"},
		{"close", "the name of the section is not closed by its brackets"},
		{"expected newline", "something follows the value on its line"},
		{"strings must be quoted", "the text is not in quotes"},
		{"at start of value", "the value is neither a text in quotes nor a number, true or false"},
		{"keyword", "the value is neither a text in quotes nor a number, true or false"},
		{"start of key", "no key can start so"},
		{"incomplete", "the list or table is not closed"},
		{"nested", "lists and tables are nested too deeply"},
	} {
		if strings.Contains(message, m.theirs) {
			return m.ours
		}
	}
	return "this is not TOML"
}

// header is where the line of a [section] or [[section]] starts.
func (r *reader) header(key *unstable.Node) report.Place {
	before := bytes.TrimRight(r.document[:key.Raw.Offset], " \t")
	return r.place(len(bytes.TrimRight(before, "[")))
}

// open gives the table of a header.
func (r *reader) open(root *table, e *unstable.Node) (*table, error) {
	var names []string
	var first *unstable.Node
	for keys := e.Key(); keys.Next(); {
		if first == nil {
			first = keys.Node()
		}
		names = append(names, string(keys.Node().Data))
	}
	at := r.header(first)
	parent := root
	for _, name := range names[:len(names)-1] {
		next, err := r.enter(parent, name, at)
		if err != nil {
			return nil, err
		}
		parent = next
	}
	name := names[len(names)-1]
	i := parent.items[name]
	array := e.Kind == unstable.ArrayTable
	switch {
	case i == nil && array:
		i = &item{at: at, key: at, kind: unstable.ArrayTable}
		parent.set(name, i)
	case i == nil:
		i = &item{at: at, key: at, kind: unstable.Table, table: newTable(at), header: true}
		parent.set(name, i)
		return i.table, nil
	case i.closed || array != (i.kind == unstable.ArrayTable) || i.header:
		return nil, r.twice(at, i)
	case !array:
		i.header, i.at, i.table.at = true, at, at
		return i.table, nil
	}
	i.list = append(i.list, newTable(at))
	return i.list[len(i.list)-1], nil
}

func (r *reader) twice(at report.Place, i *item) error {
	return r.fail(at, fmt.Sprintf("the same key or section stands in line %d already", i.at.Line))
}

// enter gives the table under a name, made where there is none; of a list of
// tables it is the last.
func (r *reader) enter(t *table, name string, at report.Place) (*table, error) {
	i := t.items[name]
	switch {
	case i == nil:
		i = &item{at: at, key: at, kind: unstable.Table, table: newTable(at)}
		t.set(name, i)
	case i.closed:
		return nil, r.twice(at, i)
	case i.kind == unstable.ArrayTable:
		return i.list[len(i.list)-1], nil
	}
	return i.table, nil
}

// assign puts a key and its value into t.
func (r *reader) assign(t *table, e *unstable.Node) error {
	var keys []*unstable.Node
	for it := e.Key(); it.Next(); {
		keys = append(keys, it.Node())
	}
	at := r.place(int(keys[0].Raw.Offset))
	for _, k := range keys[:len(keys)-1] {
		next, err := r.enter(t, string(k.Data), at)
		if err != nil {
			return err
		}
		t = next
	}
	name := string(keys[len(keys)-1].Data)
	if i := t.items[name]; i != nil {
		return r.twice(at, i)
	}
	i, err := r.value(e.Value(), at)
	if err != nil {
		return err
	}
	i.key = at
	t.set(name, i)
	return nil
}

func (r *reader) value(n *unstable.Node, key report.Place) (*item, error) {
	i := &item{at: key, kind: n.Kind, closed: true}
	switch n.Kind {
	case unstable.InlineTable:
		i.at, i.kind = r.place(int(n.Raw.Offset)), unstable.Table
		t, err := r.inline(n, i.at)
		i.table = t
		return i, err
	case unstable.Array:
		return i, r.array(n, i)
	}
	i.at, i.text = r.place(int(n.Raw.Offset)), string(n.Data)
	return i, nil
}

func (r *reader) inline(n *unstable.Node, at report.Place) (*table, error) {
	t := newTable(at)
	for it := n.Children(); it.Next(); {
		if err := r.assign(t, it.Node()); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// array makes i a list of tables where n holds nothing else.
func (r *reader) array(n *unstable.Node, i *item) error {
	var list []*table
	for it := n.Children(); it.Next(); {
		v, err := r.value(it.Node(), i.at)
		if err != nil {
			return err
		}
		i.elements, list = append(i.elements, v), append(list, v.table)
	}
	if !slices.Contains(list, nil) {
		i.kind, i.list = unstable.ArrayTable, list
	}
	return nil
}
