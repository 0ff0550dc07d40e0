package runner_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// greeting is how a log names its runner.
func greeting(name, token string) string {
	return "Running with gitlab-runner 18.4.0 (139a0ac0)\n  on " + name + " " + token + ", system ID: s_1746f8786189\n"
}

// timed is a section at a time of day, in seconds.
func timed(second int, name string, lines ...string) string {
	cr := "\r\x1b[0K"
	return fmt.Sprintf("section_start:%d:%s%s", 1795444000+second, name, cr) + strings.Join(lines, "\n") + fmt.Sprintf("\nsection_end:%d:%s%s", 1795444000+second+1, name, cr)
}

const aws = "https://runner-cache.s3.dualstack.eu-central-1.amazonaws.com/"

// stores is the log of a job that uploads a key to a URL.
func stores(key, url string) string {
	return greeting("fargate-small-1", "aCsCcYp6x") + timed(10, "archive_cache", "Creating cache "+key+"...", "Uploading cache.zip to "+url+"?X-Amz-Signature=PLANTED", "Created cache")
}

// misses is the log of a job that does not find a key.
func misses(key string, more ...string) string {
	return greeting("cluster-1", "bCsCcYp6x") + timed(20, "restore_cache", "Checking cache for "+key+"...", "WARNING: file does not exist", "Failed to extract cache") + strings.Join(more, "")
}

// saves is what a reader's log tells of its place, by another cache or its own.
func saves(key, url string) string {
	return timed(30, "archive_cache", "Creating cache "+key+"...", "Uploading cache.zip to "+url, "Created cache")
}

// denied is the log of a job to which S3 refuses k.
func denied(code string) string {
	return greeting("cluster-1", "bCsCcYp6x") + timed(20, "restore_cache", "Checking cache for k...", "WARNING: received: 403 Forbidden. Request failed with code: "+code+", message: no", "Failed to extract cache")
}

// unchanged is the log of a job that has nothing new to store in k, and perhaps
// stores another cache.
func unchanged(otherAt string) string {
	log := greeting("fargate-small-1", "aCsCcYp6x") + timed(10, "archive_cache", "Creating cache k...", "v: found 3 matching artifact files and directories", "Archive is up to date!", "Created cache")
	if otherAt != "" {
		log += saves("other", aws+otherAt)
	}
	return log
}

func finds(key, url string) string {
	return greeting("cluster-1", "bCsCcYp6x") + timed(20, "restore_cache", "Checking cache for "+key+"...", "Downloading cache from "+url, "Successfully extracted cache")
}

