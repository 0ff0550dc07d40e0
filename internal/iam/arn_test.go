package iam

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoleARNsAreReadAsStrictlyAsSTSReadsThem(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     RoleARN
		err      string
	}{
		{"plain", "arn:aws:iam::123456789012:role/ci", RoleARN{"aws", "123456789012", "/", "ci"}, ""},
		{"with a path", "arn:aws-cn:iam::123456789012:role/ci/jobs/k8s.irsa+x=,@-_1", RoleARN{"aws-cn", "123456789012", "/ci/jobs/", "k8s.irsa+x=,@-_1"}, ""},
		{"GovCloud", "arn:aws-us-gov:iam::123456789012:role/ci", RoleARN{"aws-us-gov", "123456789012", "/", "ci"}, ""},
		{"isolated", "arn:aws-iso-b:iam::123456789012:role/ci", RoleARN{"aws-iso-b", "123456789012", "/", "ci"}, ""},
		{"empty", "", RoleARN{}, "is empty"},
		{"a name only", "k8s-irsa", RoleARN{}, `does not start with "arn:"`},
		{"too short", "arn:aws:iam", RoleARN{}, "has 2 colons, not 5"},
		{"11 digits", "arn:aws:iam::12345678901:role/ci", RoleARN{}, `account "12345678901" has 11 digits, not 12`},
		{"letters in the account", "arn:aws:iam::12345678901x:role/ci", RoleARN{}, `account "12345678901x" is not a number`},
		{"one colon too many", "arn:aws:iam:::123456789012:role/ci", RoleARN{}, "no account between the colons"},
		{"nothing but colons", "arn:aws:iam::::", RoleARN{}, "no account between the colons"},
		{"a region", "arn:aws:iam:eu-central-1:123456789012:role/ci", RoleARN{}, `has the region "eu-central-1" where a role has none`},
		{"a user", "arn:aws:iam::123456789012:user/ci", RoleARN{}, "names a user, not a role"},
		{"an instance profile", "arn:aws:iam::123456789012:instance-profile/ci", RoleARN{}, "names an instance-profile, not a role"},
		{"an account", "arn:aws:iam::123456789012:root", RoleARN{}, "names an account, not a role"},
		{"something else", "arn:aws:iam::123456789012:rolle/ci", RoleARN{}, `names "rolle/ci", not a role`},
		{"a session", "arn:aws:sts::123456789012:assumed-role/ci/s", RoleARN{}, "names a session of an assumed role, not the role itself"},
		{"another service", "arn:aws:s3:::bucket", RoleARN{}, `names the service "s3", not "iam"`},
		{"another cloud's partition", "arn:minio:iam:eu-central-1::role/x", RoleARN{}, `partition "minio" is none of AWS's`},
		{"no name", "arn:aws:iam::123456789012:role/", RoleARN{}, "has no role name"},
		{"no name behind the path", "arn:aws:iam::123456789012:role/a/", RoleARN{}, "has no role name"},
		{"no slash", "arn:aws:iam::123456789012:role", RoleARN{}, "has no role name"},
		{"a character IAM refuses", "arn:aws:iam::123456789012:role/c*i", RoleARN{}, `role name "c*i" has '*', which IAM does not allow`},
		{"a variable not expanded", "arn:aws:iam::123456789012:role/$ROLE", RoleARN{}, `role name "$ROLE" has '$', which IAM does not allow`},
		{"a long name", "arn:aws:iam::123456789012:role/" + strings.Repeat("a", 65), RoleARN{}, "role name has 65 characters, more than 64"},
		{"a long path", "arn:aws:iam::123456789012:role/" + strings.Repeat("a", 511) + "/x", RoleARN{}, "role path has 513 characters, more than 512"},
		{"a path that is not ASCII", "arn:aws:iam::123456789012:role/ä/x", RoleARN{}, `role path "/ä/" has a character that IAM does not allow`},
		{"a blank inside", "arn:aws:iam::123456789012:role/c i", RoleARN{}, "has a blank at character 33"},
		{"a newline at the end", "arn:aws:iam::123456789012:role/ci\n", RoleARN{}, "has a newline at character 34"},
		{"a carriage return", "arn:aws:iam::123456789012:role/ci\r\n", RoleARN{}, "has a carriage return at character 34"},
		{"a tab in front", "\tarn:aws:iam::123456789012:role/ci", RoleARN{}, "has a tab at character 1"},
		{"a zero-width space", "arn:aws:iam::123456789012:role/ä\u200bci", RoleARN{}, "has the character U+200B at character 33"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseRoleARN(c.in)
			if msg := message(err); msg != c.err {
				t.Errorf("error %q, want %q", msg, c.err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if err == nil && got.String() != c.in {
				t.Errorf("written again it is %q", got)
			}
		})
	}
}

func TestSessionsOfRolesAreRead(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     AssumedRole
		err      string
	}{
		{"a job's", "arn:aws:sts::123456789012:assumed-role/ci/grp-proj-42", AssumedRole{"aws", "123456789012", "ci", "grp-proj-42"}, ""},
		{"a node's", "arn:aws-cn:sts::123456789012:assumed-role/node/i-0abc", AssumedRole{"aws-cn", "123456789012", "node", "i-0abc"}, ""},
		{"a user", "arn:aws:iam::123456789012:user/ci", AssumedRole{}, `names the service "iam", not "sts"`},
		{"without a session", "arn:aws:sts::123456789012:assumed-role/ci", AssumedRole{}, "is not of the form assumed-role/ROLE/SESSION"},
		{"a federated user", "arn:aws:sts::123456789012:federated-user/a/b", AssumedRole{}, "is not of the form assumed-role/ROLE/SESSION"},
		{"an empty session", "arn:aws:sts::123456789012:assumed-role/ci/", AssumedRole{}, "has no session name"},
		{"a bad account", "arn:aws:sts::1:assumed-role/ci/s", AssumedRole{}, `account "1" has 1 digits, not 12`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseAssumedRole(c.in)
			if msg := message(err); msg != c.err {
				t.Errorf("error %q, want %q", msg, c.err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if err == nil && got.String() != c.in {
				t.Errorf("written again it is %q", got)
			}
		})
	}
}

func TestRegionsHaveThePartitionThatTheirNameSays(t *testing.T) {
	got := map[string]string{}
	want := map[string]string{
		"": "aws", "eu-central-1": "aws", "us-east-1": "aws", "aws-global": "aws",
		"cn-north-1": "aws-cn", "aws-cn-global": "aws-cn",
		"us-gov-west-1": "aws-us-gov", "us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b",
		"eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f", "eusc-de-east-1": "aws-eusc",
	}
	for region := range want {
		got[region] = PartitionOfRegion(region)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzParseRoleARN: what is taken is written again as it was.
func FuzzParseRoleARN(f *testing.F) {
	f.Add("arn:aws:iam::123456789012:role/a/b")
	f.Add("arn:aws:iam::::")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseRoleARN(s); err == nil && a.String() != s {
			t.Errorf("%q is written again as %q", s, a)
		}
	})
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
