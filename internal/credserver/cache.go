package credserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	// maxMargin is the longest time before their end from which credentials are renewed; that of a short session is a
	// third of it. SDKs ask again 5 (Go) to 15 (Python) minutes before the end.
	maxMargin = 5 * time.Minute
	// maxPause is the longest time after a failed renewal in which none is tried: an SDK repeats what failed, and a
	// definite no should not be asked for again each time. In a short session it is a tenth of the margin.
	maxPause = 5 * time.Second
	// patience is how long a request waits for a renewal while the old credentials are still good. SDKs wait 1 to 5
	// seconds for the whole answer.
	patience = time.Second
)

// cache holds the credentials and renews them.
type cache struct {
	config  Config
	flights sync.WaitGroup

	mu      sync.Mutex
	running context.Context // of renewals that requests ask for, but may leave; set before the first request
	held    Credentials
	renewAt time.Time     // zero if never
	failure error         // of the last renewal, nil if it succeeded
	retryAt time.Time     // after that failure
	pause   time.Duration // from a failure to retryAt
	flight  chan struct{} // closed when the renewal that is under way ends; nil if there is none
}

// view is what a cache holds at one time.
type view struct {
	held    Credentials
	good    bool // held has not expired
	failure error
	flight  <-chan struct{}
}

// get returns the credentials to serve. Requests that come while credentials are renewed share the one renewal. While
// the old ones are good they are served when it fails or takes long; after that the error is.
func (c *cache) get(ctx context.Context) (Credentials, error) {
	v := c.look()
	if v.flight != nil {
		var late <-chan time.Time
		if v.good {
			late = time.After(patience)
		}
		select {
		case <-v.flight:
			v = c.look()
		case <-late:
		case <-ctx.Done():
			return Credentials{}, ctx.Err()
		}
	}
	switch {
	case v.good:
		return v.held, nil
	case v.failure != nil:
		return Credentials{}, v.failure
	}
	return Credentials{}, errors.New("the credentials have expired")
}

// look says what is held, and starts a renewal when it is time for one.
func (c *cache) look() view {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.config.Now()
	due := !c.renewAt.IsZero() && !now.Before(c.renewAt) && (c.failure == nil || !now.Before(c.retryAt))
	if due && c.flight == nil && c.running.Err() == nil {
		done := make(chan struct{})
		c.flight = done
		c.flights.Go(func() {
			defer close(done)
			_ = c.renew(c.running) // kept in failure
			c.mu.Lock()
			defer c.mu.Unlock()
			c.flight = nil
		})
	}
	good := c.held.Expires.IsZero() || now.Before(c.held.Expires)
	return view{held: c.held, good: good, failure: c.failure, flight: c.flight}
}

// stop ends the renewal that is under way, by cancel, and lets none begin.
func (c *cache) stop(cancel context.CancelFunc) {
	c.mu.Lock()
	cancel()
	c.mu.Unlock()
	c.flights.Wait()
}

// renew fetches credentials and holds them.
func (c *cache) renew(ctx context.Context) error {
	fetched, err := c.config.Fetch(ctx)
	now := c.config.Now()
	if err == nil && !fetched.Expires.IsZero() && !now.Before(fetched.Expires) {
		err = fmt.Errorf("they expired at %s, it is %s", fetched.Expires.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if err == nil && c.config.OnRenew != nil {
		c.config.OnRenew(fetched)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failure = fmt.Errorf("getting credentials: %w", redact(err, c.held, fetched))
		c.retryAt = now.Add(c.pause)
		return c.failure
	}
	c.held, c.failure, c.renewAt = fetched, nil, time.Time{}
	if !fetched.Expires.IsZero() {
		margin := min(maxMargin, fetched.Expires.Sub(now)/3)
		c.renewAt, c.pause = fetched.Expires.Add(-margin), min(maxPause, margin/10)
	}
	return nil
}

// redacted is an error without the secrets in its text.
type redacted struct {
	error
	text string
}

func (r redacted) Error() string { return r.text }
func (r redacted) Unwrap() error { return r.error }

// redact takes the secrets of credentials out of the text of an error. Fetch promises that there are none; here is
// where one would leave the process.
func redact(err error, all ...Credentials) error {
	text := err.Error()
	for _, c := range all {
		for _, secret := range []string{c.SecretAccessKey, c.SessionToken} {
			if secret != "" {
				text = strings.ReplaceAll(text, secret, "[hidden]")
			}
		}
	}
	if text == err.Error() {
		return err
	}
	return redacted{err, text}
}
