package trust

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// slips are the reasons why an element does not hold, or cannot be told: at
// least one.
func (c *checker) slips(statement int, check iam.Check) []slip {
	f := c.facts(statement)
	f["operator"], f["key"], f["reason"] = check.Operator, check.Key, check.Reason
	f["holder"] = "the token"
	if c.isSession(check) {
		f["holder"] = "the call"
	}
	f["got"] = strings.Join(check.Expected, ", ")
	var found []slip
	switch {
	case check.Element == "Principal" || check.Element == "NotPrincipal":
		found = c.principal(statement, check, f)
	case check.Element == "Action" || check.Element == "NotAction":
		found = c.action(check, f)
	case check.Element != "Condition":
		f["element"] = check.Element
		found = []slip{{kase: "trust-resource", facts: f}}
	case check.Holds == iam.Unknown:
		found = []slip{unknownCondition(check, f)}
	default:
		found = []slip{c.condition(check, f)}
	}
	if len(check.Expected) == 0 && check.Holds == iam.No {
		found = emptied(found, check, f)
	}
	for i := range found {
		found[i].where = []report.Place{c.place(check.At)}
		found[i].evidence = c.evidence(check)
	}
	return found
}

// unknownCondition tells an operator that is none from one that is not evaluated.
func unknownCondition(check iam.Check, f catalogue.Facts) slip {
	known := iam.Operators()
	if slices.Contains(known, check.Operator) {
		return slip{kase: "trust-condition-unknown", facts: f}
	}
	f["got"] = check.Operator
	if meant := near.Of(check.Operator, known); meant != "" {
		f["meant"], f["slip"] = meant, near.Slip(check.Operator, meant)
	}
	f.Say("no-slip", f["meant"] == "")
	return slip{kase: "trust-operator", facts: f}
}

// emptied are the reasons of an element that lists nothing: that it does, unless
// its key is wrong too.
func emptied(found []slip, check iam.Check, f catalogue.Facts) []slip {
	one := found[0]
	if strings.HasPrefix(one.kase, "trust-key-") {
		return found
	}
	f["want"] = cmp.Or(strings.Join(check.Actual, ", "), f["want"])
	f["what"] = check.Element
	if check.Element == "Condition" {
		f["what"] = "the condition " + check.Operator + " on " + catalogue.Quote(check.Key)
	}
	return []slip{{kase: "trust-lists-nothing", check: cmp.Or(one.check, catalogue.Find(one.kase).Check), facts: f}}
}

func (c *checker) isSession(check iam.Check) bool { return strings.EqualFold(check.Key, sessionName) }

// evidence puts what the policy says beside what the token has.
func (c *checker) evidence(check iam.Check) []report.Value {
	var all []report.Value
	for _, e := range check.Expected {
		all = append(all, report.Value{Text: catalogue.Quote(e), From: "the policy"})
	}
	for _, a := range check.Actual {
		all = append(all, report.Value{Text: catalogue.Quote(a), From: c.source(check)})
	}
	return all
}

func (c *checker) source(check iam.Check) string {
	switch {
	case check.Element == "Action" || check.Element == "NotAction":
		return "the call"
	case check.Element != "Condition":
		return c.Issuer.From + " and " + c.Account.From
	case strings.EqualFold(check.Key, c.provider()+":sub"):
		return c.Subject.From
	case c.isSession(check):
		return cmp.Or(c.Session.From, "the call")
	}
	return c.Audience.From
}

func (c *checker) principal(statement int, check iam.Check, f catalogue.Facts) []slip {
	f["want"] = check.Actual[0]
	if check.Holds == iam.Unknown {
		return []slip{{kase: "trust-principal-unknown", facts: f}}
	}
	var best []slip
	for _, p := range c.policy.Statements[statement].Principal {
		if p.Type != federated {
			continue
		}
		if found := c.federated(p.Name, f); best == nil || distance(found) < distance(best) {
			best = found
		}
	}
	if best != nil {
		return best
	}
	kinds := []string{}
	for _, p := range c.policy.Statements[statement].Principal {
		kinds = append(kinds, p.Type)
	}
	f["kind"] = cmp.Or(strings.Join(slices.Compact(kinds), ", "), "no kind")
	return []slip{{kase: "trust-principal-kind", facts: f}}
}

// federated tells what is wrong with the ARN of a provider, each part by itself.
func (c *checker) federated(arn string, f catalogue.Facts) []slip {
	got, ok := parseProvider(arn)
	if !ok {
		check := blame(arn, c.arnFields())
		return []slip{{kase: "trust-principal-form", check: check, facts: with(f, "got", arn)}}
	}
	var found []slip
	if got.partition != c.Partition {
		found = append(found, slip{kase: "trust-partition-other", facts: with(f, "got", got.partition, "want", c.Partition)})
	}
	if got.account != c.Account.Text {
		found = append(found, slip{kase: "trust-account-other", facts: with(f, "got", got.account, "want", c.Account.Text)})
	}
	if want := c.provider(); got.name != want {
		kind := cmp.Or(difference(got.name, want), "other")
		found = append(found, slip{kase: "trust-provider-" + kind, facts: slipped(f, got.name, want)})
	}
	return found
}

// distance weighs how far an element is from what would admit the token: a slip
// is near, something meant for others far.
func distance(found []slip) int {
	n := 0
	for _, s := range found {
		switch {
		case s.kase == "trust-principal-kind":
			n += 6
		case strings.HasPrefix(s.kase, "trust-provider-") && s.facts["no-slip"] != "":
			n += 3
		case strings.HasPrefix(s.kase, "trust-action-"):
			n += 2
		default:
			n++
		}
	}
	return n
}

func (c *checker) action(check iam.Check, f catalogue.Facts) []slip {
	kase := "trust-action-other"
	assume := func(a string) bool { return strings.EqualFold(a, "sts:AssumeRole") }
	switch {
	case check.Holds == iam.Unknown:
		kase = "trust-action-unknown"
	case check.Element == "Action" && slices.ContainsFunc(check.Expected, assume):
		kase = "trust-action-assume"
	case check.Element == "NotAction":
		f["got"] = "NotAction " + f["got"]
	}
	return []slip{{kase: kase, facts: f}}
}

// with gives the facts with some changed.
func with(f catalogue.Facts, pairs ...string) catalogue.Facts {
	out := maps.Clone(f)
	for pair := range slices.Chunk(pairs, 2) {
		out[pair[0]] = pair[1]
	}
	return out
}

// slipped names two texts and, where one looks like a slip of the other, how.
func slipped(f catalogue.Facts, got, want string) catalogue.Facts {
	out := with(f, "got", got, "want", want, "slip", near.Slip(got, want))
	out.Say("no-slip", out["slip"] == "")
	return out
}
