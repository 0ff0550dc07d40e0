package iam

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"
)

func reference() Trust {
	return Trust{
		Partition: "aws",
		Account:   "123456789012",
		Issuer:    "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
		Subject:   "system:serviceaccount:gitlab:gitlab-jobs",
		Audience:  "sts.amazonaws.com",
	}
}

// of gives the request that STS makes of a token.
func (t Trust) request() Request {
	name := ProviderName(t.Issuer)
	return Request{
		Principal: []Principal{{"Federated", ProviderARN(t.Partition, t.Account, t.Issuer)}},
		Action:    WebIdentityAction,
		Context:   map[string][]string{name + ":sub": {t.Subject}, name + ":aud": {t.Audience}},
	}
}

func decide(t *testing.T, policy string, r Request) Decision {
	t.Helper()
	p, err := ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatalf("%v in %s", err, policy)
	}
	return p.Evaluate(r).Decision
}

func TestTrustIsWrittenAsIAMTakesIt(t *testing.T) {
	want := `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
      },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:aud": "sts.amazonaws.com",
          "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:sub": "system:serviceaccount:gitlab:gitlab-jobs"
        }
      }
    }
  ]
}`
	if diff := cmp.Diff(want, reference().JSON()); diff != "" {
		t.Error(diff)
	}
}

func TestTrustIsWrittenAsTerraformFormatsIt(t *testing.T) {
	want := `assume_role_policy = jsonencode({
  Version = "2012-10-17"
  Statement = [
    {
      Effect = "Allow"
      Principal = {
        Federated = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
      }
      Action = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:aud" = "sts.amazonaws.com"
          "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:sub" = "system:serviceaccount:gitlab:gitlab-jobs"
        }
      }
    }
  ]
})`
	if diff := cmp.Diff(want, reference().Terraform()); diff != "" {
		t.Error(diff)
	}
}

func TestHostileClaimsStayText(t *testing.T) {
	trust := reference()
	trust.Subject = "a\"}]}<&>\n${aws:username}\u202e\u009b\U000e0001section_start:1:x"
	if got, want := trust.JSON(), `"a\"}]}<&>\n${$}{aws:username}\u202e\u009b\udb40\udc01section_start\u003a1:x"`; !strings.Contains(got, want) {
		t.Errorf("%s does not hold %s", got, want)
	}
}

// hostile draws texts from what policies treat specially.
func hostile(r *rand.Rand) string {
	parts := []string{"*", "?", "${", "}", "$", "${aws:userid}", "${*}", "a", "B", ":", "/", `"`, `\`, "<", "\n", "ü", "\u2028", "system:serviceaccount:"}
	var b strings.Builder
	for range r.IntN(8) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

func TestTheWrittenTrustAdmitsItsTokenAndNoOther(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test that runs the same each time
	for range 2000 {
		trust := reference()
		trust.Subject, trust.Audience = "s"+hostile(r), "a"+hostile(r)
		if got := decide(t, trust.JSON(), trust.request()); got != Allowed {
			t.Fatalf("%+v: %v", trust, got)
		}
		other := trust
		other.Subject, other.Audience = "s"+hostile(r), "a"+hostile(r)
		if got := decide(t, trust.JSON(), other.request()); (got == Allowed) != (other == trust) {
			t.Fatalf("%+v asked with %+v: %v", trust, other, got)
		}
	}
}

func TestOneChangedCharacterIsRefused(t *testing.T) {
	trust := reference()
	policy := trust.JSON()
	change := func(s string, i int) string { return s[:i] + string(s[i]^1) + s[i+1:] }
	fields := map[string]func(*Trust) *string{
		"partition": func(t *Trust) *string { return &t.Partition },
		"account":   func(t *Trust) *string { return &t.Account },
		"issuer":    func(t *Trust) *string { return &t.Issuer },
		"subject":   func(t *Trust) *string { return &t.Subject },
		"audience":  func(t *Trust) *string { return &t.Audience },
	}
	for name, field := range fields {
		from := 0
		if name == "issuer" {
			from = len("https://")
		}
		for i := from; i < len(*field(&trust)); i++ {
			token := reference()
			*field(&token) = change(*field(&token), i)
			if got := decide(t, policy, token.request()); got != NotAllowed {
				t.Errorf("%s %q: %v", name, *field(&token), got)
			}
		}
	}
}

func TestAWildcardMatchesAsItsExpansionDoes(t *testing.T) {
	match := func(p, s string) bool {
		return Like(p, s)
	}
	var slow func(p, s []rune) bool
	slow = func(p, s []rune) bool {
		switch {
		case len(p) == 0:
			return len(s) == 0
		case p[0] == '*':
			return slow(p[1:], s) || len(s) > 0 && slow(p, s[1:])
		}
		return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && slow(p[1:], s[1:])
	}
	draw := func(r *rand.Rand, from string, most int) string {
		var b strings.Builder
		for range r.IntN(most) {
			b.WriteByte(from[r.IntN(len(from))])
		}
		return b.String()
	}
	property := func(seed uint64) bool {
		r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // no secret is made of it
		p, s := draw(r, "ab*?", 8), draw(r, "ab", 10)
		return match(p, s) == slow([]rune(p), []rune(s))
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 20000}); err != nil {
		t.Error(err)
	}
}
