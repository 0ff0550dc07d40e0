package iam

import "strings"

// CacheAccess is what a role may do in the bucket of a runner's cache: read the
// objects under a prefix and, if told so, write and delete them.
//
// https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnerscaches3-section
type CacheAccess struct {
	Partition string // of the bucket; empty means "aws"
	Bucket    string
	Prefix    string // "" is the whole bucket; slashes at its end do not count
	Write     bool   // and s3:PutObject
	Delete    bool   // and s3:DeleteObject, which the runner itself never asks for
	KMSKey    string // the ARN of the key that encrypts the objects; "" for none
}

// permission is one statement of a permission policy, or of a key's policy
// where it names a principal.
type permission struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  string
}

// statements gives the bucket's statement apart from its objects': the one is
// about the bucket itself, the other about what is in it. s3:ListBucket has no
// condition on s3:prefix, since a GET has no prefix: only without one S3 answers
// a missing object with 404 and not with 403.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (a CacheAccess) statements() []permission {
	bucket := "arn:" + a.partition() + ":s3:::" + literalResource(a.Bucket)
	objects := bucket + "/"
	if prefix := strings.TrimRight(a.Prefix, "/"); prefix != "" {
		objects += literalResource(prefix) + "/"
	}
	actions, key := []string{"s3:GetObject"}, []string{"kms:Decrypt"}
	if a.Write {
		actions, key = append(actions, "s3:PutObject"), append(key, "kms:GenerateDataKey")
	}
	if a.Delete {
		actions = append(actions, "s3:DeleteObject")
	}
	all := []permission{
		{Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: bucket},
		{Effect: "Allow", Action: actions, Resource: objects + "*"},
	}
	if a.KMSKey != "" {
		all = append(all, permission{Effect: "Allow", Action: key, Resource: literalResource(a.KMSKey)})
	}
	return all
}

func (a CacheAccess) partition() string {
	if a.Partition == "" {
		return "aws"
	}
	return a.Partition
}

// JSON gives the permission policy, indented by two spaces, without a final newline.
func (a CacheAccess) JSON() string {
	return indented(struct {
		Version   string
		Statement []permission
	}{Version, a.statements()})
}

// Terraform gives the same policy as a resource that attaches it to the role of
// that name, as `terraform fmt` leaves it, without a final newline. A role that
// the same module makes is better named by its resource, which the caller cannot
// know: a comment says so. The policy goes through jsonencode: the data source
// aws_iam_policy_document gives "&{" a meaning of its own.
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document
func (a CacheAccess) Terraform(role string) string {
	var statements []hclObject
	for _, s := range a.statements() {
		statements = append(statements, hclObject{{"Effect", s.Effect}, {"Action", s.Action}, {"Resource", s.Resource}})
	}
	policy := hclObject{{"Version", Version}, {"Statement", statements}}
	return strings.Join([]string{
		`resource "aws_iam_role_policy" "ci_aws_cache" {`,
		hclArgument("name", hclString("ci-aws-cache"), 1),
		"  # aws_iam_role.NAME.name where this module makes the role",
		hclArgument("role", hclString(role), 1),
		hclArgument("policy", "jsonencode("+hclValue(policy, 1)+")", 1),
		"}",
	}, "\n")
}

// KeyStatement gives the statement by which a KMS key's own policy lets a
// principal use the key for objects in S3. In a key's policy "*" is that key.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
func KeyStatement(principal string) string {
	return indented(permission{
		Sid: "CacheRole", Effect: "Allow", Principal: map[string]string{"AWS": principal},
		Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: "*",
	})
}

// literalResource keeps every character of a name from being read as a wildcard
// or as the start of a policy variable.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
func literalResource(s string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(s)
}
