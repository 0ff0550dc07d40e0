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
// Secret: a service may put into an answer what it was sent. It may be used from
// several goroutines.
type Redactor struct {
	mu      sync.Mutex
	secrets []string
}

// Add makes secrets known. A token's parts count as secrets of their own.
func (r *Redactor) Add(secrets ...Secret) {
	for _, s := range secrets {
		if len(s.text) >= shortest {
			r.mu.Lock()
			r.secrets = append(r.secrets, s.text)
			r.mu.Unlock()
		}
		if parts := strings.Split(s.text, "."); len(parts) == 3 {
			r.Add(Secret{parts[1]}, Secret{parts[2]})
		}
	}
}

// Redact returns s with "[hidden]" in place of each secret.
func (r *Redactor) Redact(s string) string {
	r.mu.Lock()
	secrets := r.secrets
	r.mu.Unlock()
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := longest(secrets, s[i:]); n > 0 {
			b.WriteString(hidden)
			i += n
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	if s = b.String(); strings.Contains(s, "eyJ") {
		s = jwtLike().ReplaceAllString(s, hidden)
	}
	return s
}

// longest is how much of s is the start of a secret, 0 where that is too little
// to count. Secrets may start alike, as session tokens do.
func longest(secrets []string, s string) int {
	most := 0
	for _, secret := range secrets {
		n := 0
		for n < len(secret) && n < len(s) && s[n] == secret[n] {
			n++
		}
		if n >= shortest {
			most = max(most, n)
		}
	}
	return most
}
