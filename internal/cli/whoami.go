package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const whoamiDescription = `Prints who this job is to AWS, to Kubernetes, to the token's issuer and to GitLab,
every value with its source. When AWS says no, it prints all that is known and
then what is wrong. Makes one call to STS; --offline makes none.

   ci-aws whoami
   ci-aws whoami --verify --allowed-account 123456789012
   ci-aws whoami --offline --output json`

func whoamiCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "whoami", Usage: "who this job is to AWS, Kubernetes and GitLab", Description: whoamiDescription,
		Flags: withCommon(
			boolFlag("verify", "ask STS once more who the credentials belong to, and compare"),
			boolFlag("offline", "make no call"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return whoamiOptions{s, s.c.Bool("verify"), s.c.Bool("offline")}.run(ctx, io, t)
		}),
	}
}

type whoamiOptions struct {
	settings        settings
	verify, offline bool
}

func (o whoamiOptions) run(ctx context.Context, io IO, t *talk) error {
	if err := noArgs(o.settings.c); err != nil {
		return err
	}
	if o.verify && o.offline {
		return usagef("--verify makes a call and --offline forbids it: leave one out")
	}
	asJSON, err := o.settings.asJSON()
	if err != nil {
		return err
	}
	id, err := resolve(ctx, o.settings, t)
	if exitCode(err) == exitUsage {
		return err
	}
	var session identity.Session
	if err == nil && !o.offline {
		session, err = o.ask(ctx, &id, t)
	}
	page := newPage(o, &id, session, err)
	if werr := page.write(io, t, asJSON); werr != nil {
		return werr
	}
	if err == nil && !o.offline {
		t.detail("CloudTrail", report.Value{Text: cloudTrailQuery(&id, session), From: "finds its calls"})
	}
	return err
}

// ask gets the session, and who it belongs to where the exchange does not tell.
func (o whoamiOptions) ask(ctx context.Context, id *identity.Identity, t *talk) (identity.Session, error) {
	ctx, cancel := withTimeout(ctx, *id)
	defer cancel()
	session, err := exchange(ctx, id, t)
	if err != nil {
		return session, err
	}
	untold := !session.ARN.Known() && !id.FinalRole().Known()
	if !o.verify && !untold {
		return session, nil
	}
	caller, err := id.Caller(ctx, session)
	if o.verify && identity.NotOffered(err) && id.Endpoint.Known() {
		t.warn("the endpoint has no GetCallerIdentity, so the identity was not verified")
		return session, nil
	}
	if err != nil {
		return session, err
	}
	if err := id.Verify(ctx, session, caller); err != nil {
		return session, err
	}
	if session.ARN.Known() {
		return session, nil
	}
	return caller, nil
}

// cloudTrailQuery finds a session by its name, which CloudTrail takes for the
// user name of an assumed role.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func cloudTrailQuery(id *identity.Identity, s identity.Session) string {
	return "aws cloudtrail lookup-events --region " + id.Region.Text +
		" --lookup-attributes AttributeKey=Username,AttributeValue=" + s.Name().Or(id.Session).Text
}

// page is what whoami prints.
type page struct {
	groups   []group
	warnings []string
	finding  *report.Finding
	verdict  string
	missing  string
}

type group struct {
	name string
	rows []row
}

type row struct {
	name  string
	value report.Value
}

func newPage(o whoamiOptions, id *identity.Identity, session identity.Session, err error) page {
	p := page{missing: "not given", verdict: "ok", warnings: slices.Concat(id.Warnings, id.Foreign)}
	if f, ok := identity.Finding(err); ok {
		p.finding = &f
	}
	switch exitCode(err) {
	case exitNo:
		p.verdict = "fail"
	case exitNoVerdict:
		p.verdict = "unknown"
	}
	p.groups = []group{
		{"aws", awsRows(id, session)},
		{"kubernetes", kubernetesRows(id)},
		{"token", tokenRows(id)},
		{"gitlab", nil},
	}
	for _, f := range o.settings.job.GitLab() {
		p.groups[3].rows = append(p.groups[3].rows, row{f.Name, f.Value})
	}
	return p
}

func awsRows(id *identity.Identity, s identity.Session) []row {
	role := s.RoleName()
	return []row{
		{"arn", s.ARN},
		{"account", s.Account},
		{"role", role},
		{"role_arn", id.FinalRole()},
		{"session", s.Name().Or(id.SessionName())},
		{"expires", timeValue(s.Keys.Expires, s.Keys.ID.From)},
		{"region", id.Region},
		{"source", report.Value{Text: string(id.Source), From: id.Why}},
		{"provider", s.Provider},
	}
}

func kubernetesRows(id *identity.Identity) []row {
	c, from := id.Token.Claims, "the token"
	if c.Namespace == "" {
		c, from = id.Pod.Claims, id.Pod.From.From
	}
	return []row{
		{"namespace", told(c.Namespace, from)},
		{"service_account", told(c.ServiceAccount, from)},
		{"pod", told(c.Pod, from)},
		{"node", told(c.Node, from)},
	}
}

func tokenRows(id *identity.Identity) []row {
	c := id.Token.Claims
	return []row{
		{"issuer", told(c.Issuer, "iss")},
		{"subject", told(c.Subject, "sub")},
		{"audience", told(strings.Join(c.Audience, " "), "aud")},
		{"expires", timeValue(c.Expires, "exp")},
		{"from", id.Token.From},
	}
}

func told(text, from string) report.Value {
	if text == "" {
		return report.Value{}
	}
	return report.Value{Text: text, From: from}
}

func timeValue(t time.Time, from string) report.Value {
	if t.IsZero() {
		return report.Value{}
	}
	return report.Value{Text: t.UTC().Format(time.RFC3339), From: from}
}
