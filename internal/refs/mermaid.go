package refs

import (
	"fmt"
	"strings"
)

// Mermaid is the graph as a flowchart that GitLab draws in Markdown: between
// lines of ```mermaid and ```. Wrong edges are red, names that no file defines
// have a dashed frame.
// https://docs.gitlab.com/user/markdown/#mermaid
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d[\"%s<br/>%s\"]\n", i, mermaidText(n.Kind), mermaidText(n.Name))
	}
	var wrong []string
	for i, e := range g.Edges {
		arrow := "-->"
		if e.State != Holds {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  n%d %s|\"%s\"| n%d\n", e.From, arrow, mermaidText(e.Label), e.To)
		if e.State == Wrong {
			wrong = append(wrong, fmt.Sprint(i))
		}
	}
	if len(wrong) > 0 {
		fmt.Fprintf(&b, "  linkStyle %s stroke:#d00,stroke-width:3px\n", strings.Join(wrong, ","))
	}
	for i, n := range g.Nodes {
		if !n.Defined {
			fmt.Fprintf(&b, "  style n%d stroke-dasharray: 5 5\n", i)
		}
	}
	return b.String()
}

// mermaidText writes what may mean something to Mermaid, to HTML or to Markdown
// as a number.
// https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" ./-_:@,+=", r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
