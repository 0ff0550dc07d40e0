package identity

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Survey is how each step to an identity ended, for a diagnosis that goes on
// where Resolve stops.
type Survey struct{ Source, Endpoint, Token, Role, Region, Session error }

// Examine finds out who the job is, as Resolve does, and does not stop at an
// error. What a step would have found is unknown then.
func Examine(ctx context.Context, j job.Job, req Request) (Identity, Survey) {
	id := Identity{job: j, req: req, Chain: req.Chain}
	id.Pod = readPodToken(j.Path(PodTokenFile))
	var s Survey
	s.Source = detect(&id)
	s.Endpoint = checkEndpoint(&id)
	s.Token = loadToken(&id)
	s.Role = chooseRole(&id)
	s.Region = chooseRegion(ctx, &id)
	s.Session = nameSession(&id)
	return id, s
}

// Settings finds out whether the AWS_* variables that shape calls can be used.
func (id *Identity) Settings() error {
	_, err := id.newSDK()
	return err
}

// Default reports whether the pod runs under the service account that a
// namespace has from the start.
func (c Claims) Default() bool { return strings.HasSuffix(c.Subject, ":default") }

// Who is the service account that the pod runs under, "namespace/name", from
// the token, the pod's ordinary one, or the one that the webhook mounts.
func (id *Identity) Who() report.Value {
	for _, read := range []func() Token{
		func() Token { return id.Token },
		func() Token { return id.Pod },
		func() Token { return readPodToken(id.job.Path(WebhookTokenFile)) },
	} {
		t := read()
		if c := t.Claims; c.Namespace != "" && c.ServiceAccount != "" {
			return report.Value{Text: c.Namespace + "/" + c.ServiceAccount, From: t.From.From}
		}
	}
	return report.Value{}
}

// IsSessionName reports whether STS takes a text for the name of a session.
func IsSessionName(s string) bool { return isSessionName(s) }

// Mounted reports whether the EKS webhook mounted its token.
func (id *Identity) Mounted() bool {
	_, err := os.Stat(id.job.Path(WebhookTokenFile))
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

// Failure is the error of a case that another has found out about this identity.
func (id *Identity) Failure(kase string) error {
	doing := "reading the token"
	if kase == "duration-chained" {
		doing = "checking the session"
	}
	return &Error{Case: kase, Doing: doing, Facts: id.facts(), Evidence: id.evidence()}
}

// CaseOf is the catalogue's case of an error of this package, or "".
func CaseOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Case
	}
	return ""
}

// CheckAccount refuses a role of an account that is not allowed.
func (id *Identity) CheckAccount() error { return id.refuseAccount(id.roleAccount()) }

// Expired reports whether the token has come to its end by this machine's clock.
func (id *Identity) Expired() bool { return id.expired() }

// Known are the facts of this identity by their names in the catalogue.
func (id *Identity) Known() catalogue.Facts { return id.facts() }

// NotOffered reports whether a service answered that it has no such call.
func NotOffered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (slices.Contains([]string{"InvalidAction", "NotImplemented", "UnsupportedOperation", "NotSupported", "404", "405", "501"}, e.Code) ||
		strings.HasPrefix(e.Said, "InvalidParameterValue: Unsupported action")) // MinIO
}

// HasProfile reports whether the AWS config files of the job have a profile.
func (id *Identity) HasProfile(ctx context.Context, name string) bool {
	_, err := id.profile(ctx, name)
	return err == nil
}
