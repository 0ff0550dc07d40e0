package awsfake

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestFaultsSpoilTheCallsTheyAreFor(t *testing.T) {
	for _, s := range []struct {
		name  string
		fault Fault
		want  []string // of each of three calls: a code, or what the text holds
	}{
		{"always", Fault{Vector: "throttled"}, []string{"Throttling", "Throttling", "Throttling"}},
		{"once", Fault{Vector: "throttled", Times: 1}, []string{"Throttling", "", ""}},
		{"of this action", Fault{Action: "GetCallerIdentity", Vector: "throttled", Times: 2}, []string{"Throttling", "Throttling", ""}},
		{"of another action", Fault{Action: "AssumeRole", Vector: "throttled"}, []string{"", "", ""}},
		{"of another service", Fault{Vector: "slow-down"}, []string{"", "", ""}},
		{"a page", HTMLPage(), []string{"deserialization failed", "deserialization failed", "deserialization failed"}},
		{"a 500", Fault{Status: http.StatusInternalServerError, Times: 1}, []string{"StatusCode: 500", "", ""}},
		{"a cut", Fault{Cut: true, Times: 1}, []string{"EOF", "", ""}},
	} {
		t.Run(s.name, func(t *testing.T) {
			c := reference(t, Config{})
			client := c.stsClient(jobKeys(t, c))
			if err := c.Inject(s.fault); err != nil {
				t.Fatal(err)
			}
			for i, want := range s.want {
				_, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("call %d: %v, want %q", i+1, err, want)
				}
			}
			if got := c.Calls("GetCallerIdentity"); got != len(s.want) {
				t.Errorf("%d calls were counted", got)
			}
		})
	}
}

func TestADelayEndsWithTheCaller(t *testing.T) {
	c := reference(t, Config{})
	if err := c.Inject(Fault{Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.stsClient(nil).GetCallerIdentity(ctx, nil); err == nil {
		t.Error("answered")
	}
}

func TestAnUnknownVectorIsAnError(t *testing.T) {
	c := reference(t, Config{})
	if err := c.Inject(Fault{Vector: "nope"}); err == nil || err.Error() != `no vector "nope"` {
		t.Errorf("%v", err)
	}
}

func TestItListensOnLoopbackOnly(t *testing.T) {
	c := reference(t, Config{})
	for _, u := range []string{c.STSURL(), c.S3URL(), c.S3URLIn("us-east-1"), c.PodIdentityURL(), c.Issuer().URL(), c.GitLab().URL()} {
		parsed, err := url.Parse(u)
		if err != nil || parsed.Scheme != "http" || parsed.Hostname() != "127.0.0.1" {
			t.Errorf("%s", u)
		}
	}
}

func TestThePodIdentityAgentGivesTheAssociatedRole(t *testing.T) {
	for _, s := range []struct {
		name  string
		token func(*Cloud) (string, error)
		state func(*Cloud) error
		want  string
	}{
		{name: "the pod's token", want: `"AccountId":"123456789012"`},
		{name: "no token", token: func(*Cloud) (string, error) { return "", nil }, want: "(InvalidTokenException): Service account token cannot be empty, fault: client"},
		{name: "no JWT", token: func(*Cloud) (string, error) { return "x", nil }, want: "(InvalidTokenException): Service account token cannot be parsed, fault: client"},
		{name: "the token for STS", token: func(c *Cloud) (string, error) { return c.Issuer().Mint(PodToken{}) }, want: "(InvalidTokenException): The token included in the request is invalid, fault: client"},
		{name: "another issuer's token", token: func(c *Cloud) (string, error) { return c.GitLab().Mint(PodToken{Audience: PodIdentityAudience}) }, want: "(InvalidTokenException): The token included in the request is invalid, fault: client"},
		{name: "an old token", token: func(c *Cloud) (string, error) {
			return c.Issuer().Mint(PodToken{Audience: PodIdentityAudience, Age: 25 * time.Hour})
		}, want: "(ExpiredTokenException): The token included in the request is expired: current date/time "},
		{name: "no association", state: func(c *Cloud) error { c.Dissociate(Namespace, ServiceAccount); return nil }, want: "(ResourceNotFoundException): No association found for the service account, fault: client"},
		{name: "a role that does not trust EKS", state: func(c *Cloud) error { return c.SetTrust(PodRole, deployTrust) }, want: "(AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role., fault: client"},
	} {
		t.Run(s.name, func(t *testing.T) {
			c := reference(t, Config{})
			if s.state != nil {
				if err := s.state(c); err != nil {
					t.Fatal(err)
				}
			}
			if s.token == nil {
				s.token = func(c *Cloud) (string, error) { return c.Issuer().Mint(PodToken{Audience: PodIdentityAudience}) }
			}
			header := http.Header{"Authorization": {must[string](t)(s.token(c))}}
			status, body := get(t, c.PodIdentityURL(), header)
			if !strings.Contains(string(body), s.want) || (status == http.StatusOK) != (s.name == "the pod's token") {
				t.Errorf("%d %s, want %s", status, body, s.want)
			}
		})
	}
}
