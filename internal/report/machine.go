package report

import (
	"bytes"
	"encoding/json"
)

// Sibling is what is particular to a command's JSON: a key beside the findings.
// Its value is one that always encodes; its texts are clean.
type Sibling struct {
	Key   string
	Value any
}

// JSON is the report in the form that all commands share, schema 1:
// {"schema", "verdict", "findings"} and behind them the siblings.
func (r Report) JSON(siblings ...Sibling) string {
	r = r.safe()
	var b bytes.Buffer
	b.WriteString(`{"schema": 1, "verdict": `)
	b.Write(encode(r.Verdict()))
	b.WriteString(`, "findings": `)
	b.Write(encode(append([]Finding{}, r.Findings()...)))
	for _, s := range siblings {
		b.WriteString(", ")
		b.Write(encode(s.Key))
		b.WriteString(": ")
		b.Write(encode(s.Value))
	}
	b.WriteString("}")
	return indented(b.Bytes())
}

// Annotations is GitLab's annotations report: the job's page gets a link to the
// documentation of each finding that failed or could not be told, below the name
// of the list, which no other report of the job may have. The links start with
// base, which ends in a slash.
// https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsannotations
func (r Report) Annotations(list, base string) string {
	type link struct {
		Label string `json:"label"`
		URL   string `json:"url"`
	}
	type annotation struct {
		Link link `json:"external_link"`
	}
	links := []annotation{}
	for _, f := range r.safe().Findings() {
		if f.Bad() {
			links = append(links, annotation{link{string(f.Status) + ": " + f.ID, base + f.Doc}})
		}
	}
	return indented(encode(map[string][]annotation{list: links}))
}

// encode is v as JSON; characters of HTML stay as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSpace(b.Bytes())
}

func indented(raw []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return string(raw) + "\n"
	}
	return out.String() + "\n"
}
