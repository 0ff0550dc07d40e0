package doctor

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// TestIndependentChecksRunAtTheSameTime lets each of three checks wait until the
// others have begun: one after the other they would never end. The output keeps
// the order of the diagnosis, whoever ends first.
func TestIndependentChecksRunAtTheSameTime(t *testing.T) {
	begun := make(chan string, 3)
	all := make(chan struct{})
	go func() {
		for range 3 {
			<-begun
		}
		close(all)
	}()
	meet := func(id string, first <-chan struct{}, ended chan<- struct{}) check {
		return check{group: "others", id: id, run: func(ctx context.Context) []report.Finding {
			begun <- id
			for _, wait := range []<-chan struct{}{all, first} {
				select {
				case <-wait:
				case <-ctx.Done():
					return one(interrupted)
				}
			}
			close(ended)
			return holds(id)
		}}
	}
	third, second, first := make(chan struct{}), make(chan struct{}), make(chan struct{})
	r := run(t.Context(), []check{
		meet("keys-in-environment", second, first), meet("profile-heeded", third, second), meet("node-unused", all, third),
	}, time.Minute)
	want := []report.Finding{catalogue.Holds("keys-in-environment"), catalogue.Holds("profile-heeded"), catalogue.Holds("node-unused")}
	got := r.Findings()
	for i := range got {
		got[i].Took = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestACheckWaitsForWhatItNeeds: a check that needs a failed one names the root,
// and does not run.
func TestACheckWaitsForWhatItNeeds(t *testing.T) {
	never := func(context.Context) []report.Finding {
		t.Error("it ran")
		return nil
	}
	failed := report.Finding{ID: "token-readable", Status: report.Fail}
	r := run(t.Context(), []check{
		{group: "role", id: "role-arn", needs: ids("token-is-jwt"), run: never},
		{group: "token", id: "token-is-jwt", needs: ids("token-readable"), run: never},
		{group: "token", id: "token-readable", needs: ids("not-asked"), run: local(func() []report.Finding { return one(failed) })},
	}, time.Minute)
	want := []report.Finding{catalogue.Waits("token-is-jwt", "token-readable"), failed, catalogue.Waits("role-arn", "token-readable")}
	got := r.Findings()
	for i := range got {
		got[i].Took = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
