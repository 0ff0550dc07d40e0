package identity

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// appID stands in the user agent of every call, and so in CloudTrail.
const appID = "ci-aws"

const (
	maxAttempts = 5
	maxBackoff  = 5 * time.Second
	maxAnswer   = 1 << 20 // bytes; STS answers with a few thousand
	maxBundle   = 4 << 20 // bytes; all public CAs take a quarter of a million
)

// sdk holds what the SDK is told: the settings of the environment that shape
// calls, never its credentials.
type sdk struct {
	env       config.EnvConfig
	cas       *x509.CertPool // nil for the system's
	transport http.RoundTripper
	client    *http.Client // by way of it, with a bound
	retryer   aws.Retryer
	last      *lastAnswer
}

// newSDK reads the SDK's settings (CA bundle, proxies, FIPS, dual-stack, retry
// mode and attempts) from the environment alone: LoadDefaultConfig stops at a
// profile that is missing even where it is not used.
func (id *Identity) newSDK() (sdk, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return sdk{}, id.badSetting(err)
	}
	last := &lastAnswer{}
	s := sdk{env: env, retryer: newRetryer(env, last, id.req.Attempts), last: last}
	transport := awshttp.NewBuildableClient().GetTransport()
	if env.CustomCABundle != "" {
		pool, err := bundle(env.CustomCABundle)
		if err != nil {
			return sdk{}, err
		}
		transport.TLSClientConfig.RootCAs, s.cas = pool, pool
	}
	transport.Proxy = proxy
	transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return proxyRefusal(resp.StatusCode)
		}
		return nil
	}
	s.transport = transport
	s.client = &http.Client{
		Transport:     limited{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// badSetting names the variable that the SDK does not take; its own text holds
// the name.
func (id *Identity) badSetting(err error) error {
	name := regexp.MustCompile(`AWS_[A-Z0-9_]+`).FindString(err.Error())
	return &Error{Case: "sdk-settings", Doing: "reading AWS's variables", err: err, Facts: catalogue.Facts{
		"variable": cmp.Or(name, "a variable"), "value": id.job.Get(name),
	}}
}

// proxy is the environment's, but never for this machine and for the agents of
// EKS and ECS, which are on this node: what is sent there in clear is nobody
// else's.
func proxy(r *http.Request) (*url.URL, error) {
	host := r.URL.Hostname()
	if addr, err := netip.ParseAddr(host); loopback(host) || err == nil && slices.Contains(agentHosts, addr) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// limited keeps an endless answer out of memory.
type limited struct{ next http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

func bundle(path string) (*x509.CertPool, error) {
	fail := func(what string) error {
		return &Error{Case: "ca-bundle", Doing: "reading AWS's variables", Facts: catalogue.Facts{"file": path, "what": what}}
	}
	pem, err := ReadFile(path, maxBundle)
	if err != nil {
		return nil, fail("cannot be read: " + err.Error())
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fail("holds no certificate")
	}
	return pool, nil
}

// sts makes a client for the identity's region and endpoint.
func (s sdk) sts(id *Identity, keys aws.CredentialsProvider) *sts.Client {
	cfg := aws.Config{
		Region: id.Region.Text, HTTPClient: s.client, Credentials: keys, AppID: appID,
		ConfigSources: []any{s.env}, DisableClockSkewCorrection: aws.ToBool(s.env.DisableClockSkewCorrection),
	}
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		if id.Endpoint.Known() {
			o.BaseEndpoint = aws.String(id.Endpoint.Text)
		}
		o.Retryer = s.retryer
	})
}

// newRetryer tries again after transient answers only: a definite no costs one
// call. The wait between tries has full jitter.
func newRetryer(env config.EnvConfig, last *lastAnswer, attempts int) aws.Retryer {
	standard := func(o *retry.StandardOptions) {
		o.MaxAttempts = cmp.Or(env.RetryMaxAttempts, maxAttempts)
		if attempts > 0 {
			o.MaxAttempts = min(o.MaxAttempts, attempts)
		}
		o.MaxBackoff = maxBackoff
		o.Backoff = retry.NewExponentialJitterBackoff(maxBackoff)
		codes := map[string]struct{}{"IDPCommunicationError": {}}
		for code := range retry.DefaultThrottleErrorCodes {
			codes[code] = struct{}{}
		}
		o.Retryables = []retry.IsErrorRetryable{
			last,
			retry.NoRetryCanceledError{},
			retry.RetryableConnectionError{},
			retry.RetryableHTTPStatusCode{Codes: retry.DefaultRetryableHTTPStatusCodes},
			retry.RetryableErrorCode{Codes: codes},
			retry.IsErrorRetryableFunc(keysUnreachable),
		}
	}
	if env.RetryMode == aws.RetryModeAdaptive {
		return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) { o.StandardOptions = append(o.StandardOptions, standard) })
	}
	return retry.NewStandard(standard)
}

// keysUnreachable takes STS's trouble with an issuer's keys for transient: a
// slow issuer is asked again.
func keysUnreachable(err error) aws.Ternary {
	var api smithy.APIError
	if errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "Couldn't retrieve verification key") {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// Config is what a client of another service is told, with a session's keys. Of
// an answer its HTTP client reads the first MiB.
func (id *Identity) Config(session Session) (aws.Config, error) {
	return id.config(session, func(s sdk) *http.Client { return s.client })
}

// UnboundConfig is Config for who bounds what is kept of an answer: its HTTP
// client reads answers of any length.
func (id *Identity) UnboundConfig(session Session) (aws.Config, error) {
	return id.config(session, func(s sdk) *http.Client {
		own := *s.client
		own.Transport = s.transport
		return &own
	})
}

func (id *Identity) config(session Session, client func(sdk) *http.Client) (aws.Config, error) {
	s, err := id.newSDK()
	if err != nil {
		return aws.Config{}, err
	}
	return aws.Config{
		Region: id.Region.Text, HTTPClient: client(s), Credentials: session.Keys.provider(), AppID: appID,
		ConfigSources: []any{s.env}, DisableClockSkewCorrection: aws.ToBool(s.env.DisableClockSkewCorrection),
		Retryer: func() aws.Retryer { return s.retryer },
	}, nil
}

// host is where a call goes, and what said so.
func (id *Identity) host(ctx context.Context, op string) (host, from string) {
	at := id.Endpoint
	if op == catalogue.AgentOp {
		at = id.job.Value(agentURI)
	}
	if at.Known() {
		u, _ := parseEndpoint(at.Text)
		return u.Host, at.From
	}
	return defaultHost(ctx, id.Region.Text), "the endpoint of region " + report.Clean(id.Region.Text)
}

// defaultHost is AWS's own STS host for a region and the environment's settings.
func defaultHost(ctx context.Context, region string) string {
	env, err := config.NewEnvConfig()
	if err != nil {
		return ""
	}
	endpoint, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{
		Region: aws.String(region), UseFIPS: aws.Bool(env.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(env.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled), UseGlobalEndpoint: aws.Bool(false),
	})
	if err != nil {
		return ""
	}
	return endpoint.URI.Host
}
