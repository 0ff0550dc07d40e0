package runner_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

func readLog(t *testing.T, text string) runner.Log {
	t.Helper()
	l, err := runner.ReadLog(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// trace is a log of a real gitlab-runner.
func trace(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "traces", name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// section is a part of a log as runners write it.
func section(name string, lines ...string) string {
	const cr = "\r\x1b[0K"
	return "section_start:1795444357:" + name + cr + cr[1:] + "\x1b[36;1mHeading\x1b[0;m\x1b[0;m\n" +
		strings.Join(lines, "\n") + "\nsection_end:1795444360:" + name + cr
}

func restoring(lines ...string) string { return section("restore_cache", lines...) }
func saving(lines ...string) string    { return section("archive_cache", lines...) }

func TestTheRecordedLogsGiveTheVerdictsTheirNamesSay(t *testing.T) {
	const bucket = "http://127.0.0.1:5900/runner-cache/runners-all/"
	at := func(second int64) time.Time { return time.Unix(1795444000+second, 0).UTC() }
	writer := func(second int64, u runner.CacheUse) []runner.CacheUse {
		u.Save, u.Key, u.Timed = true, "smoke-777-protected", true
		u.Began, u.Ended = at(second), at(second).Add(u.Took)
		return []runner.CacheUse{u}
	}
	reader := func(second int64, u runner.CacheUse) []runner.CacheUse {
		all := writer(second, u)
		all[0].Save = false
		return all
	}
	tests := []struct {
		name, token string
		want        []runner.CacheUse // of those that were asked for
	}{
		{"hit-w", "fargate-", writer(357, runner.CacheUse{Outcome: runner.Uploaded, URL: bucket + "project/42/smoke-777-protected"})},
		{"hit-r", "cluster,", reader(360, runner.CacheUse{Outcome: runner.Hit, URL: bucket + "project/42/smoke-777-protected"})},
		{"nocache-w", "fargate-", writer(363, runner.CacheUse{Outcome: runner.NoURL})},
		{"nocache-r", "cluster,", reader(365, runner.CacheUse{Outcome: runner.NoURL, Took: time.Second})},
		{"denied-w", "fargate-", writer(374, runner.CacheUse{Outcome: runner.Denied, Status: "403 Forbidden", URL: bucket + "project/42/smoke-777-protected"})},
		{"denied-r", "cluster,", reader(376, runner.CacheUse{Outcome: runner.Denied, Status: "403 Forbidden", Took: time.Second})},
		{"notshared-w", "fargate-", writer(391, runner.CacheUse{Outcome: runner.Uploaded, URL: bucket + "runner/fargate-/project/42/smoke-777-protected", Took: time.Second})},
		{"notshared-r", "cluster,", reader(394, runner.CacheUse{Outcome: runner.Miss})},
	}
	files, err := filepath.Glob(filepath.Join("testdata", "traces", "*.log"))
	if err != nil || len(files) != len(tests) {
		t.Fatalf("%d recorded logs, %d of them in this test: %v", len(files), len(tests), err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := readLog(t, trace(t, tt.name))
			var asked []runner.CacheUse
			for _, u := range l.Caches {
				if u.Asked() {
					asked = append(asked, u)
				}
			}
			if diff := cmp.Diff(tt.want, asked); diff != "" {
				t.Error(diff)
			}
			if l.Token != tt.token || l.Lines != nil || l.Dropped != 0 {
				t.Errorf("token %q, lines %q, %d dropped", l.Token, l.Lines, l.Dropped)
			}
		})
	}
}

// TestEachStringOfTheRunnerIsRecognised has a row for each string that a runner
// writes of a cache. A line that was not recognised would stand in Lines, and
// the rest would not be as wanted.
func TestEachStringOfTheRunnerIsRecognised(t *testing.T) {
	const url = "https://b.s3.dualstack.eu-central-1.amazonaws.com/p/project/42/k"
	check, create := "Checking cache for k...", "Creating cache k..."
	got, lost := "Successfully extracted cache", "Failed to extract cache"
	kept, failed := "Created cache", "Failed to create cache"
	tests := []struct {
		name string
		log  string
		want runner.CacheUse
	}{
		// Restoring.
		{"a start without an end", restoring(check), runner.CacheUse{Outcome: runner.Uncertain}},
		{"an end that says nothing of the server", restoring(check, got), runner.CacheUse{Outcome: runner.Uncertain, Why: "the log says that it worked, and nothing of the server"}},
		{"downloaded", restoring(check, "Downloading cache from "+url+" ", got), runner.CacheUse{Outcome: runner.Hit, URL: url}},
		{"downloaded, in older words", restoring(check, "Downloading cache.zip from "+url, got), runner.CacheUse{Outcome: runner.Hit, URL: url}},
		{"downloaded, with an ETag", restoring(check, "Downloading cache from "+url+"  \x1b[0;m etag\x1b[0;m=\"ba79f1820723baccd897eea2bf758441\"", got), runner.CacheUse{Outcome: runner.Hit, URL: url}},
		{"downloaded in parallel", restoring(check, "Downloading cache from "+url+" (parallel)", got), runner.CacheUse{Outcome: runner.Hit, URL: url}},
		{"the meter", restoring(check, "Downloading cache from "+url, "\rDownloading cache 3.21 MB/8.39 MB (1.1 MB/s)        \rDownloading cache 8.39 MB/8.39 MB (2.1 MB/s)    ", got), runner.CacheUse{Outcome: runner.Hit, URL: url}},
		{"a pre-signed URL", restoring(check, "Using presigned URL for cache download", "Downloading cache from "+url, got), runner.CacheUse{Outcome: runner.Hit, URL: url, Transfer: runner.Presigned}},
		{"GoCloud", restoring(check, "Using GoCloud URL for cache download", "Downloading cache from s3://b/p/project/42/k", got), runner.CacheUse{Outcome: runner.Hit, URL: "s3://b/p/project/42/k", Transfer: runner.GoCloud}},
		{"GoCloud, and only a local copy", restoring(check, "Using GoCloud URL for cache download", got), runner.CacheUse{Outcome: runner.Local, Transfer: runner.GoCloud}},
		{"GoCloud, and nothing there", restoring(check, "Using GoCloud URL for cache download", "WARNING: Cache file does not exist", lost), runner.CacheUse{Outcome: runner.Miss, Transfer: runner.GoCloud}},
		{"the local copy is as new", restoring(check, "cache.zip is up to date                            ", got), runner.CacheUse{Outcome: runner.Hit}},
		{"no URL, and a local copy", restoring(check, "No URL provided, cache will not be downloaded from shared cache server. Instead a local version of cache will be extracted.", got), runner.CacheUse{Outcome: runner.Local}},
		{"no URL, and none", restoring(check, "No URL provided, cache will not be downloaded from shared cache server. Instead a local version of cache will be extracted.", "WARNING: Cache file does not exist", lost), runner.CacheUse{Outcome: runner.NoURL}},
		{"404", restoring(check, "WARNING: file does not exist                      ", lost), runner.CacheUse{Outcome: runner.Miss}},
		{"nothing local, and no word of the server", restoring(check, "WARNING: Cache file does not exist", lost), runner.CacheUse{Outcome: runner.Failed}},
		{
			"403 with a code", restoring(check, "WARNING: received: 403 Forbidden. Request failed with code: AccessDenied, message: Access Denied", lost),
			runner.CacheUse{Outcome: runner.Denied, Status: "403 Forbidden", Code: "AccessDenied"},
		},
		{
			"403 by GoCloud", restoring(check, "Using GoCloud URL for cache download", "WARNING: blob (key \"p\") (code=Unknown): operation error S3: HeadObject, https response error StatusCode: 403, RequestID: X: This 403 is expected if the file doesn't exist. See the behavior of HeadObject", lost),
			runner.CacheUse{Outcome: runner.Denied, Transfer: runner.GoCloud, Status: "403 Forbidden", Expected: true},
		},
		{"301", restoring(check, "WARNING: received: 301 Moved Permanently", lost), runner.CacheUse{Outcome: runner.Failed, Status: "301 Moved Permanently"}},
		{"tried again", restoring(check, "WARNING: Retrying...                               error=received: 503 Slow Down", "WARNING: Retrying...", "Downloading cache from "+url, got), runner.CacheUse{Outcome: runner.Hit, URL: url, Retries: 2}},
		{
			"tried again as a whole", restoring(check, "WARNING: received: 503 Slow Down", "WARNING: Failed to extract cache k: exit status 1", "WARNING: Retrying cache extraction (attempt 2/3)...", check, "Downloading cache from "+url, got),
			runner.CacheUse{Outcome: runner.Hit, URL: url, Retries: 1},
		},
		{"a failure with its reason", restoring(check, "WARNING: Failed to extract cache k: exit status 1"), runner.CacheUse{Outcome: runner.Failed, Why: "exit status 1"}},
		{"a fallback", restoring("Checking cache for k (fallback)...", "Downloading cache from "+url, got), runner.CacheUse{Outcome: runner.Hit, URL: url, Fallback: true}},
		{"policy: push", restoring("Not downloading cache k due to policy"), runner.CacheUse{Outcome: runner.Policy}},
		{
			"no role", restoring(check, "WARNING: Failed to obtain environment for cache k: failed to assume role", "WARNING: file does not exist", lost),
			runner.CacheUse{Outcome: runner.Miss, NoRole: "failed to assume role"},
		},
		{"words that say nothing of their own", restoring("Runtime platform   arch=amd64 os=linux", check, "Presigned URL did not honor Range request, using sequential download", "GoCloud backend does not support range reads, using sequential download", "Selecting primary cache URL   primary_url="+url, "Downloading cache from "+url, got), runner.CacheUse{Outcome: runner.Hit, URL: url}},
		{
			"downloaded, refused, and a local copy", restoring(check, "Downloading cache from "+url, "WARNING: Retrying...", "WARNING: received: 403 Forbidden", got),
			runner.CacheUse{Outcome: runner.Uncertain, URL: url, Retries: 1, Status: "403 Forbidden", Why: "the log says that it worked, after a transfer that failed"},
		},
		{"downloaded at the second try", restoring(check, "Downloading cache from "+url, "WARNING: Retrying...", "Downloading cache from "+url, got), runner.CacheUse{Outcome: runner.Hit, URL: url, Retries: 1}},
		// Saving.
		{
			"uploaded and refused", saving(create, "Uploading cache.zip to "+url, "WARNING: Retrying...", kept),
			runner.CacheUse{Outcome: runner.Uncertain, URL: url, Retries: 1, Why: "the log says that it worked, after a transfer that failed"},
		},
		{"uploaded at the second try", saving(create, "Uploading cache.zip to "+url, "WARNING: Retrying...", "Uploading cache.zip to "+url, kept), runner.CacheUse{Outcome: runner.Uploaded, URL: url, Retries: 1}},
		{"uploaded", saving(create, "c: found 2 matching artifact files and directories ", "Uploading cache.zip to "+url+" ", kept), runner.CacheUse{Outcome: runner.Uploaded, URL: url}},
		{"uploaded, in older words", saving(create, "c: found 2 matching files and directories", "untracked: found 3 files", "Uploading cache.zip to "+url, kept), runner.CacheUse{Outcome: runner.Uploaded, URL: url}},
		{"the upload's meter", saving(create, "\rUploading cache 8.39 MB/8.39 MB (2.1 MB/s)    ", "Uploading cache.zip to "+url, kept), runner.CacheUse{Outcome: runner.Uploaded, URL: url}},
		{"uploaded by a pre-signed URL", saving(create, "Using presigned URL for cache upload", "Uploading cache.zip to "+url, kept), runner.CacheUse{Outcome: runner.Uploaded, URL: url, Transfer: runner.Presigned}},
		{"uploaded by GoCloud", saving(create, "Using GoCloud URL for cache upload", "Uploading cache.zip to s3://b/p/project/42/k", kept), runner.CacheUse{Outcome: runner.Uploaded, URL: "s3://b/p/project/42/k", Transfer: runner.GoCloud}},
		{"nothing changed", saving(create, "Archive is up to date!                             ", kept), runner.CacheUse{Outcome: runner.UpToDate}},
		{"there already", saving(create, "Primary cache already exists remotely, skipping upload", kept), runner.CacheUse{Outcome: runner.Present}},
		{"not there yet", saving(create, "Renamed alternate cache file to primary", "Primary cache does not exist remotely, uploading existing archive", "Uploading cache.zip to "+url, kept), runner.CacheUse{Outcome: runner.Uploaded, URL: url}},
		{"created, and no word of the server", saving(create, kept), runner.CacheUse{Outcome: runner.Uncertain, Why: "the log says that it worked, and nothing of the server"}},
		{"stored locally", saving(create, "No URL provided, cache will not be uploaded to shared cache server. Cache will be stored only locally.", kept), runner.CacheUse{Outcome: runner.NoURL}},
		{"stored locally, in older words", saving(create, "No URL provided, cache will be not uploaded to shared cache server. Cache will be stored only locally.", kept), runner.CacheUse{Outcome: runner.NoURL}},
		{"too large", saving(create, "Cache archive size (1048577) is too big (Limit is set to 1048576). Cache will be stored only locally.", kept), runner.CacheUse{Outcome: runner.TooLarge, Size: 1048577, Limit: 1048576}},
		{"no files", saving(create, "WARNING: c: no matching files. Ensure that the artifact path is relative to the working directory (/builds/g/p)", "WARNING: No files to cache.", kept), runner.CacheUse{Outcome: runner.Empty, Bare: []string{"c"}}},
		{"403 on upload", saving(create, "Uploading cache.zip to "+url, "FATAL: received: 403 Forbidden                    ", failed), runner.CacheUse{Outcome: runner.Denied, URL: url, Status: "403 Forbidden"}},
		{"404 on upload", saving(create, "Uploading cache.zip to "+url, "FATAL: received: 404 Not Found", failed), runner.CacheUse{Outcome: runner.Failed, URL: url, Status: "404 Not Found"}},
		{"a failed job's cache", section("archive_cache_on_failure", create, "Uploading cache.zip to "+url, kept), runner.CacheUse{Outcome: runner.Uploaded, URL: url}},
		{"policy: pull", saving("Not uploading cache k due to policy"), runner.CacheUse{Outcome: runner.Policy}},
		{"no credentials to upload", saving("WARNING: Unable to generate cache upload environment: denied", create, "Uploading cache.zip to "+url, kept), runner.CacheUse{Outcome: runner.Uploaded, URL: url, NoRole: "denied"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := readLog(t, tt.log)
			tt.want.Key, tt.want.Save = "k", strings.Contains(tt.log, "archive_cache")
			tt.want.Began, tt.want.Ended = time.Unix(1795444357, 0).UTC(), time.Unix(1795444360, 0).UTC()
			tt.want.Took, tt.want.Timed = 3*time.Second, true
			want := runner.Log{Caches: []runner.CacheUse{tt.want}, Lines: l.Lines}
			for i, line := range l.Lines { // the heading of section stands before the cache
				if i > 0 || line != "Heading" {
					t.Errorf("not recognised: %q", line)
				}
			}
			if diff := cmp.Diff(want, l); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSkippedKeysAreNotedAndWarningsOfKeysShown(t *testing.T) {
	l := readLog(t, restoring("Skipping cache extraction due to empty cache key", `WARNING: cache key "a%2fb" sanitized to "a/b"`, `WARNING: CACHE_FALLBACK_KEY "x-protected" not allowed to end in "-protected"`)+
		saving("Skipping cache archiving due to empty cache key"))
	want := []runner.CacheUse{{Outcome: runner.Skipped, Why: "empty cache key"}, {Outcome: runner.Skipped, Why: "empty cache key", Save: true}}
	for i := range want {
		want[i].Began, want[i].Ended = l.Caches[i].Began, l.Caches[i].Ended
		want[i].Took, want[i].Timed = 3*time.Second, true
	}
	if diff := cmp.Diff(want, l.Caches); diff != "" {
		t.Error(diff)
	}
	lines := []string{"Heading", `WARNING: cache key "a%2fb" sanitized to "a/b"`, `WARNING: CACHE_FALLBACK_KEY "x-protected" not allowed to end in "-protected"`, "Heading"}
	if diff := cmp.Diff(lines, l.Lines); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownLinesAreKeptWithTheirCache(t *testing.T) {
	l := readLog(t, restoring("before", "Checking cache for k...", "something \x1b[31mnew\x1b[0m and \u202eodd", "Successfully extracted cache"))
	if len(l.Caches) != 1 || l.Caches[0].Outcome != runner.Uncertain {
		t.Fatalf("%+v", l.Caches)
	}
	if diff := cmp.Diff([]string{`something new and \u202eodd`}, l.Caches[0].Lines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Heading", "before"}, l.Lines); diff != "" {
		t.Error(diff)
	}
}

// TestOnlyTheRunnersOwnSectionsCount has scripts that print what runners print.
func TestOnlyTheRunnersOwnSectionsCount(t *testing.T) {
	fake := "Creating cache fake...\nUploading cache.zip to https://b/project/1/fake\nCreated cache"
	real := saving("Not uploading cache k due to policy")
	for name, text := range map[string]string{
		"in the script":                   section("step_script", fake),
		"in a section of the script":      section("step_script", section("archive_cache", fake)),
		"in the script, without an end":   "section_start:1:step_script\r\x1b[0K" + fake + "section_end:2:step_script\r\x1b[0K",
		"in a copied log's script":        "Executing \"step_script\" stage of the job script 00:01\n" + fake + "\nCleaning up project directory\n",
		"in a section that is not theirs": section("upload_artifacts_on_success", fake),
	} {
		t.Run(name, func(t *testing.T) {
			l := readLog(t, text+real)
			if len(l.Caches) != 1 || l.Caches[0].Key != "k" {
				t.Errorf("%+v", l.Caches)
			}
		})
	}
}

func TestALogCopiedFromItsPageIsRead(t *testing.T) {
	l := readLog(t, `Running with gitlab-runner 18.4.0 (139a0ac0)
  on fargate-small-1 aCsCcYp6x, system ID: s_1746f8786189
Restoring cache 00:03
Checking cache for default-protected...
Downloading cache.zip from https://storage.googleapis.com/caches/project/42/default-protected
Successfully extracted cache
Executing "step_script" stage of the job script 00:28
$ echo Created cache
Saving cache for successful job
00:14
Creating cache default-protected...
.terraform: found 417 matching artifact files and directories
Uploading cache.zip to https://storage.googleapis.com/caches/project/42/default-protected
Created cache
Cleaning up project directory and file based variables
Job succeeded
`)
	const url = "https://storage.googleapis.com/caches/project/42/default-protected"
	want := runner.Log{Runner: "fargate-small-1 aCsCcYp6x", Token: "aCsCcYp6x", Caches: []runner.CacheUse{
		{Key: "default-protected", Outcome: runner.Hit, URL: url, Took: 3 * time.Second, Timed: true},
		{Save: true, Key: "default-protected", Outcome: runner.Uploaded, URL: url, Took: 14 * time.Second, Timed: true},
	}}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
}

func TestFallbackKeysOfOlderRunnersAreToldFromCaches(t *testing.T) {
	miss := func(key string) string {
		return "Checking cache for " + key + "...\nWARNING: file does not exist\nFailed to extract cache"
	}
	log := restoring(miss("a"), miss("a-fallback"), "Checking cache for fallback...", "Downloading cache from https://b/project/1/fallback", "Successfully extracted cache", miss("b"))
	l := readLog(t, log+saving("Not uploading cache a due to policy", "Not uploading cache b due to policy"))
	var got []string
	for _, u := range l.Caches[:4] {
		got = append(got, fmt.Sprint(u.Key, " ", u.Fallback))
	}
	if diff := cmp.Diff([]string{"a false", "a-fallback true", "fallback true", "b false"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestTimestampsAreTheTimesOfACache has two caches in one section, which only
// stamps can tell apart, and lines that are continued.
func TestTimestampsAreTheTimesOfACache(t *testing.T) {
	l := readLog(t, strings.Join([]string{
		"2026-11-23T14:32:36.000000Z 00O section_start:1795444356:restore_cache\r",
		"2026-11-23T14:32:36.000000Z 00O+\x1b[0K\x1b[0K\x1b[36;1mRestoring cache\x1b[0;m\x1b[0;m",
		"2026-11-23T14:32:36.100000Z 00O Checking cache for a...",
		"2026-11-23T14:32:36.500000Z 00E Downloading cache from https://b.s3.eu-central-1.amazonaws.com/pro",
		"2026-11-23T14:32:36.600000Z 00E+ject/42/a?X-Amz-Signature=PLANTED",
		"2026-11-23T14:32:37.100000Z 00O Successfully extracted cache",
		"2026-11-23T14:32:37.100000Z 00O Checking cache for b...",
		"2026-11-23T14:32:37.200000Z 00E WARNING: file does not exist",
		"2026-11-23T14:32:37.350000Z 00O Failed to extract cache",
		"2026-11-23T14:32:38.000000Z 00O section_end:1795444358:restore_cache\r",
		"2026-11-23T14:32:38.000000Z 00O+\x1b[0KJob succeeded",
	}, "\n"))
	at := func(ms int) time.Time {
		return time.Date(2026, 11, 23, 14, 32, 36, ms*int(time.Millisecond), time.UTC)
	}
	want := runner.Log{Caches: []runner.CacheUse{
		{Key: "a", Outcome: runner.Hit, URL: "https://b.s3.eu-central-1.amazonaws.com/project/42/a", Began: at(100), Ended: at(1100), Took: time.Second, Timed: true},
		{Key: "b", Outcome: runner.Miss, Began: at(1100), Ended: at(1350), Took: 250 * time.Millisecond, Timed: true},
	}}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
}

func TestALogThatGitLabCutIsUncertain(t *testing.T) {
	l := readLog(t, "section_start:1795444357:archive_cache\r\x1b[0KCreating cache k...\n\x1b[33;1mJob's log exceeded limit of 4194304 bytes.\n")
	l.Name = "job.log"
	if !l.Cut || l.Caches[0].Outcome != runner.Uncertain {
		t.Fatalf("%+v", l)
	}
	found := l.Findings()
	if last := found[len(found)-1]; last.Status != report.Unknown || !strings.Contains(last.Hints[0], "GitLab cut the log") {
		t.Errorf("%+v", last)
	}
}

func TestAnErrorOfTheStreamComesWithWhatWasRead(t *testing.T) {
	l, err := runner.ReadLog(io.MultiReader(strings.NewReader(restoring("Not downloading cache k due to policy")), cutStream{}))
	if err != errBroken || len(l.Caches) != 1 { //nolint:errorlint // it is the very error
		t.Errorf("%v, %+v", err, l)
	}
}

type cutStream struct{}

var errBroken = io.ErrNoProgress

func (cutStream) Read([]byte) (int, error) { return 0, errBroken }

// flood is a stream of n bytes that repeats a block.
type flood struct {
	block string
	left  int64
	peak  *uint64
	seen  int64
}

func (f *flood) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, f.block[f.seen%int64(len(f.block)):])
	n = int(min(int64(n), f.left))
	f.seen, f.left = f.seen+int64(n), f.left-int64(n)
	if f.seen>>26 != (f.seen-int64(n))>>26 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		*f.peak = max(*f.peak, m.HeapAlloc)
	}
	return n, nil
}

func TestALogOfAnySizeIsReadInConstantMemory(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 1 << 27
	}
	const limit = 16 << 20
	for name, block := range map[string]string{
		"one line":           strings.Repeat("x", 1<<16),
		"long lines":         strings.Repeat("y", 1<<15-1) + "\n",
		"a meter":            strings.Repeat("Downloading cache 3.21 MB/8.39 MB (1.1 MB/s)                \r", 1024),
		"lines and binaries": strings.Repeat("\x00\xff\x1b[", 512) + "\n" + strings.Repeat("z", 2000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var peak uint64
			in := io.MultiReader(
				strings.NewReader("section_start:1:step_script\r\x1b[0K"), &flood{block: block, left: size / 4, peak: &peak},
				strings.NewReader("section_end:2:step_script\r\x1b[0K"+restoring("Checking cache for k...", "WARNING: file does not exist", "Failed to extract cache")),
				strings.NewReader("section_start:1:archive_cache\r\x1b[0K"), &flood{block: block, left: size / 4, peak: &peak},
			)
			l, err := runner.ReadLog(in)
			if err != nil || len(l.Caches) != 1 || l.Caches[0].Outcome != runner.Miss {
				t.Errorf("%v, %d caches", err, len(l.Caches))
			}
			if peak > before.HeapAlloc+limit {
				t.Errorf("%d bytes in use, want at most %d more than %d", peak, limit, before.HeapAlloc)
			}
		})
	}
}
