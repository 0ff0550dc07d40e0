package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

const (
	s3Permissions = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"
	s3Multipart   = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html"
	s3Versions    = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html"
	s3Public      = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
	s3Encryption  = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html"
)

// The causes of a refusal that names no kind of policy but the role's own, or
// none at all.
const (
	noAllowWhy  = "the permission policy of the role <role> does not allow <action>, or allows it for another bucket or prefix"
	noAllowFix  = "allow <action> on {scope} in it, and compare the Resource lines: what is done to objects needs the bucket's ARN with /*, s3:ListBucket that ARN alone"
	noAllowTell = "does aws iam list-attached-role-policies and list-role-policies show a policy with this bucket and this action?"
	bareWhy     = "the bucket belongs to another account, or its own policy refuses the call: S3 gives no reason"
	bareFix     = "let the bucket's owner name the role <role> in the bucket's policy (aws s3api get-bucket-policy --bucket <bucket>), and allow it in the role's own policy too"
	bareTell    = "is the bucket in aws s3api list-buckets of the account <account>?"
)

// cacheCheck is what `ci-aws cache check` finds in a bucket, beside S3's answers.
var cacheCheck = []Case{
	{
		ID: "put-denied", Check: "object-put",
		Problem: "the role <role> may not store an object: S3 refuses <action> on {resource}",
		Causes: []Cause{
			{Why: noAllowWhy, Fix: noAllowFix, Tell: noAllowTell},
			{Why: "the role is meant to read only", Fix: "say so: --expect read", Tell: "is it the role that fills the cache?"},
			{Why: bareWhy, Fix: bareFix, Tell: bareTell, When: "no-reason"},
		},
		Sources: []string{s3Permissions, deniedTexts},
	},
	{
		ID: "encryption-other", Check: "object-put",
		Problem: "S3 stored {object} with encryption {actual}, and {wanted} (<wanted-from>) was asked for",
		Causes: []Cause{
			{Why: "what answers at {host} does not heed the encryption that a call asks for", Fix: "set the bucket's default encryption, or leave out <wanted-from>"},
		},
		Sources: []string{s3Encryption},
	},
	{
		ID: "head-alone-denied", Check: "object-head",
		Problem: "a HEAD of {object} is refused to <caller> with HTTP status <status>, and a GET is not",
		Causes: []Cause{
			{Why: "a proxy between this pod and {host} refuses HEAD: to S3 both need s3:GetObject", Fix: "name {host} in NO_PROXY, or let the proxy pass HEAD", Tell: "does it work from a place without the proxy?"},
		},
		Sources: []string{"https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"},
	},
	{
		ID: "get-denied", Check: "object-get",
		Problem: "the role <role> may not get an object that is there: S3 refuses <action> on {resource}",
		Causes: []Cause{
			{Why: noAllowWhy, Fix: noAllowFix, Tell: noAllowTell},
			{Why: bareWhy, Fix: bareFix, Tell: bareTell, When: "no-reason"},
		},
		Sources: []string{s3Permissions, deniedTexts},
	},
	{
		ID: "object-differs", Check: "object-get",
		Problem: "{object} did not come back as it was stored: <difference>",
		Causes: []Cause{
			{Why: "a proxy between this pod and {host} changes what passes", Fix: "name {host} in NO_PROXY", Tell: "does it come back whole from a place without the proxy?"},
			{Why: "what answers at {host} is no S3 that can be relied on", Fix: "correct <endpoint-from>, or have the storage examined", When: "endpoint", Tell: "does aws s3 cp bring a file back with another checksum?"},
		},
		Sources: []string{s3GetObject},
	},
	{
		ID: "nothing-to-read", Check: "object-readable", Status: report.Note,
		Problem: "there is no object <place>, so reading one was not tried",
		Causes:  []Cause{{Why: "no cache was stored there yet", Fix: "run the check again after a job has stored one, or as a role that may write"}},
		Sources: []string{s3GetObject},
	},
	{
		ID: "multipart-denied", Check: "object-multipart",
		Problem: "the role <role> may store an object, and not in parts: S3 refuses <action> on {resource}",
		Causes: []Cause{
			{Why: "an upload in parts needs kms:Decrypt where a KMS key encrypts the bucket, and a single PUT, which went well, does not", Fix: "allow kms:Decrypt on that key, in the policy of the role <role> and in the key's own", Tell: "is the bucket encrypted with a KMS key (aws s3api get-bucket-encryption --bucket <bucket>)?"},
			{Why: "the bucket's policy refuses uploads in parts, or asks for a header that only a single PUT has", Fix: "look at it (aws s3api get-bucket-policy --bucket <bucket>)", Tell: "does a policy of the bucket name s3:PutObject with a condition?"},
		},
		Sources: []string{s3Multipart, s3Permissions},
	},
	{
		ID: "transfer-timeout", Check: "object-multipart", Status: report.Unknown,
		Problem: "time was up after <timeout> (<timeout-from>), before <doing> was done",
		Causes: []Cause{
			{Why: "the way to {host} is slower than the object of <size> needs", Fix: "give --timeout more time, or a smaller --size", Tell: "does it work with --size 6MiB?"},
			{Why: "{host} does not answer any more", Fix: "check the network between this pod and {host}", Tell: "does ci-aws doctor --bucket <bucket> reach it?"},
		},
		Sources: []string{s3Multipart},
	},
	{
		ID: "list-denied", Check: "object-list",
		Problem: "the role <role> may not list objects <place>: S3 refuses <action> on {resource}",
		Causes: []Cause{
			{Why: "the permission policy of the role <role> lacks s3:ListBucket, or has it only on the objects (<bucket>/*; it is about the bucket itself) or under a condition on s3:prefix that this prefix does not meet", Fix: "allow s3:ListBucket on the bucket's own ARN, in a statement beside that for its objects", Tell: "does aws s3api list-objects-v2 --bucket <bucket> work as this role?"},
			{Why: bareWhy, Fix: bareFix, Tell: bareTell, When: "no-reason"},
		},
		Sources: []string{s3Permissions},
	},
	{
		ID: "list-lacks", Check: "object-list",
		Problem: "the list of what is under {folder} lacks {object}, which was just stored",
		Causes: []Cause{
			{Why: "what answers at {host} is no S3, or lists with a delay: S3 lists what it has stored at once", Fix: "correct <endpoint-from>, or ask who runs the storage"},
		},
		Sources: []string{"https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel"},
	},
	{
		ID: "world-readable", Check: "object-unsigned",
		Problem: "anybody can read bucket {bucket}: a GET of {object} without credentials got <got>",
		Causes: []Cause{
			{Why: "the bucket's policy or its access control list lets everybody read", Fix: "block public access (aws s3api put-public-access-block --bucket <bucket> --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true), and take Principal \"*\" out of the bucket's policy", Tell: "what does aws s3api get-bucket-policy-status --bucket <bucket> say?"},
			{Why: "what answers at {host} asks for no credentials", Fix: "turn anonymous access off there", When: "endpoint", Tell: "can it be read with curl from another machine?"},
		},
		Sources: []string{s3Public},
	},
	{
		ID: "world-listable", Check: "object-unsigned",
		Problem: "anybody can list the objects <place>: S3 answered a call without credentials",
		Causes: []Cause{
			{Why: "the bucket's policy or its access control list lets everybody list", Fix: "block public access (aws s3api put-public-access-block --bucket <bucket> --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true), and take Principal \"*\" out of the bucket's policy", Tell: "what does aws s3api get-bucket-policy-status --bucket <bucket> say?"},
			{Why: "what answers at {host} asks for no credentials", Fix: "turn anonymous access off there", When: "endpoint", Tell: "can it be listed with curl from another machine?"},
		},
		Sources: []string{s3Public},
	},
	{
		ID: "unsigned-unclear", Check: "object-unsigned", Status: report.Unknown,
		Problem: "<what> without credentials was answered with <code> (HTTP status <status>): whether everybody is let in is not known",
		Causes:  []Cause{{Why: "it is neither let in nor refused for want of permission (AccessDenied)", Fix: "run the check again; where it stays, try it by hand: aws s3api list-objects-v2 --no-sign-request --bucket <bucket>"}},
		Sources: []string{s3Public, s3Errors},
	},
	{
		ID: "unsigned-untold", Check: "object-unsigned", Status: report.Note,
		Problem: "S3 refuses {object} without credentials; there is no such object, so this says nothing of objects that are there",
		Causes:  []Cause{{Why: "no object was stored, and none was found in a list", Fix: "run the check as the role that fills the cache"}},
		Sources: []string{s3Public},
	},
	{
		ID: "delete-denied", Check: "object-delete", Status: report.Warn,
		Problem: "the role <role> may not delete what the check stored: S3 refuses <action>, and bucket {bucket} keeps <leftovers>",
		Causes: []Cause{
			{Why: "the role may store what it should not, and may not delete it", Fix: "delete it as a role that may, and take s3:PutObject out of the policies of the role <role>", When: "not-to-store"},
			{Why: "the permission policy of the role <role> does not allow <action>, which the cache itself does without", Fix: "allow <action> on {scope}, or let a lifecycle rule of the bucket expire what is under {folder}", Tell: "is the role meant to delete anything?", When: "to-store"},
			{Why: "the bucket keeps versions, and to delete one is a permission of its own (s3:DeleteObjectVersion)", Fix: "allow it, or let a lifecycle rule expire noncurrent versions", When: "versioned", First: "versioned", Tell: "does aws s3api get-bucket-versioning --bucket <bucket> say Enabled?"},
		},
		Sources: []string{s3Versions, s3Permissions, runnerCache},
	},
	{
		ID: "leftovers", Check: "object-delete", Status: report.Warn,
		Problem: "what the check stored could not be deleted (<why>): bucket {bucket} may keep <leftovers>",
		Causes: []Cause{
			{Why: "the answer to a call that stores was lost, or the call was tried again, and <action>, which would clear up what there is, is refused to the role <role>", Fix: "look by hand, as a role that may, or let a lifecycle rule of the bucket expire what is under {folder}, uploads that are not complete too; the cache itself does without <action>", When: "untold"},
			{Why: "S3 could not be asked any more, or answered with a fault", Fix: "delete it by hand, or let a lifecycle rule of the bucket expire what is under {folder}, uploads that are not complete too", When: "no-verdict"},
		},
		Sources: []string{"https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html"},
	},
	{
		ID: "get-allowed", Check: "get-refused",
		Problem: "<caller> may get objects of bucket {bucket}, of which S3 says that {object} is not there, and was expected to be refused (<expect-from>)",
		Causes:  allowedToRead,
		Sources: []string{s3Permissions},
	},
	{
		ID: "get-hidden", Check: "get-refused",
		Problem: "<caller> may get objects of bucket {bucket}, and was expected to be refused (<expect-from>): a GET of {object}, which is not there, lacks s3:ListBucket alone",
		Causes:  allowedToRead,
		Sources: []string{s3GetObject, s3Permissions},
	},
	{
		ID: "get-untold", Check: "get-refused", Status: report.Warn,
		Problem: "S3 refuses {object} to <caller> and does not say why; there is no such object, and without s3:ListBucket S3 refuses one that is not there to who may get objects, too",
		Causes: []Cause{
			{Why: "only an object that is there can prove it", Fix: "try one as this role: aws s3api get-object --bucket <bucket> --key KEY /dev/null has to end with AccessDenied"},
		},
		Sources: []string{s3GetObject},
	},
	{
		ID: "head-allowed", Check: "head-refused",
		Problem: "<caller> is told of {object} by a HEAD, and was expected to be refused (<expect-from>)",
		Causes:  allowedToRead,
		Sources: []string{s3Permissions},
	},
	{
		ID: "list-allowed", Check: "list-refused",
		Problem: "<caller> may list the objects <place>, and was expected to be refused (<expect-from>)",
		Causes:  allowedToRead,
		Sources: []string{s3Permissions},
	},
	{
		ID: "put-allowed", Check: "put-refused",
		Problem: "<caller> may store {object} in bucket {bucket}, and was expected to be refused (<expect-from>)",
		Causes:  allowed,
		Sources: []string{s3Permissions},
	},
	{
		ID: "multipart-allowed", Check: "multipart-refused",
		Problem: "<caller> may begin the upload of {object} in parts to bucket {bucket}, and was expected to be refused (<expect-from>)",
		Causes:  allowed,
		Sources: []string{s3Multipart, s3Permissions},
	},
	{
		ID: "delete-allowed", Check: "delete-refused",
		Problem: "<caller> may delete objects of bucket {bucket}, and was expected to be refused (<expect-from>)",
		Causes:  allowed,
		Sources: []string{s3Permissions},
	},
	{
		ID: "place-untold", Check: "bucket-exists", Status: report.Note,
		Problem: "S3 refuses <caller> and does not say where bucket {bucket} (<bucket-from>) is: a refusal for a name that has a typo looks alike",
		Causes:  []Cause{{Why: "what answers at {host} judges the caller before it looks for the bucket", Fix: "compare <bucket-from> with the name of the cache's bucket"}},
		Sources: []string{"https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"},
	},
}

