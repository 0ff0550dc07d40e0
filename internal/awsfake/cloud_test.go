package awsfake

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// reference starts the reference set-up, in which everything works.
func reference(t *testing.T, config Config) *Cloud {
	t.Helper()
	c, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.AddReference(); err != nil {
		t.Fatal(err)
	}
	return c
}

// answer is how the SDK sees a refusal.
type answer struct {
	Status        int
	Code, Message string
}

func answerOf(err error) answer {
	var a answer
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		a.Status = response.HTTPStatusCode()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		a.Code, a.Message = api.ErrorCode(), api.ErrorMessage()
	}
	return a
}

func (c *Cloud) answer(id string) answer {
	v := c.vectors[id]
	return answer{v.HTTP, v.Code, v.Message}
}

func (c *Cloud) stsClient(keys aws.CredentialsProvider) *sts.Client {
	return sts.New(sts.Options{
		Region: Region, BaseEndpoint: aws.String(c.STSURL()), Credentials: keys, RetryMaxAttempts: 1,
	})
}

func (c *Cloud) s3Client(keys aws.CredentialsProvider, options ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region: Region, BaseEndpoint: aws.String(c.S3URL()), Credentials: keys, RetryMaxAttempts: 1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}, options...)
}

func static(id, secret, token string) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(id, secret, token)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// jobKeys exchanges the pod's token for the job role's keys.
func jobKeys(t *testing.T, c *Cloud, change ...func(*sts.AssumeRoleWithWebIdentityInput)) aws.CredentialsProvider {
	t.Helper()
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(JobRole), RoleSessionName: aws.String("group-project-4711"),
		WebIdentityToken: aws.String(must[string](t)(c.Issuer().Mint(PodToken{}))),
	}
	for _, f := range change {
		f(in)
	}
	out, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return static(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
}

// fixed is a clock that a test sets.
type fixed struct{ at time.Time }

func (f *fixed) now() time.Time { return f.at }

// get gives the status and the body of an answer.
func get(t *testing.T, url string, header http.Header) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, must[[]byte](t)(io.ReadAll(response.Body))
}
