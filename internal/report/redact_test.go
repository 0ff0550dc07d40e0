package report_test

import (
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestRedactorTakesSecretsOut(t *testing.T) {
	key := "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	token := "eyJhbGciOiJSUzI1NiJ9." + strings.Repeat("cGF5bG9hZA", 4) + "." + strings.Repeat("c2lnbmF0dXJl", 4)
	var r report.Redactor
	r.Add(report.NewSecret(key), report.NewSecret(token), report.NewSecret("short"),
		report.NewSecret("FwoGZXIvYXdzEBYaD-one"), report.NewSecret("FwoGZXIvYXdzEBYaD-two"))
	tests := []struct{ name, in, want string }{
		{"whole", "x " + key + " y", "x [hidden] y"},
		{"twice", key + key, "[hidden][hidden]"},
		{"cut at its end", "x " + key[:20] + "… y", "x [hidden]… y"},
		{"a token", "got " + token, "got [hidden]"},
		{"a token's payload alone", "got " + strings.Split(token, ".")[1] + "!", "got [hidden]!"},
		{"a token nobody knew", `"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"`, `"[hidden]"`},
		{"secrets that start alike", "FwoGZXIvYXdzEBYaD-one FwoGZXIvYXdzEBYaD-two", "[hidden] [hidden]"},
		{"a short secret stays", "short words", "short words"},
		{"ordinary text stays", "system:serviceaccount:gitlab:gitlab-jobs", "system:serviceaccount:gitlab:gitlab-jobs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := r.Redact(tt.in); got != tt.want {
				t.Errorf("Redact(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}
