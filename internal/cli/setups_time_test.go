package cli_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// ids are the findings in their order, and those of a state.
func ids(all []found, states ...report.Status) []string {
	var out []string
	for _, f := range all {
		if len(states) == 0 || slices.Contains(states, f.Status) {
			out = append(out, f.ID)
		}
	}
	return out
}

// TestTheWholeEndsWithItsTimeout: a server that never answers does not keep the
// program, and what could be found out without it is printed.
func TestTheWholeEndsWithItsTimeout(t *testing.T) {
	healthy := newPlace(t, awsfake.Config{})
	want, _ := healthy.findings("doctor")
	for _, tt := range []struct {
		name string
		edit func(*place)
	}{
		{"an endpoint that takes connections only", func(p *place) { p.env["AWS_ENDPOINT_URL_STS"] = "http://" + listen(p.t, ignore) }},
		{"a proxy that takes connections only", func(p *place) {
			p.unset("AWS_ENDPOINT_URL_STS")
			p.env["HTTPS_PROXY"] = "http://" + listen(p.t, ignore)
		}},
		{"a tunnel without a server", func(p *place) { p.network(network{serve: ignore}) }},
		{"a server behind TLS", func(p *place) { p.network(network{serve: p.behindTLS(stsName, ignore)}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, awsfake.Config{})
			tt.edit(p)
			all, code := p.findings("doctor", "--timeout", "500ms")
			f, _ := firstBad(all)
			if code != 3 || f.Status != report.Unknown {
				t.Errorf("exit code %d, %s %s: %s", code, f.Status, f.ID, f.Cause)
			}
			if diff := cmp.Diff(beforeSTS(ids(want)), beforeSTS(ids(all, report.OK, report.Note))); diff != "" {
				t.Errorf("what needs no STS (-want +got):\n%s", diff)
			}
		})
	}
}

// beforeSTS are the checks that need no call.
func beforeSTS(ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool {
		return slices.Contains([]string{"sts-reachable", "sts-answers", "role-trusts-token", "identity-expected", "token-audience", "session-duration"}, id)
	})
}

// TestAnInterruptPrintsWhatIsKnown: Ctrl-C while STS does not answer.
func TestAnInterruptPrintsWhatIsKnown(t *testing.T) {
	t.Parallel()
	p := newPlace(t, awsfake.Config{})
	want, _ := p.findings("doctor")
	p.interrupted()
	all, code := p.findings("doctor")
	if code != 3 {
		t.Errorf("exit code %d", code)
	}
	if diff := cmp.Diff(ids(want), ids(all)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"role-trusts-token"}, ids(all, report.Unknown)); diff != "" {
		t.Errorf("not known (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"token-audience", "session-duration", "identity-expected"}, ids(all, report.Skip)); diff != "" {
		t.Errorf("waits for it (-want +got):\n%s", diff)
	}
}

// TestWithoutAnyNetworkTheWrongReferenceIsStillFirst: what needs no call is found
// where no call gets out.
func TestWithoutAnyNetworkTheWrongReferenceIsStillFirst(t *testing.T) {
	for _, tt := range []struct {
		name, first string
		args        []string
		edit        func(*place)
		code        int
	}{
		{name: "nothing else is wrong", first: "sts-reachable", code: 3},
		{name: "a malformed role", first: "role-arn", code: 1, edit: func(p *place) { p.env["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/x" }},
		{name: "another service account", first: "service-account-expected", code: 1, args: []string{"--expect-service-account", "gitlab/other"}},
		{name: "another account", first: "account-expected", code: 1, args: []string{"--expect-account", "210987654321"}},
		{name: "the webhook was stopped", first: "webhook-injection", code: 1, edit: func(p *place) { p.unset("AWS_WEB_IDENTITY_TOKEN_FILE") }},
		{name: "a key pair", first: "keys-in-environment", code: 1, edit: func(p *place) {
			p.env["AWS_ACCESS_KEY_ID"], p.env["AWS_SECRET_ACCESS_KEY"] = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, awsfake.Config{})
			p.unset("AWS_ENDPOINT_URL_STS")
			p.env["HTTPS_PROXY"] = "http://" + closed(t)
			if tt.edit != nil {
				tt.edit(p)
			}
			all, code := p.findings(append([]string{"doctor"}, tt.args...)...)
			if f, _ := firstBad(all); f.ID != tt.first || code != tt.code {
				t.Errorf("exit code %d, first %s %s: %s\nwant %d, %s", code, f.Status, f.ID, f.Cause, tt.code, tt.first)
			}
			if got := ids(all, report.Unknown); tt.first != "service-account-expected" && !slices.Equal(got, []string{"sts-reachable"}) {
				t.Errorf("not known are %q", got)
			}
		})
	}
}
