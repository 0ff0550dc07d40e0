package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// What the runner's code says of its own configuration.
const (
	runnerKubernetes = "https://docs.gitlab.com/runner/executors/kubernetes/"
	runnerAdvanced   = "https://docs.gitlab.com/runner/configuration/advanced-configuration/"
	runnerOverwrites = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/executors/kubernetes/overwrites.go"
	runnerConfigCode = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/common/config.go"
	runnerPodCode    = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/executors/kubernetes/kubernetes.go"
	runnerCacheCode  = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cacheconfig/cacheconfig.go"
	runnerS3Code     = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/s3v2/adapter.go"
)

// runnerConfig is what a runner's config.toml says by itself.
var runnerConfig = []Case{
	{
		ID: "config-unreadable", Check: "runner-config",
		Problem: "the runner's configuration {file} cannot be read: <why>",
		Causes:  []Cause{{Why: "the path is wrong, the file belongs to another user, or it is another file than config.toml", Fix: "give the path at which the container sees it; the Helm chart puts it at /home/gitlab-runner/.gitlab-runner/config.toml of the manager's pod"}},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "config-syntax", Check: "runner-config",
		Problem: "the runner's configuration {file} is broken at <position>: <what>",
		Causes:  []Cause{{Why: "it is not TOML, or has a value of another kind than the runner takes", Fix: "correct that line (it is not shown, since it may hold a token) and restart the runner"}},
		Sources: []string{"https://toml.io/en/v1.0.0", runnerAdvanced},
	},
	{
		ID: "config-no-runner", Check: "runner-config",
		Problem: "the runner's configuration {file} has no [[runners]] section",
		Causes:  []Cause{{Why: "it is the file before the runner was registered, as the Helm chart's ConfigMap has it", Fix: "take config.template.toml of that ConfigMap, or the manager's own file after registration"}},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "config-many-runners", Check: "runner-config",
		Problem: "the runner's configuration {file} has several runners, and none was named: <runners>",
		Causes:  []Cause{{Why: "each [[runners]] section has a service account and a cache of its own", Fix: "give the name of the one whose jobs fail with --runner; the job's log names its runner"}},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "config-no-such-runner", Check: "runner-config",
		Problem: "the runner's configuration {file} has not one runner {runner}, but these: <runners>",
		Causes: []Cause{
			{Why: "the name is a slip of {near}", Fix: "give that name", When: "near", Tell: "compare the two, letter by letter"},
			{Why: "it is another runner's file, or two sections have the name", Fix: "give one of the names above, as `name` in [[runners]] has it", Tell: "look for the name in the file that the manager in question reads"},
		},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "runner-key-slip", Check: "runner-keys", Status: report.Warn,
		Problem: "the runner ignores {key} in <section> (<where>), which is none of its keys there",
		Causes:  []Cause{{Why: "<meant> was most likely meant", Fix: "rename or move it, and restart the runner"}},
		Sources: []string{runnerAdvanced, runnerKubernetes},
	},
	{
		ID: "runner-key-lost", Check: "runner-keys",
		Problem: "the runner ignores {key} in <section> (<where>), and so has no <meant>",
		Causes:  []Cause{{Why: "that setting decides what jobs get (their namespace, their service account, the place of their caches), and the runner takes its default in silence", Fix: "write the key as <meant>, and restart the runner"}},
		Sources: []string{runnerAdvanced, runnerKubernetes},
	},
	{
		ID: "runner-not-kubernetes", Check: "runner-executor", Status: report.Note,
		Problem: "<runner> runs its jobs by the executor {executor} (<where>), not in pods",
		Causes:  []Cause{{Why: "service accounts, and so IAM roles for them, are for the executor kubernetes only", Fix: "give such jobs a role by GitLab's ID tokens"}},
		Sources: []string{runnerKubernetes},
	},
	{
		ID: "runner-account-name", Check: "runner-service-account",
		Problem: "service_account is {account} (<where>), which no Kubernetes service account can be called",
		Causes:  []Cause{{Why: "it is more than the name (a namespace, the sub of a trust policy, a role), or not in small letters", Fix: "give the name alone, as `kubectl get serviceaccounts` shows it in the namespace of the job pods"}},
		Sources: []string{runnerKubernetes, "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"},
	},
	{
		ID: "runner-default-account", Check: "runner-service-account", Status: report.Note,
		Problem: "<runner> names no service_account (<where>), so its job pods run under the account default of <namespace>",
		Causes:  []Cause{{Why: "that is right where jobs need no role of AWS; the role of the manager is not theirs", Fix: "otherwise set service_account in [runners.kubernetes] to the account that is annotated for jobs, and restart the runner"}},
		Sources: []string{runnerKubernetes},
	},
	{
		ID: "overwrite-invalid", Check: "runner-overwrite",
		Problem: "service_account_overwrite_allowed is {pattern} (<where>), which is no regular expression of Go: <why>",
		Causes:  []Cause{{Why: "every job that sets KUBERNETES_SERVICE_ACCOUNT_OVERWRITE fails", Fix: "correct it, or write the names out: ^(one|other)$"}},
		Sources: []string{runnerOverwrites, "https://pkg.go.dev/regexp/syntax"},
	},
	{
		ID: "overwrite-anything", Check: "runner-overwrite", Status: report.Warn,
		Problem: "service_account_overwrite_allowed is {pattern} (<where>), which lets any job take any service account of the namespace",
		Causes:  []Cause{{Why: "a job can so take the role of the runner manager, and of every other team", Fix: "write out the names that jobs may choose, between ^( and )$"}},
		Sources: []string{runnerOverwrites, runnerKubernetes},
	},
	{
		ID: "overwrite-unanchored", Check: "runner-overwrite", Status: report.Warn,
		Problem: "service_account_overwrite_allowed is {pattern} (<where>), which also lets pass longer names that only contain a match",
		Causes:  []Cause{{Why: "the runner looks for the expression anywhere in the name", Fix: "put the whole list between ^( and )$"}},
		Sources: []string{runnerOverwrites},
	},
	{
		ID: "overwrite-pattern", Check: "runner-overwrite", Status: report.Warn,
		Problem: "service_account_overwrite_allowed is {pattern} (<where>), which lets jobs take every service account that fits, not only some by name",
		Causes:  []Cause{{Why: "an account that fits may be there already, the runner manager's among them, or be made later", Fix: "write out the names that jobs may choose, between ^( and )$"}},
		Sources: []string{runnerOverwrites, runnerKubernetes},
	},
	{
		ID: "environment-identity", Check: "runner-environment",
		Problem: "`environment` of <runner> sets <names> (<where>) in the container of every job, and the EKS webhook then sets neither AWS_ROLE_ARN nor AWS_WEB_IDENTITY_TOKEN_FILE",
		Causes:  []Cause{{Why: "the webhook leaves alone a container that has AWS_ROLE_ARN or AWS_WEB_IDENTITY_TOKEN_FILE already", Fix: "remove <names> from `environment` in [[runners]] and restart the runner; a role is named by the annotation eks.amazonaws.com/role-arn of the jobs' service account or, for GitLab's ID tokens, by CI_AWS_ROLE_ARN"}},
		Sources: []string{runnerConfigCode, runnerPodCode, webhook},
	},
	{
		ID: "environment-keys", Check: "runner-environment",
		Problem: "`environment` of <runner> sets <names> (<where>) in every job, so that every tool there uses that key and not the role",
		Causes:  []Cause{{Why: "keys in the environment outrank every other source of credentials", Fix: "remove <names> (and AWS_SESSION_TOKEN) from `environment` in [[runners]], restart the runner, and deactivate the key in IAM: every job could read it"}},
		Sources: []string{runnerConfigCode, runnerPodCode, sdkChain},
	},
	{
		ID: "environment-half-keys", Check: "runner-environment", Status: report.Warn,
		Problem: "`environment` of <runner> sets <names> (<where>) in every job, without the other half of the key",
		Causes:  []Cause{{Why: "some tools may stop at it, and a job that has the other half uses the key and not the role", Fix: "remove <names> from `environment` in [[runners]] and restart the runner"}},
		Sources: []string{runnerConfigCode, runnerPodCode, sdkChain},
	},
	{
		ID: "environment-profile", Check: "runner-environment", Status: report.Warn,
		Problem: "`environment` of <runner> sets <names> (<where>) in every job",
		Causes:  []Cause{{Why: "tools stop at a profile that a job's files do not have, and the role of the service account outranks one that they have", Fix: "remove <names> from `environment` in [[runners]] and restart the runner; ci-aws configure writes a profile for the job that needs one"}},
		Sources: []string{runnerConfigCode, runnerPodCode, sdkChain},
	},
	{
		ID: "cache-none", Check: "runner-cache", Status: report.Note,
		Problem: "<runner> has no [runners.cache] with a Type (<where>), so its caches stay where the job ran",
		Causes:  []Cause{{Why: "that is right where no cache is to be shared", Fix: "otherwise set Type = \"s3\" in [runners.cache], and the bucket in [runners.cache.s3]"}},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "cache-elsewhere", Check: "runner-cache", Status: report.Note,
		Problem: "the caches of <runner> go to {type} (<where>), not to S3",
		Causes:  []Cause{{Why: "what is said here of buckets and roles does not concern that runner's cache", Fix: "set Type = \"s3\" if it was to be S3"}},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "cache-type-unknown", Check: "runner-cache",
		Problem: "Type in [runners.cache] is {type} (<where>), a cache that the runner does not have",
		Causes:  []Cause{{Why: "the runner knows s3, gcs and azure, in small letters; with another it logs \"cache factory not found\", and jobs say \"No URL provided\"", Fix: "set Type = \"s3\" and restart the runner"}},
		Sources: []string{"https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/adapter.go", runnerAdvanced},
	},
	{
		ID: "cache-type-missing", Check: "runner-cache",
		Problem: "<runner> has settings of S3 but no Type in [runners.cache] (<where>)",
		Causes:  []Cause{{Why: "without it the runner does not use them, and jobs say \"No URL provided\"", Fix: "set Type = \"s3\" in [runners.cache] and restart the runner"}},
		Sources: []string{"https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/adapter.go", runnerAdvanced},
	},
	{
		ID: "cache-flat", Check: "runner-cache-bucket",
		Problem: "{key} stands in [runners.cache] (<where>), where runners from 12.0 on do not look for it",
		Causes:  []Cause{{Why: "the settings of S3 have a section of their own since runner 11.3", Fix: "move ServerAddress, AccessKey, SecretKey, BucketName, BucketLocation and Insecure to [runners.cache.s3]"}},
		Sources: []string{"https://gitlab.com/gitlab-org/gitlab-runner/-/issues/4070", runnerAdvanced},
	},
	{
		ID: "cache-bucket-missing", Check: "runner-cache-bucket",
		Problem: "<runner> keeps its caches in S3 but names no bucket (<where>)",
		Causes:  []Cause{{Why: "the manager then logs \"config BucketName cannot be empty\", and jobs say \"No URL provided\"", Fix: "set BucketName and BucketLocation in [runners.cache.s3] and restart the runner"}},
		Sources: []string{runnerS3Code, runnerAdvanced},
	},
	{
		ID: "cache-bucket-name", Check: "runner-cache-bucket",
		Problem: "BucketName is {bucket} (<where>), which cannot be the name of a bucket",
		Causes:  []Cause{{Why: "it has white space, or a scheme or path beside the name", Fix: "give the name alone; a path within the bucket is Path in [runners.cache]"}},
		Sources: []string{"https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html", runnerAdvanced},
	},
	{
		ID: "cache-region-missing", Check: "runner-cache-bucket", Status: report.Note,
		Problem: "BucketLocation is not set for the bucket {bucket} (<where>)",
		Causes:  []Cause{{Why: "the runner asks S3 for the region, and takes us-east-1 in silence if it gets no answer", Fix: "set BucketLocation in [runners.cache.s3] to the bucket's region"}},
		Sources: []string{runnerS3Code, runnerAdvanced},
	},
	{
		ID: "cache-auth-unknown", Check: "runner-cache-auth", Status: report.Warn,
		Problem: "AuthenticationType is {type} (<where>), which the runner does not know",
		Causes:  []Cause{{Why: "the runner knows iam and access-key; with another its S3 adapter heeds no AccessKey and takes what its own pod has", Fix: "set it to iam, or leave it out"}},
		Sources: []string{runnerCacheCode},
	},
	{
		ID: "cache-keys-missing", Check: "runner-cache-auth",
		Problem: "AuthenticationType is {type} (<where>), but AccessKey and SecretKey are not both set",
		Causes:  []Cause{{Why: "the manager then has nothing to sign with, whatever role its service account names", Fix: "remove AuthenticationType, or set it to iam, so that the manager uses its role"}},
		Sources: []string{runnerCacheCode, runnerAdvanced},
	},
	{
		ID: "cache-static-keys", Check: "runner-cache-auth", Status: report.Warn,
		Problem: "the caches of <runner> are signed with a stored AccessKey (<where>), not with the manager's role",
		Causes:  []Cause{{Why: "the role of the manager's service account plays no part then, and the key has to be renewed by hand", Fix: "remove AccessKey and SecretKey, and set AuthenticationType = \"iam\" in [runners.cache.s3]"}},
		Sources: []string{runnerCacheCode, runnerAdvanced},
	},
	{
		ID: "cache-keys-ignored", Check: "runner-cache-auth", Status: report.Warn,
		Problem: "<runner> has a stored AccessKey or SecretKey (<where>) that it does not use",
		Causes: []Cause{
			{Why: "AuthenticationType is {type}", Fix: "remove AccessKey and SecretKey: a key that nobody uses can still be stolen", When: "typed"},
			{Why: "without AuthenticationType the runner uses keys only where ServerAddress, AccessKey and SecretKey are all set", Fix: "remove AccessKey and SecretKey; to use them all the same set AuthenticationType = \"access-key\"", When: "untyped"},
		},
		Sources: []string{runnerCacheCode},
	},
	{
		ID: "cache-role-malformed", Check: "runner-cache-rolearn",
		Problem: "<key> is {role} (<where>), which is not the ARN of a role",
		Causes:  []Cause{{Why: "STS refuses it, and the cache is then tried with the job pod's own role", Fix: "write it as arn:aws:iam::123456789012:role/NAME, with two colons after iam"}},
		Sources: []string{runnerAdvanced, "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"},
	},
	{
		ID: "cache-upload-role", Check: "runner-cache-rolearn", Status: report.Warn,
		Problem: "the cache's role {role} is given as UploadRoleARN (<where>), which is deprecated",
		Causes:  []Cause{{Why: "it is assumed for uploads only; RoleARN (from runner 17.8 on) is for both directions", Fix: "write it as RoleARN, and let the role read too (s3:GetObject)"}},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "cache-encryption-unknown", Check: "runner-cache-encryption", Status: report.Warn,
		Problem: "ServerSideEncryption is {sse} (<where>), which the runner does not know",
		Causes:  []Cause{{Why: "the runner then asks for no encryption, and a bucket policy that demands it refuses the upload", Fix: "set it to S3, KMS or DSSE-KMS, the latter two with ServerSideEncryptionKeyID"}},
		Sources: []string{runnerCacheCode},
	},
	{
		ID: "cache-not-shared", Check: "runner-cache-shared", Status: report.Note,
		Problem: "<runner> keeps its caches for itself: Shared is not true (<where>)",
		Causes:  []Cause{{Why: "its objects stand under runner/ and a part of its token, where no other runner looks", Fix: "for one cache of several runners set Shared = true, and the same bucket and Path, in each of them"}},
		Sources: []string{"https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cache.go", runnerAdvanced},
	},
}

// runnerTitles are the healthy facts of these cases' checks.
var runnerTitles = map[string]string{
	"runner-config":           "the runner's configuration can be read",
	"runner-keys":             "the runner's sections have no key that looks like a slip",
	"runner-executor":         "the runner starts its jobs in Kubernetes pods",
	"runner-service-account":  "the runner names the service account of its job pods",
	"runner-overwrite":        "jobs may choose only service accounts that are named in full",
	"runner-environment":      "the runner leaves the AWS settings of its jobs alone",
	"runner-cache":            "the runner keeps its caches in S3",
	"runner-cache-bucket":     "the runner names the bucket of its caches",
	"runner-cache-auth":       "the runner reaches its caches by the way its configuration says",
	"runner-cache-rolearn":    "the role for the caches is well formed",
	"runner-cache-encryption": "the runner knows how its caches are to be encrypted",
	"runner-cache-shared":     "runners share their caches",
}
