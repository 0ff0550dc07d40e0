package doctor_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/doctor"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestAQuestionIsAskedOnceAndOnceMoreOnlyWhereTheAnswerMayPass(t *testing.T) {
	tests := []struct {
		name    string
		fault   awsfake.Fault
		calls   int
		verdict report.Status
	}{
		{"yes", awsfake.Fault{Vector: "throttled", Action: "GetCallerIdentity"}, 1, report.OK},
		{"a definite no", awsfake.Fault{Vector: "trust-denied"}, 1, report.Fail},
		{"an answer that passes", awsfake.Fault{Vector: "throttled", Times: 1}, 2, report.OK},
		{"an answer that could pass and does not", awsfake.Fault{Vector: "throttled"}, 2, report.Unknown},
		{"keys that AWS cannot fetch", awsfake.Fault{Vector: "no-verification-key"}, 2, report.Fail},
		{"a wrong audience, which the SDK would ask again", awsfake.Fault{Vector: "wrong-audience"}, 1, report.Fail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cloud, err := awsfake.Start(awsfake.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cloud.Close)
			if err := cloud.AddReference(); err != nil {
				t.Fatal(err)
			}
			if err := cloud.Inject(tt.fault); err != nil {
				t.Fatal(err)
			}
			r := diagnose(t, cloud)
			if got := cloud.Calls("AssumeRoleWithWebIdentity"); got != tt.calls || r.Verdict() != tt.verdict {
				t.Errorf("%d calls and %s, want %d and %s", got, r.Verdict(), tt.calls, tt.verdict)
			}
		})
	}
}

// diagnose runs the checks in the pod of the reference set-up.
func diagnose(t *testing.T, cloud *awsfake.Cloud) report.Report {
	t.Helper()
	token, err := cloud.Issuer().Mint(awsfake.PodToken{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_MAX_ATTEMPTS", "")
	j := job.Read([]string{
		"AWS_ROLE_ARN=" + awsfake.JobRole, "AWS_WEB_IDENTITY_TOKEN_FILE=" + file, "AWS_ENDPOINT_URL_STS=" + cloud.STSURL(),
	}, t.TempDir())
	return doctor.Run(t.Context(), j, identity.Request{Timeout: 10 * time.Second}, doctor.Options{Timeout: 10 * time.Second}).Report
}
