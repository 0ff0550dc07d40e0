package cache

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// answering is a server that gives one answer to everything.
func answering(t *testing.T, status int, text string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return server
}

func serverBench(t *testing.T, server *httptest.Server) *bench {
	t.Helper()
	return benchAt(t, server.URL, aws.Credentials{AccessKeyID: "AKIAPLANTED", SecretAccessKey: "planted-secret-access-key", SessionToken: "planted-session-token"})
}

func TestOnlyWhatMayGoBetterIsTriedAgain(t *testing.T) {
	xml := func(status int, code string) awsfake.Fault {
		return awsfake.Fault{Status: status, Type: "application/xml", Body: "<Error><Code>" + code + "</Code></Error>"}
	}
	for _, tt := range []struct {
		name  string
		fault awsfake.Fault
		times int
		calls int
		code  string
	}{
		{"throttled once", xml(http.StatusServiceUnavailable, "SlowDown"), 1, 2, ""},
		{"a fault twice", xml(http.StatusInternalServerError, "InternalError"), 2, 3, ""},
		{"a fault each time", xml(http.StatusInternalServerError, "InternalError"), 9, 3, "InternalError"},
		{"a gateway's page", awsfake.Fault{Status: http.StatusBadGateway, Body: "<html>"}, 2, 3, ""},
		{"cut twice", awsfake.Fault{Cut: true}, 2, 3, ""},
		{"a body that came too slowly", xml(http.StatusBadRequest, "RequestTimeout"), 1, 2, ""},
		{"denied", xml(http.StatusForbidden, "AccessDenied"), 9, 1, "AccessDenied"},
		{"a clock that is off", xml(http.StatusForbidden, "RequestTimeTooSkewed"), 9, 1, "RequestTimeTooSkewed"},
		{"a redirect", xml(http.StatusMovedPermanently, "PermanentRedirect"), 9, 1, "PermanentRedirect"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bn := newBench(t, awsfake.BucketSpec{})
			tt.fault.Times = tt.times
			bn.inject(tt.fault)
			text := strings.Repeat("again ", 300_000)
			_, err := bn.c.putObject(t.Context(), "k", section(text), encryption{})
			if got := answerOf(err).Code; got != tt.code || (err != nil) != (tt.code != "") {
				t.Errorf("%q, %v, want %q", got, err, tt.code)
			}
			if got := bn.cloud.Calls("PutObject"); got != tt.calls || err != nil && seenBy(err).tries != tt.calls {
				t.Errorf("%d calls and %d tries, want %d", got, seenBy(err).tries, tt.calls)
			}
			if err == nil && bn.get("k") != text {
				t.Error("what was sent again is not what was sent")
			}
		})
	}
}

func TestTriesAreAsManyAsTheSDKWouldMake(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  aws.Config
		want int
	}{
		"the retryer's":        {aws.Config{Retryer: func() aws.Retryer { return atOnce(2) }}, 2},
		"the settings' number": {aws.Config{Retryer: func() aws.Retryer { return atOnce(2) }, RetryMaxAttempts: 4}, 4},
		"none":                 {aws.Config{Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, 1},
		"one":                  {aws.Config{RetryMaxAttempts: 1}, 1},
		"the default's":        {aws.Config{}, 3},
		"adaptive": {aws.Config{Retryer: func() aws.Retryer {
			return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
				o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = 7 })
			})
		}}, 7},
	} {
		if got := retryer(tt.cfg).MaxAttempts(); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestAnInterruptEndsTheTries(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		cancel()
	}))
	t.Cleanup(server.Close)
	bn := serverBench(t, server)
	if _, err := bn.c.headObject(ctx, "k"); err == nil || seenBy(err).tries != 1 {
		t.Errorf("%v after %d tries", err, seenBy(err).tries)
	}
	if _, err := bn.c.headObject(ended(t), "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// overdue is a context whose time is up when done is closed.
type overdue struct {
	context.Context
	done chan struct{}
}

func (o overdue) Done() <-chan struct{} { return o.done }

func (o overdue) Err() error {
	select {
	case <-o.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestTheWaitForAnotherTryEndsWithTheContext(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	bn.inject(awsfake.Fault{Vector: "slow-down"})
	waiting := func(end func()) aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { end(); return time.Hour, nil })
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	bn.c.retryer = waiting(cancel)
	if _, err := bn.c.headObject(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want an interrupt", err)
	}
	late := overdue{t.Context(), make(chan struct{})}
	bn.c.retryer = waiting(func() { close(late.done) })
	if _, err := bn.c.getObject(late, "k", span{}); answerOf(err).Code != "SlowDown" {
		t.Errorf("%v, want what S3 said last", err)
	}
}

// unreadable is a file that cannot be read.
type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }

func TestWhatCannotBeReadOrSignedIsNotSent(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	if _, err := bn.c.putObject(t.Context(), "k", io.NewSectionReader(unreadable{}, 0, 5), encryption{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
	bn.c.keys = nil
	if _, err := bn.c.headObject(t.Context(), "k"); err == nil || err.Error() != "HeadObject: no credentials" {
		t.Errorf("%v", err)
	}
	if calls := bn.cloud.Received(""); len(calls) != 0 {
		t.Errorf("%d calls", len(calls))
	}
}

func TestACertificateThatNobodyTrustsIsAskedForOnce(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	bn := serverBench(t, server)
	_, err := bn.c.headObject(t.Context(), "k")
	if id, _ := networkCase(err); id != "s3-tls" || connections.Load() != 1 {
		t.Errorf("%v over %d connections", err, connections.Load())
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amz-Bucket-Region", "us-west-2")
			http.Redirect(w, r, other.URL, status)
		}))
		t.Cleanup(server.Close)
		for name, h := range map[string]aws.HTTPClient{"none": nil, "the SDK's": awshttp.NewBuildableClient(), "Go's": http.DefaultClient} {
			bn := serverBench(t, server)
			bn.cfg.HTTPClient = h
			c := newClient(t.Context(), bn.cfg, bn.b, "eu-central-1")
			_, get := c.getObject(t.Context(), "k", span{})
			_, put := c.putObject(t.Context(), "k", section("x"), encryption{})
			for _, err := range []error{get, put} {
				if a := answerOf(err); a.Status != status || a.Region != "us-west-2" {
					t.Errorf("%d with client %s: %v", status, name, err)
				}
			}
		}
	}
	if elsewhere.Load() != 0 {
		t.Errorf("%d redirects were followed", elsewhere.Load())
	}
}

