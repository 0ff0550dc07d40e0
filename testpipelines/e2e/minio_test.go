package e2e_test

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // MinIO's own choice for a name
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// minIO is a running MinIO server: a real STS and a real S3 at one endpoint,
// with one bucket and one role, which tokens of one issuer may take.
type minIO struct {
	URL     string
	RoleARN string
	Bucket  string
	Root    *s3.Client // of who may do everything
}

// startMinIO starts a server that trusts the issuer's tokens, and stops it when
// the test ends.
func startMinIO(t *testing.T, issuer *awsfake.Issuer) minIO {
	t.Helper()
	started := parts.ServeMinIO(
		t, awsfake.Region,
		"MINIO_IDENTITY_OPENID_CONFIG_URL="+issuer.URL()+"/.well-known/openid-configuration",
		"MINIO_IDENTITY_OPENID_CLIENT_ID="+awsfake.STSAudience,
		"MINIO_IDENTITY_OPENID_ROLE_POLICY=readwrite",
		"MINIO_KMS_SECRET_KEY=e2e:"+base64.StdEncoding.EncodeToString([]byte(rand.Text() + rand.Text())[:32]),
	)
	server := minIO{URL: started.URL, RoleARN: roleARN(awsfake.STSAudience), Bucket: awsfake.Bucket}
	server.Root = s3.New(s3.Options{
		Region: awsfake.Region, BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(started.User, started.Password, ""),
	})
	if _, err := server.Root.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(server.Bucket)}); err != nil {
		t.Fatal(err)
	}
	return server
}

// roleARN is the ARN of the role that MinIO makes for a client id.
// https://github.com/minio/minio/blob/master/internal/config/identity/openid/openid.go
func roleARN(clientID string) string {
	hash := sha1.Sum([]byte(clientID)) //nolint:gosec // MinIO's own choice for a name
	return fmt.Sprintf("arn:minio:iam:%s::role/%s", awsfake.Region, base64.RawURLEncoding.EncodeToString(hash[:]))
}
