package report

import (
	"regexp"
	"strings"
	"sync"
)

// shortest is how long a secret is at least; shorter ones would blot out
// ordinary words. A run of this many bytes from a secret's start counts as the
// secret, since a text may have been cut.
const shortest = 16

// jwtLike is a token in any text, also one that was cut.
var jwtLike = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,2}`) })

// Redactor takes secrets out of what is about to be printed: those it was told
// of, and whatever looks like a JWT. It is the last line of defence behind
// Secret: a service may put into an answer what it was sent.
type Redactor struct{ secrets []string }

// Add makes secrets known. A token's parts count as secrets of their own.
func (r *Redactor) Add(secrets ...Secret) {
	for _, s := range secrets {
		if len(s.text) >= shortest {
			r.secrets = append(r.secrets, s.text)
		}
		if parts := strings.Split(s.text, "."); len(parts) == 3 {
			r.Add(Secret{parts[1]}, Secret{parts[2]})
		}
	}
}

// Redact returns s with "[hidden]" in place of each secret.
func (r *Redactor) Redact(s string) string {
	for _, secret := range r.secrets {
		s = redactRuns(s, secret)
	}
	if !strings.Contains(s, "eyJ") {
		return s
	}
	return jwtLike().ReplaceAllString(s, hidden)
}

func redactRuns(s, secret string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, secret[:shortest])
		if i < 0 {
			break
		}
		n := shortest
		for n < len(secret) && i+n < len(s) && s[i+n] == secret[n] {
			n++
		}
		b.WriteString(s[:i] + hidden)
		s = s[i+n:]
	}
	b.WriteString(s)
	return b.String()
}
