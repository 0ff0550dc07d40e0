package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// Where a CI/CD variable of a job is set, by whether the container was started
// with it.
// https://docs.gitlab.com/ci/variables/#cicd-variable-precedence
const (
	InYAML = "in `variables:` of the .gitlab-ci.yml or of a file that it includes, or in `environment` of the runner's config.toml"
	InUI   = "in Settings > CI/CD > Variables of the project, a group above it or the instance, or in the variables of the schedule or pipeline"
)

const (
	variables = "https://docs.gitlab.com/ci/variables/"
	sdkChain  = "https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html"
	imds      = "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html"
)

// pod is what the pod and its environment show beside the identity: what was
// expected of it, and what other tools in the job would use.
var pod = []Case{
	{
		ID: "account-of-pod", Check: "service-account-expected",
		Problem: "the pod runs under the service account {who}, and {expected} was expected",
		Causes: []Cause{
			{Why: "the two are namespace and name the other way round", Fix: "correct the one that is wrong: service_account in [runners.kubernetes] of the runner's config.toml, or <expected-from>", When: "swapped", Tell: "namespace and name have changed places"},
			{Why: "one of the two is a slip (<slip>)", Fix: "correct the one that is wrong: service_account in [runners.kubernetes] of the runner's config.toml, or <expected-from>", When: "slip", Tell: "compare the two, letter by letter"},
			{Why: "the runner makes its pods in another namespace", Fix: "set namespace in [runners.kubernetes] of the config.toml of the runner that took the job, or compare the job's tags", When: "other-namespace", Tell: "the accounts have one name, in two namespaces"},
			{Why: "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE is {asked}: a variable of the job or a CI/CD variable outranks the component's input service-account", Fix: "remove that variable from the job, and from GitLab's (Settings > CI/CD > Variables)", When: "overwrite-other", First: "overwrite-other", Tell: "the variable is not what the input says"},
			{Why: "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE is empty: a variable of the job or a CI/CD variable outranks the component's input service-account", Fix: "remove that variable from the job, and from GitLab's (Settings > CI/CD > Variables)", When: "overwrite-empty", First: "overwrite-empty", Tell: "the variable is not what the input says"},
			{Why: "the runner ignored KUBERNETES_SERVICE_ACCOUNT_OVERWRITE in silence, since its service_account_overwrite_allowed is empty", Fix: "set that, in [runners.kubernetes] of the runner's config.toml, to the account's name between ^ and $", When: "overwrite", Tell: "the variable is set in the job, and the pod runs under another account"},
			{Why: "the runner's service_account is not set, and the pod got its namespace's default one", Fix: "set it, in [runners.kubernetes] of the runner's config.toml, to the name of the account that was expected", When: "default-account", Tell: "the pod's account is called default"},
			{Why: "the runner's service_account names another one, or another runner took the job", Fix: "set it to the name that was expected, in the config.toml of the runner that took the job, and compare the job's tags", When: "other-account", Tell: "the job's log names the runner that took it"},
		},
		Sources: []string{runner, "https://github.com/actions/actions-runner-controller/issues/2992"},
	},
	{
		ID: "account-of-manager", Check: "service-account-expected",
		Problem: "the pod runs under the service account {who}, and {expected} was expected of the runner manager",
		Causes: []Cause{
			{Why: "one of the two is a slip (<slip>)", Fix: "correct the one that is wrong: the manager's account is serviceAccount.name of the Helm chart, or spec.serviceAccountName of its pod", When: "slip", Tell: "compare the two, letter by letter"},
			{Why: "this pod is not the manager's, or the chart gives the manager another account", Fix: "set spec.serviceAccountName of this pod, or serviceAccount.name of the Helm chart (service_account in config.toml is for job pods)", When: "no-slip", Tell: "kubectl get pod NAME -o jsonpath='{.spec.serviceAccountName}' of the manager's pod"},
		},
		Sources: []string{runner, "https://docs.gitlab.com/runner/install/kubernetes_helm_chart_configuration/"},
	},
	{
		ID: "account-shared", Check: "service-account-expected", Status: report.Warn,
		Problem: "the pod runs under {who}, and <config> gives that service account to job pods",
		Causes:  []Cause{{Why: "this is not the manager's pod, or the manager shares its account, and with it its role, with every job", Fix: "run this under the manager's account; or give jobs one of their own by service_account in [runners.kubernetes]"}},
		Sources: []string{runner},
	},
	{
		ID: "job-as-runner", Check: "service-account-expected", Status: report.Warn,
		Problem: "this is the pod of job <job>, under {who}, and --as runner is for the runner manager's",
		Causes:  []Cause{{Why: "a job's pod has neither the manager's account nor its role", Fix: "leave out --as runner, or run this in a pod of the manager's service account (docs/setup.md has its manifest)"}},
		Sources: []string{runner},
	},
	{
		ID: "account-untold", Check: "service-account-expected", Status: report.Unknown,
		Problem: "no token tells the pod's service account, and {expected} was expected",
		Causes:  []Cause{{Why: "the pod has neither a projected token nor its ordinary one", Fix: "run this in a job's pod; automount_service_account_token may be off"}},
		Sources: []string{runner},
	},
	{
		ID: "account-of-jobs", Check: "service-account-expected",
		Problem: "the pod runs under {who}, which <config> gives to job pods; the runner manager has its own account",
		Causes:  []Cause{{Why: "manager and jobs are mixed up", Fix: "run this under the manager's service account (serviceAccount.name of the Helm chart), or leave out --as runner"}},
		Sources: []string{runner},
	},
	{
		ID: "webhook-stopped", Check: "webhook-injection",
		Problem: "AWS_ROLE_ARN is {role} and AWS_WEB_IDENTITY_TOKEN_FILE is not set, though the EKS webhook mounted its token",
		Causes:  []Cause{{Why: "AWS_ROLE_ARN was in the container's environment before the webhook looked, and it then sets neither variable", Fix: "delete AWS_ROLE_ARN, or rename it to CI_AWS_ROLE_ARN, where it is set: <where>"}},
		Sources: []string{webhook, variables},
	},
	{
		ID: "role-overridden", Check: "role-injected",
		Problem: "AWS_ROLE_ARN is {role}, but was {started-role} when the container started",
		Causes:  []Cause{{Why: "a CI/CD variable of GitLab's UI took the place of the role that the service account names, and that role does not trust the pod's token", Fix: "delete the variable AWS_ROLE_ARN: <where>; to take another role than the service account's, set CI_AWS_ROLE_ARN"}},
		Sources: []string{variables, webhook},
	},
	{
		ID: "role-other", Check: "role-expected",
		Problem: "the role is {role} (<role-from>), and {expected} was expected",
		Causes: []Cause{
			{Why: "one of the two is a slip (<slip>)", Fix: "correct the one that is wrong: <role-from> or <expected-from>", When: "slip", Tell: "compare the two, letter by letter"},
			{Why: "AWS_ROLE_ARN was {started-role} when the container started, and a CI/CD variable took its place", Fix: "delete the variable AWS_ROLE_ARN: <where>", When: "role-overridden", First: "role-overridden", Tell: "tr '\\0' '\\n' </proc/1/environ in the job shows the value that it started with"},
			{Why: "the annotation eks.amazonaws.com/role-arn of the service account names another role", Fix: "change it to the ARN of the role that was expected, and start a new job", When: "injected", Tell: "kubectl describe serviceaccount shows the annotation"},
			{Why: "<role-from> names another role", Fix: "correct it, or <expected-from>", When: "chosen", Tell: "look at <role-from>"},
		},
		Sources: []string{webhook},
	},
	{
		ID: "account-other", Check: "account-expected",
		Problem: "the role {role} is in account {account}, and {expected} was expected",
		Causes: []Cause{
			{Why: "one of the two is a slip (<slip>)", Fix: "correct the one that is wrong: <role-from> or <expected-from>", When: "slip", Tell: "compare the two, digit by digit"},
			{Why: "<role-from> names a role of another account", Fix: "name the role of account {expected} there", Tell: "look at <role-from>"},
		},
		Sources: []string{"https://github.com/mozilla-iam/mozilla-aws-cli/issues/127"},
	},
	{
		ID: "session-other", Check: "identity-expected",
		Problem: "the credentials are of {arn}, and {expected} was expected",
		Causes:  []Cause{{Why: "the role behind source <source> is another one", Fix: "change what gives the role (for Pod Identity, the association of the service account), or <expected-from>"}},
		Sources: []string{"https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html"},
	},
	{
		ID: "identity-untold", Check: "identity-expected", Status: report.Unknown,
		Problem: "the service does not tell who the credentials belong to, and {expected} was expected",
		Causes:  []Cause{{Why: "the endpoint has no GetCallerIdentity", Fix: "leave out <expected-from> with this endpoint"}},
		Sources: []string{"https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"},
	},
	{
		ID: "node-identity", Check: "identity-expected",
		Problem: "the credentials are the node's: session {session} of {arn}",
		Causes: []Cause{
			{Why: "they come from the node's metadata service, since the pod has no role of its own", Fix: "annotate the pod's service account with a role, and keep pods from the metadata service (hop limit 1)", Tell: "the role is the node group's"},
			{Why: "an interceptor such as kube2iam stands before the metadata service", Fix: "take the pod's role from its service account in its place", Tell: "the role is one that the pod's annotation iam.amazonaws.com/role names", Unsure: true},
		},
		Sources: []string{"https://github.com/aws/amazon-eks-pod-identity-webhook/issues/228", imds},
	},
	{
		ID: "static-keys", Check: "keys-in-environment",
		Problem: "<names> are set, so that every other tool in this job uses the key {key-id} and not the role",
		Causes:  []Cause{{Why: "keys in the environment outrank every other source of credentials", Fix: "delete the variables <names>: <where>; then deactivate the key in IAM"}},
		Sources: []string{sdkChain, actionIssues + "743"},
	},
	{
		ID: "temporary-keys", Check: "keys-in-environment", Status: report.Warn,
		Problem: "the temporary key {key-id} is in the environment, and every other tool in this job uses it and not the role",
		Causes:  []Cause{{Why: "keys in the environment outrank every other source of credentials", Fix: "if the job did not make them itself, delete the variables <names> and AWS_SESSION_TOKEN: <where>"}},
		Sources: []string{sdkChain},
	},
	{
		ID: "stale-keys", Check: "keys-in-environment",
		Problem: "the temporary keys in the environment ended at <until>, and every other tool in this job uses them all the same",
		Causes:  []Cause{{Why: "they were exported once, and the job has outlived them", Fix: "export them anew (ci-aws env), or let them be renewed: ci-aws exec --serve, or ci-aws configure"}},
		Sources: []string{sdkChain},
	},
	{
		ID: "half-keys", Check: "keys-in-environment", Status: report.Warn,
		Problem: "<names> is set without its other half",
		Causes:  []Cause{{Why: "one of the two variables was left behind, and some tools may stop at it", Fix: "delete it: <where>"}},
		Sources: []string{sdkChain},
	},
	{
		ID: "session-name-of-others", Check: "session-name-heeded",
		Problem: "AWS_ROLE_SESSION_NAME is {name}, which STS does not take, so that other tools in this job get no credentials",
		Causes:  []Cause{{Why: "a session name has 2 to 64 letters, digits and _=,.@+-", Fix: "change or delete AWS_ROLE_SESSION_NAME: <where>"}},
		Sources: []string{stsAPI},
	},
	{
		ID: "profile-missing", Check: "profile-heeded",
		Problem: "<profile-from> names the profile {profile}, which cannot be read, and other tools in this job stop at it",
		Causes:  []Cause{{Why: "no AWS config file of this job has that profile", Fix: "delete <profile-from>: <where>; or write the profile (ci-aws configure)"}},
		Sources: []string{"https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html"},
	},
	{
		ID: "profile-outranked", Check: "profile-heeded", Status: report.Warn,
		Problem: "<profile-from> names the profile {profile}, but tools in this job take the web identity of <outranks> before any profile",
		Causes:  []Cause{{Why: "the environment's web identity outranks a profile", Fix: "delete <profile-from>; or take the profile's role, by unsetting AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE in the job"}},
		Sources: []string{sdkChain},
	},
	{
		ID: "agent-outranked", Check: "agent-heeded", Status: report.Warn,
		Problem: "<variable> is set, but tools in this job take the web identity of <outranks> before it",
		Causes:  []Cause{{Why: "the environment's web identity outranks a credentials endpoint", Fix: "delete <variable>; or take its credentials, by unsetting AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE in the job"}},
		Sources: []string{sdkChain},
	},
	{
		ID: "agent-proxied", Check: "agent-heeded",
		Problem: "<proxy-from> is set and NO_PROXY does not name {host}, so that other tools in this job look for the Pod Identity agent behind the proxy",
		Causes:  []Cause{{Why: "SDKs send the agent's requests to the proxy too", Fix: "add 169.254.170.23 and [fd00:ec2::23] to NO_PROXY, where <proxy-from> is set: <where>"}},
		Sources: []string{"https://github.com/awsdocs/amazon-eks-user-guide/issues/872"},
	},
	{
		ID: "node-behind", Check: "node-unused", Status: report.Note,
		Problem: "other tools in this job take the role {node-role} of the node, from its metadata service",
		Causes:  []Cause{{Why: "this job has no other identity for them, and pods can reach the metadata service", Fix: "give the pod's service account a role, and let the metadata service answer nodes only (hop limit 1)"}},
		Sources: []string{imds},
	},
	{
		ID: "clock-token", Check: "clock", Status: report.Warn,
		Problem: "the clock of this machine says <now>, but STS took a token that expired at <exp>",
		Causes:  []Cause{{Why: "the node's clock is ahead; calls with a signature fail where it is wrong by more than 5 minutes", Fix: "mend time synchronization on the node"}},
		Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html"},
	},
	{
		ID: "access-of-job", Check: "cache-access", Status: report.Note,
		Problem: "this is the access of {arn}; the runner's cache is reached with the runner manager's role, or with the role that it assumes (RoleARN)",
		Causes:  []Cause{{Why: "a job's role and the cache's are two", Fix: "to prove the manager's access run ci-aws doctor --as runner under its service account; " + roundTrip}},
		Sources: []string{"https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnerscaches3-section"},
	},
	{
		ID: "clock-issued", Check: "clock", Status: report.Warn,
		Problem: "the clock of this machine says <now>, but the token was issued at <iat>",
		Causes:  []Cause{{Why: "the node's clock is behind; calls with a signature fail where it is wrong by more than 5 minutes", Fix: "mend time synchronization on the node"}},
		Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html"},
	},
	{
		ID: "setting-wrong", Check: "settings-usable",
		Problem: "<what>",
		Causes:  []Cause{{Why: "nothing was checked, since the settings say what to check", Fix: "<fix>"}},
	},
	{
		ID: "unfinished", Check: "finished", Status: report.Unknown,
		Problem: "<check>: <what>",
		Causes:  []Cause{{Why: "the checks before it took the time", Fix: "start it again with more --timeout", When: "late"}},
	},
}

// podTitles are the healthy facts of these cases' checks.
var podTitles = map[string]string{
	"service-account-expected": "the pod runs under the expected service account",
	"webhook-injection":        "the EKS webhook could set its variables",
	"role-injected":            "AWS_ROLE_ARN is the one that the container started with",
	"role-expected":            "the role is the expected one",
	"account-expected":         "the role is in the expected account",
	"identity-expected":        "the credentials are those of the role",
	"session-name-heeded":      "other tools have a session name that STS takes",
	"settings-usable":          "the settings of ci-aws can be used",
	"profile-heeded":           "no profile is missing or outranked",
	"agent-heeded":             "no credentials endpoint is outranked or behind a proxy",
	"node-unused":              "other tools do not fall back to the node's role",
	"cache-access":             "whose access was tested, and who reaches the cache",
	"finished":                 "every check came to its end",
}
