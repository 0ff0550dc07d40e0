package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/trust"
)

const trustDescription = `Prints the trust policy that admits this job's token, or says which field of a trust
policy keeps it out. Makes no call.

   ci-aws trust show --format terraform
   aws iam get-role --role-name k8s-irsa-gitlab-jobs | ci-aws trust check -`

func trustCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "trust", Usage: "the trust policy that this job's role needs", Description: trustDescription,
		Subcommands: []*cli.Command{trustShowCommand(io, t), trustCheckCommand(io, t)},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usagef("trust: want one of show, check")
			}
			return usagef("trust: unknown command %q: want one of show, check", report.Clean(c.Args().First()))
		},
	}
}

const trustShowDescription = `Prints the trust policy that admits this job's token and no other: its issuer, sub
and aud, and the provider in the role's account. With --sub, --aud, --issuer and
--account it needs neither a token nor a role.

   ci-aws trust show
   ci-aws trust show --format terraform --account 123456789012`

func trustShowCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "print the trust policy that admits this token", Description: trustShowDescription,
		Flags: withToken(append(trustFlags(), stringFlag("format", "write the policy as `FORMAT`: json or terraform (json)"))...),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return trustShowOptions{s}.run(ctx, io, t)
		}),
	}
}

// trustFlags say what a token says and where the role is. No variable sets
// them: a policy is judged against what stands on the command line, or the job.
func trustFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("sub", "take `SUB` for the token's subject"),
		stringFlag("aud", "take `AUD` for the token's audience"),
		stringFlag("issuer", "take `URL` for the token's issuer"),
		stringFlag("account", "take `ID` for the role's account"),
		stringFlag("partition", "take `PARTITION` for the role's: aws, aws-cn or aws-us-gov (the role's, the issuer's, aws)"),
	}
}

type trustShowOptions struct{ settings settings }

func (o trustShowOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	if err := noArgs(s.c); err != nil {
		return err
	}
	format, err := s.given("format")
	if err != nil {
		return err
	}
	if format.Known() && format.Text != "json" && format.Text != "terraform" {
		return wrong(format, "unknown format %q: want json or terraform", report.Clean(format.Text))
	}
	asked, err := s.asked(ctx, t)
	if err != nil {
		return err
	}
	r, err := asked.request("")
	if err != nil {
		return err
	}
	warnOfIssuer(t, r.Issuer)
	text := r.Trust().JSON()
	if format.Text == "terraform" {
		text = r.Trust().Terraform()
	}
	_, err = fmt.Fprintln(io.Out, t.redact.Redact(text))
	return writeFailed(err)
}

// given is a flag that has no variable.
func (s settings) given(flag string) (report.Value, error) {
	if !s.c.IsSet(flag) {
		return report.Value{}, nil
	}
	return s.value(flag)
}

// asked is what the flags and the job say about the token and the role.
type asked struct {
	sub, aud, issuer, account, partition report.Value
	role                                 report.Value // its ARN
	session                              report.Value // its name, not known for a call that is not this job's
	id                                   identity.Identity
	survey                               identity.Survey
}

// asked reads the flags, and the job for what they leave open.
func (s settings) asked(ctx context.Context, t *talk) (a asked, err error) {
	for _, f := range []struct {
		name string
		at   *report.Value
	}{{"sub", &a.sub}, {"aud", &a.aud}, {"issuer", &a.issuer}, {"account", &a.account}, {"partition", &a.partition}} {
		if *f.at, err = s.given(f.name); err != nil {
			return a, err
		}
	}
	if err := a.check(); err != nil {
		return a, err
	}
	s.warnOfOutranked(t)
	req, err := s.request()
	if err != nil {
		return a, err
	}
	a.id, a.survey = identity.Examine(ctx, s.job, req)
	t.redact.Add(a.id.Token.Raw, a.id.Pod.Raw)
	if req.SessionName.Known() || s.job.Name().ID.Known() && !a.sub.Known() {
		a.session = a.id.SessionName()
	}
	// Pod Identity's and ambient keys' role is another than the one that a token asks for.
	a.role = a.id.Role
	if req.Role.Known() {
		a.role = req.Role
	}
	if _, perr := iam.ParseRoleARN(a.role.Text); a.role.Known() && perr != nil {
		if a.survey.Role != nil {
			return a, a.survey.Role
		}
		return a, wrong(a.role, "%q %v", report.Clean(a.role.Text), perr)
	}
	return a, nil
}

