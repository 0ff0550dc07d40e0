package smoke_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

var updatePages = flag.Bool("update-pages", false, "rewrite testdata/matrix.html")

func parsed(t testing.TB, text string) []smoke.Fleet {
	t.Helper()
	all, err := smoke.ParseFleets(text)
	check(t, err)
	return all
}

// lines are the states of a matrix, a line for each writer.
func lines(m smoke.Matrix) []string {
	var out []string
	n := len(m.JSON().Fleets)
	for i, f := range m.JSON().Fields {
		if i%n == 0 {
			out = append(out, f.Writer+":")
		}
		out[i/n] += " " + f.State + ";"
	}
	return out
}

// oneRunner is a hit that the reader's own runner wrote.
func oneRunner(fleet string) smoke.Cell {
	c := cell(fleet, smoke.Hit)
	c.By.Runner = "8"
	return c
}

func TestResultsBecomeAMatrix(t *testing.T) {
	star := newPlan(t, parsed(t, "a;b;c,d"), false)
	full := newPlan(t, parsed(t, "a;b"), true)
	hit := func(fleets ...string) (cells []smoke.Cell) {
		for _, f := range fleets {
			cells = append(cells, cell(f, smoke.Hit))
		}
		return cells
	}
	file := func(r smoke.Result) smoke.File { return smoke.File{Path: "x.json", Result: r} }
	other := result("b", hit("a")...)
	other.Pipeline = "1211"
	nameless := result("", hit("a")...)
	fallback := result("b", hit("a")...)
	fallback.FallbackKey = "main-protected"
	tests := []struct {
		name    string
		plan    *smoke.Plan
		files   []smoke.File
		want    []string
		verdict report.Status
		first   string // the id and the cause of the first that does not hold
	}{
		{
			name: "a star in which all is well", plan: &star,
			files:   []smoke.File{file(result("a", hit("a", "b", "d,c")...)), file(result("b", hit("a")...)), file(result("c,d", hit("a")...))},
			want:    []string{"a: hit; hit; hit;", "b: hit; implied; implied;", "c,d: hit; implied; implied;"},
			verdict: report.OK,
		},
		{
			name: "a reader that never ran", plan: &star,
			files:   []smoke.File{file(result("a", hit("a", "b", "c,d")...)), file(result("b", hit("a")...))},
			want:    []string{"a: hit; hit; no answer;", "b: hit; implied; not run;", "c,d: hit; implied; not run;"},
			verdict: report.Unknown, first: `smoke-hit "c,d" gave no answer about what "a" stored`,
		},
		{
			name: "no result at all", plan: &full,
			want:    []string{"a: no answer; no answer;", "b: no answer; no answer;"},
			verdict: report.Unknown, first: `smoke-hit "a" gave no answer about what "a" stored`,
		},
		{
			name: "a first fleet that is missed: nothing follows", plan: &star,
			files:   []smoke.File{file(result("a", cell("a", smoke.Hit), cell("b", smoke.Miss), cell("c,d", smoke.Hit))), file(result("b", cell("a", smoke.Miss))), file(result("c,d", hit("a")...))},
			want:    []string{"a: hit; miss; hit;", "b: miss; not run; not run;", "c,d: hit; not run; implied;"},
			verdict: report.Fail, first: `smoke-hit "a" got nothing of what "b" stored in pipeline "1212"`,
		},
		{
			name: "a file that cannot be used", plan: &full,
			files: []smoke.File{{Path: "cut.json", Err: errors.New("it ends too early")}, file(result("b", hit("a", "b")...))},
			want:  []string{"a: no answer; hit;", "b: no answer; hit;"}, verdict: report.Unknown,
			first: `smoke-results the result "cut.json" cannot be used: it ends too early`,
		},
		{
			name: "another pipeline's result", plan: &full,
			files: []smoke.File{file(result("a", hit("a", "b")...)), file(other)},
			want:  []string{"a: hit; no answer;", "b: hit; no answer;"}, verdict: report.Unknown,
			first: `smoke-results the result "x.json" is of pipeline "1211", not of "1212"`,
		},
		{
			name: "a fleet that the plan does not have", plan: &full,
			files: []smoke.File{file(result("a", hit("a", "b")...)), file(result("b", hit("a", "b")...)), file(result("z", hit("a")...))},
			want:  []string{"a: hit; hit;", "b: hit; hit;"}, verdict: report.Unknown,
			first: `smoke-results the result "x.json" cannot be used: its fleet "z" is none that was asked for`,
		},
		{
			name: "a writer that the plan does not have", plan: &full,
			files: []smoke.File{file(result("a", hit("a", "b")...)), file(result("b", hit("a", "b", "z")...))},
			want:  []string{"a: hit; no answer;", "b: hit; no answer;"}, verdict: report.Unknown,
			first: `smoke-results the result "x.json" cannot be used: one of its writers is none that was asked for`,
		},
		{
			name: "a reader without a fleet", files: []smoke.File{file(nameless), file(result("a", hit("a")...))},
			want: []string{"a: hit;"}, verdict: report.Unknown,
			first: `smoke-results the result "x.json" cannot be used: it does not say on which fleet its job ran`,
		},
		{
			name: "two results for one field: the worse counts", plan: &full,
			files: []smoke.File{file(result("a", hit("a", "b")...)), file(result("b", hit("a", "b")...)), file(result("b", cell("a", smoke.Partial)))},
			want:  []string{"a: hit; partial;", "b: hit; hit;"}, verdict: report.Fail,
			first: `smoke-hit "b" got only a part of what "a" stored in pipeline "1212": without "02/0002.bin"`,
		},
		{
			name:  "no plan: the results say which fleets there are",
			files: []smoke.File{file(result("b", hit("a")...)), file(result("a", cell("c", smoke.Stale), cell("a", smoke.Hit)))},
			want:  []string{"b: not run; not run; no answer;", "a: hit; hit; not run;", "c: not run; stale; not run;"}, verdict: report.Fail,
			first: `smoke-hit "a" got what "c" stored in pipeline "1211", not in "1212"`,
		},
		{
			name:  "a writer that is no reader, without a plan",
			files: []smoke.File{file(result("a", hit("a", "b")...))},
			want:  []string{"a: hit; no answer;", "b: hit; not run;"}, verdict: report.Unknown,
			first: `smoke-hit "b" gave no answer about what "a" stored`,
		},
		{
			name: "one runner for two fleets proves nothing, and nothing follows from it", plan: &star,
			files: []smoke.File{file(result("a", hit("a")[0], oneRunner("b"), cell("c,d", smoke.Hit))), file(result("b", oneRunner("a"))), file(result("c,d", hit("a")...))},
			want:  []string{"a: hit; not proven; hit;", "b: not proven; not run; not run;", "c,d: hit; not run; implied;"}, verdict: report.Unknown,
			first: `smoke-hit "a" found all that "b" stored in pipeline "1212", but runner "8" ran both jobs: that proves nothing between two fleets`,
		},
		{
			name: "hits with a fallback key are not a pass", plan: &full,
			files: []smoke.File{file(result("a", hit("a", "b")...)), file(func() smoke.Result { fallback.Cells = hit("a", "b"); return fallback }())},
			want:  []string{"a: hit; hit;", "b: hit; hit;"}, verdict: report.Fail,
			first: `smoke-no-fallback CACHE_FALLBACK_KEY of "b" is "main-protected", and lets another cache stand in for the tested one`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := smoke.Join(tt.plan, "", tt.files)
			if diff := cmp.Diff(tt.want, lines(m)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			first, _ := m.Report().First()
			if got := strings.TrimSpace(first.ID + " " + first.Cause); m.Report().Verdict() != tt.verdict || got != tt.first {
				t.Errorf("%s: %s\nwant %s: %s", m.Report().Verdict(), got, tt.verdict, tt.first)
			}
		})
	}
}

