package identity

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Keys are AWS credentials.
type Keys struct {
	ID      report.Value
	Secret  report.Secret
	Token   report.Secret // empty for long-term keys
	Expires time.Time     // the zero time where it is not told
}

// Session is what an exchange gave. A value that the service did not tell is
// unknown.
type Session struct {
	Keys     Keys
	ARN      report.Value // of the session
	Account  report.Value
	Audience report.Value // the audience that STS took the token for
	Provider report.Value // the provider that STS found
}

// Exchange gets the credentials of the job's role: one call for the token, one
// for each role of the chain. The account is checked before anything is returned.
func (id *Identity) Exchange(ctx context.Context) (Session, error) {
	if err := id.refuseAccount(id.roleAccount()); err != nil {
		return Session{}, err
	}
	s, err := id.newSDK()
	if err != nil {
		return Session{}, err
	}
	session, err := id.waitOut(ctx, func(ctx context.Context) (Session, error) { return id.exchange(ctx, s) })
	if err != nil {
		return Session{}, err
	}
	if len(id.req.Accounts) > 0 && !session.Account.Known() && !id.Role.Known() {
		caller, err := id.caller(ctx, s, session)
		if err != nil {
			return Session{}, err
		}
		session.ARN, session.Account = caller.ARN, caller.Account
	}
	if err := id.requireAccount(session.Account); err != nil {
		return Session{}, err
	}
	return session, nil
}

func (id *Identity) exchange(ctx context.Context, s sdk) (session Session, err error) {
	switch id.Source {
	case Ambient:
		session = Session{Keys: id.ambientKeys()}
	case PodIdentity:
		session, err = id.askAgent(ctx, s)
	default:
		session, err = id.webIdentity(ctx, s)
	}
	for i := 0; i < len(id.Chain) && err == nil; i++ {
		session, err = id.assume(ctx, s, session, i)
	}
	return session, err
}

// between is how long to wait before a denied exchange is tried again.
const between = 5 * time.Second

// waitOut repeats an exchange that was denied for as long as Request.Wait says:
// a role that was made a moment ago is denied until it is known everywhere. Each
// try has the whole timeout.
func (id *Identity) waitOut(ctx context.Context, exchange func(context.Context) (Session, error)) (Session, error) {
	waited, stop := context.WithTimeout(ctx, id.req.Wait)
	defer stop()
	for {
		session, err := id.try(ctx, exchange)
		var e *Error
		if !errors.As(err, &e) || e.Case != "trust-denied" && e.Case != "chain-denied" || waited.Err() != nil {
			return session, err
		}
		pause := between
		if end, ok := waited.Deadline(); ok {
			pause = min(pause, time.Until(end))
		}
		select {
		case <-ctx.Done():
			return Session{}, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func (id *Identity) try(ctx context.Context, exchange func(context.Context) (Session, error)) (Session, error) {
	ctx, cancel := context.WithTimeout(ctx, id.req.Timeout)
	defer cancel()
	return exchange(ctx)
}

// recorder keeps the whole answer, of which stscreds gives the keys only, and
// decides retries last: stscreds makes every InvalidIdentityToken
// retryable.
type recorder struct {
	*sts.Client
	retryer aws.Retryer
	answer  *sts.AssumeRoleWithWebIdentityOutput
}

func (r *recorder) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, opts ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	opts = append(slices.Clone(opts), func(o *sts.Options) { o.Retryer = r.retryer })
	out, err := r.Client.AssumeRoleWithWebIdentity(ctx, in, opts...)
	r.answer = out
	return out, err
}

// jwt gives the SDK the token.
type jwt report.Secret

func (j jwt) GetIdentityToken() ([]byte, error) { return []byte(report.Secret(j).Reveal()), nil }

func (id *Identity) webIdentity(ctx context.Context, s sdk) (Session, error) {
	s.last.forget()
	client := &recorder{Client: s.sts(id, aws.AnonymousCredentials{}), retryer: s.retryer}
	last := len(id.Chain) == 0
	provider := stscreds.NewWebIdentityRoleProvider(client, id.Role.Text, jwt(id.Token.Raw), func(o *stscreds.WebIdentityRoleOptions) {
		o.RoleSessionName = id.Session.Text
		o.Duration = id.lasts(last)
		if last {
			o.Policy, o.PolicyARNs = id.policy(), id.policyARNs()
		}
	})
	keys, err := provider.Retrieve(ctx)
	if err != nil && client.answer != nil {
		err = errNoCredentials
	}
	if err != nil {
		return Session{}, id.failed(ctx, call{op: "AssumeRoleWithWebIdentity", doing: "exchanging the token", sdk: s}, err)
	}
	session := newSession(keys, client.answer.AssumedRoleUser, "AssumeRoleWithWebIdentity")
	session.Audience = report.Value{Text: aws.ToString(client.answer.Audience), From: "AssumeRoleWithWebIdentity"}
	session.Provider = report.Value{Text: aws.ToString(client.answer.Provider), From: "AssumeRoleWithWebIdentity"}
	return session, nil
}

// assumer keeps the answer of a chained AssumeRole.
type assumer struct {
	*sts.Client
	answer *sts.AssumeRoleOutput
}

func (a *assumer) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, opts ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	out, err := a.Client.AssumeRole(ctx, in, opts...)
	a.answer = out
	return out, err
}

// assume takes the chain's step n with the session before it.
func (id *Identity) assume(ctx context.Context, s sdk, before Session, n int) (Session, error) {
	step, last := id.Chain[n], n == len(id.Chain)-1
	s.last.forget()
	client := &assumer{Client: s.sts(id, before.Keys.provider())}
	provider := stscreds.NewAssumeRoleProvider(client, step.Role.Text, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = id.Session.Text
		o.Duration = id.lasts(last)
		if step.ExternalID != "" {
			o.ExternalID = aws.String(step.ExternalID)
		}
		if last {
			o.Policy, o.PolicyARNs, o.Tags = id.policy(), id.policyARNs(), id.tags()
		}
	})
	keys, err := provider.Retrieve(ctx)
	if err != nil && client.answer != nil {
		err = errNoCredentials
	}
	if err != nil {
		return Session{}, id.failed(ctx, call{"AssumeRole", "assuming the chained role", s, id.stepFacts(before, n)}, err)
	}
	return newSession(keys, client.answer.AssumedRoleUser, "AssumeRole"), nil
}

