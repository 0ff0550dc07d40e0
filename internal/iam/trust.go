package iam

import (
	"encoding/json"
	"strings"
)

// Version is the policy language that every policy written here uses.
const Version = "2012-10-17"

// WebIdentityAction is what a trust policy has to allow for a token to be exchanged.
const WebIdentityAction = "sts:AssumeRoleWithWebIdentity"

// Trust is what a role's trust policy must name to admit one token.
type Trust struct {
	Partition string // of the role
	Account   string // of the role, which must hold the provider too
	Issuer    string // the token's iss
	Subject   string // the token's sub
	Audience  string // the token's aud
}

// ProviderName gives an issuer as IAM names it, in provider ARNs and condition
// keys: without its scheme, everything else (a trailing slash too) kept.
func ProviderName(issuer string) string {
	if _, name, ok := strings.Cut(issuer, "://"); ok {
		return name
	}
	return issuer
}

// ProviderARN gives the ARN of the IAM OIDC provider for an issuer.
func ProviderARN(partition, account, issuer string) string {
	return "arn:" + partition + ":iam::" + account + ":oidc-provider/" + ProviderName(issuer)
}

type trustStatement struct {
	Effect    string
	Principal map[string]string
	Action    string
	Condition map[string]map[string]string
}

func (t Trust) statement() trustStatement {
	name := ProviderName(t.Issuer)
	return trustStatement{
		Effect:    "Allow",
		Principal: map[string]string{"Federated": ProviderARN(t.Partition, t.Account, t.Issuer)},
		Action:    WebIdentityAction,
		Condition: map[string]map[string]string{"StringEquals": {
			name + ":aud": literal(t.Audience),
			name + ":sub": literal(t.Subject),
		}},
	}
}

// Statement gives the JSON of the one statement that admits this token and no
// other subject or audience, indented by two spaces, without a final newline.
func (t Trust) Statement() string { return indented(t.statement()) }

// JSON gives a whole trust policy with only that statement.
func (t Trust) JSON() string {
	return indented(struct {
		Version   string
		Statement []trustStatement
	}{Version, []trustStatement{t.statement()}})
}

// literal keeps a text from being read as a policy variable.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func literal(s string) string { return strings.ReplaceAll(s, "${", "${$}{") }

func indented(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // strings and maps of strings always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}
