package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// write prints the page at once.
func (p page) write(io IO, t *talk, asJSON bool) error {
	text := p.text()
	if asJSON {
		text = p.json()
	}
	_, err := fmt.Fprint(io.Out, t.redact.Redact(text))
	return writeFailed(err)
}

func (p page) text() string {
	var b strings.Builder
	for i, g := range p.groups {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintln(&b, g.name)
		if !g.known() {
			fmt.Fprintln(&b, "  "+p.missing)
			continue
		}
		for _, r := range g.rows {
			fmt.Fprintf(&b, "  %-16s %s\n", strings.ReplaceAll(r.name, "_", " "), p.shown(r.value))
		}
	}
	return b.String()
}

// known reports whether anything of a group is known.
func (g group) known() bool {
	return slices.ContainsFunc(g.rows, func(r row) bool { return r.value.Known() })
}

func (p page) shown(v report.Value) string {
	if !v.Known() {
		return p.missing
	}
	return v.String()
}

// json is the page as documented in docs/commands.md: a group for each party, a
// {"text", "from"} or null for each value.
func (p page) json() string {
	var b bytes.Buffer
	b.WriteString(`{"schema": 1, "verdict": ` + quote(p.verdict))
	for _, g := range p.groups {
		b.WriteString(`, ` + quote(g.name) + `: {`)
		for i, r := range g.rows {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(r.name) + ": " + valueJSON(r.value))
		}
		b.WriteString("}")
	}
	findings := []report.Finding{}
	if p.finding != nil {
		findings = append(findings, *p.finding)
	}
	warnings := []string{}
	for _, w := range p.warnings {
		warnings = append(warnings, report.Clean(w))
	}
	b.WriteString(`, "warnings": ` + quote(warnings) + `, "findings": ` + quote(findings) + "}")
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		return b.String()
	}
	return out.String() + "\n"
}

func valueJSON(v report.Value) string {
	if !v.Known() {
		return "null"
	}
	return quote(report.Value{Text: report.Clean(v.Text), From: report.Clean(v.From)})
}

// quote writes strings and plain structures, which always encode.
func quote(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSpace(b.String())
}
