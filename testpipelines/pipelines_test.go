package testpipelines_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

func TestWhoami(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)

	t.Run("a job that extends .ci-aws stores an object and gets it back", func(t *testing.T) {
		t.Parallel()
		cloud := startCloud(t)
		run := runPipeline(t, "whoami", bin, podEnv(t, cloud))
		want := pipeline{Code: 0, Jobs: map[string]string{"round-trip": "PASS", "own-before-script": "PASS", "ci-aws-whoami": "PASS"}}
		if diff := cmp.Diff(want, run, cmpopts.IgnoreUnexported(pipeline{})); diff != "" {
			t.Fatalf("pipeline (-want +got):\n%s\n%s", diff, run.all)
		}
		run.wantLines(t, "round-trip", "$ sdkprobe roundtrip", "wrote, read back and deleted")
		run.wantLines(t, "ci-aws-whoami", "$ ci-aws whoami", awsfake.Account, "system:serviceaccount:gitlab:gitlab-jobs",
			awsfake.JobRole+" (the input role-arn)", awsfake.Region+" (the input region)")
		for action, want := range map[string]int{"AssumeRoleWithWebIdentity": 3, "PutObject": 1, "GetObject": 1} {
			if got := cloud.Calls(action); got != want {
				t.Errorf("%d calls of %s, want %d: one exchange a job, one object there and back", got, action, want)
			}
		}
	})

	t.Run("a trust policy of another service account turns it red and is named", func(t *testing.T) {
		t.Parallel()
		cloud := startCloud(t)
		trust := cloud.ClusterTrust()
		trust.Subject = "system:serviceaccount:gitlab:gitlab-runner"
		if err := cloud.SetTrust(awsfake.JobRole, trust.JSON()); err != nil {
			t.Fatal(err)
		}
		run := runPipeline(t, "whoami", bin, podEnv(t, cloud))
		want := pipeline{Code: 1, Jobs: map[string]string{"round-trip": "FAIL", "own-before-script": "FAIL", "ci-aws-whoami": "FAIL"}}
		if diff := cmp.Diff(want, run, cmpopts.IgnoreUnexported(pipeline{})); diff != "" {
			t.Fatalf("pipeline (-want +got):\n%s\n%s", diff, run.all)
		}
		for _, job := range []string{"round-trip", "ci-aws-whoami"} {
			run.wantLines(t, job, "ci-aws: error: ", awsfake.JobRole, "ci-aws: hint: ", "system:serviceaccount:gitlab:gitlab-jobs")
		}
		if got := cloud.Calls("PutObject"); got != 0 {
			t.Errorf("%d objects were stored by a job that had no role", got)
		}
	})
}