func TestTwoLogsNameWhatKeepsThemApart(t *testing.T) {
	sum := sha256.Sum256([]byte("k"))
	hash := hex.EncodeToString(sum[:])
	none := greeting("cluster-1", "bCsCcYp6x") + timed(20, "restore_cache", "Checking cache for k...", "No URL provided, cache will not be downloaded from shared cache server.", "WARNING: Cache file does not exist", "Failed to extract cache")
	local := greeting("fargate-small-1", "aCsCcYp6x") + timed(10, "archive_cache", "Creating cache k...", "No URL provided, cache will not be uploaded to shared cache server.", "Created cache")
	as := func(token string, log string) string { return strings.ReplaceAll(log, "bCsCcYp6x", token) }
	tests := []struct {
		name           string
		writer, reader string
		want           []string // status, check, words of the cause
	}{
		{"the recorded hit", trace(t, "hit-w"), trace(t, "hit-r"), []string{"ok cache-log-stored: ", "ok cache-log-restored: ", "ok cache-log-shared: "}},
		{"the recorded runners without a URL", trace(t, "nocache-w"), trace(t, "nocache-r"), []string{"fail cache-log-stored: stored it on its own disk only", "fail cache-log-restored: had no URL", "skip cache-log-shared: waits for cache-log-stored"}},
		{"the recorded denial", trace(t, "denied-w"), trace(t, "denied-r"), []string{"fail cache-log-stored: S3 refused to store", `fail cache-log-restored: S3 refused "smoke-777-protected"`, "skip cache-log-shared: waits for cache-log-stored"}},
		{"the recorded runners that do not share", trace(t, "notshared-w"), trace(t, "notshared-r"), []string{"ok cache-log-stored: ", `fail cache-log-shared: was stored under "runners-all/runner/fargate-/project/42", which is another runner's own; the runner "cluster," does not look there: ` + "`Shared` is false"}},
		{"the recorded runners that do not share, where a miss is a 403", trace(t, "notshared-w"), trace(t, "denied-r"), []string{"ok cache-log-stored: ", `fail cache-log-shared: which is another runner's own; the runner "cluster," does not look there: ` + "`Shared` is false", `fail cache-log-restored: S3 refused "smoke-777-protected"`}},
		{"one that shares, and a 403", trace(t, "hit-w"), trace(t, "denied-r"), []string{"ok cache-log-stored: ", "fail cache-log-restored: S3 refused", "skip cache-log-shared: waits for cache-log-restored"}},
		{"not shared, and a 403 that is no miss", stores("k", aws+"runner/aCsCcYp6x/project/42/k"), denied("ExpiredToken"), []string{"ok cache-log-stored: ", "fail cache-log-restored: ExpiredToken", "skip cache-log-shared: waits for cache-log-restored"}},
		{"another bucket, and a 403", stores("k", aws+"project/42/k"), denied("AccessDenied") + saves("other", strings.Replace(aws, "runner-cache", "other-cache", 1)+"project/42/other"), []string{"ok cache-log-stored: ", `fail cache-log-shared: looks in "other-cache"`, "fail cache-log-restored: S3 refused"}},
		{"unchanged, and found", unchanged(""), finds("k", aws+"project/42/k"), []string{"unknown cache-log-stored: whether S3 has it", "ok cache-log-restored: ", "skip cache-log-shared: waits for cache-log-stored"}},
		{"unchanged, and found where the writer's runner keeps caches", unchanged("project/42/other"), finds("k", aws+"project/42/k"), []string{"ok cache-log-stored: ", "ok cache-log-restored: ", "ok cache-log-shared: "}},
		{"unchanged, and found elsewhere", unchanged("project/42/other"), finds("k", aws+"runner/bCsCcYp6x/project/42/k"), []string{"unknown cache-log-stored: whether S3 has it", "ok cache-log-restored: ", "skip cache-log-shared: waits for cache-log-stored"}},
		{"unchanged, and missed", unchanged(""), misses("k"), []string{"unknown cache-log-stored: whether S3 has it", `fail cache-log-restored: has no "k"`, "skip cache-log-shared: waits for cache-log-stored"}},
		{"unchanged since the writer downloaded it, and missed", finds("k", aws+"project/42/k") + unchanged(""), misses("k"), []string{"ok cache-log-stored: ", "fail cache-log-shared: did not find it"}},
		{"neither shares, and both say where", stores("k", aws+"runner/aCsCcYp6x/project/42/k"), misses("k", saves("k", aws+"runner/bCsCcYp6x/project/42/k")), []string{"ok cache-log-stored: ", `fail cache-log-shared: under "runner/aCsCcYp6x/project/42", and the runner "cluster-1 bCsCcYp6x" does not look there but under "runner/bCsCcYp6x/project/42": ` + "`Shared` is false"}},
		{"the reader alone does not share", stores("k", aws+"project/42/k"), misses("k", saves("other", aws+"runner/bCsCcYp6x/project/42/other")), []string{"ok cache-log-stored: ", `fail cache-log-shared: does not look there but under "runner/bCsCcYp6x/project/42"`}},
		{"another bucket", stores("k", aws+"project/42/k"), misses("k", saves("other", strings.Replace(aws, "runner-cache", "other-cache", 1)+"project/42/other")), []string{"ok cache-log-stored: ", `fail cache-log-shared: in the bucket "runner-cache", and the runner "cluster-1 bCsCcYp6x" looks in "other-cache"`}},
		{"another Path", stores("k", aws+"all/project/42/k"), misses("k", saves("k", aws+"project/42/k")), []string{"ok cache-log-stored: ", `fail cache-log-shared: under the Path "all", and the runner "cluster-1 bCsCcYp6x" looks under "none"`}},
		{"another project", stores("k", aws+"project/42/k"), misses("k", saves("k", aws+"project/43/k")), []string{"ok cache-log-stored: ", `fail cache-log-shared: project "42", and looked for by one of project "43"`}},
		{"hashed by the writer alone", stores("k", aws+"project/42/"+hash[:2]+"/"+hash), misses("k", saves("k", aws+"project/42/k")), []string{"ok cache-log-stored: ", "fail cache-log-shared: one of the runners hashes keys"}},
		{"a protected ref and another", stores("k-protected", aws+"project/42/k-protected"), misses("k-non_protected"), []string{"ok cache-log-stored: ", "fail cache-log-shared: protected and unprotected refs have separate caches"}},
		{"another key", stores("k-1", aws+"project/42/k-1"), misses("k-2"), []string{"ok cache-log-stored: ", `fail cache-log-shared: the writer stored "k-1", and the reader asks for "k-2"`}},
		{"the reader was first", strings.ReplaceAll(stores("k", aws+"project/42/k"), "17954440", "17954441"), misses("k"), []string{"ok cache-log-stored: ", "fail cache-log-shared: looked for \"k\" at 2026-11-23 14:27:00 UTC, before the writer had stored it at 2026-11-23 14:28:31 UTC"}},
		{"stored in the same place, and gone", stores("k", aws+"project/42/k"), misses("k", saves("k", aws+"project/42/k")), []string{"ok cache-log-stored: ", "fail cache-log-shared: S3 has it no more"}},
		{"lost, and only the writer says where", stores("k", aws+"project/42/k"), misses("k"), []string{"ok cache-log-stored: ", `fail cache-log-shared: "k" was stored, and the runner "cluster-1 bCsCcYp6x" did not find it`}},
		{"one runner that does not share loses its own cache", stores("k", aws+"runner/aCsCcYp6x/project/42/k"), as("aCsCcYp6x", misses("k")), []string{"ok cache-log-stored: ", "fail cache-log-shared: did not find it"}},
		{"no URL on the reader's side", stores("k", aws+"project/42/k"), none, []string{"ok cache-log-stored: ", "fail cache-log-restored: had no URL", "skip cache-log-shared: waits for cache-log-restored"}},
		{"no URL on the writer's side", local, misses("k"), []string{"fail cache-log-stored: had no URL", "skip cache-log-restored: waits for cache-log-stored", "skip cache-log-shared: waits for cache-log-stored"}},
		{"found", stores("k", aws+"project/42/k"), finds("k", aws+"project/42/k"), []string{"ok cache-log-stored: ", "ok cache-log-restored: ", "ok cache-log-shared: "}},
		{"found by another of the bucket's names", stores("k", aws+"project/42/k"), finds("k", "https://s3.eu-central-1.amazonaws.com/runner-cache/project/42/k"), []string{"ok cache-log-stored: ", "ok cache-log-restored: ", "ok cache-log-shared: "}},
		{"an older object of another place", stores("k", aws+"runner/aCsCcYp6x/project/42/k"), finds("k", aws+"runner/bCsCcYp6x/project/42/k"), []string{"ok cache-log-stored: ", "ok cache-log-restored: ", "fail cache-log-shared: which is not what the writer stored"}},
		{"an older object of that place", strings.ReplaceAll(stores("k", aws+"project/42/k"), "17954440", "17954441"), finds("k", aws+"project/42/k"), []string{"ok cache-log-stored: ", "ok cache-log-restored: ", "fail cache-log-shared: before the writer had stored it"}},
		{"another key is found, and the local copy is as new", stores("k-1", aws+"project/42/k-1"), greeting("cluster-1", "b") + timed(20, "restore_cache", "Checking cache for k-2...", "cache.zip is up to date", "Successfully extracted cache"), []string{"ok cache-log-stored: ", "ok cache-log-restored: ", `fail cache-log-shared: restored "k-2" from a place that its log does not tell`}},
		{"logs without a cache in common", stores("k", aws+"project/42/k"), greeting("cluster-1", "b") + restoring("Not downloading cache k due to policy"), []string{"unknown cache-log-shared: no cache that"}},
		{"a log without caches", stores("k", aws+"project/42/k"), "hello\n", []string{"unknown cache-log-read: has no line about a cache"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := runner.ComparePair(readLog(t, tt.writer), readLog(t, tt.reader))
			if len(found) != len(tt.want) {
				t.Fatalf("%d findings, want %d: %+v", len(found), len(tt.want), found)
			}
			for i, f := range found {
				head, words, _ := strings.Cut(tt.want[i], ": ")
				if head != string(f.Status)+" "+f.ID || !strings.Contains(f.Cause, words) {
					t.Errorf("%s %s: %s\nwant %s", f.Status, f.ID, f.Cause, tt.want[i])
				}
				if text := fmt.Sprintf("%+v", f); strings.Contains(text, "PLANTED") || strings.Contains(text, "(not known)") {
					t.Errorf("a secret or a gap in %s", text)
				}
			}
		})
	}
}

