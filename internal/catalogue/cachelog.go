package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// What runners write of caches, and where they keep them.
const (
	runnerShell     = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/shells/abstract.go"
	runnerExtractor = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/commands/helpers/cache_extractor.go"
	runnerArchiver  = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/commands/helpers/cache_archiver.go"
	runnerKeys      = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cache.go"
	ciCaching       = "https://docs.gitlab.com/ci/caching/"
)

// managerURL is where to look when a runner has no URL for its caches.
const managerURL = `look into the log of the runner manager for "error while generating S3 pre-signed URL"`

// cacheLog is what a job's log says of its caches.
var cacheLog = []Case{
	{
		ID: "cache-log-none", Check: "cache-log-read", Status: report.Unknown,
		Problem: "<log> has no line about a cache",
		Causes: []Cause{
			{Why: "GitLab cut the log at its size limit, before the caches were saved", Fix: "let the job print less, or raise output_limit in the [[runners]] section of config.toml", When: "log-cut", First: "log-cut", Tell: `the log has "Job's log exceeded limit of"`},
			{Why: "a newer runner words its lines in another way", Fix: "look at the lines that are shown, which were not understood", When: "lines-kept", First: "lines-kept", Tell: "the lines that are shown stand in the section Restoring cache or Saving cache"},
			{Why: "the job declares no cache with paths, so that the runner does nothing", Fix: "add cache: with key and paths to the job in .gitlab-ci.yml", Tell: "the log has no section Restoring cache"},
			{Why: "it is a part of a log, or no log of a job", Fix: "take the whole log: Complete Raw on the job's page", First: "no-start", Tell: `it does not start with "Running with gitlab-runner"`},
		},
		Sources: []string{runnerShell},
	},
	{
		ID: "cache-log-crowded", Check: "cache-log-read", Status: report.Unknown,
		Problem: "<log> has <lost> more than any job can have",
		Causes:  []Cause{{Why: "it is made of several logs, or a script writes into the runner's sections", Fix: "take the log of one job: Complete Raw on the job's page"}},
		Sources: []string{runnerShell},
	},
	{
		ID: "cache-log-unfinished", Check: "cache-log-restored", Status: report.Unknown,
		Problem: "<log> does not say whether {key} came from S3",
		Causes:  unfinished,
		Sources: []string{runnerShell},
	},
	{
		ID: "cache-log-download-no-url", Check: "cache-log-restored",
		Problem: "<runner> had no URL for {key}, and downloaded nothing",
		Causes: []Cause{
			{Why: "\"Successfully extracted cache\" tells of a copy that lay on the runner's disk already", Fix: "trust it no more than that disk, and give this runner a cache in S3: Type = \"s3\" in [runners.cache], BucketName and BucketLocation in [runners.cache.s3]", When: "local-copy", First: "local-copy", Tell: "the same job on another node misses"},
			{Why: "the runner has no cache configured", Fix: "set Type = \"s3\" in [runners.cache], and BucketName and BucketLocation in [runners.cache.s3], in this runner's config.toml", Tell: "ci-aws doctor --config config.toml finds no cache"},
			{Why: "the manager could not sign the URL: it has no credentials, or its role's trust policy does not name the manager's service account", Fix: managerURL, Tell: "the configuration has a cache, and the manager's log has that line"},
		},
		Sources: []string{runnerExtractor, runnerIssues + "36788", runnerIssues + "28845"},
	},
	{
		ID: "cache-log-local", Check: "cache-log-restored",
		Problem: "<runner> downloaded nothing for {key}: what it extracted lay on its disk already",
		Causes:  []Cause{{Why: "the bucket has no such object, which a download by RoleARN passes over without a word, and a volume on /cache holds an old copy", Fix: "compare the two configurations' bucket, Path and Shared by ci-aws smoke log WRITER READER, and take the volume away to see the truth"}},
		Sources: []string{runnerExtractor},
	},
	{
		ID: "cache-log-miss", Check: "cache-log-restored",
		Problem: "the bucket of <runner> has no {key} where this runner looks",
		Causes: []Cause{
			{Why: "it was stored elsewhere: Shared is not true in the configuration of one of the runners, or bucket or Path differ", Fix: "run ci-aws smoke log WRITER READER with the log of the job that stored it: it says which", Tell: `the log of the job that stored it has "Uploading" with another bucket or folder`},
			{Why: "the job that should have stored it did not", Fix: "look at that job's log by ci-aws smoke log", Tell: `its log has no line that starts with "Uploading"`},
			{Why: "the two jobs have different keys: another branch, or a ref that is protected", Fix: "compare {key} with the key of the job that stores it; GitLab adds -protected or -non_protected to each", Tell: `"Creating cache" in that log has another key`},
		},
		Sources: []string{runnerKeys, ciCaching},
	},
	{
		ID: "cache-log-first", Check: "cache-log-restored", Status: report.Note,
		Problem: "{key} was not there yet, and this job then stored it",
		Causes:  []Cause{{Why: "it is the first job with this key", Fix: "nothing to change, if the next job finds it"}},
		Sources: []string{ciCaching},
	},
	{
		ID: "cache-log-fallback", Check: "cache-log-restored", Status: report.Warn,
		Problem: "{key} was not found, and the cache of the fallback key {fallback} was used instead",
		Causes:  []Cause{{Why: "a fallback hides that the cache itself is missed", Fix: "to see whether the cache works take cache:fallback_keys and CACHE_FALLBACK_KEY from the job"}},
		Sources: []string{ciCaching},
	},
	{
		ID: "cache-log-download-denied", Check: "cache-log-restored",
		Problem: "S3 refused {key} to <runner>: <answer>",
		Causes: []Cause{
			{Why: "S3 says what is wrong with the signed request", Fix: "look up <answer>: ExpiredToken and SignatureDoesNotMatch come from the manager's credentials, RequestTimeTooSkewed from its clock", When: "code-known", First: "code-known", Tell: "the code in the log is not AccessDenied"},
			{Why: "with RoleARN an object that is not there is a 403, since the session that the runner makes may not list the bucket", Fix: "check first that the cache was stored at all: ci-aws smoke log WRITER READER", When: "gocloud", First: "may-be-miss", Tell: "the log of the job that stores it has \"Uploading\" to the same URL, or has not"},
			{Why: "the manager's role may not list the bucket, so that a cache that is not there is a 403 and no 404", Fix: "allow s3:ListBucket on the bucket itself to the manager's role (not to the job's)", Tell: "ci-aws cache check with the manager's role says that s3:ListBucket is missing"},
			{Why: "the manager's role may not read the object", Fix: "allow s3:GetObject on the bucket's objects to the manager's role (not to the job's), and kms:Decrypt where the bucket has a KMS key", Tell: "ci-aws cache check with the manager's role cannot get what it has put"},
		},
		Sources: []string{runnerExtractor, runnerAdvanced, runnerIssues + "39105"},
	},
	{
		ID: "cache-log-download-failed", Check: "cache-log-restored",
		Problem: "<runner> could not restore {key}: <why>",
		Causes:  transferred,
		Sources: []string{runnerExtractor, runnerIssues + "37879"},
	},
	{
		ID: "cache-log-save-unfinished", Check: "cache-log-stored", Status: report.Unknown,
		Problem: "<log> does not say whether {key} was stored in S3",
		Causes:  unfinished,
		Sources: []string{runnerShell},
	},
	{
		ID: "cache-log-not-uploaded", Check: "cache-log-stored", Status: report.Unknown,
		Problem: "nothing was uploaded for {key}, since its archive is up to date; whether S3 has it <log> does not say",
		Causes: []Cause{
			{Why: "the files are as in the archive on the runner's disk, and a runner stops there before it looks for a URL, with a cache in S3 and without", Fix: "take a new key, such as one with $CI_PIPELINE_ID, so that the runner has to upload, and look at that job's log", Tell: `the log of a job with a new key has "Uploading" or "No URL provided"`},
		},
		Sources: []string{runnerArchiver},
	},
	{
		ID: "cache-log-upload-no-url", Check: "cache-log-stored",
		Problem: "<runner> had no URL for {key}, and stored it on its own disk only",
		Causes: []Cause{
			{Why: "the runner has no cache configured", Fix: "set Type = \"s3\" in [runners.cache], and BucketName and BucketLocation in [runners.cache.s3], in this runner's config.toml", Tell: "ci-aws doctor --config config.toml finds no cache"},
			{Why: "the manager could not sign the URL: it has no credentials, or its role's trust policy does not name the manager's service account", Fix: managerURL, Tell: "the configuration has a cache, and the manager's log has that line"},
		},
		Sources: []string{runnerArchiver, runnerIssues + "36788", runnerIssues + "28845"},
	},
	{
		ID: "cache-log-upload-denied", Check: "cache-log-stored",
		Problem: "S3 refused to store {key} for <runner>: <answer>",
		Causes: []Cause{
			{Why: "S3 says what is wrong with the signed request", Fix: "look up <answer>: ExpiredToken and SignatureDoesNotMatch come from the manager's credentials, RequestTimeTooSkewed from its clock", When: "code-known", First: "code-known", Tell: "the code in the log is not AccessDenied"},
			{Why: "the role of RoleARN may not write, or was not assumed and this pod's own role was used", Fix: "allow s3:PutObject on the bucket's objects to the role of RoleARN, and look for a refused AssumeRole in the manager's log", When: "gocloud", First: "gocloud", Tell: "the log says \"Using GoCloud URL\""},
			{Why: "the manager's role may not write", Fix: "allow s3:PutObject on the bucket's objects to the manager's role (not to the job's), and kms:GenerateDataKey where the bucket has a KMS key", Tell: "ci-aws cache check with the manager's role cannot put"},
			{Why: "the bucket's policy denies it, as one does that demands encryption", Fix: "compare ServerSideEncryption in [runners.cache.s3] with the bucket's policy", Tell: "ci-aws cache check with the manager's role can put with --sse, and cannot without"},
		},
		Sources: []string{runnerArchiver, runnerAdvanced},
	},
	{
		ID: "cache-log-too-large", Check: "cache-log-stored",
		Problem: "the archive of {key} has <size> bytes, and <runner> stores <limit> at most: it is on the runner's disk only",
		Causes:  []Cause{{Why: "MaxUploadedArchiveSize in [runners.cache] bounds it", Fix: "raise it above <size> (0 is no limit), or let the cache have fewer paths"}},
		Sources: []string{runnerArchiver, runnerAdvanced},
	},
	{
		ID: "cache-log-empty", Check: "cache-log-stored",
		Problem: "there was no file to store in {key}",
		Causes:  []Cause{{Why: "no path of the cache matches a file in the project's folder", Fix: "correct cache:paths: they start at CI_PROJECT_DIR, and nothing above it can be cached"}},
		Sources: []string{runnerArchiver, ciCaching},
	},
	{
		ID: "cache-log-upload-failed", Check: "cache-log-stored",
		Problem: "<runner> could not store {key}: <why>",
		Causes:  transferred,
		Sources: []string{runnerArchiver, runnerIssues + "37879"},
	},
	{
		ID: "cache-log-path-empty", Check: "cache-log-paths", Status: report.Warn,
		Problem: "{path} of {key} matches no file",
		Causes:  []Cause{{Why: "the path is wrong, or the job did not make it", Fix: "correct cache:paths: they start at CI_PROJECT_DIR"}},
		Sources: []string{runnerArchiver, ciCaching},
	},
	{
		ID: "cache-log-no-role", Check: "cache-log-role", Status: report.Warn,
		Problem: "the manager has no credentials of RoleARN for {key}: <no-role>",
		Causes:  []Cause{{Why: "its role may not assume the role of RoleARN, and the cache is then tried with the role of this job's pod", Fix: "allow sts:AssumeRole on that role to the manager's role, and name the manager's role in that role's trust policy"}},
		Sources: []string{runnerShell, runnerAdvanced},
	},
	{
		ID: "cache-log-retried", Check: "cache-log-steady", Status: report.Warn,
		Problem: "the runner needed <tries> to <action> {key}",
		Causes:  []Cause{{Why: "the way to the bucket is unsteady, or S3 throttles", Fix: "look at the time and the reason behind \"Retrying...\" in <log>, and in other jobs of that time"}},
		Sources: []string{"https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/commands/helpers/retry_helper.go"},
	},
}

