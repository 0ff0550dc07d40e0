package runner_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

func TestPickChoosesOneRunner(t *testing.T) {
	one := "[[runners]]\nname = \"fargate-small\"\n"
	two := one + "[[runners]]\nname = \"cluster\"\n"
	tests := []struct{ name, in, pick, want, err string }{
		{"the only one", one, "", "fargate-small", ""},
		{"the only one, by name", one, "fargate-small", "fargate-small", ""},
		{"the only one, without a name", "[[runners]]\n", "", "", ""},
		{"one of two", two, "cluster", "cluster", ""},
		{"none of two", two, "", "", `"etc/config.toml" has 2 runners, so one has to be named: "fargate-small" (line 1), "cluster" (line 3)`},
		{"a slip", two, "fargate-smal", "", `"etc/config.toml" has no runner "fargate-smal"; did you mean "fargate-small"?`},
		{"another name", two, "windows", "", `"etc/config.toml" has not one runner "windows" but these: "fargate-small" (line 1), "cluster" (line 3)`},
		{"a name that two have", one + one, "fargate-small", "", `"etc/config.toml" has not one runner "fargate-small" but these: "fargate-small" (line 1), "fargate-small" (line 3)`},
		{"a name that obeys", "[[runners]]\nname = \"\\u001b[31m\"\n[[runners]]\n", "", "", `"etc/config.toml" has 2 runners, so one has to be named: "\x1b[31m" (line 1), "" (line 3)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := read(t, tt.in).Pick(tt.pick)
			if got := fmt.Sprint(err); err != nil && got != tt.err || err == nil && tt.err != "" {
				t.Errorf("Pick: %v\nwant: %s", err, tt.err)
			}
			var pick *runner.PickError
			if err != nil && !errors.As(err, &pick) {
				t.Errorf("Pick = %T", err)
			}
			if r.Name.Text != tt.want {
				t.Errorf("Pick = %q, want %q", r.Name.Text, tt.want)
			}
		})
	}
}

func TestJobAccountIsWhatPodsGet(t *testing.T) {
	tests := []struct {
		name, in string
		want     runner.JobAccount
	}{
		{
			"named", testdata(t, "long.toml"),
			runner.JobAccount{
				Name: runner.Value{Text: "gitlab-jobs", At: place(5, 23)}, Namespace: runner.Value{At: place(3, 17)},
				Overwrite: runner.Value{Text: "^(gitlab-jobs|gitlab-deploy)$", At: place(6, 41)},
			},
		},
		{
			"not named", testdata(t, "short.toml"),
			runner.JobAccount{
				Name: runner.Value{Text: "default", At: place(27, 3)}, Default: true,
				Namespace: runner.Value{Text: "gitlab", At: place(31, 17)}, Overwrite: runner.Value{At: place(33, 41)},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, only(t, tt.in).JobAccount()); diff != "" {
				t.Errorf("JobAccount (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllowsIsTheRunnersOwnRule(t *testing.T) {
	tests := []struct {
		pattern, account string
		want             bool
	}{
		{"", "gitlab-jobs", false},
		{"^gitlab-jobs$", "gitlab-jobs", true},
		{"^gitlab-jobs$", "gitlab-jobs2", false},
		{"gitlab-jobs", "x-gitlab-jobs2", true},
		{"(", "gitlab-jobs", false},
	}
	for _, tt := range tests {
		a := runner.JobAccount{Overwrite: runner.Value{Text: tt.pattern}}
		if got := a.Allows(tt.account); got != tt.want {
			t.Errorf("%q allows %q: %v, want %v", tt.pattern, tt.account, got, tt.want)
		}
	}
}
