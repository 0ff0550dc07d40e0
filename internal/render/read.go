package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// MaxBytes bounds the file of a description.
const MaxBytes = 1 << 20

const (
	maxProblems = 20  // that are told of one file
	maxItems    = 500 // of a list
)

// Read reads a description, strictly: a key that is not known or that stands
// there twice is an error, and so is what YAML would take from elsewhere (an
// alias, a merge). Each error has file, line and column, and none of the text
// but keys and values that were named. Values are not judged before Complete.
func Read(file string, document []byte) (Description, error) {
	r := &reader{file: report.Clean(file)}
	var d Description
	root := r.parse(document)
	if root != nil {
		mapping(r, root, "", bindings(), &d, r.special)
	}
	return d, errors.Join(r.problems...)
}

type reader struct {
	file     string
	problems []error
}

func (r *reader) place(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", r.file, n.Line, n.Column)
}

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, &Error{r.place(n), fmt.Sprintf(format, args...)})
	}
}

// parse gives the mapping of the one document, nil for an empty one.
func (r *reader) parse(document []byte) *yaml.Node {
	fail := func(place, problem string) *yaml.Node {
		r.problems = append(r.problems, &Error{place, problem})
		return nil
	}
	if len(document) > MaxBytes {
		return fail(r.file, fmt.Sprintf("it is larger than %d bytes", MaxBytes))
	}
	if at := invalid(document); at > 0 {
		return fail(fmt.Sprintf("%s:%d", r.file, at), "it is not UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(document))
	var doc, more yaml.Node
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = decoder.Decode(&more)
		if err == nil {
			r.wrong(&more, "it has a second document, and one is read")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		place := r.file
		if line := lineOf(err); line > 0 {
			place = fmt.Sprintf("%s:%d:1", r.file, line)
		}
		return fail(place, "it is not YAML: look at this line and the one above it")
	}
	root := doc.Content[0]
	switch {
	case root.Kind == yaml.ScalarNode && root.Tag == "!!null":
		return nil
	case root.Kind != yaml.MappingNode:
		r.wrong(root, "it is not a list of keys and values")
		return nil
	}
	return root
}

// invalid is the first line that is not UTF-8, 0 where all are.
func invalid(document []byte) int {
	for i, line := range bytes.Split(document, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 0
}

// lineOf finds the line in an error of the YAML library, which has it in words
// only; the rest of them may quote the file.
func lineOf(err error) int {
	_, rest, ok := strings.Cut(err.Error(), "line ")
	if !ok {
		return 0
	}
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// mapping reads the keys of a mapping whose names start with prefix. What no
// text or list of texts is for, special reads; it is nil where there is none.
func mapping[T any](r *reader, n *yaml.Node, prefix string, keys []binding[T], t *T, special func(*yaml.Node, Key, *T)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.Kind != yaml.ScalarNode || name.Tag == "!!merge" || name.Anchor != "" {
			r.wrong(name, "it is no plain key")
			continue
		}
		if line, twice := seen[name.Value]; twice {
			r.wrong(name, "%q stands there twice: in line %d too", report.Clean(name.Value), line)
			continue
		}
		seen[name.Value] = name.Line
		full := prefix + name.Value
		at := slices.IndexFunc(keys, func(k binding[T]) bool { return k.Name == full })
		switch {
		case at >= 0 && keys[at].one != nil:
			*keys[at].one(t) = r.scalar(value)
		case at >= 0 && keys[at].list != nil:
			*keys[at].list(t) = r.texts(value)
		case at >= 0:
			special(value, keys[at].Key, t)
		case !slices.ContainsFunc(keys, func(k binding[T]) bool { return strings.HasPrefix(k.Name, full+".") }):
			r.unknown(name, siblings(keys, prefix))
		case value.Kind != yaml.MappingNode:
			r.wrong(value, "%s holds keys of its own", full)
		default:
			mapping(r, value, full+".", keys, t, special)
		}
	}
}

// siblings are the names that can stand where prefix ends.
func siblings[T any](keys []binding[T], prefix string) []string {
	var all []string
	for _, k := range keys {
		if rest, ok := strings.CutPrefix(k.Name, prefix); ok {
			name, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

func (r *reader) unknown(name *yaml.Node, known []string) {
	what := "want one of " + strings.Join(known, ", ")
	if like := near.Of(name.Value, known); like != "" {
		what = fmt.Sprintf("did you mean %q?", like)
	}
	r.wrong(name, "unknown key %q: %s", report.Clean(name.Value), what)
}

// scalar is a text as it is written, whatever type YAML would make of it: an
// account id is none of its numbers.
func (r *reader) scalar(n *yaml.Node) report.Value {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.wrong(n, "anchors and aliases are not read: write the value out")
	case n.Kind != yaml.ScalarNode:
		r.wrong(n, "it is not one value")
	case n.Style&yaml.TaggedStyle != 0:
		r.wrong(n, "tags are not read: write the plain value")
	case n.Tag == "!!null", n.Value == "":
		r.wrong(n, "it is empty: leave the key out, or give it a value")
	default:
		return report.Value{Text: n.Value, From: r.place(n)}
	}
	return report.Value{}
}

// items are those of a list.
func (r *reader) items(n *yaml.Node) []*yaml.Node {
	switch {
	case n.Kind != yaml.SequenceNode || n.Anchor != "":
		r.wrong(n, "it is not a list")
	case len(n.Content) > maxItems:
		r.wrong(n, "it has more than %d items", maxItems)
	default:
		return n.Content
	}
	return nil
}

func (r *reader) texts(n *yaml.Node) []report.Value {
	var all []report.Value
	for _, item := range r.items(n) {
		if v := r.scalar(item); v.Known() {
			all = append(all, v)
		}
	}
	return all
}

// special reads the lists that are not of texts.
func (r *reader) special(n *yaml.Node, k Key, d *Description) {
	switch k.Kind {
	case JobList:
		for _, item := range r.items(n) {
			if r.isMapping(item) {
				j := Job{at: r.place(item)}
				mapping(r, item, "", jobBindings(), &j, r.statements)
				d.Jobs = append(d.Jobs, j)
			}
		}
	case FleetList:
		for _, item := range r.items(n) {
			f := Fleet{Tags: r.texts(item), at: r.place(item)}
			for _, tag := range f.Tags {
				if problem := tagProblem(tag.Text); problem != "" {
					r.problems = append(r.problems, &Error{tag.From, problem})
				}
			}
			if len(f.Tags) > 0 {
				d.Fleets = append(d.Fleets, f)
			}
		}
	}
}

func (r *reader) statements(n *yaml.Node, _ Key, j *Job) {
	for _, item := range r.items(n) {
		if r.isMapping(item) {
			s := Statement{at: r.place(item)}
			mapping(r, item, "", statementBindings(), &s, nil)
			j.Statements = append(j.Statements, s)
		}
	}
}

func (r *reader) isMapping(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || n.Anchor != "" {
		r.wrong(n, "it is not a list of keys and values")
		return false
	}
	return true
}
