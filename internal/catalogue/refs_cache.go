package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// refsCache is what files say of the cache and of pipelines.
func refsCache() []Case {
	return []Case{
		{
			ID: "refs-bucket-name", Check: "refs-bucket",
			Problem: "the bucket is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("the runner's configuration, the permissions and the bucket itself have to have one name", "which of the two is there? aws s3api list-buckets"),
			Sources: []string{runnerAdvanced},
		},
		{
			ID: "refs-bucket-region", Check: "refs-bucket",
			Problem: "the region of the bucket {bucket} is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("a URL that is signed for another region than the bucket's is refused", "where is it? aws s3api get-bucket-location --bucket NAME"),
			Sources: []string{runnerS3Code, runnerAdvanced},
		},
		{
			ID: "refs-region-unknown", Check: "refs-region",
			Problem: "the region is {got} in <what> (<where>), and AWS has {want} and no such one",
			Causes:  []Cause{{Why: "{want} was most likely meant", Fix: "write {want} in <where>"}},
			Sources: []string{awsRegionList},
		},
		{
			ID: "refs-region-new", Check: "refs-region", Status: report.Warn,
			Problem: "the region is {got} in <what> (<where>), which is none of those that this version knows",
			Causes:  []Cause{{Why: "a region that AWS does not have has no endpoints", Fix: "compare it with what `aws account list-regions` prints, and correct <where>"}},
			Sources: []string{awsRegionList},
		},
		{
			ID: "refs-cache-wrong-role", Check: "refs-cache-access",
			Problem: "the role {role}, which <who>, may not use the bucket {bucket}, and the role {other} may (<where>)",
			Causes:  []Cause{{Why: "the runner manager reaches the cache with its own role, and the role of jobs plays no part in that", Fix: "move the policy in <where> from {other} to {role}"}},
			Sources: []string{runnerAdvanced},
		},
		{
			ID: "refs-cache-denied", Check: "refs-cache-access",
			Problem: "the role {role}, which <who>, lacks <missing> on <on> (<where>)",
			Causes:  []Cause{{Why: "the runner stores everything under Path in [runners.cache], and s3:ListBucket is on the bucket itself", Fix: "correct the resources and actions in <where>"}},
			Sources: []string{runnerAdvanced},
		},
		{
			ID: "refs-cache-list", Check: "refs-cache-access", Status: report.Warn,
			Problem: "the role {role}, which <who>, lacks <missing> on <on> (<where>)",
			Causes:  []Cause{{Why: "the cache works, but S3 answers a cache that is not there with 403 instead of 404, which looks like a denied access", Fix: "allow s3:ListBucket on the bucket itself in <where>"}},
			Sources: []string{runnerAdvanced, s3GetObject},
		},
		{
			ID: "refs-cache-apart", Check: "refs-cache-sharing", Status: report.Warn,
			Problem: "<key> in [runners.cache] is {got} for <runner> (<where>), and {want} for <other-runner> (<other-where>), and both use the bucket {bucket}",
			Causes:  []Cause{{Why: "runners find each other's caches only with one bucket, one Path and Shared = true in all of them", Fix: "write the same <key> in both, unless they are to be apart"}},
			Sources: []string{"https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cache.go", runnerAdvanced},
		},
		{
			ID: "refs-policy-wide", Check: "refs-policy", Status: report.Warn,
			Problem: "<who> allows {action} (<where>)",
			Causes:  []Cause{{Why: "that lets whoever has the role delete the bucket and change who may read it", Fix: "allow s3:GetObject and s3:PutObject on the objects and s3:ListBucket on the bucket, which is all that a cache needs"}},
			Sources: []string{runnerAdvanced},
		},
		{
			ID: "refs-variable-identity", Check: "refs-variables",
			Problem: "<scope> set {name} (<where>), and the EKS webhook then sets neither AWS_ROLE_ARN nor AWS_WEB_IDENTITY_TOKEN_FILE in the job's pod",
			Causes:  []Cause{{Why: "variables of the YAML are in the container before the webhook, which leaves alone a container that has one of the two", Fix: "remove <name> in <where>; a role other than that of the service account is named by CI_AWS_ROLE_ARN"}},
			Sources: []string{webhookUsage, runnerPodCode},
		},
		{
			ID: "refs-variable-keys", Check: "refs-variables",
			Problem: "<scope> set {name} (<where>), a key that outranks every role",
			Causes:  []Cause{{Why: "keys in the environment outrank every other source of credentials, and a key in a repository can be read by all who can read it", Fix: "remove <name> in <where>, and deactivate the key in IAM"}},
			Sources: []string{sdkChain},
		},
		{
			ID: "refs-variable-slip", Check: "refs-variables", Status: report.Warn,
			Problem: "<scope> set {name} (<where>), which nothing reads",
			Causes:  []Cause{{Why: "{meant} was most likely meant", Fix: "rename it to {meant} in <where>"}},
			Sources: []string{runnerKubernetes},
		},
		{
			ID: "refs-overwrite-ignored", Check: "refs-overwrite",
			Problem: "<what> asks for the service account {got} (<where>), and <runner> has no service_account_overwrite_allowed",
			Causes:  []Cause{{Why: "the runner then ignores the variable in silence, and the job runs under the usual service account", Fix: "set service_account_overwrite_allowed = \"^<got>$\" in [runners.kubernetes], and restart the runner"}},
			Sources: []string{runnerOverwrites, runnerKubernetes},
		},
		{
			ID: "refs-overwrite-refused", Check: "refs-overwrite",
			Problem: "<what> asks for the service account {got} (<where>), which service_account_overwrite_allowed {want} does not let pass (<other-where>)",
			Causes:  []Cause{{Why: "the job fails with \"provided value does not match\"", Fix: "write a name that the list has in <where>, or add {got} to the list in <other-where> and restart the runner"}},
			Sources: []string{runnerOverwrites, runnerKubernetes},
		},
		{
			ID: "refs-id-token-audience", Check: "refs-id-token",
			Problem: "the audience is {got} in <what> (<where>), and {want} in <other> (<other-where>)",
			Causes:  oneName("aud in id_tokens has to be what the provider and the trust policy take", "which client ids has the provider? aws iam get-open-id-connect-provider --open-id-connect-provider-arn ARN"),
			Sources: []string{gitlabTrust},
		},
		{
			ID: "refs-undefined", Check: "refs-defined", Status: report.Note,
			Problem: "the <thing> {name} is named by <what> (<where>), and none of the files defines it",
			Causes:  []Cause{{Why: "it may be defined elsewhere", Fix: "give the file that defines it too, to have both ends compared; with --closed this is a failure"}},
		},
		{
			ID: "refs-unnamed", Check: "refs-defined", Status: report.Note,
			Problem: "the <thing> {name} is named by <what> (<where>), and a trust policy admits that service account, but no file gives this policy's role a name",
			Causes:  []Cause{{Why: "it may be of that role or of another, so that the two names were not compared", Fix: "give what `aws iam get-role --role-name ROLE` prints, or name the file ROLE.trust.json; with --closed this is a failure"}},
		},
		{
			ID: "refs-unused", Check: "refs-used", Status: report.Note,
			Problem: "nothing in the files names the <thing> {name} (<where>)",
			Causes:  []Cause{{Why: "it may be named elsewhere", Fix: "give the file that names it too, to have both ends compared; with --closed this is a failure"}},
		},
	}
}

