// Package credstore keeps the credentials of a job between the processes of that job, sealed by its token.
//
// An AWS CLI starts credential_process anew for each command; the store lets all but the first of them answer
// without a call to STS. An entry is a file named by the settings that shape the credentials and sealed by a key
// drawn from the token, so that a file which escapes (an artifact, a cache, a backup) is of no use without the
// token, and a rotated token finds nothing. It does not protect against a process of the same user, which can read
// the token as well.
//
// The store never stands in the way: whatever is wrong with it is told to Config.Report, and the credentials are
// fetched.
package credstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// Config says where a store is and what it may rely on.
type Config struct {
	// Dir is the store's folder, an absolute path. Its parent must exist.
	Dir string
	// UID is who must own the folder and all in it: the effective user of this process.
	UID int
	// Avoid are folders that Dir must not be in, by whatever name: files there become artifacts and caches. An
	// empty or missing one is no limit.
	Avoid []string
	// Now is the wall clock.
	Now func() time.Time
	// Uptime is a clock that nobody can set, such as SystemUptime; nil or false is none.
	Uptime func() (time.Duration, bool)
	// Report gets each *UnusableError that Do works around; nil drops them.
	Report func(error)
}

// UnusableError is a store, or a file of it, that is not as this package made it or cannot be used. Nothing was
// changed, and credentials can be fetched without it.
type UnusableError struct {
	Path string // the folder or file
	Err  error
}

func (e *UnusableError) Error() string {
	return fmt.Sprintf("using the credential store %q: %v", e.Path, e.Err)
}

func (e *UnusableError) Unwrap() error { return e.Err }

// Fetch gets credentials from their source. The payload may be served until the given time: the caller subtracts
// what a user of them needs, and does not exceed the life of the token.
type Fetch func(context.Context) (payload []byte, until time.Time, err error)

// Name is the file name of the entry for these settings: the SHA-256 of an encoding that no two lists share.
func Name(settings ...string) string {
	h := sha256.New()
	for _, s := range settings {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// DefaultDir is the folder for a user: in XDG_RUNTIME_DIR, else in TMPDIR, else in /tmp. A relative path in either
// variable is ignored, as the XDG specification wants it.
// https://specifications.freedesktop.org/basedir-spec/latest/#basics
func DefaultDir(env func(string) string, uid int) string {
	if dir := env("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ci-aws")
	}
	dir := env("TMPDIR")
	if !filepath.IsAbs(dir) {
		dir = "/tmp"
	}
	return filepath.Join(dir, "ci-aws-"+strconv.Itoa(uid))
}

// Do returns the payload of the entry that name and token open, or what fetch gives, which it seals and keeps.
//
// Of processes that ask for the same name at the same time one fetches and the others wait for it: for half of the
// time that ctx leaves them at most, then they fetch as well. The error is that of fetch, which must heed ctx; an
// unusable store is reported and done without. Nothing is kept under an empty token. A nil Store only fetches.
func (s *Store) Do(ctx context.Context, name string, token []byte, fetch Fetch) ([]byte, error) {
	if s == nil || len(token) == 0 {
		payload, _, err := fetch(ctx)
		return payload, err
	}
	e := entry{s, name, token}
	payload, hit, err := e.load()
	if !hit && err == nil {
		var unlock func()
		payload, hit, unlock, err = e.wait(ctx)
		defer unlock()
	}
	if hit {
		return payload, nil
	}
	s.report(err)
	payload, until, fetchErr := fetch(ctx)
	if fetchErr != nil {
		return nil, fetchErr
	}
	if err == nil {
		s.report(e.save(payload, until))
		s.prune()
	}
	return payload, nil
}

func (s *Store) report(err error) {
	if err != nil && s.c.Report != nil {
		s.c.Report(err)
	}
}