func TestALostCacheHasItsCausesInOrderEachWithItsQuestion(t *testing.T) {
	found := runner.ComparePair(readLog(t, stores("k", aws+"project/42/k")), readLog(t, misses("k")))
	var starts []string
	for _, h := range found[len(found)-1].Hints {
		before, _, _ := strings.Cut(h, ":")
		starts = append(starts, before)
	}
	want := []string{"most likely the reader's runner does not share", "or the two runners have different buckets", "or the two runners have a different Path"}
	if diff := cmp.Diff(want, starts); diff != "" {
		t.Error(diff)
	}
}

func TestOneLogSaysWhatToDo(t *testing.T) {
	tests := []struct {
		name, log string
		want      []string
	}{
		{"a first job", misses("k", saves("k", aws+"project/42/k")), []string{"ok cache-log-read", "note cache-log-restored", "ok cache-log-stored"}},
		{"nothing new to store", unchanged(""), []string{"ok cache-log-read", "unknown cache-log-stored"}},
		{"nothing new to store since the download", finds("k", aws+"project/42/k") + unchanged(""), []string{"ok cache-log-read", "ok cache-log-restored", "ok cache-log-stored"}},
		{"there already", saving("Creating cache k...", "Primary cache already exists remotely, skipping upload", "Created cache"), []string{"ok cache-log-read", "ok cache-log-stored"}},
		{"a miss", misses("k"), []string{"ok cache-log-read", "fail cache-log-restored"}},
		{"kept by policy", trace(t, "hit-w"), []string{"ok cache-log-read", "ok cache-log-stored"}},
		{"a fallback", misses("k", restoring("Checking cache for f (fallback)...", "Downloading cache from "+aws+"project/42/f", "Successfully extracted cache")), []string{"ok cache-log-read", "warn cache-log-restored"}},
		{"a path without files, and a second try", restoring() + saving("Creating cache k...", "WARNING: d: no matching files", "WARNING: Retrying...", "Uploading cache.zip to "+aws+"project/42/k", "Created cache"), []string{"ok cache-log-read", "ok cache-log-stored", "warn cache-log-steady", "warn cache-log-paths"}},
		{"no credentials of RoleARN", restoring("Checking cache for k...", "WARNING: Failed to obtain environment for cache k: AccessDenied", "Using GoCloud URL for cache download", "Downloading cache from s3://b/project/42/k", "Successfully extracted cache"), []string{"ok cache-log-read", "ok cache-log-restored", "warn cache-log-role"}},
		{"new words alone", restoring(strings.Repeat("new words\n", 100)), []string{"unknown cache-log-read"}},
		{"many new words", saving("Creating cache k...", strings.Repeat("new words\n", 100), "Uploading cache.zip to "+aws+"project/42/k", "Created cache"), []string{"ok cache-log-read", "ok cache-log-stored"}},
		{"nothing", "", []string{"unknown cache-log-read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range readLog(t, tt.log).Findings() {
				got = append(got, string(f.Status)+" "+f.ID)
				if text := f.Cause + f.Fix(); strings.Contains(text, "(not known)") {
					t.Errorf("%s has a gap: %s", f.ID, text)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFindingHasTheTimeThatItsCacheTook(t *testing.T) {
	found := readLog(t, trace(t, "notshared-w")).Findings()
	if last := found[len(found)-1]; last.Took.Seconds() != 1 || last.Status != report.OK {
		t.Errorf("%+v", last)
	}
}
