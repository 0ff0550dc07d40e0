package testpipelines_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/ci-aws/ci-aws/internal/smoke"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// cacheDeleted is a ci-aws, the real one being $REAL, that plans one stage more:
// between writers and readers the runners' cache is deleted. With $LEFT_LYING the
// very files of the other fleet's writer lie in a reader's workspace, as on a
// runner that had both jobs and did not clean up.
const cacheDeleted = `#!/bin/sh
case "$1 $2" in
"smoke plan")
  "$REAL" "$@" | sed 's/^stages: .*/stages: [write, delete, read, report]/'
  cat <<'END'
delete-cache:
  stage: delete
  script:
    - rm -r ../../cache/ci-aws-smoke-*
END
  exit
  ;;
"smoke read")
  if [ -n "$LEFT_LYING" ]; then
    case $CI_JOB_NAME in
    *read-01) other=02 ;;
    *) other=01 ;;
    esac
    mkdir ci-aws-smoke && mv "../write-$other/ci-aws-smoke/$other" ci-aws-smoke/ && ls "ci-aws-smoke/$other" || exit
  fi
  ;;
esac
exec "$REAL" "$@"
`

// TestTheCacheSmokeTest looks at the jobs of the child. To gitlab-ci-local the job
// that starts it is green whatever they are; that strategy: depend stands there is
// checked by the tests in templates/.
func TestTheCacheSmokeTest(t *testing.T) {
	t.Parallel()
	built := parts.Build(t, "./cmd/ci-aws")
	program := runnerOfEachFleet(t, built)
	deleted := t.TempDir()
	if err := os.WriteFile(filepath.Join(deleted, "ci-aws"), []byte(cacheDeleted), 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{"REAL=" + filepath.Join(program, "ci-aws")}
	ran := func(delete, read string) map[string]string {
		jobs := map[string]string{
			"ci-aws-cache-smoke-plan": "PASS", "ci-aws-cache-smoke": "PASS",
			"write-01": "PASS", "write-02": "PASS", "read-01": read, "read-02": read, "report": read,
		}
		if delete != "" {
			jobs["delete-cache"] = delete
		}
		return jobs
	}
	type got struct {
		Verdict  smoke.Verdict
		Leftover bool
	}
	tests := []struct {
		name, bin string
		env       []string
		jobs      map[string]string
		cells     map[string]got // by writer and reader
		line      string         // of the report
	}{
		{
			"fleets that share a cache turn it green", program, nil,
			ran("", "PASS"),
			map[string]got{
				"fargate-small to fargate-small": {smoke.Hit, false}, "cluster,kubernetes to fargate-small": {smoke.Hit, false},
				"fargate-small to cluster,kubernetes": {smoke.Hit, false},
			},
			`"cluster,kubernetes" gets what "fargate-small" stored`,
		},
		{
			"without the cache it is red and says miss", deleted, env,
			ran("PASS", "FAIL"),
			map[string]got{
				"fargate-small to fargate-small": {smoke.Miss, false}, "cluster,kubernetes to fargate-small": {smoke.Miss, false},
				"fargate-small to cluster,kubernetes": {smoke.Miss, false},
			},
			" miss ",
		},
		{
			"the writer's files in the workspace are a miss too", deleted, append(env, "LEFT_LYING=yes"),
			ran("PASS", "FAIL"),
			map[string]got{
				"fargate-small to fargate-small": {smoke.Miss, false}, "cluster,kubernetes to fargate-small": {smoke.Miss, true},
				"fargate-small to cluster,kubernetes": {smoke.Miss, true},
			},
			" miss ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			run := runPipeline(t, "cache-smoke", tt.bin, tt.env)
			if diff := cmp.Diff(tt.jobs, run.Jobs); diff != "" {
				t.Fatalf("jobs (-want +got):\n%s\n%s", diff, run.all)
			}
			cells := map[string]got{}
			for _, job := range []string{"read-01", "read-02"} {
				result, err := smoke.ReadResult(filepath.Join(run.artifacts, job, "ci-aws-smoke-"+job+".json"))
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range result.Cells {
					cells[c.Writer+" to "+result.Reader.Fleet] = got{c.Verdict, c.Leftover}
				}
			}
			if diff := cmp.Diff(tt.cells, cells); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
			run.wantLines(t, "report", tt.line)
			for _, file := range []string{"ci-aws-smoke.html", "ci-aws-smoke.xml"} {
				if info, err := os.Stat(filepath.Join(run.artifacts, "report", file)); err != nil || info.Size() == 0 {
					t.Errorf("the report has no %s: %v", file, err)
				}
			}
		})
	}
}

