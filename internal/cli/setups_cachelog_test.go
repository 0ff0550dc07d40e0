package cli_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// jobLog is the log of a job: its runner, and a section with lines of the cache.
func jobLog(name, token string, second int, section string, lines ...string) string {
	const cr = "\r\x1b[0K"
	return "Running with gitlab-runner 18.4.0 (139a0ac0)\n  on " + name + " " + token + ", system ID: s_1746f8786189\n" +
		fmt.Sprintf("section_start:%d:%s%s%s\n", 1795444000+second, section, cr, "Cache") + strings.Join(lines, "\n") +
		fmt.Sprintf("\nsection_end:%d:%s%s", 1795444000+second+2, section, cr)
}

const cacheURL = "https://my-super-duper-gitlab-runner-cache.s3.dualstack.eu-central-1.amazonaws.com/runners-all/"

func storesCache(key, at string) string {
	return jobLog("fargate-small-1", "aCsCcYp6x", 10, "archive_cache", "Creating cache "+key+"...", "Uploading cache.zip to "+cacheURL+at, "Created cache")
}

func savesCache(lines ...string) string {
	return jobLog("fargate-small-1", "aCsCcYp6x", 10, "archive_cache", append([]string{"Creating cache build-protected..."}, lines...)...)
}

func restoresCache(lines ...string) string {
	return jobLog("cluster-1", "bCsCcYp6x", 20, "restore_cache", append([]string{"Checking cache for build-protected..."}, lines...)...)
}

// missesCache is a job that does not find a key, and that stores another.
func missesCache(key, otherAt string) string {
	log := jobLog("cluster-1", "bCsCcYp6x", 20, "restore_cache", "Checking cache for "+key+"...", "WARNING: file does not exist", "Failed to extract cache")
	if otherAt != "" {
		log += jobLog("cluster-1", "bCsCcYp6x", 30, "archive_cache", "Creating cache other...", "Uploading cache.zip to "+otherAt, "Created cache")
	}
	return log
}

