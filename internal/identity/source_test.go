package identity_test

import (
	"os"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
)

func TestWhichSourceIsTaken(t *testing.T) {
	noVars := func(w *world) {
		delete(w.env, "AWS_WEB_IDENTITY_TOKEN_FILE")
		delete(w.env, "AWS_ROLE_ARN")
	}
	tests := []struct {
		name string
		edit func(*world)
		want identity.Source
		kase string
		says string
	}{
		{"IRSA by its variable", func(*world) {}, identity.IRSA, "", ""},
		{"a GitLab token before IRSA", func(w *world) {
			w.env["CI_AWS_ID_TOKEN"] = jwt(rs256, `{"iss":"https://gitlab.example.com"}`)
			w.req.Role, w.env["AWS_REGION"] = value(awsfake.GitLabRole, "CI_AWS_ROLE_ARN"), "eu-central-1"
		}, identity.GitLab, "", ""},
		{"a token file that was named before a GitLab token", func(w *world) {
			w.env["CI_AWS_ID_TOKEN"] = jwt(rs256, `{"iss":"https://gitlab.example.com"}`)
			w.req.TokenFile = value(w.env["AWS_WEB_IDENTITY_TOKEN_FILE"], "--token-file")
		}, identity.IRSA, "", ""},
		{"a variable of another name", func(w *world) {
			w.env["MY_TOKEN"] = jwt(rs256, `{}`)
			w.req.IDTokenEnv = value("MY_TOKEN", "--id-token-env")
			w.req.Role, w.env["AWS_REGION"] = value(awsfake.GitLabRole, "CI_AWS_ROLE_ARN"), "eu-central-1"
		}, identity.GitLab, "", ""},
		{"a variable that was named and is empty", func(w *world) { w.req.IDTokenEnv = value("MY_TOKEN", "--id-token-env") }, identity.GitLab, "id-token-missing", "MY_TOKEN"},
		{"nothing at all", noVars, "", "no-identity", "AWS_WEB_IDENTITY_TOKEN_FILE is not set"},
		{"an empty variable is an unset one", func(w *world) { noVars(w); w.env["CI_AWS_ID_TOKEN"] = "" }, "", "no-identity", "CI_AWS_ID_TOKEN"},
		{"the default service account", func(w *world) {
			noVars(w)
			token, err := w.cloud.Issuer().Mint(awsfake.PodToken{ServiceAccount: "default", AutoMounted: true})
			if err != nil {
				w.t.Fatal(err)
			}
			w.file(identity.PodTokenFile, token)
		}, "", "default-service-account", "system:serviceaccount:gitlab:default"},
		{"the webhook's token without its variables", func(w *world) {
			token, err := os.ReadFile(w.env["AWS_WEB_IDENTITY_TOKEN_FILE"])
			if err != nil {
				w.t.Fatal(err)
			}
			w.file(identity.WebhookTokenFile, string(token))
			delete(w.env, "AWS_WEB_IDENTITY_TOKEN_FILE")
		}, identity.IRSA, "", "AWS_ROLE_ARN was set before the EKS webhook looked"},
		{"a token and no role", func(w *world) { delete(w.env, "AWS_ROLE_ARN") }, identity.IRSA, "role-missing", "AWS_ROLE_ARN"},
		{"gitlab asked for and absent", func(w *world) { w.req.Source = identity.GitLab }, identity.GitLab, "id-token-missing", "CI_AWS_ID_TOKEN"},
		{"pod-identity asked for and absent", func(w *world) { w.req.Source = identity.PodIdentity }, identity.PodIdentity, "pod-identity-missing", "AWS_CONTAINER"},
		{"ambient asked for and absent", func(w *world) { w.req.Source = identity.Ambient }, identity.Ambient, "ambient-missing", "AWS_ACCESS_KEY_ID"},
		{"irsa asked for and absent", func(w *world) { noVars(w); w.req.Source = identity.IRSA }, identity.IRSA, "irsa-missing", "AWS_WEB_IDENTITY_TOKEN_FILE"},
		{"static keys are reported, not used", func(w *world) { w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"] = "a", "b" }, identity.IRSA, "", "AWS_ACCESS_KEY_ID and its secret are set"},
		{"no region that anything tells", func(w *world) {
			w.env["CI_AWS_ID_TOKEN"] = jwt(rs256, `{"iss":"https://gitlab.example.com"}`)
			w.req.Role = value(awsfake.GitLabRole, "CI_AWS_ROLE_ARN")
		}, identity.GitLab, "region-missing", `the issuer "https://gitlab.example.com" does not tell it`},
		{"a Pod Identity token that is not there", func(w *world) {
			noVars(w)
			w.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], w.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = w.cloud.PodIdentityURL(), "/nofile"
		}, identity.PodIdentity, "agent-token-missing", "/nofile"},
		{"half a pair is reported", func(w *world) { w.env["AWS_ACCESS_KEY_ID"] = "a" }, identity.IRSA, "", "without its other half"},
		{"a missing profile is reported", func(w *world) { w.env["AWS_PROFILE"], w.env["AWS_CONFIG_FILE"] = "nope", w.file("c", "") }, identity.IRSA, "", `"nope"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kase, text, id := resolveCase(t, tt.edit)
			if kase != tt.kase || id.Source != tt.want {
				t.Errorf("source %q, want %q; case %q: %s", id.Source, tt.want, kase, text)
			}
			if said := text + strings.Join(id.Warnings, "\n"); !strings.Contains(said, tt.says) {
				t.Errorf("%q is not said in:\n%s", tt.says, said)
			}
		})
	}
}