// unfinished are the causes of a log that does not have the line that ends a cache.
var unfinished = []Cause{
	{Why: "GitLab cut the log at its size limit", Fix: "let the job print less, or raise output_limit in the [[runners]] section of config.toml", When: "log-cut", First: "log-cut", Tell: `the log has "Job's log exceeded limit of"`},
	{Why: "a newer runner words its lines in another way", Fix: "look at the lines that are shown, which were not understood", When: "lines-kept", First: "lines-kept", Tell: "the lines that are shown tell how it ended"},
	{Why: `"Successfully extracted cache" and "Created cache" stand in the log of a purely local cache, too, and no line around it names a URL`, Fix: "take the whole log: Complete Raw on the job's page", When: "success-alone", Tell: "the log that GitLab stores has more lines there"},
	{Why: "the last transfer failed, and what the log calls a success may be of the runner's disk alone", Fix: "look at the failure behind the last \"Downloading\" or \"Uploading\" in <log>, and start the job again", When: "refused-last", First: "refused-last", Tell: `"Retrying..." or "received:" stands between that line and "Successfully extracted cache" or "Created cache"`},
	{Why: "the job was cancelled, timed out or still runs", When: "no-end", Fix: "take the log of a job that has ended", Tell: `the section of the cache ends without "Successfully extracted cache", "Created cache" or "Failed to"`},
}

