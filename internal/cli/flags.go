package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// commonFlags are those of every command.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("timeout", "give up after `TIME` (30s)"),
		stringFlag("output", "print `FORM`: text or json; commands with findings take junit too (text)"),
		boolFlag("verbose", "say facts and their sources on stderr, never a secret"),
		boolFlag("version", "print the version"),
	}
}

// withCommon puts a command's own flags before those that it shares.
func withCommon(own ...cli.Flag) []cli.Flag {
	return slices.Concat(own, identityFlags(), commonFlags())
}

// withToken puts a command's own flags before those that say which token and
// which role are meant, for a command that makes no call.
func withToken(own ...cli.Flag) []cli.Flag {
	token := slices.DeleteFunc(identityFlags(), func(f cli.Flag) bool {
		return !slices.Contains([]string{"role-arn", "source", "token-file", "id-token-env", "region", "session-name"}, f.Names()[0])
	})
	return slices.Concat(own, token, commonFlags())
}

// identityFlags are those of every command that needs credentials.
func identityFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("role-arn", "assume the role `ARN` (AWS_ROLE_ARN, for IRSA)"),
		listFlag("chain-role-arn", "then assume the role `ARN[,external-id=X]`; repeatable"),
		stringFlag("source", "take the identity from `SOURCE`: auto, gitlab, irsa, pod-identity or ambient (auto)"),
		stringFlag("token-file", "read the token from `FILE` (AWS_WEB_IDENTITY_TOKEN_FILE)"),
		stringFlag("id-token-env", "take the GitLab ID token from variable `NAME` (CI_AWS_ID_TOKEN)"),
		stringFlag("region", "use `REGION` (AWS_REGION, AWS_DEFAULT_REGION, a profile, the token's issuer)"),
		stringFlag("endpoint-url", "call STS at `URL` (AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL)"),
		listFlag("allow-endpoint-host", "let the token go to `HOST`, which is not AWS's; has no variable"),
		stringFlag("duration", "ask for a session of `TIME`, 15m to 12h (1h)"),
		stringFlag("session-name", "call the session `NAME` in CloudTrail (project and job id)"),
		stringFlag("session-policy", "narrow the session by the policy in `FILE`"),
		listFlag("session-policy-arn", "narrow the session by the managed policy `ARN`; repeatable"),
		listFlag("session-tag", "tag the session `KEY=VALUE`; repeatable, chained roles only: web identity takes none"),
		listFlag("allowed-account", "fail unless the role is in account `ID`; repeatable or comma-separated"),
		stringFlag("expect-service-account", "fail unless the pod runs under `[NAMESPACE/]NAME`, by its token"),
		stringFlag("wait", "try for `TIME` while AWS denies, as it does for a new role (0s)"),
	}
}

// action runs a command with its settings.
func action(io IO, t *talk, run func(context.Context, settings) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.Bool("version") {
			cli.ShowVersion(c)
			return nil
		}
		s := settings{c: c, job: job.Read(io.Environ, io.Root), now: io.Now}
		t.redact.Add(s.job.Secrets(c.String("id-token-env"))...)
		verbose, err := s.yes("verbose")
		if err != nil {
			return err
		}
		t.verbose = verbose
		if c.Value("log-section") != nil {
			if err := t.wantsSection(s); err != nil {
				return err
			}
		}
		return run(c.Context, s)
	}
}

// noArgs refuses arguments where a command takes none.
func noArgs(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("%s takes no argument: %q", strings.TrimPrefix(c.Command.HelpName, "ci-aws "), report.Clean(c.Args().First()))
	}
	return nil
}

// asJSON reads --output.
func (s settings) asJSON() (bool, error) {
	v, err := s.value("output")
	if err != nil {
		return false, err
	}
	switch v.Text {
	case "", "text":
		return false, nil
	case "json":
		return true, nil
	}
	return false, wrong(v, "unknown form %q: want text or json", report.Clean(v.Text))
}

