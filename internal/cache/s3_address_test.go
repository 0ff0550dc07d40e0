package cache

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	gocmp "github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// settings are those of the environment, without its endpoints.
func settings(fips, dual bool) config.EnvConfig {
	env := config.EnvConfig{IgnoreConfiguredEndpoints: aws.Bool(true)}
	if fips {
		env.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if dual {
		env.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return env
}

func addressed(t *testing.T, b Bucket, region string, env config.EnvConfig) client {
	t.Helper()
	cfg := aws.Config{ConfigSources: []any{env}, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "token")}
	c := newClient(t.Context(), cfg, b, region)
	c.http = &capture{}
	return c
}

func named(bucket, endpoint string) Bucket {
	return Bucket{Name: report.Value{Text: bucket}, EndpointURL: report.Value{Text: endpoint}}
}

func TestABucketIsWhereTheSDKSeesIt(t *testing.T) {
	for _, region := range []string{"eu-central-1", "us-east-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "xx-nowhere-1"} {
		for _, bucket := range []string{"my-cache", "my.cache", "cache-x5r4w1kzzs6eu8m2hfuq1aqi6dkueuse2-s3alias", "My_Old_Cache", strings.Repeat("a", 63), strings.Repeat("a", 64)} {
			for _, has := range []struct{ fips, dual bool }{{}, {fips: true}, {dual: true}, {true, true}} {
				want, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), s3.EndpointParameters{
					Bucket: &bucket, Region: &region, UseFIPS: &has.fips, UseDualStack: &has.dual,
				})
				if err != nil {
					continue // there is none: FIPS in China
				}
				got, err := addressed(t, named(bucket, ""), region, settings(has.fips, has.dual)).url("")
				if err != nil || strings.TrimSuffix(got.String(), "/") != strings.TrimSuffix(want.URI.String(), "/") {
					t.Errorf("%s in %s, %+v: %v, %v, want %s", bucket, region, has, got, err, want.URI.String())
				}
			}
		}
	}
}

// style is a bucket whose host the runner's settings choose.
func style(bucket, endpoint, byPath, dualStack, accelerate string) Bucket {
	b := named(bucket, endpoint)
	b.PathStyle.Text, b.DualStack.Text, b.Accelerate.Text = byPath, dualStack, accelerate
	return b
}

// TestTheRunnersSettingsChooseTheHostAsTheSDKDoes asks both for every mixture;
// what the SDK refuses is refused.
func TestTheRunnersSettingsChooseTheHostAsTheSDKDoes(t *testing.T) {
	yes := func(text string) *bool { return aws.Bool(text == "true") }
	compared := map[bool]int{}
	for _, region := range []string{"eu-central-1", "us-gov-west-1", "cn-north-1"} {
		for _, bucket := range []string{"my-cache", "my.cache", "My_Old_Cache"} {
			for _, byPath := range []string{"true", "false"} {
				for _, dual := range []string{"true", "false"} {
					for _, accelerate := range []string{"true", "false"} {
						for _, endpoint := range []string{"", "https://s3.example.com", "http://s3.example.com:9000/x", "https://s3.eu-west-1.amazonaws.com", "http://127.0.0.1:9000", "https://[::1]:9000"} {
							with := s3.EndpointParameters{Bucket: &bucket, Region: &region, ForcePathStyle: yes(byPath), UseDualStack: yes(dual), Accelerate: yes(accelerate)}
							if endpoint != "" { // the runner lets the SDK have no other setting then
								with.Endpoint, with.UseDualStack, with.Accelerate = &endpoint, yes(""), yes("")
							}
							b := style(bucket, endpoint, byPath, dual, accelerate)
							want, refused := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), with)
							c := addressed(t, b, region, settings(false, !*yes(dual)))
							got, err := c.url("")
							unfit := (&probe{b: b, c: c, region: report.Value{Text: region}}).unaccelerated(catalogue.Facts{})
							compared[refused != nil]++
							if err != nil || unfit != (refused != nil) || !unfit && strings.TrimSuffix(got.String(), "/") != strings.TrimSuffix(want.URI.String(), "/") {
								t.Errorf("%+v: %v, %v, unfit is %v; want %s, %v", b, got, err, unfit, want.URI.String(), refused)
							}
						}
					}
				}
			}
		}
	}
	if compared[false] == 0 || compared[true] == 0 {
		t.Errorf("compared are %v: some are to be refused, and some not", compared)
	}
}

