package awsfake

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func TestChangesOfTheSetUpCountFromTheNextCall(t *testing.T) {
	for _, s := range []struct {
		name   string
		change func(*Cloud)
		want   string
	}{
		{"nothing", func(*Cloud) {}, ""},
		{"the issuer is down", func(c *Cloud) { c.Issuer().SetDown(true) }, "no-verification-key"},
		{"the issuer is up again", func(c *Cloud) { c.Issuer().SetDown(true); c.Issuer().SetDown(false) }, ""},
		{"the role is gone", func(c *Cloud) { c.RemoveRole(JobRole) }, "trust-denied"},
		{"the provider is gone", func(c *Cloud) { c.RemoveProvider(Account, ClusterIssuer) }, "no-provider"},
		{"the provider has another client id", func(c *Cloud) { c.AddProvider(Account, ClusterIssuer, "x") }, "wrong-audience"},
	} {
		t.Run(s.name, func(t *testing.T) {
			c := reference(t, Config{})
			token := must[string](t)(c.Issuer().Mint(PodToken{}))
			s.change(c)
			_, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(JobRole), RoleSessionName: aws.String("s1"), WebIdentityToken: &token,
			})
			got, want := answerOf(err), c.answer(s.want)
			if got.Code != want.Code || !strings.HasPrefix(got.Message, strings.TrimSuffix(want.Message, "EXAMPLED539D4633E53DE1B71EXAMPLE")) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestAUsersKeysAreNoRoleSession(t *testing.T) {
	c := reference(t, Config{})
	keys := must[aws.Credentials](t)(c.AddUser(Account, "ops", `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`))
	client := c.stsClient(static(keys.AccessKeyID, keys.SecretAccessKey, ""))
	who, err := client.GetCallerIdentity(t.Context(), nil)
	if err != nil || *who.Arn != "arn:aws:iam::123456789012:user/ops" {
		t.Fatalf("%+v %v", who, err)
	}
	if err := c.SetTrust(DeployRole, trustOf("arn:aws:iam::123456789012:user/ops", "")); err != nil {
		t.Fatal(err)
	}
	for seconds, want := range map[int32]string{3600: "", 3601: "duration-max"} {
		_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String(DeployRole), RoleSessionName: aws.String("s1"), DurationSeconds: &seconds,
		})
		if got := answerOf(err); got != c.answer(want) {
			t.Errorf("%d s: %+v, want %+v", seconds, got, c.answer(want))
		}
	}
}

func TestManagedSessionPoliciesNarrowTheSession(t *testing.T) {
	const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	c := reference(t, Config{})
	if err := c.AddPolicy(readOnly, `{"Statement": {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}}`); err != nil {
		t.Fatal(err)
	}
	for arn, want := range map[string]string{readOnly: "s3:PutObject", "arn:aws:iam::aws:policy/Unknown": "s3:ListBucket"} {
		client := c.s3Client(jobKeys(t, c, func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String(arn)}}
		}))
		_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(Bucket)})
		if err == nil {
			_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(Bucket), Key: aws.String("k"), Body: strings.NewReader("x")})
		}
		if got := answerOf(err).Message; !strings.HasSuffix(got, "because no session policy allows the "+want+" action") {
			t.Errorf("%s: %q", arn, got)
		}
	}
}
