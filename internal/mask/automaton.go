package mask

import (
	"iter"
	"slices"
)

// automaton finds all secrets at once, by the method of Aho and Corasick: its states are the prefixes of the secrets,
// and after each byte it stands in the state of the longest prefix that the text so far ends in. Each byte costs at
// most one step forward and, over the whole text, no more steps back than forward: time is linear whatever the input.
// https://doi.org/10.1145/360825.360855
//
// A state with one child, which all but a few are, keeps it in itself; others have a table of 256. A session token of
// 1,000 characters so costs 24 KB, where a table for each state would cost 1 MB, and a long job adds tokens.
type automaton struct {
	states []state
	tables [][256]int32 // children of states with more than one child, and of the root: tables[0]
	texts  []string
}

// state is one prefix of a secret. The root, the empty prefix, is state 0, which is nobody's child: as a child, 0 is
// none.
type state struct {
	fail  int32   // the state of the longest proper suffix that is a state
	child int32   // the child by label, if the state has one child; 0 if it has none
	table int32   // index into tables if it has several, else 0
	depth int32   // length of the prefix
	match int32   // length of the longest secret that the prefix ends in, 0 for none
	text  int32   // index of a secret that begins with the prefix
	label byte    // of child
	_     [7]byte // states of 32 bytes are found faster than those of 28
}

func newAutomaton(secrets []string) *automaton {
	a := &automaton{states: make([]state, 1), tables: make([][256]int32, 1), texts: slices.Clip(secrets)}
	for i, text := range a.texts {
		s := int32(0)
		for j := range len(text) {
			t := a.next(s, text[j])
			if t == 0 {
				t = int32(len(a.states))                                                         //nolint:gosec // secrets are kilobytes, not gigabytes
				a.states = append(a.states, state{depth: a.states[s].depth + 1, text: int32(i)}) //nolint:gosec // same
				a.link(s, text[j], t)
			}
			s = t
		}
		a.states[s].match = a.states[s].depth
	}
	a.fail()
	return a
}

// next is the child of s by c, or 0.
func (a *automaton) next(s int32, c byte) int32 {
	n := &a.states[s]
	if n.child != 0 && n.label == c {
		return n.child
	}
	if n.table != 0 || s == 0 {
		return a.tables[n.table][c]
	}
	return 0
}

// link makes t the child of s by c.
func (a *automaton) link(s int32, c byte, t int32) {
	n := &a.states[s]
	switch {
	case s == 0 || n.table != 0:
		a.tables[n.table][c] = t
	case n.child == 0:
		n.child, n.label = t, c
	default:
		var table [256]int32
		table[n.label], table[c] = n.child, t
		n.child, n.table = 0, int32(len(a.tables)) //nolint:gosec // fewer tables than states
		a.tables = append(a.tables, table)
	}
}

// fail sets the fail links and what follows from them, breadth first: a link leads to a shorter prefix.
func (a *automaton) fail() {
	queue := make([]int32, 1, len(a.states))
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		for c, t := range a.children(s) {
			if s != 0 {
				f := a.step(a.states[s].fail, c)
				a.states[t].fail = f
				a.states[t].match = max(a.states[t].match, a.states[f].match)
			}
			queue = append(queue, t)
		}
	}
}

// children are the children of s with their labels.
func (a *automaton) children(s int32) iter.Seq2[byte, int32] {
	return func(yield func(byte, int32) bool) {
		n := a.states[s]
		if n.child != 0 {
			yield(n.label, n.child)
			return
		}
		if n.table == 0 && s != 0 {
			return
		}
		for c, t := range a.tables[n.table] {
			if t != 0 && !yield(byte(c), t) {
				return
			}
		}
	}
}

// step is the state after s and c.
func (a *automaton) step(s int32, c byte) int32 {
	for {
		if t := a.next(s, c); t != 0 || s == 0 {
			return t
		}
		s = a.states[s].fail
	}
}

// settled is the state that stands for s once its match is known: s itself, but where no secret goes on after s, the
// longest suffix after which one does. It is what has to be waited for.
func (a *automaton) settled(s int32) int32 {
	for s != 0 && a.states[s].child == 0 && a.states[s].table == 0 {
		s = a.states[s].fail
	}
	return s
}

// held is the prefix that s stands for.
func (a *automaton) held(s int32) string {
	n := &a.states[s]
	if n.depth == 0 {
		return ""
	}
	return a.texts[n.text][:n.depth]
}

// skip counts the bytes at the start of p that can be passed over in the root: no secret begins with them, or with them
// and their successor. It looks at eight together, which is what makes ordinary output cheap.
func (a *automaton) skip(p []byte) int {
	first := &a.tables[0]
	i := 0
	for i < len(p) {
		if i+8 <= len(p) {
			e := p[i : i+8 : i+8]
			if first[e[0]]|first[e[1]]|first[e[2]]|first[e[3]]|first[e[4]]|first[e[5]]|first[e[6]]|first[e[7]] == 0 {
				i += 8
				continue
			}
		}
		for end := min(i+8, len(p)); i < end; i++ {
			s := first[p[i]]
			if s != 0 && (i+1 == len(p) || a.states[s].match != 0 || a.next(s, p[i+1]) != 0) {
				return i
			}
		}
	}
	return i
}
