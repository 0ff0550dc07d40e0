package awsfake

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

const (
	testKey   = "arn:aws:kms:eu-central-1:123456789012:key/x"
	otherRole = "arn:aws:iam::123456789012:role/other"
)

func bucketPolicy(effect, principal string) string {
	return `{"Version": "2012-10-17", "Statement": {"Effect": "` + effect + `", "Principal": ` + principal + `, "Action": "s3:*",
  "Resource": ["arn:aws:s3:::b-1", "arn:aws:s3:::b-1/*"]}}`
}

func putAndGet(ctx context.Context, client *s3.Client) error {
	in := &s3.PutObjectInput{Bucket: aws.String("b-1"), Key: aws.String("k"), Body: strings.NewReader("x")}
	if _, err := client.PutObject(ctx, in); err != nil {
		return err
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: in.Bucket, Key: in.Key})
	if err == nil {
		_ = out.Body.Close()
	}
	return err
}

func TestBucketPoliciesAndKeysCountAsInAWS(t *testing.T) {
	const (
		user   = "User: arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711 is not authorized to perform: "
		onK    = ` on resource: "arn:aws:s3:::b-1/k" `
		allS3  = `{"Statement":{"Effect":"Allow","Action":["s3:*","kms:*"],"Resource":"*"}}`
		onlyS3 = `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
		none   = `{"Statement":{"Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}}`
		job    = `{"AWS":"` + JobRole + `"}`
		keyFor = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + otherRole + `"},"Action":"kms:*","Resource":"*"}}`
		keyJob = `{"Statement":{"Effect":"Allow","Principal":` + job + `,"Action":"kms:*","Resource":"*"}}`
	)
	for _, s := range []struct {
		name   string
		bucket BucketSpec
		key    KMSKey
		role   string // its policy
		want   answer
	}{
		{name: "the role's policy allows", role: allS3},
		{name: "only the bucket's policy allows", bucket: BucketSpec{Policy: bucketPolicy("Allow", job)}, role: none},
		{
			name: "the bucket's policy allows another role", bucket: BucketSpec{Policy: bucketPolicy("Allow", `{"AWS":"`+otherRole+`"}`)}, role: none,
			want: answer{403, "AccessDenied", user + "s3:PutObject" + onK + "because no identity-based policy allows the s3:PutObject action"},
		},
		{
			name: "the bucket's policy denies", bucket: BucketSpec{Policy: bucketPolicy("Deny", job)}, role: allS3,
			want: answer{403, "AccessDenied", user + "s3:PutObject" + onK + "with an explicit deny in a resource-based policy"},
		},
		{name: "another account's bucket", bucket: BucketSpec{Account: "210987654321"}, role: allS3, want: answer{403, "AccessDenied", "Access Denied"}},
		{name: "another account's bucket that names the role", bucket: BucketSpec{Account: "210987654321", Policy: bucketPolicy("Allow", job)}, role: allS3},
		{
			name: "another account's bucket, and the role's policy does not allow", role: none, want: answer{403, "AccessDenied", "Access Denied"},
			bucket: BucketSpec{Account: "210987654321", Policy: bucketPolicy("Allow", job)},
		},
		{name: "a key and both permissions", bucket: BucketSpec{KMSKey: testKey}, key: KMSKey{ARN: testKey}, role: allS3},
		{name: "a key whose policy names the role", bucket: BucketSpec{KMSKey: testKey}, key: KMSKey{ARN: testKey, Policy: keyJob}, role: onlyS3},
		{
			name: "a key that the role may not use", bucket: BucketSpec{KMSKey: testKey}, key: KMSKey{ARN: testKey}, role: onlyS3,
			want: answer{403, "AccessDenied", user + "kms:GenerateDataKey on resource: " + testKey + " because no identity-based policy allows the kms:GenerateDataKey action"},
		},
		{
			name: "a key for another role", bucket: BucketSpec{KMSKey: testKey}, key: KMSKey{ARN: testKey, Policy: keyFor}, role: allS3,
			want: answer{403, "AccessDenied", user + "kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"},
		},
		{
			name: "a key that is not there", bucket: BucketSpec{KMSKey: testKey}, role: allS3,
			want: answer{403, "AccessDenied", user + "kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"},
		},
		{
			name: "a disabled key", bucket: BucketSpec{KMSKey: testKey}, key: KMSKey{ARN: testKey, Disabled: true}, role: allS3,
			want: answer{400, "KMS.DisabledException", testKey + " is disabled."},
		},
	} {
		t.Run(s.name, func(t *testing.T) {
			c := reference(t, Config{})
			s.bucket.Name, s.bucket.Region = "b-1", Region
			if s.bucket.Account == "" {
				s.bucket.Account = Account
			}
			if err := c.AddBucket(s.bucket); err != nil {
				t.Fatal(err)
			}
			if s.key.ARN != "" {
				if err := c.AddKey(s.key); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.AddRole(Role{ARN: JobRole, Trust: c.ClusterTrust().JSON(), Policies: []string{s.role}}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.want, answerOf(putAndGet(t.Context(), c.s3Client(jobKeys(t, c))))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlyAPublicBucketAnswersUnsignedCalls(t *testing.T) {
	for name, tt := range map[string]struct {
		policy string
		want   int
	}{
		"no policy":            {"", http.StatusForbidden},
		"a policy for a role":  {bucketPolicy("Allow", `{"AWS":"`+JobRole+`"}`), http.StatusForbidden},
		"a policy for all":     {bucketPolicy("Allow", `"*"`), http.StatusOK},
		"a policy for all AWS": {bucketPolicy("Allow", `{"AWS":"*"}`), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			c := reference(t, Config{})
			if err := c.AddBucket(BucketSpec{Name: "b-1", Region: Region, Account: Account}); err != nil {
				t.Fatal(err)
			}
			if err := c.AddRole(Role{ARN: JobRole, Trust: c.ClusterTrust().JSON(), Policies: []string{`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`}}); err != nil {
				t.Fatal(err)
			}
			if err := putAndGet(t.Context(), c.s3Client(jobKeys(t, c))); err != nil {
				t.Fatal(err)
			}
			if err := c.SetBucketPolicy("b-1", tt.policy); err != nil {
				t.Fatal(err)
			}
			if status, body := get(t, c.S3URL()+"/b-1/k", nil); status != tt.want {
				t.Errorf("%d %s, want %d", status, body, tt.want)
			}
		})
	}
}

func TestAVersionedBucketKeepsWhatIsDeleted(t *testing.T) {
	c := reference(t, Config{})
	if err := c.AddBucket(BucketSpec{Name: "b-1", Region: Region, Account: Account, Versioned: true}); err != nil {
		t.Fatal(err)
	}
	if err := c.AddRole(Role{ARN: JobRole, Trust: c.ClusterTrust().JSON(), Policies: []string{`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`}}); err != nil {
		t.Fatal(err)
	}
	client, ctx, bucket, key := c.s3Client(jobKeys(t, c)), t.Context(), aws.String("b-1"), aws.String("k")
	put, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x")})
	if err != nil || aws.ToString(put.VersionId) == "" {
		t.Fatalf("%+v %v", put, err)
	}
	count := func() (versions, markers int) {
		t.Helper()
		listed, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket})
		if err != nil {
			t.Fatal(err)
		}
		return len(listed.Versions), len(listed.DeleteMarkers)
	}
	marker, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if v, m := count(); v != 1 || m != 1 {
		t.Errorf("%d versions and %d markers after a delete", v, m)
	}
	for _, id := range []*string{put.VersionId, marker.VersionId} {
		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key, VersionId: id}); err != nil {
			t.Error(err)
		}
	}
	if v, m := count(); v != 0 || m != 0 {
		t.Errorf("%d versions and %d markers are left", v, m)
	}
}
