package catalogue

// signed are the answers to calls that carry a signature: AssumeRole of a chain
// and GetCallerIdentity. None of them can come from the web-identity call.
var signed = []Case{
	{
		ID: "chain-denied", Check: "chain-allowed",
		Answer:  Answer{Op: "AssumeRole", Code: []string{"AccessDenied"}},
		Problem: "{caller} may not assume {role}",
		Causes: []Cause{
			{Why: "the trust policy of {role} does not name {caller-role} as principal, or wants an external id or tags", Fix: "add it, with sts:AssumeRole (and sts:TagSession for tags)", Tell: "aws iam get-role shows AssumeRolePolicyDocument; for a role of another account both policies have to allow it"},
			{Why: "{caller-role} has no permission for sts:AssumeRole on {role}", Fix: "add that statement to its policy", Tell: "the message says that no identity-based policy allows sts:AssumeRole"},
			{Why: "{role} does not exist", Fix: "look for it (aws iam get-role)", Unsure: true, Tell: "aws iam get-role in the role's account answers NoSuchEntity"},
		},
		Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html"},
	},
	{
		ID: "invalid-key", Check: "signing-keys",
		Answer:  Answer{Code: []string{"InvalidClientTokenId", "UnrecognizedClient"}},
		Problem: "STS in {region} does not know the access key that signed <op>",
		Causes: []Cause{
			{Why: "the keys are of another partition, or were deleted", Fix: "check the region (<region-from>), and remove static keys from the job's variables", When: "not-ambient", Unsure: true, Tell: "ci-aws whoami --verbose says where the keys come from"},
			{Why: "AWS_ACCESS_KEY_ID is old, or of another partition than {region}", Fix: "renew the pair, or leave out --source ambient", When: "ambient", Unsure: true, Tell: "aws iam list-access-keys does not show it, or shows it as Inactive"},
		},
		Sources: []string{actionIssues + "743"},
	},
	{
		ID: "clock-skew", Check: "clock",
		Answer:  Answer{Code: []string{"SignatureDoesNotMatch", "RequestExpired"}, Text: "xpired"},
		Problem: "the clock of this machine says <now>, which is behind that of STS in {region}",
		Causes:  []Cause{{Why: "the node's clock is wrong by more than 5 minutes", Fix: "mend time synchronization on the node; a web-identity exchange alone would not notice"}},
		Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html"},
	},
	{
		ID: "clock-behind", Check: "clock",
		Answer:  Answer{Code: []string{"SignatureDoesNotMatch"}, Text: "not yet current"},
		Problem: "the clock of this machine says <now>, which is ahead of that of STS in {region}",
		Causes:  []Cause{{Why: "the node's clock is wrong by more than 5 minutes", Fix: "mend time synchronization on the node"}},
		Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html"},
	},
	{
		ID: "keys-expired", Check: "signing-keys",
		Answer:  Answer{Code: []string{"ExpiredToken"}, Text: "security token included in the request is expired"},
		Problem: "the session of the keys that signed <op> has ended",
		Causes:  []Cause{{Why: "AWS_SESSION_TOKEN in the job's variables is an old one", Fix: "remove static keys from the job's variables, or renew them"}},
		Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html"},
	},
	{
		ID: "signature", Check: "signing-keys",
		Answer:  Answer{Code: []string{"SignatureDoesNotMatch"}},
		Problem: "STS in {region} does not take the signature of <op>",
		Causes:  []Cause{{Why: "the secret key does not belong to the access key", Fix: "remove static keys from the job's variables, or set both anew", Unsure: true}},
		Sources: []string{"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"},
	},
}
