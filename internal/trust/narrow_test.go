package trust_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/trust"
)

// narrow are the sentences of trust-narrow's findings, by their state.
func narrow(r trust.Result) map[report.Status][]string {
	all := map[report.Status][]string{}
	for _, f := range r.Report.Findings() {
		if f.ID == "trust-narrow" {
			all[f.Status] = append(all[f.Status], f.Cause)
		}
	}
	return all
}

// like is the policy of a request with another subject, under StringLike.
func like(r trust.Request, subject string) string {
	r.Subject.Text = subject
	return strings.Replace(r.Trust().JSON(), "StringEquals", "StringLike", 1)
}

func TestARandomWildcardThatLetsStrangersInIsWarnedOf(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8)) //nolint:gosec // a test that runs the same each time
	for range 400 {
		req := generated(r)
		start := strings.Index(req.Subject.Text, ":") + 1
		end := strings.Index(req.Subject.Text, ":ref_type")
		if end < 0 {
			start, end = len("system:serviceaccount:"), len(req.Subject.Text)
		}
		// A * in place of a part of the name, which may be empty, or a ? in place of one character.
		from := start + r.IntN(end-start)
		to := from + r.IntN(end-from+1)
		wild := "*"
		if r.IntN(3) == 0 {
			wild, to = "?", from+1
			if strings.ContainsRune(":/", rune(req.Subject.Text[from])) {
				continue // nothing but this character can stand there
			}
		}
		pattern := req.Subject.Text[:from] + wild + req.Subject.Text[to:]
		result := check(t, like(req, pattern), req)
		got := narrow(result)
		if result.Decision != iam.Allowed || len(got[report.Warn]) == 0 || len(got) != 1 {
			t.Fatalf("%q for %q: %v, %q", pattern, req.Subject.Text, result.Decision, got)
		}
		if strings.Contains(strings.Join(got[report.Warn], ""), "(not known)") {
			t.Errorf("%q has a gap", got)
		}
	}
}

func TestAWildcardOverTheRefsOfOneProjectIsANote(t *testing.T) {
	const of = `" in statement 1 admits every `
	for _, c := range []struct{ pattern, want string }{
		{"project_path:group/project:*", `branch and tag of the project "group/project"`},
		{"project_path:group/project:ref_type:*", `branch and tag of the project "group/project"`},
		{"project_path:group/project:ref_type:branch:ref:*", `branch of the project "group/project"`},
		{"project_path:group/project:ref_type:branch:ref:m*", `branch of the project "group/project" whose name starts with "m"`},
		{"project_path:group/project:ref_type:branch:ref:mai?", `branch of the project "group/project" whose name is "mai?" with any character for each ?`},
		{"project_path:group/project:ref_type:*:ref:main", `branch and tag of the project "group/project" whose name is "main"`},
	} {
		want := map[report.Status][]string{report.Note: {`sub "` + c.pattern + of + c.want}}
		if diff := cmp.Diff(want, narrow(check(t, like(project(), c.pattern), project()))); diff != "" {
			t.Errorf("%s: %s", c.pattern, diff)
		}
	}
}

func TestAProjectWhoseTokensNameNoRefIsJudged(t *testing.T) {
	req := project()
	req.Subject.Text = "project_path:group/project"
	for pattern, want := range map[string]map[report.Status][]string{
		req.Subject.Text: {report.OK: {""}},
		"project_path:*": {report.Warn: {`sub "project_path:*" in statement 1 admits every project of the GitLab instance "https://gitlab.com"`}},
		"project_path:group/pr?ject": {report.Warn: {
			`sub "project_path:group/pr?ject" in statement 1 admits every project of the GitLab instance "https://gitlab.com" whose path is "group/pr?ject" with any character for each ?`,
		}},
	} {
		if diff := cmp.Diff(want, narrow(check(t, like(req, pattern), req))); diff != "" {
			t.Errorf("%s: %s", pattern, diff)
		}
	}
}

// TestAHugePolicyIsNotCalledNarrow: what was not probed to the end is not said
// to hold, and takes no more time for it.
func TestAHugePolicyIsNotCalledNarrow(t *testing.T) {
	values := strings.Repeat(`"system:serviceaccount:ci:`+strings.Repeat("*a", 100)+`",`, 3000)
	huge := policy(federated, exchange, `"StringLike":{"`+cluster+`:sub":[`+values+`"`+jobs+`"]}`)
	if got := narrow(check(t, huge, pod())); len(got[report.OK]) > 0 {
		t.Errorf("%q", got)
	}
}

