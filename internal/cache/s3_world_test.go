package cache

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// bench is a bucket, the keys of somebody who may do everything in it, our client
// and the SDK's, to check one against the other.
type bench struct {
	*testing.T
	cloud *awsfake.Cloud // nil where it is a MinIO
	cfg   aws.Config
	b     Bucket
	c     client
	sdk   *s3.Client
}

func newBench(t *testing.T, spec awsfake.BucketSpec) *bench {
	t.Helper()
	cloud, err := awsfake.Start(awsfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	spec.Name, spec.Region, spec.Account = "bench-1", awsfake.Region, awsfake.Account
	if err := cloud.AddBucket(spec); err != nil {
		t.Fatal(err)
	}
	keys, err := cloud.AddUser(awsfake.Account, "all", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil {
		t.Fatal(err)
	}
	bn := benchAt(t, cloud.S3URL(), keys)
	bn.cloud = cloud
	return bn
}

func benchAt(t *testing.T, at string, keys aws.Credentials) *bench {
	t.Helper()
	cfg := aws.Config{
		Region: awsfake.Region, AppID: "ci-aws",
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
		Retryer:     func() aws.Retryer { return atOnce(3) },
	}
	bn := &bench{T: t, cfg: cfg, b: Bucket{Name: report.Value{Text: "bench-1"}, EndpointURL: report.Value{Text: at}}}
	bn.c = newClient(t.Context(), cfg, bn.b, awsfake.Region)
	bn.sdk = s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle = &at, true
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return bn
}

// atOnce tries again without waiting.
func atOnce(most int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = most
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

func (bn *bench) inject(f awsfake.Fault) {
	bn.Helper()
	if err := bn.cloud.Inject(f); err != nil {
		bn.Fatal(err)
	}
}

func (bn *bench) must(err error) {
	bn.Helper()
	if err != nil {
		bn.Fatalf("%v: %+v", err, answerOf(err))
	}
}

func (bn *bench) put(key, text string) about {
	bn.Helper()
	a, err := bn.c.putObject(bn.Context(), key, section(text), encryption{})
	bn.must(err)
	return a
}

func (bn *bench) get(key string) string {
	bn.Helper()
	o, err := bn.c.getObject(bn.Context(), key, span{})
	bn.must(err)
	return bn.read(o)
}

func (bn *bench) remove(key, version string) about {
	bn.Helper()
	a, err := bn.c.deleteObject(bn.Context(), key, version)
	bn.must(err)
	return a
}

func (bn *bench) read(o object) string {
	bn.Helper()
	defer o.Body.Close()
	text, err := io.ReadAll(o.Body)
	bn.must(err)
	return string(text)
}

func (bn *bench) sdkPut(key, text string) {
	bn.Helper()
	_, err := bn.sdk.PutObject(bn.Context(), &s3.PutObjectInput{Bucket: &bn.b.Name.Text, Key: &key, Body: strings.NewReader(text)})
	bn.must(err)
}

func (bn *bench) sdkGet(key string) string {
	bn.Helper()
	o, err := bn.sdk.GetObject(bn.Context(), &s3.GetObjectInput{Bucket: &bn.b.Name.Text, Key: &key})
	bn.must(err)
	defer o.Body.Close()
	text, err := io.ReadAll(o.Body)
	bn.must(err)
	return string(text)
}

// all walks through the pages of a list.
func (bn *bench) all(list func(next map[string][]string) (page, error)) []entry {
	bn.Helper()
	var entries []entry
	var next map[string][]string
	for {
		p, err := list(next)
		bn.must(err)
		entries = append(entries, p.Entries...)
		if p.Next == nil {
			return entries
		}
		next = p.Next
	}
}

func (bn *bench) keys(prefix string, most int) []string {
	bn.Helper()
	var keys []string
	for _, e := range bn.all(func(next map[string][]string) (page, error) {
		return bn.c.listObjects(bn.Context(), prefix, most, next)
	}) {
		keys = append(keys, e.Key)
	}
	return keys
}

func section(text string) *io.SectionReader {
	return io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))
}

// hostile are keys that an address or a signature could be got wrong for.
func hostile() []string {
	return []string{
		"plain", "a b", "a+b", "100%", "%2F", "%zz", "ü/日本/é", "a//b", "a///b", "trailing/", "~-_.", "a?x=1&y=2#z", `q'"<>&;`,
		"a=b,c:d@e!f$(g)*", `back\slash`, "[x]{y}|^`", "tab\tnewline\n", "\U0001F600", strings.Repeat("long/", 200),
	}
}

// dotted are keys whose parts a careless program would take for folders.
func dotted() []string { return []string{"a/./b", "a/../b", "../up", "./here", "/leading", "..", "."} }

// capture keeps requests and answers each as S3 never would.
type capture struct{ got []*http.Request }

func (c *capture) Do(r *http.Request) (*http.Response, error) {
	c.got = append(c.got, r)
	return &http.Response{StatusCode: http.StatusTeapot, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