func TestAMissGivesEveryCauseWithItsQuestionOnce(t *testing.T) {
	r := result("a", cell("b", smoke.Miss), cell("c", smoke.Miss))
	found := r.Report("ci-aws-smoke").Findings()
	want := []string{"Shared", "No URL provided", "403 Forbidden", "MaxUploadedArchiveSize", "BucketName", "Path", "FF_HASH_CACHE_KEYS", "-protected"}
	if len(found[1].Hints) != len(want) {
		t.Fatalf("%d causes: %q", len(found[1].Hints), found[1].Hints)
	}
	for i, hint := range found[1].Hints {
		if !strings.Contains(hint, want[i]) || !strings.HasSuffix(hint, "?)") {
			t.Errorf("cause %d is not about %s, or asks nothing: %s", i+1, want[i], hint)
		}
	}
	if len(found[2].Hints) != 1 {
		t.Errorf("the causes stand twice: %q", found[2].Hints)
	}
	if last := found[len(found)-1]; last.ID != "smoke-from-cache" || !strings.Contains(last.Cause, "/cache") {
		t.Errorf("the last is %s: %s", last.ID, last.Cause)
	}
	own := result("a", cell("a", smoke.Miss)).Report("x").Findings()[1].Hints
	if len(own) != 5 || !strings.Contains(own[0], "No URL provided") {
		t.Errorf("of one fleet: %q", own)
	}
}

