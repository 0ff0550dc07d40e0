package cli_test

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// useS3 lets the program call the cloud's S3.
func useS3(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Setenv("AWS_ENDPOINT_URL_S3", cloudOf(ts).S3URL())
}

// objects asserts how many objects the reference's bucket has.
func objects(ts *testscript.TestScript, _ bool, args []string) {
	keys, err := cloudOf(ts).AddUser(awsfake.Account, "owner", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	ts.Check(err)
	cfg := aws.Config{Region: awsfake.Region, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil })}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String(cloudOf(ts).S3URL()), true })
	list, err := client.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(awsfake.Bucket)})
	ts.Check(err)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if len(list.Contents) != want {
		ts.Fatalf("%d objects, want %d", len(list.Contents), want)
	}
}

// refuseS3 lets S3 refuse a call without a reason: refuse-s3 ACTION.
func refuseS3(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(cloudOf(ts).Inject(awsfake.Fault{Action: args[0], Vector: "bare-denied"}))
}

// encrypted asserts the encryption that the last object was stored with, and the
// KMS key that was asked for: encrypted KIND [KEY].
func encrypted(ts *testscript.TestScript, _ bool, args []string) {
	all := cloudOf(ts).Received("PutObject")
	const header = "X-Amz-Server-Side-Encryption"
	asked := all[len(all)-1].Header
	got := strings.TrimSpace(asked.Get(header) + " " + asked.Get(header+"-Aws-Kms-Key-Id"))
	if want := strings.Join(args, " "); got != want {
		ts.Fatalf("encryption %q, want %q", got, want)
	}
}

// userKeys leaves the job nothing but the keys of a user who may do everything.
func userKeys(ts *testscript.TestScript, _ bool, _ []string) {
	keys, err := cloudOf(ts).AddUser(awsfake.Account, "ci", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	ts.Check(err)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey, "AWS_ROLE_ARN": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
	} {
		ts.Setenv(name, value)
	}
}
