package catalogue

const (
	webhook      = "https://github.com/aws/amazon-eks-pod-identity-webhook"
	runner       = "https://docs.gitlab.com/runner/executors/kubernetes/"
	idTokens     = "https://docs.gitlab.com/ci/secrets/id_token_authentication/"
	sdkConfig    = "https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html"
	sdkEndpoints = "https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html"
	roleARNs     = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"
	podIdentity  = "https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html"
	stsAPI       = "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"
)

// local are the failures that are seen inside the pod, before any call.
var local = []Case{
	{
		ID: "no-identity", Check: "identity-present",
		Problem: "no GitLab ID token ({id-token-env} is not set), no IRSA token (AWS_WEB_IDENTITY_TOKEN_FILE is not set and {file} does not exist), no EKS Pod Identity (AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE are not both set)",
		Causes: []Cause{
			{Why: "this is no pod of Kubernetes, whose identity it would have", Fix: "where jobs run by another executor, let them ask GitLab for an ID token (id_tokens with CI_AWS_ID_TOKEN) and name the role by CI_AWS_ROLE_ARN", When: "no-pod", First: "no-pod", Tell: "KUBERNETES_SERVICE_HOST is not set, and there is no service-account token"},
			{Why: "of the two variables of Pod Identity just one is set, <half>, so that something else than EKS set it", Fix: "remove it from the job's variables", When: "half", Tell: "EKS sets both variables, or none"},
			{Why: "the service account of this pod, {pod-sub}, has no role annotation, or got it after the pod started", Fix: "annotate it with eks.amazonaws.com/role-arn and start a new job", When: "pod-sub", Tell: "kubectl get serviceaccount NAME -o yaml shows the annotation, or none"},
			{Why: "the service account of this pod has no role annotation, or got it after the pod started", Fix: "annotate it with eks.amazonaws.com/role-arn and start a new job", When: "no-pod-sub", Tell: "kubectl get serviceaccount NAME -o yaml shows the annotation, or none"},
			{Why: "AWS_ROLE_ARN was set by hand, and a role without a token is no identity", Fix: "remove it from the job's variables, and annotate the service account with eks.amazonaws.com/role-arn instead", When: "role-env", Tell: "AWS_ROLE_ARN is set, and no token is mounted"},
			{Why: "the pod runs under another service account than you think", Fix: "set service_account in [runners.kubernetes] of the runner's config.toml", Tell: "kubectl get pod -o jsonpath={.spec.serviceAccountName} shows the one in use"},
			{Why: "the EKS webhook missed this pod (it does, now and then, right after the service account was made)", Fix: "start the job again", Tell: "the next job of the same service account has its token"},
		},
		Sources: []string{webhook, webhook + "/issues/174", runner, podIdentity},
	},
	{
		ID: "default-service-account", Check: "identity-present",
		Problem: "the pod runs under {pod-sub}, which has no AWS role",
		Causes: []Cause{
			{Why: "the runner's service_account is not set", Fix: "set service_account = \"…\" in [runners.kubernetes] of its config.toml", Tell: "the runner's config.toml has no service_account"},
			{Why: "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE was silently ignored, since the runner allows no overwrite", Fix: "set service_account_overwrite_allowed in [runners.kubernetes] of its config.toml to an anchored expression, such as ^gitlab-jobs$", First: "overwrite", Tell: "the job sets that variable, and its log does not say that ServiceAccount was overwritten"},
		},
		Sources: []string{runner},
	},
	{
		ID: "id-token-missing", Check: "identity-present",
		Problem: "the variable {id-token-env} is not set",
		Causes: []Cause{
			{Why: "<extends> asks GitLab for no ID token, and its source is gitlab", Fix: "extend <oidc-job> in its place", When: "oidc-job", Tell: "the job extends <extends>, and CI_AWS_SOURCE or the component's input source is gitlab"},
			{Why: "a ready job asks GitLab for no ID token", Fix: "write a job that extends .ci-aws-oidc, with this command as its script", When: "ready-job", Tell: "the input source of the component whoami or doctor is gitlab"},
			{Why: "the job asks GitLab for no token of that name", Fix: "add `id_tokens: { <id-token-env>: { aud: … } }` to the job", Tell: "the job has no id_tokens with <id-token-env>"},
		},
		Sources: []string{idTokens},
	},
	{
		ID: "irsa-missing", Check: "identity-present",
		Problem: "AWS_WEB_IDENTITY_TOKEN_FILE is not set and {file} does not exist",
		Causes: []Cause{
			{Why: "this is no pod of Kubernetes, whose identity it would have", Fix: "where jobs run by another executor, let them ask GitLab for an ID token (id_tokens with CI_AWS_ID_TOKEN) and name the role by CI_AWS_ROLE_ARN", When: "no-pod", First: "no-pod", Tell: "KUBERNETES_SERVICE_HOST is not set, and there is no service-account token"},
			{Why: "the service account of this pod, {pod-sub}, has no role annotation, or got it after the pod started", Fix: "annotate it with eks.amazonaws.com/role-arn and start a new job", When: "pod-sub", Tell: "kubectl get serviceaccount NAME -o yaml shows the annotation, or none"},
			{Why: "the service account of this pod has no role annotation, or got it after the pod started", Fix: "annotate it with eks.amazonaws.com/role-arn and start a new job", When: "no-pod-sub", Tell: "kubectl get serviceaccount NAME -o yaml shows the annotation, or none"},
			{Why: "AWS_ROLE_ARN was set by hand, and a role without a token is no identity", Fix: "remove it from the job's variables, and annotate the service account with eks.amazonaws.com/role-arn instead", When: "role-env", Tell: "AWS_ROLE_ARN is set, and no token is mounted"},
			{Why: "the pod runs under another service account than you think", Fix: "set service_account in [runners.kubernetes] of the runner's config.toml", Tell: "kubectl get pod -o jsonpath={.spec.serviceAccountName} shows the one in use"},
			{Why: "the EKS webhook missed this pod (it does, now and then, right after the service account was made)", Fix: "start the job again", Tell: "the next job of the same service account has its token"},
		},
		Sources: []string{webhook, runner},
	},
	{
		ID: "pod-identity-missing", Check: "identity-present",
		Problem: "EKS Pod Identity sets AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, and <what>",
		Causes: []Cause{
			{Why: "something else than EKS set <half>, since EKS sets both", Fix: "remove it from the job's variables, and start a new job", When: "half", Tell: "EKS sets both variables, or none"},
			{Why: "no EKS Pod Identity association names this pod's service account, or it is younger than the pod", Fix: "create it (aws eks create-pod-identity-association) and start a new job", When: "neither", Tell: "aws eks list-pod-identity-associations --cluster-name NAME lists those of the cluster"},
			{Why: "the EKS webhook missed this pod", Fix: "start the job again", When: "neither", Tell: "the next job of the same service account has both variables"},
			{Why: "the pod runs on Fargate, which has no Pod Identity agent", Fix: "use IRSA there", When: "neither", Tell: "the name of the pod's node starts with fargate-"},
		},
		Sources: []string{podIdentity, "https://github.com/aws/eks-pod-identity-agent/issues/153"},
	},
	{
		ID: "ambient-missing", Check: "identity-present",
		Problem: "the source is ambient, which takes AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the environment, and <what>",
		Causes: []Cause{
			{Why: "AWS_SECRET_ACCESS_KEY was forgotten, or is a protected variable and this branch or tag is not protected", Fix: "set it beside AWS_ACCESS_KEY_ID in the job's variables, and protect both or neither", When: "has-id", Tell: "Settings > CI/CD > Variables shows both with their flags"},
			{Why: "AWS_ACCESS_KEY_ID was forgotten, or is a protected variable and this branch or tag is not protected", Fix: "set it beside AWS_SECRET_ACCESS_KEY in the job's variables, and protect both or neither", When: "has-secret", Tell: "Settings > CI/CD > Variables shows both with their flags"},
			{Why: "the job has an identity of its own and needs no keys", Fix: "leave out --source (CI_AWS_SOURCE, the component's input source), so that the pod's own identity is used", Tell: "ci-aws whoami --source auto finds it, or says what it lacks"},
		},
		Sources: []string{variables},
	},
	{
		ID: "token-missing", Check: "token-readable",
		Problem: "the token file {file} does not exist",
		Causes: []Cause{
			{Why: "<file-from> names a path of another container, or has a typo", Fix: "remove that setting; EKS sets AWS_WEB_IDENTITY_TOKEN_FILE by itself", Tell: "<file-from> is not what EKS sets: /var/run/secrets/eks.amazonaws.com/serviceaccount/token"},
			{Why: "the token volume is not mounted in this container", Fix: "take the container's name from the pod annotation eks.amazonaws.com/skip-containers", Tell: "kubectl get pod -o yaml shows that annotation, and no volumeMount aws-iam-token in the container"},
		},
		Sources: []string{webhook},
	},
	{
		ID: "token-permission", Check: "token-readable",
		Problem: "the token file {file} cannot be read by uid <uid> (it is <mode> and belongs to uid <owner>)",
		Causes: []Cause{
			{Why: "the token is readable by root only and the job's image runs as another user", Fix: "set fs_group in [runners.kubernetes.pod_security_context] of the runner's config.toml"},
		},
		Sources: []string{webhook + "/issues/8"},
	},
	{
		ID: "token-unreadable", Check: "token-readable",
		Problem: "the token file {file} cannot be read: <what>",
		Causes:  []Cause{{Why: "<file-from> does not name a token", Fix: "let it name the file of the projected token, or remove it"}},
		Sources: []string{webhook},
	},
	{
		ID: "token-malformed", Check: "token-is-jwt",
		Problem: "the token in {file}, from <file-from>, is not a JWT: <what>",
		Causes: []Cause{
			{Why: "the setting holds something else, such as a variable that was not expanded", Fix: "look at what <file-from> names; a JWT has three parts with dots between"},
		},
		Sources: []string{stsAPI},
	},
	{
		ID: "role-missing", Check: "role-arn",
		Problem: "no role to assume: none of --role-arn, CI_AWS_ROLE_ARN, the component's input role-arn and AWS_ROLE_ARN is set",
		Causes: []Cause{
			{Why: "ci-aws env --isolate took AWS_ROLE_ARN out of this shell", Fix: "run this before it, or give --role-arn", When: "own-keys", First: "own-keys", Tell: "AWS_CREDENTIAL_EXPIRATION is set, and AWS_WEB_IDENTITY_TOKEN_FILE is not"},
			{Why: "the service account of this pod, {sub}, has no annotation eks.amazonaws.com/role-arn that the webhook could inject", Fix: "annotate it, or set the component's input role-arn, or give --role-arn", Tell: "kubectl describe serviceaccount shows no such annotation"},
		},
		Sources: []string{webhook},
	},
	{
		ID: "role-missing-gitlab", Check: "role-arn",
		Problem: "no role to assume for the GitLab ID token of {sub}: none of --role-arn, CI_AWS_ROLE_ARN and the component's input role-arn is set",
		Causes: []Cause{
			{Why: "AWS_ROLE_ARN does not count here, since it belongs to the pod's own identity", Fix: "set the component's input role-arn, or CI_AWS_ROLE_ARN in the job's variables, or give --role-arn"},
		},
		Sources: []string{idTokens},
	},
	{
		ID: "role-arn-malformed", Check: "role-arn",
		Problem: "{role} (<role-from>) is not the ARN of a role: <what>",
		Causes: []Cause{
			{Why: "the variable is not defined for this job, or is protected and this branch is not", Fix: "define it, or write the ARN itself into <role-from>", When: "unexpanded", Tell: "the value starts with $"},
			{Why: "<role-from> holds more than the ARN", Fix: "write it as {trimmed}", When: "trimmed", Tell: "without white space and quotes round it, it is an ARN"},
			{Why: "<role-from> has a typo", Fix: "write it as arn:aws:iam::ACCOUNT:role/NAME, ACCOUNT being 12 digits", When: "typo", Tell: "the sentence above says which part"},
		},
		Sources: []string{roleARNs},
	},
	{
		ID: "role-partition", Check: "role-partition",
		Problem: "the role {role} is in partition {partition}, the region {region} in {region-partition}",
		Causes:  []Cause{{Why: "the role ARN and the region (<region-from>) belong to different partitions", Fix: "change the one that is wrong"}},
		Sources: []string{roleARNs},
	},
	{
		ID: "region-missing", Check: "region-known",
		Problem: "no region: none of --region, CI_AWS_REGION, the component's input region, AWS_REGION and AWS_DEFAULT_REGION is set, and the issuer {issuer} does not tell it",
		Causes:  []Cause{{Why: "the job names no region", Fix: "set the component's input region, or CI_AWS_REGION in the job's variables, or give --region"}},
		Sources: []string{"https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html"},
	},
	{
		ID: "region-malformed", Check: "region-known",
		Problem: "the region {region} (<region-from>) is not the name of a region",
		Causes: []Cause{
			{Why: "<region-from> has a typo", Fix: "write it as {issuer-region}, the region of the cluster", When: "issuer-region", Tell: "the issuer names the cluster's region"},
			{Why: "<region-from> has a typo", Fix: "write it as eu-central-1", When: "no-issuer-region", Tell: "AWS's regions have a number at their end"},
		},
		Sources: []string{stsEndpoints},
	},
	{
		ID: "sdk-settings", Check: "aws-settings",
		Problem: "<variable> has the value {value}, which the SDK does not take",
		Causes:  []Cause{{Why: "<variable> has a typo", Fix: "correct it, or remove it from the job's variables"}},
		Sources: []string{"https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html"},
	},
	{
		ID: "ca-bundle", Check: "aws-settings",
		Problem: "the CA bundle {file} (AWS_CA_BUNDLE) <what>",
		Causes:  []Cause{{Why: "AWS_CA_BUNDLE names another file than you think", Fix: "let it name a PEM file with the CA certificates, or remove it"}},
		Sources: []string{sdkConfig},
	},
	{
		ID: "endpoint-insecure", Check: "endpoint-allowed",
		Problem: "the endpoint {endpoint} (<endpoint-from>) is neither https nor loopback",
		Causes:  []Cause{{Why: "the token would cross the network in clear", Fix: "give an https endpoint, or remove <endpoint-from>"}},
		Sources: []string{sdkEndpoints},
	},
	{
		ID: "endpoint-foreign", Check: "endpoint-allowed",
		Problem: "the endpoint {endpoint} (<endpoint-from>) is not an AWS host, so no token is sent there",
		Causes:  []Cause{{Why: "<endpoint-from> sends the token to host {host}", Fix: "remove it, or give --allow-endpoint-host {host} on the command line if that is wanted"}},
		Sources: []string{sdkEndpoints},
	},
	{
		ID: "endpoint-malformed", Check: "endpoint-allowed",
		Problem: "the endpoint {endpoint} (<endpoint-from>) cannot be used: <what>",
		Causes:  []Cause{{Why: "<endpoint-from> has a typo", Fix: "write it as https://HOST, without user, query or fragment, or remove it"}},
		Sources: []string{sdkEndpoints},
	},
	{
		ID: "account-refused", Check: "role-account",
		Problem: "the role is in account {account}, and only <allowed> may be used",
		Causes:  []Cause{{Why: "the role is of another account than <allowed-from> says", Fix: "take a role of an account in the list, or change the list"}},
		Sources: []string{roleARNs},
	},
	{
		ID: "account-unknown", Check: "role-account",
		Problem: "the service does not tell the account, and only <allowed> may be used",
		Causes:  []Cause{{Why: "an account that is not told cannot be checked", Fix: "leave out <allowed-from> with this endpoint"}},
	},
	{
		ID: "identity-differs", Check: "identity-matches",
		Problem: "the exchange gave {arn}, and GetCallerIdentity says {caller}",
		Causes:  []Cause{{Why: "the two calls reached different services", Fix: "check the endpoint settings (<endpoint-from>)"}},
		Sources: []string{"https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"},
	},
}
