package cli_test

import (
	"os"
	"path/filepath"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

const otherRole = "arn:aws:iam::123456789012:role/deploy"

// podSetups are broken in what the job brings: identity, token, role, settings.
func podSetups() []setup {
	return []setup{
		{
			kase: "no-identity", row: "P1", name: "the service account has no annotation", edit: (*place).bare,
			lead: `"system:serviceaccount:gitlab:gitlab-jobs", has no role annotation`,
			fix:  []string{"kubectl annotate --overwrite --namespace=gitlab serviceaccount/gitlab-jobs eks.amazonaws.com/role-arn=", "start a new job"},
		},
		{
			kase: "no-identity", row: "P2", name: "the webhook missed the pod", edit: func(p *place) { p.bare(); p.remove(podFile) },
			lead: "has no role annotation", fix: []string{"the EKS webhook missed this pod", "start the job again"},
		},
		{
			kase: "no-identity", row: "P16", name: "the metadata service is out of reach", edit: func(p *place) {
				p.bare()
				p.env["AWS_EC2_METADATA_DISABLED"] = "true"
			},
			lead: "has no role annotation",
		},
		{
			kase: "no-identity", name: "AWS_ROLE_ARN by hand, and no token", edit: func(p *place) {
				p.bare()
				p.env["AWS_ROLE_ARN"] = awsfake.JobRole
			},
			fix: []string{"AWS_ROLE_ARN was set by hand", "role-arn=" + awsfake.JobRole},
		},
		{
			kase: "no-identity", name: "half of Pod Identity", edit: func(p *place) {
				p.bare()
				p.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = p.cloud.PodIdentityURL()
			},
			lead: "just one is set, AWS_CONTAINER_CREDENTIALS_FULL_URI",
		},
		{
			kase: "default-service-account", row: "P4", name: "the runner's service_account is not set",
			edit: func(p *place) { p.bare(); p.ordinary(awsfake.PodToken{ServiceAccount: "default"}) },
			lead: "service_account is not set", fix: []string{"[runners.kubernetes]", `service_account = "`},
		},
		{
			kase: "account-of-pod", name: "the overwrite was ignored, and there is no identity", edit: func(p *place) {
				p.bare()
				p.ordinary(awsfake.PodToken{ServiceAccount: "default"})
				p.env["KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"] = "gitlab-jobs"
			},
			lead: "ignored KUBERNETES_SERVICE_ACCOUNT_OVERWRITE",
			fix:  []string{`service_account_overwrite_allowed = "^gitlab-jobs$"`},
		},
		{
			kase: "id-token-missing", name: "the job asks for no ID token", args: []string{"--source", "gitlab"}, edit: (*place).bare,
			lead: "id_tokens: { CI_AWS_ID_TOKEN:",
		},
		{
			kase: "irsa-missing", name: "the service account has no annotation", args: []string{"--source", "irsa"}, edit: (*place).bare,
			lead: `"system:serviceaccount:gitlab:gitlab-jobs", has no role annotation`, fix: []string{"kubectl annotate --overwrite --namespace=gitlab serviceaccount/gitlab-jobs"},
		},
		{
			kase: "pod-identity-missing", row: "P3", name: "the webhook missed the pod", args: []string{"--source", "pod-identity"}, edit: (*place).bare,
			lead: "no EKS Pod Identity association", fix: []string{"aws eks create-pod-identity-association", "the EKS webhook missed this pod"},
		},
		{
			kase: "pod-identity-missing", name: "half of it was set by hand", args: []string{"--source", "pod-identity"}, edit: func(p *place) {
				p.bare()
				p.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/x"
			},
			lead: "something else than EKS set AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		},
		{
			kase: "ambient-missing", name: "the secret is a protected variable", args: []string{"--source", "ambient"}, edit: func(p *place) {
				p.bare()
				p.env["AWS_ACCESS_KEY_ID"] = "AKIAIOSFODNN7EXAMPLE"
			},
			lead: "AWS_SECRET_ACCESS_KEY was forgotten, or is a protected variable", fix: []string{"leave out --source"},
		},
		{
			kase: "token-missing", row: "P8", name: "a path that is not there",
			edit: func(p *place) { p.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nofile" },
			lead: "AWS_WEB_IDENTITY_TOKEN_FILE names a path of another container", fix: []string{"remove that setting"},
		},
		{
			kase: "token-missing", row: "P7", name: "the container is left out by an annotation", edit: func(p *place) { p.remove(webhookFile) },
			fix: []string{"eks.amazonaws.com/skip-containers"},
		},
		{
			kase: "token-permission", row: "P9", name: "root's token, and an image with another user", edit: (*place).unreadable,
			lead: "set fs_group", fix: []string{"[runners.kubernetes.pod_security_context]", "fs_group = "},
		},
		{
			kase: "token-unreadable", name: "a folder in place of the file",
			edit: func(p *place) {
				p.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = filepath.Dir(filepath.Join(p.root, webhookFile))
			},
			lead: "AWS_WEB_IDENTITY_TOKEN_FILE does not name a token",
		},
		{
			kase: "token-malformed", name: "a variable that was not expanded",
			edit: func(p *place) { p.unset("AWS_ROLE_ARN"); p.env["CI_AWS_ID_TOKEN"] = "$ID_TOKEN" },
			lead: "look at what CI_AWS_ID_TOKEN names",
		},
		{
			kase: "token-malformed", name: "a file of two lines", edit: func(p *place) { p.file(webhookFile, "one\ntwo") },
			lead: "look at what AWS_WEB_IDENTITY_TOKEN_FILE names",
		},
		{
			kase: "role-missing", row: "P13", name: "a token, and no role", edit: func(p *place) { p.unset("AWS_ROLE_ARN") },
			lead: `"system:serviceaccount:gitlab:gitlab-jobs", has no annotation`, fix: []string{"kubectl annotate --overwrite --namespace=gitlab serviceaccount/gitlab-jobs"},
		},
		{
			kase: "role-missing-gitlab", name: "an ID token, and no role of its own",
			edit: func(p *place) { p.gitlab(awsfake.JobToken{}); p.unset("CI_AWS_ROLE_ARN") }, lead: "set the component's input role-arn, or CI_AWS_ROLE_ARN",
		},
		{
			kase: "role-arn-malformed", name: "an account of 11 digits",
			edit: func(p *place) { p.env["AWS_ROLE_ARN"] = "arn:aws:iam::12345678901:role/x" }, lead: "AWS_ROLE_ARN has a typo",
		},
		{
			kase: "role-arn-malformed", name: "four colons",
			edit: func(p *place) { p.env["AWS_ROLE_ARN"] = "arn:aws:iam::::123456789012:role/x" }, lead: "write it as arn:aws:iam::ACCOUNT:role/NAME",
		},
		{
			kase: "role-arn-malformed", name: "a line break at its end",
			edit: func(p *place) { p.env["AWS_ROLE_ARN"] = awsfake.JobRole + "\n" }, lead: "write it as \"" + awsfake.JobRole + "\"",
		},
		{
			kase: "role-arn-malformed", name: "a variable that was not expanded",
			edit: func(p *place) { p.env["CI_AWS_ROLE_ARN"] = "$JOB_ROLE" }, lead: "not defined for this job, or is protected",
		},
		{
			kase: "role-partition", name: "a role of China in Frankfurt",
			edit: func(p *place) { p.env["AWS_ROLE_ARN"] = "arn:aws-cn:iam::123456789012:role/jobs" }, lead: "the region (AWS_REGION)",
		},
		{
			kase: "region-missing", row: "P14", name: "GitLab's issuer tells no region",
			edit: func(p *place) { p.gitlab(awsfake.JobToken{}); p.unset("AWS_REGION") }, lead: "set the component's input region, or CI_AWS_REGION",
		},
		{
			kase: "region-malformed", name: "an underscore", edit: func(p *place) { p.env["AWS_REGION"] = "eu_central_1" },
			lead: "AWS_REGION has a typo",
		},
		{
			kase: "sdk-settings", name: "a retry mode that is none", edit: func(p *place) { p.env["AWS_RETRY_MODE"] = "quick" },
			lead: "AWS_RETRY_MODE has a typo",
		},
		{
			kase: "ca-bundle", name: "a file that is not there", edit: func(p *place) { p.env["AWS_CA_BUNDLE"] = "/etc/nofile.pem" },
			lead: "let it name a PEM file",
		},
		{
			kase: "ca-bundle", name: "a file without certificates", edit: func(p *place) { p.env["AWS_CA_BUNDLE"] = p.file("etc/empty.pem", "none") },
			lead: "let it name a PEM file",
		},
		{
			kase: "endpoint-insecure", name: "http to another host", edit: func(p *place) { p.env["AWS_ENDPOINT_URL_STS"] = "http://sts.example.com" },
			lead: "remove AWS_ENDPOINT_URL_STS",
		},
		{
			kase: "endpoint-foreign", name: "a host that is not AWS's", edit: func(p *place) { p.env["AWS_ENDPOINT_URL"] = "https://sts.example.com"; p.unset("AWS_ENDPOINT_URL_STS") },
			lead: `--allow-endpoint-host "sts.example.com"`,
		},
		{
			kase: "endpoint-malformed", name: "no scheme", edit: func(p *place) { p.env["AWS_ENDPOINT_URL_STS"] = "sts.example.com:443" },
			lead: "write it as https://HOST",
		},
		{
			kase: "account-refused", name: "a role of an account that is not in the list",
			edit: func(p *place) { p.env["CI_AWS_ALLOWED_ACCOUNT"] = "210987654321" }, lead: "than CI_AWS_ALLOWED_ACCOUNT says",
		},
		{
			kase: "account-unknown", name: "an endpoint that tells no account", args: []string{"--allowed-account", awsfake.Account}, edit: untold,
			lead: "leave out --allowed-account",
		},
		{
			kase: "identity-differs", name: "two endpoints of two clouds", args: []string{"whoami", "--verify"}, edit: func(p *place) {
				p.answer("GetCallerIdentity", 200, caller("arn:aws:sts::210987654321:assumed-role/other/x", "210987654321"))
			},
			lead: "check the endpoint settings (AWS_ENDPOINT_URL_STS)",
		},
	}
}

// unreadable gives the pod a token that only root can read, and another user;
// where the test is no root, nobody can read it.
func (p *place) unreadable() {
	p.t.Helper()
	mode := os.FileMode(0o600)
	if os.Getuid() == 0 {
		p.uid = 1000
	} else {
		mode = 0
	}
	check(p.t, os.Chmod(filepath.Join(p.root, webhookFile), mode))
}

// untold is a service that speaks as STS does, and tells neither ARN nor account.
func untold(p *place) {
	p.env["AWS_ROLE_ARN"] = "arn:minio:iam:::role/jobs"
	p.answer("AssumeRoleWithWebIdentity", 200, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>`+
		`<Credentials><AccessKeyId>minio</AccessKeyId><SecretAccessKey>secret-of-minio</SecretAccessKey><SessionToken>token-of-minio</SessionToken>`+
		`<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
	p.answer("GetCallerIdentity", 501, refusal("NotImplemented", "not here"))
}

func caller(arn, account string) string {
	return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>` + arn +
		`</Arn><UserId>AROAEXAMPLE:x</UserId><Account>` + account + `</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
}
