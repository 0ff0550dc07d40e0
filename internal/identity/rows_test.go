package identity_test

import (
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
)

// TestWhatAPodCanShowIsNamed has a row for each failure that can be seen from
// inside the pod before STS answers: what it is called, what the first line
// names, and what a hint says. Where nothing inside the pod tells causes apart,
// the hints list them.
func TestWhatAPodCanShowIsNamed(t *testing.T) {
	bare := func(w *world) {
		w.env["KUBERNETES_SERVICE_HOST"] = "10.100.0.1"
		for _, name := range []string{"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
			delete(w.env, name)
		}
	}
	ordinary := func(account string) func(*world) {
		return func(w *world) {
			bare(w)
			token, err := w.cloud.Issuer().Mint(awsfake.PodToken{ServiceAccount: account, AutoMounted: true})
			if err != nil {
				w.t.Fatal(err)
			}
			w.file(identity.PodTokenFile, token)
		}
	}
	agent := func(uri, file string) func(*world) {
		return func(w *world) {
			bare(w)
			w.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], w.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = uri, file
		}
	}
	tests := []struct {
		name, want string
		edit       func(*world)
		line, hint string
	}{
		{"the service account has no role", "no-identity", ordinary("gitlab-jobs"), "no IRSA token", `"system:serviceaccount:gitlab:gitlab-jobs", has no role annotation`},
		{"the webhook missed the pod", "no-identity", bare, "no IRSA token", "the EKS webhook missed this pod"},
		{"the pod runs under default", "default-service-account", ordinary("default"), `"system:serviceaccount:gitlab:default"`, "service_account is not set"},
		{"the pod runs under the manager's account", "no-identity", ordinary("gitlab-runner"), "no IRSA token", `"system:serviceaccount:gitlab:gitlab-runner"`},
		{"AWS_ROLE_ARN by hand and no token", "no-identity", func(w *world) { delete(w.env, "AWS_WEB_IDENTITY_TOKEN_FILE") }, "no IRSA token", "AWS_ROLE_ARN was set by hand"},
		{"a path of another container", "token-missing", func(w *world) { w.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nofile" }, `"/nofile"`, "names a path of another container"},
		{"a token without a role", "role-missing", func(w *world) { delete(w.env, "AWS_ROLE_ARN") }, "no role to assume", "annotation eks.amazonaws.com/role-arn"},
		{"no region", "region-missing", func(w *world) {
			w.env["CI_AWS_ID_TOKEN"] = jwt(rs256, `{"iss":"https://gitlab.example.com"}`)
			w.req.Role = value(awsfake.GitLabRole, "CI_AWS_ROLE_ARN")
		}, `"https://gitlab.example.com"`, "or CI_AWS_REGION in the job"},
		{"an agent that EKS did not name", "agent-host", agent("http://10.0.0.1/v1/credentials", "/x"), `"http://10.0.0.1/v1/credentials"`, "remove it"},
		{"no token for the agent", "agent-token-missing", agent("http://169.254.170.23/v1/credentials", "/nofile"), `"/nofile"`, "start a new job"},
		{"STS that is not reached", "endpoint-down", func(w *world) { w.env["AWS_ENDPOINT_URL_STS"] = "http://127.0.0.1:1" }, "connection refused", "correct AWS_ENDPOINT_URL_STS"},
		{"a port that does not speak TLS", "sts-no-tls", func(w *world) {
			w.env["AWS_ENDPOINT_URL_STS"] = "https" + strings.TrimPrefix(w.cloud.STSURL(), "http")
		}, "does not speak TLS", "correct the endpoint"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			tt.edit(w)
			e := w.failure()
			f, _ := identity.Finding(e)
			if e.Case != tt.want || !strings.Contains(e.Error(), tt.line) || !strings.Contains(strings.Join(f.Hints, "\n"), tt.hint) {
				t.Errorf("case %q, want %q\n%v\n%s", e.Case, tt.want, e, strings.Join(f.Hints, "\n"))
			}
			if strings.Contains(strings.Join(f.Hints, ""), "(not known)") {
				t.Errorf("a hint has a gap: %q", f.Hints)
			}
		})
	}
}
