package job_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestTheFirstVariableThatIsSetWins(t *testing.T) {
	j := job.Read([]string{"A=", "B=two=2", "C=3", "broken"}, "")
	if got, want := j.Value("A", "B", "C"), (report.Value{Text: "two=2", From: "B"}); got != want {
		t.Errorf("Value = %v, want %v", got, want)
	}
	if got := j.Value("A", "broken"); got.Known() {
		t.Errorf("an empty variable counts as set: %v", got)
	}
}

func TestStaticKeys(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		want    []string
		half    bool
	}{
		{"none", nil, nil, false},
		{"a pair", []string{"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}, []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, false},
		{"an old pair", []string{"AWS_ACCESS_KEY=a", "AWS_SECRET_KEY=b"}, []string{"AWS_ACCESS_KEY", "AWS_SECRET_KEY"}, false},
		{"only the id", []string{"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY="}, []string{"AWS_ACCESS_KEY_ID"}, true},
		{"only the secret", []string{"AWS_SECRET_ACCESS_KEY=b"}, []string{"AWS_SECRET_ACCESS_KEY"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			names, half := job.Read(tt.environ, "").StaticKeys()
			if diff := cmp.Diff(tt.want, names); diff != "" || half != tt.half {
				t.Errorf("half = %v, names:\n%s", half, diff)
			}
		})
	}
}

func TestPlatformPathsFollowTheRoot(t *testing.T) {
	for root, want := range map[string]string{"": "/var/run/x", "/r": "/r/var/run/x"} {
		if got := job.Read(nil, root).Path("/var/run/x"); got != want {
			t.Errorf("Path with root %q = %q, want %q", root, got, want)
		}
	}
}

func TestSecretsOfTheEnvironmentAreKnown(t *testing.T) {
	j := job.Read([]string{"AWS_SECRET_ACCESS_KEY=s1", "CI_JOB_TOKEN=s2", "MINE=s3", "CI_PROJECT_PATH=p"}, "")
	var got []string
	for _, s := range j.Secrets("MINE") {
		got = append(got, s.Reveal())
	}
	if diff := cmp.Diff([]string{"s1", "s2", "s3"}, got); diff != "" {
		t.Error(diff)
	}
}
