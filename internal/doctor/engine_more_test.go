package doctor

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// states are the ids and states of all findings, in order.
func states(r report.Report) []string {
	var out []string
	for _, f := range r.Findings() {
		s := f.ID + " " + string(f.Status)
		if f.Status == report.Skip {
			s += ": " + f.Cause
		}
		out = append(out, s)
	}
	return out
}

// finds is a check's answer in states of findings: "a fail".
func finds(all ...report.Finding) func(context.Context) []report.Finding {
	return func(context.Context) []report.Finding { return all }
}

func is(id string, s report.Status) report.Finding { return report.Finding{ID: id, Status: s} }

func TestWhatDoesNotHoldIsKeptAndWhatHoldsIsToldOnce(t *testing.T) {
	tests := []struct {
		name   string
		checks []check
		want   []string
	}{
		{"two slips of one check are both told", []check{
			{group: "pod", id: "a", run: finds(is("a", report.Warn), is("b", report.OK), is("a", report.Warn))},
		}, []string{"a warn", "a warn", "b ok"}},
		{"the worst is first, whatever was found first", []check{
			{group: "pod", id: "a", run: finds(is("a", report.Unknown), is("a", report.Fail))},
		}, []string{"a fail", "a unknown"}},
		{"what a later question finds out takes the place of an earlier answer", []check{
			{group: "pod", id: "a", run: finds(is("a", report.OK))},
			{group: "sts", id: "z", run: finds(is("a", report.Fail), catalogue.Waits("z", "a"))},
		}, []string{"a fail", "z skip: waits for a"}},
		{"a note outlasts an answer that all is well", []check{
			{group: "pod", id: "a", run: finds(is("a", report.OK), is("a", report.Note))},
		}, []string{"a note"}},
		{"a check that cannot tell and is mild keeps nobody waiting", []check{
			{group: "pod", id: "a", mild: true, run: finds(is("a", report.Unknown))},
			{group: "pod", id: "b", needs: ids("a"), run: finds(is("b", report.OK))},
		}, []string{"a unknown", "b ok"}},
		{"a mild check that failed keeps them waiting", []check{
			{group: "pod", id: "a", mild: true, run: finds(is("a", report.Fail))},
			{group: "pod", id: "b", needs: ids("a"), run: finds(is("b", report.OK))},
		}, []string{"a fail", "b skip: waits for a"}},
		{"a defect in one is unknown, and the others go on", []check{
			{group: "pod", id: "a", run: func(context.Context) []report.Finding { panic("a secret") }},
			{group: "pod", id: "b", needs: ids("a"), run: finds(is("b", report.OK))},
			{group: "pod", id: "c", run: finds(is("c", report.OK))},
		}, []string{"a unknown", "b skip: waits for a", "c ok"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, states(run(t.Context(), tt.checks, time.Minute))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsKnownIsToldWhenTheTimeIsOver(t *testing.T) {
	deaf := check{group: "sts", id: "sts-reachable", run: func(context.Context) []report.Finding { select {} }}
	hears := check{group: "role", id: "role-arn", run: func(ctx context.Context) []report.Finding {
		<-ctx.Done()
		return one(interrupted)
	}}
	behind := check{group: "role", id: "role-expected", needs: ids("role-arn"), run: finds(is("role-expected", report.OK))}
	known := check{group: "pod", id: "a", run: finds(is("a", report.Fail))}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	r := run(ctx, []check{known, hears, behind, deaf}, time.Millisecond)
	if diff := cmp.Diff([]string{"a fail", "role-arn unknown", "role-expected skip: waits for role-arn", "sts-reachable unknown"}, states(r)); diff != "" {
		t.Error(diff)
	}
	for _, i := range []int{1, 3} {
		if got, want := r.Findings()[i].Cause, "not finished: the 1ms of --timeout were over"; got != want {
			t.Errorf("cause %q, want %q", got, want)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if got, want := run(stopped, []check{deaf}, time.Minute).Findings()[0].Cause, "not finished: it was interrupted"; got != want {
		t.Errorf("cause %q, want %q", got, want)
	}
}

func TestEveryNeedIsACheckOfTheDiagnosis(t *testing.T) {
	for _, source := range identity.Sources() {
		e := &exam{job: job.Read(nil, t.TempDir()), id: identity.Identity{Source: source}}
		known := map[string]bool{}
		for _, c := range e.all() {
			for _, need := range c.needs {
				if !known[need] {
					t.Errorf("%s needs %s, which is no check before it", c.id, need)
				}
			}
			known[c.id] = true
		}
	}
}
