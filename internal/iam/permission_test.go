package iam

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func runnerCache() CacheAccess {
	return CacheAccess{Bucket: "my-cache", Prefix: "runners-all/", Write: true}
}

func TestPermissionsAreWrittenAsIAMTakesThem(t *testing.T) {
	access := runnerCache()
	access.Partition, access.Delete, access.KMSKey = "aws-cn", true, "arn:aws-cn:kms:cn-north-1:123456789012:key/k"
	want := `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket"
      ],
      "Resource": "arn:aws-cn:s3:::my-cache"
    },
    {
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject"
      ],
      "Resource": "arn:aws-cn:s3:::my-cache/runners-all/*"
    },
    {
      "Effect": "Allow",
      "Action": [
        "kms:Decrypt",
        "kms:GenerateDataKey"
      ],
      "Resource": "arn:aws-cn:kms:cn-north-1:123456789012:key/k"
    }
  ]
}`
	if diff := cmp.Diff(want, access.JSON()); diff != "" {
		t.Error(diff)
	}
}

func TestPermissionsAreWrittenAsTerraformTakesThem(t *testing.T) {
	want := `resource "aws_iam_role_policy" "ci_aws_cache" {
  name = "ci-aws-cache"
  # aws_iam_role.NAME.name where this module makes the role
  role = "runner"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = "arn:aws:s3:::my-cache"
      },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "arn:aws:s3:::my-cache/$${*}\n$${$}{path.root}\"/*"
      }
    ]
  })
}`
	got := CacheAccess{Bucket: "my-cache", Prefix: "*\n${path.root}\""}.Terraform("runner")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAKeysStatementNamesItsPrincipal(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/runner"
	policy := `{"Version":"2012-10-17","Statement":` + KeyStatement(role) + `}`
	for principal, want := range map[string]Decision{role: Allowed, role + "s": NotAllowed} {
		for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey"} {
			r := Request{Principal: []Principal{{"AWS", principal}}, Action: action, Resource: "arn:aws:kms:eu-central-1:123456789012:key/k"}
			if got := decide(t, policy, r); got != want {
				t.Errorf("%s as %s: %v", action, principal, got)
			}
		}
	}
}

func TestTheWrittenPermissionsAllowWhatWasMeantAndNothingElse(t *testing.T) {
	const bucket, key = "arn:aws:s3:::my-cache", "arn:aws:kms:eu-central-1:123456789012:key/k"
	for _, tt := range []struct {
		name    string
		access  CacheAccess
		allowed []string // "action resource"
	}{
		{"read", CacheAccess{Bucket: "my-cache", Prefix: "p"}, []string{"s3:ListBucket " + bucket, "s3:GetObject " + bucket + "/p/k"}},
		{"write", CacheAccess{Bucket: "my-cache", Prefix: "p", Write: true}, []string{
			"s3:ListBucket " + bucket, "s3:GetObject " + bucket + "/p/k", "s3:PutObject " + bucket + "/p/k",
		}},
		{"delete", CacheAccess{Bucket: "my-cache", Prefix: "p", Delete: true}, []string{
			"s3:ListBucket " + bucket, "s3:GetObject " + bucket + "/p/k", "s3:DeleteObject " + bucket + "/p/k",
		}},
		{"the whole bucket", CacheAccess{Bucket: "my-cache"}, []string{
			"s3:ListBucket " + bucket, "s3:GetObject " + bucket + "/p/k", "s3:GetObject " + bucket + "/q/k",
		}},
		{"a key, to read", CacheAccess{Bucket: "my-cache", Prefix: "p", KMSKey: key}, []string{
			"s3:ListBucket " + bucket, "s3:GetObject " + bucket + "/p/k", "kms:Decrypt " + key,
		}},
		{"a key, to write", CacheAccess{Bucket: "my-cache", Prefix: "p", Write: true, KMSKey: key}, []string{
			"s3:ListBucket " + bucket, "s3:GetObject " + bucket + "/p/k", "s3:PutObject " + bucket + "/p/k", "kms:Decrypt " + key, "kms:GenerateDataKey " + key,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, ask := range []string{
				"s3:ListBucket " + bucket, "s3:GetBucketPolicy " + bucket, "s3:ListBucket " + bucket + "2",
				"s3:GetObject " + bucket + "/p/k", "s3:PutObject " + bucket + "/p/k", "s3:DeleteObject " + bucket + "/p/k",
				"s3:PutObjectAcl " + bucket + "/p/k", "s3:GetObject " + bucket + "/q/k", "s3:GetObject " + bucket + "2/p/k",
				"kms:Decrypt " + key, "kms:GenerateDataKey " + key, "kms:Decrypt " + key + "2", "kms:ScheduleKeyDeletion " + key,
			} {
				action, resource, _ := strings.Cut(ask, " ")
				if decide(t, tt.access.JSON(), Request{Action: action, Resource: resource}) == Allowed {
					got = append(got, ask)
				}
			}
			if diff := cmp.Diff(tt.allowed, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAHostileBucketOrPrefixIsLiteral(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a test that runs the same each time
	for range 3000 {
		access := CacheAccess{Bucket: "b" + hostile(r), Prefix: "p" + hostile(r)}
		policy := access.JSON()
		ask := func(a CacheAccess) Decision {
			return decide(t, policy, Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + a.Bucket + "/" + strings.TrimRight(a.Prefix, "/") + "/k"})
		}
		if got := ask(access); got != Allowed {
			t.Fatalf("%+v: %v", access, got)
		}
		other := CacheAccess{Bucket: "b" + hostile(r), Prefix: "p" + hostile(r)}
		within := strings.HasPrefix(other.Bucket+"/"+strings.TrimRight(other.Prefix, "/")+"/", access.Bucket+"/"+strings.TrimRight(access.Prefix, "/")+"/")
		if got := ask(other); (got == Allowed) != within {
			t.Fatalf("%+v asked with %+v: %v", access, other, got)
		}
	}
}
