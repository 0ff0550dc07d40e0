package testpipelines_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mark is where GitLab begins or ends a section of a job's log.
// https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/gitlab/ci/ansi2json/converter.rb
var mark = regexp.MustCompile(`section_(start|end):\d+:([a-zA-Z0-9_.-]+)(\[[^\]]*\])?\r\x1b\[0K`)

// visible are the lines of a job's log as GitLab shows it at first: a section
// that is collapsed is its header, an empty line is none.
func visible(log string) []string {
	var lines []string
	var open []string // the sections that are not at their end
	folded := 0       // of these, how many from the first collapsed one on
	for line := range strings.Lines(log) {
		header := false
		for m := mark.FindStringSubmatchIndex(line); m != nil; m = mark.FindStringSubmatchIndex(line) {
			name := line[m[4]:m[5]]
			switch {
			case line[m[2]:m[3]] == "start":
				open = append(open, name)
				if header = folded == 0; folded > 0 || m[6] >= 0 && strings.Contains(line[m[6]:m[7]], "collapsed=true") {
					folded++
				}
			case len(open) > 0 && open[len(open)-1] == name:
				open = open[:len(open)-1]
				folded = max(0, folded-1)
			}
			line = line[:m[0]] + line[m[1]:]
		}
		line = strings.TrimRight(strings.ReplaceAll(line, "\x1b[0K", ""), "\r\n")
		if line != "" && (folded == 0 || header) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestVisible(t *testing.T) {
	const start, end = "\x1b[0Ksection_start:1:", "\x1b[0Ksection_end:2:"
	const folded, close = "[collapsed=true]\r\x1b[0K", "\r\x1b[0K\n"
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"no section", "a\n\nb\n", []string{"a", "b"}},
		{"a folded one", "a\n" + start + "s" + folded + "head\nin it\n" + end + "s" + close + "b\n", []string{"a", "head", "b"}},
		{"an open one", start + "s\r\x1b[0Khead\nin it\n" + end + "s" + close + "b\n", []string{"head", "in it", "b"}},
		{"one in another", start + "s" + folded + "head\n" + start + "t" + folded + "inner\nx\n" + end + "t" + close + "y\n" + end + "s" + close + "b\n", []string{"head", "b"}},
		{"one without an end", start + "s" + folded + "head\nin it\n", []string{"head"}},
		{"an end of another", start + "s" + folded + "head\nin it\n" + end + "t" + close + "still in it\n", []string{"head"}},
		{"what looks like a mark", "section_start:x:s\nb\n", []string{"section_start:x:s", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, visible(tt.in)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// callers are those that sdkprobe told of in a job's log, in order: role, or
// user, and the SDK's name for the source of the credentials.
func callers(t *testing.T, log string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, `{"arn":`) {
			continue
		}
		var who struct{ ARN, Source string }
		if err := json.Unmarshal([]byte(line), &who); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		_, name, _ := strings.Cut(who.ARN, "/")
		name, _, _ = strings.Cut(name, "/")
		source, _, _ := strings.Cut(who.Source, ":")
		all = append(all, name+" by "+source)
	}
	return all
}
