package cli_test

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// setup is one broken set-up: what is wrong with it, what must be the first
// finding that does not hold, and what its fix must say. The first row of a case
// is its transcript in docs/checks.md.
type setup struct {
	kase  string // the case of the catalogue that it shows
	name  string // what is wrong
	check string // that it fails, where it is not the case's own
	row   string // of the facts: P1 to P22, "sts" or "s3" and the id of an answer; "" for none
	args  []string
	edit  func(*place)
	lead  string   // words of the first hint
	fix   []string // words of the whole fix
	not   []string // words that would do harm there
}

func setups() []setup {
	return slices.Concat(podSetups(), jobSetups(), expectSetups(), stsSetups(), signedSetups(), waySetups(), bucketSetups(), s3WaySetups(), runnerSetups(), trustSetups(), cacheSetups(), accessSetups(), cacheLogSetups(), smokeSetups(), refsSetups())
}

// TestTheFirstFindingNamesTheWrongReference has a row for each way to fail that
// the catalogue knows. What the program prints of it is recorded below
// testdata/setups, for docs/checks.md.
func TestTheFirstFindingNamesTheWrongReference(t *testing.T) {
	recorded := map[string]bool{}
	for _, s := range setups() {
		first := !recorded[s.kase]
		recorded[s.kase] = true
		t.Run(strings.TrimSpace(s.row+" "+s.kase)+": "+s.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, awsfake.Config{})
			if s.edit != nil {
				s.edit(p)
			}
			args := s.args
			if len(args) == 0 || strings.HasPrefix(args[0], "--") {
				args = append([]string{"doctor"}, args...)
			}
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "$ROOT", p.root)
			}
			said := ""
			if slices.Contains([]string{"doctor", "trust", "cache", "smoke", "refs"}, args[0]) {
				said = p.judge(s, args)
			} else {
				said = p.judgeError(s, args)
			}
			if first {
				p.record(s, args, said)
			}
		})
	}
}

// codes are the exit codes of a first finding's state.
var codes = map[report.Status]int{report.Fail: 1, report.Unknown: 3, report.Warn: 0, report.Note: 0}

// firstBad is the first finding that does not hold: that failed, else that could
// not be told, else that warns.
func firstBad(all []found) (found, bool) {
	for _, bad := range []report.Status{report.Fail, report.Unknown, report.Warn} {
		for _, f := range all {
			if f.Status == bad {
				return f, true
			}
		}
	}
	return found{}, false
}

// judge looks at the findings of a command that checks, and gives what the text
// says of the case.
func (p *place) judge(s setup, args []string) string {
	p.t.Helper()
	kase := catalogue.Find(s.kase)
	want := kase.Severity()
	all, text, code := p.both(args...)
	f, bad := firstBad(all)
	if want == report.Note { // stands beside whatever else is found
		i := slices.IndexFunc(all, func(f found) bool { return f.ID == kase.Check })
		if bad = i >= 0; bad {
			f, code = all[i], codes[report.Note]
		}
	}
	if !bad || f.Status != want || !says(kase.Problem, f.Cause) {
		p.t.Fatalf("first is %s %s: %s\nwant %s %s: %s", f.Status, f.ID, f.Cause, want, kase.Check, kase.Problem)
	}
	if want := cmp.Or(s.check, kase.Check); s.kase != "unfinished" && f.ID != want {
		p.t.Errorf("the check is %s, want %s", f.ID, want)
	}
	if code != codes[want] {
		p.t.Errorf("exit code %d for %s", code, want)
	}
	p.complete(s, f.Cause, f.Fix)
	for _, f := range all {
		if f.Status != report.Skip && strings.Contains(f.Cause+f.Fix, "(not known)") {
			p.t.Errorf("%s has a gap: %s\n%s", f.ID, f.Cause, f.Fix)
		}
	}
	return block(text, kase)
}

// judgeError looks at the error and the hints of a command that does not check,
// and gives them.
func (p *place) judgeError(s setup, args []string) string {
	p.t.Helper()
	kase := catalogue.Find(s.kase)
	out, errs, code := p.run(args...)
	line, hints, _ := strings.Cut(errs, "\n")
	for strings.HasPrefix(line, "ci-aws: warning: ") {
		line, hints, _ = strings.Cut(hints, "\n")
	}
	_, problem, _ := strings.Cut(strings.TrimPrefix(line, "ci-aws: error: "), ": ")
	if code != codes[kase.Severity()] || !says(kase.Problem, problem) {
		p.t.Fatalf("exit code %d\n%s%s\nwant %s", code, out, errs, kase.Problem)
	}
	p.complete(s, problem, hints)
	return errs
}

// complete looks for the concrete change, and for gaps.
func (p *place) complete(s setup, problem, fix string) {
	p.t.Helper()
	lead, _, _ := strings.Cut(fix, "\n")
	if !strings.Contains(lead, s.lead) {
		p.t.Errorf("the first hint does not say %q:\n%s", s.lead, fix)
	}
	for _, word := range s.not {
		if strings.Contains(fix, word) {
			p.t.Errorf("the fix says %q:\n%s", word, fix)
		}
	}
	for _, word := range s.fix {
		if !strings.Contains(fix, word) {
			p.t.Errorf("the fix does not say %q:\n%s", word, fix)
		}
	}
	if strings.Contains(problem+fix, "(not known)") {
		p.t.Errorf("a sentence has a gap:\n%s\n%s", problem, fix)
	}
	if fix == "" && len(catalogue.Find(s.kase).Causes) > 0 && s.kase != "unfinished" {
		p.t.Errorf("%q has no fix", problem)
	}
}

