package identity_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestThePodsAccountIsTheOneThatItsTokenNames(t *testing.T) {
	slip := func(got, want string) string { return "from " + got + " to " + want }
	facts := func(more catalogue.Facts) catalogue.Facts {
		f := catalogue.Facts{"who": "gitlab/gitlab-jobs", "expected-from": "CI_AWS_EXPECT_SERVICE_ACCOUNT"}
		maps.Copy(f, more)
		return f
	}
	tests := []struct {
		name, expected string
		edit           func(*world)
		kase           string
		want           catalogue.Facts
	}{
		{"a name of whatever namespace", "gitlab-jobs", nil, "", nil},
		{"namespace and name", "gitlab/gitlab-jobs", nil, "", nil},
		{"nothing expected", "", nil, "", nil},
		{"another name", "deploy", nil, "account-of-pod", facts(catalogue.Facts{"expected": "deploy", "name": "deploy", "slip": "from gitlab-jobs to deploy"})},
		{"the namespace's name", "gitlab", nil, "account-of-pod", facts(catalogue.Facts{"expected": "gitlab", "name": "gitlab", "slip": "from gitlab-jobs to gitlab"})},
		{"another namespace", "ci/gitlab-jobs", nil, "account-of-pod", facts(catalogue.Facts{
			"expected": "ci/gitlab-jobs", "name": "gitlab-jobs", "slip": "from gitlab/gitlab-jobs to ci/gitlab-jobs", "other-namespace": "yes",
		})},
		{"an overwrite that was ignored", "deploy", func(w *world) { w.env["KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"] = "deploy" }, "account-of-pod", facts(catalogue.Facts{
			"expected": "deploy", "name": "deploy", "slip": "from gitlab-jobs to deploy", "overwrite": "yes",
		})},
		{"an overwrite that another variable replaced", "deploy", func(w *world) {
			w.env["CI_AWS_INPUT_EXPECT_SERVICE_ACCOUNT"], w.env["KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"] = "deploy", "other"
		}, "account-of-pod", facts(catalogue.Facts{
			"expected": "deploy", "name": "deploy", "slip": "from gitlab-jobs to deploy", "asked": "other", "overwrite-other": "yes",
		})},
		{"an overwrite that another variable emptied", "deploy", func(w *world) { w.env["CI_AWS_INPUT_EXPECT_SERVICE_ACCOUNT"] = "deploy" }, "account-of-pod", facts(catalogue.Facts{
			"expected": "deploy", "name": "deploy", "slip": "from gitlab-jobs to deploy", "asked": "", "overwrite-empty": "yes",
		})},
		{"an overwrite as the input has it, that was ignored", "deploy", func(w *world) {
			w.env["CI_AWS_INPUT_EXPECT_SERVICE_ACCOUNT"], w.env["KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"] = "deploy", "deploy"
		}, "account-of-pod", facts(catalogue.Facts{
			"expected": "deploy", "name": "deploy", "slip": "from gitlab-jobs to deploy", "overwrite": "yes",
		})},
		{"a token that tells no account", "deploy", func(w *world) {
			w.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = w.file("other", jwt(rs256, `{"sub":"a"}`))
		}, "account-untold", catalogue.Facts{"who": "", "expected": "deploy", "expected-from": "CI_AWS_EXPECT_SERVICE_ACCOUNT"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
			w.env["AWS_REGION"] = "eu-central-1"
			if tt.edit != nil {
				tt.edit(w)
			}
			id, err := w.resolve()
			if err != nil {
				t.Fatal(err)
			}
			err = id.CheckServiceAccount(report.Value{Text: tt.expected, From: "CI_AWS_EXPECT_SERVICE_ACCOUNT"}, slip)
			if identity.CaseOf(err) != tt.kase {
				t.Fatalf("case %q, want %q", identity.CaseOf(err), tt.kase)
			}
			e, ok := errors.AsType[*identity.Error](err)
			if !ok {
				return
			}
			if diff := cmp.Diff(tt.want, e.Facts); diff != "" {
				t.Error(diff)
			}
			if e.NoVerdict != (tt.kase == "account-untold") || len(w.cloud.Received("")) != 0 || strings.Contains(e.Error(), "(not known)") {
				t.Errorf("no verdict: %v, %d calls, %v", e.NoVerdict, len(w.cloud.Received("")), e)
			}
		})
	}
}
