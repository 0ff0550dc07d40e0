package cache

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/encoding/httpbinding"

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

// url addresses the bucket, or an object of it. What is not AWS's may know no
// bucket hosts, and a certificate of AWS's is not for a name with dots.
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
	if !c.endpoint.Known() && isBucketHost(c.bucket) {
		at.Host = c.bucket + "." + at.Host
		path += "/" + key
	} else if path += "/" + c.bucket; key != "" {
		path += "/" + key
	}
	at.Path, at.RawPath = path, httpbinding.EscapePath(path, false)
	return at, nil
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
func awsHost(ctx context.Context, env config.EnvConfig, region string) string {
	domain := "amazonaws.com"
	at, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{
		Region: &region, UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false), UseGlobalEndpoint: aws.Bool(false),
	})
	if after, ok := strings.CutPrefix(at.URI.Host, "sts."+region+"."); err == nil && ok {
		domain = after
	}
	service := "s3"
	if env.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled {
		service = "s3-fips"
	}
	if env.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled {
		service += ".dualstack"
	}
	return service + "." + region + "." + domain
}