// says reports whether a sentence is one of the catalogue's with values put in.
func says(sentence, with string) bool {
	var pattern strings.Builder
	pattern.WriteString("^")
	facts := regexp.MustCompile(`\{[a-z-]+\}|<[a-z-]+>`)
	at := 0
	for _, place := range facts.FindAllStringIndex(sentence, -1) {
		pattern.WriteString(regexp.QuoteMeta(sentence[at:place[0]]) + `.*`)
		at = place[1]
	}
	pattern.WriteString(regexp.QuoteMeta(sentence[at:]))
	return regexp.MustCompile(pattern.String()).MatchString(with)
}

// record compares what the program said with the transcript.
func (p *place) record(s setup, args []string, said string) {
	p.t.Helper()
	got := p.steady("$ ci-aws " + strings.Join(args, " ") + "\n" + said)
	path := filepath.Join("testdata", "setups", s.kase+".txt")
	if *update {
		check(p.t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(p.t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		p.t.Errorf("no transcript: run go test ./internal/cli -run TestTheFirstFinding -update")
		return
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		p.t.Errorf("transcript (-want +got):\n%s", diff)
	}
}

// block is what the text says of a case's finding.
func block(text string, c catalogue.Case) string {
	lines := strings.SplitAfter(text, "\n")
	head := regexp.MustCompile(`^  (ok|note|warn|fail|unknown|skip) `)
	start := slices.IndexFunc(lines, func(l string) bool {
		_, cause, ok := strings.Cut(l, ": ")
		return ok && head.MatchString(l) && says(c.Problem, cause)
	})
	if start < 0 {
		return text
	}
	end := start + 1
	for end < len(lines) && lines[end] != "\n" && !head.MatchString(lines[end]) {
		end++
	}
	return strings.Join(lines[start:end], "")
}

// steady puts fixed words in place of what differs from run to run and from
// machine to machine.
func (p *place) steady(text string) string {
	text = strings.ReplaceAll(text, p.root, "")
	for _, v := range []struct{ what, word string }{
		{`127\.0\.0\.1:\d+`, "127.0.0.1:8080"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "2026-11-23T12:00:00Z"},
		{`\d{8}T\d{6}Z`, "20261123T120000Z"},
		{`[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT`, "Mon, 23 Nov 2026 12:00:00 GMT"},
		{`connected in \d+(\.\d+)?[mµ]?s`, "connected in 1ms"},
		{`gave no answer within (\d+(\.\d+)?[mµ]?s)`, "gave no answer within 1s"},
		{`ASIA[A-Z0-9]{16}`, "ASIAEXAMPLE"},
		{`ci-aws-check/[0-9a-zA-Z-]+`, "ci-aws-check/EXAMPLE"},
		{`(server misbehaving|Temporary failure in name resolution|i/o timeout) \(the answer\)`, "no such host (the answer)"},
		{`date/time( ?)\d{10}`, "date/time${1}1795445509"},
		{`Token too old: \d+`, "Token too old: 360000"},
		{`token's key "[0-9A-Za-z_-]{43}"`, `token's key "EXAMPLE"`},
		{`by uid \d+ \(it is 0\d+ and belongs to uid \d+\)`, "by uid 1000 (it is 0600 and belongs to uid 0)"},
		{`fs_group = \d+`, "fs_group = 1000"},
		{`\(\d+\.\d{3} s\)`, "(0.012 s)"},
		{`\d+\.\d MiB/s`, "100.0 MiB/s"},
	} {
		text = regexp.MustCompile(v.what).ReplaceAllString(text, v.word)
	}
	return text
}

// unseen are the cases that no pod shows: others have been told before them.
var unseen = []string{
	"s3-keys-missing", // the doctor asks S3 after an exchange that worked, and so with keys
}

func TestEveryCaseHasARow(t *testing.T) {
	all := setups()
	for _, c := range catalogue.All() {
		if !slices.Contains(unseen, c.ID) && !slices.ContainsFunc(all, func(s setup) bool { return s.kase == c.ID }) {
			t.Errorf("no row shows %s", c.ID)
		}
	}
	for _, s := range all {
		if catalogue.Find(s.kase).Check == s.kase && catalogue.Find(s.kase).Problem == s.kase {
			t.Errorf("there is no case %q", s.kase)
		}
	}
}

// TestEveryAnswerOfAWSHasARow counts the rows of the facts and the answers that
// were recorded: the symptoms of a pod, and what STS and S3 say.
func TestEveryAnswerOfAWSHasARow(t *testing.T) {
	want := []string{
		"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11",
		"P12", "P13", "P14", "P15", "P16", "P17", "P18", "P19", "P20", "P21",
	}
	for _, service := range []string{"sts", "s3"} {
		all, err := awsfake.Vectors(service)
		check(t, err)
		for _, v := range all {
			if v.ID != "no-key" { // which S3 says of a healthy bucket
				want = append(want, service+" "+v.ID)
			}
		}
	}
	for _, row := range want {
		if !slices.ContainsFunc(setups(), func(s setup) bool { return s.row == row }) {
			t.Errorf("no row shows %q", row)
		}
	}
}

func TestEveryRecordedTranscriptIsUsed(t *testing.T) {
	files, err := os.ReadDir(filepath.Join("testdata", "setups"))
	check(t, err)
	for _, f := range files {
		id, isText := strings.CutSuffix(f.Name(), ".txt")
		if !isText || !slices.ContainsFunc(setups(), func(s setup) bool { return s.kase == id }) {
			t.Errorf("no row writes %s", f.Name())
		}
	}
}