func TestWhatBreaksAStatementIsWordedForWhatItIs(t *testing.T) {
	session := func(name string) func() trust.Request {
		return func() trust.Request {
			r := pod()
			r.Session = report.Value{Text: name, From: "--session-name"}
			return r
		}
	}
	asked := func(aud string) func() trust.Request {
		return func() trust.Request {
			r := pod()
			r.Audience.Text = aud
			return r
		}
	}
	const anyone = `{"Statement":[{"Effect":"Allow","Principal":` + federated + `,` + exchange + `,"Condition":{` + subAndAud + `}},{"Effect":"Deny","Principal":"*","Action":"*"}]}`
	for _, c := range []struct {
		name, policy, id string
		status           report.Status
		cause            string
		fixes            []string // whole
		request          func() trust.Request
	}{
		{
			"a session name of the call", policy(federated, exchange, subAndAud+`,"StringLike":{"sts:RoleSessionName":"x-*"}`), "trust-condition", report.Fail,
			`the condition StringLike on "sts:RoleSessionName" does not hold: it expects "x-*", and the call has "ci-aws"`,
			[]string{"every condition of a statement has to hold: change this condition, or remove it"},
			session("ci-aws"),
		},
		{
			"a slip in EKS's own audience", policy(federated, exchange, `"StringEquals":{"`+cluster+`:aud":"sts.amazon.com"}`), "trust-audience", report.Fail,
			`the policy expects aud "sts.amazon.com", and the token has "sts.amazonaws.com"`,
			[]string{`the policy has another text than sts.amazonaws.com, which is what EKS asks for: write "sts.amazonaws.com" in the policy`},
			pod,
		},
		{
			"one letter in EKS's own audience", policy(federated, exchange, `"StringEquals":{"`+cluster+`:aud":"sts.amazonaws.co"}`), "trust-audience", report.Fail,
			`the policy expects aud "sts.amazonaws.co", and the token has "sts.amazonaws.com"`,
			[]string{`the text has a slip: one character differs: write "sts.amazonaws.com"`},
			pod,
		},
		{
			"an audience that an annotation asks for", policy(federated, exchange, `"StringEquals":{"`+cluster+`:aud":"sts.amazonaws.com"}`), "trust-audience", report.Fail,
			`the policy expects aud "sts.amazonaws.com", and the token has "vault"`,
			[]string{`the service account's annotation eks.amazonaws.com/audience asks for "vault": remove the annotation, or write "vault" in the policy`},
			asked("vault"),
		},
		{
			"an operator with a letter missing", sub("StringEqual", jobs), "trust-condition", report.Unknown,
			`whether the condition on "` + cluster + `:sub" holds cannot be told: its operator "StringEqual" is none that IAM documents`,
			[]string{`the operator has a slip: one character differs: did you mean "StringEquals"? Then write that`},
			pod,
		},
		{
			"an operator in small letters", sub("stringequals", jobs), "trust-condition", report.Unknown,
			`whether the condition on "` + cluster + `:sub" holds cannot be told: its operator "stringequals" is none that IAM documents`,
			[]string{`the operator has a slip: the letter case differs: did you mean "StringEquals"? Then write that`},
			pod,
		},
		{
			"an operator with a blank behind it", sub("StringEquals ", jobs), "trust-condition", report.Unknown,
			`whether the condition on "` + cluster + `:sub" holds cannot be told: its operator "StringEquals " is none that IAM documents`,
			[]string{`the operator has a slip: white space around it differs: did you mean "StringEquals"? Then write that`},
			pod,
		},
		{
			"a set operator in small letters", sub("forAnyValue:StringLikeIfExists", jobs), "trust-condition", report.Unknown,
			`whether the condition on "` + cluster + `:sub" holds cannot be told: its operator "forAnyValue:StringLikeIfExists" is none that IAM documents`,
			[]string{`the operator has a slip: the letter case differs: did you mean "ForAnyValue:StringLikeIfExists"? Then write that`},
			pod,
		},
		{
			"an operator of nobody", sub("Equals", jobs), "trust-condition", report.Unknown,
			`whether the condition on "` + cluster + `:sub" holds cannot be told: its operator "Equals" is none that IAM documents`,
			[]string{"IAM has no operator of that name: write one that it has, such as StringEquals or StringLike"},
			pod,
		},
		{
			"a Deny for everyone without a condition", anyone, "trust-deny", report.Unknown,
			`whether statement 2 denies "` + jobs + `" cannot be told: whether "*" admits a principal that is not of AWS is not documented`,
			[]string{"it may be that the principal of statement 2 stands for this token too, and nothing else keeps the Deny from it: remove statement 2, or look at CloudTrail for the refused AssumeRoleWithWebIdentity"},
			pod,
		},
		{
			"an empty list for sub", policy(federated, exchange, `"StringEquals":{"`+cluster+`:sub":[]}`), "trust-subject", report.Fail,
			`the condition StringEquals on "` + cluster + `:sub" in statement 1 lists no value, so nothing fits it`,
			[]string{`one of its values has to fit, and there is none: write "` + jobs + `" there`},
			pod,
		},
		{
			"an empty list for aud", policy(federated, exchange, `"StringLike":{"`+cluster+`:aud":[]}`), "trust-audience", report.Fail,
			`the condition StringLike on "` + cluster + `:aud" in statement 1 lists no value, so nothing fits it`,
			[]string{`one of its values has to fit, and there is none: write "sts.amazonaws.com" there`},
			pod,
		},
		{
			"an empty list of actions", policy(federated, `"Action":[]`, subAndAud), "trust-action", report.Fail,
			`Action in statement 1 lists no value, so nothing fits it`,
			[]string{`one of its values has to fit, and there is none: write "sts:AssumeRoleWithWebIdentity" there`},
			pod,
		},
		{
			"an empty list of providers", policy(`{"Federated":[]}`, exchange, subAndAud), "trust-principal", report.Fail,
			`Principal in statement 1 lists no value, so nothing fits it`,
			[]string{`one of its values has to fit, and there is none: write "` + providerARN + `" there`},
			pod,
		},
		{
			"a Resource", policy(federated, exchange+`,"Resource":"*"`, subAndAud), "trust-condition", report.Unknown,
			`whether statement 1 admits the token cannot be told: it has Resource "*", which has no place in a trust policy`,
			[]string{"it may be that IAM refuses the whole policy for it, with Has prohibited field Resource: remove Resource from statement 1"},
			pod,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _ := check(t, c.policy, c.request()).Report.First()
			got := report.Finding{ID: f.ID, Status: f.Status, Cause: f.Cause, Hints: f.Hints}
			if diff := cmp.Diff(report.Finding{ID: c.id, Status: c.status, Cause: c.cause, Hints: c.fixes}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
