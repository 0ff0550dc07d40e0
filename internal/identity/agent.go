package identity

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// askAgent gets the role's credentials from the Pod Identity agent. The token
// file is read anew for each call, since the kubelet renews it.
func (id *Identity) askAgent(ctx context.Context, s sdk) (Session, error) {
	uri := id.agent().Text
	s.last.forget()
	provider := endpointcreds.New(uri, func(o *endpointcreds.Options) {
		o.HTTPClient, o.Retryer = s.client, s.retryer
		o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
			token, err := readToken(id.job.Get(agentTokenFile), agentTokenFile)
			return token.Raw.Reveal(), asAgentToken(err)
		})
	})
	keys, err := provider.Retrieve(ctx)
	if err != nil {
		return Session{}, id.failed(ctx, call{op: catalogue.AgentOp, doing: "asking the Pod Identity agent", sdk: s}, err)
	}
	return newSession(keys, nil, "the Pod Identity agent"), nil
}

// Caller asks STS who a session's keys belong to.
func (id *Identity) Caller(ctx context.Context, session Session) (Session, error) {
	s, err := id.newSDK()
	if err != nil {
		return Session{}, err
	}
	return id.caller(ctx, s, session)
}

func (id *Identity) caller(ctx context.Context, s sdk, session Session) (Session, error) {
	const op = "GetCallerIdentity"
	s.last.forget()
	out, err := s.sts(id, session.Keys.provider()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Session{}, id.failed(ctx, call{op: op, doing: "asking STS who the credentials belong to", sdk: s}, err)
	}
	session.ARN = report.Value{Text: aws.ToString(out.Arn), From: op}
	session.Account = report.Value{Text: aws.ToString(out.Account), From: op}
	return session, nil
}

// Verify compares the ARN that the exchange gave with the caller's.
func (id *Identity) Verify(ctx context.Context, session, caller Session) error {
	if session.ARN.Text == "" || caller.ARN.Text == "" || session.ARN.Text == caller.ARN.Text {
		return nil
	}
	f := id.facts()
	f["arn"], f["caller"] = session.ARN.Text, caller.ARN.Text
	_, f["endpoint-from"] = id.host(ctx, "GetCallerIdentity")
	return &Error{Case: "identity-differs", Doing: "comparing identities", Facts: f}
}

// Name is the session's name in the ARN; unknown where the ARN is not one of
// AWS's.
func (s Session) Name() report.Value {
	if arn, err := iam.ParseAssumedRole(s.ARN.Text); err == nil {
		return report.Value{Text: arn.Session, From: s.ARN.From}
	}
	return report.Value{}
}

// RoleName is the role in the ARN of a session; unknown where the ARN is not
// one of AWS's.
func (s Session) RoleName() report.Value {
	if arn, err := iam.ParseAssumedRole(s.ARN.Text); err == nil {
		return report.Value{Text: arn.Role, From: s.ARN.From}
	}
	return report.Value{}
}
