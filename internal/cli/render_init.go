package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/render"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const renderInitDescription = `Prints a description to start from, each key with what it is for, or writes it into a
file. With --from-token issuer, namespace, account and region are those of the job that
it runs in; no call is made.

   ci-aws render init --file ci-aws.yaml
   ci-aws render init --from-token`

func renderInitCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "print a description to start from", Description: renderInitDescription,
		Flags: slices.Concat([]cli.Flag{
			stringFlag("file", "write into `FILE`, which must not be there yet"),
			boolFlag("force", "overwrite that file"),
			boolFlag("from-token", "fill in what the job's token and role say"),
		}, commonFlags()),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return renderInitOptions{s}.run(ctx, io, t)
		}),
	}
}

type renderInitOptions struct{ settings settings }

func (o renderInitOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	if err := noArgs(s.c); err != nil {
		return err
	}
	file, err := s.given("file")
	if err != nil {
		return err
	}
	if s.c.Bool("force") && !file.Known() {
		return usagef("reading --force: it is for --file")
	}
	var d render.Description
	if s.c.Bool("from-token") {
		if err := s.fromToken(ctx, t, &d); err != nil {
			return err
		}
	}
	text := t.redact.Redact(render.Commented(d))
	if !file.Known() {
		_, err = fmt.Fprint(io.Out, text)
		return writeFailed(err)
	}
	how := os.O_EXCL
	if s.c.Bool("force") {
		how = os.O_TRUNC
	}
	err = writeNew(file.Text, text, how)
	switch {
	case errors.Is(err, fs.ErrExist):
		return &hintedError{
			fmt.Errorf("writing %q: it is there already", report.Clean(file.Text)),
			[]string{"give another --file, or --force to overwrite this one"},
		}
	case err != nil:
		return &hintedError{fmt.Errorf("writing %q: %w", report.Clean(file.Text), bare(err)), []string{"let --file name a file in a folder that you can write"}}
	}
	return nil
}

func writeNew(name, text string, how int) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|how, 0o644) //nolint:gosec // the user's own file, to be committed
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// fromToken fills in what the job's identity says and nobody gave: issuer and
// namespace from the token of its service account, the account from its role.
func (s settings) fromToken(ctx context.Context, t *talk, d *render.Description) error {
	id, survey := identity.Examine(ctx, s.job, identity.Request{Source: identity.Auto, Now: s.now})
	t.redact.Add(id.Token.Raw, id.Pod.Raw)
	token := id.Token
	if token.Claims.ServiceAccount == "" {
		token = id.Pod
	}
	instead := []string{"run it in a job whose pod has a service account with a role, or give --issuer, --namespace and --account without --from-token"}
	claims := token.Claims
	if claims.ServiceAccount == "" || claims.Issuer == "" {
		err := errors.Join(survey.Source, survey.Token)
		if err == nil {
			err = errors.New("reading the token: it is of no service account of Kubernetes")
		}
		return &hintedError{err, instead}
	}
	from := report.Clean(token.From.From)
	d.Fill("issuer", report.Value{Text: claims.Issuer, From: from})
	d.Fill("namespace", report.Value{Text: claims.Namespace, From: from})
	if role, err := iam.ParseRoleARN(id.Role.Text); err == nil {
		d.Fill("account", report.Value{Text: role.Account, From: id.Role.From})
	}
	if region := regionOf(claims.Issuer, id.Region.Text); region != "" {
		d.Fill("region", report.Value{Text: region, From: from})
	}
	return nil
}
