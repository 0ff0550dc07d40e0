package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Error is a failure with the facts that name what is wrong. Its words are the
// catalogue's, so that every command says the same of the same cause.
type Error struct {
	Case      string          // the catalogue's id
	Doing     string          // what was being done, to which thing
	Facts     catalogue.Facts // the actual values
	Evidence  []report.Value
	Paste     string // what would mend it, encoded for its target
	Said      string // the service's own code and message, or the system's error
	Usage     bool   // the wrong value stood on the command line
	NoVerdict bool   // nobody said no: a network, a timeout, a broken answer
	err       error
}

func (e *Error) Error() string {
	s := e.Doing + ": " + catalogue.Fill(catalogue.Find(e.Case).Problem, e.Facts)
	if e.Said != "" {
		s += " (" + report.Clean(e.Said) + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.err }

// Finding makes the finding of an error that this package returned.
func Finding(err error) (report.Finding, bool) {
	var e *Error
	if !errors.As(err, &e) {
		return report.Finding{}, false
	}
	f := catalogue.Find(e.Case).Finding(e.Facts, e.Evidence, e.Paste)
	if e.NoVerdict {
		f.Status = report.Unknown
	}
	return f, true
}

// unknownCode is what the SDK puts where an answer has no error code.
const unknownCode = "UnknownError"

// callFailed names why a call to STS or to the agent failed. The SDK's own text
// is never shown: it can hold what the other side sent.
func (id *Identity) callFailed(ctx context.Context, op, doing string, err error, more catalogue.Facts) error {
	e := &Error{Doing: doing, Facts: id.facts(), Evidence: id.evidence(), err: err}
	e.Facts["op"], e.Facts["calls"] = op, catalogue.Count(attempts(err), "call")
	e.Facts["host"], e.Facts["endpoint-from"] = id.host(ctx, op)
	e.Facts["timeout"] = shortDuration(id.req.Timeout)
	maps.Copy(e.Facts, more)
	var api smithy.APIError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &api) && api.ErrorCode() != unknownCode && isCode(api):
		id.answered(e, op, api)
	case errors.Is(err, context.DeadlineExceeded):
		e.Case, e.NoVerdict = "timeout", true
	default:
		e.NoVerdict = true
		e.Case, e.Said = networkCase(err)
		if status := httpStatus(err); status != 0 {
			e.Case, e.Said = "sts-html", ""
			e.Facts["status"] = strconv.Itoa(status)
		} else if op == catalogue.AgentOp {
			e.Case = "agent-unreachable"
		}
	}
	return e
}

// evidence is what was presented to the service.
func (id *Identity) evidence() []report.Value {
	c := id.Token.Claims
	var out []report.Value
	for _, fact := range []struct{ name, text, from string }{
		{"iss ", c.Issuer, "the token"},
		{"sub ", c.Subject, "the token"},
		{"aud ", c.STSAudience(), "the token"},
		{"role ", id.Role.Text, id.Role.From},
		{"region ", id.Region.Text, id.Region.From},
	} {
		if fact.text != "" {
			out = append(out, report.Value{Text: fact.name + fact.text, From: fact.from})
		}
	}
	return out
}

// answered names the case of an answer that has a code.
func (id *Identity) answered(e *Error, op string, api smithy.APIError) {
	code, message := codeAndMessage(api)
	e.Said = code + ": " + message
	e.NoVerdict = httpStatus(api) >= 500 || httpStatus(e.err) >= 500
	c, ok := catalogue.Recognise(op, code, message)
	switch {
	case ok:
		e.Case = c.ID
	case op == "AssumeRoleWithWebIdentity" && id.expired():
		e.Case = "expired"
	default:
		e.Case = "answered-no"
	}
	if e.Case == "trust-denied" {
		e.Paste = id.trust()
	}
}

// leeway is how long past exp STS still takes a token.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
const leeway = 5 * time.Minute

// expired reports whether the token has come to its end by this machine's clock,
// which explains an answer that nobody knows.
func (id *Identity) expired() bool {
	exp := id.Token.Claims.Expires
	return !exp.IsZero() && time.Now().After(exp.Add(leeway))
}

// agentAnswer is how the Pod Identity agent writes an error as plain text.
// https://github.com/aws/eks-pod-identity-agent
var agentAnswer = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\[[^\]]*\]: \(([A-Za-z]+)\): ([^\n]*?)(, fault: \w+)?$`)
})

func codeAndMessage(api smithy.APIError) (code, message string) {
	if m := agentAnswer().FindStringSubmatch(strings.TrimSpace(api.ErrorMessage())); m != nil {
		return m[1], m[2]
	}
	return api.ErrorCode(), api.ErrorMessage()
}

// isCode reports whether the answer is one in AWS's form and not any text.
func isCode(api smithy.APIError) bool {
	code, _ := codeAndMessage(api)
	return code != ""
}

func httpStatus(err error) int {
	if re, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return re.HTTPStatusCode()
	}
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &status) {
		return status.HTTPStatusCode()
	}
	return 0
}

func attempts(err error) int {
	if m, ok := errors.AsType[*retry.MaxAttemptsError](err); ok {
		return m.Attempt
	}
	return 1
}

// networkCase names why no answer came, with the system's own word for it.
func networkCase(err error) (kase, said string) {
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
		return "sts-dns", dns.Err
	case errors.As(err, &verify):
		return "sts-tls", verify.Err.Error()
	case errors.As(err, &authority):
		return "sts-tls", authority.Error()
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "sts-tls", "the other side does not speak TLS"
	case errors.As(err, &errno):
		return "sts-unreachable", errno.Error()
	case errors.As(err, &op) && op.Timeout():
		return "sts-unreachable", "timed out"
	}
	return "sts-unreachable", ""
}
