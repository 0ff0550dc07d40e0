package identity_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const webIdentity = "AssumeRoleWithWebIdentity"

func TestAProjectedTokenBecomesTheRolesCredentialsInOneCall(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	session, err := w.exchange()
	if err != nil {
		t.Fatal(err)
	}
	want := value("arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711", webIdentity)
	if session.ARN != want {
		t.Errorf("ARN = %v, want %v", session.ARN, want)
	}
	if session.Account.Text != awsfake.Account || session.RoleName().Text != "k8s-irsa-gitlab-jobs" || session.Audience.Text != "sts.amazonaws.com" {
		t.Errorf("session = %+v", session)
	}
	if session.Keys.Secret.Empty() || session.Keys.Token.Empty() || time.Until(session.Keys.Expires) < 55*time.Minute {
		t.Errorf("keys = %+v", session.Keys)
	}
	if n := len(w.cloud.Received("")); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	agent := w.cloud.Received(webIdentity)[0].Header.Get("User-Agent")
	if !strings.Contains(agent, "app/ci-aws") {
		t.Errorf("user agent %q does not hold the app id", agent)
	}
}

// TestEveryAnswerOfSTSIsNamed replays each of AWS's own answers. A definite no
// costs one call; a transient one is asked again, AWS_MAX_ATTEMPTS times at most.
func TestEveryAnswerOfSTSIsNamed(t *testing.T) {
	transient := map[string]bool{"no-verification-key": true, "idp-communication": true, "throttled": true}
	named := map[string]string{ // the actual value that the first line has to name
		"no-provider": awsfake.Account, "wrong-audience": `"sts.amazonaws.com"`, "missing-audience": "gitlab-jobs",
		"no-verification-key": awsfake.ClusterIssuer, "thumbprint": awsfake.ClusterIssuer, "not-a-jwt": awsfake.ClusterIssuer,
		"trust-denied": awsfake.JobRole, "expired": "expired at 20", "too-old": "issued at 20", "idp-communication": awsfake.ClusterIssuer,
		"idp-rejected": awsfake.ClusterIssuer, "arn-invalid": awsfake.JobRole, "arn-short": awsfake.JobRole,
		"session-name": `"group-project-4711"`, "duration-max": "duration 1h", "duration-chained": "duration 1h",
		"region-disabled": awsfake.Region, "policy-too-large": awsfake.JobRole, "policy-malformed": awsfake.JobRole,
		"throttled": "2 calls", "invalid-key": awsfake.Region, "clock-skew": "clock",
	}
	vectors, err := awsfake.Vectors("sts")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	t.Setenv("AWS_MAX_ATTEMPTS", "2")
	before := 0
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			w.cloud.ClearFaults()
			if err := w.cloud.Inject(awsfake.Fault{Vector: v.ID}); err != nil {
				t.Fatal(err)
			}
			e := w.failure()
			calls := w.cloud.Calls(webIdentity) - before
			before += calls
			want := 1
			if transient[v.ID] {
				want = 2
			}
			if calls != want {
				t.Errorf("%d calls, want %d", calls, want)
			}
			silent, status := v.ID == "throttled" || v.ID == "idp-communication", report.Fail
			if silent {
				status = report.Unknown
			}
			if e.Case != v.ID || e.NoVerdict != silent {
				t.Errorf("case = %q (no verdict: %v), want %q", e.Case, e.NoVerdict, v.ID)
			}
			if line := e.Error(); !strings.Contains(line, named[v.ID]) || named[v.ID] == "" || !strings.Contains(line, v.Code) {
				t.Errorf("the first line does not name %q and %q:\n%s", named[v.ID], v.Code, line)
			}
			f, _ := identity.Finding(e)
			if len(f.Hints) == 0 || f.Status != status || strings.Contains(strings.Join(f.Hints, ""), "(not known)") {
				t.Errorf("finding = %+v", f)
			}
		})
	}
}

func TestADeniedTokenShowsTheTrustThatWouldAdmitIt(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	trust := w.cloud.ClusterTrust()
	wrong := trust
	wrong.Subject = "system:serviceaccount:gitlab:gitlab-job"
	if err := w.cloud.SetTrust(awsfake.JobRole, wrong.JSON()); err != nil {
		t.Fatal(err)
	}
	e := w.failure()
	f, _ := identity.Finding(e)
	evidence := []report.Value{
		value("iss "+awsfake.ClusterIssuer, "the token"), value("sub "+trust.Subject, "the token"), value("aud sts.amazonaws.com", "the token"),
		value("role "+awsfake.JobRole, "AWS_ROLE_ARN"), value("region eu-central-1", "the token's issuer"),
		value("AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity", "the answer"),
	}
	if diff := cmp.Diff(evidence, f.Evidence); diff != "" {
		t.Error(diff)
	}
	if e.Case != "trust-denied" || len(e.Paste) != 1 || e.Paste[0].Text != trust.JSON() {
		t.Fatalf("case %q, paste:\n%s", e.Case, cmp.Diff(trust.JSON(), e.Paste))
	}
	if err := w.cloud.SetTrust(awsfake.JobRole, e.Paste[0].Text); err != nil {
		t.Fatal(err)
	}
	if _, err := w.exchange(); err != nil {
		t.Errorf("the pasted policy does not admit the token: %v", err)
	}
}