// refsTitles are the healthy facts of the checks of files that refer to each other.
var refsTitles = map[string]string{
	"refs-files":           "every file can be read to its end",
	"refs-annotation":      "the annotations of service accounts are those that EKS reads",
	"refs-service-account": "each service account has one name in all places",
	"refs-binding":         "each binding gives a Role that is there, where job pods run",
	"refs-role-arn":        "each ARN of a role is well formed",
	"refs-role":            "each role has one name in all places",
	"refs-trusted":         "each role trusts the service accounts that name it",
	"refs-audience":        "tokens are for the audience that trust policies and providers take",
	"refs-issuer":          "each trust policy is about one issuer, and that of its provider",
	"refs-aws-account":     "each role and its provider are in one account and partition",
	"refs-jobs-account":    "jobs run under a service account of their own",
	"refs-chart":           "the chart reads every key of its values",
	"refs-bucket":          "the cache's bucket has one name and one region in all places",
	"refs-region":          "every region is one that AWS has",
	"refs-cache-access":    "the role that reaches the cache may use its bucket",
	"refs-cache-sharing":   "runners of one bucket find each other's caches",
	"refs-policy":          "no policy allows everything in S3",
	"refs-variables":       "no variable of a pipeline keeps the job from its role",
	"refs-overwrite":       "runners let jobs take the service accounts that they ask for",
	"refs-id-token":        "ID tokens are for an audience that a role takes",
	"refs-defined":         "every name is defined in the files",
	"refs-used":            "every service account and role is named somewhere",
}
