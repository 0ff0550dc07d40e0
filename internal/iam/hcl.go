package iam

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// hclObject is an object of Terraform's language, its members in order.
type hclObject []hclMember

// hclMember is one member. Value is a string, a list of strings, an hclObject
// or a list of hclObject.
type hclMember struct {
	Name  string
	Value any
}

// hclArgument writes `name = value` at a depth of indentation, as `terraform fmt`
// leaves it, without a final newline.
func hclArgument(name, value string, depth int) string {
	return strings.Repeat("  ", depth) + name + " = " + value
}

// hclValue writes a value whose first line is already indented to depth.
func hclValue(value any, depth int) string {
	switch v := value.(type) {
	case string:
		return hclString(v)
	case []string:
		items := make([]string, 0, len(v))
		for _, s := range v {
			items = append(items, hclString(s))
		}
		return hclList(items, depth)
	case []hclObject:
		items := make([]string, 0, len(v))
		for _, o := range v {
			items = append(items, o.hcl(depth+1))
		}
		return hclList(items, depth)
	case hclObject:
		return v.hcl(depth)
	}
	panic(fmt.Sprintf("no HCL is written for a %T", value))
}

// hclList writes one item alone on the list's own line where it has one line.
func hclList(items []string, depth int) string {
	if len(items) == 0 {
		return "[]"
	}
	if len(items) == 1 && !strings.Contains(items[0], "\n") {
		return "[" + items[0] + "]"
	}
	in, out := strings.Repeat("  ", depth+1), strings.Repeat("  ", depth)
	var b strings.Builder
	b.WriteString("[\n")
	for i, item := range items {
		b.WriteString(in + item)
		if i < len(items)-1 {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	return b.String() + out + "]"
}

// hcl aligns the equals signs of neighbours of one line each, as `terraform fmt`
// does: a value of several lines ends a run.
func (o hclObject) hcl(depth int) string {
	if len(o) == 0 {
		return "{}"
	}
	names, values := make([]string, len(o)), make([]string, len(o))
	for i, m := range o {
		names[i], values[i] = hclName(m.Name), hclValue(m.Value, depth+1)
	}
	var b strings.Builder
	b.WriteString("{\n")
	for from := 0; from < len(o); {
		to, width := from, 0
		for to < len(o) && !strings.Contains(values[to], "\n") {
			width = max(width, utf8.RuneCountInString(names[to]))
			to++
		}
		for i := from; i < to; i++ {
			pad := strings.Repeat(" ", width-utf8.RuneCountInString(names[i]))
			b.WriteString(hclArgument(names[i]+pad, values[i], depth+1) + "\n")
		}
		if to < len(o) {
			b.WriteString(hclArgument(names[to], values[to], depth+1) + "\n")
			to++
		}
		from = to
	}
	return b.String() + strings.Repeat("  ", depth) + "}"
}

// hclName leaves a plain identifier bare and quotes every other member's name.
func hclName(s string) string {
	for i, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return hclString(s)
		}
	}
	return s
}

// hclString writes a text as a quoted string of Terraform's language that holds
// just this text: nothing in it is a template, and what a terminal or a job log
// would obey is escaped.
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions
func hclString(s string) string {
	return report.QuotedString(s, func(r rune, rest string) (string, bool) {
		mark := r == '$' || r == '%'
		switch {
		case r == '\n':
			return `\n`, true
		case mark && strings.HasPrefix(rest, "{"):
			return string(r) + string(r), true
		case mark && (strings.HasPrefix(rest, "$") || strings.HasPrefix(rest, "%")):
			// A run of them before a brace could be read in two ways.
			return fmt.Sprintf(`\u%04x`, r), true
		}
		return "", false
	})
}
