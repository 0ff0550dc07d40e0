package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
)

func TestEachCommandsHelpHasTwoOrThreeExamples(t *testing.T) {
	for _, c := range everyCommand("", newApp(IO{}, newTalk(IO{}), nil).Commands) {
		examples := strings.Count(c.Description, "\n   ")
		if examples < 2 || examples > 3 || c.Usage == "" {
			t.Errorf("%s: %d examples, usage %q", c.path, examples, c.Usage)
		}
	}
}

func TestEachCommandIsMadeUnderTheNameThatItHas(t *testing.T) {
	for _, m := range makers() {
		if c := m.make(IO{}, newTalk(IO{})); c.Name != m.name {
			t.Errorf("%s makes %s", m.name, c.Name)
		}
	}
	for line, full := range map[string][]string{
		"ci-aws env --region x":             {"env"},
		"ci-aws exec -- ci-aws whoami":      {"whoami", "exec"},
		"ci-aws help doctor":                {"whoami", "env", "exec", "doctor", "credential-process", "configure", "explain", "trust", "cache", "smoke", "render", "refs", "completion"},
		"ci-aws --generate-bash-completion": {"whoami", "env", "exec", "doctor", "credential-process", "configure", "explain", "trust", "cache", "smoke", "render", "refs", "completion"},
	} {
		var made []string
		for _, c := range commands(IO{}, newTalk(IO{}), strings.Fields(line)) {
			if c.Action != nil {
				made = append(made, c.Name)
			}
		}
		if !slices.Equal(made, full) {
			t.Errorf("%s makes %v, want %v", line, made, full)
		}
	}
}

func TestStoredCredentialsEndBeforeTheirSessionAndWithTheirToken(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name           string
		session, token time.Time
		want           time.Time
	}{
		{"five minutes before the session", now.Add(time.Hour), now.Add(24 * time.Hour), now.Add(55 * time.Minute)},
		{"with the token", now.Add(time.Hour), now.Add(10 * time.Minute), now.Add(10 * time.Minute)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			session := identity.Session{Keys: identity.Keys{Expires: tt.session}}
			id := identity.Identity{Token: identity.Token{Claims: identity.Claims{Expires: tt.token}}}
			if got := keepUntil(session, id); !got.Equal(tt.want) {
				t.Errorf("kept until %v, want %v", got, tt.want)
			}
		})
	}
}
