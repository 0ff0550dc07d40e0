package identity

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/silence"
)

// unknownCode is what the SDK puts where an answer has no error code.
const unknownCode = "UnknownError"

// call is one call to STS or to the agent, for the words of its failure.
type call struct {
	op, doing string
	sdk       sdk
	facts     catalogue.Facts // beside those of the identity
}

// failed names why a call failed. The SDK's own text is never shown: it can hold
// what the other side sent.
func (id *Identity) failed(ctx context.Context, c call, err error) error {
	e := &Error{Doing: c.doing, Facts: id.facts(), Evidence: id.evidence(), err: err}
	maps.Copy(e.Facts, c.facts)
	tries, last := c.sdk.last.get()
	e.Facts["op"], e.Facts["calls"] = c.op, catalogue.Count(max(tries, 1), "call")
	e.Facts["host"], e.Facts["endpoint-from"] = id.host(ctx, c.op)
	e.Facts["timeout"] = ShortDuration(id.req.Timeout)
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	if errors.Is(err, context.DeadlineExceeded) && last != nil {
		err = last
	}
	if api, ok := coded(err); ok {
		id.answered(e, c.op, api, err)
	} else {
		id.silent(e, c.op, err)
	}
	return e
}

// coded is the answer of a service in its own form, with an error code.
func coded(err error) (smithy.APIError, bool) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil, false
	}
	code, _ := codeAndMessage(api)
	return api, code != "" && code != unknownCode
}

// answered names the case of an answer that has a code.
func (id *Identity) answered(e *Error, op string, api smithy.APIError, err error) {
	code, message := codeAndMessage(api)
	c, ok := catalogue.Recognise(op, code, message)
	e.Said, e.Code = code+": "+message, code
	fault := httpStatus(err) >= http.StatusInternalServerError
	e.NoVerdict = fault || c.ID == "throttled" || c.ID == "idp-communication"
	switch {
	case ok:
		e.Case = c.ID
	case fault:
		e.Case = "sts-fault"
	case op == "AssumeRoleWithWebIdentity" && id.expired():
		e.Case = "expired"
	default:
		e.Case = "answered-no"
	}
	if e.Case == "trust-denied" {
		e.Paste = id.trustPolicy()
	}
	if m := deniedUser().FindStringSubmatch(message); e.Case == "chain-denied" && e.Facts["caller"] == "" && m != nil {
		e.Facts["caller"], e.Facts["caller-role"] = m[1], m[1]
		if arn, err := iam.ParseAssumedRole(m[1]); err == nil {
			e.Facts["caller-role"] = arn.Role
		}
	}
}

// deniedUser is the caller that STS names where it denies a signed call.
var deniedUser = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`User: (arn:[^\s]+) is not authorized`) })

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

// leeway is how long past exp STS still takes a token.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
const leeway = 5 * time.Minute

// expired reports whether the token has come to its end by this machine's clock,
// which explains an answer that nobody knows.
func (id *Identity) expired() bool {
	exp := id.Token.Claims.Expires
	return !exp.IsZero() && id.now().After(exp.Add(leeway))
}

// silent names the case where nobody answered, or nobody who speaks as STS does.
func (id *Identity) silent(e *Error, op string, err error) {
	e.NoVerdict = true
	kase, what, said := unanswered(err)
	if status := foreignStatus(err); status != "" {
		kase, what, said = "sts-html", "", ""
		e.Facts["status"], e.Code = status, status
	}
	if what == noAnswer {
		what += e.Facts["timeout"]
	}
	refusal, refused := errors.AsType[proxyRefusal](err)
	switch {
	case refused:
		kase, said = "proxy-refused", ""
		e.Facts["proxy"], e.Facts["proxy-from"] = id.proxy()
		e.Facts["status"] = strconv.Itoa(int(refusal))
	case silence.AtProxy(err):
		kase = "proxy-down"
		e.Facts["proxy"], e.Facts["proxy-from"] = id.proxy()
	case op == catalogue.AgentOp && kase == "sts-html":
		kase = "agent-refused"
	case op == catalogue.AgentOp:
		kase = "agent-unreachable"
	case id.Endpoint.Known() && kase == "sts-html":
		kase = "endpoint-foreign-answer"
	case id.Endpoint.Known() && what != "":
		kase, e.Facts["what"] = "endpoint-down", what
	}
	e.Case, e.Said = kase, said
}

// errNoCredentials is an answer that says yes and holds no credentials.
var errNoCredentials = errors.New("an answer without credentials")

// foreignStatus is the HTTP status of an answer that is not in STS's form, or ""
// where no answer came.
func foreignStatus(err error) string {
	if status := httpStatus(err); status != 0 {
		return strconv.Itoa(status)
	}
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok || errors.Is(err, errNoCredentials) {
		return "200"
	}
	return ""
}

const noAnswer = "gave no answer within "

// unanswered names why no answer came: the case, what the host did in words, and
// the system's own word for it.
func unanswered(err error) (kase, what, said string) {
	reason, said := silence.Why(err)
	switch reason {
	case silence.NoName:
		return "sts-dns", "does not resolve", said
	case silence.NoTrust:
		return "sts-tls", "", said
	case silence.NoTLS:
		return "sts-no-tls", "", ""
	case silence.Cut:
		return "sts-cut", "", ""
	case silence.Late:
		return "timeout", noAnswer, ""
	case silence.Unreachable, silence.TimedOut:
	}
	return "sts-unreachable", "cannot be reached", said
}

// proxy is the host of the environment's proxy, without the user that its URL
// may name, and the variable that names it.
func (id *Identity) proxy() (host, from string) {
	v := id.job.Value("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
	host = v.Text[strings.LastIndex(v.Text, "@")+1:]
	_, rest, ok := strings.Cut(host, "://")
	if ok {
		host = rest
	}
	host, _, _ = strings.Cut(host, "/")
	return host, v.From
}

// proxyRefusal is a proxy that answered, and did not open the way.
type proxyRefusal int

func (p proxyRefusal) Error() string { return "the proxy answered with status " + strconv.Itoa(int(p)) }

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

// lastAnswer counts the tries of one call and keeps how the last one failed, for
// a deadline that comes while a transient failure is waited out.
type lastAnswer struct {
	mu    sync.Mutex
	err   error
	tries int
}

// IsErrorRetryable notes the error and leaves the decision to others.
func (l *lastAnswer) IsErrorRetryable(err error) aws.Ternary {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return aws.UnknownTernary
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
	l.tries++
	return aws.UnknownTernary
}

// forget begins a new call.
func (l *lastAnswer) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.tries = nil, 0
}

func (l *lastAnswer) get() (tries int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tries, l.err
}