func TestAHitOnOneHostProvesLittleBetweenFleets(t *testing.T) {
	tests := []struct {
		name, runner, host, writer, want string
	}{
		{"one host", "7", "h8", "b", `the host "h8" ran this job and the one that wrote for "b", so that the hit proves little between two fleets`},
		{"one fleet", "8", "h8", "a", ""},
		{"two of each", "7", "h7", "b", ""},
		{"not known", "", "", "b", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := cell(tt.writer, smoke.Hit)
			c.By = smoke.Origin{Job: "1", Runner: tt.runner, Host: tt.host}
			got := ""
			for _, f := range result("a", c).Report("x").Findings() {
				if f.ID == "smoke-apart" {
					got = f.Cause
				}
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheTextHasALineForEachWriter(t *testing.T) {
	plan := newPlan(t, parsed(t, "fargate-small;cluster,kubernetes"), false)
	m := smoke.Join(&plan, "", []smoke.File{{Result: result("fargate-small", cell("fargate-small", smoke.Hit), cell("cluster,kubernetes", smoke.Miss))}})
	want := `what each fleet (column) got of what each fleet (line) stored in pipeline 1212

                                1          2
  1 fargate-small             hit  no answer
  2 cluster,kubernetes       miss    not run

`
	if diff := cmp.Diff(want, m.Text()); diff != "" {
		t.Error(diff)
	}
	many := newPlan(t, fleets(50), false)
	text := smoke.Join(&many, "1212", nil).Text()
	for _, line := range []string{
		"  50 fleet-50   ?   -", "  H hit, M miss, S stale, C corrupt, P partial, N not proven, U unreadable, ? no answer, . implied, - not run",
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// TestThePageIsOnePageAndNothingElse compares a page with testdata/matrix.html.
func TestThePageIsOnePageAndNothingElse(t *testing.T) {
	plan := newPlan(t, parsed(t, "fargate-small;cluster,kubernetes;arm"), false)
	got := smoke.Join(&plan, "", []smoke.File{
		{Result: result("fargate-small", cell("fargate-small", smoke.Hit), cell("cluster,kubernetes", smoke.Hit), cell("arm", smoke.Corrupt))},
		{Result: result("cluster,kubernetes", cell("fargate-small", smoke.Hit))},
	}).HTML()
	wellFormed(t, got)
	path := filepath.Join("testdata", "matrix.html")
	if *updatePages {
		check(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// mayStand are the elements of a page, and the attributes that they may have.
var mayStand = map[string]string{
	"html": "lang", "head": "", "meta": "charset http-equiv content name", "title": "id", "style": "", "body": "", "h1": "", "h2": "", "p": "",
	"div": "class", "svg": "role aria-labelledby width height viewBox", "desc": "id", "g": "", "rect": "class x y width height rx",
	"text": "class x y", "table": "", "tbody": "", "tr": "", "th": "scope", "td": "", "br": "", "ol": "", "li": "",
}

// wellFormed reads a page as XML: elements and attributes that load or run
// nothing, one policy, no address.
func wellFormed(t testing.TB, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	var policies []string
	style, inStyle := "", false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v\n%s", err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			allowed, known := mayStand[token.Name.Local]
			if !known {
				t.Errorf("the page has an element %s", token.Name.Local)
			}
			inStyle = token.Name.Local == "style"
			for i, a := range token.Attr {
				if !slices.Contains(strings.Fields(allowed), a.Name.Local) {
					t.Errorf("%s has an attribute %s", token.Name.Local, a.Name.Local)
				}
				if a.Value == "Content-Security-Policy" {
					policies = append(policies, token.Attr[i+1].Value)
				}
			}
		case xml.CharData:
			if inStyle {
				style += string(token)
			}
		case xml.EndElement:
			inStyle = false
		case xml.Comment, xml.ProcInst:
			t.Errorf("the page has a comment or an instruction: %v", token)
		}
	}
	if len(policies) != 1 || !strings.HasPrefix(policies[0], "default-src 'none'; style-src 'sha256-") {
		t.Errorf("policies %q", policies)
	}
	if !strings.Contains(style, "color-scheme: light dark") || !strings.Contains(style, "@media (prefers-color-scheme: dark)") {
		t.Error("the style is not one for dark and light")
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style loads something")
	}
}

func TestAPageOfHostileNamesIsWellFormed(t *testing.T) {
	for _, name := range []string{hostile, strings.Repeat("🦊", 200), "\u0000\ufffe\uffff", "javascript:alert(1)", "a\u2028b"} {
		m := smoke.Join(nil, "", []smoke.File{{Path: name, Err: errors.New("x")}, {Path: "y", Result: result(name, cell(name, smoke.Corrupt), cell("b", smoke.Hit))}})
		wellFormed(t, m.HTML())
		if strings.Contains(m.HTML(), "<script") {
			t.Errorf("a script of %q", name)
		}
	}
}

func BenchmarkPageOf50Fleets(b *testing.B) {
	plan := newPlan(b, fleets(50), false)
	for b.Loop() {
		_ = smoke.Join(&plan, "1212", nil).HTML()
	}
}
