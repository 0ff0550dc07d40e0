package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// webIdentity is the unsigned call that exchanges a token.
const webIdentity = "AssumeRoleWithWebIdentity"

const (
	irsaErrors   = "https://repost.aws/knowledge-center/eks-troubleshoot-irsa-errors"
	tokenErrors  = "https://repost.aws/knowledge-center/iam-sts-invalididentitytoken"
	oidcProvider = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html"
	actionIssues = "https://github.com/aws-actions/configure-aws-credentials/issues/"
)

// web are STS's answers to AssumeRoleWithWebIdentity. STS checks signature,
// provider, audience and expiry before the trust policy, so an AccessDenied says
// that those passed.
var web = []Case{
	{
		ID: "no-provider", Check: "provider-registered",
		Answer:  Answer{Code: []string{"InvalidIdentityToken"}, Text: "No OpenIDConnect provider found"},
		Problem: "account {account}, which the role ARN names, has no IAM OIDC provider for the issuer {issuer}",
		Causes: []Cause{
			{Why: "no provider was made for this issuer (a cluster that is made anew has a new one)", Fix: "create the IAM OIDC provider for {issuer} with client id {aud} in account {account}, and name it in the trust policy", Tell: "aws iam list-open-id-connect-providers in account {account} does not list it"},
			{Why: "the role ARN {role} names the wrong account", Fix: "compare {account} with the account that owns the role, and correct <role-from>", When: "account-unconfirmed", Tell: "the role is found by aws iam get-role in another account than {account}"},
			{Why: "the issuer is not https, and IAM takes no other", Fix: "give the issuer an https URL, as GitLab's external_url", When: "insecure-issuer", First: "insecure-issuer", Tell: "iss of the token starts with http://"},
		},
		Sources: []string{irsaErrors, "https://github.com/mozilla-iam/mozilla-aws-cli/issues/127"},
	},
	{
		ID: "wrong-audience", Check: "token-audience",
		Answer:  Answer{Code: []string{"InvalidIdentityToken"}, Text: "Incorrect token audience"},
		Problem: "the token's audience {aud} is not a client id of the IAM OIDC provider for {issuer}",
		Causes: []Cause{
			{Why: "the service account has an annotation eks.amazonaws.com/audience that does not fit", Fix: "remove it, and start a new job: EKS then asks for sts.amazonaws.com", When: "aud-other", Tell: "aud of the token is not sts.amazonaws.com"},
			{Why: "aud in id_tokens does not fit", Fix: "change it to a client id of the provider, letter by letter: https:// counts, and so does a slash at the end", When: "gitlab", Tell: "aws iam get-open-id-connect-provider shows ClientIDList, which lacks {aud} for a slip"},
			{Why: "the provider lacks this client id", Fix: "run aws iam add-client-id-to-open-id-connect-provider with client id {aud} in account {account}", Tell: "{aud} is what was meant, and ClientIDList of the provider does not have it"},
		},
		Sources: []string{actionIssues + "775", actionIssues + "1309"},
	},
	{
		ID: "missing-audience", Check: "token-audience",
		Answer:  Answer{Code: []string{"InvalidIdentityToken"}, Text: "Missing a required claim: aud"},
		Problem: "the token of {sub} from <file-from> has no audience (aud)",
		Causes: []Cause{
			{Why: "it is a service-account token of the old kind, or a CI_JOB_JWT, not a projected one", Fix: "use the projected token that EKS mounts, or id_tokens with aud"},
		},
		Sources: []string{"https://gitlab.com/gitlab-org/gitlab/-/issues/342243"},
	},
	{
		ID: "no-verification-key", Check: "provider-keys-reachable",
		Answer:  Answer{Code: []string{"InvalidIdentityToken"}, Text: "Couldn't retrieve verification key"},
		Problem: "AWS cannot fetch the keys of the issuer {issuer}, or they do not hold the token's key {kid}",
		Causes: []Cause{
			{Why: "the cluster was deleted or made anew, so that its keys are gone", Fix: "start a new job, whose pod has a token of the cluster that there is", When: "eks-issuer", Tell: "curl of {issuer}/keys gives no keys, or none with kid {kid}"},
			{Why: "AWS was slow to fetch the keys", Fix: "start the job again", When: "eks-issuer", Tell: "the next job gets its role"},
			{Why: "the issuer's /.well-known/openid-configuration or its jwks_uri cannot be reached from the internet, or answers too slowly", When: "own-issuer", Fix: "publish both; a GitLab instance that is not public needs ci_id_tokens_issuer_url", Tell: "curl of {issuer}/.well-known/openid-configuration, from a machine outside the network, fails or is slow"},
			{Why: "its signing key was replaced", Fix: "start a new job, so that the token is signed with the current key", When: "own-issuer", Tell: "curl works, and no kid in the answer of its jwks_uri is {kid}"},
		},
		Sources: []string{tokenErrors},
	},
	{
		ID: "thumbprint", Check: "provider-certificate",
		Answer:  Answer{Code: []string{"InvalidIdentityToken"}, Text: "doesn't match configured thumbprint"},
		Problem: "the HTTPS certificate of the issuer {issuer} does not match the thumbprint of its IAM OIDC provider",
		Causes: []Cause{
			{Why: "the issuer's certificate chain was renewed", Fix: "run aws iam update-open-id-connect-provider-thumbprint for the provider in account {account}"},
		},
		Sources: []string{actionIssues + "357"},
	},
	{
		ID: "not-a-jwt", Check: "token-is-jwt",
		Answer:  Answer{Code: []string{"InvalidIdentityToken"}, Text: "Provided Token is not a Login With Amazon token"},
		Problem: "STS does not take the token from <file-from> (issuer {issuer}) for an OIDC token",
		Causes: []Cause{
			{Why: "it is not a JWT: empty, cut, or a variable that was not expanded", Fix: "look at what <file-from> names"},
		},
		Sources: []string{stsAPI},
	},
	{
		ID: "trust-denied", Check: "role-trusts-token",
		Answer:  Answer{Op: webIdentity, Code: []string{"AccessDenied"}},
		Problem: "AWS does not let {sub} assume {role}",
		Causes: []Cause{
			{Why: "AWS_ROLE_ARN was {started-role} when the container started, and a CI/CD variable took its place", Fix: "delete the variable AWS_ROLE_ARN: " + InUI, When: "role-overridden", First: "role-overridden", Tell: "tr '\\0' '\\n' </proc/1/environ in the job shows the value that it started with"},
			{Why: "the trust policy's aud condition expects sts.amazonaws.com, and the token has {aud}", Fix: "write {aud} into the condition, or let the token have sts.amazonaws.com: the annotation eks.amazonaws.com/audience, or aud in id_tokens, says what it has", When: "aud-other", First: "aud-other", Tell: "the condition on the key that ends in :aud does not hold {aud}"},
			{Why: "the pod runs under the default service account, and the trust policy names another", Fix: "set service_account in [runners.kubernetes] of the runner's config.toml", When: "default-account", First: "default-account", Tell: "sub of the token ends in :default"},
			{Why: "the trust policy's sub condition is for another project, branch or tag", Fix: "compare it, part by part, with project_path:GROUP/PROJECT:ref_type:TYPE:ref:NAME of this token; of GitLab's claims AWS tests no other than sub and aud", When: "gitlab", First: "gitlab", Tell: "the same job on the branch that the policy names gets its credentials"},
			{Why: "the role's trust policy names another sub, aud or issuer than this token has", Fix: "compare it, letter by letter, with the output of ci-aws trust show, which admits the token", First: "injected", Tell: "ci-aws trust check FILE says which condition does not hold"},
			{Why: "AWS_ROLE_ARN names the wrong role, as a CI/CD variable of that name does", Fix: "remove that variable from GitLab, or correct the annotation eks.amazonaws.com/role-arn of the service account", When: "injected", Tell: "kubectl get serviceaccount NAME -o yaml shows the annotation: {role} comes from there, or from a variable"},
			{Why: "<role-from> names the wrong role", Fix: "compare {role} with the role that was made for this job", When: "chosen", First: "chosen", Tell: "the trust policy of {role} does not speak of this job at all"},
			{Why: "the role does not exist, or was changed a moment ago", Fix: "look for it in account {account}, and try ci-aws whoami --wait 2m", When: "not-waited", Unsure: true, Tell: "aws iam get-role in account {account} finds it, or does not; with --wait 2m the call goes through"},
			{Why: "the role does not exist", Fix: "look for it in account {account}", When: "waited", Unsure: true, Tell: "aws iam get-role in account {account} finds it, or does not"},
			{Why: "a policy of the organization denies the call", Fix: "ask who owns account {account}", Unsure: true, Tell: "ci-aws trust check FILE admits the token, the role exists, and AWS still says no"},
		},
		Sources: []string{actionIssues + "318", actionIssues + "690", "https://github.com/crossplane/crossplane/issues/5578", "https://github.com/windmill-labs/windmilldocs/issues/635", "https://docs.gitlab.com/ci/cloud_services/aws/"},
	},
	{
		ID: "expired", Check: "token-fresh",
		Answer:  Answer{Code: []string{"ExpiredToken"}, Text: "oken expired"},
		Problem: "the token of {sub} from <file-from> expired at <exp>",
		Causes: []Cause{
			{Why: "the clock of this machine, which says <now>, is behind that of STS", Fix: "mend time synchronization on the node: its kubelet renews tokens by that clock", When: "exp-ahead", First: "exp-ahead", Tell: "exp is still to come by the clock of this machine"},
			{Why: "the file is a copy, or is no longer renewed", Fix: "use the file that EKS mounts, or start the job again", When: "irsa", Tell: "/var/run/secrets/eks.amazonaws.com/serviceaccount/token is a newer one than <file-from>"},
			{Why: "the job ran for longer than its ID token lives", Fix: "exchange it at the start of the job, or start the job again", When: "gitlab", Tell: "the job started before <exp>"},
			{Why: "the token is not renewed, or another file took its place", Fix: "start a new job; AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE must be the file that EKS mounts", When: "pod-identity", Tell: "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token is a newer one than <file-from>"},
		},
		Sources: []string{oidcProvider},
	},
	{
		ID: "too-old", Check: "token-fresh",
		Answer:  Answer{Code: []string{"ExpiredToken"}, Text: "Token too old"},
		Problem: "the token of {sub} from <file-from> was issued at <iat>, too long ago for STS",
		Causes: []Cause{
			{Why: "STS does not take a token this old, whatever its expiry", Fix: "shorten the annotation eks.amazonaws.com/token-expiration, or start a new job"},
		},
		Sources: []string{"https://github.com/mozilla-iam/mozilla-aws-cli/issues/146"},
	},
	{
		ID: "idp-communication", Check: "provider-keys-reachable", Status: report.Unknown,
		Answer:  Answer{Code: []string{"IDPCommunicationError"}},
		Problem: "AWS could not reach the issuer {issuer}",
		Causes: []Cause{
			{Why: "the issuer was down or its network was slow, and stayed so through <calls>", Fix: "start the job again; if it goes on, check that the issuer is public and fast", When: "own-issuer", Tell: "curl of {issuer}/.well-known/openid-configuration, from a machine outside the network, fails or is slow"},
			{Why: "the way from STS to the cluster's keys was slow, and stayed so through <calls>", Fix: "start the job again", When: "eks-issuer", Tell: "the next job gets its role"},
		},
		Sources: []string{stsAPI},
	},
	{
		ID: "idp-rejected", Check: "provider-accepts-token",
		Answer:  Answer{Code: []string{"IDPRejectedClaim"}},
		Problem: "the identity provider {issuer} rejected the token of {sub}",
		Causes: []Cause{
			{Why: "the token may have been revoked, or a claim in it is not valid", Fix: "start a new job to get a new token"},
		},
		Sources: []string{stsAPI},
	},
	{
		ID: "arn-invalid", Check: "role-arn",
		Answer:  Answer{Code: []string{"ValidationError"}, Text: "Request ARN is invalid"},
		Problem: "STS does not take {role} for the ARN of a role",
		Causes:  []Cause{{Why: "<role-from> has a typo", Fix: "write it as arn:aws:iam::123456789012:role/NAME"}},
		Sources: []string{irsaErrors},
	},
	{
		ID: "arn-short", Check: "role-arn",
		Answer:  Answer{Code: []string{"ValidationError"}, Text: "at 'roleArn'"},
		Problem: "STS does not take {role} for the ARN of a role",
		Causes:  []Cause{{Why: "<role-from> is empty or cut", Fix: "write it as arn:aws:iam::123456789012:role/NAME"}},
		Sources: []string{"https://github.com/mmmorris1975/aws-runas/issues/80"},
	},
	{
		ID: "session-name", Check: "session-name",
		Answer:  Answer{Code: []string{"ValidationError"}, Text: "at 'roleSessionName'"},
		Problem: "the session name {session} (<session-from>) cannot be one",
		Causes: []Cause{
			{Why: "a session name has 2 to 64 letters, digits and _=,.@+-", Fix: "change <session-from>, or leave it out: a name is made from project and job"},
		},
		Sources: []string{stsAPI},
	},
	{
		ID: "duration-max", Check: "session-duration",
		Answer:  Answer{Code: []string{"ValidationError"}, Text: "exceeds the MaxSessionDuration"},
		Problem: "the duration <duration> is longer than the role {role} allows",
		Causes: []Cause{
			{Why: "<duration-from> is above the role's maximum session duration", Fix: "give a shorter --duration, or raise the role's MaxSessionDuration (up to 12h)"},
		},
		Sources: []string{stsAPI},
	},
	{
		ID: "duration-chained", Check: "session-duration",
		Answer:  Answer{Code: []string{"ValidationError"}, Text: "1 hour session limit"},
		Problem: "the duration <duration> is longer than the 1h that a chained session of {role} may last",
		Causes: []Cause{
			{Why: "AWS caps chained sessions at 1h", Fix: "give --duration 1h, or let {role} trust the token directly"},
		},
		Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining"},
	},
	{
		ID: "region-disabled", Check: "sts-active",
		Answer:  Answer{Code: []string{"RegionDisabled"}},
		Problem: "STS is not active in region {region} for account {account}",
		Causes: []Cause{
			{Why: "the region was never enabled, or its STS endpoint was switched off", Fix: "activate it in the account settings of IAM, or use another region (<region-from>)"},
		},
		Sources: []string{"https://github.com/turbot/steampipe-plugin-aws/issues/1510"},
	},
	{
		ID: "policy-too-large", Check: "session-policy",
		Answer:  Answer{Code: []string{"PackedPolicyTooLarge"}},
		Problem: "the session policy, policy ARNs and tags for {role} are too large together (<policy-from>)",
		Causes: []Cause{
			{Why: "AWS packs them into one small space, and tags of a Pod Identity session count too", Fix: "shorten the session policy or drop tags"},
		},
		Sources: []string{stsAPI},
	},
	{
		ID: "policy-malformed", Check: "session-policy",
		Answer:  Answer{Code: []string{"MalformedPolicyDocument"}},
		Problem: "STS does not take the session policy for {role} (<policy-from>)",
		Causes:  []Cause{{Why: "it is not a valid IAM policy", Fix: "check it with aws accessanalyzer validate-policy"}},
		Sources: []string{stsAPI},
	},
	{
		ID: "throttled", Check: "sts-reachable", Status: report.Unknown,
		Answer:  Answer{Code: []string{"Throttling", "TooManyRequests", "RequestLimitExceeded"}},
		Problem: "STS in {region} throttled account {account}, after <calls>",
		Causes:  []Cause{{Why: "many pods exchange their tokens at the same moment", Fix: "start the job again; more AWS_MAX_ATTEMPTS and --timeout give every command but the doctor more tries"}},
		Sources: []string{"https://github.com/hashicorp/aws-sdk-go-base/issues/342"},
	},
}
