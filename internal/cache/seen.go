package cache

import (
	"errors"
	"net/http"
)

// exchange is the last try of a call: when it was signed, and how it was answered.
// Without an answer, status is 0.
type exchange struct {
	signed string // the time that stands in the signature
	status int
	header http.Header
	tries  int // of the call so far
}

// note lets an error of a call tell how its last try went: calls that go at the
// same time have each their own.
func (x exchange) note(err error) {
	if e, ok := errors.AsType[*s3Error](err); ok {
		e.seen = x
	}
	if e, ok := errors.AsType[*unanswered](err); ok {
		e.seen = x
	}
}

// seenBy is how the last try of a call went that failed; it is empty where
// nothing was tried.
func seenBy(err error) exchange {
	if e, ok := errors.AsType[*s3Error](err); ok {
		return e.seen
	}
	if e, ok := errors.AsType[*unanswered](err); ok {
		return e.seen
	}
	return exchange{}
}
