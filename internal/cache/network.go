package cache

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// silent notes that nobody answered, or nobody who speaks as S3 does.
func (p *probe) silent(check string, err error) {
	f := p.facts()
	id, said := networkCase(err)
	seen := p.c.seen.get()
	var answer *s3Error
	switch {
	case errors.Is(err, context.Canceled):
		id = "s3-interrupted"
	case seen.status >= http.StatusInternalServerError:
		id = "s3-fault"
	case seen.status != 0 && (id == "s3-unreachable" || errors.As(err, &answer)):
		id = "s3-foreign-answer"
	}
	f["status"], f["said"] = strconv.Itoa(seen.status), said
	f["timeout"] = p.waited().String()
	f.Say("proxy", proxyFailed(err))
	p.fail(check, id, f)
}

// waited is how long S3 has been asked, in the precision that people read.
func (p *probe) waited() time.Duration {
	d := time.Since(p.start)
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// networkCase names why no answer came: the case, and the system's own word for it.
func networkCase(err error) (id, said string) {
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
		return "s3-dns", ""
	case errors.As(err, &verify), errors.As(err, &authority):
		return "s3-tls", ""
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "s3-no-tls", ""
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "s3-cut", ""
	case errors.As(err, &errno):
		return "s3-unreachable", errno.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "s3-timeout", ""
	case errors.As(err, &op) && op.Timeout():
		return "s3-timeout", ""
	}
	return "s3-unreachable", "no connection"
}

// proxyFailed reports whether the way ended at a proxy.
func proxyFailed(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "proxyconnect"
}
