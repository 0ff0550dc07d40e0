package catalogue

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
			{Why: "the role ARN {role} names the wrong account", Fix: "compare {account} with the account that owns the role"},
			{Why: "no provider was made for this issuer (a cluster that is made anew has a new one)", Fix: "create the IAM OIDC provider for {issuer} with client id {aud}, and name it in the trust policy"},
			{Why: "the issuer is not https, and IAM takes no other", Fix: "give the issuer an https URL, as GitLab's external_url", When: "insecure-issuer"},
		},
		Sources: []string{irsaErrors, "https://github.com/mozilla-iam/mozilla-aws-cli/issues/127"},
	},
	{
		ID: "wrong-audience", Check: "token-audience",
		Answer:  Answer{Code: []string{"InvalidIdentityToken"}, Text: "Incorrect token audience"},
		Problem: "the token's audience {aud} is not a client id of the IAM OIDC provider for {issuer}",
		Causes: []Cause{
			{Why: "the service account has an annotation eks.amazonaws.com/audience that does not fit", Fix: "remove it; EKS then asks for sts.amazonaws.com", When: "irsa"},
			{Why: "aud in id_tokens does not fit", Fix: "change it to a client id of the provider", When: "gitlab"},
			{Why: "the provider lacks this client id", Fix: "add {aud} to the provider's client id list"},
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
			{Why: "the issuer's /.well-known/openid-configuration or its jwks_uri cannot be reached from the internet, or answers too slowly", Fix: "publish both; a GitLab instance that is not public needs ci_id_tokens_issuer_url"},
			{Why: "the cluster or its signing key was replaced", Fix: "start a new job, so that the token is signed with the current key"},
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
			{Why: "the role's trust policy names another sub, aud or issuer than this token has", Fix: "compare it, letter by letter, with the one below, which would admit the token"},
			{Why: "AWS_ROLE_ARN names the wrong role, as a CI/CD variable of that name does, or one that does not exist", Fix: "remove that variable, and look for the role in account {account}", When: "injected"},
			{Why: "<role-from> names the wrong role, or one that does not exist", Fix: "look for it in account {account}", When: "chosen"},
			{Why: "the role was changed a moment ago, or a policy of the organization denies the call", Fix: "try again with --wait 2m, then ask who owns the account", When: "not-waited"},
			{Why: "a policy of the organization denies the call, as AWS still says no after --wait", Fix: "ask who owns account {account}", When: "waited"},
		},
		Sources: []string{actionIssues + "318", actionIssues + "690", "https://github.com/crossplane/crossplane/issues/5578"},
	},
	{
		ID: "expired", Check: "token-fresh",
		Answer:  Answer{Code: []string{"ExpiredToken"}, Text: "oken expired"},
		Problem: "the token of {sub} from <file-from> expired at <exp>",
		Causes: []Cause{
			{Why: "the file is a copy, or is no longer renewed", Fix: "use the file that EKS mounts, or start the job again", When: "irsa"},
			{Why: "an ID token cannot be renewed within its job", Fix: "exchange it early, or start the job again", When: "gitlab"},
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
		ID: "idp-communication", Check: "provider-keys-reachable",
		Answer:  Answer{Code: []string{"IDPCommunicationError"}},
		Problem: "AWS could not reach the issuer {issuer}",
		Causes: []Cause{
			{Why: "the issuer was down or its network was slow, and stayed so through <calls>", Fix: "start the job again; if it goes on, check that the issuer is public and fast"},
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
		ID: "throttled", Check: "sts-reachable",
		Answer:  Answer{Code: []string{"Throttling", "TooManyRequests", "RequestLimitExceeded"}},
		Problem: "STS in {region} throttled account {account}, after <calls>",
		Causes:  []Cause{{Why: "many pods exchange their tokens at the same moment", Fix: "start the job again, or raise AWS_MAX_ATTEMPTS and --timeout"}},
		Sources: []string{"https://github.com/hashicorp/aws-sdk-go-base/issues/342"},
	},
}
