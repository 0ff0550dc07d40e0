package iam

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGrantsAreWhatTheyWereMadeOf(t *testing.T) {
	grants := []Grant{
		{Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: []string{`arn:aws:s3:::b/${aws:username}/"*`}},
		{Effect: "Deny", Actions: []string{"*"}, Resources: []string{"*"}},
	}
	p, err := ParsePolicy([]byte(PermissionJSON(grants)))
	if err != nil {
		t.Fatal(err)
	}
	var got []Grant
	for _, s := range p.Statements {
		got = append(got, Grant{s.Effect, s.Action, s.Resource})
	}
	grants[0].Effect = "Allow"
	if diff := cmp.Diff(grants, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	want := `policy = jsonencode({
  Version = "2012-10-17"
  Statement = [
    {
      Effect = "Allow"
      Action = [
        "s3:GetObject",
        "s3:PutObject"
      ]
      Resource = ["arn:aws:s3:::b/$${aws:username}/\"*"]
    },
    {
      Effect   = "Deny"
      Action   = ["*"]
      Resource = ["*"]
    }
  ]
})`
	if diff := cmp.Diff(want, PermissionTerraform(grants)); diff != "" {
		t.Errorf("Terraform (-want +got):\n%s", diff)
	}
}

func TestGrantsOfACacheArePermittedByItsPolicy(t *testing.T) {
	a := CacheAccess{Bucket: "b", Prefix: "p", Write: true, KMSKey: "arn:aws:kms:eu-central-1:123456789012:key/1"}
	p, err := ParsePolicy([]byte(PermissionJSON(a.Grants())))
	if err != nil {
		t.Fatal(err)
	}
	for action, resource := range map[string]string{
		"s3:ListBucket": "arn:aws:s3:::b", "s3:GetObject": "arn:aws:s3:::b/p/x", "s3:PutObject": "arn:aws:s3:::b/p/x", "kms:GenerateDataKey": a.KMSKey,
	} {
		if got := p.Evaluate(Request{Action: action, Resource: resource}).Decision; got != Allowed {
			t.Errorf("%s on %s: %v", action, resource, got)
		}
	}
}

func TestARoleIsTrustedByItsARN(t *testing.T) {
	const runner = "arn:aws:iam::123456789012:role/runner"
	p, err := ParsePolicy([]byte(RoleTrust{runner}.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	for arn, want := range map[string]Decision{runner: Allowed, runner + "x": NotAllowed} {
		got := p.Evaluate(Request{Principal: []Principal{{"AWS", arn}}, Action: "sts:AssumeRole"}).Decision
		if got != want {
			t.Errorf("%s: %v, want %v", arn, got, want)
		}
	}
	want := `assume_role_policy = jsonencode({
  Version = "2012-10-17"
  Statement = [
    {
      Effect = "Allow"
      Principal = {
        AWS = "arn:aws:iam::123456789012:role/runner"
      }
      Action = "sts:AssumeRole"
    }
  ]
})`
	if diff := cmp.Diff(want, RoleTrust{runner}.Terraform()); diff != "" {
		t.Errorf("Terraform (-want +got):\n%s", diff)
	}
}
