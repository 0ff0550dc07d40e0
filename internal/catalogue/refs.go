package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// The documents of what files refer to each other by.
const (
	webhookUsage = "https://github.com/aws/amazon-eks-pod-identity-webhook#usage"
	eksAnnotate  = "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html"
	rbacDocs     = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
	chartValues  = "https://docs.gitlab.com/runner/install/kubernetes_helm_chart_configuration/"
	// awsRegionList has the regions of AWS.
	awsRegionList = "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html"
)

// oneName are the causes of a name that stands in two forms: which of the two is
// the slip, where more places have the other, or that nothing tells it.
func oneName(why, tell string) []Cause {
	return []Cause{
		{Why: why + ", and more places say {want}", Fix: "write {want} in <where>", When: "outvoted", Tell: tell},
		{Why: why + ", and nothing in the files says which of the two is right", Fix: "write {want} in <where>, or {got} in <other-where>", When: "even", Tell: tell},
	}
}

// refs is what files say that refer to each other.
func refs() []Case {
	return []Case{
		{
			ID: "refs-broken", Check: "refs-files",
			Problem: "<place> <why>",
			Causes:  []Cause{{Why: "what is not well-formed is read by nobody, and the names in it were not compared", Fix: "correct the file at <place>; its text is not shown, since it may hold a secret"}},
		},
		{
			ID: "refs-refused", Check: "refs-files",
			Problem: "<place> <why>",
			Causes:  []Cause{{Why: "the program that the file is for refuses it, or takes it for something else", Fix: "correct the file at <place>"}},
		},
		{
			ID: "refs-duplicate", Check: "refs-files", Status: report.Warn,
			Problem: "<place> <why>",
			Causes:  []Cause{{Why: "of two keys of one name only one counts, so that the other has no effect", Fix: "remove one of the two, or put what both hold into one"}},
		},
		{
			ID: "refs-not-evaluated", Check: "refs-files", Status: report.Note,
			Problem: "<place> <why>",
			Causes: []Cause{
				{Why: "it was not followed, since links can lead in circles", Fix: "name what it leads to beside the folder, to have it read", When: "linked"},
				{Why: "reading it could wait for ever", Fix: "name it to have it read, or leave it", When: "irregular"},
				{Why: "it holds no text", Fix: "leave it, or save it as text in UTF-8", When: "binary"},
				{Why: "there was nothing in it to compare", Fix: "give the manifests, the Helm values, the trust policies and .gitlab-ci.yml; for stdin look at the command before the pipe", When: "nothing"},
				{Why: "other files are made from it, and those are what counts", Fix: "give what `ci-aws render --output-dir` writes, or what kubectl get serviceaccounts --all-namespaces -o yaml and aws iam get-role print", When: "described"},
				{Why: "Terraform knows the value only once it has made what it is of", Fix: "give what terraform show -json prints after the apply", When: "pending"},
				{Why: "names that stand there were not compared", Fix: "give what Helm or Terraform make of it: what helm template, or terraform show -json, prints", When: "templated"},
				{Why: "names that stand there were not compared", Fix: "give a smaller file, or let this user read it", When: "skipped"},
			},
		},
		{
			ID: "refs-terraform", Check: "refs-files", Status: report.Note,
			Problem: "<files> of Terraform, first <place>, were not evaluated",
			Causes:  []Cause{{Why: "names that stand there were not compared", Fix: "give what `terraform show -json` prints beside the others: terraform show -json | ci-aws refs - PATH"}},
		},
		{
			ID: "refs-templates", Check: "refs-files", Status: report.Note,
			Problem: "Go templates in <files>, first <place>, were not evaluated",
			Causes:  []Cause{{Why: "names that stand there were not compared", Fix: "give what `helm template` prints in place of those files"}},
		},
		{
			ID: "refs-nothing", Check: "refs-files", Status: report.Unknown,
			Problem: "of <files> none holds a role, a service account, a runner's configuration or a pipeline",
			Causes:  []Cause{{Why: "there was nothing to compare", Fix: "give the folder with the manifests, the Helm values, the trust policies and .gitlab-ci.yml"}},
		},
		{
			ID: "refs-annotation-key", Check: "refs-annotation",
			Problem: "<what> has the annotation {got} (<where>), which EKS does not read",
			Causes:  []Cause{{Why: "{want} was most likely meant, and without it pods get no role", Fix: "rename the annotation in <where> to {want}, and start new pods"}},
			Sources: []string{webhookUsage, "https://gitlab.com/gitlab-org/gitlab-runner/-/issues/31078"},
		},
		{
			ID: "refs-account-name", Check: "refs-service-account",
			Problem: "the service account is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("these places have to name one service account", "does the cluster have it? kubectl get serviceaccounts --all-namespaces"),
			Sources: []string{eksAnnotate, runnerKubernetes},
		},
		{
			ID: "refs-account-namespace", Check: "refs-service-account",
			Problem: "the namespace of the service account {account} is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("a service account is one of its namespace only, and another with its name is somebody else", "in which namespace does the cluster have it? kubectl get serviceaccounts --all-namespaces"),
			Sources: []string{eksAnnotate, runnerKubernetes},
		},
		{
			ID: "refs-account-missing", Check: "refs-service-account", Status: report.Warn,
			Problem: "the service account {got} is named by <what> (<where>), and the files define only <there> there",
			Causes:  []Cause{{Why: "Kubernetes makes no pod for a service account that is not there", Fix: "write one of those in <where>, or give the file that defines {got}"}},
			Sources: []string{runnerKubernetes, "https://kubernetes.io/docs/concepts/security/service-accounts/"},
		},
		{
			ID: "refs-namespace-apart", Check: "refs-binding", Status: report.Warn,
			Problem: "job pods of <runner> run in the namespace {jobs}, and the runner manager's service account is of {manager}: {got} stands in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  []Cause{{Why: "the two are one namespace in most set-ups", Fix: "write {want} in <where>, or bind the manager's service account in {jobs}"}},
			Sources: []string{runnerKubernetes, eksAnnotate},
		},
		{
			ID: "refs-binding-role", Check: "refs-binding",
			Problem: "the binding {binding} gives the role {got} (<where>), and the Role that is defined is {want} (<other-where>)",
			Causes:  oneName("a binding to a Role that is not there gives nothing, and the runner manager then cannot make pods", "does the cluster have it? kubectl get roles --all-namespaces"),
			Sources: []string{rbacDocs, runnerKubernetes},
		},
		{
			ID: "refs-binding-namespace", Check: "refs-binding",
			Problem: "the namespace is {got} in <what> (<where>), and {want} in <other> (<other-where>), and the binding {binding} finds a Role of its own namespace only",
			Causes:  oneName("a binding to a Role that is not there gives nothing, and the runner manager then cannot make pods", "in which namespace do job pods run? namespace in [runners.kubernetes] says it"),
			Sources: []string{rbacDocs, runnerKubernetes},
		},
		{
			ID: "refs-binding-elsewhere", Check: "refs-binding",
			Problem: "job pods run in the namespace {got} (<what>, <where>), and {binding} is bound in {want} only (<other-where>)",
			Causes: []Cause{
				{Why: "the runner manager may make pods only in a namespace in which its service account is bound", Fix: "write {want} in <where>, or make the Role and the RoleBinding in {got}"},
			},
			Sources: []string{rbacDocs, runnerKubernetes},
		},
		{
			ID: "refs-arn-malformed", Check: "refs-role-arn",
			Problem: "<what> is {got} (<where>), which is not the ARN of a role: <why>",
			Causes:  []Cause{{Why: "STS refuses it", Fix: "write it as arn:aws:iam::123456789012:role/NAME, with the account of the role and its path, if it has one"}},
			Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"},
		},
		{
			ID: "refs-role-name", Check: "refs-role",
			Problem: "the role is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("these places have to name one role", "does the account have it? aws iam get-role --role-name NAME"),
			Sources: []string{eksAnnotate},
		},
		{
			ID: "refs-role-missing", Check: "refs-role", Status: report.Warn,
			Problem: "the role {got} is asked for by <what> (<where>), and the service accounts in the files name only <there>",
			Causes:  []Cause{{Why: "a role admits the service accounts that its trust policy names, and the files have no such role", Fix: "write one of those in <where>, or give the role document of {got}"}},
			Sources: []string{eksAnnotate},
		},
		{
			ID: "refs-role-path", Check: "refs-role",
			Problem: "the role is {got} with its path in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("the path is a part of a role's ARN", "what is its ARN? aws iam get-role --role-name NAME"),
			Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"},
		},
		{
			ID: "refs-not-trusted", Check: "refs-trusted",
			Problem: "{account} names the role {role} (<where>), which trusts <trusted> and not it (<other-where>)",
			Causes: []Cause{
				{Why: "the annotation names the role of another service account, and {meant} is the one that trusts {account}", Fix: "name the role {meant} in <where>", When: "meant", Tell: "which permissions are the pods to have? Those of {role} or of {meant}"},
				{Why: "the trust policy of {role} does not admit the service account", Fix: "add it to sub in the trust policy of {role} (<other-where>), or name another role in <where>", Tell: "is the role meant for both? Then its trust policy lacks one"},
			},
			Sources: []string{eksAnnotate, irsaErrors},
		},
		{
			ID: "refs-not-annotated", Check: "refs-trusted",
			Problem: "<who> trusts {account}, whose definition (<where>) has no annotation eks.amazonaws.com/role-arn",
			Causes: []Cause{
				{Why: "without the annotation EKS gives the pods of the service account no role", Fix: "add the annotation eks.amazonaws.com/role-arn: <role> to it, and start new pods", When: "role"},
				{Why: "without the annotation EKS gives the pods of the service account no role", Fix: "add the annotation eks.amazonaws.com/role-arn with the ARN of the role to it, and start new pods", When: "no-arn"},
			},
			Sources: []string{eksAnnotate, webhookUsage},
		},
		{
			ID: "refs-trusted-more", Check: "refs-trusted", Status: report.Note,
			Problem: "<who> trusts {account} too, whose definition (<where>) has no annotation eks.amazonaws.com/role-arn",
			Causes:  []Cause{{Why: "its pods get no role until it has one", Fix: "add the annotation if they are to have it, or take the service account out of the trust policy"}},
			Sources: []string{eksAnnotate, webhookUsage},
		},
		{
			ID: "refs-trust-copied", Check: "refs-trusted",
			Problem: "<who> trusts {trusted} (<where>), as <other> does (<other-where>), and none trusts {account}, whose annotation names the role {role}",
			Causes: []Cause{
				{Why: "the one is most likely a copy of the other in which sub was not changed", Fix: "write {want} for the service account in sub in <where>", When: "sure"},
				{Why: "the one is most likely a copy of the other in which sub was not changed", Fix: "write {want} for the service account in sub in <where> or <other-where>: in that of the role {role}", When: "even", Tell: "which is the role's? aws iam get-role --role-name NAME"},
			},
			Sources: []string{eksAnnotate, irsaErrors},
		},
		{
			ID: "refs-audience-differs", Check: "refs-audience",
			Problem: "the audience is {got} in <what> (<where>), and {want} in <other>",
			Causes: []Cause{
				{Why: "what a token is for has to stand in the trust policy and among the provider's client ids, and more places say {want}", Fix: "write {want} in <where>", When: "outvoted"},
				{Why: "what a token is for has to stand in the trust policy and among the provider's client ids", Fix: "write {want} in <where>, or {got} in <other-where>", When: "even"},
			},
			Sources: []string{webhookUsage, oidcProvider},
		},
		{
			ID: "refs-cache-assume", Check: "refs-cache-access",
			Problem: "the role for the cache is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("the runner manager assumes RoleARN with its own role, whose policy has to allow that", "which roles are there? aws iam list-roles"),
			Sources: []string{runnerAdvanced},
		},
		{
			ID: "refs-issuer-differs", Check: "refs-issuer",
			Problem: "the issuer is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("the principal, the keys of the conditions and the provider have to be of one issuer, without https://", "which is the cluster's? aws eks describe-cluster --name NAME --query cluster.identity.oidc.issuer"),
			Sources: []string{eksAnnotate, irsaErrors},
		},
		{
			ID: "refs-account-differs", Check: "refs-aws-account",
			Problem: "the AWS account is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("a role and the provider that it trusts are of one account", "which account has the role? aws sts get-caller-identity with credentials of that account"),
			Sources: []string{"https://github.com/mozilla-iam/mozilla-aws-cli/issues/127", oidcProvider},
		},
		{
			ID: "refs-partition-differs", Check: "refs-aws-account",
			Problem: "the partition of AWS is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("a role and the provider that it trusts are of one partition", "in which region is the cluster? Of cn- it is aws-cn, of us-gov- aws-us-gov, else aws"),
			Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"},
		},
		{
			ID: "refs-jobs-swapped", Check: "refs-jobs-account",
			Problem: "jobs of <runner> run under {account} (<where>), the service account of the runner manager, and {meant} is not used for them",
			Causes:  []Cause{{Why: "the manager's role is for the cache, and jobs have a role of their own", Fix: "write {meant} in <where>, and restart the runner"}},
			Sources: []string{runnerKubernetes, runnerAdvanced},
		},
		{
			ID: "refs-manager-swapped", Check: "refs-jobs-account",
			Problem: "the runner manager runs under {account} (<where>), under which jobs of <runner> run too (<other-where>), and {meant} is not used for it",
			Causes:  []Cause{{Why: "the rights to make pods, or the permissions for the cache, are those of {meant}", Fix: "write {meant} in <where>, and start the runner manager anew"}},
			Sources: []string{runnerKubernetes, runnerAdvanced},
		},
		{
			ID: "refs-accounts-mixed", Check: "refs-jobs-account",
			Problem: "jobs of <runner> run under {account} (<where>), and the runner manager too (<other-where>), and neither under {meant}",
			Causes:  []Cause{{Why: "the manager has a service account for the cache and for making pods, and jobs have another, and nothing in the files says which of the two {meant} is", Fix: "write {meant} in <where> if it is that of jobs, or in <other-where> if it is the manager's", Tell: "which of the two is bound to make pods? kubectl get rolebindings --all-namespaces -o wide"}},
			Sources: []string{runnerKubernetes, runnerAdvanced},
		},
		{
			ID: "refs-jobs-as-manager", Check: "refs-jobs-account", Status: report.Warn,
			Problem: "jobs of <runner> run under {account} (<where>), the service account of the runner manager",
			Causes:  []Cause{{Why: "every job then has the manager's role, and its rights to make pods and to read secrets", Fix: "make a service account for jobs, annotate it with their role, and name it as service_account in [runners.kubernetes]"}},
			Sources: []string{runnerKubernetes, runnerAdvanced},
		},
		{
			ID: "refs-chart-removed", Check: "refs-chart",
			Problem: "the gitlab-runner chart does not read {key} (<where>) since version <since>",
			Causes:  []Cause{{Why: "what it sets has no effect, and the default takes its place in silence", Fix: "move it to <instead>"}},
			Sources: []string{chartValues, "https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/CHANGELOG.md"},
		},
		{
			ID: "refs-chart-deprecated", Check: "refs-chart", Status: report.Warn,
			Problem: "the gitlab-runner chart warns of {key} (<where>) since version <since>",
			Causes:  []Cause{{Why: "it still works, until the chart removes it", Fix: "move it to <instead>"}},
			Sources: []string{chartValues, "https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/CHANGELOG.md"},
		},
	}
}
