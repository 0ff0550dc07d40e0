package cli_test

import (
	"net/http"
	"net/http/httptest"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

const expectJobs = "--expect-service-account=gitlab/gitlab-jobs"

// jobSetups are broken by what was expected, and by what else the job holds.
func jobSetups() []setup {
	pod := func(t awsfake.PodToken) func(*place) {
		return func(p *place) { p.token(t); p.ordinary(t) }
	}
	return []setup{
		{
			kase: "account-of-pod", row: "P5", name: "the manager's service account", args: []string{expectJobs},
			edit: pod(awsfake.PodToken{ServiceAccount: "gitlab-runner"}), lead: "names another one, or another runner took the job",
			fix: []string{`service_account = "gitlab-jobs"`},
		},
		{
			kase: "account-of-pod", name: "namespace and name the other way round", args: []string{"--expect-service-account", "gitlab-jobs/gitlab"},
			lead: "the other way round",
		},
		{
			kase: "account-of-pod", name: "a slip", args: []string{"--expect-service-account", "gitlab/gitlab-job"}, lead: "is a slip",
		},
		{
			kase: "account-of-pod", name: "an overwrite that was ignored", args: []string{"--expect-service-account", "gitlab/deploy"},
			edit: func(p *place) { p.env["KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"] = "deploy" }, lead: "ignored KUBERNETES_SERVICE_ACCOUNT_OVERWRITE",
			fix: []string{`service_account_overwrite_allowed = "^deploy$"`},
		},
		{
			kase: "account-of-pod", name: "the default account", args: []string{expectJobs},
			edit: func(p *place) { p.bare(); p.ordinary(awsfake.PodToken{ServiceAccount: "default"}) },
			lead: "service_account is not set", fix: []string{`service_account = "gitlab-jobs"`},
		},
		{
			kase: "account-untold", name: "keys, and no token", args: []string{expectJobs},
			edit: func(p *place) { p.ambient(); p.remove(podFile) }, lead: "automount_service_account_token may be off",
		},
		{
			kase: "account-of-jobs", name: "--as runner in a job", args: []string{"--as", "runner", "--config", "config.toml"}, edit: func(p *place) {
				p.env["GITLAB_CI"] = "true"
				p.file("config.toml", healthyConfig)
			},
			lead: "leave out --as runner",
		},
		{
			kase: "webhook-stopped", row: "P6", name: "AWS_ROLE_ARN in YAML", edit: func(p *place) {
				p.unset("AWS_WEB_IDENTITY_TOKEN_FILE")
				p.started(nil)
			},
			lead: "delete AWS_ROLE_ARN, or rename it to CI_AWS_ROLE_ARN", fix: []string{"`variables:` of the .gitlab-ci.yml"},
		},
		{
			kase: "role-overridden", name: "AWS_ROLE_ARN in GitLab's UI", edit: func(p *place) {
				p.env["AWS_ROLE_ARN"] = otherRole
				p.started(map[string]string{"AWS_ROLE_ARN": awsfake.JobRole})
			},
			lead: "delete the variable AWS_ROLE_ARN: in Settings > CI/CD > Variables", not: []string{"kubectl"},
		},
		{
			kase: "role-other", name: "a slip", args: []string{"--expect-role", "k8s-irsa-gitlab-job"}, lead: "is a slip",
		},
		{
			kase: "role-other", name: "the annotation names another role", args: []string{"--expect-role", otherRole, expectJobs},
			lead: "the annotation eks.amazonaws.com/role-arn", fix: []string{"serviceaccount/gitlab-jobs eks.amazonaws.com/role-arn=" + otherRole},
		},
		{
			kase: "role-other", name: "a variable of GitLab's UI", args: []string{"--expect-role", awsfake.JobRole}, edit: func(p *place) {
				p.env["AWS_ROLE_ARN"] = otherRole
				p.started(map[string]string{"AWS_ROLE_ARN": awsfake.JobRole})
			},
			lead: "a CI/CD variable took its place", fix: []string{"Settings > CI/CD > Variables"}, not: []string{"kubectl"},
		},
		{
			kase: "role-other", name: "a setting names another role", args: []string{"--role-arn", otherRole, "--expect-role", "k8s-irsa-gitlab-jobs"},
			lead: "--role-arn names another role",
		},
		{
			kase: "account-other", name: "two digits changed places", args: []string{"--expect-account", "123456789021"}, lead: "is a slip",
		},
		{
			kase: "account-other", name: "the role of another account", args: []string{"--expect-account", "210987654321"},
			lead: "AWS_ROLE_ARN names a role of another account",
		},
		{
			kase: "session-other", name: "the association is to another role", args: []string{"--expect-role", "k8s-irsa-gitlab-jobs"},
			edit: func(p *place) { p.podIdentity(awsfake.PodToken{}) }, lead: "the association of the service account",
		},
		{
			kase: "identity-untold", name: "an endpoint without GetCallerIdentity", args: []string{"--expect-role", "arn:minio:iam:::role/jobs"}, edit: untold,
			lead: "leave out --expect-role",
		},
		{
			kase: "node-identity", row: "P15", name: "the node's keys", edit: func(p *place) { p.ambient("--session-name", "i-0123456789abcdef0") },
			lead: "hop limit 1", fix: []string{"kube2iam"},
		},
		{
			kase: "static-keys", row: "P10", name: "a key pair in the job's variables", edit: func(p *place) {
				p.env["AWS_ACCESS_KEY_ID"], p.env["AWS_SECRET_ACCESS_KEY"] = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
				p.started(nil)
			},
			lead: "delete the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: in `variables:`",
		},
		{
			kase: "static-keys", name: "set in GitLab's UI", edit: func(p *place) {
				p.env["AWS_ACCESS_KEY_ID"], p.env["AWS_SECRET_ACCESS_KEY"] = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
				p.started(map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
			},
			lead: "Settings > CI/CD > Variables",
		},
		{
			kase: "stale-keys", name: "keys that were exported an hour ago", edit: func(p *place) {
				p.keys()
				p.env["AWS_ROLE_ARN"], p.env["AWS_CREDENTIAL_EXPIRATION"] = awsfake.JobRole, "2026-01-01T00:00:00Z"
				p.token(awsfake.PodToken{})
			},
			lead: "ci-aws exec --serve",
		},
		{
			kase: "half-keys", row: "P11", name: "the secret was deleted, the id was not",
			edit: func(p *place) { p.env["AWS_ACCESS_KEY_ID"] = "AKIAIOSFODNN7EXAMPLE" }, lead: "delete it: ",
		},
		{
			kase: "profile-missing", row: "P12", name: "AWS_PROFILE names no profile", edit: func(p *place) { p.env["AWS_PROFILE"] = "nope" },
			lead: "delete AWS_PROFILE", fix: []string{"ci-aws configure"},
		},
		{
			kase: "profile-outranked", name: "a profile in an IRSA pod", edit: func(p *place) {
				p.env["AWS_PROFILE"], p.env["AWS_CONFIG_FILE"] = "deploy", p.file("home/config", "[profile deploy]\nregion = eu-central-1\n")
			},
			lead: "delete AWS_PROFILE", fix: []string{"unsetting AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE"},
		},
		{
			kase: "agent-outranked", name: "Pod Identity in an IRSA pod",
			edit: func(p *place) { p.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = p.cloud.PodIdentityURL() },
			lead: "delete AWS_CONTAINER_CREDENTIALS_FULL_URI",
		},
		{
			kase: "agent-proxied", row: "P19", name: "a proxy for all, and no NO_PROXY", args: []string{"--source", "gitlab"}, edit: func(p *place) {
				p.gitlab(awsfake.JobToken{})
				p.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], p.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "http://169.254.170.23/v1/credentials", "/x"
				p.env["HTTP_PROXY"], p.env["NO_PROXY"] = "http://proxy.example.com:3128", "localhost,.svc"
			},
			lead: "add 169.254.170.23 and [fd00:ec2::23] to NO_PROXY",
		},
		{
			kase: "node-behind", name: "no identity, and a metadata service that answers", edit: func(p *place) {
				p.bare()
				node := httptest.NewServer(http.HandlerFunc(metadata))
				p.t.Cleanup(node.Close)
				p.unset("AWS_EC2_METADATA_DISABLED")
				p.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = node.URL
			},
			lead: "hop limit 1",
		},
		{
			kase: "clock-token", name: "the node's clock is a day ahead", edit: func(p *place) {
				p.token(awsfake.PodToken{Age: 25 * 3600e9, Lifetime: 24 * 3600e9})
				p.answer("AssumeRoleWithWebIdentity", 200, assumed)
			},
			lead: "mend time synchronization on the node",
		},
		{
			kase: "access-of-job", name: "a bucket, seen by a job", args: []string{"--bucket", awsfake.Bucket},
			lead: "",
		},
		{
			kase: "unfinished", name: "Ctrl-C while STS does not answer", edit: (*place).interrupted, fix: nil,
		},
	}
}

// assumed is how STS says yes.
const assumed = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>` +
	`<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711</Arn><AssumedRoleId>AROAEXAMPLE:group-project-4711</AssumedRoleId></AssumedRoleUser>` +
	`<Audience>sts.amazonaws.com</Audience><Provider>` + awsfake.ClusterIssuer + `</Provider>` +
	`<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>the-secret-key-of-the-answer</SecretAccessKey><SessionToken>the-session-token-of-the-answer</SessionToken>` +
	`<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`

// metadata is the node's metadata service.
func metadata(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/latest/api/token":
		_, _ = w.Write([]byte("a-token-of-the-node"))
	case "/latest/meta-data/iam/security-credentials/":
		_, _ = w.Write([]byte("eks-node-group-role\n"))
	default:
		http.NotFound(w, r)
	}
}
