package doctor

import (
	"errors"
	"strings"
	"sync"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// exam is one diagnosis: what was asked, and what the pod shows without a call.
// session is set by the exchange, for the checks that need it.
type exam struct {
	job    job.Job
	req    identity.Request
	o      Options
	id     identity.Identity
	survey identity.Survey

	mu      sync.Mutex // calls word their failures with the identity
	session identity.Session
}

func one(f report.Finding) []report.Finding { return []report.Finding{f} }

func holds(check string, evidence ...report.Value) []report.Finding {
	return one(catalogue.Holds(check, evidence...))
}

// failed is the finding of an error of package identity, with all that can be
// pasted to mend it.
func (e *exam) failed(err error) report.Finding {
	e.confirm(err)
	f, ok := identity.Finding(err)
	if !ok {
		return interrupted
	}
	f.Paste = e.paste(identity.CaseOf(err), f.Paste)
	return f
}

// confirm takes away what a check before has ruled out, and puts what was
// expected beside what is.
func (e *exam) confirm(err error) {
	known, ok := errors.AsType[*identity.Error](err)
	if !ok {
		return
	}
	expect := e.o.Expect
	if expect.Account.Known() {
		delete(known.Facts, "account-unconfirmed")
	}
	if expect.Role.Known() && len(e.id.Chain) == 0 {
		delete(known.Facts, "injected")
		delete(known.Facts, "chosen")
	}
	if known.Case != "trust-denied" && known.Case != "chain-denied" {
		return
	}
	for _, v := range []report.Value{expect.ServiceAccount, expect.Role, expect.Account} {
		if v.Known() {
			known.Evidence = append(known.Evidence, report.Value{Text: "as expected: " + v.Text, From: v.From})
		}
	}
}

// concerns reports whether a step failed by the question of a check.
func concerns(err error, check string) bool {
	f, ok := identity.Finding(err)
	return ok && f.ID == check
}

func (e *exam) identityPresent() []report.Finding {
	who := e.id.Who()
	if expected := e.expectedAccount(who); e.survey.Source != nil && who.Known() && expected.Known() && !identity.SameAccount(who.Text, expected.Text) {
		return one(catalogue.Waits("identity-present", "service-account-expected"))
	}
	if e.survey.Source != nil {
		return one(e.failed(e.survey.Source))
	}
	return holds("identity-present", report.Value{Text: string(e.id.Source), From: e.id.Why})
}

// webhookInjection finds AWS_ROLE_ARN set before the webhook looked: it mounts
// its token then, and sets no variable.
func (e *exam) webhookInjection() []report.Finding {
	role := e.job.Value("AWS_ROLE_ARN")
	if !role.Known() || e.job.Get("AWS_WEB_IDENTITY_TOKEN_FILE") != "" || !e.id.Mounted() {
		return holds("webhook-injection", e.job.Value("AWS_WEB_IDENTITY_TOKEN_FILE"))
	}
	return one(catalogue.Find("webhook-stopped").Finding(catalogue.Facts{
		"role": role.Text, "where": catalogue.InYAML,
	}, []report.Value{role, {Text: e.id.Token.From.Text, From: e.id.Token.From.From}}))
}

func (e *exam) awsSettings() []report.Finding {
	if err := e.id.Settings(); err != nil {
		return one(e.failed(err))
	}
	return holds("aws-settings")
}

func (e *exam) endpointAllowed() []report.Finding {
	if e.survey.Endpoint != nil {
		return one(e.failed(e.survey.Endpoint))
	}
	if len(e.id.Foreign) == 0 {
		return holds("endpoint-allowed")
	}
	f := catalogue.Holds("endpoint-allowed")
	f.Status, f.Cause = report.Note, report.Clean(strings.Join(e.id.Foreign, "; "))
	return one(f)
}

func (e *exam) tokenReadable() []report.Finding {
	if e.survey.Token != nil && !concerns(e.survey.Token, "token-is-jwt") {
		return one(e.failed(e.survey.Token))
	}
	return holds("token-readable", e.id.Token.From)
}

func (e *exam) tokenIsJWT() []report.Finding {
	if e.survey.Token != nil {
		return one(e.failed(e.survey.Token))
	}
	c := e.id.Token.Claims
	return holds("token-is-jwt", claim("sub", c.Subject), claim("iss", c.Issuer))
}

func claim(name, text string) report.Value { return report.Value{Text: text, From: name} }

// tokenAudience knows only that an audience is there: which of them the provider
// takes, STS says.
func (e *exam) tokenAudience() []report.Finding {
	aud := e.id.Token.Claims.STSAudience()
	if aud == "" && !e.id.Endpoint.Known() {
		return one(e.failed(e.id.Failure("missing-audience")))
	}
	return holds("token-audience", claim("aud", aud))
}

// tokenFresh goes by this machine's clock. STS has the last word: where it takes
// the token all the same, the clock is what is wrong.
func (e *exam) tokenFresh() []report.Finding {
	if e.id.Expired() {
		return one(e.failed(e.id.Failure("expired")))
	}
	exp := e.id.Token.Claims.Expires
	if exp.IsZero() {
		return holds("token-fresh")
	}
	found := holds("token-fresh", claim("exp", exp.UTC().Format(time.RFC3339)))
	if e.id.Token.Claims.Issued.After(e.now().Add(skew)) {
		found = append(found, catalogue.Find("clock-issued").Finding(e.id.Known(), nil))
	}
	return found
}

// skew is how far a clock may be off before AWS minds.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
const skew = 5 * time.Minute

func (e *exam) roleARN() []report.Finding {
	if e.survey.Role != nil {
		return one(e.failed(e.survey.Role))
	}
	return holds("role-arn", e.roles()...)
}

func (e *exam) roles() []report.Value {
	var all []report.Value
	if e.id.Role.Known() {
		all = append(all, e.id.Role)
	}
	for _, step := range e.id.Chain {
		all = append(all, step.Role)
	}
	return all
}

func (e *exam) roleAccount() []report.Finding {
	if err := e.id.CheckAccount(); err != nil {
		return one(e.failed(err))
	}
	return holds("role-account", report.Value{Text: strings.Join(e.req.Accounts, ", "), From: e.req.AccountsSet})
}

func (e *exam) regionKnown() []report.Finding {
	if e.survey.Region != nil && !concerns(e.survey.Region, "role-partition") {
		return one(e.failed(e.survey.Region))
	}
	return holds("region-known", e.id.Region)
}

func (e *exam) rolePartition() []report.Finding {
	if e.survey.Region != nil {
		return one(e.failed(e.survey.Region))
	}
	arn, err := iam.ParseRoleARN(e.id.FinalRole().Text)
	if err != nil {
		return holds("role-partition")
	}
	return holds("role-partition", report.Value{Text: arn.Partition, From: e.id.FinalRole().From})
}

func (e *exam) sessionName() []report.Finding {
	if e.survey.Session != nil {
		return one(e.failed(e.survey.Session))
	}
	return holds("session-name", e.id.Session)
}

// maxChained is how long AWS lets the session of a chained role last.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
const maxChained = time.Hour

func (e *exam) sessionDuration() []report.Finding {
	if len(e.id.Chain) > 0 && e.req.Duration > maxChained {
		return one(e.failed(e.id.Failure("duration-chained")))
	}
	if e.req.Duration == 0 {
		return holds("session-duration", report.Value{Text: identity.ShortDuration(identity.DefaultDuration), From: "the default"})
	}
	return holds("session-duration", report.Value{Text: identity.ShortDuration(e.req.Duration), From: e.req.DurationSet})
}

// setAt says where a variable of this job is set, as far as the pod shows it.
func (e *exam) setAt(name string) string {
	started, known := e.job.Started()
	switch {
	case !known:
		return catalogue.InYAML + "; or " + catalogue.InUI
	case started.Get(name) == e.job.Get(name):
		return catalogue.InYAML
	}
	return catalogue.InUI
}