// cacheLogSetups are caches that are not what they should be, as job logs tell.
func cacheLogSetups() []setup {
	const (
		key     = "build-protected"
		here    = "project/42/" + key
		got     = "Successfully extracted cache"
		lost    = "Failed to extract cache"
		kept    = "Created cache"
		failed  = "Failed to create cache"
		goCloud = "Using GoCloud URL for cache download"
		noURL   = "No URL provided, cache will not be downloaded from shared cache server. Instead a local version of cache will be extracted."
	)
	upload := "Uploading cache.zip to " + cacheURL + here
	download := "Downloading cache from " + cacheURL + here
	sum := sha256.Sum256([]byte(key))
	hash := hex.EncodeToString(sum[:])
	one := func(kase, name, lead, log string) setup {
		return setup{kase: kase, name: name, lead: lead, args: []string{"smoke", "log", "job.log"}, edit: func(p *place) { p.file("job.log", log) }}
	}
	two := func(kase, name, lead, writer, reader string) setup {
		return setup{kase: kase, name: name, lead: lead, args: []string{"smoke", "log", "writer.log", "reader.log"}, edit: func(p *place) {
			p.file("writer.log", writer)
			p.file("reader.log", reader)
		}}
	}
	return []setup{
		one("cache-log-none", "a job without a cache", "the job declares no cache", jobLog("eks-1", "aCsCcYp6x", 10, "step_script", "$ make")),
		one("cache-log-none", "new words", "a newer runner words its lines", jobLog("eks-1", "aCsCcYp6x", 10, "restore_cache", "Fetching the cache")),
		one("cache-log-crowded", "the logs of many jobs in one file", "Complete Raw", strings.Repeat(savesCache(upload, kept), 130)),
		one("cache-log-unfinished", "a job that timed out", "the job was cancelled", restoresCache(download)),
		one("cache-log-unfinished", "a log from which lines were taken", "purely local cache", restoresCache(got)),
		one("cache-log-unfinished", "a log that GitLab cut", "GitLab cut the log", restoresCache(download, "Job's log exceeded limit of 4194304 bytes.")),
		one("cache-log-download-no-url", "no cache in config.toml", "no cache configured", restoresCache(noURL, "WARNING: Cache file does not exist", lost)),
		one("cache-log-download-no-url", "a volume on /cache", "lay on the runner's disk", restoresCache(noURL, got)),
		one("cache-log-local", "RoleARN and a volume on /cache", "a volume on /cache", restoresCache(goCloud, got)),
		one("cache-log-miss", "nobody stored it", "it was stored elsewhere", missesCache(key, "")),
		one("cache-log-first", "the first job of a branch", "nothing to change", missesCache(key, "")+savesCache(upload, kept)),
		one("cache-log-fallback", "a new branch", "a fallback hides", restoresCache("WARNING: file does not exist", lost, "Checking cache for main-protected (fallback)...", "Downloading cache from "+cacheURL+"project/42/main-protected", got)),
		one("cache-log-download-denied", "a manager's role that may nothing", "s3:ListBucket", restoresCache("WARNING: received: 403 Forbidden. Request failed with code: AccessDenied, message: Access Denied", lost)),
		one("cache-log-download-denied", "credentials that have expired", "ExpiredToken", restoresCache("WARNING: received: 403 Forbidden. Request failed with code: ExpiredToken, message: The provided token has expired.", lost)),
		one("cache-log-download-denied", "RoleARN, and nothing there", "may not list the bucket", restoresCache(goCloud, "WARNING: StatusCode: 403: This 403 is expected if the file doesn't exist.", lost)),
		one("cache-log-download-failed", "another region", "another region", restoresCache("WARNING: received: 301 Moved Permanently", lost)),
		one("cache-log-download-failed", "no network", "the network", restoresCache("WARNING: Get \""+cacheURL+here+"\": dial tcp: i/o timeout", lost)),
		one("cache-log-save-unfinished", "a log that GitLab cut", "GitLab cut the log", savesCache("Job's log exceeded limit of 4194304 bytes.")),
		one("cache-log-not-uploaded", "an archive that lies on the runner's disk", "take a new key", savesCache("Archive is up to date!", kept)),
		one("cache-log-unfinished", "a refusal after the download began", "the last transfer failed", restoresCache(download, "WARNING: Retrying...", "WARNING: received: 403 Forbidden", got)),
		one("cache-log-upload-no-url", "no cache in config.toml", "no cache configured", savesCache("No URL provided, cache will not be uploaded to shared cache server. Cache will be stored only locally.", kept)),
		one("cache-log-upload-denied", "a manager's role that may not write", "s3:PutObject", savesCache(upload, "FATAL: received: 403 Forbidden", failed)),
		one("cache-log-upload-denied", "a role of RoleARN that may not write", "the role of RoleARN", savesCache("Using GoCloud URL for cache upload", "Uploading cache.zip to s3://b/"+here, "FATAL: operation error S3: PutObject, https response error StatusCode: 403", failed)),
		one("cache-log-too-large", "MaxUploadedArchiveSize", "raise it above 1048577", savesCache("Cache archive size (1048577) is too big (Limit is set to 1048576). Cache will be stored only locally.", kept)),
		one("cache-log-empty", "a path above the project", "correct cache:paths", savesCache("WARNING: /root/.m2: no matching files. Ensure that the artifact path is relative to the working directory (/builds/group/project)", "WARNING: No files to cache.", kept)),
		one("cache-log-upload-failed", "a bucket that is not there", "no such bucket", savesCache(upload, "FATAL: received: 404 Not Found", failed)),
		one("cache-log-upload-failed", "a bucket of another account", "does not take the signed request", savesCache(upload, "FATAL: received: 400 Bad Request", failed)),
		one("cache-log-path-empty", "one path of two", "correct cache:paths", savesCache("WARNING: dist/: no matching files", "node_modules: found 7 matching artifact files and directories", upload, kept)),
		one("cache-log-no-role", "a manager that may not assume", "sts:AssumeRole", restoresCache("WARNING: Failed to obtain environment for cache "+key+": failed to assume role: AccessDenied", goCloud, "Downloading cache from s3://b/"+here, got)),
		one("cache-log-retried", "S3 throttles", "unsteady", restoresCache("WARNING: Retrying...   error=received: 503 Slow Down", download, got)),
		two("cache-log-unpaired", "a reader without a cache", "asks for no cache", storesCache(key, here), jobLog("cluster-1", "bCsCcYp6x", 20, "restore_cache", "Not downloading cache "+key+" due to policy")),
		two("cache-log-unpaired", "a writer that only reads", "the writer's job stores none", missesCache(key, ""), missesCache(key, "")),
		two("cache-log-unpaired", "logs of other jobs", "have changed places", storesCache(key, here)+savesCache("Archive is up to date!", kept), jobLog("cluster-1", "bCsCcYp6x", 20, "restore_cache", "Checking cache for lint...", lost)),
		two("cache-log-not-shared", "each runner for itself", "set Shared = true", storesCache(key, "runner/aCsCcYp6x/"+here), missesCache(key, "")),
		two("cache-log-not-shared", "each runner for itself, and no s3:ListBucket", "set Shared = true", storesCache(key, "runner/aCsCcYp6x/"+here), restoresCache("WARNING: received: 403 Forbidden", lost)),
		two("cache-log-not-shared", "the reader for itself", "set Shared = true", storesCache(key, here), missesCache(key, cacheURL+"runner/bCsCcYp6x/project/42/other")),
		two("cache-log-other-bucket", "two buckets", "BucketName", storesCache(key, here), missesCache(key, strings.Replace(cacheURL, "my-super-duper", "another", 1)+"project/42/other")),
		two("cache-log-other-path", "two paths", "give Path in [runners.cache]", storesCache(key, here), missesCache(key, strings.Replace(cacheURL, "runners-all", "runners-eks", 1)+"project/42/other")),
		two("cache-log-other-project", "logs of two projects", "projects never share", storesCache(key, here), missesCache(key, cacheURL+"project/43/other")),
		two("cache-log-hashed", "one runner hashes keys", "FF_HASH_CACHE_KEYS", storesCache(key, "project/42/"+hash[:2]+"/"+hash), missesCache(key, "")+jobLog("cluster-1", "bCsCcYp6x", 30, "archive_cache", "Creating cache "+key+"...", upload, kept)),
		two("cache-log-suffix", "main and a branch", "run writer and reader in one pipeline", storesCache(key, here), missesCache("build-non_protected", "")),
		two("cache-log-other-key", "two keys", "give both jobs the same cache:key", storesCache("build-1", "project/42/build-1"), missesCache("build-2", "")),
		two("cache-log-early", "jobs of one stage", "later stage", strings.ReplaceAll(storesCache(key, here), "179544401", "179544402"), missesCache(key, "")),
		two("cache-log-vanished", "a lifecycle rule", "lifecycle", storesCache(key, here), missesCache(key, cacheURL+"project/42/other")),
		two("cache-log-lost", "the writer shares, and the reader does not say", "the reader's runner does not share", storesCache(key, here), missesCache(key, "")),
		two("cache-log-lost", "nothing was uploaded", "the writer's archive was as before", restoresCache(download, got)+savesCache("Archive is up to date!", kept), missesCache(key, "")),
		two("cache-log-other-object", "an old cache in the reader's own place", "new in each pipeline", storesCache(key, here), restoresCache("Downloading cache from "+cacheURL+"runner/bCsCcYp6x/"+here, got)),
	}
}
