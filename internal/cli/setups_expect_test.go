package cli_test

import (
	"slices"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// sharedConfig gives job pods the service account of the reference set-up's jobs.
const sharedConfig = "[[runners]]\n  name = \"eks\"\n  executor = \"kubernetes\"\n  [runners.kubernetes]\n    service_account = \"gitlab-jobs\"\n"

// expectSetups are broken by what was expected of the manager, of the job, and of
// the role, where the fix must not do harm to another.
func expectSetups() []setup {
	config := func(text string) func(*place) {
		return func(p *place) { p.file("config.toml", text) }
	}
	asRunner := []string{"--as", "runner", "--config", "config.toml"}
	manager := append(slices.Clip(asRunner), "--expect-service-account", "gitlab/gitlab-runner")
	jobLines := []string{"service_account =", "kubectl annotate"}
	return []setup{
		{
			kase: "account-of-manager", name: "another account than the manager's", args: manager,
			edit: func(p *place) { p.token(awsfake.PodToken{ServiceAccount: "other"}); config(sharedConfig)(p) },
			lead: "serviceAccount.name of the Helm chart", not: jobLines,
		},
		{
			kase: "account-of-manager", name: "a slip", args: manager,
			edit: func(p *place) { p.token(awsfake.PodToken{ServiceAccount: "gitlab-runne"}); config(sharedConfig)(p) },
			lead: "is a slip", not: jobLines,
		},
		{
			kase: "account-shared", name: "the account of the jobs", args: asRunner, edit: config(sharedConfig),
			lead: "run this under the manager's account",
		},
		{
			kase: "job-as-runner", name: "--as runner in a job of another account", args: []string{"--as", "runner"},
			edit: func(p *place) { p.env["GITLAB_CI"] = "true" }, lead: "leave out --as runner",
		},
		{
			kase: "no-identity", name: "a manager without a role", args: []string{"--as", "runner"}, edit: func(p *place) { p.bare() }, not: jobLines,
		},
		{
			kase: "role-other", name: "the manager's role, and no account to go by", args: []string{"--as", "runner", "--expect-role", "k8s-irsa-gitlab-runner"},
			lead: "another role", not: jobLines,
		},
		{
			kase: "role-other", name: "the name of a role in another account", args: []string{"--expect-role", "k8s-irsa-other", expectJobs},
			edit: func(p *place) { p.env["AWS_ROLE_ARN"] = "arn:aws:iam::210987654321:role/k8s-irsa-gitlab-jobs" },
			lead: "the annotation", fix: []string{"role-arn=arn:aws:iam::210987654321:role/k8s-irsa-other"}, not: []string{awsfake.Account},
		},
		{
			kase: "no-identity", name: "the name of the role is told, and the account", args: []string{"--expect-role", "k8s-irsa-other", "--expect-account", "210987654321"},
			edit: func(p *place) { p.bare() }, fix: []string{"role-arn=arn:aws:iam::210987654321:role/k8s-irsa-other"},
		},
		{
			kase: "no-identity", name: "a job of another executor", edit: func(p *place) {
				p.bare()
				p.unset("KUBERNETES_SERVICE_HOST")
				p.remove(podFile)
			},
			lead: "this is no pod of Kubernetes", fix: []string{"CI_AWS_ID_TOKEN"},
		},
		{
			kase: "no-identity", name: "nothing of the role is known", edit: func(p *place) { p.bare() },
			fix: []string{"role-arn=arn:aws:iam::ACCOUNT:role/ROLE"}, not: []string{awsfake.Account},
		},
		{
			kase: "account-of-pod", name: "another namespace", args: []string{"--expect-service-account", "ci/gitlab-jobs"},
			lead: "set namespace in [runners.kubernetes]", not: []string{"service_account ="},
		},
		{
			kase: "account-of-pod", name: "an overwrite that nobody expected aloud", edit: func(p *place) { p.env["KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"] = "deploy" },
			lead: "ignored KUBERNETES_SERVICE_ACCOUNT_OVERWRITE", fix: []string{`"^deploy$"`},
		},
		{
			kase: "account-of-pod", name: "another one than the runner's configuration names", args: []string{"--config", "config.toml"},
			edit: func(p *place) { p.token(awsfake.PodToken{ServiceAccount: "gitlab-runner"}); config(sharedConfig)(p) },
			lead: "names another one", fix: []string{`service_account = "gitlab-jobs"`},
		},
		{
			kase: "account-of-pod", name: "a name of whatever namespace", args: []string{"--expect-service-account", "deploy"},
			edit: func(p *place) { p.env["KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"] = "deploy" },
			lead: "ignored KUBERNETES_SERVICE_ACCOUNT_OVERWRITE", fix: []string{`"^deploy$"`},
		},
		{
			kase: "account-of-pod", name: "a slip in that name", args: []string{"--expect-service-account", "gitlab-job"},
			lead: "one character differs", fix: []string{`service_account = "gitlab-job"`},
		},
		{
			kase: "account-of-pod", name: "before env asks for credentials", args: []string{"env", "--expect-service-account", "deploy"},
			edit: func(p *place) { p.env["KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"] = "deploy" },
			lead: "ignored KUBERNETES_SERVICE_ACCOUNT_OVERWRITE", fix: []string{"service_account_overwrite_allowed"},
		},
		{
			kase: "account-of-pod", name: "and the pod's own account has no role", args: []string{"env", "--expect-service-account", "deploy"},
			edit: func(p *place) { p.bare(); p.ordinary(awsfake.PodToken{ServiceAccount: "default"}) },
			lead: "service_account is not set",
		},
		{
			kase: "account-untold", name: "before env asks for credentials", args: []string{"env", "--expect-service-account", "deploy"},
			edit: func(p *place) { p.ambient(); p.remove(podFile) }, lead: "automount_service_account_token may be off",
		},
		{
			kase: "account-of-manager", name: "a slip in the name alone", args: append(slices.Clip(asRunner), "--expect-service-account", "gitlab-runner"),
			edit: func(p *place) { p.token(awsfake.PodToken{ServiceAccount: "gitlab-runne"}); config(sharedConfig)(p) },
			lead: "is a slip", not: jobLines,
		},
		{
			kase: "account-of-pod", name: "white space in what was expected", args: []string{"--expect-service-account", "gitlab/gitlab-jobs "},
			lead: "white space around it differs", not: []string{"namespace"},
		},
		{
			kase: "role-other", name: "a role of another path", args: []string{"--expect-role", "team/k8s-irsa-gitlab-jobs"}, lead: "the annotation",
		},
		{
			kase: "session-other", name: "the account of Pod Identity's role", args: []string{"--expect-role", "pod-identity-jobs", "--expect-account", "111111111111"},
			edit: func(p *place) { p.podIdentity(awsfake.PodToken{}) }, lead: "or --expect-account",
		},
		{
			kase: "session-other", name: "the keys of a user in another account", args: []string{"--source", "ambient", "--expect-account", "999999999999"},
			edit: func(p *place) {
				keys, err := p.cloud.AddUser(awsfake.Account, "alice")
				check(p.t, err)
				p.env["AWS_ACCESS_KEY_ID"], p.env["AWS_SECRET_ACCESS_KEY"] = keys.AccessKeyID, keys.SecretAccessKey
			}, lead: "or --expect-account",
		},
		{
			kase: "session-name-of-others", name: "a branch in AWS_ROLE_SESSION_NAME",
			edit: func(p *place) { p.env["AWS_ROLE_SESSION_NAME"] = "feature/x"; p.started(nil) }, lead: "change or delete AWS_ROLE_SESSION_NAME: in `variables:`",
		},
		{
			kase: "temporary-keys", name: "temporary keys that nobody knows the end of", edit: func(p *place) {
				p.env["AWS_ACCESS_KEY_ID"], p.env["AWS_SECRET_ACCESS_KEY"], p.env["AWS_SESSION_TOKEN"] = "ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEXAMPLE"
			},
			lead: "if the job did not make them itself", not: []string{"deactivate"},
		},
		{
			kase: "clock-issued", name: "a token of the next hour", edit: func(p *place) { p.token(awsfake.PodToken{Age: -time.Hour}) },
			lead: "mend time synchronization on the node",
		},
		{
			kase: "setting-wrong", name: "a variable that cannot be read", edit: func(p *place) { p.env["CI_AWS_DURATION"] = "99h" },
			lead: "correct CI_AWS_DURATION",
		},
		{
			kase: "region-malformed", name: "an availability zone", edit: func(p *place) {
				p.network(network{})
				p.env["AWS_REGION"] = "eu-central-1a"
			},
			lead: `write it as "eu-central-1"`,
		},
		{
			kase: "expired", name: "the clock of this machine is behind", edit: replayed("AssumeRoleWithWebIdentity", "expired"),
			lead: "the clock of this machine",
		},
		{
			kase: "wrong-audience", name: "the default audience", edit: func(p *place) { p.cloud.AddProvider(awsfake.Account, awsfake.ClusterIssuer, "other") },
			lead: "the provider lacks this client id", not: []string{"annotation"},
		},
		{
			kase: "no-provider", name: "the account is the expected one", args: []string{"--expect-account", awsfake.Account},
			edit: func(p *place) { p.cloud.RemoveProvider(awsfake.Account, awsfake.ClusterIssuer) },
			lead: "no provider was made for this issuer", fix: []string{"aws iam create-open-id-connect-provider --url " + awsfake.ClusterIssuer + " --client-id-list sts.amazonaws.com"}, not: []string{"wrong account"},
		},
		{
			kase: "role-overridden", name: "to a role of an account that does not know the cluster", edit: func(p *place) {
				p.env["AWS_ROLE_ARN"] = "arn:aws:iam::210987654321:role/x"
				p.started(map[string]string{"AWS_ROLE_ARN": awsfake.JobRole})
			},
			lead: "delete the variable AWS_ROLE_ARN",
		},
		{
			kase: "endpoint-foreign", name: "an S3 that is not AWS's", args: []string{"--bucket", awsfake.Bucket},
			edit: func(p *place) { p.env["AWS_ENDPOINT_URL_S3"] = "https://s3.example.com" }, lead: "--allow-endpoint-host",
		},
		{
			kase: "trust-denied", name: "account and role are the expected ones", args: []string{expectJobs, "--expect-role", "k8s-irsa-gitlab-jobs"},
			edit: func(p *place) { p.trust("gitlab-jobs", "gitlab-runner") },
			lead: "the role's trust policy names another sub", not: []string{"names the wrong role"},
		},
	}
}
