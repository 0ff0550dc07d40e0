package catalogue

const (
	iamGuide       = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
	principalGuide = iamGuide + "reference_policies_elements_principal.html"
	operatorGuide  = iamGuide + "reference_policies_elements_condition_operators.html"
	severalGuide   = iamGuide + "reference_policies_condition-single-vs-multi-valued-context-keys.html"
	claimKeys      = iamGuide + "reference_policies_iam-condition-keys.html#condition-keys-wif"
	eksTrust       = "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html"
	gitlabTrust    = "https://docs.gitlab.com/ci/cloud_services/aws/"
)

// trust is what a trust policy says that does not fit the token. The policy's
// value is {got}, what would fit is {want}.
var trust = []Case{
	{
		ID: "trust-duplicate-lost", Check: "trust-duplicate-keys",
		Problem: "{name} stands twice in one object (line <lost-line> and line <line>), and of the two IAM keeps the last, which does not admit the token",
		Causes:  []Cause{{Why: "the {name} on line <lost-line> would admit the token, but it is lost", Fix: "put what both hold into one {name}"}},
		Sources: []string{severalGuide},
	},
	{
		ID: "trust-duplicate", Check: "trust-duplicate-keys", Status: "warn",
		Problem: "{name} stands twice in one object (line <lost-line> and line <line>), and of the two IAM keeps the last",
		Causes:  []Cause{{Why: "what the {name} on line <lost-line> demands is not checked", Fix: "put what both hold into one {name}"}},
		Sources: []string{severalGuide},
	},
	{
		ID: "trust-denied-by", Check: "trust-deny",
		Problem: "statement <statement> denies {sub}, and a Deny outweighs every Allow",
		Causes:  []Cause{{Why: "statement <statement> applies to this token", Fix: "narrow the conditions of statement <statement>, or remove it"}},
		Sources: []string{iamGuide + "reference_policies_evaluation-logic.html"},
	},
	{
		ID: "trust-deny-unknown", Check: "trust-deny", Status: "unknown",
		Problem: "whether statement <statement> denies {sub} cannot be told: <reason>",
		Causes: []Cause{
			{Why: "the Deny depends on what only AWS knows when the call is made", Fix: "look at CloudTrail for the refused AssumeRoleWithWebIdentity", When: "decides-later"},
			{Why: "the principal of statement <statement> stands for this token too, and nothing else keeps the Deny from it", Fix: "remove statement <statement>, or look at CloudTrail for the refused AssumeRoleWithWebIdentity", When: "anyone", Unsure: true},
			{Why: "IAM refuses the whole policy for the Resource in statement <statement>", Fix: "remove it", When: "resource", Unsure: true},
		},
		Sources: []string{iamGuide + "reference_policies_evaluation-logic.html"},
	},
	{
		ID: "trust-no-allow", Check: "trust-principal",
		Problem: "no statement of the policy allows anything, so it does not admit {sub}",
		Causes:  []Cause{{Why: "every statement is a Deny", Fix: "add a statement with Effect Allow, as `ci-aws trust show` prints it"}},
		Sources: []string{iamGuide + "reference_policies_evaluation-logic.html"},
	},
	{
		ID: "trust-principal-kind", Check: "trust-principal",
		Problem: "the principal is {got} under <kind>, and a token is admitted by Federated only",
		Causes:  []Cause{{Why: "the statement is for callers that have AWS credentials already, not for a token", Fix: `write "Principal": {"Federated": {want}}`}},
		Sources: []string{principalGuide, eksTrust},
	},
	{
		ID: "trust-principal-form", Check: "trust-principal",
		Problem: "the principal {got} is not the ARN of an IAM OIDC provider",
		Causes:  []Cause{{Why: "the ARN of a provider is the issuer without https:// behind oidc-provider/", Fix: "write {want}"}},
		Sources: []string{principalGuide},
	},
	{
		ID: "trust-principal-unknown", Check: "trust-principal", Status: "unknown",
		Problem: "whether the principal {got} admits the token of {sub} cannot be told: <reason>",
		Causes:  []Cause{{Why: "no source says that this principal stands for a token", Fix: `write "Principal": {"Federated": {want}}`}},
		Sources: []string{principalGuide},
	},
	{
		ID: "trust-partition-other", Check: "trust-partition",
		Problem: "the principal is in partition {got}, and the role in {want}",
		Causes:  []Cause{{Why: "the ARN was taken from another part of AWS", Fix: "write the principal as {provider}"}},
		Sources: []string{iamGuide + "reference-arns.html"},
	},
	{
		ID: "trust-account-other", Check: "trust-account",
		Problem: "the principal names a provider of account {got}, and the role is in account {want}",
		Causes: []Cause{
			{Why: "the trust policy was taken from another account", Fix: "write the principal as {provider}, which account {want} must have", Tell: "is {got} an account of yours that has the same cluster's provider? Then the policy was copied from there"},
			{Why: "<role-from> names a role of the wrong account", Fix: "compare the account in <role-from> with the account that owns this policy", When: "role-from", Tell: "is {got} the account that owns the role? Then the role ARN is wrong, and the policy is right"},
		},
		Sources: []string{"https://github.com/mozilla-iam/mozilla-aws-cli/issues/127", eksTrust},
	},
	{
		ID: "trust-provider-scheme", Check: "trust-provider",
		Problem: "the principal names the provider {got}, with the scheme of the URL in it",
		Causes:  []Cause{{Why: "the name of a provider is the issuer without https://", Fix: "write the principal as {provider}"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-provider-path", Check: "trust-provider",
		Problem: "the principal names the provider {got}, in which /id/ is missing",
		Causes:  []Cause{{Why: "the issuer of an EKS cluster is its host, /id/ and the cluster's id", Fix: "write the principal as {provider}"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-provider-slash", Check: "trust-provider",
		Problem: "the principal names the provider {got}, the token's issuer is {want}: a slash at the end differs",
		Causes:  []Cause{{Why: "IAM compares them letter by letter, a slash at the end too", Fix: "write the principal as {provider}"}},
		Sources: []string{iamGuide + "id_roles_providers_create_oidc.html"},
	},
	{
		ID: "trust-provider-cluster", Check: "trust-provider",
		Problem: "the principal names the cluster {got}, and the token is of the cluster {want}",
		Causes: []Cause{
			{Why: "the id has a slip: <slip>", Fix: "write the principal as {provider}", When: "slip"},
			{Why: "the policy is for another cluster, or for this one before it was made anew", Fix: "write the principal as {provider}, and make that provider if the account has none", When: "no-slip", Tell: "is {got} a cluster that still runs (aws eks describe-cluster shows its issuer)? Then the policy is for another cluster"},
		},
		Sources: []string{eksTrust, irsaErrors},
	},
	{
		ID: "trust-provider-other", Check: "trust-provider",
		Problem: "the principal names the provider {got}, and the token's issuer is {want}",
		Causes: []Cause{
			{Why: "the name has a slip: <slip>", Fix: "write the principal as {provider}", When: "slip"},
			{Why: "the policy is for the tokens of another issuer", Fix: "write the principal as {provider}, or present a token of that issuer", When: "no-slip"},
		},
		Sources: []string{principalGuide, eksTrust, gitlabTrust},
	},
	{
		ID: "trust-action-assume", Check: "trust-action",
		Problem: "the action is {got}, which is for callers with AWS credentials, not for a token",
		Causes:  []Cause{{Why: "a token is exchanged by another call", Fix: "write the action as sts:AssumeRoleWithWebIdentity"}},
		Sources: []string{stsAPI, eksTrust},
	},
	{
		ID: "trust-action-other", Check: "trust-action",
		Problem: "the action {got} does not allow sts:AssumeRoleWithWebIdentity",
		Causes:  []Cause{{Why: "a token is exchanged by sts:AssumeRoleWithWebIdentity only", Fix: "write the action as sts:AssumeRoleWithWebIdentity"}},
		Sources: []string{stsAPI, eksTrust},
	},
	{
		ID: "trust-action-unknown", Check: "trust-action", Status: "unknown",
		Problem: "whether the action {got} allows the exchange cannot be told: <reason>",
		Causes:  []Cause{{Why: "the action depends on what is not known here", Fix: "write the action as sts:AssumeRoleWithWebIdentity"}},
		Sources: []string{iamGuide + "reference_policies_variables.html"},
	},
	{
		ID: "trust-key-scheme", Check: "trust-key",
		Problem: "the condition key {got} has a scheme in it, so no token has it",
		Causes:  []Cause{{Why: "the key is the issuer without https://", Fix: "write the key as {want}"}},
		Sources: []string{claimKeys, eksTrust},
	},
	{
		ID: "trust-key-path", Check: "trust-key",
		Problem: "in the condition key {got} /id/ is missing, so no token has it",
		Causes:  []Cause{{Why: "the issuer of an EKS cluster is its host, /id/ and the cluster's id", Fix: "write the key as {want}"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-key-slash", Check: "trust-key",
		Problem: "the condition key is {got}, and the token's is {want}: a slash at the end of the issuer differs",
		Causes:  []Cause{{Why: "a slash at the end of the issuer is part of the key", Fix: "write the key as {want}"}},
		Sources: []string{claimKeys},
	},
	{
		ID: "trust-key-cluster", Check: "trust-key",
		Problem: "the condition key {got} is of another cluster than the token, whose key is {want}",
		Causes: []Cause{
			{Why: "the id has a slip: <slip>", Fix: "write the key as {want}", When: "slip"},
			{Why: "the condition was taken from another cluster, or from this one before it was made anew", Fix: "write the key as {want}", When: "no-slip", Tell: "does the principal of the statement name the token's cluster? Then only the condition was left behind"},
		},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-key-claim", Check: "trust-key",
		Problem: "the condition key {got} is none that STS makes of this issuer's tokens",
		Causes:  []Cause{{Why: "of a token of {issuer} STS makes the keys aud and sub only, so the condition never holds", Fix: "remove this condition, and say who is meant by {want}"}},
		Sources: []string{claimKeys, gitlabTrust},
	},
	{
		ID: "trust-key-other", Check: "trust-key",
		Problem: "the condition key {got} is none of the token's; its keys start with {provider-name}",
		Causes: []Cause{
			{Why: "the key has a slip: <slip>", Fix: "write the key as {want}", When: "slip"},
			{Why: "the condition is for the tokens of another issuer", Fix: "write the key as {want}", When: "no-slip"},
		},
		Sources: []string{claimKeys},
	},
	{
		ID: "trust-wildcard", Check: "trust-subject",
		Problem: "{got} is compared under <operator>, where * and ? are plain characters, so it is not {want}",
		Causes:  []Cause{{Why: "only StringLike knows wildcards", Fix: "write {want} in full, or change <operator> to StringLike"}},
		Sources: []string{operatorGuide, actionIssues + "318"},
	},
	{
		ID: "trust-case", Check: "trust-subject",
		Problem: "the policy expects {got}, and the token has {want}: the letter case differs",
		Causes:  []Cause{{Why: "<operator> tells capitals from small letters", Fix: "write {want}"}},
		Sources: []string{operatorGuide},
	},
	{
		ID: "trust-excluded", Check: "trust-subject",
		Problem: "<operator> {got} shuts out the token, which has {want}",
		Causes:  []Cause{{Why: "the condition holds for every other value only", Fix: "narrow what the condition excludes, or remove it"}},
		Sources: []string{operatorGuide},
	},
	{
		ID: "trust-swapped", Check: "trust-subject",
		Problem: "the policy expects {got}, and the token has {want}: namespace and service account are swapped",
		Causes:  []Cause{{Why: "the namespace stands first, then the service account", Fix: "write {want}"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-prefix", Check: "trust-subject",
		Problem: "the policy expects {got}, and the token has {want}: system:serviceaccount: is missing",
		Causes:  []Cause{{Why: "the subject of a service account starts with system:serviceaccount:", Fix: "write {want}"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-namespace-other", Check: "trust-namespace",
		Problem: "the policy expects namespace {got-part}, and the token is of a pod in {part}",
		Causes: []Cause{
			{Why: "the name has a slip: <slip>", Fix: "write {want} in the policy", When: "slip"},
			{Why: "the policy names another namespace than the one that jobs run in", Fix: "write {want} in the policy", Tell: "does the runner's config.toml say namespace = {part}? Then the policy is wrong"},
			{Why: "the runner puts jobs into another namespace than was meant", Fix: "set namespace = {got-part} in [runners.kubernetes] of config.toml", Tell: "does the runner's config.toml say another namespace than {part}, and overwrites are allowed? Then KUBERNETES_NAMESPACE_OVERWRITE of the job chose it"},
		},
		Sources: []string{eksTrust, "https://docs.gitlab.com/runner/executors/kubernetes/"},
	},
	{
		ID: "trust-service-account-other", Check: "trust-service-account",
		Problem: "the policy expects service account {got-part}, and the token is of {part}",
		Causes: []Cause{
			{Why: "the name has a slip: <slip>", Fix: "write {want} in the policy", When: "slip"},
			{Why: "the pod runs as another service account than was meant", Fix: "set service_account = {got-part} in [runners.kubernetes] of config.toml", Tell: "is {part} default, or the runner manager's own? Then the runner did not give the job its service account", First: "default"},
			{Why: "the policy names another service account than the one that jobs run as", Fix: "write {want} in the policy", Tell: "does the runner's config.toml say service_account = {part}? Then the policy is wrong"},
		},
		Sources: []string{eksTrust, "https://docs.gitlab.com/runner/executors/kubernetes/"},
	},
	{
		ID: "trust-subject-other", Check: "trust-subject",
		Problem: "the policy expects sub {got}, and the token has {want}",
		Causes: []Cause{
			{Why: "the text has a slip: <slip>", Fix: "write {want}", When: "slip"},
			{Why: "the policy is for another project, ref or service account", Fix: "write {want}, if this job is to have the role", When: "no-slip", Tell: "is there another role whose policy names {want}? Then the job asks for the wrong role"},
		},
		Sources: []string{eksTrust, gitlabTrust, actionIssues + "318"},
	},
	{
		ID: "trust-audience-other", Check: "trust-audience",
		Problem: "the policy expects aud {got}, and the token has {want}",
		Causes: []Cause{
			{Why: "the text has a slip: <slip>", Fix: "write {want}", When: "slip"},
			{Why: "the policy has another text than sts.amazonaws.com, which is what EKS asks for", Fix: "write {want} in the policy", When: "aud-default"},
			{Why: "the service account's annotation eks.amazonaws.com/audience asks for {want}", Fix: "remove the annotation, or write {want} in the policy", When: "aud-other", Tell: "does kubectl get serviceaccount -o yaml show eks.amazonaws.com/audience? Without it EKS asks for sts.amazonaws.com"},
			{Why: "aud of id_tokens in the job is {want}", Fix: "change aud to {got}, or write {want} in the policy", When: "gitlab"},
			{Why: "the policy was written for another audience", Fix: "write {want}", When: "other-issuer"},
		},
		Sources: []string{actionIssues + "775", gitlabTrust},
	},
	{
		ID: "trust-condition-fails", Check: "trust-condition",
		Problem: "the condition <operator> on {key} does not hold: it expects {got}, and <holder> has {want}",
		Causes:  []Cause{{Why: "every condition of a statement has to hold", Fix: "change this condition, or remove it"}},
		Sources: []string{operatorGuide},
	},
	{
		ID: "trust-condition-absent", Check: "trust-condition",
		Problem: "the condition <operator> on {key} does not hold: the token does not have this key, and {got} is expected",
		Causes:  []Cause{{Why: "every condition of a statement has to hold, and one on a missing key does not", Fix: "remove this condition"}},
		Sources: []string{operatorGuide, claimKeys},
	},
	{
		ID: "trust-condition-unknown", Check: "trust-condition", Status: "unknown",
		Problem: "whether the condition <operator> on {key} holds cannot be told: <reason>",
		Causes:  []Cause{{Why: "it depends on what only AWS knows when the call is made, or on an operator that is not evaluated here", Fix: "check {key} by hand, or look at CloudTrail for the refused AssumeRoleWithWebIdentity"}},
		Sources: []string{operatorGuide},
	},
	{
		ID: "trust-operator", Check: "trust-condition", Status: "unknown",
		Problem: "whether the condition on {key} holds cannot be told: its operator {got} is none that IAM documents",
		Causes: []Cause{
			{Why: "the operator has a slip: <slip>", Fix: "did you mean {meant}? Then write that", When: "slip"},
			{Why: "IAM has no operator of that name", Fix: "write one that it has, such as StringEquals or StringLike", When: "no-slip"},
		},
		Sources: []string{operatorGuide},
	},
	{
		ID: "trust-lists-nothing", Check: "trust-condition",
		Problem: "<what> in statement <statement> lists no value, so nothing fits it",
		Causes:  []Cause{{Why: "one of its values has to fit, and there is none", Fix: "write {want} there"}},
		Sources: []string{severalGuide},
	},
	{
		ID: "trust-resource", Check: "trust-condition", Status: "unknown",
		Problem: "whether statement <statement> admits the token cannot be told: it has <element> {got}, which has no place in a trust policy",
		Causes:  []Cause{{Why: "IAM refuses the whole policy for it, with Has prohibited field <element>", Fix: "remove <element> from statement <statement>", Unsure: true}},
		Sources: []string{iamGuide + "reference_policies_elements_resource.html", "https://github.com/hashicorp/terraform/issues/34231"},
	},
}

// trustTitles are the healthy facts of these cases' checks.
var trustTitles = map[string]string{
	"trust-duplicate-keys":  "no key of the trust policy stands twice",
	"trust-deny":            "no statement denies the token",
	"trust-principal":       "the principal is an IAM OIDC provider",
	"trust-partition":       "the provider is in the role's partition",
	"trust-account":         "the provider is in the role's account",
	"trust-provider":        "the provider is that of the token's issuer",
	"trust-action":          "the exchange of a token is allowed",
	"trust-key":             "each condition's key is one that the token has",
	"trust-subject":         "the condition admits the token's subject",
	"trust-namespace":       "the condition admits the pod's namespace",
	"trust-service-account": "the condition admits the pod's service account",
	"trust-audience":        "the condition admits the token's audience",
	"trust-condition":       "every other condition holds",
	"trust-narrow":          "the policy admits no more than it has to",
}
