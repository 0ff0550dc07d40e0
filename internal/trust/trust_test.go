package trust_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/trust"
)

const cluster = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"

// pod asks as a job's pod of the reference set-up does.
func pod() trust.Request {
	return trust.Request{
		Issuer:    report.Value{Text: "https://" + cluster, From: "the token"},
		Subject:   report.Value{Text: "system:serviceaccount:gitlab:gitlab-jobs", From: "the token"},
		Audience:  report.Value{Text: "sts.amazonaws.com", From: "the token"},
		Partition: "aws",
		Account:   report.Value{Text: "123456789012", From: "AWS_ROLE_ARN"},
		Role:      "arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs",
	}
}

// project asks as a job with a GitLab ID token does.
func project() trust.Request {
	r := pod()
	r.Issuer.Text, r.Audience.Text = "https://gitlab.com", "https://gitlab.com"
	r.Subject.Text = "project_path:group/project:ref_type:branch:ref:main"
	return r
}

func check(t *testing.T, policy string, r trust.Request) trust.Result {
	t.Helper()
	result, err := trust.Check(iam.Document{Policy: []byte(policy)}, "trust.json", r)
	if err != nil {
		t.Fatalf("%v in %s", err, policy)
	}
	return result
}

// first is the id of the finding that says what is wrong, and its sentence.
func first(r trust.Result) (id, cause string) {
	f, _ := r.Report.First()
	return f.ID, f.Cause
}

// generated draws a token and a role of any partition, of EKS and of GitLab.
func generated(r *rand.Rand) trust.Request {
	pick := func(from string, least, most int) string {
		var b strings.Builder
		for range least + r.IntN(most-least+1) {
			b.WriteByte(from[r.IntN(len(from))])
		}
		return b.String()
	}
	places := []struct{ partition, region, domain string }{
		{"aws", "eu-central-1", "amazonaws.com"}, {"aws-cn", "cn-north-1", "amazonaws.com.cn"}, {"aws-us-gov", "us-gov-west-1", "amazonaws.com"},
	}
	at := places[r.IntN(len(places))]
	name := func() string { return pick("abcz", 1, 1) + pick("abz-09", 0, 8) + pick("abcz", 1, 1) }
	req := pod()
	req.Partition, req.Account.Text = at.partition, pick("0123456789", 12, 12)
	req.Role = "arn:" + at.partition + ":iam::" + req.Account.Text + ":role/" + name()
	if r.IntN(2) == 0 {
		req.Issuer.Text = "https://oidc.eks." + at.region + "." + at.domain + "/id/" + pick("0123456789ABCDEF", 32, 32)
		req.Subject.Text = "system:serviceaccount:" + name() + ":" + name()
		return req
	}
	req.Issuer.Text = "https://gitlab." + name() + ".example.com"
	req.Audience.Text = []string{req.Issuer.Text, "sts.amazonaws.com", name()}[r.IntN(3)]
	req.Subject.Text = "project_path:" + name() + "/" + name() + ":ref_type:branch:ref:" + name() + "/" + name()
	return req
}

// documents are the ways in which one policy stands in a file.
func documents(t *testing.T, policy string, r trust.Request) map[string]string {
	t.Helper()
	quoted := quote(t, policy)
	name := r.Role[strings.LastIndexByte(r.Role, '/')+1:]
	return map[string]string{
		"bare":     policy,
		"get-role": `{"Role": {"RoleName": "` + name + `", "Arn": "` + r.Role + `", "AssumeRolePolicyDocument": ` + policy + `}}`,
		"state":    `{"format_version": "1.0", "values": {"root_module": {"child_modules": [{"resources": [{"type": "aws_iam_role", "values": {"name": "` + name + `", "arn": "` + r.Role + `", "assume_role_policy": ` + quoted + `}}]}]}}}`,
		"plan":     `{"planned_values": {"root_module": {"resources": [{"type": "aws_iam_role", "values": {"name": "` + name + `", "assume_role_policy": ` + quoted + `}}]}}}`,
	}
}