func TestAnUnknownAnswerToAnExpiredTokenNamesTheExpiry(t *testing.T) {
	answer := awsfake.Fault{Status: 400, Type: "text/xml", Body: "<ErrorResponse><Error><Code>SomethingNew</Code><Message>no</Message></Error></ErrorResponse>"}
	for want, age := range map[string]time.Duration{"expired": 48 * time.Hour, "answered-no": 0} {
		w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{Age: age})
		if err := w.cloud.Inject(answer); err != nil {
			t.Fatal(err)
		}
		e := w.failure()
		f, _ := identity.Finding(e)
		if e.Case != want || !strings.Contains(e.Error(), "SomethingNew: no") || len(f.Hints) == 0 {
			t.Errorf("%q, want %q: %v %q", e.Case, want, e, f.Hints)
		}
	}
}

func TestTransientAnswersAreOvercome(t *testing.T) {
	for _, fault := range []awsfake.Fault{
		{Vector: "no-verification-key", Times: 1},
		{Vector: "idp-communication", Times: 1},
		{Vector: "throttled", Times: 1},
		{Status: 500, Times: 1},
		{Status: 503, Type: "text/html", Body: "<html>", Times: 1},
		{Cut: true, Times: 1},
	} {
		w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
		if err := w.cloud.Inject(fault); err != nil {
			t.Fatal(err)
		}
		if _, err := w.exchange(); err != nil {
			t.Errorf("%+v: %v", fault, err)
		}
		if n := w.cloud.Calls(webIdentity); n != 2 {
			t.Errorf("%+v: %d calls, want 2", fault, n)
		}
	}
}

func TestAnswersThatAreNotSTSsGiveNoVerdict(t *testing.T) {
	tests := []struct {
		name, want string
		fault      awsfake.Fault
		line       string
	}{
		{"a login page with status 200", "endpoint-foreign-answer", awsfake.HTMLPage(), "HTTP status 200"},
		{"a proxy's refusal", "endpoint-foreign-answer", awsfake.Fault{Status: 407, Type: "text/html", Body: "<html>wJalrXUtnFEMI-planted</html>"}, "HTTP status 407"},
		{"a redirect is not followed", "endpoint-foreign-answer", awsfake.Fault{Status: http.StatusTemporaryRedirect, Type: "text/html", Body: "x"}, "HTTP status 307"},
		{"no answer in time", "endpoint-down", awsfake.Fault{Delay: 3 * time.Second}, "within 500ms"},
		{"a connection that is cut", "sts-cut", awsfake.Fault{Cut: true}, "closed the connection"},
		{"an empty answer", "endpoint-foreign-answer", awsfake.Fault{Status: 200, Type: "text/xml"}, "HTTP status 200"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			if tt.fault.Delay > 0 {
				w.req.Timeout = 500 * time.Millisecond
			}
			if err := w.cloud.Inject(tt.fault); err != nil {
				t.Fatal(err)
			}
			e := w.failure()
			if e.Case != tt.want || !e.NoVerdict || !strings.Contains(e.Error(), tt.line) {
				t.Errorf("case %q (no verdict: %v): %v", e.Case, e.NoVerdict, e)
			}
			if strings.Contains(e.Error(), "planted") {
				t.Errorf("the page's text is shown: %v", e)
			}
		})
	}
}

func TestNoServerAtAll(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	w.env["AWS_ENDPOINT_URL_STS"] = "http://127.0.0.1:1"
	if e := w.failure(); e.Case != "endpoint-down" || !strings.Contains(e.Error(), "connection refused") {
		t.Errorf("%q: %v", e.Case, e)
	}
	w.env["AWS_ENDPOINT_URL_STS"] = "https://" + strings.TrimPrefix(w.cloud.STSURL(), "http://")
	if e := w.failure(); e.Case != "sts-no-tls" {
		t.Errorf("%q: %v", e.Case, e)
	}
}

