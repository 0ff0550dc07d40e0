package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"gitlab.com/ci-aws/ci-aws/internal/report"
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

// JSON gives the trust policy that admits this token and no other subject or
// audience, indented by two spaces, without a final newline.
func (t Trust) JSON() string {
	return indented(struct {
		Version   string
		Statement []trustStatement
	}{Version, []trustStatement{t.statement()}})
}

// Terraform gives the same policy as the argument of a resource "aws_iam_role", as
// `terraform fmt` leaves it, without a final newline. It is jsonencode and not
// the data source aws_iam_policy_document, which reads "&{" in a value as the
// start of a policy variable and so cannot hold every subject.
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document
func (t Trust) Terraform() string {
	s := t.statement()
	conditions := hclObject{}
	for _, key := range slices.Sorted(maps.Keys(s.Condition["StringEquals"])) {
		conditions = append(conditions, hclMember{key, s.Condition["StringEquals"][key]})
	}
	policy := hclObject{
		{"Version", Version},
		{"Statement", []hclObject{{
			{"Effect", s.Effect},
			{"Principal", hclObject{{"Federated", s.Principal["Federated"]}}},
			{"Action", s.Action},
			{"Condition", hclObject{{"StringEquals", conditions}}},
		}}},
	}
	return "assume_role_policy = jsonencode(" + policy.hcl(0) + ")"
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
	return printable(strings.TrimSuffix(b.String(), "\n"))
}

// printable writes what a terminal or a job log would obey, and not show, as JSON
// escapes. The policy keeps its meaning.
func printable(document string) string {
	var b strings.Builder
	for _, r := range document {
		switch {
		case r == '\n' || unicode.IsPrint(r) && !unicode.Is(unicode.Bidi_Control, r):
			b.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
	}
	return strings.NewReplacer("section_start:", `section_start\u003a`, "section_end:", `section_end\u003a`).Replace(b.String())
}

// ProviderCommand is the line for a shell that makes the IAM OIDC provider of the
// issuer, with the audience as its client id.
// https://docs.aws.amazon.com/cli/latest/reference/iam/create-open-id-connect-provider.html
func (t Trust) ProviderCommand() string {
	return "aws iam create-open-id-connect-provider --url " + report.ShellWord(t.Issuer) + " --client-id-list " + report.ShellWord(t.Audience)
}
