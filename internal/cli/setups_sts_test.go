package cli_test

import (
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// replayed lets STS, or the call of that name, give a recorded answer.
func replayed(action, vector string) func(*place) {
	return func(p *place) { p.inject(awsfake.Fault{Action: action, Vector: vector}) }
}

// stsSetups are those that STS refuses by the exchange of a token.
func stsSetups() []setup {
	const web = "AssumeRoleWithWebIdentity"
	return []setup{
		{
			kase: "no-provider", row: "sts no-provider", name: "the account has no provider for the cluster",
			edit: func(p *place) { p.cloud.RemoveProvider(awsfake.Account, awsfake.ClusterIssuer) },
			fix:  []string{`create the IAM OIDC provider for "` + awsfake.ClusterIssuer + `"`, `client id "sts.amazonaws.com" in account "123456789012"`},
		},
		{
			kase: "no-provider", name: "the role ARN names another account", edit: func(p *place) { p.env["AWS_ROLE_ARN"] = "arn:aws:iam::210987654321:role/x" },
			lead: "no provider was made for this issuer", fix: []string{`names the wrong account: compare "210987654321" with the account that owns the role`},
		},
		{
			kase: "wrong-audience", row: "sts wrong-audience", name: "an annotation with another audience",
			edit: func(p *place) { p.token(awsfake.PodToken{Audience: "sts.amazon.com"}) }, lead: "eks.amazonaws.com/audience",
			fix: []string{"aws iam add-client-id-to-open-id-connect-provider", `"sts.amazon.com"`},
		},
		{
			kase: "wrong-audience", name: "id_tokens with another audience",
			edit: func(p *place) { p.gitlab(awsfake.JobToken{Audience: "https://gitlab.example.com/"}) }, lead: "aud in id_tokens does not fit",
		},
		{
			kase: "missing-audience", row: "sts missing-audience", name: "a service-account token of the old kind", edit: func(p *place) {
				p.unset("AWS_ENDPOINT_URL_STS")
				p.claims(map[string]any{"sub": "system:serviceaccount:gitlab:gitlab-jobs"})
				p.env["HTTPS_PROXY"] = "http://" + closed(p.t)
			},
			lead: "use the projected token",
		},
		{
			kase: "missing-audience", name: "as STS says it", edit: replayed(web, "missing-audience"), lead: "use the projected token",
		},
		{
			kase: "no-verification-key", row: "sts no-verification-key", name: "the issuer is down",
			edit: func(p *place) { p.cloud.Issuer().SetDown(true) }, lead: "the cluster was deleted or made anew", fix: []string{"AWS was slow"},
		},
		{
			kase: "no-verification-key", name: "a GitLab that AWS cannot reach", edit: func(p *place) { p.gitlab(awsfake.JobToken{}); p.cloud.GitLab().SetDown(true) },
			lead: "cannot be reached from the internet", fix: []string{"ci_id_tokens_issuer_url"},
		},
		{
			kase: "no-verification-key", name: "the signing key was replaced", edit: func(p *place) { p.cloud.Issuer().Rotate() },
			fix: []string{"start a new job"},
		},
		{
			kase: "thumbprint", row: "sts thumbprint", name: "the issuer's chain was renewed", edit: replayed(web, "thumbprint"),
			lead: "aws iam update-open-id-connect-provider-thumbprint", fix: []string{`account "123456789012"`},
		},
		{
			kase: "not-a-jwt", row: "sts not-a-jwt", name: "STS does not take the token", edit: replayed(web, "not-a-jwt"),
			lead: "look at what AWS_WEB_IDENTITY_TOKEN_FILE names",
		},
		{
			kase: "trust-denied", row: "sts trust-denied", name: "the trust policy names another service account",
			edit: func(p *place) { p.trust(":gitlab-jobs", ":gitlab-job") }, lead: "compare it, letter by letter",
			fix: []string{`"system:serviceaccount:gitlab:gitlab-jobs"`, `"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1`, "StringEquals", "for Terraform", "--wait 2m"},
		},
		{
			kase: "trust-denied", name: "a * under StringEquals", edit: func(p *place) { p.trust(":gitlab-jobs", ":*") }, lead: "compare it, letter by letter",
		},
		{
			kase: "trust-denied", name: "sts:AssumeRole as the action",
			edit: func(p *place) { p.trust("sts:AssumeRoleWithWebIdentity", "sts:AssumeRole") }, fix: []string{"sts:AssumeRoleWithWebIdentity"},
		},
		{
			kase: "trust-denied", name: "the provider of another cluster",
			edit: func(p *place) {
				p.trust("oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0", "oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/1")
			},
			fix: []string{"id/0123456789ABCDEF0123456789ABCDEF"},
		},
		{
			kase: "trust-denied", name: "the role does not exist", edit: func(p *place) { p.cloud.RemoveRole(awsfake.JobRole) },
			fix: []string{"it may be that the role does not exist"},
		},
		{
			kase: "trust-denied", name: "an audience that the condition does not have", edit: func(p *place) {
				p.cloud.AddProvider(awsfake.Account, awsfake.ClusterIssuer, "sts.amazonaws.com", "other")
				p.token(awsfake.PodToken{Audience: "other"})
			},
			lead: "aud condition expects sts.amazonaws.com", fix: []string{`write "other" into the condition`},
		},
		{
			kase: "trust-denied", name: "the default service account",
			edit: func(p *place) { p.token(awsfake.PodToken{ServiceAccount: "default"}) }, lead: "runs under the default service account",
		},
		{
			kase: "trust-denied", name: "a GitLab ID token of another branch",
			edit: func(p *place) { p.gitlab(awsfake.JobToken{Ref: "feature"}) }, lead: "for another project, branch or tag",
			fix: []string{"project_path:group/project:ref_type:branch:ref:feature"},
		},
		{
			kase: "trust-denied", name: "a role that a setting names", args: []string{"--role-arn", otherRole}, lead: "--role-arn names the wrong role",
		},
		{
			kase: "expired", row: "sts expired", name: "the file is a copy", edit: func(p *place) { p.token(awsfake.PodToken{Age: 25 * time.Hour}) },
			lead: "use the file that EKS mounts",
		},
		{
			kase: "expired", name: "the job outlived its ID token", edit: func(p *place) { p.gitlab(awsfake.JobToken{Age: 2 * time.Hour}) },
			lead: "exchange it at the start of the job",
		},
		{
			kase: "too-old", row: "sts too-old", name: "a token of a week", edit: func(p *place) { p.token(awsfake.PodToken{Age: 100 * time.Hour, Lifetime: 200 * time.Hour}) },
			lead: "eks.amazonaws.com/token-expiration",
		},
		{
			kase: "idp-communication", row: "sts idp-communication", name: "the issuer was slow", edit: replayed(web, "idp-communication"), lead: "start the job again",
		},
		{
			kase: "idp-rejected", row: "sts idp-rejected", name: "the token was revoked", edit: replayed(web, "idp-rejected"), lead: "start a new job to get a new token",
		},
		{
			kase: "arn-invalid", row: "sts arn-invalid", name: "STS takes no such ARN", edit: replayed(web, "arn-invalid"), lead: "AWS_ROLE_ARN has a typo",
		},
		{
			kase: "arn-short", row: "sts arn-short", name: "STS takes no such ARN", edit: replayed(web, "arn-short"), lead: "AWS_ROLE_ARN is empty or cut",
		},
		{
			kase: "session-name", row: "sts session-name", name: "a branch with a slash", edit: func(p *place) { p.env["CI_AWS_SESSION_NAME"] = "feature/foo" },
			lead: "change CI_AWS_SESSION_NAME, or leave it out",
		},
		{
			kase: "session-name", name: "as STS says it", edit: replayed(web, "session-name"), lead: "or leave it out",
		},
		{
			kase: "duration-max", row: "sts duration-max", name: "longer than the role allows", args: []string{"--duration", "2h"},
			lead: "raise the role's MaxSessionDuration",
		},
		{
			kase: "duration-chained", row: "sts duration-chained", name: "more than an hour for a chained role", args: []string{"--duration", "2h", "--chain-role-arn", awsfake.DeployRole},
			lead: "give --duration 1h",
		},
		{
			kase: "region-disabled", row: "sts region-disabled", name: "a region that the account did not enable", edit: replayed(web, "region-disabled"),
			lead: "activate it in the account settings of IAM", fix: []string{"AWS_REGION"},
		},
		{
			kase: "policy-too-large", row: "sts policy-too-large", name: "a session policy and many policy ARNs", edit: func(p *place) {
				p.env["CI_AWS_SESSION_POLICY"] = p.file("policy.json", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::`+long(1900)+`"}]}`)
				p.env["CI_AWS_SESSION_POLICY_ARN"] = "arn:aws:iam::aws:policy/" + long(120)
			},
			lead: "shorten the session policy",
		},
		{
			kase: "policy-malformed", row: "sts policy-malformed", name: "JSON that is no policy",
			edit: func(p *place) { p.env["CI_AWS_SESSION_POLICY"] = p.file("policy.json", `{"Statement": 7}`) },
			lead: "aws accessanalyzer validate-policy",
		},
		{
			kase: "throttled", row: "sts throttled", name: "many pods at once", edit: replayed(web, "throttled"), lead: "start the job again",
		},
		{
			kase: "answered-no", name: "an answer that is not known", edit: func(p *place) { p.answer(web, 400, refusal("SomethingNew", "no")) },
			lead: "compare what the token says", fix: []string{`sub "system:serviceaccount:gitlab:gitlab-jobs"`},
		},
		{
			kase: "answered-no", name: "a code that only signed calls give", edit: func(p *place) { p.answer(web, 403, refusal("OptInRequired", "no")) },
		},
	}
}

func long(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'x'
	}
	return string(text)
}

// signedSetups are those that fail by a call with a signature, and by the Pod
// Identity agent.
func signedSetups() []setup {
	const signed = "GetCallerIdentity"
	agent := func(edit func(*place)) func(*place) {
		return func(p *place) { p.podIdentity(awsfake.PodToken{}); edit(p) }
	}
	return []setup{
		{
			kase: "chain-denied", name: "the next role does not trust the job's", args: []string{"--chain-role-arn", "arn:aws:iam::123456789012:role/closed"},
			lead: "does not name \"" + awsfake.JobRole + "\" as principal", fix: []string{"sts:AssumeRole"},
		},
		{
			kase: "invalid-key", row: "sts invalid-key", name: "a key that was deleted", edit: func(p *place) {
				p.ambient()
				p.env["AWS_ACCESS_KEY_ID"] = "ASIAIOSFODNN7EXAMPLE"
			},
			lead: "renew the pair",
		},
		{
			kase: "clock-skew", row: "sts clock-skew", name: "the clock is behind", edit: func(p *place) { p.ambient(); replayed(signed, "clock-skew")(p) },
			lead: "mend time synchronization on the node",
		},
		{
			kase: "clock-behind", name: "the clock is ahead", edit: func(p *place) {
				p.ambient()
				p.answer(signed, 403, refusal("SignatureDoesNotMatch", "Signature not yet current: 20260101T001000Z is still later than 20260101T000500Z (20260101T000000Z + 5 min.)"))
			},
			lead: "mend time synchronization on the node",
		},
		{
			kase: "keys-expired", name: "a session that has ended", edit: func(p *place) {
				p.ambient()
				p.answer(signed, 403, refusal("ExpiredToken", "The security token included in the request is expired"))
			},
			lead: "remove static keys from the job's variables",
		},
		{
			kase: "signature", name: "a secret of another key", edit: func(p *place) {
				p.ambient()
				p.env["AWS_SECRET_ACCESS_KEY"] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
			},
			lead: "set both anew",
		},
		{
			kase: "agent-host", row: "P17", name: "http to another host", edit: agent(func(p *place) {
				p.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://10.0.0.1/v1/credentials"
			}),
			lead: "remove it from the job's variables",
		},
		{
			kase: "agent-token-missing", row: "P18", name: "the agent's token file is not there", edit: agent(func(p *place) {
				p.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/nofile"
			}),
			lead: "start a new job",
		},
		{
			kase: "agent-no-association", name: "the association was deleted", edit: agent(func(p *place) {
				p.cloud.Dissociate(awsfake.Namespace, awsfake.ServiceAccount)
			}),
			lead: "aws eks create-pod-identity-association",
		},
		{
			kase: "agent-denied", name: "the role does not trust EKS", edit: agent(func(p *place) {
				check(p.t, p.cloud.SetTrust(awsfake.PodRole, p.cloud.ClusterTrust().JSON()))
			}),
			lead: "pods.eks.amazonaws.com", fix: []string{"sts:TagSession", "AmazonEKSWorkerNodeMinimalPolicy"},
		},
		{
			kase: "expired", name: "the agent's token is not renewed", edit: func(p *place) { p.podIdentity(awsfake.PodToken{Age: 25 * time.Hour}) },
			lead: "must be the file that EKS mounts",
		},
		{
			kase: "agent-token", name: "another file took the token's place", edit: func(p *place) { p.podIdentity(awsfake.PodToken{Audience: "sts.amazonaws.com"}) },
			lead: "start a new job",
		},
		{
			kase: "agent-refused", name: "something else answers", edit: agent(func(p *place) {
				p.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + listen(p.t, page("404 Not Found")) + "/v1/credentials"
			}),
			lead: "kubectl logs -n kube-system ds/eks-pod-identity-agent",
		},
		{
			kase: "agent-unreachable", name: "no agent on this node", edit: agent(func(p *place) {
				p.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + closed(p.t) + "/v1/credentials"
			}),
			lead: "install the add-on eks-pod-identity-agent",
		},
	}
}
