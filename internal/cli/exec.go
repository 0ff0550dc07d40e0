package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/child"
	"gitlab.com/ci-aws/ci-aws/internal/credserver"
	"gitlab.com/ci-aws/ci-aws/internal/export"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/mask"
)

const execDescription = `Runs a command with the credentials in its environment, and masks the secret key
and the session token in what it prints. Encodings of them (base64, say) are not
masked. The exit code is the command's own.

   ci-aws exec -- aws s3 ls s3://my-bucket
   ci-aws exec --serve -- ./a-job-that-outlives-a-session
   ci-aws exec --no-masking -- sh -c 'aws sts get-caller-identity | jq .Account'`

func execCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "exec", Usage: "run a command with the credentials", Description: execDescription, ArgsUsage: "[--] COMMAND [ARG…]",
		Flags: withCommon(
			boolFlag("isolate", "also take the web-identity and container variables away"),
			boolFlag("no-masking", "hand stdout and stderr to the command as they are"),
			boolFlag("serve", "give the command an endpoint on loopback that renews the credentials, in place of keys"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return execOptions{s, s.c.Bool("isolate"), s.c.Bool("no-masking"), s.c.Bool("serve")}.run(ctx, io, t)
		}),
	}
}

type execOptions struct {
	settings                   settings
	isolate, noMasking, served bool
}

func (o execOptions) run(ctx context.Context, io IO, t *talk) error {
	if o.settings.c.NArg() == 0 {
		return usagef("exec: no command: write it after --")
	}
	if _, err := o.settings.asJSON(); err != nil {
		return err
	}
	id, err := resolve(ctx, o.settings, t)
	if err != nil {
		return err
	}
	masker := mask.New()
	prepare := o.give
	if o.served {
		prepare = o.serve
	}
	server, env, err := prepare(ctx, io, id, masker, t)
	if err != nil {
		return err
	}
	if server != nil {
		defer func() { _ = server.Close() }()
	}
	command := child.Command{Args: o.settings.c.Args().Slice(), Env: env, In: io.In, Out: io.Out, Err: io.Err}
	if !o.noMasking {
		command.Wrap = wrap(masker)
	}
	code, err := command.Run(ctx)
	if err != nil {
		return &childError{err, code}
	}
	if code != 0 {
		return exitStatus(code)
	}
	return nil
}

func wrap(m *mask.Masker) func(io.Writer) io.WriteCloser {
	return func(w io.Writer) io.WriteCloser { return m.Writer(w) }
}

// childError is a command that could not be run, with the code that a shell
// gives then.
type childError struct {
	error
	code int
}

func (e *childError) Unwrap() error { return e.error }

// give puts the credentials that env would export into the command's
// environment. There is no server.
func (o execOptions) give(ctx context.Context, io IO, id identity.Identity, masker *mask.Masker, t *talk) (*credserver.Server, []string, error) {
	ctx, cancel := withTimeout(ctx, id)
	defer cancel()
	session, err := exchange(ctx, &id, t)
	if err != nil {
		return nil, nil, err
	}
	masker.Add(session.Keys.Secret.Reveal(), session.Keys.Token.Reveal())
	set, away := split(variables(session, id.Region))
	away = slices.Concat(away, profiles, idTokens(id))
	if o.isolate {
		away = append(away, otherSources...)
	}
	return nil, with(io.Environ, set, away), nil
}

// idTokens are the variables that may hold the token of the exchange, which is
// not the command's.
func idTokens(id identity.Identity) []string { return []string{identity.IDTokenEnv, id.IDTokenEnv()} }

// with is an environment in which some variables are set and others are gone.
func with(environ []string, set []export.Var, away []string) []string {
	away = append(slices.Clone(away), names(set)...)
	out := without(environ, away)
	for _, v := range set {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

func without(environ, away []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(away, name)
	})
}
