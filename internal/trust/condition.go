package trust

import (
	"cmp"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/near"
)

// condition tells why a condition does not hold.
func (c *checker) condition(check iam.Check, f catalogue.Facts) slip {
	name := c.provider()
	f["want"] = cmp.Or(strings.Join(check.Actual, ", "), c.Subject.Text)
	switch {
	case strings.EqualFold(check.Key, name+":sub"):
		return c.value(check, f, subjectFields(c.Subject.Text), c.Subject.Text)
	case strings.EqualFold(check.Key, name+":aud") && len(check.Actual) > 0:
		want := []field{{check.Actual[0], "trust-audience"}}
		return c.value(check, f, want, check.Actual[0])
	case len(check.Actual) > 0:
		return slip{kase: "trust-condition-fails", facts: f}
	}
	return c.key(check, f)
}

// claims are those that STS makes keys of, for every issuer.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
func claims() []string { return []string{"sub", "aud", "oaud", "amr"} }

// key tells what is wrong with a key that the token does not have.
func (c *checker) key(check iam.Check, f catalogue.Facts) slip {
	name := c.provider()
	colon := strings.LastIndexByte(check.Key, ':')
	got, claim := check.Key[:max(colon, 0)], strings.ToLower(check.Key[colon+1:])
	wanted := claim
	if claim != "aud" && claim != "sub" {
		wanted = cmp.Or(near.Of(claim, []string{"aud", "sub"}), "sub")
	}
	want := name + ":" + wanted
	service := strings.ToLower(got)
	switch {
	case service == "aws" || service == "sts":
		return slip{kase: "trust-condition-absent", facts: f}
	case strings.EqualFold(got, name) && claim == "amr":
		return slip{kase: "trust-condition-absent", facts: f}
	case strings.EqualFold(got, name) && near.Of(claim, claims()) == "":
		return slip{kase: "trust-key-claim", facts: with(f, "got", check.Key, "want", name+":sub")}
	}
	kind := difference(strings.ToLower(got), strings.ToLower(name))
	return slip{kase: "trust-key-" + cmp.Or(kind, "other"), facts: slipped(f, check.Key, want)}
}

// value tells how the nearest of the expected values differs from the token's.
// The check is that of the field in which they differ.
func (c *checker) value(check iam.Check, f catalogue.Facts, fields []field, want string) slip {
	if strings.Contains(check.Operator, "Not") {
		return slip{kase: "trust-excluded", check: field0(fields), facts: f}
	}
	got := nearest(check.Expected, want)
	f = slipped(f, got, want)
	like := strings.Contains(check.Operator, "StringLike")
	s := slip{check: blamePattern(got, fields, like), facts: f}
	namespace, account, pod := splitAccount(want)
	switch {
	case strings.EqualFold(check.Operator, "Null"):
		s.kase = "trust-condition-fails"
		s.facts["got"] = "Null " + s.facts["got"]
		s.check = field0(fields)
	case !like && strings.ContainsAny(got, "*?") && iam.Like(got, want):
		s.kase = "trust-wildcard"
	case strings.EqualFold(got, want):
		s.kase = "trust-case"
	case field0(fields) == "trust-audience":
		s.kase = "trust-audience-other"
		s.facts.Say("aud-default", strings.HasPrefix(c.Subject.Text, serviceAccounts) && want == stsAudience && s.facts["slip"] == "")
	case pod && (got == serviceAccounts+account+":"+namespace || got == account+":"+namespace):
		s.kase, s.check = "trust-swapped", "trust-subject"
	case pod && got == namespace+":"+account:
		s.kase, s.check = "trust-prefix", "trust-subject"
	default:
		s.kase = "trust-subject-other"
		c.part(&s, got, namespace, account)
	}
	return s
}

// part words a subject in which one part differs by that part.
func (c *checker) part(s *slip, got, namespace, account string) {
	gotNamespace, gotAccount, ok := splitAccount(got)
	if !ok {
		return
	}
	kase, gotPart, part := "", "", ""
	switch s.check {
	case "trust-namespace":
		kase, gotPart, part = "trust-namespace-other", gotNamespace, namespace
	case "trust-service-account":
		kase, gotPart, part = "trust-service-account-other", gotAccount, account
	default:
		return
	}
	s.kase = kase
	s.facts = with(s.facts, "got-part", gotPart, "part", part, "slip", near.Slip(gotPart, part))
	s.facts.Say("default", part == "default")
}

func field0(fields []field) string { return fields[0].check }

// blamePattern is blame for a value that may hold wildcards: parts that fit
// their pattern are not to blame.
func blamePattern(got string, fields []field, like bool) string {
	if !like || len(fields) == 1 {
		return blame(got, fields)
	}
	namespace, account, ok := splitAccount(got)
	switch {
	case !ok:
		return blame(got, fields)
	case iam.Like(namespace, fields[1].text) && !iam.Like(account, fields[3].text):
		return fields[3].check
	case !iam.Like(namespace, fields[1].text) && iam.Like(account, fields[3].text):
		return fields[1].check
	}
	return fields[0].check
}

// nearest gives the value that looks most like the wanted one.
func nearest(values []string, want string) string {
	best, most := "", -1
	for _, v := range values {
		likeness := common(v, want) + commonEnd(v, want)
		if strings.EqualFold(v, want) {
			likeness = 2 * len(want)
		}
		if likeness > most {
			best, most = v, likeness
		}
	}
	return best
}
