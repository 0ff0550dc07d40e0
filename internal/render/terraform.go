package render

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// terraformFiles are a module that makes the roles, and the provider and the
// bucket where the description says so. It has no variables: the description
// has them.
func terraformFiles(d Description) []File {
	files := []File{
		{"terraform/versions.tf", terraformVersions(d)},
		{"terraform/runner.tf", terraformRunner(d)},
	}
	if yes(d.CreateProvider) {
		files = append(files, File{"terraform/provider.tf", terraformProvider(d)})
	}
	if len(d.Jobs) > 0 {
		files = append(files, File{"terraform/jobs.tf", terraformJobs(d)})
	}
	if d.hasCache() && yes(d.Cache.CreateBucket) {
		files = append(files, File{"terraform/bucket.tf", terraformBucket(d)})
	}
	return files
}

// terraformVersions asks for 5.81 where the provider is made: from then on
// thumbprint_list may be left out.
// https://github.com/hashicorp/terraform-provider-aws/pull/37255
func terraformVersions(d Description) string {
	least := ">= 5.0"
	if yes(d.CreateProvider) {
		least = ">= 5.81"
	}
	region := d.Region.Text
	if d.hasCache() {
		region = d.Cache.Region.Text // the only thing made here that has one
	}
	return block("terraform",
		block("required_providers", value("aws", "{\n"+attributes(pair{"source", iam.HCLString("hashicorp/aws")}, pair{"version", iam.HCLString(least)})+"}"))) +
		"\n" + block(`provider "aws"`, attributes(
		pair{"region", iam.HCLString(region)},
		pair{"allowed_account_ids", "[" + iam.HCLString(d.Account.Text) + "]"},
	))
}

// terraformProvider leaves the thumbprints out: AWS trusts the issuer's
// certificate by its library of certificate authorities.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
func terraformProvider(d Description) string {
	return resource("aws_iam_openid_connect_provider", "cluster", attributes(
		pair{"url", iam.HCLString(d.Issuer.Text)},
		pair{"client_id_list", "[" + iam.HCLString(d.Audience.Text) + "]"},
	))
}

const providerAddress = "aws_iam_openid_connect_provider.cluster"

func terraformRunner(d Description) string {
	var b strings.Builder
	b.WriteString(terraformRole(d, "runner", d.Runner.Role.Text, d.Runner.ServiceAccount.Text))
	if grants := d.runnerGrants(); grants != nil {
		b.WriteString("\n" + rolePolicy("runner_cache", "runner", cachePolicy, grants))
	}
	if d.hasCache() && d.Cache.Role.Known() {
		trust := iam.RoleTrust{RoleARN: d.roleARN(d.Runner.Role.Text)}
		// IAM takes a role's ARN for a principal only where the role is there.
		b.WriteString("\n" + resource("aws_iam_role", "cache",
			attributes(pair{"name", iam.HCLString(d.Cache.Role.Text)}),
			argument(trust.Terraform()),
			"\n", value("depends_on", "[aws_iam_role.runner]")))
		b.WriteString("\n" + rolePolicy("cache", "cache", cachePolicy, d.access().Grants()))
	}
	return b.String()
}

// terraformRole makes a role that a service account's token is admitted to.
func terraformRole(d Description, label, role, account string) string {
	parts := []string{attributes(pair{"name", iam.HCLString(role)}), argument(d.trust(account).Terraform())}
	if yes(d.CreateProvider) {
		parts = append(parts, "\n", value("depends_on", "["+providerAddress+"]"))
	}
	return resource("aws_iam_role", label, parts...)
}

// The names of the policies within the roles.
const (
	cachePolicy = "ci-aws-cache"
	jobPolicy   = "ci-aws-job"
)

func rolePolicy(label, role, name string, grants []iam.Grant) string {
	return resource("aws_iam_role_policy", label,
		attributes(pair{"name", iam.HCLString(name)}, pair{"role", "aws_iam_role." + role + ".name"}),
		argument(iam.PermissionTerraform(grants)))
}