// resolve finds out who the job is, and says it when --verbose was given. What
// was learnt before an error is returned with it.
func resolve(ctx context.Context, s settings, t *talk) (identity.Identity, error) {
	outranked := s.outranked()
	req, err := s.request()
	if err != nil {
		s.warnOfOutranked(t)
		return identity.Identity{Warnings: outranked}, err
	}
	id, err := identity.Resolve(ctx, s.job, req)
	t.redact.Add(id.Token.Raw, id.Pod.Raw)
	id.Warnings = append(outranked, id.Warnings...)
	for _, w := range id.Warnings {
		t.warn(w)
	}
	t.facts(id)
	// An account that nobody expected explains whatever else is missing.
	if other := id.CheckServiceAccount(req.ServiceAccount, near.Slip); other != nil && (err == nil || identity.CaseOf(other) == "account-of-pod" && exitCode(err) != exitUsage) {
		err = other
	}
	if err == nil && len(id.Chain) == 0 {
		err = s.unheeded(id.Source, t)
	}
	return id, err
}

// unheeded refuses settings that no call would carry where the source has no
// chained role: what should narrow a session must not be dropped in silence.
func (s settings) unheeded(source identity.Source, t *talk) error {
	if err := s.refuse("session-tag", "session tags need --chain-role-arn, since a web-identity session takes none"); err != nil {
		return err
	}
	if source != identity.PodIdentity && source != identity.Ambient {
		return nil
	}
	what := "it has no effect, since source " + string(source) + " has a session already; it needs --role-arn or --chain-role-arn"
	for _, flag := range []string{"session-policy", "session-policy-arn", "duration"} {
		if err := s.refuse(flag, what); err != nil {
			return err
		}
	}
	if v, err := s.value("session-name"); err != nil || v.Known() {
		t.warn("the session name of " + v.From + " has no effect, since source " + string(source) + " has a session already")
	}
	return nil
}

// refuse is an error if the setting is given.
func (s settings) refuse(flag, what string) error {
	values, err := s.values(flag)
	if err != nil || len(values) == 0 {
		return err
	}
	return wrong(values[0], "%s", what)
}

func (t *talk) facts(id identity.Identity) {
	if !t.verbose {
		t.inSection("source", report.Value{Text: string(id.Source), From: id.Why})
		t.inSection("role", id.Role)
		for _, step := range id.Chain {
			t.inSection("chained role", step.Role)
		}
		t.inSection("region", id.Region)
		return
	}
	claims := id.Token.Claims
	t.detail("source", report.Value{Text: string(id.Source), From: id.Why})
	t.detail("token", id.Token.From)
	t.detail("issuer", report.Value{Text: claims.Issuer, From: "the token"})
	t.detail("subject", report.Value{Text: claims.Subject, From: "the token"})
	t.detail("audience", report.Value{Text: strings.Join(claims.Audience, " "), From: "the token"})
	t.detail("role", id.Role)
	for _, step := range id.Chain {
		t.detail("chained role", step.Role)
	}
	t.detail("region", id.Region)
	t.detail("endpoint", id.Endpoint)
	t.detail("session", id.SessionName())
}

// withTimeout bounds what a command does. The time that --wait gives is added.
func withTimeout(ctx context.Context, id identity.Identity) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, id.Limit())
}

// exchange gets the session of a command, and says first where the token goes
// if that is not AWS.
func exchange(ctx context.Context, id *identity.Identity, t *talk) (identity.Session, error) {
	for _, w := range id.Foreign {
		t.warn(w)
	}
	if t.io.Ready != nil {
		<-t.io.Ready
	}
	session, err := id.Exchange(ctx)
	t.redact.Add(session.Keys.Secret, session.Keys.Token)
	if end := session.Keys.Expires; err == nil && !end.IsZero() && end.Before(t.io.Now()) {
		t.warn("the credentials ended at " + end.UTC().Format(time.RFC3339) + " by this machine's clock")
	}
	return session, err
}