func TestAnObjectThatEndsTooEarlyIsNotTakenForWhole(t *testing.T) {
	short := &whole{io.NopCloser(strings.NewReader("1234")), 5}
	if text, err := io.ReadAll(short); string(text) != "1234" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", text, err)
	}
	for said, text := range map[int64]string{5: "12345", 0: "", -1: "123"} {
		if got, err := io.ReadAll(&whole{io.NopCloser(strings.NewReader(text)), said}); string(got) != text || err != nil {
			t.Errorf("%d: %q, %v", said, got, err)
		}
	}
}

func TestOneConnectionServesManyCalls(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Query().Has("list-type") {
			_, _ = io.WriteString(w, "<ListBucketResult/>")
		}
		if strings.HasSuffix(r.URL.Path, "/none") {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		}
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	bn := serverBench(t, server)
	for range 5 {
		bn.put("k", strings.Repeat("x", 2*largeBody))
		bn.get("k")
		bn.keys("", 1)
		_, err := bn.c.getObject(t.Context(), "none", span{})
		if answerOf(err).Code != "NoSuchKey" {
			t.Fatal(err)
		}
		bn.remove("k", "")
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("%d connections", got)
	}
}

func TestCallsAtTheSameTimeHaveConnectionsOfTheirOwn(t *testing.T) {
	const parts = 4
	var here sync.WaitGroup
	here.Add(parts)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		here.Done()
		here.Wait() // nobody is answered before all have come
	}))
	t.Cleanup(server.Close)
	bn := serverBench(t, server)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() {
			if _, err := bn.c.uploadPart(t.Context(), "k", "u", i+1, section("x")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestNoErrorHoldsAKeyOrASignature(t *testing.T) {
	for name, at := range map[string]string{
		"refused": answering(t, http.StatusForbidden, "<Error><Code>planted-secret-access-key</Code><Message>planted-session-token AKIAPLANTED</Message></Error>").URL,
		"foreign": answering(t, http.StatusOK, "planted-session-token").URL, "gone": "http://127.0.0.1:1",
		"a password": "http://planted:planted@127.0.0.1:1", "no URL": "http://planted:planted@a b", "no host": "planted",
	} {
		bn := benchAt(t, at, aws.Credentials{AccessKeyID: "AKIAPLANTED", SecretAccessKey: "planted-secret-access-key", SessionToken: "planted-session-token"})
		_, list := bn.c.listObjects(t.Context(), "", 1, nil)
		_, upload := bn.c.createUpload(t.Context(), "k", encryption{})
		for _, err := range []error{list, upload} {
			if err == nil || strings.Contains(strings.ToLower(err.Error()), "planted") || strings.Contains(err.Error(), "Signature") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestACallSaysWhoMakesIt(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	bn.put("k", "x")
	want := aws.SDKName + "/" + aws.SDKVersion + " app/ci-aws"
	if diff := cmp.Diff(want, bn.cloud.Received("PutObject")[0].Header.Get("User-Agent")); diff != "" {
		t.Error(diff)
	}
}