// transferred are what breaks an archive on its way, other than a denial.
var transferred = []Cause{
	{Why: "the bucket is in another region than the runner's configuration says", Fix: "set BucketLocation in [runners.cache.s3] to the bucket's region", When: "moved", First: "moved", Tell: "aws s3api get-bucket-location names another region"},
	{Why: "there is no such bucket", Fix: "correct BucketName in [runners.cache.s3], or make the bucket", When: "no-bucket", First: "no-bucket", Tell: "aws s3api head-bucket answers 404"},
	{Why: "S3 does not take the signed request, as for a bucket of another account or region", Fix: "check bucket, region and the manager's credentials by ci-aws cache check --config config.toml with the manager's role", When: "bad-request", First: "bad-request", Tell: "ci-aws cache check with the manager's role fails in the same way"},
	{Why: "the network between the job's pod and S3 is closed, slow or unsteady: the transfer runs in the pod, not in the manager", Fix: "let the pods reach S3 (security groups, network policies, a VPC endpoint), and raise CACHE_REQUEST_TIMEOUT for a large cache", When: "unread", First: "unread", Tell: "curl to the bucket's host, in a job of this runner, fails or hangs"},
	{Why: "S3 or the runner's disk failed", Fix: "look at the lines around it in <log>, and start the job again", Tell: "another job of this runner gets through"},
}

// cacheLogTitles are the healthy facts of these cases' checks.
var cacheLogTitles = map[string]string{
	"cache-log-read":     "the log tells of the job's caches",
	"cache-log-restored": "the cache was restored from S3",
	"cache-log-stored":   "the cache was stored in S3",
	"cache-log-paths":    "each path of the cache has files",
	"cache-log-role":     "the manager has the role of RoleARN",
	"cache-log-steady":   "one try was enough",
	"cache-log-shared":   "the reader finds what the writer stored",
}
