// Package trust judges a role's trust policy against one token: whether it
// admits the token, and if not, which field of which statement is wrong, by how
// much, and what the policy would have to say instead. It also warns of a policy
// that admits more than this token. It makes no call and never guesses: what
// only AWS can know is "unknown".
package trust

import (
	"fmt"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Request is a token that asks for a role.
type Request struct {
	Issuer    report.Value // iss
	Subject   report.Value // sub
	Audience  report.Value // what STS takes for the audience: azp, else aud
	Audiences []string     // all of them where aud is a list; nil for just Audience
	Other     []string     // aud where the token has azp as well: the key oaud
	Partition string       // of the role
	Account   report.Value // of the role
	Role      string       // the role's ARN, "" where it is not known
	Session   report.Value // the session's name; not known outside of the job
}

// Trust is the policy that admits exactly this token.
func (r Request) Trust() iam.Trust {
	return iam.Trust{
		Partition: r.Partition, Account: r.Account.Text, Issuer: r.Issuer.Text,
		Subject: r.Subject.Text, Audience: r.Audience.Text,
	}
}

// provider is the issuer as IAM names it.
func (r Request) provider() string { return iam.ProviderName(r.Issuer.Text) }

// call is what STS asks the role's trust policy. A token gives the keys aud, oaud
// and sub, and amr where it has it, which tokens of EKS and GitLab have not.
func (r Request) call() iam.Request {
	audiences := r.Audiences
	if audiences == nil {
		audiences = []string{r.Audience.Text}
	}
	name := r.provider()
	c := iam.Request{
		Principal: []iam.Principal{{Type: federated, Name: iam.ProviderARN(r.Partition, r.Account.Text, r.Issuer.Text)}},
		Action:    iam.WebIdentityAction,
		Context:   map[string][]string{name + ":aud": audiences, name + ":oaud": r.Other, name + ":sub": {r.Subject.Text}, name + ":amr": nil},
	}
	if r.Session.Known() {
		c.Context[sessionName] = []string{r.Session.Text}
	}
	return c
}

const (
	federated   = "Federated"
	sessionName = "sts:RoleSessionName"
)

// Result is what a policy says to a token. Its report has one group.
type Result struct {
	Decision   iam.Decision
	Report     report.Report
	Statements []Statement // in the order of the file
}

// Statement is one statement of the policy against the token. Its texts are
// clean.
type Statement struct {
	Number   int          `json:"statement"` // counts from 1
	Sid      string       `json:"sid"`
	Effect   string       `json:"effect"`
	Applies  iam.Truth    `json:"applies"`
	Where    report.Place `json:"where"`
	Elements []Element    `json:"elements"`
}

// Element is one element of a statement: a condition, or Principal, Action and
// the like.
type Element struct {
	Name     string       `json:"element"`
	Operator string       `json:"operator"`
	Key      string       `json:"key"`
	Expected []string     `json:"expected"`
	Actual   []string     `json:"actual"`
	Holds    iam.Truth    `json:"holds"`
	Why      []string     `json:"why"` // what keeps it from holding, or from being told
	Where    report.Place `json:"where"`
}

// maxStatements bounds the work. IAM's quota for a trust policy is far below it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxStatements = 500

// Check judges the document against the request. File is its name for people.
// The error is a predicate about the policy.
func Check(d iam.Document, file string, r Request) (Result, error) {
	policy, err := iam.ParsePolicy(d.Policy)
	if err != nil {
		return Result{}, err
	}
	if n := len(policy.Statements); n > maxStatements {
		return Result{}, fmt.Errorf("policy has %d statements, more than %d", n, maxStatements)
	}
	c := &checker{Request: r, policy: policy, result: policy.Evaluate(r.call()), file: file, base: d.Base, effort: maxEffort}
	if first, err := iam.ParsePolicyKeepingFirst(d.Policy); err == nil && len(policy.Duplicates) > 0 {
		c.firstAdmits = first.Evaluate(r.call()).Decision == iam.Allowed
	}
	out := Result{Decision: c.result.Decision}
	for i := range c.result.Statements {
		out.Statements = append(out.Statements, c.statement(i))
	}
	out.Report.Groups = []report.Group{{ID: "trust", Title: "the trust policy in " + report.Clean(file), Findings: c.findings()}}
	return out, nil
}

type checker struct {
	Request
	policy      iam.Policy
	result      iam.Result
	file        string
	base        iam.Position // where the policy stands if it is a text in the file
	firstAdmits bool         // with the first of duplicate members the token would be admitted
	effort      int          // what is left for probing, see spend
}

// place is where something of the policy stands in the file.
func (c *checker) place(at iam.Position) report.Place {
	if c.base.Line > 0 {
		at = c.base
	}
	return report.Place{File: c.file, Line: at.Line, Column: at.Column}
}

func (c *checker) statement(i int) Statement {
	s := c.result.Statements[i]
	out := Statement{
		Number: i + 1, Sid: report.Clean(s.Sid), Effect: s.Effect, Applies: s.Applies, Where: c.place(s.At), Elements: []Element{},
	}
	for _, check := range s.Checks {
		e := Element{
			Name: check.Element, Operator: report.Clean(check.Operator), Key: report.Clean(check.Key),
			Expected: cleaned(check.Expected), Actual: cleaned(check.Actual), Holds: check.Holds,
			Where: c.place(check.At), Why: []string{},
		}
		// A Deny that does not apply is as it should be.
		if s.Effect == "Allow" && check.Holds != iam.Yes {
			for _, slip := range c.slips(i, check) {
				e.Why = append(e.Why, slip.finding().Cause)
			}
		}
		out.Elements = append(out.Elements, e)
	}
	return out
}

func cleaned(texts []string) []string {
	out := []string{}
	for _, t := range texts {
		out = append(out, report.Clean(t))
	}
	return out
}

// slip is one reason why an element does not hold.
type slip struct {
	kase     string
	check    string // in place of the case's own, "" for that
	facts    catalogue.Facts
	evidence []report.Value
	where    []report.Place
}

func (s slip) finding() report.Finding {
	kase := catalogue.Find(s.kase)
	if s.check != "" {
		kase.Check = s.check
	}
	f := kase.Finding(s.facts, s.evidence)
	f.Where = s.where
	return f
}

// facts are what every finding can name.
func (c *checker) facts(statement int) catalogue.Facts {
	f := catalogue.Facts{
		"sub": c.Subject.Text, "issuer": c.Issuer.Text, "aud": c.Audience.Text, "account": c.Account.Text, "role": c.Role,
		"provider": iam.ProviderARN(c.Partition, c.Account.Text, c.Issuer.Text), "provider-name": c.provider(),
		"statement": strconv.Itoa(statement + 1),
	}
	pod := strings.HasPrefix(c.Subject.Text, serviceAccounts)
	project := strings.HasPrefix(c.Subject.Text, projects)
	// EKS asks for this audience, unless an annotation says another.
	f.Say("aud-other", pod && c.Audience.Text != stsAudience)
	f.Say("gitlab", project)
	f.Say("other-issuer", !pod && !project)
	if c.Role != "" {
		f["role-from"] = c.Account.From
	}
	return f
}

const (
	serviceAccounts = "system:serviceaccount:"
	projects        = "project_path:"
	// https://github.com/aws/amazon-eks-pod-identity-webhook#usage
	stsAudience = "sts.amazonaws.com"
)

// Pastes are the policy that admits exactly this token, in both languages.
func (r Request) Pastes() []report.Snippet {
	const what = "the trust policy that admits this token (keep the other statements that are still needed), as "
	return []report.Snippet{
		{For: what + "JSON", Text: r.Trust().JSON()},
		{For: what + "an argument of Terraform's resource aws_iam_role", Text: r.Trust().Terraform()},
	}
}
