package cli_test

import "strings"

// healthyConfig is the configuration of the reference set-up's runner.
const healthyConfig = `concurrent = 10

[[runners]]
  name = "eks-1"
  url = "https://gitlab.example.com"
  executor = "kubernetes"
  [runners.kubernetes]
    namespace = "gitlab"
    service_account = "gitlab-jobs"
  [runners.cache]
    Type = "s3"
    Shared = true
    [runners.cache.s3]
      BucketName = "my-super-duper-gitlab-runner-cache"
      BucketLocation = "eu-central-1"
`

// config writes the runner's configuration with some texts replaced.
func (p *place) config(oldNew ...string) {
	p.t.Helper()
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(healthyConfig, oldNew[i]) {
			p.t.Fatalf("no %q in the configuration", oldNew[i])
		}
	}
	p.file("config.toml", strings.NewReplacer(oldNew...).Replace(healthyConfig))
}

// runnerSetups are broken in the runner's config.toml.
func runnerSetups() []setup {
	read := []string{"--config", "config.toml"}
	config := func(oldNew ...string) func(*place) { return func(p *place) { p.config(oldNew...) } }
	const (
		account = `    service_account = "gitlab-jobs"` + "\n"
		name    = `  name = "eks-1"` + "\n"
		s3      = "    [runners.cache.s3]\n"
	)
	in := func(section string, lines ...string) func(*place) {
		return config(section, section+strings.Join(lines, "\n")+"\n")
	}
	rows := []setup{
		{kase: "config-unreadable", name: "a path that is not there", lead: "/home/gitlab-runner/.gitlab-runner/config.toml"},
		{kase: "config-syntax", name: "a quote is missing", edit: config(`"gitlab-jobs"`, `"glrt-a-token-of-the-runner`), lead: "correct that line"},
		{kase: "config-no-runner", name: "the file before registration", edit: func(p *place) { p.file("config.toml", "concurrent = 10\n") }, lead: "config.template.toml"},
		{
			kase: "config-many-runners", name: "two runners, and none named", edit: func(p *place) {
				p.file("config.toml", healthyConfig+strings.Replace(healthyConfig[strings.Index(healthyConfig, "[[runners]]"):], "eks-1", "eks-2", 1))
			},
			lead: "give the name of the one whose jobs fail",
		},
		{kase: "config-no-such-runner", name: "a slip", args: []string{"--runner", "eks-l"}, edit: config(), lead: `a slip of "eks-1"`},
		{kase: "config-no-such-runner", name: "another runner's file", args: []string{"--runner", "fargate"}, edit: config(), lead: "it is another runner's file"},
		{kase: "runner-key-slip", name: "a letter too few", edit: in(account, "    service_acount_overwrite_allowed = \"^x$\""), fix: []string{"rename or move it"}},
		{
			kase: "runner-key-lost", name: "a letter too few in service_account", args: []string{"--as", "runner"}, edit: config("    service_account =", "    service_acount ="),
			lead: "write the key as service_account in [runners.kubernetes]",
		},
		{kase: "runner-key-lost", name: "a misspelt bucket", edit: config("BucketName", "BuketName"), lead: "write the key as BucketName in [runners.cache.s3]"},
		{kase: "runner-not-kubernetes", name: "the shell executor", edit: config(`"kubernetes"`, `"shell"`), lead: "GitLab's ID tokens"},
		{
			kase: "runner-account-name", name: "namespace and name", args: []string{"--as", "runner"}, edit: config(`"gitlab-jobs"`, `"gitlab/gitlab-jobs"`),
			lead: "give the name alone", fix: []string{`service_account = "gitlab-jobs"`},
		},
		{kase: "runner-default-account", name: "no service_account", edit: config(account, ""), lead: "set service_account in [runners.kubernetes]", fix: []string{`service_account = "SERVICE-ACCOUNT"`}},
		{kase: "overwrite-invalid", name: "a bracket is missing", edit: in(account, `    service_account_overwrite_allowed = "^(a|b$"`), lead: "^(one|other)$"},
		{kase: "overwrite-anything", name: "any name", edit: in(account, `    service_account_overwrite_allowed = ".*"`), fix: []string{`service_account_overwrite_allowed = "^gitlab-jobs$"`}},
		{kase: "overwrite-unanchored", name: "no anchors", edit: in(account, `    service_account_overwrite_allowed = "gitlab-jobs"`), lead: "between ^( and )$", fix: []string{`service_account_overwrite_allowed = "^gitlab-jobs$"`}},
		{
			kase: "overwrite-pattern", name: "all accounts that start alike", edit: in(account, `    service_account_overwrite_allowed = "gitlab-.*"`),
			lead: "between ^( and )$", fix: []string{`service_account_overwrite_allowed = "^gitlab-jobs$"`},
		},
		{kase: "overwrite-pattern", name: "with anchors", edit: in(account, `    service_account_overwrite_allowed = "^(gitlab-.*)$"`), fix: []string{`service_account_overwrite_allowed = "^gitlab-jobs$"`}},
		{
			kase: "environment-identity", name: "a role for every job", edit: in(name, `  environment = ["GIT_DEPTH=1", "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/ci"]`),
			lead: "remove AWS_ROLE_ARN from `environment` in [[runners]]", fix: []string{"eks.amazonaws.com/role-arn", "CI_AWS_ROLE_ARN"},
		},
		{kase: "environment-identity", name: "a token file for every job", edit: in(name, `  environment = ["AWS_WEB_IDENTITY_TOKEN_FILE=/token"]`), lead: "remove AWS_WEB_IDENTITY_TOKEN_FILE"},
		{
			kase: "environment-keys", name: "a key for every job", edit: in(name, `  environment = ["AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG"]`),
			lead: "remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) from `environment` in [[runners]]",
		},
		{kase: "environment-half-keys", name: "half a key", edit: in(name, `  environment = ["AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"]`), lead: "remove AWS_ACCESS_KEY_ID from `environment` in [[runners]]"},
		{kase: "environment-profile", name: "a profile for every job", edit: in(name, `  environment = ["AWS_PROFILE=ci"]`), lead: "remove AWS_PROFILE from `environment` in [[runners]]"},
		{kase: "cache-none", name: "no cache", edit: func(p *place) {
			p.file("config.toml", healthyConfig[:strings.Index(healthyConfig, "  [runners.cache]")])
		}, lead: `Type = "s3"`},
		{kase: "cache-elsewhere", name: "Google's storage", edit: config(`"s3"`, `"gcs"`), lead: `Type = "s3"`},
		{kase: "cache-type-unknown", name: "a capital S", edit: config(`"s3"`, `"S3"`), lead: `set Type = "s3" and restart the runner`},
		{kase: "cache-type-missing", name: "no Type", edit: config(`    Type = "s3"`+"\n", ""), lead: `set Type = "s3" in [runners.cache]`},
		{kase: "cache-flat", name: "settings of runner 11.2", edit: in("    Shared = true\n", `    BucketName = "cache"`), lead: "to [runners.cache.s3]"},
		{kase: "cache-bucket-missing", name: "no BucketName", edit: config(`      BucketName = "my-super-duper-gitlab-runner-cache"`+"\n", ""), lead: "set BucketName and BucketLocation"},
		{kase: "cache-bucket-name", name: "a path in the name", edit: config("my-super-duper-gitlab-runner-cache", "cache/path"), lead: "Path in [runners.cache]"},
		{kase: "cache-region-missing", name: "no BucketLocation", edit: config(`      BucketLocation = "eu-central-1"`+"\n", ""), lead: "set BucketLocation in [runners.cache.s3]"},
		{kase: "cache-auth-unknown", name: "a type that is none", edit: in(s3, `      AuthenticationType = "role"`), lead: "set it to iam, or leave it out"},
		{kase: "cache-keys-missing", name: "access-key, and no key", edit: in(s3, `      AuthenticationType = "access-key"`), lead: "set it to iam"},
		{
			kase: "cache-static-keys", name: "a stored key", edit: in(s3, `      AuthenticationType = "access-key"`, `      AccessKey = "AKIAIOSFODNN7EXAMPLE"`, `      SecretKey = "wJalrXUtnFEMI/K7MDENG"`),
			lead: `set AuthenticationType = "iam"`,
		},
		{kase: "cache-keys-ignored", name: "keys, and no AuthenticationType", edit: in(s3, `      AccessKey = "AKIAIOSFODNN7EXAMPLE"`, `      SecretKey = "wJalrXUtnFEMI/K7MDENG"`), lead: "remove AccessKey and SecretKey"},
		{
			kase: "cache-role-malformed", name: "three colons, as the runner's documents had it", edit: in(s3, `      RoleARN = "arn:aws:iam:::123456789012:role/cache"`),
			lead: "with two colons after iam",
		},
		{kase: "cache-upload-role", name: "UploadRoleARN", edit: in(s3, `      UploadRoleARN = "arn:aws:iam::123456789012:role/cache"`), lead: "write it as RoleARN", fix: []string{`RoleARN = "arn:aws:iam::123456789012:role/cache"`}},
		{kase: "cache-encryption-unknown", name: "a kind that is none", edit: in(s3, `      ServerSideEncryption = "SSE-KMS"`), lead: "S3, KMS or DSSE-KMS"},
		{kase: "cache-not-shared", name: "Shared is not set", edit: config("    Shared = true\n", ""), lead: "set Shared = true"},
	}
	for i := range rows {
		rows[i].args = append(rows[i].args, read...)
	}
	return rows
}
