package cache_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
)

// none has no credentials.
type none struct{}

func (none) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("planted-text-of-an-error")
}

func networkRows() []string {
	return []string{"s3-dns", "s3-unreachable", "s3-timeout", "s3-tls", "s3-no-tls", "s3-cut", "s3-foreign-answer", "s3-interrupted"}
}

func TestEachKindOfSilenceIsUnknownAndNamed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edit  func(*world)
		cause string
		fix   string
	}{
		{"a host that does not resolve", func(w *world) { w.bucket.EndpointURL = value("https://s3.nowhere.invalid", "AWS_ENDPOINT_URL_S3") }, `the name "s3.nowhere.invalid" (AWS_ENDPOINT_URL_S3) does not resolve`, "AWS_ENDPOINT_URL_S3 has a typo"},
		{"a region that does not resolve", func(w *world) {
			w.bucket.EndpointURL, w.bucket.Region = value("", ""), value("xx-nowhere-1", "--region")
		}, `does not resolve`, `the region "xx-nowhere-1" (--region) has a typo`},
		{"a port that nobody listens on", func(w *world) { w.bucket.EndpointURL = value("http://127.0.0.1:1", "--endpoint-url") }, `"127.0.0.1:1" (--endpoint-url) cannot be reached: connection refused`, "remove it"},
		{"a certificate that nobody trusts", func(w *world) {
			server := httptest.NewTLSServer(http.NotFoundHandler())
			w.t.Cleanup(server.Close)
			w.bucket.EndpointURL = value(server.URL, "--endpoint-url")
		}, "is not trusted", "AWS_CA_BUNDLE"},
		{"a port without TLS", func(w *world) {
			w.bucket.EndpointURL = value("https"+strings.TrimPrefix(w.cloud.S3URL(), "http"), "--endpoint-url")
		}, "does not speak TLS", "Insecure = true"},
		{"a cut", func(w *world) { w.inject(awsfake.Fault{Cut: true}) }, "closed the connection", "firewall"},
		{"a page in place of the object", func(w *world) { w.inject(awsfake.HTMLPage()) }, "answered with HTTP status 200, and not as S3 does", "captive portal"},
		{"a proxy's page", func(w *world) {
			w.inject(awsfake.Fault{Status: http.StatusForbidden, Type: "text/html", Body: "<html>planted</html>"})
		}, "answered with HTTP status 403, and not as S3 does", "captive portal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.edit(w)
			all := w.probe()
			f := first(all)
			if got := states(all); got != "ok unknown skip skip skip skip" || !strings.Contains(f.Cause, tt.cause) || !strings.Contains(f.Fix(), tt.fix) {
				t.Errorf("%s\n%s\n%s\nwant %q and %q", got, f.Cause, f.Fix(), tt.cause, tt.fix)
			}
		})
	}
}

func TestADeadlineAndAnInterruptAreToldApart(t *testing.T) {
	ended := func(end func(context.Context) (context.Context, context.CancelFunc)) string {
		w := newWorld(t)
		ctx, cancel := end(t.Context())
		defer cancel()
		all := cache.Probe(ctx, w.cfg, w.bucket, w.who)
		w.check(all)
		if got := states(all); got != "ok unknown skip skip skip skip" {
			t.Errorf("states are %s", got)
		}
		return first(all).Cause
	}
	late := ended(func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, -1) })
	if !strings.Contains(late, "gave no answer within") {
		t.Error(late)
	}
	stopped := ended(func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, cancel
	})
	if !strings.Contains(stopped, "was interrupted") {
		t.Error(stopped)
	}
}
