package credserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// session is the nth session of a test, which lives as long as given.
func session(n int32, life time.Duration) Credentials {
	return Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%d", n), SecretAccessKey: fmt.Sprintf("secret%d", n),
		SessionToken: fmt.Sprintf("token%d", n), AccountID: "123456789012", Expires: time.Now().Add(life),
	}
}

// service hands out sessions and counts them.
type service struct {
	life  time.Duration
	takes time.Duration // for each but the first
	calls atomic.Int32
	fails atomic.Pointer[error]
}

func (s *service) fetch(ctx context.Context) (Credentials, error) {
	n := s.calls.Add(1)
	if n > 1 {
		select {
		case <-ctx.Done():
			return Credentials{}, ctx.Err()
		case <-time.After(s.takes):
		}
	}
	if err := s.fails.Load(); err != nil {
		return Credentials{}, *err
	}
	return session(n, s.life), nil
}

// cached is a cache that holds the first session of s, as a server has it.
func cached(t *testing.T, s *service) *cache {
	t.Helper()
	c := &cache{config: Config{Fetch: s.fetch, Now: time.Now}}
	if err := c.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.running = ctx
	t.Cleanup(func() { c.stop(cancel) })
	return c
}

// key is the access key that c serves, or the error.
func key(t *testing.T, c *cache) string {
	t.Helper()
	got, err := c.get(t.Context())
	if err != nil {
		return err.Error()
	}
	return got.AccessKeyID
}

func TestCredentialsAreRenewedInTime(t *testing.T) {
	tests := []struct {
		name  string
		life  time.Duration
		after time.Duration
		want  string
	}{
		{"an hour's are served until five minutes before their end", time.Hour, 55*time.Minute - 1, "ASIA1"},
		{"an hour's are renewed from then on", time.Hour, 55 * time.Minute, "ASIA2"},
		{"short ones are served for two thirds of their life", 9 * time.Minute, 6*time.Minute - 1, "ASIA1"},
		{"short ones are renewed from then on", 9 * time.Minute, 6 * time.Minute, "ASIA2"},
		{"those of seconds likewise", 3 * time.Second, 2 * time.Second, "ASIA2"},
		{"expired ones are renewed", time.Hour, 20 * time.Hour, "ASIA2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := cached(t, &service{life: tt.life})
				time.Sleep(tt.after)
				if got := key(t, c); got != tt.want {
					t.Errorf("served %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestCredentialsWithoutAnEndAreNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := &cache{config: Config{Now: time.Now, Fetch: func(context.Context) (Credentials, error) {
			calls++
			return Credentials{AccessKeyID: "AKIA"}, nil
		}}}
		if err := c.renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1000 * time.Hour)
		if got := key(t, c); got != "AKIA" || calls != 1 {
			t.Errorf("served %q after %d fetches, want AKIA after 1", got, calls)
		}
	})
}

func TestConcurrentRequestsShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{life: time.Hour, takes: 500 * time.Millisecond}
		c := cached(t, s)
		time.Sleep(58 * time.Minute)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if got := key(t, c); got != "ASIA2" {
					t.Errorf("served %q, want ASIA2", got)
				}
			})
		}
		all.Wait()
		if got := s.calls.Load(); got != 2 {
			t.Errorf("%d fetches, want 2", got)
		}
	})
}

