package runner_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// secret stands in the queries of the URLs below, and must not be printed.
const secret = "PLANTEDd5f6a7b8c9d0e1f2"

// FuzzReadLog reads any text, with lines around it that hold a pre-signed URL in
// each place where a runner may print one.
func FuzzReadLog(f *testing.F) {
	for _, name := range []string{"hit-w", "hit-r", "denied-r", "nocache-r", "notshared-r"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "traces", name+".log"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("2026-11-23T14:32:37.123456Z 00O section_start:1795444357:restore_cache\r\n2026-11-23T14:32:37.123456Z 00O+\x1b[0KChecking cache for k...\n"))
	f.Add([]byte("Restoring cache 00:03\nRetrying cache extraction (attempt 2/3)...\nChecking cache for k (fallback)...\n\x1b["))
	f.Add([]byte("section_start:1:archive_cache[collapsed=true]\rCache archive size (99999999999999999999) is too big (Limit is set to 1). Cache"))
	signed := "https://b.s3.eu-central-1.amazonaws.com/project/42/k?X-Amz-Credential=" + secret + "&X-Amz-Signature=" + secret
	f.Fuzz(func(t *testing.T, raw []byte) {
		text := string(raw) + "\n" + restoring(
			"Checking cache for k...", "Downloading cache from "+signed, "WARNING: Retrying...   error=Get \""+signed+"\": EOF",
			"new words of "+signed, `{"SessionToken":["`+secret+`","`+secret+`"]}`, "WARNING: received: 403 Forbidden "+signed, "Failed to extract cache k: "+signed,
		) + saving("Creating cache k...", "Uploading cache.zip to "+signed, "FATAL: Put \""+signed+"\": EOF", "Failed to create cache") + string(raw)
		one, err := runner.ReadLog(strings.NewReader(text))
		if errors.Is(err, runner.ErrUTF16) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		two, err := runner.ReadLog(strings.NewReader(string(raw)))
		if err != nil && !errors.Is(err, runner.ErrUTF16) {
			t.Fatal(err)
		}
		if n := len(one.Caches); n > 128 {
			t.Errorf("%d caches are kept", n)
		}
		findings := append(one.Findings(), runner.ComparePair(one, two)...)
		findings = append(findings, runner.ComparePair(two, one)...)
		r := report.Report{Groups: []report.Group{{ID: "x", Title: "x", Findings: findings}}}
		said := fmt.Sprintf("%+v", one) + r.Text(report.TextOptions{}) + r.JSON() + r.JUnit("x")
		if strings.Contains(said, "PLANTED") && !strings.Contains(string(raw), "PLANTED") {
			t.Errorf("a part of a query is printed:\n%s", said)
		}
		if strings.Contains(r.Text(report.TextOptions{}), "\x1b") {
			t.Error("the text has an escape sequence")
		}
	})
}

// undressed are logs without stamps and colours, and where they are read.
func undressed(t *testing.T) map[string]string {
	t.Helper()
	logs := map[string]string{
		"stores": stores("k", aws+"project/42/k"), "misses": misses("k"), "finds": finds("k", aws+"project/42/k"),
		"many": restoring("Checking cache for a...", "WARNING: Retrying...", "Downloading cache from "+aws+"project/42/a", "Successfully extracted cache",
			"Checking cache for b...", "new words", "WARNING: file does not exist", "Failed to extract cache") +
			section("step_script", "$ make", "Created cache") +
			saving("Creating cache a...", "Archive is up to date!", "Created cache", "Not uploading cache b due to policy"),
	}
	files, err := filepath.Glob(filepath.Join("testdata", "traces", "*.log"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		logs[filepath.Base(file)] = string(raw)
	}
	return logs
}

// TestWhatIsPutRoundALineDoesNotChangeItsVerdict puts round each line what
// runners, GitLab and other systems do.
func TestWhatIsPutRoundALineDoesNotChangeItsVerdict(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in each run
	dress := map[string]func(string) string{
		"stamps":          func(log string) string { return stamped(log, random, "\n") },
		"stamps and CRLF": func(log string) string { return stamped(log, random, "\r\n") },
		"CRLF":            func(log string) string { return strings.ReplaceAll(log, "\n", "\r\n") },
		"colours": func(log string) string {
			return eachLine(log, func(line string) string { return "\x1b[0;33m\x1b[0K" + line + "\x1b[0;m\x1b[K " })
		},
		"a meter before each line": func(log string) string {
			return eachLine(log, func(line string) string { return "Downloading cache 1 MB/8 MB (1 MB/s)   \r" + line })
		},
		"sections without caches": func(log string) string {
			return section("prepare_executor", "Using Kubernetes executor") + log + section("upload_artifacts_on_success", "Created cache") + section("cleanup_file_variables", "")
		},
		"nothing at the end": func(log string) string { return strings.TrimRight(log, "\n") },
		"a long line before": func(log string) string {
			return section("step_script", strings.Repeat("x", 1<<20)) + log
		},
	}
	for name, log := range undressed(t) {
		for kind, put := range dress {
			t.Run(name+" with "+kind, func(t *testing.T) {
				want, got := readLog(t, log), readLog(t, put(log))
				if diff := cmp.Diff(untimed(want), untimed(got)); diff != "" {
					t.Errorf("%s\n%q", diff, put(log))
				}
			})
		}
	}
}

// untimed is a log without what stamps add, and without its runner, whom a
// section before it hides.
func untimed(l runner.Log) runner.Log {
	l.Runner, l.Token = "", ""
	for i := range l.Caches {
		l.Caches[i].Began, l.Caches[i].Ended, l.Caches[i].Took, l.Caches[i].Timed = time.Time{}, time.Time{}, 0, false
	}
	return l
}

func eachLine(log string, f func(string) string) string {
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	for i, line := range lines {
		lines[i] = f(line)
	}
	return strings.Join(lines, "\n") + "\n"
}

// stamped puts the stamps of newer runners before lines, and breaks lines where
// they do: behind a section's marker, and anywhere else in a long line.
func stamped(log string, random *rand.Rand, end string) string {
	at := time.Unix(1795444357, 0).UTC()
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(log, "\n"), "\n") {
		kind := " "
		for line != "" || kind == " " {
			n := len(line)
			if i := strings.IndexByte(line, '\r'); i >= 0 {
				n = i + 1
			} else if n > 40 && random.IntN(3) == 0 && !strings.Contains(line, "\x1b") {
				n = 1 + random.IntN(n-1)
			}
			at = at.Add(time.Duration(random.IntN(1000)) * time.Microsecond)
			b.WriteString(at.Format("2006-01-02T15:04:05.000000Z") + " 00O" + kind + line[:n] + end)
			line, kind = line[n:], "+"
		}
	}
	return b.String()
}
