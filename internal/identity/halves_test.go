package identity_test

import (
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
)

func TestHalfAPairOfVariablesIsNamed(t *testing.T) {
	const uri, file = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
	tests := []struct {
		name   string
		source identity.Source
		set    string
		want   string // in the first line
		hint   string // in the first hint
	}{
		{"an id without its secret", identity.Ambient, "AWS_ACCESS_KEY_ID", "just AWS_ACCESS_KEY_ID is set", "AWS_SECRET_ACCESS_KEY was forgotten"},
		{"a secret without its id", identity.Ambient, "AWS_SECRET_ACCESS_KEY", "just AWS_SECRET_ACCESS_KEY is set", "AWS_ACCESS_KEY_ID was forgotten"},
		{"no keys", identity.Ambient, "", "neither is set", "leave out --source"},
		{"a URI without its token file", identity.PodIdentity, uri, "just " + uri + " is set", "something else than EKS set " + uri},
		{"a token file without its URI", identity.PodIdentity, file, "just " + file + " is set", "something else than EKS set " + file},
		{"no Pod Identity", identity.PodIdentity, "", "neither is set", "no EKS Pod Identity association"},
		{"half of Pod Identity and nothing else", identity.Auto, uri, "no EKS Pod Identity", "just one is set, " + uri},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, awsfake.Config{})
			w.req.Source = tt.source
			if tt.set != "" {
				w.env[tt.set] = "planted"
			}
			e := w.failure()
			f, _ := identity.Finding(e)
			if !strings.Contains(e.Error(), tt.want) || !strings.Contains(f.Hints[0], tt.hint) {
				t.Errorf("%v\n%q\nwant %q, then %q", e, f.Hints, tt.want, tt.hint)
			}
			if strings.Contains(e.Error()+strings.Join(f.Hints, ""), "planted") {
				t.Errorf("a value is shown: %v %q", e, f.Hints)
			}
		})
	}
}