func TestWhatShowPrintsCheckAdmitsInEveryForm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a test that runs the same each time
	for range 300 {
		req := generated(r)
		if r.IntN(3) == 0 {
			req.Subject.Text += hostile[r.IntN(len(hostile))]
		}
		for form, file := range documents(t, req.Trust().JSON(), req) {
			all, err := iam.Documents([]byte(file))
			if err != nil {
				t.Fatalf("%s: %v", form, err)
			}
			one, err := iam.Choose(all, req.Role)
			if err != nil {
				t.Fatalf("%s: %v", form, err)
			}
			result, err := trust.Check(one, form, req)
			if err != nil {
				t.Fatalf("%s: %v", form, err)
			}
			for _, f := range result.Report.Findings() {
				if f.Status != report.OK {
					t.Fatalf("%s of %+v: %+v", form, req, f)
				}
			}
			if result.Decision != iam.Allowed {
				t.Fatalf("%s of %+v: %v", form, req, result.Decision)
			}
		}
	}
}

// part is a field in one place of the policy.
type part struct {
	name, id   string
	start, end int // in the policy
	key        bool
}

// parts finds each field in each place of the policy of a request.
func parts(t *testing.T, policy string, r trust.Request) []part {
	t.Helper()
	issuer := strings.TrimPrefix(r.Issuer.Text, "https://")
	var all []part
	at := func(name, id, in, text string, key bool) {
		t.Helper()
		outer := strings.Index(policy, in)
		inner := strings.LastIndex(in, text)
		if outer < 0 || inner < 0 {
			t.Fatalf("no %q with %q in %s", in, text, policy)
		}
		all = append(all, part{name, id, outer + inner, outer + inner + len(text), key})
	}
	arn := "arn:" + r.Partition + ":iam::" + r.Account.Text + ":oidc-provider/" + issuer
	at("principal partition", "trust-partition", `"arn:`+r.Partition, r.Partition, false)
	at("principal account", "trust-account", ":iam::"+r.Account.Text, r.Account.Text, false)
	at("principal issuer", "trust-provider", arn, issuer, false)
	at("key of aud", "trust-key", `"`+issuer+`:aud"`, issuer+":aud", true)
	at("key of sub", "trust-key", `"`+issuer+`:sub"`, issuer+":sub", true)
	at("audience", "trust-audience", `:aud": "`+r.Audience.Text+`"`, r.Audience.Text, false)
	sub := `:sub": "` + r.Subject.Text + `"`
	names, isPod := strings.CutPrefix(r.Subject.Text, "system:serviceaccount:")
	if !isPod {
		at("subject", "trust-subject", sub, r.Subject.Text, false)
		return all
	}
	namespace, account, _ := strings.Cut(names, ":")
	outer := strings.Index(policy, sub)
	start := outer + len(`:sub": "`)
	all = append(
		all,
		part{"subject's prefix", "trust-subject", start, start + len("system:serviceaccount"), false},
		part{"namespace", "trust-namespace", start + len("system:serviceaccount:"), start + len("system:serviceaccount:") + len(namespace), false},
		part{"service account", "trust-service-account", start + len("system:serviceaccount:"+namespace+":"), start + len("system:serviceaccount:"+namespace+":"+account), false},
	)
	return all
}

// alphabet is what is written into a field, at every position. A quote or a
// backslash would be another JSON document.
const alphabet = "aZ0*?:/é"

func TestAOneCharacterChangeIsRefusedWithTheIDOfItsField(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // a test that runs the same each time
	requests := []trust.Request{pod(), project()}
	for range 6 {
		requests = append(requests, generated(r))
	}
	for _, req := range requests {
		policy := req.Trust().JSON()
		for _, p := range parts(t, policy, req) {
			t.Run(p.name+" of "+req.Subject.Text, func(t *testing.T) {
				t.Parallel()
				if tried := everyChange(t, policy, p, req); tried < (p.end-p.start)*len(alphabet) {
					t.Errorf("only %d changes were tried", tried)
				}
			})
		}
	}
}