// check refuses flags that cannot be what they say.
func (a asked) check() error {
	if v := a.account; v.Known() && !isAccountID(v.Text) {
		return wrong(v, "%q is not an account id of 12 digits", report.Clean(v.Text))
	}
	if v := a.partition; v.Known() {
		if _, err := iam.ParseRoleARN("arn:" + v.Text + ":iam::123456789012:role/x"); err != nil {
			return wrong(v, "%q is no partition of AWS: want aws, aws-cn, aws-us-gov or another of AWS's", report.Clean(v.Text))
		}
	}
	if v := a.issuer; v.Known() && (iam.ProviderName(v.Text) == "" || strings.ContainsAny(v.Text, " \t\r\n")) {
		return wrong(v, "%q is not the URL of an issuer", report.Clean(v.Text))
	}
	if v := a.issuer; !isHTTPS(v.Text) {
		return wrong(v, "%q is not https, and IAM makes a provider of an https URL only", report.Clean(v.Text))
	}
	return nil
}

// isHTTPS takes an issuer without a scheme for one of https, as IAM names them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
func isHTTPS(issuer string) bool {
	scheme, _, ok := strings.Cut(issuer, "://")
	return !ok || strings.EqualFold(scheme, "https")
}

// warnOfIssuer says that a token's issuer can have no provider.
func warnOfIssuer(t *talk, issuer report.Value) {
	if !isHTTPS(issuer.Text) {
		t.warn(fmt.Sprintf("the issuer %s is not https, and IAM makes a provider of an https URL only: no trust policy admits this token", issuer))
	}
}

// request joins the flags with the token and the role, of which roleARN is taken
// where the job names none.
func (a asked) request(roleARN string) (trust.Request, error) {
	r := trust.Request{Issuer: a.issuer, Subject: a.sub, Audience: a.aud, Session: a.session}
	if !a.sub.Known() || !a.aud.Known() || !a.issuer.Known() {
		if err := a.token(&r); err != nil {
			return r, err
		}
	}
	role, account := a.role, a.account
	if !role.Known() && roleARN != "" {
		role = report.Value{Text: roleARN, From: "the file"}
	}
	arn, err := iam.ParseRoleARN(role.Text)
	switch {
	case err == nil:
		r.Role, r.Partition = role.Text, arn.Partition
		account = account.Or(report.Value{Text: arn.Account, From: role.From})
	case !account.Known() && a.survey.Role != nil && a.id.Token.Known():
		return r, &hintedError{a.survey.Role, []string{"or give the role's account by --account"}}
	case !account.Known():
		return r, usagef("the role's account is not known: give --account or --role-arn")
	default:
		r.Partition = iam.PartitionOfRegion(regionOf(r.Issuer.Text, a.id.Region.Text))
	}
	r.Account = account
	if a.partition.Known() {
		r.Partition = a.partition.Text
	}
	return r, nil
}

// token takes from the job's token what no flag gives.
func (a asked) token(r *trust.Request) error {
	instead := []string{"or give --sub, --aud and --issuer, which need no token"}
	for _, err := range []error{a.survey.Source, a.survey.Token} {
		if err != nil {
			return &hintedError{err, instead}
		}
	}
	if a.id.Source == identity.PodIdentity || a.id.Source == identity.Ambient {
		return &hintedError{
			fmt.Errorf("reading the token: source %s presents none to the role", a.id.Source),
			append([]string{"a role for EKS Pod Identity trusts the service pods.eks.amazonaws.com, whatever the token"}, instead...),
		}
	}
	claims := a.id.Token.Claims
	from := "the token"
	r.Issuer = r.Issuer.Or(told(claims.Issuer, from))
	r.Subject = r.Subject.Or(told(claims.Subject, from))
	if !r.Audience.Known() {
		r.Audience, r.Audiences = told(claims.STSAudience(), from), claims.Audience
		switch {
		case claims.AuthorizedParty != "":
			r.Audiences, r.Other = []string{claims.AuthorizedParty}, claims.Audience
		case len(claims.Audience) > 1:
			r.Audience.Text = claims.Audience[0]
		}
	}
	for _, missing := range []struct {
		name  string
		value report.Value
	}{{"iss", r.Issuer}, {"sub", r.Subject}, {"aud", r.Audience}} {
		if !missing.value.Known() {
			return &hintedError{fmt.Errorf("reading the token from %s: it has no %s", report.Clean(a.id.Token.From.From), missing.name), instead}
		}
	}
	return nil
}

// regionOf is the region in the issuer of an EKS cluster, else the other.
func regionOf(issuer, otherwise string) string {
	labels := strings.Split(iam.ProviderName(issuer), ".")
	if len(labels) > 3 && labels[0] == "oidc" && strings.HasPrefix(labels[1], "eks") {
		return labels[2]
	}
	return otherwise
}
