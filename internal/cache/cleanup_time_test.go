package cache

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// slow answers after a time, 0 for never, with a status; it keeps the calls that
// it has answered well. The time is that of a synctest bubble.
type slow struct {
	answer func(r *http.Request) (after time.Duration, status int)
	mu     sync.Mutex
	done   map[string]int // by method and the last part of the key
}

func (s *slow) Do(r *http.Request) (*http.Response, error) {
	after, status := s.answer(r)
	var answered <-chan time.Time
	if after > 0 {
		answered = time.After(after)
	}
	select {
	case <-answered:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if status == http.StatusNoContent {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.done[r.Method+" "+path.Base(r.URL.Path)]++
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestWhatHangsLeavesTimeForTheRest(t *testing.T) {
	versions := make([]string, 20)
	for i := range versions {
		versions[i] = fmt.Sprint(i)
	}
	only := func(key string) func(*http.Request) (time.Duration, int) {
		return func(r *http.Request) (time.Duration, int) {
			if path.Base(r.URL.Path) == key {
				return time.Millisecond, http.StatusNoContent
			}
			return 0, 0
		}
	}
	lists := func(r *http.Request) (time.Duration, int) {
		if r.Method == http.MethodGet {
			return 0, 0
		}
		return time.Millisecond, http.StatusNoContent
	}
	all := func(after time.Duration, status int) func(*http.Request) (time.Duration, int) {
		return func(*http.Request) (time.Duration, int) { return after, status }
	}
	for _, tt := range []struct {
		name   string
		tracks []track
		answer func(*http.Request) (time.Duration, int)
		took   time.Duration
		done   map[string]int
		left   []string
	}{
		{
			"nobody answers",
			[]track{{key: "a", present: true}, {key: "b", present: true}},
			all(0, 0), 2500 * time.Millisecond, nil,
			[]string{`"a"`, `"b"`},
		},
		{
			"one object's call hangs",
			[]track{{key: "a", present: true}, {key: "b", present: true}},
			only("b"), 2500 * time.Millisecond,
			map[string]int{"DELETE b": 2},
			[]string{`"a"`},
		},
		{
			"lists hang",
			[]track{{key: "a", present: true, uploads: []string{"1"}, lostUpload: true, lostObject: true}},
			lists, 2501*time.Millisecond + 2*time.Millisecond,
			map[string]int{"DELETE a": 3},
			[]string{`an unfinished upload of "a"`},
		},
		{
			"all lists hang, and nothing is known",
			[]track{{key: "a", lostUpload: true, lostObject: true}, {key: "b", lostObject: true}},
			lists, 5002 * time.Millisecond,
			map[string]int{"DELETE a": 2, "DELETE b": 2},
			[]string{`an unfinished upload of "a"`},
		},
		{
			"a fault again and again",
			[]track{{key: "a", present: true}, {key: "b", present: true}},
			all(time.Millisecond, http.StatusInternalServerError),
			2500 * time.Millisecond, nil,
			[]string{`"a"`, `"b"`},
		},
		{
			"many versions, slowly",
			[]track{{key: "a", versions: versions}},
			all(1500*time.Millisecond, http.StatusNoContent), 10 * time.Second,
			map[string]int{"DELETE a": 6},
			strings.Split(`version "6" of "a",version "7" of "a",version "8" of "a",version "9" of "a",version "10" of "a",`+
				`version "11" of "a",version "12" of "a",version "13" of "a",version "14" of "a",version "15" of "a",version "16" of "a",`+
				`version "17" of "a",version "18" of "a",version "19" of "a"`, ","),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slow{answer: tt.answer, done: map[string]int{}}
				cfg := aws.Config{
					Region: "eu-central-1", HTTPClient: s, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
					Retryer: func() aws.Retryer { return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 100 }) },
				}
				bucket := Bucket{Name: report.Value{Text: "b-1"}, EndpointURL: report.Value{Text: "http://127.0.0.1:1", From: "--s3-endpoint-url"}}
				k := &checker{probe: newProbe(t.Context(), cfg, bucket, Caller{})}
				for i := range tt.tracks {
					k.tracks = append(k.tracks, &tt.tracks[i])
				}
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				start := time.Now()
				r := k.remove(ended)
				took := time.Since(start)
				var left []string
				for _, l := range r.left {
					left = append(left, l.String())
				}
				if tt.done == nil {
					tt.done = map[string]int{}
				}
				if diff := cmp.Diff([]any{tt.took, tt.done, tt.left}, []any{took, s.done, left}); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
