package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// S3Op marks the answers of S3. Recognise(S3Op, …) finds those and no others:
// S3 shares codes with STS and means something else by them.
const S3Op = "S3"

const (
	s3Denied       = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html"
	s3Errors       = "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
	s3GetObject    = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"
	s3Names        = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
	deniedTexts    = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"
	runnerCache    = "https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnerscaches3-section"
	runnerCacheKey = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cache.go"
	runnerIssues   = "https://gitlab.com/gitlab-org/gitlab-runner/-/issues/"
	whoAsksTell    = "does ci-aws run as the role that uses the cache? The runner manager's role signs the cache's URLs; a job's role has no part in that"
)

// bucket is what is wrong with a bucket's name, and S3's answers. The more
// telling text comes first: the last case of a code takes whatever is left.
var bucket = []Case{
	{
		ID: "bucket-name-invalid", Check: "bucket-name",
		Problem: "{bucket} (<bucket-from>) cannot be the name of a bucket: <what>",
		Causes: []Cause{
			{Why: "it is a URL, not a name", Fix: "leave out the scheme, and give what stands behind the first slash as the prefix", When: "url"},
			{Why: "it is an ARN, not a name", Fix: "give what stands behind arn:aws:s3:::", When: "arn"},
			{Why: "it holds a path", Fix: "give what stands behind the first slash as the prefix (Path in [runners.cache])", When: "path"},
			{Why: "the name has a typo, or a variable in it was not expanded", Fix: "correct <bucket-from>; aws s3api list-buckets shows the names of an account", When: "other"},
		},
		Sources: []string{s3Names},
	},
	{
		ID: "bucket-prefix-invalid", Check: "bucket-name",
		Problem: "{prefix} cannot be the prefix of a cache: <what>",
		Causes: []Cause{
			{Why: "it has a typo, or a variable in it was not expanded", Fix: "correct --prefix, or Path in [runners.cache]: it is written as runners-all or a/b is"},
		},
		Sources: []string{"https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html", runnerCacheKey},
	},
	{
		ID: "bucket-missing", Check: "bucket-exists",
		Answer:  Answer{Op: S3Op, Code: []string{"NoSuchBucket"}},
		Problem: "there is no bucket {bucket} (<bucket-from>)",
		Causes: []Cause{
			stsAlone,
			{Why: "the bucket's name has a typo, or the bucket was deleted", Fix: "correct <bucket-from>, or create the bucket", Tell: "is the name in the output of aws s3api list-buckets, asked in the account that owns the cache?"},
			{Why: "the bucket is in another partition than region {region} (<region-from>)", Fix: "give a region of its own partition: cn-… has other buckets than us-gov-… and all others have", Tell: "does the account's ARN start arn:aws:, arn:aws-cn: or arn:aws-us-gov:, and does the region fit?"},
		},
		Sources: []string{s3Errors},
	},
	{
		ID: "bucket-region-redirect", Check: "bucket-region",
		Answer:  Answer{Op: S3Op, Code: []string{"PermanentRedirect", "TemporaryRedirect"}},
		Problem: "the bucket {bucket} is in region {right-region}, not in {region} (<region-from>)",
		Causes:  wrongRegion,
		Sources: []string{s3Errors},
	},
	{
		ID: "bucket-region-signature", Check: "bucket-region",
		Answer:  Answer{Op: S3Op, Code: []string{"AuthorizationHeaderMalformed"}, Text: "is wrong; expecting"},
		Problem: "the bucket {bucket} is in region {right-region}, not in {region} (<region-from>)",
		Causes:  wrongRegion,
		Sources: []string{"https://github.com/aws/aws-sdk-go/issues/380"},
	},
	{
		ID: "bucket-region-constraint", Check: "bucket-region",
		Answer:  Answer{Op: S3Op, Code: []string{"IllegalLocationConstraint"}},
		Problem: "the bucket {bucket} is in region {right-region}, not in {region} (<region-from>)",
		Causes:  wrongRegion,
		Sources: []string{s3Errors, "https://github.com/prowler-cloud/prowler/pull/1155"},
	},
	{
		ID: "bucket-region-elsewhere", Check: "bucket-region",
		Problem: "S3 says that the bucket {bucket} is not to be asked in region {region} (<region-from>), and names no other region",
		Causes: []Cause{
			{Why: "the bucket was made a short while ago, and not all of S3 knows yet where it is", Fix: "run the check again in a few minutes", When: "new-bucket", First: "new-bucket"},
			{Why: "what answers at {host} (<endpoint-from>) is not S3 in region {region}", Fix: "correct <endpoint-from>, or remove it", When: "endpoint", Tell: "is {host} the address of another region, or of another server than AWS's?"},
			{Why: "<region-from> names another region than the bucket's", Fix: "give the one that aws s3api get-bucket-location --bucket <bucket> says, asked as the bucket's owner", When: "default-endpoint", Tell: "does aws s3api get-bucket-location --bucket <bucket> say another region?"},
		},
		Sources: []string{s3Errors},
	},
	{
		ID: "bucket-region-found", Check: "bucket-region", Status: report.Warn,
		Problem: "the bucket {bucket} is in region {right-region}, where S3 sent the calls on to; <region-from> says {region}",
		Causes: []Cause{
			{Why: "no region was given for the bucket", Fix: "give {right-region} with --region, and as BucketLocation in [runners.cache.s3]: a tool that takes the region from <region-from> does not find the bucket in {region}"},
		},
		Sources: []string{s3Errors},
	},
	{
		ID: "bucket-region-invalid", Check: "bucket-region",
		Problem: "{region} (<region-from>) cannot be a region",
		Causes:  []Cause{{Why: "it has a typo, or a variable in it was not expanded", Fix: "correct <region-from>: a region is written as eu-central-1 is"}},
		Sources: []string{"https://docs.aws.amazon.com/general/latest/gr/rande.html"},
	},
	{
		ID: "s3-keys-missing", Check: "s3-signature",
		Problem: "there are no credentials to ask for bucket {bucket} with",
		Causes:  []Cause{{Why: "the exchange that gives them did not work", Fix: "mend what the checks before this one name"}},
	},
	{
		ID: "s3-keys-expired", Check: "s3-signature",
		Answer:  Answer{Op: S3Op, Code: []string{"ExpiredToken"}},
		Problem: "the session of <caller> has ended, S3 says of the call for bucket {bucket}",
		Causes: []Cause{
			{Why: "the credentials are older than their session may last", Fix: "get new ones: exec and credential-process renew them, a copy in variables stays as it is", Tell: "when does the session end? ci-aws whoami shows it"},
		},
		Sources: []string{s3Errors},
	},
	{
		ID: "s3-token-invalid", Check: "s3-signature",
		Answer:  Answer{Op: S3Op, Code: []string{"InvalidToken"}},
		Problem: "S3 in {region} does not take the session token of <caller>",
		Causes: []Cause{
			stsAlone,
			{Why: "AWS_SESSION_TOKEN is missing, cut, or of another session than the access key", Fix: "take all three variables from one exchange, and remove those set by hand from the job's variables", Tell: "were AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN set in the same place?"},
			{Why: "the keys are of another partition than region {region} (<region-from>)", Fix: "give a region of the keys' partition", Tell: "does the role's ARN start arn:aws-cn: or arn:aws-us-gov: while the region does not?", Unsure: true},
		},
		Sources: []string{s3Errors},
	},
	{
		ID: "s3-key-unknown", Check: "s3-signature",
		Answer:  Answer{Op: S3Op, Code: []string{"InvalidAccessKeyId"}},
		Problem: "S3 in {region} does not know the access key that signed the call for bucket {bucket}",
		Causes: []Cause{
			stsAlone,
			{Why: "the endpoint {host} (<endpoint-from>) is not AWS's and has keys of its own", Fix: "give the keys that belong to it, or remove <endpoint-from>", When: "endpoint"},
			{Why: "the key was deleted, or is of another partition or another S3 service", Fix: "remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the job's variables, and AccessKey from [runners.cache.s3]", Tell: "does aws sts get-caller-identity work with the same keys?"},
		},
		Sources: []string{s3Errors},
	},
	{
		ID: "s3-signature-wrong", Check: "s3-signature",
		Answer:  Answer{Op: S3Op, Code: []string{"SignatureDoesNotMatch"}},
		Problem: "S3 in {region} does not take the signature of the call for bucket {bucket}",
		Causes: []Cause{
			{Why: "the secret key does not belong to the access key", Fix: "remove static keys from the job's variables", Tell: "does aws sts get-caller-identity work with the same keys?"},
			{Why: "a proxy changes the call on its way to {host}", Fix: "name {host} in NO_PROXY", Tell: "does it work from a place without the proxy?", Unsure: true},
		},
		Sources: []string{s3Errors},
	},
	{
		ID: "s3-clock-skew", Check: "s3-signature",
		Answer:  Answer{Op: S3Op, Code: []string{"RequestTimeTooSkewed"}},
		Problem: "the clock of this machine said <now>, S3's said <server-time>: more than 15 minutes apart",
		Causes:  []Cause{{Why: "the node's clock is wrong", Fix: "mend time synchronization (chrony, NTP) on the node"}},
		Sources: []string{s3Errors},
	},
	{
		ID: "s3-denied-explicitly", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "with an explicit deny in "},
		Problem: "a Deny statement in <kind> refuses <action> on {resource} to <caller>",
		Causes: []Cause{
			{Why: "the statement is in the policy {policy}", Fix: "make an exception for this role in it, or change what it asks for (aws:SourceVpce, aws:PrincipalOrgID, encryption, TLS)", When: "policy"},
			{Why: "it is a Deny in the bucket's own policy", Fix: "look at it (aws s3api get-bucket-policy --bucket <bucket>): such statements often ask for a VPC endpoint, TLS or an encryption header; make an exception for the role <role>", When: "resource-based"},
			{Why: "it is a Deny in a policy of the role <role>, or in its permissions boundary", Fix: "find it (aws iam list-attached-role-policies and list-role-policies) and narrow it", When: "of-role"},
			{Why: "it is a policy of the organization, which the account cannot change", Fix: "ask who owns the organization for an exception for the account <account>", When: "organization"},
			{Why: "it is the policy of the VPC endpoint that the call went through", Fix: "add bucket {bucket} to that endpoint's policy (aws ec2 describe-vpc-endpoints)", When: "vpc-endpoint"},
			{Why: "it is in the session policy that the session was made with", Fix: "change the policy that AssumeRole was given", When: "session"},
		},
		Sources: []string{s3Denied, deniedTexts},
	},
	{
		ID: "s3-session-policy", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "no session policy allows"},
		Problem: "the session policy of <caller> does not allow <action> on {resource}",
		Causes: []Cause{
			{Why: "the runner made this session with RoleARN, and its policy is for one object of one job", Fix: "run the check with the role itself, and not with keys that the runner handed to a job", When: "runner-session", First: "runner-session", Tell: "is the session's name gitlab-runner-cache-upload-…?"},
			{Why: "the session was made with a policy of its own, which narrows what the role's policies allow; to widen those changes nothing", Fix: "add <action> on {scope} to the session policy (--session-policy, --session-policy-arn, or that of the Pod Identity association), or make the session without one", Tell: "does the same role get it without --session-policy?"},
		},
		Sources: []string{runnerCache, runnerIssues + "39105"},
	},
	{
		ID: "s3-limited", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "because no permissions boundary allows"},
		Problem: "the permissions boundary of the role <role> does not allow <action> on {resource}",
		Causes:  []Cause{{Why: "the boundary caps what the role's own policies allow", Fix: "add <action> on {resource} to the boundary (aws iam get-role shows which one it is)"}},
		Sources: []string{deniedTexts},
	},
	{
		ID: "s3-organization", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "because no service control policy allows"},
		Problem: "no service control policy of the organization allows <action> on {resource} in the account <account>",
		Causes:  []Cause{{Why: "the organization allows its accounts only what is listed", Fix: "ask who owns the organization to allow <action>"}},
		Sources: []string{deniedTexts},
	},
	{
		ID: "s3-vpc-endpoint", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "because no VPC endpoint policy allows"},
		Problem: "the policy of the VPC endpoint does not allow <action> on {resource}",
		Causes:  []Cause{{Why: "the call goes through an S3 endpoint of the VPC that lets only certain buckets through", Fix: "add bucket {bucket} to the endpoint's policy (aws ec2 describe-vpc-endpoints)"}},
		Sources: []string{deniedTexts},
	},
	{
		ID: "s3-kms-denied", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "is not authorized to perform: kms:"},
		Problem: "the KMS key <key> of bucket {bucket} refuses <action> to <caller>; the bucket itself does not refuse",
		Causes: []Cause{
			{Why: "the key's policy does not let the role <role> use the key", Fix: "add a statement to the key's policy that allows it kms:Decrypt and kms:GenerateDataKey", Tell: "does aws kms get-key-policy name the role, or the account's root? Then the role's own policy has to allow it as well"},
			{Why: "the role <role> has no permission for <action>", Fix: "add it, on the key's ARN, to the role's policy", Tell: "does the answer say that no identity-based policy allows it?", First: "identity-based"},
			{Why: "the key is in another region or another account than the bucket's objects are used from", Fix: "name the key by its full ARN in the bucket's default encryption and in ServerSideEncryptionKeyID of [runners.cache.s3]", Tell: "does aws kms describe-key find the key in region {region}?"},
		},
		Sources: []string{"https://github.com/buildkite/docs/issues/2344", runnerCache},
	},
	{
		ID: "s3-list-denied", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "is not authorized to perform: s3:ListBucket"},
		Problem: "the role <role> has no s3:ListBucket on bucket {bucket}, so S3 answers 403 and not 404 for an object that is not there: every cache miss looks like a refusal",
		Causes: []Cause{
			{Why: "the permission policy of the role <role> lacks s3:ListBucket, or has it only on the objects (<bucket>/*; it is about the bucket itself) or under a condition on s3:prefix", Fix: "allow s3:ListBucket on the bucket's own ARN, in a statement beside that for its objects", Tell: "does aws s3api list-objects-v2 --bucket <bucket> work as this role?"},
			{Why: "this is not the role that uses the cache", Fix: "run the check in a pod with the runner manager's service account (docs/setup.md has its manifest)", Tell: whoAsksTell},
		},
		Sources: []string{s3GetObject, "https://github.com/cattle-ops/terraform-aws-gitlab-runner/issues/1282"},
	},
	{
		ID: "s3-no-resource-policy", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "because no resource-based policy allows"},
		Problem: "the policy of bucket {bucket} does not let <caller> do <action> on {resource}",
		Causes: []Cause{
			{Why: "the bucket belongs to another account, whose bucket policy has to name the role <role> too", Fix: "let the owner add the role's ARN as principal, with <action> on {resource}, to the bucket's policy", Tell: "is the bucket in aws s3api list-buckets of the account <account>?"},
		},
		Sources: []string{deniedTexts},
	},
	{
		ID: "s3-not-allowed", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "because no identity-based policy allows"},
		Problem: "the role <role> may not do <action> on {resource}: none of its policies allows it",
		Causes: []Cause{
			{Why: "the permission policy of the role <role> does not allow it, or allows it for another bucket or prefix", Fix: "let it allow <action>, and compare the Resource lines: what is done to objects (s3:GetObject, s3:PutObject) needs the bucket's ARN with /*, s3:ListBucket that ARN alone", Tell: "does aws iam list-attached-role-policies and list-role-policies show a policy with this bucket?"},
			{Why: "this is not the role that uses the cache", Fix: "give the permission to the runner manager's role, and run the check in a pod with its service account (docs/setup.md has its manifest)", Tell: whoAsksTell},
		},
		Sources: []string{deniedTexts, runnerCache},
	},
	{
		ID: "s3-url-expired", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied"}, Text: "Request has expired"},
		Problem: "the pre-signed URL for bucket {bucket} has expired",
		Causes: []Cause{
			{Why: "the job waited longer than the URL that the runner manager made for it may be used", Fix: "raise the job's timeout, which the URL's lifetime follows, or start the job again", Tell: "how long after the job's start was the cache asked for?", Unsure: true},
		},
		Sources: []string{runnerCache},
	},
	{
		ID: "s3-denied", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"AccessDenied", "AllAccessDisabled", "AccountProblem"}},
		Problem: "S3 refuses s3:GetObject <place> to <caller> and does not say why",
		Causes: []Cause{
			stsAlone,
			{Why: "the bucket belongs to another account than the account <account>, and to callers from outside of its organization S3 gives no reasons", Fix: "let the bucket's owner name the role <role> in the bucket's policy (aws s3api get-bucket-policy --bucket <bucket>), and allow it in the role's own policy too", Tell: "is the bucket in aws s3api list-buckets of the account <account>?", When: "shut-out"},
			{Why: "the policies of the role <role> lack s3:GetObject, or have it for another prefix", Fix: "allow s3:GetObject on {scope}, and compare that with their Resource lines", Tell: "does the role get an object of another prefix?", First: "let-in"},
			{Why: "an object that is not there is refused to a role without s3:ListBucket", Fix: "allow the role <role> s3:ListBucket on the bucket's own ARN", Tell: "does aws s3api list-objects-v2 --bucket <bucket> work as this role?", When: "list-refused"},
			{Why: "the bucket's policy or its access control list refuses the object", Fix: "look at it (aws s3api get-bucket-policy --bucket <bucket>)", Tell: "does another role of the account get the same answer?"},
		},
		Sources: []string{s3Denied, s3GetObject},
	},
	{
		ID: "s3-archived", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"InvalidObjectState"}},
		Problem: "an object in bucket {bucket} is archived and cannot be read",
		Causes:  []Cause{{Why: "a lifecycle rule of the bucket moved it to an archive class (Glacier, Deep Archive)", Fix: "let the rule expire cache objects instead (aws s3api get-bucket-lifecycle-configuration --bucket <bucket>)"}},
		Sources: []string{s3GetObject},
	},
	{
		ID: "s3-kms-disabled", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"KMS.Disabled", "KMS.KMSInvalidState"}},
		Problem: "the KMS key <key> of bucket {bucket} cannot be used: <kms-state>",
		Causes:  []Cause{{Why: "the key was disabled, is to be deleted, or was deleted", Fix: "enable it (aws kms enable-key, cancel-key-deletion), or give the bucket another key: what the old one encrypted stays unreadable without it", Tell: "what does aws kms describe-key say of KeyState?", Unsure: true}},
		Sources: []string{"https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"},
	},
	{
		ID: "s3-kms-missing", Check: "bucket-readable",
		Answer:  Answer{Op: S3Op, Code: []string{"KMS.NotFound", "kms:KeyNotFound"}},
		Problem: "S3 does not find the KMS key <key>, to encrypt objects of bucket {bucket} with",
		Causes: []Cause{
			{Why: "the key that <key-from> names is not there: it has a typo, was deleted, or is of another region or account", Fix: "correct <key-from>; a key of another account is named by its full ARN", When: "key-given", Tell: "does aws kms describe-key --region <region> find it?"},
			{Why: "the bucket's default encryption names a key that is not there", Fix: "look at it (aws s3api get-bucket-encryption --bucket <bucket>) and give the bucket another key", When: "own-key"},
		},
		Sources: []string{"https://github.com/aws/aws-cli/issues/4507", "https://github.com/minio/minio/issues/6582"},
	},
	{
		ID: "s3-throttled", Check: "s3-reachable", Status: report.Unknown,
		Answer:  Answer{Op: S3Op, Code: []string{"SlowDown", "ServiceUnavailable", "Throttling", "RequestLimitExceeded", "TooManyRequests"}},
		Problem: "S3 asks for fewer calls to bucket {bucket}, after <calls>",
		Causes:  []Cause{{Why: "many jobs use the bucket at the same moment", Fix: "start the job again, or raise AWS_MAX_ATTEMPTS and --timeout"}},
		Sources: []string{s3Errors},
	},
}

var wrongRegion = []Cause{
	{Why: "<region-from> names another region than the bucket's", Fix: "give {right-region} there"},
}

// bucketTitles are the healthy facts of these cases' checks.
var bucketTitles = map[string]string{
	"bucket-name":     "the bucket's name and the prefix are ones that S3 takes",
	"s3-reachable":    "S3 can be reached and answers",
	"s3-signature":    "S3 takes the credentials and the clock",
	"bucket-exists":   "the bucket exists",
	"bucket-region":   "calls go to the bucket's own region",
	"bucket-readable": "the role can read objects of the bucket",
}
