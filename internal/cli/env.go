package cli

import (
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/export"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const envDescription = `Prints lines that put the credentials into the shell that evals them. Whatever
fails, the line is "false" (sh, fish), so that the eval fails too; dotenv and json
print nothing then.

   ci_aws_env=$(ci-aws env) || exit $?; eval "$ci_aws_env"; unset ci_aws_env
   ci-aws env --format fish | source
   eval "$(ci-aws env --unset)"`

func envCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "env", Usage: "print credentials as exports for a shell", Description: envDescription,
		Flags: withCommon(
			stringFlag("format", "print for `SHELL`: sh, fish, dotenv or json (sh)"),
			boolFlag("isolate", "also unset the web-identity and container variables, which some tools read first"),
			boolFlag("log-section", logSectionUsage),
			boolFlag("unset", "print lines that unset what env sets; earlier values do not come back"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return envOptions{s, s.c.Bool("isolate"), s.c.Bool("unset")}.run(ctx, io, t)
		}),
	}
}

// profiles are the variables that would send tools to a profile instead.
var profiles = []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}

// otherSources are the variables of web identity and of container credentials.
// https://github.com/opensearch-project/terraform-provider-opensearch/issues/334
var otherSources = []string{
	"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
}

type envOptions struct {
	settings       settings
	isolate, unset bool
}

func (o envOptions) run(ctx context.Context, io IO, t *talk) error {
	if err := noArgs(o.settings.c); err != nil {
		return err
	}
	format, err := o.format()
	if err != nil {
		return err
	}
	if o.unset {
		if format == export.Dotenv {
			return usagef("env: a dotenv file cannot unset variables")
		}
		return writeFailed(export.Write(io.Out, format, nil, names(variables(identity.Session{}, report.Value{}))))
	}
	if o.settings.job.InGitLab() && o.settings.job.True("CI_DEBUG_TRACE") {
		return &hintedError{
			errors.New("printing credentials: CI_DEBUG_TRACE would print them into the job log"),
			[]string{"run the command by `ci-aws exec -- COMMAND`, or write a profile with `ci-aws configure`", "or remove CI_DEBUG_TRACE from the job's variables"},
		}
	}
	if err := refuseLog(io, o.settings.job, `capture the output: ci_aws_env=$(ci-aws env) || exit $?; eval "$ci_aws_env"`); err != nil {
		return err
	}
	if format == export.Dotenv {
		t.warn("a file of artifacts:reports:dotenv can be downloaded by whoever may see the pipeline, and later jobs get it: keep credentials out of it")
	}
	id, err := resolve(ctx, o.settings, t)
	if err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, id)
	defer cancel()
	session, err := exchange(ctx, &id, t)
	if err != nil {
		return err
	}
	t.heading(about(&id, session) + until(session))
	return o.write(io, format, variables(session, id.Region))
}

// write prints the credentials that are given, and takes away what they replace.
func (o envOptions) write(io IO, format export.Format, all []export.Var) error {
	set, unset := split(all)
	unset = append(unset, profiles...)
	if o.isolate {
		unset = append(unset, otherSources...)
	}
	return writeFailed(export.Write(io.Out, format, set, unset))
}

func (o envOptions) format() (export.Format, error) {
	v, err := o.settings.value("format")
	if err != nil {
		return "", err
	}
	asJSON, err := o.settings.asJSON()
	if err != nil {
		return "", err
	}
	switch {
	case asJSON && !v.Known():
		return export.JSON, nil
	case !v.Known():
		return export.Sh, nil
	}
	f, err := export.ParseFormat(v.Text)
	if err != nil {
		return "", wrong(v, "%v", err)
	}
	return f, nil
}

// variables are what env and exec set, in order.
func variables(s identity.Session, region report.Value) []export.Var {
	expires := ""
	if !s.Keys.Expires.IsZero() {
		expires = s.Keys.Expires.UTC().Format(time.RFC3339)
	}
	return []export.Var{
		{Name: "AWS_ACCESS_KEY_ID", Value: s.Keys.ID.Text},
		{Name: "AWS_SECRET_ACCESS_KEY", Value: s.Keys.Secret.Reveal()},
		{Name: "AWS_SESSION_TOKEN", Value: s.Keys.Token.Reveal()},
		{Name: "AWS_CREDENTIAL_EXPIRATION", Value: expires},
		{Name: "AWS_REGION", Value: region.Text},
		{Name: "AWS_DEFAULT_REGION", Value: region.Text},
	}
}

// split tells the variables that have a value from those to take away: a
// leftover session token would spoil long-term keys.
func split(all []export.Var) (set []export.Var, unset []string) {
	for _, v := range all {
		if v.Value == "" {
			unset = append(unset, v.Name)
		} else {
			set = append(set, v)
		}
	}
	return set, unset
}

func names(vars []export.Var) []string {
	var out []string
	for _, v := range vars {
		out = append(out, v.Name)
	}
	return out
}
