package cli

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/credstore"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const credentialProcessDescription = `Prints credentials as the AWS CLI and SDKs want them of a credential_process.
They start it for each command; what it got is kept, sealed by the token, until
shortly before it expires. ` + "`ci-aws configure`" + ` writes the profile that calls it.

   ci-aws credential-process
   ci-aws credential-process --role-arn arn:aws:iam::123456789012:role/deploy --no-store`

func credentialProcessCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "credential-process", Usage: "print credentials for an AWS profile's credential_process", Description: credentialProcessDescription,
		Flags: withCommon(
			boolFlag("no-store", "neither use nor keep stored credentials"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			noStore, err := s.yes("no-store")
			if err != nil {
				return err
			}
			return credentialProcessOptions{s, noStore}.run(ctx, io, t)
		}),
	}
}

type credentialProcessOptions struct {
	settings settings
	noStore  bool
}

// document is what the SDKs read.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
type document struct {
	Version         int
	AccessKeyId     string //nolint:revive // the format's spelling
	SecretAccessKey string
	SessionToken    string `json:",omitempty"`
	Expiration      string `json:",omitempty"`
	AccountId       string `json:",omitempty"` //nolint:revive // the format's spelling
}

func (o credentialProcessOptions) run(ctx context.Context, io IO, t *talk) error {
	if err := noArgs(o.settings.c); err != nil {
		return err
	}
	if _, err := o.settings.asJSON(); err != nil {
		return err
	}
	if err := refuseLog(io, o.settings.job, "let an AWS profile call it: ci-aws configure"); err != nil {
		return err
	}
	id, err := resolve(ctx, o.settings, t)
	if err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, id)
	defer cancel()
	store := o.store(io, t)
	defer func() { _ = store.Close() }()
	doc, err := store.Do(ctx, credstore.Name(id.Pieces()...), []byte(id.Token.Raw.Reveal()), func(ctx context.Context) ([]byte, time.Time, error) {
		session, err := exchange(ctx, &id, t)
		if err != nil {
			return nil, time.Time{}, err
		}
		return encode(session), keepUntil(session, id), nil
	})
	if err != nil {
		return err
	}
	_, err = io.Out.Write(doc)
	return writeFailed(err)
}

func encode(s identity.Session) []byte {
	expires := ""
	if !s.Keys.Expires.IsZero() {
		expires = s.Keys.Expires.UTC().Format(time.RFC3339)
	}
	doc, err := json.MarshalIndent(document{
		Version: 1, AccessKeyId: s.Keys.ID.Text, SecretAccessKey: s.Keys.Secret.Reveal(),
		SessionToken: s.Keys.Token.Reveal(), Expiration: expires, AccountId: s.Account.Text,
	}, "", "  ")
	if err != nil {
		panic(err) // strings always encode
	}
	return append(doc, '\n')
}

// margin is how long before their end stored credentials are no longer served,
// so that the call that asked for them can finish.
const margin = 5 * time.Minute

// keepUntil is the earlier of the credentials' end, less the margin, and the
// token's end.
func keepUntil(s identity.Session, id identity.Identity) time.Time {
	until := s.Keys.Expires.Add(-margin)
	if exp := id.Token.Claims.Expires; exp.Before(until) {
		until = exp
	}
	return until
}

// store opens the job's store, or gives nil, a store that only fetches: one that
// cannot be used is no reason to stop.
func (o credentialProcessOptions) store(io IO, t *talk) *credstore.Store {
	if o.noStore {
		return nil
	}
	unusable := func(err error) { t.detail("store", report.Value{Text: err.Error()}) }
	s, err := credstore.Open(credstore.Config{
		Dir: credstore.DefaultDir(o.settings.job.Get, os.Getuid()), UID: os.Geteuid(),
		Avoid: []string{o.settings.job.Get("CI_PROJECT_DIR"), o.settings.job.Get("CI_BUILDS_DIR")},
		Now:   io.Now, Uptime: credstore.SystemUptime, Report: unusable,
	})
	if err != nil {
		unusable(err)
		return nil
	}
	return s
}