// allowed is why somebody can do what was to be refused.
var (
	allowed       = append(allowedBy, Cause{Why: "the role is meant to do it", Fix: "say so: --expect read-write", Tell: "is it the role that fills the cache?"})
	allowedToRead = append(allowedBy, Cause{Why: "the role is meant to do it", Fix: "say so: --expect read, or --expect read-write where it is to store too", Tell: "is it the role that uses the cache?"})
	allowedBy     = []Cause{
		{Why: "a policy of the role <role> allows it (s3:* or Resource \"*\" often does)", Fix: "take it out of the role's policies, or give jobs a role of their own", Tell: "which policy of aws iam list-attached-role-policies and list-role-policies names the bucket or \"*\"?"},
		{Why: "the bucket's policy lets the role's account, or everybody, do it", Fix: "narrow it (aws s3api get-bucket-policy --bucket <bucket>)", Tell: "does the bucket's policy have a Principal that takes in the role?"},
	}
)

// cacheCheckTitles are the healthy facts of these cases' checks.
var cacheCheckTitles = map[string]string{
	"object-put":        "the role can store an object",
	"object-head":       "the role can ask about an object",
	"object-get":        "objects come back as they were stored",
	"object-readable":   "the role can get an object of the cache",
	"object-multipart":  "an object stored in parts comes back as it was stored",
	"object-list":       "the role can list objects",
	"object-unsigned":   "S3 refuses what was asked for without credentials",
	"object-delete":     "the role can delete objects, and nothing of this check is left",
	"get-refused":       "the role cannot get objects",
	"head-refused":      "the role cannot ask about objects",
	"list-refused":      "the role cannot list objects",
	"put-refused":       "the role cannot store objects",
	"multipart-refused": "the role cannot store objects in parts",
	"delete-refused":    "the role cannot delete objects",
}
