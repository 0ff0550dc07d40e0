package cli_test

import (
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

const (
	clusterName = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
	clusterARN  = "arn:aws:iam::123456789012:oidc-provider/" + clusterName
	jobSubject  = "system:serviceaccount:gitlab:gitlab-jobs"
)

// policyOf writes the trust policy that admits the pod's token into a file, with
// some texts replaced.
func policyOf(oldNew ...string) func(*place) {
	return func(p *place) {
		p.t.Helper()
		policy := p.cloud.ClusterTrust().JSON()
		for i := 0; i < len(oldNew); i += 2 {
			if !strings.Contains(policy, oldNew[i]) {
				p.t.Fatalf("no %q in the trust policy", oldNew[i])
			}
		}
		p.file("trust.json", strings.NewReplacer(oldNew...).Replace(policy))
	}
}

// statements writes a trust policy of these.
func statements(all ...string) func(*place) {
	return func(p *place) {
		p.t.Helper()
		p.file("trust.json", `{"Version": "2012-10-17", "Statement": [`+"\n"+strings.Join(all, ",\n")+"\n]}\n")
	}
}

const (
	exact   = `{"StringEquals": {"` + clusterName + `:sub": "` + jobSubject + `", "` + clusterName + `:aud": "sts.amazonaws.com"}}`
	web     = "sts:AssumeRoleWithWebIdentity"
	toThose = `{"Federated": "` + clusterARN + `"}`
)

// allows is a statement that lets a token in.
func allows(principal, action, condition string) string {
	return `{"Effect": "Allow", "Principal": ` + principal + `, "Action": "` + action + `", "Condition": ` + condition + `}`
}

// denies is one that keeps every caller out on a condition.
func denies(condition string) string {
	return `{"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": ` + condition + `}`
}

// trustSetups are trust policies that do not admit the pod's token, or admit
// too much.
func trustSetups() []setup {
	sub := func(operator, value string) func(*place) {
		return statements(allows(toThose, web, `{"`+operator+`": {"`+clusterName+`:sub": "`+value+`"}}`))
	}
	project := func(value string) func(*place) {
		return func(p *place) {
			p.gitlab(awsfake.JobToken{})
			statements(allows(`{"Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.example.com"}`, web, `{"StringLike": {"gitlab.example.com:sub": "`+value+`"}}`))(p)
		}
	}
	other := "0" + strings.Repeat("F", 31)
	rows := []setup{
		{
			kase: "trust-duplicate-lost", name: "StringEquals twice",
			edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:sub": "`+jobSubject+`"},`+"\n"+`"StringEquals": {"`+clusterName+`:sub": "x"}}`)),
			lead: `into one "StringEquals"`,
		},
		{
			kase: "trust-duplicate", name: "StringEquals twice, and the last holds",
			edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:aud": "sts.amazonaws.com"},`+"\n"+`"StringEquals": {"`+clusterName+`:sub": "`+jobSubject+`"}}`)),
			lead: `into one "StringEquals"`,
		},
		{kase: "trust-denied-by", name: "a Deny for all", edit: statements(allows(toThose, web, exact), `{"Effect": "Deny", "Principal": `+toThose+`, "Action": "*"}`), lead: "narrow the conditions of statement 2"},
		{kase: "trust-deny-unknown", name: "a Deny for everyone", edit: statements(allows(toThose, web, exact), `{"Effect": "Deny", "Principal": "*", "Action": "*"}`), lead: "remove statement 2"},
		{kase: "trust-deny-unknown", name: "a Deny with a Resource", edit: statements(allows(toThose, web, exact), `{"Effect": "Deny", "Principal": `+toThose+`, "Action": "*", "Resource": "*"}`), lead: "it may be that IAM refuses the whole policy"},
		{kase: "trust-deny-unknown", name: "a Deny by address", edit: statements(allows(toThose, web, exact), denies(`{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}`)), lead: "CloudTrail"},
		{kase: "trust-no-allow", name: "a Deny alone", edit: statements(denies(`{"StringEquals": {"` + clusterName + `:sub": "x"}}`)), lead: "add a statement with Effect Allow"},
		{kase: "trust-principal-kind", name: "Principal.AWS", edit: policyOf(`"Federated"`, `"AWS"`), lead: `"Principal": {"Federated": "` + clusterARN + `"}`},
		{kase: "trust-principal-form", name: "the issuer in place of the ARN", edit: policyOf(`"`+clusterARN+`"`, `"https://`+clusterName+`"`), lead: `write "` + clusterARN + `"`},
		{kase: "trust-principal-unknown", name: "NotPrincipal", edit: statements(strings.Replace(allows(`{"AWS": "123456789012"}`, web, exact), `"Principal"`, `"NotPrincipal"`, 1)), lead: `"Principal": {"Federated": "`},
		{kase: "trust-partition-other", name: "a provider of China", edit: policyOf("arn:aws:iam", "arn:aws-cn:iam"), lead: `write the principal as "` + clusterARN + `"`},
		{kase: "trust-account-other", name: "a provider of another account", edit: policyOf("::123456789012:", "::210987654321:"), lead: clusterARN},
		{kase: "trust-provider-scheme", name: "https in the principal", edit: policyOf("oidc-provider/", "oidc-provider/https://"), lead: clusterARN},
		{kase: "trust-provider-path", name: "no /id/ in the principal", edit: policyOf(clusterARN, strings.Replace(clusterARN, "/id/", "/", 1)), lead: clusterARN},
		{kase: "trust-provider-slash", name: "a slash at the end of the principal", edit: policyOf(clusterARN, clusterARN+"/"), lead: clusterARN},
		{kase: "trust-provider-cluster", name: "another cluster", edit: policyOf(clusterARN, clusterARN[:len(clusterARN)-32]+other), lead: clusterARN},
		{kase: "trust-provider-other", name: "GitLab's provider", edit: policyOf(clusterARN, "arn:aws:iam::123456789012:oidc-provider/gitlab.example.com"), lead: "the tokens of another issuer"},
		{kase: "trust-action-assume", name: "sts:AssumeRole", edit: policyOf(web, "sts:AssumeRole"), lead: "write the action as sts:AssumeRoleWithWebIdentity"},
		{kase: "trust-action-other", name: "another action", edit: policyOf(web, "sts:TagSession"), lead: "write the action as sts:AssumeRoleWithWebIdentity"},
		{kase: "trust-action-unknown", name: "a policy variable in the action", edit: policyOf(web, "sts:${aws:PrincipalTag/x}"), lead: "write the action as sts:AssumeRoleWithWebIdentity"},
		{kase: "trust-key-scheme", name: "https in the key", edit: policyOf(`"`+clusterName+`:sub"`, `"https://`+clusterName+`:sub"`), lead: `write the key as "` + clusterName + `:sub"`},
		{kase: "trust-key-path", name: "no /id/ in the key", edit: policyOf(`"`+clusterName+`:sub"`, `"`+strings.Replace(clusterName, "/id/", "/", 1)+`:sub"`), lead: clusterName + ":sub"},
		{kase: "trust-key-slash", name: "a slash in the key", edit: policyOf(`"`+clusterName+`:sub"`, `"`+clusterName+`/:sub"`), lead: clusterName + ":sub"},
		{kase: "trust-key-cluster", name: "another cluster in the key", edit: policyOf(`"`+clusterName+`:sub"`, `"`+clusterName[:len(clusterName)-32]+other+`:sub"`), lead: clusterName + ":sub"},
		{kase: "trust-key-claim", name: "a claim that STS makes no key of", edit: policyOf(clusterName+":sub", clusterName+":namespace"), lead: "remove this condition"},
		{kase: "trust-key-other", name: "GitLab's key", edit: policyOf(`"`+clusterName+`:sub"`, `"gitlab.example.com:sub"`), lead: "the tokens of another issuer"},
		{kase: "trust-wildcard", check: "trust-service-account", name: "a * under StringEquals", edit: sub("StringEquals", "system:serviceaccount:gitlab:*"), lead: "change StringEquals to StringLike"},
		{kase: "trust-case", check: "trust-service-account", name: "a capital", edit: sub("StringEquals", "system:serviceaccount:gitlab:GitLab-jobs"), lead: `write "` + jobSubject + `"`},
		{kase: "trust-excluded", name: "StringNotEquals", edit: sub("StringNotEquals", jobSubject), lead: "narrow what the condition excludes"},
		{kase: "trust-swapped", name: "namespace and name the other way round", edit: sub("StringEquals", "system:serviceaccount:gitlab-jobs:gitlab"), lead: `write "` + jobSubject + `"`},
		{kase: "trust-prefix", name: "the name alone", edit: sub("StringEquals", "gitlab:gitlab-jobs"), lead: `write "` + jobSubject + `"`},
		{kase: "trust-namespace-other", name: "another namespace", edit: sub("StringEquals", "system:serviceaccount:ci:gitlab-jobs"), fix: []string{`write "` + jobSubject + `" in the policy`, `set namespace = "ci"`}},
		{kase: "trust-service-account-other", name: "another service account", edit: sub("StringEquals", "system:serviceaccount:gitlab:deploy"), fix: []string{`write "` + jobSubject + `" in the policy`, `set service_account = "deploy"`}},
		{
			kase: "trust-service-account-other", name: "the pod runs under default", edit: func(p *place) {
				p.token(awsfake.PodToken{ServiceAccount: "default"})
				policyOf()(p)
			},
			lead: `set service_account = "gitlab-jobs"`,
		},
		{kase: "trust-subject-other", name: "another project", edit: sub("StringEquals", "project_path:group/project:ref_type:branch:ref:main"), lead: "if this job is to have the role"},
		{kase: "trust-audience-other", name: "another audience", edit: policyOf(`"sts.amazonaws.com"`, `"gitlab"`), lead: `write "sts.amazonaws.com" in the policy`},
		{kase: "trust-audience-other", name: "a slip in EKS's own audience", edit: policyOf(`"sts.amazonaws.com"`, `"sts.amazon.com"`), lead: "which is what EKS asks for"},
		{
			kase: "trust-audience-other", name: "an annotation asks for another audience", edit: func(p *place) {
				p.token(awsfake.PodToken{Audience: "vault"})
				policyOf()(p)
			},
			lead: "annotation eks.amazonaws.com/audience asks for \"vault\"",
		},
		{
			kase: "trust-condition-fails", name: "another session name",
			args: []string{"trust", "check", "--session-name", "other", "trust.json"},
			edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:sub": "`+jobSubject+`", "sts:RoleSessionName": "x"}}`)), lead: "change this condition",
		},
		{kase: "trust-operator", name: "a slip in the operator", edit: sub("StringEqual", jobSubject), lead: `did you mean "StringEquals"`},
		{kase: "trust-operator", name: "an operator that nobody knows", edit: sub("Equals", jobSubject), lead: "such as StringEquals"},
		{kase: "trust-lists-nothing", check: "trust-subject", name: "an empty list", edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:sub": []}}`)), lead: `write "` + jobSubject + `" there`},
		{kase: "trust-resource", name: "a Resource", edit: statements(strings.Replace(allows(toThose, web, exact), `"Action"`, `"Resource": "*", "Action"`, 1)), lead: "remove Resource from statement 1"},
		{kase: "trust-condition-absent", name: "a key that the token does not have", edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:sub": "`+jobSubject+`", "`+clusterName+`:amr": "x"}}`)), lead: "remove this condition"},
		{kase: "trust-condition-unknown", name: "an address", edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:sub": "`+jobSubject+`"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}`)), lead: "CloudTrail"},
		{kase: "trust-no-sub", name: "aud alone", edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:aud": "sts.amazonaws.com"}}`)), lead: clusterName + ":sub"},
		{kase: "trust-any-subject", name: "a * alone", edit: sub("StringLike", "*"), lead: `name what is meant: "` + jobSubject + `"`},
		{kase: "trust-any-service-account", name: "every service account", edit: sub("StringLike", "system:serviceaccount:*"), lead: jobSubject},
		{kase: "trust-any-in-namespace", name: "a whole namespace", edit: sub("StringLike", "system:serviceaccount:gitlab:*"), lead: jobSubject},
		{
			kase: "trust-any-project", name: "a whole GitLab instance", edit: project("project_path:*"),
			lead: "project_path:group/project:ref_type:branch:ref:main",
		},
		{kase: "trust-some-in-namespace", name: "some of a namespace", edit: sub("StringLike", "system:serviceaccount:gitlab:gitlab-*"), lead: "whoever can make a service account there"},
		{kase: "trust-any-namespace", name: "every namespace", edit: sub("StringLike", "system:serviceaccount:*:gitlab-jobs"), lead: `name what is meant: "` + jobSubject + `"`},
		{kase: "trust-some-namespaces", name: "some namespaces", edit: sub("StringLike", "system:serviceaccount:gitlab*:gitlab-jobs"), lead: "in such a namespace"},
		{kase: "trust-some-service-accounts", name: "an end alone", edit: sub("StringLike", "*gitlab-jobs"), lead: jobSubject},
		{
			kase: "trust-some-subjects", name: "a pattern of no service account beside the right one",
			edit: statements(allows(toThose, web, `{"StringLike": {"`+clusterName+`:sub": ["`+jobSubject+`", "system:node:*"]}}`)), lead: "whoever gets such a token",
		},
		{kase: "trust-any-in-group", name: "a whole group", edit: project("project_path:group/*"), lead: "in a project of the group"},
		{kase: "trust-some-projects", name: "some projects", edit: project("project_path:group/pro*:ref_type:branch:ref:main"), lead: "name what is meant"},
		{kase: "trust-any-ref", name: "every ref of the project", edit: project("project_path:group/project:*"), lead: "whoever can push to the project"},
		{kase: "trust-some-refs", name: "some refs of the project", edit: project("project_path:group/project:ref_type:branch:ref:ma*"), lead: "such a branch"},
		{
			kase: "trust-for-all-values", name: "ForAllValues on a key that may be missing",
			edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:sub": "`+jobSubject+`"}, "ForAllValues:StringEquals": {"`+clusterName+`:amr": "x"}}`)), lead: "without ForAllValues:",
		},
		{
			kase: "trust-like-anything", name: "an audience of *",
			edit: statements(allows(toThose, web, `{"StringEquals": {"`+clusterName+`:sub": "`+jobSubject+`"}, "StringLike": {"`+clusterName+`:aud": "*"}}`)), lead: "name the value that is meant",
		},
		{kase: "trust-anyone", name: "the principal is *", edit: statements(allows(toThose, web, exact), allows(`{"Federated": "*"}`, web, exact)), lead: clusterARN},
	}
	for i := range rows {
		if rows[i].args == nil {
			rows[i].args = []string{"trust", "check", "trust.json"}
		}
	}
	return rows
}
