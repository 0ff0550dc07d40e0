package cache

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const deniedUser = "User: arn:aws:sts::123456789012:assumed-role/ci/s is not authorized to perform: "

func TestADenialIsTakenApart(t *testing.T) {
	const who = "arn:aws:sts::123456789012:assumed-role/ci/s"
	for _, tt := range []struct {
		name, in string
		want     denial
	}{
		{"no policy allows", deniedUser + `s3:PutObject on resource: "arn:aws:s3:::cache/a k" because no identity-based policy allows the s3:PutObject action`, denial{who, "s3:PutObject", "arn:aws:s3:::cache/a k", "identity-based", false, ""}},
		{"no boundary allows", deniedUser + `s3:PutObject on resource: "arn:aws:s3:::cache/k" because no permissions boundary allows the s3:PutObject action`, denial{who, "s3:PutObject", "arn:aws:s3:::cache/k", "permissions boundary", false, ""}},
		{"a Deny", deniedUser + `s3:PutObject on resource: "arn:aws:s3:::cache/k" with an explicit deny in a resource-based policy`, denial{who, "s3:PutObject", "arn:aws:s3:::cache/k", "resource-based", true, ""}},
		{"a Deny with its policy", deniedUser + `s3:GetObject on resource: "arn:aws:s3:::cache/k" with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/p`, denial{who, "s3:GetObject", "arn:aws:s3:::cache/k", "identity-based", true, "arn:aws:iam::123456789012:policy/p"}},
		{"a Deny of a resource control policy", deniedUser + `s3:GetObject on resource: "arn:aws:s3:::cache/k" with an explicit deny in a resource control policy`, denial{who, "s3:GetObject", "arn:aws:s3:::cache/k", "resource control", true, ""}},
		{"a key without its name", deniedUser + "kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access", denial{who, "kms:GenerateDataKey", "", "", false, ""}},
		{"a key without quotes", deniedUser + "kms:Decrypt on resource: arn:aws:kms:r:1:key/x because no identity-based policy allows the kms:Decrypt action", denial{who, "kms:Decrypt", "arn:aws:kms:r:1:key/x", "identity-based", false, ""}},
		{"behind an SDK's words", "exceeded maximum number of attempts, 3, " + deniedUser + "s3:x", denial{who, "s3:x", "", "", false, ""}},
		{"no reason", "Access Denied", denial{}},
		{"half a sentence", "User: x", denial{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseDenial(tt.in)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(denial{})); diff != "" || ok != (tt.want != denial{}) {
				t.Errorf("%v %s", ok, diff)
			}
		})
	}
}

// FuzzDenial holds that nothing is made up: each part stands in the answer.
func FuzzDenial(f *testing.F) {
	f.Add(deniedUser + `s3:PutObject on resource: "arn:aws:s3:::cache/k" with an explicit deny in a resource-based policy: arn:x`)
	f.Add(deniedUser + `s3:PutObject on resource: k because no session policy allows the s3:PutObject action`)
	f.Add("Access Denied")
	f.Fuzz(func(t *testing.T, in string) {
		d, ok := parseDenial(in)
		if !ok && d != (denial{}) {
			t.Errorf("%+v of no denial", d)
		}
		for _, part := range []string{d.principal, d.action, d.resource, d.kind, d.policy} {
			if !strings.Contains(in, part) {
				t.Errorf("%q is not in %q", part, in)
			}
		}
	})
}
