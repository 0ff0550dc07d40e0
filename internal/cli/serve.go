package cli

import (
	"context"

	"gitlab.com/ci-aws/ci-aws/internal/credserver"
	"gitlab.com/ci-aws/ci-aws/internal/export"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/mask"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// serve starts the endpoint that gives the command credentials and renews them,
// and returns the command's environment with it.
func (o execOptions) serve(ctx context.Context, io IO, id identity.Identity, masker *mask.Masker, t *talk) (*credserver.Server, []string, error) {
	req, err := o.settings.request() // once: the command may change the files that settings name
	if err != nil {
		return nil, nil, err
	}
	start, cancel := withTimeout(ctx, id)
	defer cancel()
	server, err := credserver.Start(start, credserver.Config{
		Fetch: func(ctx context.Context) (credserver.Credentials, error) {
			c, err := o.renew(ctx, req, t)
			return c, t.safe(err)
		},
		OnRenew: func(c credserver.Credentials) {
			masker.Add(c.SecretAccessKey, c.SessionToken)
		},
		Now: io.Now,
	})
	if err != nil {
		return nil, nil, err
	}
	t.redact.Add(report.NewSecret(server.Token()))
	masker.Add(server.Token())
	region := []export.Var{{Name: "AWS_REGION", Value: id.Region.Text}, {Name: "AWS_DEFAULT_REGION", Value: id.Region.Text}}
	return server, server.Environ(with(io.Environ, region, idTokens(id))), nil
}

// renew exchanges anew, with the token as it is now: the kubelet replaces it
// while a job runs.
func (o execOptions) renew(ctx context.Context, req identity.Request, t *talk) (credserver.Credentials, error) {
	id, err := identity.Resolve(ctx, o.settings.job, req)
	t.redact.Add(id.Token.Raw)
	if err != nil {
		return credserver.Credentials{}, err
	}
	ctx, cancel := withTimeout(ctx, id)
	defer cancel()
	session, err := exchange(ctx, &id, t)
	return credserver.Credentials{
		AccessKeyID: session.Keys.ID.Text, SecretAccessKey: session.Keys.Secret.Reveal(), SessionToken: session.Keys.Token.Reveal(),
		Expires: session.Keys.Expires, AccountID: session.Account.Text,
	}, err
}
