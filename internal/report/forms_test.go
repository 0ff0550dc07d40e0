package report_test

import (
	"encoding/json"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func clock() time.Time { return time.Unix(1795000000, 0) }

// broken is a report with a finding of each state.
func broken() report.Report {
	return report.Report{Groups: []report.Group{
		{ID: "token", Title: "the token", Findings: []report.Finding{
			{ID: "token-readable", Status: report.OK, Title: "the token can be read", Evidence: []report.Value{{Text: "/t", From: "AWS_WEB_IDENTITY_TOKEN_FILE"}}, Doc: "docs/checks.md#token-readable", Took: 1500 * time.Microsecond},
			{ID: "token-is-jwt", Status: report.OK, Title: "the token is a JWT", Doc: "docs/checks.md#token-is-jwt"},
			{ID: "pod-shadow", Status: report.Note, Title: "nothing shadows the role", Cause: "a profile is set & ignored", Doc: "docs/checks.md#pod-shadow"},
		}},
		{ID: "role", Title: "the role", Findings: []report.Finding{
			{
				ID: "role-trusts-token", Status: report.Fail, Title: "the role trusts this token",
				Cause: `AWS does not let "a" assume "<r>"`, Evidence: []report.Value{{Text: "sub a", From: "the token"}, {}, {Text: "exp 1"}, {From: "AWS_REGION"}},
				Hints: []string{"most likely x: do y", "or z: do w"}, Where: []report.Place{{File: "config.toml", Line: 3, Column: 5}, {File: "x"}},
				Paste: []report.Snippet{{For: "the trust policy, as JSON", Text: "{\n\t\"a\": 1\n}\n"}}, Doc: "docs/checks.md#role-trusts-token", Took: 2 * time.Second,
			},
			{ID: "identity-matches", Status: report.Skip, Title: "the identity is the expected one", Cause: "waits for role-trusts-token", Doc: "docs/checks.md#identity-matches"},
			{ID: "sts-reachable", Status: report.Unknown, Title: "STS can be reached", Cause: `"h" gave no answer within 30s`, Hints: []string{"add an endpoint"}, Doc: "docs/checks.md#sts-reachable"},
			{ID: "keys", Status: report.Warn, Title: "no static keys", Cause: "AWS_ACCESS_KEY_ID is set", Hints: []string{"remove it"}, Doc: "docs/checks.md#keys"},
		}},
	}}
}

func same(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestAReportIsReadTopDownAndFromItsEnd(t *testing.T) {
	same(t, `the token
  ok       the token can be read: /t (AWS_WEB_IDENTITY_TOKEN_FILE)
  ok       the token is a JWT
  note     pod-shadow: a profile is set & ignored

the role
  fail     role-trusts-token: AWS does not let "a" assume "<r>"
           at config.toml:3:5
           at x
           fix: most likely x: do y
           fix: or z: do w
           sub a (the token)
           exp 1
           see ci-aws explain role-trusts-token
           the trust policy, as JSON:
{
	"a": 1
}
  skip     the identity is the expected one: waits for role-trusts-token
  unknown  sts-reachable: "h" gave no answer within 30s
           fix: add an endpoint
           see ci-aws explain sts-reachable
  warn     keys: AWS_ACCESS_KEY_ID is set
           fix: remove it
           see ci-aws explain keys

7 checks: 2 ok, 1 note, 1 warn, 1 fail, 1 unknown, 1 skip
fail     role-trusts-token: AWS does not let "a" assume "<r>"
         fix: most likely x: do y
`, broken().Text(report.TextOptions{}))
}

func TestTheTimeOfACheckIsSaidWhereItWasAskedFor(t *testing.T) {
	r := broken()
	for i := range r.Groups {
		r.Groups[i].Findings = r.Groups[i].Findings[:1]
	}
	r.Groups[0].Findings = append(r.Groups[0].Findings, broken().Groups[0].Findings[1])
	r.Groups[1].Findings[0].Hints, r.Groups[1].Findings[0].Paste = nil, nil
	same(t, `the token
  ok       the token can be read: /t (AWS_WEB_IDENTITY_TOKEN_FILE) (0.002 s)
  ok       the token is a JWT

the role
  fail     role-trusts-token: AWS does not let "a" assume "<r>" (2.000 s)
           at config.toml:3:5
           at x
           sub a (the token)
           exp 1
           see ci-aws explain role-trusts-token

3 checks: 2 ok, 1 fail
fail     role-trusts-token: AWS does not let "a" assume "<r>"
`, r.Text(report.TextOptions{Times: true}))
}

func TestTheSummaryCountsWhatHolds(t *testing.T) {
	finding := func(s report.Status) report.Finding { return report.Finding{ID: "x", Status: s, Title: "x"} }
	tests := []struct {
		name, want string
		in         []report.Finding
	}{
		{"all hold", "all 2 checks hold", []report.Finding{finding(report.OK), finding(report.OK)}},
		{"one holds", "all 1 check hold", []report.Finding{finding(report.OK)}},
		{"a note and a skip are counted", "all 2 checks hold (1 ok, 1 note, 1 skip)", []report.Finding{finding(report.OK), finding(report.Note), finding(report.Skip)}},
		{"a failure comes before a warning", "fail     x: x", []report.Finding{finding(report.Warn), finding(report.Fail)}},
		{"a failure comes before what is unknown", "fail     x: x", []report.Finding{finding(report.Unknown), finding(report.Fail)}},
		{"nothing", "nothing was checked", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := report.Report{Groups: []report.Group{{ID: "g", Title: "g", Findings: tt.in}}}.Text(report.TextOptions{})
			all := strings.Split(strings.TrimSpace(out), "\n")
			if last := all[len(all)-1]; last != tt.want {
				t.Errorf("last line %q, want %q", last, tt.want)
			}
		})
	}
}

// TestAWarningIsSeenInAJobLog: nothing failed, so the end is all that a person
// reads, and a folded group is not opened.
func TestAWarningIsSeenInAJobLog(t *testing.T) {
	warn := func(id string, hints ...string) report.Finding {
		return report.Finding{ID: id, Status: report.Warn, Title: "holds", Cause: id + " is set", Hints: hints}
	}
	r := report.Report{Groups: []report.Group{
		{ID: "a", Title: "the token", Findings: []report.Finding{{ID: "a", Status: report.OK, Title: "holds"}, {ID: "b", Status: report.Note, Title: "holds"}}},
		{ID: "b", Title: "the rest", Findings: []report.Finding{warn("keys", "remove it", "or not")}},
	}}
	same(t, "\x1b[0Ksection_start:1795000000:ci_aws_a[collapsed=true]\r\x1b[0Kthe token\n"+
		"  ok       holds\n"+
		"  note     b: holds\n"+
		"\x1b[0Ksection_end:1795000000:ci_aws_a\r\x1b[0K\n"+
		"\x1b[0Ksection_start:1795000000:ci_aws_b\r\x1b[0Kthe rest\n"+
		"  warn     keys: keys is set\n"+
		"           fix: remove it\n"+
		"           fix: or not\n"+
		"           see ci-aws explain keys\n"+
		"\x1b[0Ksection_end:1795000000:ci_aws_b\r\x1b[0K\n"+
		"no check failed, 1 warns: 1 ok, 1 note, 1 warn\n"+
		"warn     keys: keys is set\n"+
		"         fix: remove it\n", r.Text(report.TextOptions{Sections: true, Now: clock}))
	r.Groups = []report.Group{{ID: "b", Title: "the rest", Findings: []report.Finding{warn("keys"), warn("profile")}}}
	same(t, "the rest\n"+
		"  warn     keys: keys is set\n           see ci-aws explain keys\n"+
		"  warn     profile: profile is set\n           see ci-aws explain profile\n"+
		"\n"+
		"no check failed, 2 warn: 2 warn\n"+
		"warn     keys: keys is set\n", r.Text(report.TextOptions{}))
}

func TestInAJobLogGroupsFoldUnlessSomethingIsBadInThem(t *testing.T) {
	r := report.Report{Groups: []report.Group{
		{ID: "The Token", Title: "the token", Findings: []report.Finding{{ID: "a", Status: report.OK, Title: "holds"}}},
		{ID: "the_token", Title: "again", Findings: []report.Finding{{ID: "b", Status: report.Fail, Title: "holds", Cause: "broken"}}},
	}}
	got := r.Text(report.TextOptions{Sections: true, Colour: true, Now: clock})
	same(t, "\x1b[0Ksection_start:1795000000:ci_aws_the_token[collapsed=true]\r\x1b[0Kthe token\n"+
		"  \x1b[32mok\x1b[0m       holds\n"+
		"\x1b[0Ksection_end:1795000000:ci_aws_the_token\r\x1b[0K\n"+
		"\x1b[0Ksection_start:1795000000:ci_aws_the_token_2\r\x1b[0Kagain\n"+
		"  \x1b[31mfail\x1b[0m     b: broken\n"+
		"           see ci-aws explain b\n"+
		"\x1b[0Ksection_end:1795000000:ci_aws_the_token_2\r\x1b[0K\n"+
		"2 checks: 1 ok, 1 fail\n"+
		"\x1b[31mfail\x1b[0m     b: broken\n", got)
}

func TestAGroupThatStaysOpenIsNotFolded(t *testing.T) {
	r := report.Report{Groups: []report.Group{{ID: "a", Title: "what this proves", Open: true, Findings: []report.Finding{{ID: "a", Status: report.OK, Title: "holds"}}}}}
	same(t, "\x1b[0Ksection_start:1795000000:ci_aws_a\r\x1b[0Kwhat this proves\n"+
		"  ok       holds\n"+
		"\x1b[0Ksection_end:1795000000:ci_aws_a\r\x1b[0K\n"+
		"all 1 check hold\n", r.Text(report.TextOptions{Sections: true, Now: clock}))
}

func TestTheJSONHasTheDocumentedFieldsInOrder(t *testing.T) {
	r := report.Report{Groups: []report.Group{broken().Groups[1]}}
	r.Groups[0].Findings = r.Groups[0].Findings[:1]
	same(t, `{
  "schema": 1,
  "verdict": "fail",
  "findings": [
    {
      "id": "role-trusts-token",
      "status": "fail",
      "title": "the role trusts this token",
      "evidence": [
        {
          "text": "sub a",
          "from": "the token"
        },
        {
          "text": "exp 1",
          "from": ""
        }
      ],
      "cause": "AWS does not let \"a\" assume \"<r>\"",
      "fix": "most likely x: do y\nor z: do w\nthe trust policy, as JSON:\n{\n\t\"a\": 1\n}\n",
      "where": [
        {
          "file": "config.toml",
          "line": 3,
          "column": 5
        },
        {
          "file": "x",
          "line": 0,
          "column": 0
        }
      ],
      "doc": "docs/checks.md#role-trusts-token",
      "seconds": 2
    }
  ],
  "matrix": [
    "a&b"
  ]
}
`, r.JSON(report.Sibling{Key: "matrix", Value: []string{"a&b"}}))
}

func TestAnEmptyReportIsStillAReport(t *testing.T) {
	var r report.Report
	same(t, "{\n  \"schema\": 1,\n  \"verdict\": \"ok\",\n  \"findings\": []\n}\n", r.JSON())
	same(t, "{\n  \"ci-aws doctor\": []\n}\n", r.Annotations("ci-aws doctor", "https://x/"))
	same(t, "nothing was checked\n", r.Text(report.TextOptions{}))
	same(t, `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="doctor" tests="0" failures="0" errors="0" skipped="0" time="0.000">
</testsuites>
`, r.JUnit("doctor"))
}

func TestAMergeRequestShowsEachFindingWithItsFix(t *testing.T) {
	r := broken()
	r.Groups[1].Findings[1].Title = r.Groups[1].Findings[0].Title // GitLab shows only the first of one name
	same(t, `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="doctor" tests="7" failures="1" errors="1" skipped="1" time="2.002">
  <testsuite name="doctor.token" tests="3" failures="0" errors="0" skipped="0" time="0.002">
    <testcase classname="doctor.token" name="the token can be read" time="0.002"></testcase>
    <testcase classname="doctor.token" name="the token is a JWT" time="0.000"></testcase>
    <testcase classname="doctor.token" name="nothing shadows the role" time="0.000"><system-out>pod-shadow: a profile is set &amp; ignored</system-out></testcase>
  </testsuite>
  <testsuite name="doctor.role" tests="4" failures="1" errors="1" skipped="1" time="2.000">
    <testcase classname="doctor.role" name="the role trusts this token" time="2.000"><failure message="role-trusts-token: AWS does not let &#34;a&#34; assume &#34;&lt;r&gt;&#34;">role-trusts-token: AWS does not let &#34;a&#34; assume &#34;&lt;r&gt;&#34;
at config.toml:3:5
at x
sub a (the token)
exp 1

most likely x: do y
or z: do w
the trust policy, as JSON:
{
&#x9;&#34;a&#34;: 1
}
</failure></testcase>
    <testcase classname="doctor.role" name="the role trusts this token 2" time="0.000"><skipped message="identity-matches: waits for role-trusts-token">identity-matches: waits for role-trusts-token</skipped></testcase>
    <testcase classname="doctor.role" name="STS can be reached" time="0.000"><error message="sts-reachable: &#34;h&#34; gave no answer within 30s">sts-reachable: &#34;h&#34; gave no answer within 30s

add an endpoint</error></testcase>
    <testcase classname="doctor.role" name="no static keys" time="0.000"><system-out>keys: AWS_ACCESS_KEY_ID is set

remove it</system-out></testcase>
  </testsuite>
</testsuites>
`, r.JUnit("doctor"))
}

func TestTheJobsPageLinksToWhatIsBad(t *testing.T) {
	same(t, `{
  "ci-aws doctor": [
    {
      "external_link": {
        "label": "fail: role-trusts-token",
        "url": "https://x/docs/checks.md#role-trusts-token"
      }
    },
    {
      "external_link": {
        "label": "unknown: sts-reachable",
        "url": "https://x/docs/checks.md#sts-reachable"
      }
    }
  ]
}
`, broken().Annotations("ci-aws doctor", "https://x/"))
}

// hostile is a report of which every text is s, as no writer should make it.
func hostile(s string) report.Report {
	f := report.Finding{
		ID: s, Status: report.Fail, Title: s, Evidence: []report.Value{{Text: s, From: s}}, Cause: s, Hints: []string{s},
		Where: []report.Place{{File: s, Line: 1}}, Paste: []report.Snippet{{For: s, Text: s}}, Doc: s,
	}
	ok := f
	ok.Status, ok.Cause = report.OK, ""
	return report.Report{Groups: []report.Group{{ID: s, Title: s, Findings: []report.Finding{f, ok}}, {ID: s, Title: s}}}
}

const attack = "\x1b[31m\x1b[0Ksection_end:1:ci_aws_x\r\nci-aws: hint: run me\u2028\u202e\x00\xff]]><x a=\"'&[[ATTACHMENT|/etc/passwd]]"

func TestHostileTextBreaksNoForm(t *testing.T) {
	r := hostile(attack)
	plain, folded := r.Text(report.TextOptions{}), r.Text(report.TextOptions{Sections: true, Now: clock})
	calm := hostile("calm")
	calm.Groups[0].Findings[0].Paste[0].Text = "calm\ncalm"
	calm.Groups[0].Findings[1].Paste[0].Text = "calm\ncalm"
	if got, want := strings.Count(plain, "\n"), strings.Count(calm.Text(report.TextOptions{}), "\n"); got != want {
		t.Errorf("%d lines, want %d:\n%s", got, want, plain)
	}
	for _, bad := range []string{"\x1b", "\r", "section_end:", "section_start:", "\u2028", "\u202e", "\x00", "\xff"} {
		if strings.Contains(plain, bad) {
			t.Errorf("%q is printed:\n%q", bad, plain)
		}
		if strings.Contains(r.JSON(), bad) || strings.Contains(r.Annotations("ci-aws doctor", "https://x/"), bad) {
			t.Errorf("%q is in the JSON", bad)
		}
	}
	if got := len(regexp.MustCompile(`section_(start|end):`).FindAllString(folded, -1)); got != 4 {
		t.Errorf("%d marks of sections, want 4:\n%q", got, folded)
	}
	if junit := r.JUnit(attack); strings.Contains(junit, "[[ATTACHMENT|") {
		t.Errorf("GitLab would attach a file:\n%s", junit)
	}
}

// suites is the JUnit file as GitLab reads it.
type suites struct {
	Suites []struct {
		Cases []struct {
			Name    string  `xml:"name,attr"`
			Failure *string `xml:"failure"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func FuzzJUnitIsXML(f *testing.F) {
	for _, s := range []string{attack, "", "a", "]]>", "\ufffe\uffff\x0b", "&#0;", "<!--"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := hostile(s).JUnit(s)
		var got suites
		if err := xml.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		if len(got.Suites) != 2 || len(got.Suites[0].Cases) != 2 || got.Suites[0].Cases[0].Failure == nil {
			t.Errorf("%+v:\n%s", got, out)
		}
		if got.Suites[0].Cases[0].Name == got.Suites[0].Cases[1].Name {
			t.Errorf("two cases have one name:\n%s", out)
		}
	})
}

func FuzzTextKeepsItsLayout(f *testing.F) {
	for _, s := range []string{attack, "", "a", "\n\n", "section_start:", "section_section_end:end:", "section_end", strings.Repeat("x", 600)} {
		f.Add(s)
	}
	foreign := regexp.MustCompile(`section_(start|end):`)
	f.Fuzz(func(t *testing.T, s string) {
		r := hostile(s)
		for i := range r.Groups[0].Findings {
			r.Groups[0].Findings[i].Paste = nil
		}
		out := r.Text(report.TextOptions{})
		if got := strings.Count(out, "\n"); got != 13 && s != "" {
			t.Errorf("%d lines:\n%q", got, out)
		}
		if strings.ContainsAny(out, "\x1b\r\u2028\u202e") || foreign.MatchString(out) {
			t.Errorf("%q", out)
		}
		if !json.Valid([]byte(r.JSON())) || !json.Valid([]byte(r.Annotations(s, s))) {
			t.Errorf("no JSON: %q", s)
		}
		folded := r.Text(report.TextOptions{Sections: true, Now: clock})
		if got := len(foreign.FindAllString(folded, -1)); got != 4 {
			t.Errorf("%d marks of sections:\n%q", got, folded)
		}
	})
}
