// Package silence tells why no answer came from a host: what stood in the way, by
// the error of the call.
package silence

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// Reason is what stood in the way of an answer.
type Reason int

// The reasons. Unreachable is the zero value: what is not recognised.
const (
	Unreachable Reason = iota
	NoName             // the host's name does not resolve
	NoTrust            // its certificate is not trusted
	NoTLS              // what answers there does not speak TLS
	Cut                // the connection ended before the answer did
	Late               // the call's time was over
	TimedOut           // the system's own time for a connection was over
)

// Why gives the reason of a call's error, and the system's own word for it, which
// may be empty and holds nothing that the other side sent.
func Why(err error) (Reason, string) {
	var (
		dns       *net.DNSError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		record    tls.RecordHeaderError
		errno     syscall.Errno
		op        *net.OpError
	)
	switch {
	case errors.As(err, &dns):
		return NoName, dns.Err
	case errors.As(err, &verify):
		return NoTrust, verify.Err.Error()
	case errors.As(err, &authority):
		return NoTrust, authority.Error()
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return NoTLS, ""
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Cut, ""
	case errors.As(err, &errno):
		return Unreachable, errno.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return Late, ""
	case errors.As(err, &op) && op.Timeout():
		return TimedOut, "timed out"
	}
	return Unreachable, ""
}

// AtProxy reports whether the way ended at a proxy.
func AtProxy(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "proxyconnect"
}