// everyChange inserts, replaces and deletes at every position of a field, and
// says how many changes that were.
func everyChange(t *testing.T, policy string, p part, req trust.Request) (tried int) {
	t.Helper()
	try := func(what, changed string) {
		t.Helper()
		if changed == policy || p.key && strings.EqualFold(changed, policy) {
			return // the names of keys have no letter case
		}
		tried++
		result := check(t, changed, req)
		id, cause := first(result)
		if result.Decision != iam.NotAllowed || id != p.id && !eitherName(p, id, what) {
			t.Fatalf("%s: %v by %q (%s), want %q\n%s", what, result.Decision, id, cause, p.id, changed)
		}
	}
	for i := p.start; i <= p.end; i++ {
		for _, c := range alphabet {
			// A colon behind the prefix could as well be the namespace's first character.
			if p.name != "subject's prefix" || i < p.end {
				try("insert "+string(c), policy[:i]+string(c)+policy[i:])
			}
			if i < p.end {
				try("replace by "+string(c), policy[:i]+string(c)+policy[i+1:])
			}
		}
		if i < p.end {
			try("delete", policy[:i]+policy[i+1:])
		}
	}
	return tried
}

// eitherName: a colon between namespace and service account belongs to either.
func eitherName(p part, id, what string) bool {
	names := []string{"trust-namespace", "trust-service-account"}
	return what == "insert :" && slices.Contains(names, p.id) && slices.Contains(names, id)
}

func TestARoleOfAnotherAccountIsRefusedWithItsID(t *testing.T) {
	policy := pod().Trust().JSON()
	for i := range pod().Account.Text {
		for c := '0'; c <= '9'; c++ {
			req := pod()
			changed := []byte(req.Account.Text)
			changed[i] = byte(c)
			if req.Account.Text == string(changed) {
				continue
			}
			req.Account.Text = string(changed)
			if id, _ := first(check(t, policy, req)); id != "trust-account" {
				t.Errorf("account %s: %q", req.Account.Text, id)
			}
		}
	}
}

func TestAChangedTokenIsRefusedWithTheIDOfItsField(t *testing.T) {
	for _, c := range []struct {
		id    string
		field func(*trust.Request) *report.Value
	}{
		{"trust-provider", func(r *trust.Request) *report.Value { return &r.Issuer }},
		{"trust-audience", func(r *trust.Request) *report.Value { return &r.Audience }},
		{"trust-subject", func(r *trust.Request) *report.Value { return &r.Subject }},
	} {
		req := project()
		policy := req.Trust().JSON()
		text := c.field(&req).Text
		from := 0
		if c.id == "trust-provider" {
			from = len("https://")
		}
		for i := from; i < len(text); i++ {
			req := project()
			c.field(&req).Text = text[:i] + text[i+1:]
			if c.field(&req).Text == text {
				continue
			}
			if id, cause := first(check(t, policy, req)); id != c.id {
				t.Errorf("%s without character %d: %q (%s)", text, i, id, cause)
			}
		}
	}
}

// FuzzCheck: no file stops the check, and nothing is admitted that the evaluator
// does not allow.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(pod().Trust().JSON()))
	f.Add([]byte(`{"Statement":[{"Effect":"Deny","Principal":"*","NotAction":"*"},{"Effect":"Allow","NotPrincipal":{"AWS":"1"},"Action":"a","Resource":"x","Condition":{"Null":{"gitlab.com:sub":"true"},"StringNotLike":{"` + cluster + `:sub":["*"]}}}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		all, err := iam.Documents(file)
		if err != nil {
			return
		}
		for _, d := range all {
			for _, req := range []trust.Request{pod(), project()} {
				result, err := trust.Check(d, "x", req)
				if err != nil {
					continue
				}
				verdict := result.Report.Verdict()
				if (result.Decision == iam.Allowed) != (verdict == report.OK) || (result.Decision == iam.Undecided) != (verdict == report.Unknown) {
					t.Errorf("%v with the verdict %s", result.Decision, verdict)
				}
				out := result.Report.Text(report.TextOptions{}) + result.Report.JSON()
				if bytes.ContainsAny([]byte(out), "\x1b\r\x00") {
					t.Errorf("not clean: %q", out)
				}
			}
		}
	})
}
