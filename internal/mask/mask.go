// Package mask hides known secrets in a stream of bytes, as a job log needs it: what a command prints passes through
// a [Writer], and each occurrence of a secret comes out as [MASKED].
//
// A [Masker] holds the secrets, a Writer is one stream through it. Only the very bytes of a secret are known: a secret
// that is printed in base64, URL-encoded, or broken over lines is not recognised.
package mask

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Marker stands in the output for each masked run of bytes.
const Marker = "[MASKED]"

// Masker is a set of secrets that any number of Writers share. It is safe for concurrent use.
type Masker struct {
	mu        sync.Mutex // held by Add only; Writers read automaton
	secrets   []string
	automaton atomic.Pointer[automaton]
}

// New returns a Masker of these secrets. Empty ones are ignored.
func New(secrets ...string) *Masker {
	m := &Masker{}
	m.automaton.Store(newAutomaton(nil))
	m.Add(secrets...)
	return m
}

// Add makes every Writer of the Masker hide these secrets too, from its next Write on. An occurrence whose beginning
// was printed before is not recognised. Empty and known secrets are ignored.
func (m *Masker) Add(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := len(m.secrets)
	for _, s := range secrets {
		if s != "" && !slices.Contains(m.secrets, s) {
			m.secrets = append(m.secrets, s)
		}
	}
	if len(m.secrets) > known {
		m.automaton.Store(newAutomaton(m.secrets))
	}
}
