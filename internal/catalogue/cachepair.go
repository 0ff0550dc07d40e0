package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// cachePair is what the logs of a writer and a reader of a cache mean together.
var cachePair = []Case{
	{
		ID: "cache-log-unpaired", Check: "cache-log-shared", Status: report.Unknown,
		Problem: "no cache that <writer> stores (<stored>) is one that <reader> asks for (<looked>)",
		Causes: []Cause{
			{Why: "the reader's job asks for no cache", Fix: "give it the cache with policy: pull or pull-push", When: "nothing-asked", First: "nothing-asked", Tell: `its log has no "Checking cache for"`},
			{Why: "the writer's job stores none", Fix: "give it the cache with policy: push or pull-push", When: "nothing-stored", First: "nothing-stored", Tell: `its log has no "Creating cache"`},
			{Why: "the logs have changed places, or are of other jobs", Fix: "give the log of the job that stores first", Tell: "the first log asks for what the second stores"},
		},
		Sources: []string{ciCaching},
	},
	{
		ID: "cache-log-not-shared", Check: "cache-log-shared",
		Problem: "{key} was stored under {stored}, <apart>: `Shared` is false",
		Causes: []Cause{
			{Why: "runners with Shared = false keep their caches under runner/ and a part of their own token, where no other runner looks", Fix: "set Shared = true in [runners.cache] of both runners, with the same bucket and the same Path, and store the cache again", Tell: "does config.toml of the writer's runner, and of the reader's, have Shared = true in [runners.cache]?"},
		},
		Sources: []string{runnerKeys, runnerAdvanced},
	},
	{
		ID: "cache-log-other-bucket", Check: "cache-log-shared",
		Problem: "{key} was stored in the bucket {stored-bucket}, and <reader> looks in {looked-bucket}",
		Causes:  []Cause{{Why: "the two runners have different buckets", Fix: "give BucketName, ServerAddress and BucketLocation in [runners.cache.s3] the same values in both runners' config.toml", Tell: "do both runners' config.toml have the same BucketName?"}},
		Sources: []string{runnerKeys, runnerAdvanced},
	},
	{
		ID: "cache-log-other-path", Check: "cache-log-shared",
		Problem: "{key} was stored under the Path {stored-path}, and <reader> looks under {looked-path}",
		Causes:  []Cause{{Why: "the two runners have a different Path", Fix: "give Path in [runners.cache] the same value in both runners' config.toml", Tell: "do both runners' config.toml have the same Path in [runners.cache]?"}},
		Sources: []string{runnerKeys, runnerAdvanced},
	},
	{
		ID: "cache-log-other-project", Check: "cache-log-shared",
		Problem: "{key} was stored by a job of project {stored-project}, and looked for by one of project {looked-project}",
		Causes:  []Cause{{Why: "projects never share caches", Fix: "compare two jobs of one project", Tell: "are both logs of the same project?"}},
		Sources: []string{runnerKeys},
	},
	{
		ID: "cache-log-hashed", Check: "cache-log-shared",
		Problem: "{key} was stored as <url> and looked for as <reader-url>: one of the runners hashes keys, the other does not",
		Causes:  []Cause{{Why: "FF_HASH_CACHE_KEYS differs, or one runner is older than 18.4", Fix: "set FF_HASH_CACHE_KEYS to the same value in [runners.feature_flags] of both runners, and bring both to the same version", Tell: "do both runners have the same version and the same FF_HASH_CACHE_KEYS?"}},
		Sources: []string{runnerKeys, runnerAdvanced},
	},
	{
		ID: "cache-log-suffix", Check: "cache-log-shared",
		Problem: "the writer stored {key}, and the reader asks for {reader-key}: protected and unprotected refs have separate caches",
		Causes: []Cause{
			{Why: "the two jobs ran on different refs, or for users of different roles: GitLab adds -protected for a protected ref and, in newer versions, for a maintainer's pipeline", Fix: "run writer and reader in one pipeline; or turn off \"Use separate caches for protected branches\" in the project's CI/CD settings, which lets unprotected refs write what protected ones read", Tell: "are both jobs of one pipeline?"},
		},
		Sources: []string{ciCaching, "https://gitlab.com/gitlab-org/gitlab/-/issues/360910", "https://gitlab.com/gitlab-org/gitlab/-/issues/330047"},
	},
	{
		ID: "cache-log-other-key", Check: "cache-log-shared",
		Problem: "the writer stored {key}, and the reader asks for {reader-key}",
		Causes: []Cause{
			{Why: "cache:key differs between the two jobs, or holds a variable that does", Fix: "give both jobs the same cache:key; in a smoke test one with $CI_PIPELINE_ID", Tell: "is cache:key the same text in both jobs, and are its variables the same in both?"},
			{Why: "the runners' caches were cleared in between, which adds a number to each key", Fix: "run both jobs again", Tell: "do the keys differ by a number only?"},
		},
		Sources: []string{ciCaching},
	},
	{
		ID: "cache-log-early", Check: "cache-log-shared",
		Problem: "the reader looked for {key} at <began>, before the writer had stored it at <ended>",
		Causes:  []Cause{{Why: "the jobs ran at the same time", Fix: "put the reader into a later stage, or give it needs: with the writer's job", Tell: "does the reader's job start after the writer's has ended?"}},
		Sources: []string{ciCaching},
	},
	{
		ID: "cache-log-vanished", Check: "cache-log-shared",
		Problem: "{key} was stored under {stored}, the reader looks under {looked} in the same bucket, and S3 has it no more",
		Causes: []Cause{
			{Why: "a lifecycle rule of the bucket, or somebody, has deleted it", Fix: "look at the bucket's lifecycle rules: the cache has to live until the last reader ran", Tell: "does aws s3api head-object find it right after the writer's job?"},
			{Why: "one of the runners hashes keys and the other does not (FF_HASH_CACHE_KEYS)", Fix: "set FF_HASH_CACHE_KEYS to the same value in [runners.feature_flags] of both runners", Tell: "do both runners have the same version and the same FF_HASH_CACHE_KEYS?"},
		},
		Sources: []string{runnerKeys},
	},
	{
		ID: "cache-log-lost", Check: "cache-log-shared",
		Problem: "{key} was stored, and <reader> did not find it",
		Causes: []Cause{
			{Why: "the writer's archive was as before, and was not uploaded in this job", Fix: "take a new key, so that the writer has to upload", When: "archive-as-before", First: "archive-as-before", Tell: `does the writer's log have "Archive is up to date!" or "Primary cache already exists remotely"?`},
			{Why: "the reader's runner does not share: Shared is not true in its configuration", Fix: "set Shared = true in [runners.cache] of its config.toml", When: "stored-shared", Tell: "does config.toml of the reader's runner have Shared = true in [runners.cache]?"},
			{Why: "the two runners have different buckets", Fix: "give BucketName, ServerAddress and BucketLocation in [runners.cache.s3] the same values in both runners' config.toml", Tell: "do both runners' config.toml have the same BucketName?"},
			{Why: "the two runners have a different Path", Fix: "give Path in [runners.cache] the same value in both runners' config.toml", Tell: "do both runners' config.toml have the same Path in [runners.cache]?"},
			{Why: "the writer's runner hashes keys and the reader's does not", Fix: "set FF_HASH_CACHE_KEYS to the same value in [runners.feature_flags] of both runners", When: "stored-hashed", Tell: "do both runners have the same version and the same FF_HASH_CACHE_KEYS?"},
			{Why: "the reader's runner hashes keys and the writer's does not", Fix: "set FF_HASH_CACHE_KEYS to the same value in [runners.feature_flags] of both runners", When: "stored-plain", Tell: "do both runners have the same version and the same FF_HASH_CACHE_KEYS?"},
		},
		Sources: []string{runnerKeys, runnerAdvanced},
	},
	{
		ID: "cache-log-other-object", Check: "cache-log-shared",
		Problem: "the reader restored {reader-key} from <reader-url>, which is not what the writer stored: {key}, at <url>",
		Causes: []Cause{
			{Why: "an older object of that name answers in the reader's own place, and hides that the two runners do not share", Fix: "take a key that is new in each pipeline ($CI_PIPELINE_ID), and look at the logs again", Tell: "do the two URLs above differ in bucket, Path, runner/ or key?"},
		},
		Sources: []string{runnerKeys, ciCaching},
	},
}
