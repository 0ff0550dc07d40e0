package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

// cacheReached is how every cache is reached, whatever a check has proved.
const cacheReached = "a cache is reached with credentials that the runner manager signs or assumes, and only where RoleARN is set and its AssumeRole fails with the role of the job's pod"

// roundTrip is what proves a cache.
const roundTrip = "that one fleet of runners finds what another stored is proved by ci-aws smoke (the component cache-smoke runs it)"

// cacheAccess is whose access `ci-aws cache check` proves, and what of a runner's
// configuration it takes for that.
var cacheAccess = []Case{
	{
		ID: "role-not-taken", Check: "cache-taken", Status: report.Note,
		Problem: "this check does not assume {role} (<role-from>), which the runner manager assumes to reach the cache",
		Causes: []Cause{
			{Why: "it runs with the role that it is asked to run with", Fix: "to prove that role's access give its ARN to --chain-role-arn, where its trust policy lets the role of this pod assume it"},
		},
		Sources: []string{runnerCache, runnerS3Code},
	},
	{
		ID: "keys-not-taken", Check: "cache-taken", Status: report.Note,
		Problem: "this check does not read AccessKey and SecretKey (<keys-from>), with which the runner manager reaches the cache",
		Causes: []Cause{
			{Why: "it runs with the identity of this pod", Fix: "to prove the access of those keys set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in a shell of your own, and give --source ambient", When: "not-ambient"},
			{Why: "it runs with the keys of the environment", Fix: "compare AccessKey with the id of the key that was tested", When: "ambient"},
		},
		Sources: []string{runnerCache},
	},
	{
		ID: "nothing-to-try", Check: "cache-place",
		Problem: "there is no bucket of S3 to try: <why>",
		Causes:  []Cause{{Why: "this check is for caches in S3", Fix: "name a runner that keeps its caches there with --runner, or the bucket with --bucket"}},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "place-templated", Check: "cache-place",
		Problem: "there is no bucket of S3 to try: <key> is {value} (<where>), which Helm has yet to fill in",
		Causes:  []Cause{{Why: "it is the template of a configuration", Fix: "give the file that the runner manager reads with --config, or the bucket with --bucket"}},
		Sources: []string{runnerAdvanced},
	},
	{
		ID: "access-of-check", Check: "cache-access", Status: report.Note,
		Problem: "this proved the access of <tested>, and not that caches work: " + cacheReached,
		Causes: []Cause{
			{Why: "a job's role and the cache's are two", Fix: "to prove the manager's access run the check in a pod with the runner manager's service account (docs/setup.md has its manifest); " + roundTrip},
		},
		Sources: []string{runnerCache, runnerS3Code},
	},
	{
		ID: "access-beside-role", Check: "cache-access", Status: report.Note,
		Problem: "this proved the access of <tested>, and not that caches work: <runner> reaches its cache with {role} (<role-from>), which its manager assumes, not with the credentials tested here; only where that fails with the role of the job's pod",
		Causes: []Cause{
			{Why: "the runner's configuration names a role for its cache", Fix: "to prove that role's access give its ARN to --chain-role-arn; " + roundTrip},
		},
		Sources: []string{runnerCache, runnerS3Code},
	},
	{
		ID: "access-beside-keys", Check: "cache-access", Status: report.Note,
		Problem: "this proved the access of <tested>, and not that caches work: <runner> reaches its cache with the AccessKey of <keys-from>, not with the role tested here",
		Causes: []Cause{
			{Why: "the runner's configuration holds keys for its cache", Fix: "to prove their access set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in a shell of your own, and give --source ambient; " + roundTrip},
		},
		Sources: []string{runnerCache},
	},
	{
		ID: "access-of-keys", Check: "cache-access", Status: report.Note,
		Problem: "this proved the access of <tested>, and not that caches work: <runner> reaches its cache with the AccessKey of <keys-from>, and whether that is the key tested here is not looked at",
		Causes: []Cause{
			{Why: "ci-aws never reads a key of the runner's configuration", Fix: "compare AccessKey with the id of the key that was tested; " + roundTrip},
		},
		Sources: []string{runnerCache},
	},
	{
		ID: "access-unproved", Check: "cache-access", Status: report.Note,
		Problem: "this proved nothing of what <tested> may do: <first> ended it before S3 had granted or refused anything; " + cacheReached,
		Causes: []Cause{
			{Why: "all that is tried in the bucket comes after <first>", Fix: "mend that, and run the check again; " + roundTrip},
		},
		Sources: []string{runnerCache, runnerS3Code},
	},
}

// stsAlone is a cause of what S3, or nobody, answers at AWS's own address: only
// STS was given another.
var stsAlone = Cause{
	Why: "<sts-from> says where STS is and nothing of S3, which was looked for at {host}", Fix: "give the place of S3 too: AWS_ENDPOINT_URL_S3, or ci-aws cache check --s3-endpoint-url URL",
	Tell: "is the bucket meant to be at {host}?", When: "sts-alone", First: "sts-alone",
}

// cacheAccessTitles are the healthy facts of these cases' checks.
var cacheAccessTitles = map[string]string{
	"cache-taken": "all that decides how the cache is reached was taken from the runner's configuration",
	"cache-place": "the runner's configuration names a bucket of S3",
}