func TestOldCredentialsAreServedWhileTheyLive(t *testing.T) {
	type step struct {
		at      time.Duration // since the start
		breaks  error         // what renewals give from now on, nil to go on as before
		mends   bool
		want    string
		fetches int32 // up to now
	}
	no := errors.New("the role does not trust this token")
	tests := []struct {
		name  string
		takes time.Duration
		steps []step
	}{
		{"when a renewal fails, and it is not repeated at once", 0, []step{
			{at: 56 * time.Minute, breaks: no, want: "ASIA1", fetches: 2},
			{at: 56*time.Minute + 4*time.Second, want: "ASIA1", fetches: 2},
			{at: 56*time.Minute + 5*time.Second, want: "ASIA1", fetches: 3},
			{at: 60*time.Minute - 1, want: "ASIA1", fetches: 4},
			{at: 60 * time.Minute, want: "getting credentials: the role does not trust this token", fetches: 4},
			{at: 60*time.Minute + 5*time.Second, want: "getting credentials: the role does not trust this token", fetches: 5},
			{at: 61 * time.Minute, mends: true, want: "ASIA6", fetches: 6},
		}},
		{"when a renewal takes long, and the new ones after it", 20 * time.Second, []step{
			{at: 56 * time.Minute, want: "ASIA1", fetches: 2},
			{at: 56*time.Minute + 2*time.Second, want: "ASIA1", fetches: 2},
			{at: 56*time.Minute + 30*time.Second, want: "ASIA2", fetches: 2},
		}},
		{"and not longer, but the new ones are waited for", 20 * time.Second, []step{
			{at: 61 * time.Minute, want: "ASIA2", fetches: 2},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{life: time.Hour, takes: tt.takes}
				c := cached(t, s)
				start := time.Now()
				for _, step := range tt.steps {
					if step.breaks != nil {
						s.fails.Store(&step.breaks)
					}
					if step.mends {
						s.fails.Store(nil)
					}
					time.Sleep(step.at - time.Since(start))
					got, calls := key(t, c), s.calls.Load()
					if got != step.want || calls != step.fetches {
						t.Errorf("after %v: %q with %d fetches, want %q with %d", step.at, got, calls, step.want, step.fetches)
					}
				}
			})
		})
	}
}

func TestARequestThatLeavesDoesNotEndTheRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{life: time.Hour, takes: 20 * time.Second}
		c := cached(t, s)
		time.Sleep(2 * time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if got := key(t, c); got != "ASIA2" || s.calls.Load() != 2 {
			t.Errorf("served %q after %d fetches, want ASIA2 after 2", got, s.calls.Load())
		}
	})
}

func TestAStoppedCacheFetchesNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{life: time.Hour, takes: time.Hour}
		c := cached(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		c.running = ctx
		time.Sleep(58 * time.Minute)
		if got := key(t, c); got != "ASIA1" {
			t.Fatalf("served %q", got)
		}
		c.stop(cancel) // returns: the renewal has ended
		time.Sleep(time.Hour)
		if got, want := key(t, c), "getting credentials: context canceled"; got != want || s.calls.Load() != 2 {
			t.Errorf("served %q after %d fetches, want %q after 2", got, s.calls.Load(), want)
		}
	})
}

func TestOnRenewKnowsCredentialsBeforeAnyone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{life: time.Hour}
		c := cached(t, s)
		var known sync.Map
		c.config.OnRenew = func(got Credentials) {
			time.Sleep(100 * time.Millisecond)
			known.Store(got.AccessKeyID, got.SecretAccessKey)
		}
		for n := 2; n < 5; n++ {
			time.Sleep(58 * time.Minute)
			served, err := c.get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if secret, _ := known.Load(served.AccessKeyID); secret != fmt.Sprintf("secret%d", n) {
				t.Errorf("%s was served, OnRenew had told %v", served.AccessKeyID, secret)
			}
		}
	})
}

func TestCredentialsThatHaveExpiredAreRefused(t *testing.T) {
	_, err := Start(t.Context(), Config{
		Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
		Fetch: func(context.Context) (Credentials, error) {
			return Credentials{Expires: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}, nil
		},
	})
	if want := "getting credentials: they expired at 2026-11-23T12:00:00Z, it is 2026-11-23T12:00:00Z"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAnErrorHoldsNoSecret(t *testing.T) {
	cause := errors.New("secret1 or token1 of ASIA1 was refused")
	err := redact(cause, session(1, 0), Credentials{})
	if got, want := err.Error(), "[hidden] or [hidden] of ASIA1 was refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

func TestCredentialsCannotBePrinted(t *testing.T) {
	c := session(1, 0)
	text, err := json.Marshal(map[string]any{"value": c, "pointer": &c})
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&printed, verb+verb+" ", c, &c)
	}
	got := []string{string(text), printed.String()}
	want := []string{`{"pointer":"[hidden]","value":"[hidden]"}`, strings.Repeat("[hidden][hidden] ", 7)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