func terraformJobs(d Description) string {
	labels := terraformLabels(d.accounts())
	var all []string
	for i, j := range d.Jobs {
		label := "job_" + labels[i]
		all = append(all, terraformRole(d, label, j.Role.Text, j.ServiceAccount.Text))
		for n, arn := range j.PolicyARNs {
			all = append(all, resource("aws_iam_role_policy_attachment", fmt.Sprintf("%s_%d", label, n+1), attributes(
				pair{"role", "aws_iam_role." + label + ".name"},
				pair{"policy_arn", iam.HCLString(arn.Text)},
			)))
		}
		if grants := j.grants(); grants != nil {
			all = append(all, rolePolicy(label, label, jobPolicy, grants))
		}
	}
	return strings.Join(all, "\n")
}

// terraformLabels are the names of resources for service accounts.
func terraformLabels(accounts []string) []string {
	return unique(accounts, func(r rune) rune {
		if r == '-' || r == '.' {
			return '_'
		}
		return r
	})
}

func terraformBucket(d Description) string {
	of := pair{"bucket", "aws_s3_bucket.cache.id"}
	encryption := attributes(pair{"sse_algorithm", iam.HCLString("AES256")})
	rule := block("apply_server_side_encryption_by_default", encryption)
	if d.Cache.KMSKey.Known() {
		encryption = attributes(pair{"sse_algorithm", iam.HCLString("aws:kms")}, pair{"kms_master_key_id", iam.HCLString(d.Cache.KMSKey.Text)})
		// One key for the bucket's objects in place of a call for each of them.
		rule = block("apply_server_side_encryption_by_default", encryption) + attributes(pair{"bucket_key_enabled", "true"})
	}
	return strings.Join([]string{
		resource("aws_s3_bucket", "cache", attributes(pair{"bucket", iam.HCLString(d.Cache.Bucket.Text)})),
		resource("aws_s3_bucket_public_access_block", "cache", attributes(of), "\n", attributes(
			pair{"block_public_acls", "true"}, pair{"block_public_policy", "true"},
			pair{"ignore_public_acls", "true"}, pair{"restrict_public_buckets", "true"},
		)),
		resource("aws_s3_bucket_server_side_encryption_configuration", "cache", attributes(of), "\n", block("rule", rule)),
		resource("aws_s3_bucket_lifecycle_configuration", "cache", attributes(of), "\n", block("rule",
			attributes(pair{"id", iam.HCLString("expire")}, pair{"status", iam.HCLString("Enabled")}), "\n",
			"filter {}\n", "\n",
			block("expiration", attributes(pair{"days", d.Cache.ExpireDays.Text})), "\n",
			block("abort_incomplete_multipart_upload", attributes(pair{"days_after_initiation", "1"})),
		)),
	}, "\n")
}

// pair is an argument whose value is HCL of one line.
type pair struct{ name, value string }

// attributes writes arguments of one line each, their equals signs aligned as
// `terraform fmt` does.
func attributes(pairs ...pair) string {
	width := 0
	for _, p := range pairs {
		width = max(width, utf8.RuneCountInString(p.name))
	}
	var b strings.Builder
	for _, p := range pairs {
		fmt.Fprintf(&b, "%-*s = %s\n", width, p.name, p.value)
	}
	return b.String()
}

// value writes one argument by itself; the lines within a value of several are
// indented.
func value(name, text string) string {
	lines := strings.Split(text, "\n")
	for i := 1; i < len(lines)-1; i++ {
		lines[i] = "  " + lines[i]
	}
	return name + " = " + strings.Join(lines, "\n") + "\n"
}

// argument is one that internal/iam wrote, indented already.
func argument(text string) string { return text + "\n" }

func resource(kind, label string, body ...string) string {
	return block(fmt.Sprintf("resource %q %q", kind, label), body...)
}

// block writes a block of HCL with its body indented by two spaces. No string
// of it has a line break in it, so that indenting lines changes no value.
func block(head string, body ...string) string {
	var b strings.Builder
	b.WriteString(head + " {\n")
	for line := range strings.Lines(strings.Join(body, "")) {
		if line != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String() + "}\n"
}