// TestNoBucketHasAHostBelowLocalhost: who answers at a name below it is not told
// by anybody.
func TestNoBucketHasAHostBelowLocalhost(t *testing.T) {
	got, err := addressed(t, style("my-cache", "http://localhost:9000", "false", "", ""), "eu-central-1", settings(false, false)).url("k")
	if err != nil || got.String() != "http://localhost:9000/my-cache/k" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestFIPSAndFastTransfersExcludeEachOther(t *testing.T) {
	b := style("my-cache", "", "", "", "true")
	p := &probe{b: b, c: addressed(t, b, "eu-central-1", settings(true, false)), region: report.Value{Text: "eu-central-1"}}
	f := catalogue.Facts{}
	if !p.unaccelerated(f) || f["what"] != "AWS_USE_FIPS_ENDPOINT asks for a FIPS endpoint" {
		t.Errorf("%v", f)
	}
}

func TestAnEndpointOfOnesOwnIsAddressedByPath(t *testing.T) {
	for _, tt := range []struct{ at, want, host string }{
		{"http://127.0.0.1:9000", "http://127.0.0.1:9000/my-cache/a%20b", "127.0.0.1:9000"},
		{"https://minio.example.com/", "https://minio.example.com/my-cache/a%20b", "minio.example.com"},
		{"https://minio.example.com/s3/x/", "https://minio.example.com/s3/x/my-cache/a%20b", "minio.example.com"},
		{"https://who:what@minio.example.com?a=b#c", "https://minio.example.com/my-cache/a%20b", "minio.example.com"},
		{"http://[::1]:9000", "http://[::1]:9000/my-cache/a%20b", "[::1]:9000"},
	} {
		c := addressed(t, named("my-cache", tt.at), "eu-central-1", settings(true, true))
		got, err := c.url("a b")
		if err != nil || got.String() != tt.want || c.host() != tt.host {
			t.Errorf("%s: %v at %q, %v", tt.at, got, c.host(), err)
		}
	}
	for _, at := range []string{"minio.example.com", "minio:9000", "ftp://minio.example.com", "http://", "http://a b", ":", "/"} {
		c := addressed(t, named("my-cache", at), "eu-central-1", settings(false, false))
		if got, err := c.url("k"); err == nil || c.host() != "" {
			t.Errorf("%s: %v", at, got)
		}
	}
}

// TestACallIsSignedAsTheSDKSignsIt makes the same calls with both, at the same
// time and without what only the SDK adds, and compares what would be sent.
func TestACallIsSignedAsTheSDKSignsIt(t *testing.T) {
	for _, b := range []Bucket{
		named("my-cache", ""), named("my.cache", ""), named("my-cache", "https://minio.example.com/s3"), named("my-cache", "http://127.0.0.1:9000"),
		style("my-cache", "", "true", "true", ""), style("my-cache", "", "", "true", "true"), style("my-cache", "https://minio.example.com/s3", "false", "", ""),
	} {
		keys := append(hostile(), dotted()...)
		for _, key := range keys {
			ours := addressed(t, b, "eu-central-1", settings(false, false))
			theirs := &capture{}
			sdk := s3.New(s3.Options{Region: "eu-central-1", Credentials: ours.keys, HTTPClient: theirs, Retryer: aws.NopRetryer{}, APIOptions: []func(*middleware.Stack) error{bare}}, func(o *s3.Options) {
				o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
				o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
				if b.EndpointURL.Known() {
					o.BaseEndpoint = &b.EndpointURL.Text
				}
				o.UsePathStyle = b.PathStyle.Text == "true" || b.EndpointURL.Known() && b.PathStyle.Text == ""
				o.UseAccelerate = b.Accelerate.Text == "true"
				if b.DualStack.Text == "true" {
					o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
				}
			})
			ctx, bucket := t.Context(), &b.Name.Text
			for name, same := range map[string]struct{ their, our func() error }{
				"GetObject": {
					func() error { _, err := sdk.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key}); return err },
					func() error { _, err := ours.getObject(ctx, key, span{}); return err },
				},
				"a part": {
					func() error {
						_, err := sdk.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key, Range: aws.String("bytes=5-9")})
						return err
					},
					func() error { _, err := ours.getObject(ctx, key, span{5, 5}); return err },
				},
				"HeadObject": {
					func() error {
						_, err := sdk.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: &key})
						return err
					},
					func() error { _, err := ours.headObject(ctx, key); return err },
				},
				"DeleteObject": {
					func() error {
						_, err := sdk.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: &key, VersionId: aws.String("v +/=")})
						return err
					},
					func() error { _, err := ours.deleteObject(ctx, key, "v +/="); return err },
				},
				"PutObject": {
					func() error {
						_, err := sdk.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader("body"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: aws.String("alias/x")}, unsignedOverTLS(b))
						return err
					},
					func() error {
						_, err := ours.putObject(ctx, key, section("body"), encryption{"aws:kms", "alias/x"})
						return err
					},
				},
				"ListObjectsV2": {
					func() error {
						_, err := sdk.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: &key, MaxKeys: aws.Int32(1), EncodingType: "url"})
						return err
					},
					func() error { _, err := ours.listObjects(ctx, key, 1, nil); return err },
				},
				"HeadBucket": {
					func() error { _, err := sdk.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket}); return err },
					func() error { _, err := ours.headBucket(ctx); return err },
				},
			} {
				theirs.got = nil
				mine := &capture{}
				ours.http = mine
				if err := same.their(); len(theirs.got) != 1 {
					t.Fatalf("%s %q: %v", name, key, err)
				}
				at, err := time.Parse("20060102T150405Z", theirs.got[0].Header.Get("X-Amz-Date"))
				if err != nil {
					t.Fatal(err)
				}
				ours.now = func() time.Time { return at }
				if err := same.our(); answerOf(err).Status != http.StatusTeapot {
					t.Fatalf("%s %q: %v", name, key, err)
				}
				if diff := gocmp.Diff(sent(theirs.got[0]), sent(mine.got[0])); diff != "" {
					t.Errorf("%s %q: %s", name, key, diff)
				}
			}
		}
	}
}

// sent is what of a request a signature is about, and the signature.
func sent(r *http.Request) map[string]string {
	uri := &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	return map[string]string{
		"method": r.Method, "scheme": r.URL.Scheme, "host": cmp.Or(r.Host, r.URL.Host), "uri": strings.TrimSuffix(uri.RequestURI(), "/"),
		"signature": r.Header.Get("Authorization"),
	}
}

// unsignedOverTLS makes the SDK sign no body that TLS guards, as we do.
func unsignedOverTLS(b Bucket) func(*s3.Options) {
	return func(o *s3.Options) {
		if !strings.HasPrefix(b.EndpointURL.Text, "http://") {
			o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
		}
	}
}

// bare takes away, before the signature, what only the SDK adds.
func bare(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("bare", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		r := in.Request.(*smithyhttp.Request)
		for _, name := range []string{"Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Accept-Encoding", "Content-Type"} {
			r.Header.Del(name)
		}
		query := r.URL.Query()
		query.Del("x-id")
		r.URL.RawQuery = query.Encode()
		return next.HandleFinalize(ctx, in)
	}), "Signing", middleware.Before)
}
