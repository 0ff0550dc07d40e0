package testpipelines_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// ownProject is this project, as its own pipeline finds it after the job build.
func ownProject(t *testing.T) string {
	t.Helper()
	built := parts.Build(t, "./cmd/ci-aws", "./testpipelines/sandbox")
	project := consumerProject(t, map[string]string{"../.gitlab-ci.yml": ".gitlab-ci.yml", "../templates": "templates", "release": "testpipelines/release"})
	// bin/ is no part of the repository: gitlab-ci-local copies what git knows, or an artifact.
	if err := os.CopyFS(filepath.Join(project, "bin"), os.DirFS(built)); err != nil {
		t.Fatal(err)
	}
	repository{project}.sh(t, 0, "git add --all --force && git commit --quiet --message=build")
	return project
}

func TestOwnPipeline(t *testing.T) {
	project := ownProject(t)
	// gitlab-ci-local has no folder of the name that CI_PROJECT_DIR gives.
	bin := filepath.Join(project, "testpipelines", "release", "bin")
	path := []string{"--variable", "PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH")}

	t.Run("the jobs of the components succeed with the built binary, without a role", func(t *testing.T) {
		run := runProject(t, project, bin, nil, append(path, "ci-aws-whoami", "ci-aws-doctor", "own-hidden-job")...)
		want := pipeline{Code: 0, Jobs: map[string]string{"ci-aws-whoami": "PASS", "ci-aws-doctor": "PASS", "own-hidden-job": "PASS"}}
		if diff := cmp.Diff(want, run, cmpopts.IgnoreUnexported(pipeline{})); diff != "" {
			t.Fatalf("pipeline (-want +got):\n%s\n%s", diff, run.all)
		}
		run.wantLines(t, "ci-aws-whoami", awsfake.JobRole)
	})

	for _, tt := range []struct {
		name  string
		flags []string
		want  []string
	}{
		{"a commit", nil, []string{"lint", "test", "build", "ci-aws-whoami", "ci-aws-doctor", "own-hidden-job", "components-ran"}},
		{"a version's tag that is not protected", []string{"--variable", "CI_COMMIT_TAG=1.2.3"}, []string{"release-unprotected"}},
		{"a version's protected tag", []string{"--variable", "CI_COMMIT_TAG=1.2.3", "--variable", "CI_COMMIT_REF_PROTECTED=true"}, []string{"release-test", "release-build", "release-upload", "release-publish"}},
		{"another tag", []string{"--variable", "CI_COMMIT_TAG=v1.2.3-test"}, nil},
	} {
		t.Run(tt.name+" runs its jobs and no others", func(t *testing.T) {
			listing := runProject(t, project, bin, nil, append(tt.flags, "--list-csv")...).all
			_, rows, _ := strings.Cut(listing, "name;stage;when;allowFailure;environment;needs\n")
			var got []string
			for row := range strings.Lines(rows) {
				if name, _, ok := strings.Cut(row, ";"); ok {
					got = append(got, name)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, listing)
			}
		})
	}
}
