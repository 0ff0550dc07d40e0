package cache

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// endpoint is where S3 is in place of AWS's own.
func endpoint(ctx context.Context, cfg aws.Config, b Bucket) report.Value {
	if b.EndpointURL.Known() {
		return b.EndpointURL
	}
	if env := environment(cfg); !aws.ToBool(env.IgnoreConfiguredEndpoints) {
		if at, ok, _ := env.GetServiceBaseEndpoint(ctx, "S3"); ok { // never fails
			return report.Value{Text: at, From: "AWS_ENDPOINT_URL_S3"}
		}
		if env.BaseEndpoint != "" {
			return report.Value{Text: env.BaseEndpoint, From: "AWS_ENDPOINT_URL"}
		}
	}
	return report.Value{Text: aws.ToString(cfg.BaseEndpoint), From: "the SDK's settings"}
}

// environment is what the SDK's own variables say, as the caller has read them.
func environment(cfg aws.Config) config.EnvConfig {
	for _, source := range cfg.ConfigSources {
		if env, ok := source.(config.EnvConfig); ok {
			return env
		}
	}
	// Nothing was read, so no variable is to be looked at.
	return config.EnvConfig{IgnoreConfiguredEndpoints: aws.Bool(true)}
}

// addressing is how AWS's own host of a bucket is found, and whether a bucket is
// named in it.
type addressing struct {
	byPath, byHost              bool // where it was asked for
	fips, dualStack, accelerate bool
}

func addressingOf(cfg aws.Config, b Bucket) addressing {
	env := environment(cfg)
	return addressing{
		byPath: b.PathStyle.Text == "true", byHost: b.PathStyle.Text == "false",
		fips:       env.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled,
		dualStack:  b.DualStack.Text == "true" || !b.DualStack.Known() && env.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled,
		accelerate: b.Accelerate.Text == "true",
	}
}

// host is where calls go; "" where the endpoint is no URL.
func (c client) host() string {
	at, err := c.url("")
	if err != nil {
		return ""
	}
	return at.Host
}

// inClear says whether calls go without TLS.
func (c client) inClear() bool {
	at, err := c.url("")
	return err == nil && at.Scheme != "https"
}

// url addresses the bucket, or an object of it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func (c client) url(key string) (*url.URL, error) {
	at := &url.URL{Scheme: "https", Host: c.awsHost}
	path := ""
	if c.endpoint.Known() {
		given, err := url.Parse(c.endpoint.Text)
		if err != nil || given.Host == "" || given.Scheme != "https" && given.Scheme != "http" {
			return nil, errors.New("the endpoint is not a URL of http or https") // the parser's words hold the URL
		}
		at.Scheme, at.Host, path = given.Scheme, given.Host, strings.TrimRight(given.Path, "/")
	}
	if c.hasHost(at) {
		at.Host = c.bucket + "." + at.Host
	} else {
		path += "/" + c.bucket
	}
	if key != "" || path == "" {
		path += "/" + key
	}
	at.Path, at.RawPath = path, httpbinding.EscapePath(path, false)
	return at, nil
}

// hasHost says whether the bucket has a host of its own below at. What is not
// AWS's may know none, unless it was asked for. A certificate is not for a name
// with dots; and below an address, or below localhost, there is no host that
// would be the same machine.
func (c client) hasHost(at *url.URL) bool {
	if c.settings.byPath || c.endpoint.Known() && !c.settings.byHost {
		return false
	}
	if _, err := netip.ParseAddr(at.Hostname()); err == nil || strings.EqualFold(strings.TrimSuffix(at.Hostname(), "."), "localhost") {
		return false
	}
	if at.Scheme == "http" {
		return !slices.ContainsFunc(strings.Split(c.bucket, "."), func(label string) bool { return !isBucketHost(label) })
	}
	return isBucketHost(c.bucket)
}

// unaccelerated says, with the facts of the case, whether AWS's host for fast
// transfers was asked for and cannot be had, so that the runner's SDK signs no
// URL: it is a bucket's own, for names without dots, and China has none.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html
func (p *probe) unaccelerated(f catalogue.Facts) bool {
	s, dotted := p.c.settings, !isBucketHost(p.b.Name.Text)
	china := iam.PartitionOfRegion(p.region.Text) == "aws-cn"
	if !s.accelerate || p.c.endpoint.Known() {
		return false
	}
	f["accelerate-from"], f["path-style-from"] = p.b.Accelerate.From, p.b.PathStyle.From
	switch {
	case s.byPath:
		f["what"] = "PathStyle (" + p.b.PathStyle.From + ") is true"
		f.Say("by-path", true)
	case dotted:
		f["what"] = "its name cannot be part of a host's"
		f.Say("other", true)
	case china:
		f["what"] = "region " + catalogue.Quote(p.region.Text) + " is one of China's"
		f.Say("other", true)
	case s.fips:
		f["what"] = "AWS_USE_FIPS_ENDPOINT asks for a FIPS endpoint"
		f.Say("fips", true)
	default:
		return false
	}
	return true
}

// isBucketHost says whether a bucket has a host of its own that a certificate of
// AWS's is for. Buckets made in us-east-1 before 2018 may have none.
func isBucketHost(bucket string) bool {
	return isHostLabel(bucket) && bucket == strings.ToLower(bucket) && len(bucket) >= 3 &&
		alphanumeric(bucket[0]) && alphanumeric(bucket[len(bucket)-1])
}

// awsHost is AWS's own S3 host of a region. The domain of the region's partition
// is the SDK's to know: it is taken off the STS host.
// https://docs.aws.amazon.com/general/latest/gr/s3.html
func (s addressing) awsHost(ctx context.Context, region string) string {
	domain := "amazonaws.com"
	at, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{
		Region: &region, UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false), UseGlobalEndpoint: aws.Bool(false),
	})
	if after, ok := strings.CutPrefix(at.URI.Host, "sts."+region+"."); err == nil && ok {
		domain = after
	}
	service := "s3"
	switch {
	case s.accelerate:
		service = "s3-accelerate"
	case s.fips:
		service = "s3-fips"
	}
	if s.dualStack {
		service += ".dualstack"
	}
	if s.accelerate {
		return service + "." + domain // of all regions
	}
	return service + "." + region + "." + domain
}
