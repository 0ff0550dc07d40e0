package report

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// JUnit is the report as a merge request shows it: a suite for each group, a
// test case for each finding. GitLab shows what stands between the tags, not
// the message, and of two cases of one name only the first.
// https://docs.gitlab.com/ci/testing/unit_test_reports/#junit-xml-format-specification
func (r Report) JUnit(suite string) string {
	r, suite = r.safe(), line(suite)
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&b, "<testsuites name=\"%s\" %s>\n", xmlText(suite), r.totals())
	names := map[string]int{}
	for _, g := range r.Groups {
		class := suite + "." + g.ID
		fmt.Fprintf(&b, "  <testsuite name=\"%s\" %s>\n", xmlText(class), Report{[]Group{g}}.totals())
		for _, f := range g.Findings {
			name := strings.TrimPrefix(unique(names, class+"\n"+f.Title, " "), class+"\n")
			fmt.Fprintf(&b, "    <testcase classname=\"%s\" name=\"%s\" time=\"%s\">", xmlText(class), xmlText(name), seconds(f.Took))
			b.WriteString(f.outcome() + "</testcase>\n")
		}
		b.WriteString("  </testsuite>\n")
	}
	b.WriteString("</testsuites>\n")
	return b.String()
}

func (r Report) totals() string {
	var took time.Duration
	for _, f := range r.Findings() {
		took += f.Took
	}
	return fmt.Sprintf(`tests="%d" failures="%d" errors="%d" skipped="%d" time="%s"`,
		len(r.Findings()), r.count(Fail), r.count(Unknown), r.count(Skip), seconds(took))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// outcome is the element of a test case that says how it went; none is success.
func (f Finding) outcome() string {
	element := ""
	switch f.Status {
	case OK:
		return ""
	case Fail:
		element = "failure"
	case Unknown:
		element = "error"
	case Skip:
		element = "skipped"
	default:
		return "<system-out>" + xmlText(f.body()) + "</system-out>"
	}
	return fmt.Sprintf("<%s message=\"%s\">%s</%s>", element, xmlText(f.headline()), xmlText(f.body()), element)
}

// body is all that a person needs, since GitLab shows nothing else.
func (f Finding) body() string {
	out := []string{f.headline()}
	for _, p := range f.Where {
		out = append(out, "at "+p.String())
	}
	for _, v := range f.Evidence {
		out = append(out, sourced(v))
	}
	if fix := f.Fix(); fix != "" {
		out = append(out, "", fix)
	}
	return strings.Join(out, "\n")
}

// xmlText escapes a text for both an attribute and an element; what XML 1.0
// forbids becomes U+FFFD. A tag of GitLab's, which would attach a file, is
// broken up.
func xmlText(s string) string {
	var b strings.Builder
	s = strings.ReplaceAll(s, "[[ATTACHMENT|", `[[ATTACHMENT\|`)
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return strings.ReplaceAll(b.String(), "&#xA;", "\n")
}