// stepFacts name the role that a step wanted, and the one that asked for it.
func (id *Identity) stepFacts(before Session, n int) catalogue.Facts {
	asker := id.Role.Text
	if n > 0 {
		asker = id.Chain[n-1].Role.Text
	}
	caller := cmp.Or(before.ARN.Text, asker)
	f := catalogue.Facts{
		"role": id.Chain[n].Role.Text, "role-from": id.Chain[n].Role.From,
		"caller": caller, "caller-role": cmp.Or(asker, caller),
	}
	if arn, err := iam.ParseRoleARN(id.Chain[n].Role.Text); err == nil {
		f["account"] = arn.Account
	}
	return f
}

func (k Keys) provider() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: k.ID.Text, SecretAccessKey: k.Secret.Reveal(), SessionToken: k.Token.Reveal()}, nil
	})
}

func newSession(c aws.Credentials, user *types.AssumedRoleUser, from string) Session {
	s := Session{Keys: Keys{
		ID: report.Value{Text: c.AccessKeyID, From: from}, Secret: report.NewSecret(c.SecretAccessKey),
		Token: report.NewSecret(c.SessionToken), Expires: c.Expires,
	}}
	if user != nil && aws.ToString(user.Arn) != "" {
		s.ARN = report.Value{Text: *user.Arn, From: from}
	}
	if c.AccountID != "" {
		s.Account = report.Value{Text: c.AccountID, From: from}
	}
	return s
}

func (id *Identity) lasts(last bool) time.Duration {
	if !last {
		return intermediate
	}
	return id.duration()
}

func (id *Identity) policy() *string {
	if !id.req.Policy.Known() {
		return nil
	}
	return aws.String(id.req.Policy.Text)
}

func (id *Identity) policyARNs() []types.PolicyDescriptorType {
	var out []types.PolicyDescriptorType
	for _, arn := range id.req.PolicyARNs {
		out = append(out, types.PolicyDescriptorType{Arn: aws.String(arn)})
	}
	return out
}

func (id *Identity) tags() []types.Tag {
	var out []types.Tag
	for _, t := range id.req.Tags {
		out = append(out, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}

// Trust is what a trust policy must name to admit this very token; false where
// role or token do not tell it.
func (id *Identity) Trust() (iam.Trust, bool) {
	arn, err := iam.ParseRoleARN(id.Role.Text)
	c := id.Token.Claims
	if err != nil || c.AuthorizedParty == "" && len(c.Audience) != 1 { // which of several STS compares is not documented
		return iam.Trust{}, false
	}
	return iam.Trust{
		Partition: arn.Partition, Account: arn.Account,
		Issuer: c.Issuer, Subject: c.Subject, Audience: c.STSAudience(),
	}, true
}

// trustPolicy writes the trust policy that admits this very token.
func (id *Identity) trustPolicy() []report.Snippet {
	t, ok := id.Trust()
	if !ok {
		return nil
	}
	return []report.Snippet{{For: "the trust policy, as JSON", Text: t.JSON()}}
}

// roleAccount is the account in the final role's ARN.
func (id *Identity) roleAccount() report.Value {
	role := id.FinalRole()
	if arn, err := iam.ParseRoleARN(role.Text); err == nil {
		return report.Value{Text: arn.Account, From: role.From}
	}
	return report.Value{}
}

// refuseAccount refuses an account that is known and not allowed.
func (id *Identity) refuseAccount(account report.Value) error {
	if !account.Known() || len(id.req.Accounts) == 0 || slices.Contains(id.req.Accounts, account.Text) {
		return nil
	}
	return id.accountError("account-refused", account)
}

// requireAccount refuses an account that is not allowed, or not known.
func (id *Identity) requireAccount(account report.Value) error {
	if len(id.req.Accounts) > 0 && !account.Known() {
		return id.accountError("account-unknown", account)
	}
	return id.refuseAccount(account)
}

func (id *Identity) accountError(kase string, account report.Value) error {
	f := id.facts()
	maps.Copy(f, catalogue.Facts{
		"account": account.Text, "allowed": strings.Join(id.req.Accounts, ", "), "allowed-from": id.req.AccountsSet, "role": id.FinalRole().Text,
	})
	return &Error{Case: kase, Doing: "checking the account", Facts: f}
}
