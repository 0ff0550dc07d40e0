package render

import (
	"encoding/json"
	"fmt"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// iamFiles are the policies as JSON, named by their roles, and a file of the
// commands that make the same as the Terraform module.
func iamFiles(d Description) []File {
	files := []File{{"iam/commands.sh", iamCommands(d)}}
	add := func(role, kind, text string) {
		files = append(files, File{"iam/" + role + "." + kind + ".json", text + "\n"})
	}
	runner := d.Runner.Role.Text
	add(runner, "trust", d.trust(d.Runner.ServiceAccount.Text).JSON())
	if grants := d.runnerGrants(); grants != nil {
		add(runner, "policy", iam.PermissionJSON(grants))
	}
	if d.hasCache() && d.Cache.Role.Known() {
		add(d.Cache.Role.Text, "trust", iam.RoleTrust{RoleARN: d.roleARN(runner)}.JSON())
		add(d.Cache.Role.Text, "policy", iam.PermissionJSON(d.access().Grants()))
	}
	for _, j := range d.Jobs {
		add(j.Role.Text, "trust", d.trust(j.ServiceAccount.Text).JSON())
		if grants := j.grants(); grants != nil {
			add(j.Role.Text, "policy", iam.PermissionJSON(grants))
		}
	}
	return files
}

// command is a line for a POSIX shell. A flag's value stands in one word with
// its flag, since it may start with a dash.
func command(words ...string) string {
	for i, w := range words {
		words[i] = report.ShellWord(w)
	}
	return strings.Join(words, " ") + "\n"
}

func iamCommands(d Description) string {
	var b strings.Builder
	b.WriteString("# Makes what terraform/ makes, for those without Terraform, once: run it as `sh iam/commands.sh`\n")
	b.WriteString("# with credentials of account " + d.Account.Text + ". A line that fails ends it.\n")
	b.WriteString("set -eu\ncd \"$(dirname \"$0\")\"\n")
	b.WriteString("account=$(aws sts get-caller-identity --query Account --output text)\n")
	fmt.Fprintf(&b, "test \"$account\" = %s || { echo \"these are credentials of account $account\" >&2; exit 1; }\n", d.Account.Text)
	if yes(d.CreateProvider) {
		b.WriteString("\n" + d.trust("").ProviderCommand() + "\n")
	}
	policy := cachePolicy
	role := func(name string, grants []iam.Grant) {
		b.WriteString("\n" + command("aws", "iam", "create-role", "--role-name="+name, "--assume-role-policy-document=file://"+name+".trust.json"))
		if grants != nil {
			b.WriteString(command("aws", "iam", "put-role-policy", "--role-name="+name, "--policy-name="+policy, "--policy-document=file://"+name+".policy.json"))
		}
	}
	role(d.Runner.Role.Text, d.runnerGrants())
	if d.hasCache() && d.Cache.Role.Known() {
		// A role is no principal until it is there everywhere.
		b.WriteString("\n" + command("aws", "iam", "wait", "role-exists", "--role-name="+d.Runner.Role.Text))
		role(d.Cache.Role.Text, d.access().Grants())
	}
	policy = jobPolicy
	for _, j := range d.Jobs {
		role(j.Role.Text, j.grants())
		for _, arn := range j.PolicyARNs {
			b.WriteString(command("aws", "iam", "attach-role-policy", "--role-name="+j.Role.Text, "--policy-arn="+arn.Text))
		}
	}
	if d.hasCache() && yes(d.Cache.CreateBucket) {
		b.WriteString("\n" + bucketCommands(d))
	}
	return b.String()
}

func bucketCommands(d Description) string {
	bucket, region := "--bucket="+d.Cache.Bucket.Text, "--region="+d.Cache.Region.Text
	create := []string{"aws", "s3api", "create-bucket", bucket, region}
	// The one region that a bucket is in where none is named.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
	if d.Cache.Region.Text != "us-east-1" {
		create = append(create, "--create-bucket-configuration=LocationConstraint="+d.Cache.Region.Text)
	}
	standard := object{"SSEAlgorithm": "AES256"}
	rule := object{"ApplyServerSideEncryptionByDefault": standard}
	if d.Cache.KMSKey.Known() {
		standard["SSEAlgorithm"], standard["KMSMasterKeyID"], rule["BucketKeyEnabled"] = "aws:kms", d.Cache.KMSKey.Text, true
	}
	lifecycle := object{
		"ID": "expire", "Status": "Enabled", "Filter": object{},
		"Expiration":                     object{"Days": json.Number(d.Cache.ExpireDays.Text)},
		"AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 1},
	}
	return command(create...) +
		command("aws", "s3api", "put-public-access-block", bucket, region, "--public-access-block-configuration=BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true") +
		command("aws", "s3api", "put-bucket-encryption", bucket, region, "--server-side-encryption-configuration="+compact(object{"Rules": []object{rule}})) +
		command("aws", "s3api", "put-bucket-lifecycle-configuration", bucket, region, "--lifecycle-configuration="+compact(object{"Rules": []object{lifecycle}}))
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("%T does not encode", v))
	}
	return string(text)
}
