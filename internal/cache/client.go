package cache

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// client calls S3 for one bucket and remembers how the last call went.
type client struct {
	cfg      aws.Config
	keys     aws.CredentialsProvider
	bucket   string
	endpoint report.Value // in place of AWS's own; unknown where there is none
	s3       *s3.Client
	seen     *watch
}

func newClient(ctx context.Context, cfg aws.Config, b Bucket, region string) client {
	c := client{cfg: cfg, keys: cfg.Credentials, bucket: b.Name.Text, endpoint: endpoint(ctx, cfg, b)}
	return c.in(region)
}

// in gives a client whose calls are signed for another region.
func (c client) in(region string) client {
	next := c.cfg.HTTPClient
	if next == nil {
		next = awshttp.NewBuildableClient()
	}
	c.seen = &watch{next: next}
	cfg := c.cfg
	cfg.Region, cfg.HTTPClient = region, c.seen
	c.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) {
		if c.endpoint.Known() {
			// What is not AWS's may know neither bucket hosts nor new checksums.
			// https://github.com/aws/aws-sdk-go-v2/discussions/2960
			o.BaseEndpoint, o.UsePathStyle = aws.String(c.endpoint.Text), true
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	return c
}

// endpoint is where S3 is in place of AWS's own. The SDK's S3 client reads
// AWS_ENDPOINT_URL_S3 alone out of an EnvConfig.
func endpoint(ctx context.Context, cfg aws.Config, b Bucket) report.Value {
	if b.EndpointURL.Known() {
		return b.EndpointURL
	}
	for _, source := range cfg.ConfigSources {
		env, ok := source.(config.EnvConfig)
		if !ok || aws.ToBool(env.IgnoreConfiguredEndpoints) {
			continue
		}
		if at, ok, _ := env.GetServiceBaseEndpoint(ctx, s3.ServiceID); ok { // never fails
			return report.Value{Text: at, From: "AWS_ENDPOINT_URL_S3"}
		}
		if env.BaseEndpoint != "" {
			return report.Value{Text: env.BaseEndpoint, From: "AWS_ENDPOINT_URL"}
		}
	}
	return report.Value{Text: aws.ToString(cfg.BaseEndpoint), From: "the SDK's settings"}
}

// host is where calls go.
func (c client) host(ctx context.Context) string {
	if host := c.seen.get().host; host != "" {
		return host
	}
	if u, err := url.Parse(c.endpoint.Text); c.endpoint.Known() && err == nil {
		return u.Host
	}
	at, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, s3.EndpointParameters{
		Bucket: &c.bucket, Region: aws.String(c.s3.Options().Region), UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false),
	})
	if err != nil {
		return ""
	}
	return at.URI.Host
}

// get asks for an object and drops what comes.
func (c client) get(ctx context.Context, key string) error {
	c.seen.forget()
	out, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &c.bucket, Key: &key})
	if err == nil {
		_ = out.Body.Close() // the answer has come, its body is of no interest
	}
	return err
}

// list asks for at most one key under a prefix.
func (c client) list(ctx context.Context, prefix string) error {
	c.seen.forget()
	_, err := c.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &c.bucket, Prefix: &prefix, MaxKeys: aws.Int32(1)})
	return err
}

// regionOf asks where the bucket is, which S3 says in a header of its answer to
// HeadBucket, of a refusal too; "" where it does not.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (c client) regionOf(ctx context.Context) string {
	c.seen.forget()
	_, _ = c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &c.bucket}) // the header counts, whatever the answer is
	return plausible(c.seen.get().header.Get(regionHeader))
}

const regionHeader = "X-Amz-Bucket-Region"

// rightRegion is the region that an answer names as the bucket's, or "".
func (c client) rightRegion(code, message string) (region string) {
	switch code {
	case "PermanentRedirect":
		region = c.seen.get().header.Get(regionHeader)
	case "AuthorizationHeaderMalformed":
		_, after, _ := strings.Cut(message, "expecting '")
		region, _, _ = strings.Cut(after, "'")
	}
	return plausible(region)
}

// plausible lets through what can be a region and nothing that would change the
// host that calls go to.
func plausible(region string) string {
	if !isHostLabel(region) {
		return ""
	}
	return region
}

// isHostLabel says whether a region can be part of a host's name.
func isHostLabel(region string) bool {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}
	return region != "" && len(region) < 64 && !strings.ContainsFunc(region, other)
}

// watch hands calls on and remembers the last: where it went, and how it was
// answered, of which the SDK's errors tell only a part.
type watch struct {
	next aws.HTTPClient
	mu   sync.Mutex
	last exchange
}

// exchange is one HTTP call. Without an answer, status is 0.
type exchange struct {
	host   string
	signed string // the time that stands in the signature
	status int
	header http.Header
	tries  int
}

// Do is the SDK's view of an HTTP client.
func (w *watch) Do(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.last = exchange{host: r.URL.Host, signed: r.Header.Get("X-Amz-Date"), header: http.Header{}, tries: w.last.tries + 1}
	w.mu.Unlock()
	resp, err := w.next.Do(r)
	if err == nil {
		w.mu.Lock()
		w.last.status, w.last.header = resp.StatusCode, resp.Header
		w.mu.Unlock()
	}
	return resp, err
}

// forget begins a new call.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = exchange{host: w.last.host}
}

func (w *watch) get() exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}
