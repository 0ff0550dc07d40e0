package cache_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const (
	roleName = "k8s-irsa-gitlab-jobs"
	userARN  = "arn:aws:iam::123456789012:user/" + roleName
	keyARN   = "arn:aws:kms:eu-central-1:123456789012:key/x"
	allowAll = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
)

// world is a role of the reference set-up, its bucket, and the cloud they are in.
type world struct {
	t      *testing.T
	cloud  *awsfake.Cloud
	cfg    aws.Config
	bucket cache.Bucket
	who    cache.Caller
	open   atomic.Int64 // bodies of answers that nobody has closed yet
}

// Do is aws.HTTPClient's. It counts the answers whose body is left open.
func (w *world) Do(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		w.open.Add(1)
		resp.Body = &counted{ReadCloser: resp.Body, open: &w.open}
	}
	return resp, err
}

// counted is a body that counts as closed once.
type counted struct {
	io.ReadCloser
	open *atomic.Int64
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.ReadCloser.Close()
}

// tamper calls S3 and does something to each answer.
type tamper struct {
	*world
	do func(*http.Request, *http.Response)
}

func (t tamper) Do(r *http.Request) (*http.Response, error) {
	resp, err := t.world.Do(r)
	if err == nil {
		t.do(r, resp)
	}
	return resp, err
}

// newWorld gives keys with these permission policies; the reference's without any.
func newWorld(t *testing.T, policies ...string) *world {
	t.Helper()
	cloud, err := awsfake.Start(awsfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	if err := cloud.AddReference(); err != nil {
		t.Fatal(err)
	}
	if len(policies) == 0 {
		policies = []string{awsfake.BucketPolicy}
	}
	w := &world{t: t, cloud: cloud, bucket: cache.Bucket{
		Name: value(awsfake.Bucket, "--bucket"), Prefix: value("runners-all", "--prefix"),
		Region: value(awsfake.Region, "--region"), EndpointURL: value(cloud.S3URL(), "--endpoint-url"),
	}, who: cache.Caller{ARN: userARN, Role: roleName, Account: awsfake.Account}}
	keys, err := cloud.AddUser(awsfake.Account, roleName, policies...)
	if err != nil {
		t.Fatal(err)
	}
	w.use(keys)
	t.Cleanup(func() {
		if n := w.open.Load(); n != 0 {
			t.Errorf("%d answers were left open", n)
		}
	})
	return w
}

func (w *world) use(keys aws.Credentials) {
	w.cfg = aws.Config{
		Region: awsfake.Region, RetryMaxAttempts: 1, DisableClockSkewCorrection: true, HTTPClient: w,
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	}
}

func (w *world) inject(f awsfake.Fault) *world {
	w.t.Helper()
	if err := w.cloud.Inject(f); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// addBucket adds a bucket b-1 of the reference's account and probes it.
func (w *world) addBucket(b awsfake.BucketSpec) {
	w.t.Helper()
	b.Name = "b-1"
	if b.Region == "" {
		b.Region = awsfake.Region
	}
	if b.Account == "" {
		b.Account = awsfake.Account
	}
	if err := w.cloud.AddBucket(b); err != nil {
		w.t.Fatal(err)
	}
	w.bucket.Name = value("b-1", "--bucket")
}

func (w *world) probe() []report.Finding {
	w.t.Helper()
	all := cache.Probe(w.t.Context(), w.cfg, w.bucket, w.who)
	w.check(all)
	return all
}

// check holds what is true of all findings: their order, and that none has a gap
// or a secret.
func (w *world) check(all []report.Finding) {
	w.t.Helper()
	var ids []string
	keys, _ := w.cfg.Credentials.Retrieve(w.t.Context())
	for _, f := range all {
		ids = append(ids, f.ID)
		text := f.Title + f.Cause + f.Fix()
		for _, v := range f.Evidence {
			text += v.String()
		}
		if f.Bad() && strings.Contains(text, "(not known)") {
			w.t.Errorf("%s has a gap: %s", f.ID, text)
		}
		for _, secret := range []string{keys.SecretAccessKey, keys.SessionToken} {
			if secret != "" && strings.Contains(text, secret) {
				w.t.Errorf("%s shows a secret", f.ID)
			}
		}
	}
	if got := strings.Join(ids, " "); got != "bucket-name s3-reachable s3-signature bucket-exists bucket-region bucket-readable" {
		w.t.Errorf("checks are %s", got)
	}
}

// states are the findings' states in order, each by its first letters.
func states(all []report.Finding) string {
	var s []string
	for _, f := range all {
		s = append(s, string(f.Status))
	}
	return strings.Join(s, " ")
}

// first is the finding that is to be looked at first.
func first(all []report.Finding) report.Finding {
	f, _ := report.Report{Groups: []report.Group{{Findings: all}}}.First()
	return f
}

func value(text, from string) report.Value { return report.Value{Text: text, From: from} }
