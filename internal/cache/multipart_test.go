package cache

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestARateIsInMiBASecond(t *testing.T) {
	for _, tt := range []struct {
		bytes int64
		took  time.Duration
		want  Rate
		text  string
	}{
		{8 << 20, 2 * time.Second, Rate{2, 4}, "4.0 MiB/s"},
		{1 << 30, 4 * time.Second, Rate{4, 256}, "256.0 MiB/s"},
		{1 << 20, 3 * time.Second, Rate{3, 0.3}, "0.3 MiB/s"},
		{8 << 20, 1234567890 * time.Nanosecond, Rate{1.234568, 6.5}, "6.5 MiB/s"},
		{1 << 20, 0, Rate{0.000001, 1e6}, "1000000.0 MiB/s"},
	} {
		got := rate(tt.bytes, tt.took)
		if diff := cmp.Diff(&tt.want, got); diff != "" || got.String() != tt.text {
			t.Errorf("%d in %v: %s %s", tt.bytes, tt.took, got, diff)
		}
	}
}

// TestPartsAreOnTheirWayTogether lets each part wait: who is in a bubble and waits
// for what never comes ends the test.
func TestPartsAreOnTheirWayTogether(t *testing.T) {
	for n, want := range map[int]int64{1: 1, 4: 4, parallel: parallel, 3 * parallel: parallel} {
		synctest.Test(t, func(t *testing.T) {
			var now, most, done atomic.Int64
			gate := make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() {
				err := inParallel(t.Context(), n, func(context.Context, int) error {
					most.Store(max(most.Load(), now.Add(1)))
					<-gate
					now.Add(-1)
					done.Add(1)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			if got := now.Load(); got != want {
				t.Errorf("%d of %d at once, want %d", got, n, want)
			}
			close(gate)
			all.Wait()
			if most.Load() > want || done.Load() != int64(n) {
				t.Errorf("%d at once, %d of %d done", most.Load(), done.Load(), n)
			}
		})
	}
}

// slowed lets a clock go on while one direction is on its way.
type slowed struct {
	method string
	clock  *atomic.Int64
}

func (s slowed) Do(r *http.Request) (*http.Response, error) {
	if r.Method == s.method && strings.HasSuffix(r.URL.Path, "/parts") {
		s.clock.Add(int64(10 * time.Second))
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestEachDirectionIsMeasuredByItself(t *testing.T) {
	for _, tt := range []struct {
		method   string
		up, down float64 // seconds
	}{
		{http.MethodPut, 20, 0.000001}, {http.MethodGet, 0.000001, 20},
	} {
		bn := newBench(t, awsfake.BucketSpec{})
		var clock atomic.Int64
		bn.cfg.HTTPClient = slowed{tt.method, &clock}
		k := newChecker(t.Context(), bn.cfg, Trial{Bucket: bn.b, Size: MinSize}, Caller{})
		k.now = func() time.Time { return time.Unix(0, clock.Load()) }
		if f := k.multipart(t.Context()); f.Status != report.OK {
			t.Fatal(f.Cause)
		}
		if k.transfer.Up.Seconds != tt.up || k.transfer.Down.Seconds != tt.down {
			t.Errorf("%s is slow: up %v, down %v", tt.method, k.transfer.Up.Seconds, k.transfer.Down.Seconds)
		}
	}
}

func TestTheTimeOfAStepThatProbeTookIsProbes(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	var clock atomic.Int64
	bn.cfg.HTTPClient = ticking{&clock}
	k := newChecker(t.Context(), bn.cfg, Trial{Bucket: bn.b, Size: MinSize, Expect: report.Value{Text: string(None)}}, Caller{})
	k.now = func() time.Time { return time.Unix(0, clock.Load()) }
	k.start = k.now()
	k.run(t.Context())
	k.plan(t.Context())
	got := map[string]time.Duration{}
	for _, f := range k.steps[:2] {
		got[f.ID] = f.Took
	}
	if diff := cmp.Diff(map[string]time.Duration{refusedGet: time.Second, refusedHead: time.Second}, got); diff != "" {
		t.Error(diff)
	}
}

// ticking lets a clock go on by a second with each call.
type ticking struct{ clock *atomic.Int64 }

func (c ticking) Do(r *http.Request) (*http.Response, error) {
	c.clock.Add(int64(time.Second))
	return http.DefaultTransport.RoundTrip(r)
}

// TestEachErrorTellsOfItsOwnCall: parts go at once, and none is to tell how another went.
func TestEachErrorTellsOfItsOwnCall(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	bn.inject(awsfake.Fault{Action: "GetObject", Status: http.StatusForbidden, Type: "text/html", Body: "<html></html>"})
	bn.inject(awsfake.Fault{Action: "HeadObject", Status: http.StatusServiceUnavailable})
	_, denied := bn.c.getObject(t.Context(), "k", span{})
	_, failed := bn.c.headObject(t.Context(), "k")
	_, err := bn.c.putObject(t.Context(), "k", section("x"), encryption{})
	bn.must(err)
	for _, tt := range []struct {
		err    error
		status string
		calls  string
	}{
		{denied, "403", "1 call"}, {failed, "503", "3 calls"}, {&unanswered{op: "GetObject", err: errors.New("cut")}, "0", "1 call"},
	} {
		p := newProbe(t.Context(), bn.cfg, bn.b, Caller{})
		f := p.factsOf(tt.err)
		got := catalogue.Facts{"status": f["status"], "calls": f["calls"]}
		if diff := cmp.Diff(catalogue.Facts{"status": tt.status, "calls": tt.calls}, got); diff != "" {
			t.Error(diff)
		}
		if x := seenBy(tt.err); x.status != 0 && (x.signed == "" || f["now"] != x.signed || f["server-time"] == "") {
			t.Errorf("signed %q, at S3 %q", f["now"], f["server-time"])
		}
	}
}
