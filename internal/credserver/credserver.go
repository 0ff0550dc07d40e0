// Package credserver gives one child process credentials that renew themselves: a container-credentials endpoint, as
// ECS and EKS have it, on loopback. Every AWS SDK knows how to ask one, and asks again before its answer expires, so a
// job may outlive a session.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
//
// Whoever can read the child's environment can ask the endpoint too; nobody else can: the path and the token are
// random, and a web page that got a browser to call 127.0.0.1 under another name is refused by its Host.
package credserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// wireTimeout bounds the reading of a request's header and the writing of an answer.
	wireTimeout = 5 * time.Second
	// idleTimeout is how long a connection may wait for its next request.
	idleTimeout = 30 * time.Second
	// maxHeader is the size of a request's header; SDKs send a few hundred bytes.
	maxHeader = 8 << 10
)

// Config is what a server needs. Fetch and Now are required.
type Config struct {
	// Fetch gets new credentials. It is called by Start, with Start's context, and then whenever those that are held
	// come to their end, once at a time, with a context that ends with Close. It has to bound its own time and to obey
	// its context. The child is shown its errors: they must hold no secret.
	Fetch func(context.Context) (Credentials, error)
	// OnRenew is told of all credentials, the first included, before anyone is given them. It may be nil.
	OnRenew func(Credentials)
	// Now is the clock by which credentials expire.
	Now func() time.Time
}

// Credentials are those of one session. They cannot be printed or marshalled by accident.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time // zero if they do not expire
	AccountID       string    // empty if it is not known
}

// Format prints [hidden], for every verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[hidden]") }

// MarshalText gives [hidden].
func (Credentials) MarshalText() ([]byte, error) { return []byte("[hidden]"), nil }

// Server is a running endpoint.
type Server struct {
	host, path, token string

	cache  *cache
	http   *http.Server
	cancel context.CancelFunc
	served sync.WaitGroup
}

// Start fetches the first credentials and serves them on a free port of 127.0.0.1 until Close. The context is for the
// start: what is fetched later has its values, but neither its deadline nor its cancellation.
func Start(ctx context.Context, c Config) (*Server, error) {
	cache := &cache{config: c}
	if err := cache.renew(ctx); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a credentials endpoint: %w", err)
	}
	s := &Server{host: listener.Addr().String(), path: "/" + rand.Text(), token: rand.Text(), cache: cache}
	cache.running, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: wireTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true, ErrorLog: log.New(io.Discard, "", 0),
	}
	s.served.Go(func() { _ = s.http.Serve(listener) }) // ends with Close
	return s, nil
}

// URI is the value of AWS_CONTAINER_CREDENTIALS_FULL_URI.
func (s *Server) URI() string { return "http://" + s.host + s.path }

// Token is the value of AWS_CONTAINER_AUTHORIZATION_TOKEN. It is a secret.
func (s *Server) Token() string { return s.token }

// Close ends the endpoint and every connection and Fetch, and returns when all have ended.
func (s *Server) Close() error {
	s.cache.stop(s.cancel)
	err := s.http.Close()
	s.served.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing the credentials endpoint: %w", err)
	}
	return nil
}
