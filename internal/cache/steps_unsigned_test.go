package cache_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// letsAnybody is a bucket's policy that lets everybody do something with a part of it.
func letsAnybody(action, resource string) string {
	return `{"Statement":{"Effect":"Allow","Principal":"*","Action":"` + action + `","Resource":"arn:aws:s3:::` + awsfake.Bucket + resource + `"}}`
}

func TestABucketThatAnybodyReadsIsNoticed(t *testing.T) {
	reads := can("s3:GetObject", "s3:ListBucket")
	for _, tt := range []struct {
		name   string
		policy string // of the role
		public string // of the bucket
		stored string
		prefix string
		expect cache.Expect
		want   report.Status
		says   string
	}{
		{"nothing is public", allowAll, "", "runners-all/project/1/k", "runners-all", cache.ReadWrite, report.OK, "/whole, runners-all/project/1/k and a list of objects are refused with AccessDenied"},
		{"nothing is public, and the cache is empty", allowAll, "", "", "runners-all", cache.ReadWrite, report.OK, "/whole and a list of objects are refused with AccessDenied"},
		{"all objects", allowAll, letsAnybody("s3:GetObject", "/*"), "", "runners-all", cache.ReadWrite, report.Fail, `/whole" without credentials got the object`},
		{"the caches, and not what a check stores", allowAll, letsAnybody("s3:GetObject", "/runners-all/project/*"), "runners-all/project/1/k", "runners-all", cache.ReadWrite, report.Fail, `a GET of "runners-all/project/1/k" without credentials got the object`},
		{"the caches of a bucket without a prefix", allowAll, letsAnybody("s3:GetObject", "/project/*"), "project/1/k", "", cache.ReadWrite, report.Fail, `a GET of "project/1/k"`},
		{"the caches, to a reader", reads, letsAnybody("s3:GetObject", "/runners-all/project/*"), "runners-all/project/1/k", "runners-all", cache.Read, report.Fail, `a GET of "runners-all/project/1/k"`},
		{"the caches, to whom only a list is allowed", can("s3:ListBucket"), letsAnybody("s3:GetObject", "/runners-all/project/*"), "runners-all/project/1/k", "runners-all", cache.None, report.Fail, `a GET of "runners-all/project/1/k"`},
		{"the list", allowAll, letsAnybody("s3:ListBucket", ""), "", "runners-all", cache.ReadWrite, report.Fail, `anybody can list the objects under "runners-all/" in bucket "` + awsfake.Bucket + `"`},
		{"the list, to a role that is let do nothing", can("sts:*"), letsAnybody("s3:ListBucket", ""), "", "runners-all", cache.None, report.Fail, "anybody can list"},
		{"nobody knows of an object", can("sts:*"), "", "runners-all/project/1/k", "runners-all", cache.None, report.Note, "this says nothing of objects that are there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.policy)
			w.bucket.Prefix = value(tt.prefix, "--prefix")
			if err := w.cloud.SetBucketPolicy(awsfake.Bucket, tt.public); err != nil {
				t.Fatal(err)
			}
			if tt.stored != "" {
				w.store(tt.stored, "cache")
			}
			f := of(w.try(tt.expect), "object-unsigned")
			said := f.Cause
			if f.Status == report.OK {
				said = f.Evidence[0].Text
			}
			if f.Status != tt.want || !strings.Contains(said, tt.says) {
				t.Errorf("%s: %s", f.Status, said)
			}
		})
	}
}

func TestACallWithoutCredentialsIsRefusedOnlyByS3sOwnWord(t *testing.T) {
	const html = "<html></html>"
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   report.Status
		says   string
	}{
		{"403", http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>", report.OK, ""},
		{"401", http.StatusUnauthorized, "<Error><Code>AccessDenied</Code></Error>", report.OK, ""},
		{"403 of a proxy", http.StatusForbidden, html, report.Unknown, "not as S3 does"},
		{"403 without a word", http.StatusForbidden, "", report.Unknown, "not as S3 does"},
		{"200", http.StatusOK, "cache", report.Fail, "got the object"},
		{"301", http.StatusMovedPermanently, "<Error><Code>PermanentRedirect</Code></Error>", report.Unknown, "answered with PermanentRedirect (HTTP status 301)"},
		{"400", http.StatusBadRequest, "<Error><Code>ThrottlingException</Code></Error>", report.Unknown, "answered with ThrottlingException (HTTP status 400)"},
		{"404 of the object", http.StatusNotFound, "<Error><Code>NoSuchKey</Code></Error>", report.Fail, "gives to who may read and list"},
		{"404 of the bucket", http.StatusNotFound, "<Error><Code>NoSuchBucket</Code></Error>", report.Unknown, "answered with NoSuchBucket"},
		{"404 of a proxy", http.StatusNotFound, html, report.Unknown, "not as S3 does"},
		{"403 of an archive", http.StatusForbidden, "<Error><Code>InvalidObjectState</Code></Error>", report.Fail, "gives to who may read"},
		{"500", http.StatusInternalServerError, "<Error><Code>InternalError</Code></Error>", report.Unknown, "answered with InternalError"},
		{"503", http.StatusServiceUnavailable, "<Error><Code>SlowDown</Code></Error>", report.Unknown, "answered with SlowDown"},
		{"502 of a proxy", http.StatusBadGateway, html, report.Unknown, "a fault of its own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.cfg.HTTPClient = tamper{w, func(r *http.Request, resp *http.Response) {
				if r.Header.Get("Authorization") == "" && strings.HasSuffix(r.URL.Path, "/whole") {
					closer := resp.Body
					resp.StatusCode, resp.ContentLength = tt.status, int64(len(tt.body))
					resp.Body = struct {
						io.Reader
						io.Closer
					}{strings.NewReader(tt.body), closer}
				}
			}}
			if f := of(w.try(cache.ReadWrite), "object-unsigned"); f.Status != tt.want || !strings.Contains(f.Cause, tt.says) {
				t.Errorf("%s: %s", f.Status, f.Cause)
			}
		})
	}
}
