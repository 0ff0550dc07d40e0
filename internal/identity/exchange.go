package identity

import (
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
	if err := id.checkAccount(id.roleAccount(), false); err != nil {
		return Session{}, err
	}
	s, err := newSDK()
	if err != nil {
		return Session{}, err
	}
	session, err := id.waitOut(ctx, func() (Session, error) { return id.exchange(ctx, s) })
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
	return session, id.checkAccount(session.Account, true)
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
// a role that was made a moment ago is denied until it is known everywhere.
func (id *Identity) waitOut(ctx context.Context, exchange func() (Session, error)) (Session, error) {
	until := time.Now().Add(id.req.Wait)
	for {
		session, err := exchange()
		var e *Error
		denied := errors.As(err, &e) && (e.Case == "trust-denied" || e.Case == "chain-denied")
		if !denied || time.Now().Add(between).After(until) {
			return session, err
		}
		select {
		case <-ctx.Done():
			return session, err
		case <-time.After(between):
		}
	}
}

// recorder keeps the whole answer, of which stscreds gives the keys only, and
// has the last word on retries: stscreds makes every InvalidIdentityToken
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
	if err != nil {
		return Session{}, id.callFailed(ctx, "AssumeRoleWithWebIdentity", "exchanging the token", err, nil)
	}
	session := id.session(keys, client.answer.AssumedRoleUser, "AssumeRoleWithWebIdentity")
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
	if err != nil {
		return Session{}, id.callFailed(ctx, "AssumeRole", "assuming the chained role", err, id.stepFacts(before, n))
	}
	return id.session(keys, client.answer.AssumedRoleUser, "AssumeRole"), nil
}

// stepFacts name the role that a step wanted, and the one that asked for it.
func (id *Identity) stepFacts(before Session, n int) catalogue.Facts {
	asker := id.Role.Text
	if n > 0 {
		asker = id.Chain[n-1].Role.Text
	}
	caller := before.ARN.Text
	switch {
	case caller == "" && asker != "":
		caller = asker
	case caller == "":
		caller = "the role of source " + string(id.Source)
	}
	if asker == "" {
		asker = caller
	}
	f := catalogue.Facts{
		"role": id.Chain[n].Role.Text, "role-from": id.Chain[n].Role.From,
		"caller": caller, "caller-role": asker, "now": timeText(time.Now()),
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

func (id *Identity) session(c aws.Credentials, user *types.AssumedRoleUser, from string) Session {
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

// trust writes the trust policy that admits this very token.
func (id *Identity) trust() string {
	arn, err := iam.ParseRoleARN(id.Role.Text)
	if err != nil {
		return ""
	}
	c := id.Token.Claims
	return iam.Trust{
		Partition: arn.Partition, Account: arn.Account,
		Issuer: c.Issuer, Subject: c.Subject, Audience: c.STSAudience(),
	}.JSON()
}

// roleAccount is the account in the final role's ARN.
func (id *Identity) roleAccount() report.Value {
	role := id.FinalRole()
	if arn, err := iam.ParseRoleARN(role.Text); err == nil {
		return report.Value{Text: arn.Account, From: role.From}
	}
	return report.Value{}
}

// checkAccount refuses an account that is not allowed; must says that an
// account that is not known is refused too.
func (id *Identity) checkAccount(account report.Value, must bool) error {
	allowed := id.req.Accounts
	if len(allowed) == 0 || slices.Contains(allowed, account.Text) || !account.Known() && !must {
		return nil
	}
	e := &Error{Case: "account-refused", Doing: "checking the account", Facts: id.facts()}
	maps.Copy(e.Facts, catalogue.Facts{
		"account": account.Text, "allowed": strings.Join(allowed, ","), "allowed-from": id.req.AccountsSet, "role": id.FinalRole().Text,
	})
	if !account.Known() {
		e.Case = "account-unknown"
	}
	return e
}
