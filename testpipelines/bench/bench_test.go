package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEachProgramDoesItsPart(t *testing.T) {
	t.Chdir("../..")
	l, err := newLab(t.Context(), []string{"PATH=/usr/bin:/bin", "AWS_PROFILE=none"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	var r result
	for _, figure := range []func(context.Context, int, *result) error{l.exchange, l.stored, l.doctor, l.memory, l.refs} {
		if err := figure(t.Context(), 1, &r); err != nil {
			t.Fatal(err)
		}
	}
	var what []string
	for _, row := range r.rows {
		what = append(what, row.what)
		if row.ratio <= 0 {
			t.Errorf("%s: ratio %v", row.what, row.ratio)
		}
	}
	if diff := cmp.Diff([]string{
		"`ci-aws env`, no store", "`ci-aws env`, no store", "`ci-aws credential-process`, stored",
		"`ci-aws doctor`, time of the processors", "`ci-aws env`, peak memory", "`ci-aws credential-process`, peak memory", "`ci-aws credential-process --no-store`, peak memory",
		"`ci-aws whoami`, peak memory", "`ci-aws exec -- true`, peak memory", "`ci-aws doctor`, peak memory",
		"`ci-aws refs`", "`ci-aws refs`", "`ci-aws refs`, peak memory",
	}, what); diff != "" {
		t.Error(diff)
	}
	// env, minimal and post, a round each and one that does not count; the first
	// of credential-process; two rounds of doctor and whoami; memory of six
	// commands, one of them from the store.
	if got, want := l.cloud.Calls("AssumeRoleWithWebIdentity"), 3*2+1+2*2+5; got != want {
		t.Errorf("%d exchanges, want %d", got, want)
	}
}

func TestAContenderThatDoesNotDoItsWorkIsAnError(t *testing.T) {
	for _, c := range []struct {
		name    string
		command contender
		want    string
	}{
		{"another output", contender{[]string{"echo", "no"}, nil, "export"}, `running ["echo" "no"]: no "export" in its output`},
		{"a failure", contender{[]string{"sh", "-c", "echo reason >&2; exit 3"}, nil, ""}, "exit status 3: reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := race(t.Context(), 1, c.command); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTimesAreToldByMedianAndQuartiles(t *testing.T) {
	var all times
	for i := range 101 {
		all = append(all, time.Duration(i)*time.Millisecond)
	}
	for _, c := range []struct {
		name string
		in   times
		want string
	}{
		{"many", all, "50.0 ms (25.0–75.0)"},
		{"three", times{time.Millisecond, 2 * time.Millisecond, 9 * time.Millisecond}, "2.0 ms (2.0–9.0)"},
		{"one", times{1500 * time.Microsecond}, "1.5 ms (1.5–1.5)"},
	} {
		if got := c.in.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTheTableSaysWhichBoundIsMissed(t *testing.T) {
	r := result{facts: []string{"2 cores"}}
	r.add("a", "5 ms", "4 ms", 1.25, atMost(1.25))
	r.add("b", "1", "11", 0.0909, atLeast(0.1))
	r.add("c", "9 ms", "3 ms", 3, beside)
	want := `| what | measured | against | ratio | bound | holds |
|---|---|---|---|---|---|
| a | 5 ms | 4 ms | 1.250 | ≤ 1.25 | yes |
| b | 1 | 11 | 0.091 | ≥ 0.1 | **no** |
| c | 9 ms | 3 ms | 3.000 | none | beside |

- 2 cores
`
	if diff := cmp.Diff(want, r.markdown()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b, 1: 0.091, want ≥ 0.1"}, r.missed()); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheTableOfThePageIsReplaced(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"an old table", "before\n" + begin + "\nold\n" + end + "\nafter\n", "before\n" + begin + "\n\nnew\n\n" + end + "\nafter\n"},
		{"none yet", begin + "\n" + end + "\n", begin + "\n\nnew\n\n" + end + "\n"},
		{"no place for it", "text\n", ""},
		{"a place without an end", begin + "\ntext\n", ""},
		{"an end before the place", end + "\n" + begin + "\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := replace([]byte(c.in), "new\n")
			if string(got) != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestSettingsOfTheCallerAreTakenAway(t *testing.T) {
	in := []string{
		"PATH=/bin", "HOME=/h", "AWS_PROFILE=x", "AWS_REGION=x", "CI_AWS_ROLE_ARN=x", "CI_JOB_ID=1", "GITLAB_CI=true",
		"https_proxy=x", "NO_PROXY=x", "XDG_RUNTIME_DIR=/r", "CIRCLE=kept",
	}
	if diff := cmp.Diff([]string{"PATH=/bin", "HOME=/h", "CIRCLE=kept"}, clean(in)); diff != "" {
		t.Error(diff)
	}
}
