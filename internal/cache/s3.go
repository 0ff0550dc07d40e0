package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// client calls S3 for one bucket, by its REST API. Signatures and retries are the SDK's. The SDK's own S3 client is
// not used: urfave/cli links text/template, and then all its hundred operations
// stay in the binary, 1.1 MiB of it gzipped.
//
// No redirect is followed: one names the bucket's region, which is the caller's
// to judge. A client may be used by several goroutines at once.
type client struct {
	cfg      aws.Config
	keys     aws.CredentialsProvider
	bucket   string
	endpoint report.Value // in place of AWS's own; unknown where there is none
	region   string       // that calls are signed for
	settings addressing
	awsHost  string // of that region
	http     aws.HTTPClient
	retryer  aws.Retryer
	signer   *v4.Signer
	now      func() time.Time
	anybody  bool // calls are not signed
}

func newClient(ctx context.Context, cfg aws.Config, b Bucket, region string) client {
	c := client{
		cfg: cfg, keys: cfg.Credentials, bucket: b.Name.Text, endpoint: endpoint(ctx, cfg, b), settings: addressingOf(cfg, b),
		http: staying(cfg.HTTPClient), retryer: retryer(cfg), now: time.Now,
		// S3 escapes a path once, other services twice.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
		signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }),
	}
	return c.in(ctx, region)
}

// in gives a client whose calls are signed for another region.
func (c client) in(ctx context.Context, region string) client {
	c.region, c.awsHost = region, c.settings.awsHost(ctx, region)
	return c
}

// asAnybody gives a client that calls without credentials.
func (c client) asAnybody() client {
	c.anybody = true
	return c
}

// staying makes an HTTP client follow no redirect.
func staying(given aws.HTTPClient) aws.HTTPClient {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	switch h := given.(type) {
	case nil:
		return &http.Client{Transport: awshttp.NewBuildableClient().GetTransport(), CheckRedirect: stay}
	case *awshttp.BuildableClient:
		return &http.Client{Transport: h.GetTransport(), Timeout: h.GetTimeout(), CheckRedirect: stay}
	case *http.Client:
		own := *h
		own.CheckRedirect = stay
		return &own
	}
	return given
}

// retryer is the one that the SDK's clients would take from cfg.
func retryer(cfg aws.Config) aws.Retryer {
	if cfg.Retryer == nil {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = cfg.RetryMaxAttempts })
	}
	if cfg.RetryMaxAttempts > 0 {
		return retry.AddWithMaxAttempts(cfg.Retryer(), cfg.RetryMaxAttempts)
	}
	return cfg.Retryer()
}

// call is one call of S3's API. Each try of it reads the body anew.
type call struct {
	op     string // GetObject
	method string
	key    string // of an object; empty: the call is about the bucket
	query  url.Values
	header http.Header
	body   *io.SectionReader // nil for none
}

// send makes a call, as often as the retryer has it, and gives a good answer to
// read, which closes its body. What read returns counts as the call's failure.
//
// The error is an *s3Error where somebody answered, and *unanswered where
// nobody did. None holds a key or a signature.
func (c client) send(ctx context.Context, r call, read func(*http.Response) error) error {
	sum, err := c.payloadHash(r)
	if err != nil {
		return fmt.Errorf("%s: reading what is to be stored: %w", r.op, err)
	}
	release := func(error) error { return nil }
	for try := 1; ; try++ {
		err := c.try(ctx, r, sum, try, read)
		_ = release(err) // tokens are counted in memory, which cannot fail
		if most := c.retryer.MaxAttempts(); err == nil || ctx.Err() != nil || most > 0 && try >= most || !c.transient(err) {
			return err
		}
		next, noToken := c.retryer.GetRetryToken(ctx, err)
		delay, noDelay := c.retryer.RetryDelay(try, err)
		if noToken != nil || noDelay != nil {
			return err
		}
		release = next
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return &unanswered{r.op, ctx.Err(), seenBy(err)}
			}
			return err // what went wrong says more than that time is up
		}
	}
}

// transient says whether a call may go better the next time.
func (c client) transient(err error) bool {
	// S3 calls a body that came too slowly a bad request.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
	return answerOf(err).Code == "RequestTimeout" || c.retryer.IsErrorRetryable(err)
}

func (c client) try(ctx context.Context, r call, sum string, n int, read func(*http.Response) error) (err error) {
	x := exchange{tries: n}
	defer func() { x.note(err) }()
	release, err := c.token(ctx)
	if err != nil {
		return &unanswered{op: r.op, err: err}
	}
	defer func() { _ = release(err) }() // tokens are counted in memory, which cannot fail
	req, err := c.request(ctx, r, sum)
	if err != nil {
		return err
	}
	x.signed = req.Header.Get("X-Amz-Date")
	resp, err := c.http.Do(req)
	if err != nil {
		return &unanswered{op: r.op, err: err}
	}
	x.status, x.header = resp.StatusCode, resp.Header
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return refusal(r.op, resp)
	}
	return read(resp)
}

// token is the leave for a try; in adaptive mode it may have to be waited for.
func (c client) token(ctx context.Context) (func(error) error, error) {
	if v2, ok := c.retryer.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return c.retryer.GetInitialToken(), nil
}

// largeBody, in bytes, is sent only after S3 has said that it will take it.
const largeBody = 1 << 20

// request makes the HTTP request of one try and signs it.
func (c client) request(ctx context.Context, r call, sum string) (*http.Request, error) {
	at, err := c.url(r.key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.op, err)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, at.Scheme+"://"+at.Host, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.op, err)
	}
	req.URL = at
	req.URL.RawQuery = r.query.Encode()
	maps.Copy(req.Header, r.header)
	if r.body != nil && r.body.Size() > 0 {
		req.ContentLength = r.body.Size()
		req.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(r.body, 0, r.body.Size())), nil
		}
		req.Body, _ = req.GetBody()
		if req.ContentLength > largeBody {
			req.Header.Set("Expect", "100-continue")
		}
	}
	if !c.anybody {
		if err := c.sign(ctx, r.op, req, sum); err != nil {
			return nil, err
		}
	}
	// After the signature, because some proxies change it. Without it an object
	// that is stored compressed would arrive as another one.
	req.Header.Set("Accept-Encoding", "identity")
	agent := aws.SDKName + "/" + aws.SDKVersion
	if c.cfg.AppID != "" {
		agent += " app/" + c.cfg.AppID
	}
	req.Header.Set("User-Agent", agent)
	return req, nil
}

func (c client) sign(ctx context.Context, op string, req *http.Request, sum string) error {
	if c.keys == nil {
		return fmt.Errorf("%s: no credentials", op)
	}
	keys, err := c.keys.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("%s: credentials: %w", op, err)
	}
	req.Header.Set("X-Amz-Content-Sha256", sum)
	return c.signer.SignHTTP(ctx, keys, req, sum, "s3", c.region, c.now())
}

// payloadHash is what the signature says of the body. Where TLS guards it, it is
// not read twice.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func (c client) payloadHash(r call) (string, error) {
	sum := sha256.New()
	if r.body != nil && r.body.Size() > 0 {
		if !c.inClear() {
			return "UNSIGNED-PAYLOAD", nil
		}
		if _, err := io.Copy(sum, io.NewSectionReader(r.body, 0, r.body.Size())); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
