package refs

import (
	"fmt"
	"strings"
)

// maxTree is how many lines a tree has at most.
const maxTree = 200

// Tree shows the graph from the things that no other names: pipelines, runners,
// and what stands alone. What was shown already is not shown again.
func (g Graph) Tree() string {
	t := &treeWriter{Graph: g, out: make([][]Edge, len(g.Nodes)), shown: map[int]bool{}}
	named := map[int]bool{}
	for _, e := range g.Edges {
		t.out[e.From] = append(t.out[e.From], e)
		named[e.To] = named[e.To] || !e.back && e.From != e.To
	}
	for _, alone := range []bool{false, true} {
		for i := range g.Nodes {
			if !named[i] && !t.shown[i] && alone == (len(t.out[i]) == 0) {
				t.root(i)
			}
		}
	}
	for i := range g.Nodes { // those in a circle of names
		if !t.shown[i] && named[i] && len(t.out[i]) > 0 {
			t.root(i)
		}
	}
	if t.left > 0 {
		fmt.Fprintf(&t.text, "… and %d lines more; --output json has them all\n", t.left)
	}
	return t.text.String()
}

type treeWriter struct {
	Graph
	out   [][]Edge
	shown map[int]bool
	text  strings.Builder
	lines int
	left  int
}

func (t *treeWriter) root(i int) {
	t.line("", t.named(i, true))
	t.children(i, "")
}

func (t *treeWriter) children(i int, indent string) {
	t.shown[i] = true
	for k, e := range t.out[i] {
		branch, deeper := "├─ ", "│  "
		if k == len(t.out[i])-1 {
			branch, deeper = "└─ ", "   "
		}
		again := e.back || t.shown[e.To] && len(t.out[e.To]) > 0
		words := e.Label + " " + t.named(e.To, !again && t.Nodes[e.To].Defined)
		if !again && !t.Nodes[e.To].Defined {
			words += " (" + e.At.String() + ")" // where this one names it
		}
		switch e.State {
		case Wrong:
			words += ": wrong"
		case Open:
			if !t.Nodes[e.To].Defined {
				words += ": in none of the files"
			}
		case Holds:
			if again && !e.back {
				words += " (see above)"
			}
		}
		t.line(indent+branch, words)
		if !again {
			t.children(e.To, indent+deeper)
		}
	}
}

func (t *treeWriter) line(indent, words string) {
	if t.lines == maxTree {
		t.left++
		return
	}
	t.lines++
	t.text.WriteString(indent + words + "\n")
}

// named is a node in words, with its place where that is wanted and known.
func (t *treeWriter) named(i int, place bool) string {
	n := t.Nodes[i]
	words := n.Kind + " " + n.Name
	if n.Kind == "binding" {
		words = n.Name
	}
	if place && n.At.File != "" && n.Name != n.At.File && n.Name != n.At.String() {
		words += " (" + n.At.String() + ")"
	}
	return words
}
