package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// node is a value of a YAML or JSON document. A nil node is one that is not
// there: it has no text, no items and no members.
type node struct {
	page    *page
	at      int // where it starts
	kind    form
	text    string // of a scalar
	style   style
	members []member
	index   map[string]int // of members, where they are many
	items   []*node
	end     int // of a value of JSON: where it ends
}

// member is a key of a mapping and what it holds. Of keys that stand twice the
// last is there only.
type member struct {
	name  string
	at    int
	page  *page
	value *node
}

type form uint8

const (
	formNull form = iota
	formScalar
	formList
	formObject
)

// style is how a scalar is written, so that a text inside of it can be placed.
type style uint8

const (
	stylePlain  style = iota
	styleSingle       // in single quotes
	styleDouble       // in double quotes, with escapes
	styleLiteral
	styleFolded
)

func (n *node) place() report.Place {
	if n == nil {
		return report.Place{}
	}
	return n.page.place(n.at)
}

// get gives a member, nil where there is none. Several names go down a path.
func (n *node) get(path ...string) *node {
	for _, name := range path {
		n = n.member(name)
	}
	return n
}

func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	if i, found := n.find(name); found {
		return n.members[i].value
	}
	return nil
}

// find gives the index of a member.
func (n *node) find(name string) (int, bool) {
	if len(n.members) > fewMembers {
		if n.index == nil {
			n.index = map[string]int{}
			for i, m := range n.members {
				n.index[m.name] = i
			}
		}
		i, found := n.index[name]
		return i, found
	}
	i := slices.IndexFunc(n.members, func(m member) bool { return m.name == name })
	return i, i >= 0
}

func (n *node) has(name string) bool { return n.member(name) != nil }

func (n *node) isObject() bool { return n != nil && n.kind == formObject }

// first is the node itself, or the first item where it is a list: Terraform
// writes blocks as lists.
func (n *node) first() *node {
	switch {
	case n == nil || n.kind != formList:
		return n
	case len(n.items) == 0:
		return nil
	}
	return n.items[0]
}

// all are the items of a list, or the node itself where it is none.
func (n *node) all() []*node {
	switch {
	case n == nil || n.kind == formNull:
		return nil
	case n.kind == formList:
		return n.items
	}
	return []*node{n}
}

// word is a scalar as a Text.
func (n *node) word() Text {
	if n == nil {
		return Text{}
	}
	return Text{Text: unmask(n.text), At: n.place()}
}

// field is a member as a Text; where it is not there, or is no scalar, the Text
// is empty and stands where n does.
func (n *node) field(name string) Text {
	if m := n.member(name); m != nil && m.kind == formScalar {
		return m.word()
	}
	return Text{At: n.place()}
}

// flag is a member that is true or false, in the words of YAML 1.1 that Helm and
// Kubernetes take.
// https://yaml.org/type/bool.html
func (n *node) flag(name string) Text { return truth(n.field(name)) }

func truth(t Text) Text {
	switch strings.ToLower(t.Text) {
	case "true", "yes", "on":
		t.Text = "true"
	case "false", "no", "off":
		t.Text = "false"
	}
	return t
}

// fields are the scalars of a member that is one, or a list of them.
func (n *node) fields(name string) []Text {
	var all []Text
	for _, i := range n.member(name).all() {
		if i != nil && i.kind == formScalar {
			all = append(all, i.word())
		}
	}
	return all
}

func (m member) word() Text { return Text{Text: unmask(m.name), At: m.page.place(m.at)} }

// inner is the page of a scalar's text.
func (n *node) inner() *page {
	switch n.style {
	case styleDouble:
		return n.page.quoted(n.at, n.text)
	case styleLiteral, styleFolded:
		// The text starts on the line behind the header.
		start := n.at
		for start < len(n.page.text) && n.page.text[start] != '\n' {
			start++
		}
		return n.page.aligned(start, n.text)
	case stylePlain, styleSingle:
	}
	return n.page.aligned(n.at, n.text)
}
