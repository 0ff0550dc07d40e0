package near_test

import (
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/near"
)

func TestASlipIsToldFromAnotherName(t *testing.T) {
	tests := []struct{ name, got, want, said string }{
		{"a letter is missing", "gitlab-job", "gitlab-jobs", "one character differs"},
		{"two letters are swapped", "gitlba-jobs", "gitlab-jobs", "one character differs"},
		{"two letters differ", "gitlap-jops", "gitlab-jobs", "2 characters differ"},
		{"letter case", "Gitlab-Jobs", "gitlab-jobs", "the letter case differs"},
		{"another separator", "gitlab_jobs", "gitlab-jobs", "the characters between the letters differ"},
		{"white space", "gitlab-jobs\n", "gitlab-jobs", "white space around it differs"},
		{"equal", "gitlab-jobs", "gitlab-jobs", ""},
		{"another name", "gitlab-runner", "gitlab-jobs", ""},
		{"short names are just others", "ab", "cd", ""},
		{"nothing", "", "gitlab-jobs", ""},
		{"too long to compare", strings.Repeat("a", 600), strings.Repeat("a", 601), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if said := near.Slip(tt.got, tt.want); said != tt.said {
				t.Errorf("Slip(%q, %q) = %q, want %q", tt.got, tt.want, said, tt.said)
			}
		})
	}
}

func TestTheNearestNameIsTheOneThatWasMeant(t *testing.T) {
	names := []string{"gitlab-runner", "gitlab-jobs", "gitlab-job2"}
	for got, want := range map[string]string{"gitlab-jobz": "gitlab-jobs", "GITLAB-RUNNER": "gitlab-runner", "default": ""} {
		if meant := near.Of(got, names); meant != want {
			t.Errorf("Of(%q) = %q, want %q", got, meant, want)
		}
	}
}
