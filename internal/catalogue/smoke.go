package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

const (
	gitlabCaching = "https://docs.gitlab.com/ci/caching/"
	runnerKeyCode = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cache.go"
	runnerShells  = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/shells/abstract.go"
	runnerZip     = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/helpers/archives/zip_extract.go"
	gitStrategy   = "https://docs.gitlab.com/ci/runners/configure_runners/#git-strategy"
)

// smokeTitles are the healthy facts of the smoke test.
var smokeTitles = map[string]string{
	"smoke-hit":         "each fleet gets what the other stored",
	"smoke-no-fallback": "no other cache can stand in for the tested one",
	"smoke-apart":       "writer and reader ran on runners of their own",
	"smoke-from-cache":  "what was read came out of the cache in S3",
	"smoke-folders":     "each folder tells which fleet stored it",
	"smoke-results":     "the result of each reader can be used",
}

// emptied is the change that leaves nothing in a workspace.
const emptied = "let the job start in an empty folder: GIT_STRATEGY: empty (GitLab Runner 17.3 or newer)"

// smoke is what one fleet gets of another's cache. What Tell says of a miss is a
// question that a log or a config.toml answers.
var smoke = []Case{
	{
		ID: "smoke-miss", Check: "smoke-hit",
		Problem: "<reader> got nothing of what {writer} stored in pipeline {pipeline}",
		Causes: []Cause{
			{Why: "the two runners keep their caches apart", Fix: "set Shared = true in [runners.cache] of both runners' config.toml, and restart them", When: "two-fleets", Tell: `does the path in the writer's log line "Uploading cache.zip to" hold /runner/ and a part of the runner's token?`},
			{Why: "one of the runners has no cache that it can reach, and kept to its local one", Fix: "complete [runners.cache] of its config.toml: Type, and BucketName and BucketLocation in [runners.cache.s3]; where it is complete, the manager's log says why it could sign no URL", Tell: `does one of the two job logs say "No URL provided"?`},
			{Why: "the role of a runner manager may not use the bucket", Fix: "allow s3:PutObject and s3:GetObject on its objects and s3:ListBucket on the bucket, to the manager's role or to RoleARN where that is set", Tell: `does one of the two job logs say "received: 403 Forbidden"?`},
			{Why: "the writer stored nothing", Fix: "mend the writer's job; where its archive is too big, raise MaxUploadedArchiveSize in [runners.cache] or give a smaller --size", Tell: `does the writer's log lack "Uploading cache.zip to", or say "is too big"?`},
			{Why: "the two runners use two buckets", Fix: "give both the same BucketName, BucketLocation and ServerAddress in [runners.cache.s3]", When: "two-fleets", Tell: `is the bucket in the writer's log line "Uploading cache.zip to" the BucketName of the reader's config.toml?`},
			{Why: "the two runners use two folders of the bucket", Fix: "give both the same Path in [runners.cache]", When: "two-fleets", Tell: "is Path in [runners.cache] the same in both, letter by letter?"},
			{Why: "one of the two hashes the keys of caches", Fix: "set FF_HASH_CACHE_KEYS alike for both, and run both on one side of version 19.0, which moved hashed keys", Tell: "is FF_HASH_CACHE_KEYS on for one of the two only, or just one of them 19.0 or newer?"},
			{Why: "the two jobs' keys end differently, in -protected and in -non_protected", Fix: "start writer and reader in one pipeline, and so by one user on one ref", Tell: `is the key after "Creating cache" in the writer's log another than the one after "Checking cache for" in the reader's?`},
		},
		Sources: []string{runnerKeyCode, runnerShells, runnerAdvanced, gitlabCaching},
	},
	{
		ID: "smoke-leftover", Check: "smoke-hit",
		Problem: "<reader> got nothing of what {writer} stored in pipeline {pipeline}: <job> left <files> in the workspace (<why>)",
		Causes: []Cause{
			{Why: "the reader's job runs in a folder that an earlier job used, and its cache gave nothing", Fix: emptied + "; then look for the cause of the miss with ci-aws smoke log WRITER READER", Tell: "the reader's log has no line \"Downloading cache from\""},
		},
		Sources: []string{gitStrategy},
	},
	{
		ID: "smoke-seems-old", Check: "smoke-hit", Status: report.Unknown,
		Problem: "<reader> found all that {writer} stored in pipeline {pipeline}, but it seems older than this job: <files> (<why>)",
		Causes: []Cause{
			{Why: "the clock of the runner's machine is behind GitLab's, so that a cache's files seem old", Fix: "let the machine that runs the job take its time by NTP", Unsure: true, Tell: "date -u in the job is behind CI_JOB_STARTED_AT"},
			{Why: "the files lay in a workspace that an earlier job used, and the cache gave nothing", Fix: emptied, Tell: "the reader's log has no line \"Downloading cache from\""},
		},
		Sources: []string{gitStrategy, "https://docs.gitlab.com/ci/variables/predefined_variables/"},
	},
	{
		ID: "smoke-one-runner", Check: "smoke-hit", Status: report.Unknown,
		Problem: "<reader> found all that {writer} stored in pipeline {pipeline}, but runner <what> ran both jobs: that proves nothing between two fleets",
		Causes: []Cause{
			{Why: "one runner has the tags of both fleets", Fix: "name each fleet by tags that no other fleet's runners have", Tell: "the two jobs have other tags, and one runner's page shows them all"},
			{Why: "this job does not name its fleet, and all tags of its runner stand for it, those of {writer} among them", Fix: "give ci-aws smoke read --fleet, or CI_AWS_FLEET, with the tags that stand under tags: in this job", When: "more-tags", Tell: "the job has neither --fleet nor CI_AWS_FLEET"},
		},
		Sources: []string{"https://docs.gitlab.com/ci/yaml/#tags"},
	},
	{
		ID: "smoke-unreadable", Check: "smoke-hit", Status: report.Unknown,
		Problem: "<reader> may not read <files>, and so cannot tell what it got of what {writer} stored in pipeline {pipeline}: permission denied",
		Causes: []Cause{
			{Why: "the files' mode was changed after ci-aws smoke write had let every user read them: a runner restores the mode that they were stored with", Fix: "change no mode in the writer's job, or run both jobs as one user (uid)", Tell: "ls -lnR of the folder shows another uid than id -u does, and no r for others"},
			{Why: "a folder above them keeps this job's user out", Fix: "give each folder down to the one of --dir r and x for others (chmod a+rx), or run the job as the user that owns them (uid)", Tell: "ls -ldn of one of these folders shows no r or x for others"},
		},
		Sources: []string{runnerZip},
	},
	{
		ID: "smoke-stale", Check: "smoke-hit",
		Problem: "<reader> got what {writer} stored in pipeline {found}, not in {pipeline}",
		Causes: []Cause{
			{Why: "cache:key is the same in each pipeline", Fix: "write $CI_PIPELINE_ID into cache:key of writer and reader", Tell: `the key after "Checking cache for" in the reader's log does not hold {pipeline}`},
			{Why: "cache:fallback_keys gave an older cache", Fix: "remove cache:fallback_keys, also from default: and from what the job extends", Tell: `the reader's log has more than one line "Checking cache for"`},
			{Why: "the workspace is one that pipeline {found} used", Fix: emptied, Tell: `the reader's log has no line "Downloading cache from"`},
		},
		Sources: []string{gitlabCaching, gitStrategy},
	},
	{
		ID: "smoke-corrupt", Check: "smoke-hit",
		Problem: "<reader> got something else than {writer} stored in pipeline {pipeline}: <files> (<why>)",
		Causes: []Cause{
			{Why: "another job stored its files under this key", Fix: "give each writer a key of its own, with $CI_PIPELINE_ID in it, and let readers have policy: pull", Tell: `"Created cache" stands in more than one job's log for this key`},
			{Why: "the reader's job changed the files before ci-aws smoke read ran", Fix: "run ci-aws smoke read first in script, and nothing in before_script", Tell: "the job has a before_script, or a command before it"},
			{Why: "the archive was damaged, or ended early, on its way", Fix: "start the reader's job again; if it stays, have the writer store it anew", Tell: `the reader's log says "Failed to extract cache"`},
		},
		Sources: []string{gitlabCaching, runnerShells},
	},
	{
		ID: "smoke-whose", Check: "smoke-folders", Status: report.Note,
		Problem: "<files> cannot be used, and may be what {writer} stored (<why>)",
		Causes: []Cause{
			{Why: "more fleets were missed than folders are broken", Fix: "look for the cause of the misses first, and see in that folder which pipeline and fleet its files are of"},
		},
	},
	{
		ID: "smoke-partial", Check: "smoke-hit",
		Problem: "<reader> got only a part of what {writer} stored in pipeline {pipeline}: without <files>",
		Causes: []Cause{
			{Why: "cache:paths does not hold the writer's whole folder", Fix: "let cache:paths of writer and reader name the folder that --dir names", Tell: `"found N matching artifact files and directories" in the writer's log counts fewer than its files`},
			{Why: "the archive could not be extracted in full", Fix: "see that the reader's volume has room, and start its job again", Tell: `the reader's log says "Failed to extract cache"`},
		},
		Sources: []string{gitlabCaching, runnerShells},
	},
	{
		ID: "smoke-no-answer", Check: "smoke-hit", Status: report.Unknown,
		Problem: "<reader> gave no answer about what {writer} stored",
		Causes: []Cause{
			{Why: "its job did not run", Fix: "see in the pipeline whether it waits for a runner with these tags, and start it again", Tell: "the job is pending, skipped or cancelled"},
			{Why: "its job ended before ci-aws smoke read wrote its result", Fix: "mend what the job's log shows last", Tell: "the job failed, and has no artifact"},
			{Why: "its result did not reach this job", Fix: "keep the result as an artifact with when: always, and let this job take it (dependencies, needs)", Tell: "the job's page shows the artifact"},
		},
		Sources: []string{"https://docs.gitlab.com/ci/yaml/#artifactswhen"},
	},
	{
		ID: "smoke-fallback-key", Check: "smoke-no-fallback",
		Problem: "CACHE_FALLBACK_KEY of <reader> is {key}, and lets another cache stand in for the tested one",
		Causes:  []Cause{{Why: "the variable is set for this job", Fix: "remove it from variables: in YAML, and from " + InUI}},
		Sources: []string{"https://docs.gitlab.com/ci/caching/#per-cache-fallback-keys", runnerShells},
	},
	{
		ID: "smoke-together", Check: "smoke-apart", Status: report.Warn,
		Problem: "the host {host} ran this job and the one that wrote for {writer}, so that the hit proves little between two fleets",
		Causes: []Cause{
			{Why: "both runners start their jobs on one machine, whose disk can hold a local cache for both", Fix: `see whether the reader's log says "Downloading cache from https://", and let the fleets run on machines of their own`},
		},
		Sources: []string{"https://docs.gitlab.com/ci/yaml/#tags"},
	},
	{
		ID: "smoke-untold", Check: "smoke-from-cache", Status: report.Note,
		Problem: "whether the files of {writer} came out of a cache, or lay in the workspace, cannot be told: <why>",
		Causes:  []Cause{{Why: "the job runs in a folder that an earlier job may have used", Fix: emptied}},
		Sources: []string{gitStrategy},
	},
	{
		ID: "smoke-local", Check: "smoke-from-cache", Status: report.Note,
		Problem: "a hit in {dir} can be a local one where a volume is mounted on /cache and both jobs ran on one node: content does not tell it from S3",
		Causes: []Cause{
			{Why: "the runner extracts a cache that lies on /cache when it has no URL, and says the same at the end", Fix: `look for "Downloading cache from https://" in the reader's log, or let ci-aws smoke log read it; a local hit has "No URL provided" instead`},
		},
		Sources: []string{runnerShells, runnerKubernetes},
	},
	{
		ID: "smoke-result-unusable", Check: "smoke-results", Status: report.Unknown,
		Problem: "the result {file} cannot be used: <why>",
		Causes: []Cause{
			{Why: "it was written by another version of ci-aws", Fix: "run all jobs of the pipeline in one image", When: "other-schema"},
			{Why: "no reader's result reached this job", Fix: "give the names that ci-aws smoke read --file had; in a pipeline keep them as artifacts with when: always, and let this job take them (dependencies, needs)", When: "no-file"},
			{Why: "the reader's job names another fleet, or none, so that all tags of its runner stand for it", Fix: "give ci-aws smoke read --fleet, or CI_AWS_FLEET, and --expect with tags as the plan's fleets have them", When: "other-fleet"},
			{Why: "its job was stopped while it wrote, or it is another file", Fix: "give the files that ci-aws smoke read --output json --file wrote, and start that reader's job again", When: "no-result"},
		},
	},
	{
		ID: "smoke-result-other", Check: "smoke-results", Status: report.Unknown,
		Problem: "the result {file} is of pipeline {found}, not of {pipeline}",
		Causes: []Cause{
			{Why: "it is an artifact of an earlier pipeline", Fix: "give the results of one pipeline only"},
		},
	},
}

// AllCauses is Finding with every cause that the facts leave, not three, and with
// each the question that decides it.
func (c Case) AllCauses(f Facts, evidence []report.Value) report.Finding {
	found := c.Finding(f, evidence)
	found.Hints = nil
	causes := c.ranked(f)
	for i, cause := range causes {
		hint := rank(i, len(causes), cause.Unsure) + cause.Why + ": " + cause.Fix
		if cause.Tell != "" {
			hint += " (" + cause.Tell + ")"
		}
		found.Hints = append(found.Hints, Fill(hint, f))
	}
	return found
}