func TestARoleIsWaitedFor(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	if err := w.cloud.Inject(awsfake.Fault{Vector: "trust-denied", Times: 1}); err != nil {
		t.Fatal(err)
	}
	w.req.Wait = 20 * time.Second
	w.req.Timeout = 20 * time.Second
	if _, err := w.exchange(); err != nil {
		t.Fatal(err)
	}
	if n := w.cloud.Calls(webIdentity); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

func TestChainedRoles(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	w.req.Chain = []identity.Step{{Role: value(awsfake.DeployRole, "--chain-role-arn")}}
	w.req.Duration, w.req.DurationSet = 30*time.Minute, "--duration"
	w.req.Policy = value(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, "policy.json")
	w.req.Tags = []identity.Tag{{Key: "team", Value: "a"}}
	session, err := w.exchange()
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::123456789012:assumed-role/deploy/group-project-4711"; session.ARN.Text != want {
		t.Errorf("ARN = %v, want %v", session.ARN, want)
	}
	first, last := w.cloud.Received(webIdentity)[0].Form, w.cloud.Received("AssumeRole")[0].Form
	for _, name := range []string{"Policy", "Tags.member.1.Key"} {
		if first.Has(name) || !last.Has(name) {
			t.Errorf("%s belongs to the last step: first %v, last %v", name, first.Has(name), last.Has(name))
		}
	}
	if first.Get("DurationSeconds") != "900" || last.Get("DurationSeconds") != "1800" {
		t.Errorf("durations %s and %s, want 900 and 1800", first.Get("DurationSeconds"), last.Get("DurationSeconds"))
	}
	if n := len(w.cloud.Received("")); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

func TestADeniedChainNamesBothRoles(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	w.req.Chain = []identity.Step{{Role: value("arn:aws:iam::123456789012:role/nobody", "--chain-role-arn")}}
	e := w.failure()
	if e.Case != "chain-denied" || !strings.Contains(e.Error(), "role/nobody") || !strings.Contains(e.Error(), "assumed-role/k8s-irsa-gitlab-jobs") {
		t.Errorf("%q: %v", e.Case, e)
	}
}

func TestAccountsAreCheckedBeforeAnythingIsReturned(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	w.req.Accounts, w.req.AccountsSet = []string{"999999999999"}, "--allowed-account"
	session, err := w.exchange()
	if e := w.failure(); e.Case != "account-refused" || !strings.Contains(e.Error(), awsfake.Account) || !strings.Contains(e.Error(), "999999999999") {
		t.Errorf("%v", err)
	}
	if !session.Keys.Secret.Empty() {
		t.Error("credentials of an account that is not allowed were returned")
	}
	if n := len(w.cloud.Received("")); n != 0 {
		t.Errorf("%d calls, want none: the ARN told the account", n)
	}
	w.req.Accounts = []string{"999999999999", awsfake.Account}
	if _, err := w.exchange(); err != nil {
		t.Error(err)
	}
}

func TestPodIdentity(t *testing.T) {
	w := newWorld(t, awsfake.Config{})
	token, err := w.cloud.Issuer().Mint(awsfake.PodToken{Audience: awsfake.PodIdentityAudience})
	if err != nil {
		t.Fatal(err)
	}
	w.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = w.cloud.PodIdentityURL()
	w.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = w.file("eks-pod-identity-token", token)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	session, err := w.exchange()
	if err != nil {
		t.Fatal(err)
	}
	if session.Account.Text != awsfake.Account || session.Keys.Secret.Empty() {
		t.Errorf("session = %+v", session)
	}

	w.req.Role = value(awsfake.DeployRole, "--role-arn")
	session, err = w.exchange()
	if err != nil || session.RoleName().Text != "deploy" {
		t.Errorf("--role-arn is not the first chained role: %v, %v", session.ARN, err)
	}

	w.cloud.Dissociate(awsfake.Namespace, awsfake.ServiceAccount)
	if e := w.failure(); e.Case != "agent-no-association" || !strings.Contains(e.Error(), "gitlab-jobs") {
		t.Errorf("%q: %v", e.Case, e)
	}
}

func TestAmbientKeysAreUsedOnlyWhenAskedFor(t *testing.T) {
	w := newWorld(t, awsfake.Config{})
	w.env["AWS_REGION"] = awsfake.Region
	w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"] = "AKIAEXAMPLE", "secret"
	if e := w.failure(); e.Case != "no-identity" {
		t.Errorf("%q: %v", e.Case, e)
	}
	w.req.Source = identity.Ambient
	session, err := w.exchange()
	if err != nil || session.Keys.ID.Text != "AKIAEXAMPLE" || session.Keys.Secret.Reveal() != "secret" {
		t.Errorf("session = %+v, %v", session, err)
	}
}

func TestAGitLabTokenTakesItsOwnRole(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	token, err := w.cloud.GitLab().MintJob(awsfake.JobToken{})
	if err != nil {
		t.Fatal(err)
	}
	w.env["CI_AWS_ID_TOKEN"], w.env["AWS_REGION"] = token, awsfake.Region
	if e := w.failure(); e.Case != "role-missing-gitlab" {
		t.Errorf("AWS_ROLE_ARN of the pod counts for a GitLab token: %q: %v", e.Case, e)
	}
	w.req.Role = value(awsfake.GitLabRole, "CI_AWS_ROLE_ARN")
	session, err := w.exchange()
	if err != nil || session.RoleName().Text != "gitlab-oidc-jobs" {
		t.Errorf("%v, %v", session.ARN, err)
	}
	if got := session.Provider.Text; !strings.HasSuffix(got, "gitlab.example.com") {
		t.Errorf("provider = %q", got)
	}
}

func TestTheExchangeAndTheCallerAgree(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	id, err := w.resolve()
	if err != nil {
		t.Fatal(err)
	}
	session, err := id.Exchange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	caller, err := id.Caller(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Verify(t.Context(), session, caller); err != nil {
		t.Error(err)
	}
	caller.ARN.Text += "x"
	if err := id.Verify(t.Context(), session, caller); err == nil || !strings.Contains(err.Error(), "4711x") {
		t.Errorf("another identity passes: %v", err)
	}
}
