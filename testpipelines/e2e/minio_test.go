package e2e_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // MinIO's own choice for a name
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"

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
	program := parts.MinIO(t)
	address := freeAddress(t)
	user, password := "root", rand.Text()
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "server", "--address", address, "--console-address", freeAddress(t), t.TempDir())
	cmd.Env = []string{
		"HOME=" + t.TempDir(),
		"MINIO_ROOT_USER=" + user, "MINIO_ROOT_PASSWORD=" + password,
		"MINIO_REGION=" + awsfake.Region, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=on",
		"MINIO_IDENTITY_OPENID_CONFIG_URL=" + issuer.URL() + "/.well-known/openid-configuration",
		"MINIO_IDENTITY_OPENID_CLIENT_ID=" + awsfake.STSAudience,
		"MINIO_IDENTITY_OPENID_ROLE_POLICY=readwrite",
		"MINIO_KMS_SECRET_KEY=e2e:" + base64.StdEncoding.EncodeToString([]byte(rand.Text() + rand.Text())[:32]),
	}
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed, so it never ends well
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-ended
		if t.Failed() {
			t.Logf("MinIO said:\n%s", log.String())
		}
	})

	server := minIO{URL: "http://" + address, RoleARN: roleARN(awsfake.STSAudience), Bucket: awsfake.Bucket}
	deadline := time.After(60 * time.Second)
	for !ready(t, server.URL) {
		select {
		case <-ended:
			t.Fatal("MinIO ended before it was ready")
		case <-deadline:
			t.Fatal("MinIO was not ready within a minute")
		case <-time.After(50 * time.Millisecond):
		}
	}
	server.Root = s3.New(s3.Options{
		Region: awsfake.Region, BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(user, password, ""),
	})
	if _, err := server.Root.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(server.Bucket)}); err != nil {
		t.Fatal(err)
	}
	return server
}

// ready says whether the server takes calls, those to its identity system too:
// before that is loaded, STS has no role to give.
func ready(t *testing.T, url string) bool {
	t.Helper()
	for _, path := range []string{"/minio/health/ready", "/minio/health/cluster"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			return false
		}
	}
	return true
}

// roleARN is the ARN of the role that MinIO makes for a client id.
// https://github.com/minio/minio/blob/master/internal/config/identity/openid/openid.go
func roleARN(clientID string) string {
	hash := sha1.Sum([]byte(clientID)) //nolint:gosec // MinIO's own choice for a name
	return fmt.Sprintf("arn:minio:iam:%s::role/%s", awsfake.Region, base64.RawURLEncoding.EncodeToString(hash[:]))
}

// freeAddress is an address of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}