// runnerOfEachFleet is a folder with a ci-aws that sees a runner's id of its own
// for each fleet: gitlab-ci-local is one runner, whatever the tags.
func runnerOfEachFleet(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	text := `#!/bin/sh
CI_RUNNER_ID=$(printf %s "$CI_AWS_FLEET" | cksum | cut -d " " -f 1)
export CI_RUNNER_ID
exec '` + filepath.Join(program, "ci-aws") + `' "$@"
`
	if err := os.WriteFile(filepath.Join(dir, "ci-aws"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheInputsOfTheCacheSmokeTestReachTheChild(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("cache-smoke/.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.NewReplacer("cluster,kubernetes", "it's: a, 🚀 #1", "files: 3", "files: 2\n      full: true\n      job-prefix: mine").Replace(string(text))
	consumer := t.TempDir()
	if err := os.WriteFile(filepath.Join(consumer, ".gitlab-ci.yml"), []byte(strings.Replace(edited, "fleets: ", "fleets: >-\n        ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	run := runPipeline(t, consumer, runnerOfEachFleet(t, parts.Build(t, "./cmd/ci-aws")), nil)
	want := map[string]string{
		"mine-cache-smoke-plan": "PASS", "mine-cache-smoke": "PASS",
		"write-01": "PASS", "write-02": "PASS", "read-01": "PASS", "read-02": "PASS", "report": "PASS",
	}
	if diff := cmp.Diff(want, run.Jobs); diff != "" {
		t.Fatalf("jobs (-want +got):\n%s\n%s", diff, run.all)
	}
	run.wantLines(t, "write-02", `2 files of 64 KiB for "it's: a,🚀 #1"`)
	run.wantLines(t, "report", `"it's: a,🚀 #1" gets what "it's: a,🚀 #1" stored`, `"fargate-small" gets what "it's: a,🚀 #1" stored`)
}

func TestTheSetUpPagesSmokeTestIsTheOneThatRuns(t *testing.T) {
	text, err := os.ReadFile("cache-smoke/.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(text), "include:")
	want, _, _ = strings.Cut(want, "      size:") // the rest has defaults
	want = asShown("include:"+want, pageVersion(t))
	if diff := cmp.Diff([]string{want}, blocksWith(t, "cache-smoke@")); diff != "" {
		t.Errorf("docs/setup.md differs from testpipelines/cache-smoke (-want +got):\n%s", diff)
	}
}

func TestTheSetUpPagesSmokeTestByHandWorks(t *testing.T) {
	t.Parallel()
	blocks := blocksWith(t, "cache-read:")
	if len(blocks) != 1 {
		t.Fatalf("%d blocks", len(blocks))
	}
	deletion := "\ndelete:\n  stage: delete\n  script: rm -r ../../cache/smoke-*\n"
	withDeletion := strings.Replace(blocks[0], "stages: [write, read]", "stages: [write, delete, read]", 1) + deletion
	for text, want := range map[string]pipeline{
		blocks[0]:    {Code: 0, Jobs: map[string]string{"cache-write": "PASS", "cache-read": "PASS"}},
		withDeletion: {Code: 1, Jobs: map[string]string{"cache-write": "PASS", "delete": "PASS", "cache-read": "FAIL"}},
	} {
		consumer := t.TempDir()
		if err := os.WriteFile(filepath.Join(consumer, ".gitlab-ci.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run := runPipeline(t, consumer, t.TempDir(), nil)
		if diff := cmp.Diff(want, run, cmpopts.IgnoreUnexported(pipeline{})); diff != "" {
			t.Errorf("pipeline (-want +got):\n%s\n%s", diff, run.all)
		}
	}
}

// blocksWith are the YAML blocks of docs/setup.md that hold a text.
func blocksWith(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	for _, block := range fenced(t, "../docs/setup.md", "yaml") {
		if strings.Contains(block, text) {
			all = append(all, block)
		}
	}
	return all
}
