// Package identity turns what a job pod has (a projected token, a GitLab ID
// token, a Pod Identity agent, keys) into credentials of the job's role, in one
// direction: Resolve finds out who the job is without a call, Exchange asks STS.
// Each failure is an *Error that names the wrong reference; Finding words it.
package identity

import (
	"context"
	"slices"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Source is where an identity comes from.
type Source string

// The sources, in the order in which Auto tries them. Ambient, the keys of the
// environment, is taken only when asked for.
const (
	Auto        Source = "auto"
	GitLab      Source = "gitlab"
	IRSA        Source = "irsa"
	PodIdentity Source = "pod-identity"
	Ambient     Source = "ambient"
)

// Sources are the names that --source takes.
func Sources() []Source { return []Source{Auto, GitLab, IRSA, PodIdentity, Ambient} }

// Paths that EKS and Kubernetes fix.
// https://github.com/aws/amazon-eks-pod-identity-webhook
const (
	WebhookTokenFile = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token" //nolint:gosec // a path
	PodTokenFile     = "/var/run/secrets/kubernetes.io/serviceaccount/token"     //nolint:gosec // a path
)

// IDTokenEnv is the variable that holds a GitLab ID token, unless told otherwise.
const IDTokenEnv = "CI_AWS_ID_TOKEN" //nolint:gosec // a name

// Limits of STS.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
const (
	MinDuration      = 15 * time.Minute
	MaxDuration      = 12 * time.Hour
	DefaultDuration  = time.Hour
	MaxSessionPolicy = 2048  // characters
	maxToken         = 20000 // bytes
)

// intermediate is how long the sessions before the last of a chain live: the
// least that STS gives.
const intermediate = MinDuration

// Request is what was asked for: each setting with its source, after flags and
// variables were joined.
type Request struct {
	Source         Source
	Role           report.Value
	Chain          []Step
	TokenFile      report.Value
	IDTokenEnv     report.Value
	Region         report.Value
	RegionElse     report.Value // where nothing else tells a region
	Endpoint       report.Value
	AllowHosts     []string
	Duration       time.Duration // 0 for the default
	DurationSet    string        // where Duration comes from
	SessionName    report.Value
	Policy         report.Value // the session policy's JSON, and the file it is from
	PolicyARNs     []string
	Tags           []Tag
	Accounts       []string         // the accounts that are allowed; none for all
	AccountsSet    string           // where Accounts comes from
	ServiceAccount report.Value     // the service account that the pod should run under, see CheckServiceAccount
	Wait           time.Duration    // how long to wait out AccessDenied
	Now            func() time.Time // the clock; nil for the machine's
	Timeout        time.Duration    // of one exchange, for messages
	Attempts       int              // the most calls for one answer, below AWS_MAX_ATTEMPTS or 5; 0 for those
}

// Step is one more role to assume.
type Step struct {
	Role       report.Value
	ExternalID string
}

// Tag is a session tag.
type Tag struct{ Key, Value string }

// Identity is who the job is, as far as it is known without a call.
type Identity struct {
	Source   Source
	Why      string // why this source was taken
	Token    Token
	Role     report.Value
	Chain    []Step
	Region   report.Value
	Endpoint report.Value // an override; unknown for AWS's own
	Session  report.Value // the session's name
	Pod      Token        // the pod's ordinary token, for what it tells of the pod
	Warnings []string
	Foreign  []string // the endpoints that are not AWS's own, to be said before a token goes there
	req      Request
	job      job.Job
}

// Resolve finds out who the job is. On an error the Identity holds what was
// learnt before it.
func Resolve(ctx context.Context, j job.Job, req Request) (Identity, error) {
	id := Identity{job: j, req: req, Chain: req.Chain}
	id.Pod = readPodToken(j.Path(PodTokenFile))
	for _, step := range []func(*Identity) error{detect, checkEndpoint, loadToken, chooseRole, regionChooser(ctx), nameSession} {
		if err := step(&id); err != nil {
			return id, err
		}
	}
	id.Warnings = append(id.Warnings, shadowed(j, id)...)
	return id, nil
}

// Check finds what is wrong with a request by itself, wherever it will be used.
func Check(j job.Job, req Request) error {
	id := &Identity{job: j, req: req}
	for _, role := range slices.Concat([]report.Value{req.Role}, roles(req.Chain)) {
		if role.Known() {
			if err := id.checkRole(role); err != nil {
				return err
			}
		}
	}
	if req.Region.Known() && !isRegion(req.Region.Text) {
		id.Region = req.Region
		return &Error{Case: "region-malformed", Doing: "checking the region", Usage: fromFlag(req.Region), Facts: id.facts()}
	}
	if req.SessionName.Known() {
		if err := nameSession(id); err != nil {
			return err
		}
	}
	if req.Endpoint.Known() {
		_, err := id.allowed(req.Endpoint)
		return err
	}
	return nil
}

func roles(chain []Step) []report.Value {
	var out []report.Value
	for _, s := range chain {
		out = append(out, s.Role)
	}
	return out
}

// Pieces are what the credentials depend on, for the name of a stored entry.
func (id Identity) Pieces() []string {
	r := id.req
	out := []string{
		string(id.Source), id.Token.Claims.Issuer, id.Token.Claims.Subject, id.Role.Text, id.Region.Text,
		id.Endpoint.Text, id.agent().Text, r.Duration.String(), r.Policy.Text, id.Session.Text, id.job.Get("CI_JOB_ID"),
	}
	out = append(out, "accounts")
	out = append(out, r.Accounts...)
	out = append(out, "chain")
	for _, s := range id.Chain {
		out = append(out, s.Role.Text, s.ExternalID)
	}
	out = append(out, "policies")
	out = append(out, r.PolicyARNs...)
	out = append(out, "tags")
	for _, t := range r.Tags {
		out = append(out, t.Key, t.Value)
	}
	return out
}

func (id *Identity) now() time.Time {
	if id.req.Now == nil {
		return time.Now()
	}
	return id.req.Now()
}

// Limit is how long an exchange may take: the timeout, and the time to wait
// while AWS denies.
func (id Identity) Limit() time.Duration { return id.req.Timeout + id.req.Wait }
