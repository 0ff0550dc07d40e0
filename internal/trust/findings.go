package trust

import (
	"slices"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// findings are those of the whole policy and of the one statement that counts:
// the one that admits the token, else the one that comes nearest to it. What
// other statements lack is not wrong: they are for others.
func (c *checker) findings() []report.Finding {
	all := append(c.duplicates(), c.denials()...)
	if i := c.counts(); i >= 0 {
		all = append(all, c.elements(i)...)
	} else {
		all = append(all, slip{kase: "trust-no-allow", facts: c.facts(0), where: []report.Place{c.place(iam.Position{Line: 1, Column: 1})}}.finding())
	}
	all = onceHeld(append(all, c.tooMuch()...))
	for i := range all {
		if all[i].Status == report.Fail && all[i].ID != "trust-deny" {
			all[i].Paste = c.Pastes()
			break
		}
	}
	return all
}

// onceHeld leaves of the findings that hold one for each check, and none for a
// check that has another finding.
func onceHeld(all []report.Finding) []report.Finding {
	seen := map[string]bool{}
	for _, f := range all {
		seen[f.ID] = seen[f.ID] || f.Status != report.OK
	}
	return slices.DeleteFunc(all, func(f report.Finding) bool {
		if f.Status != report.OK {
			return false
		}
		again := seen[f.ID]
		seen[f.ID] = true
		return again
	})
}

// counts is the index of the statement that the token's fate hangs on: one that
// admits it, else one that may, else the one that comes nearest; -1 where none
// allows anything.
func (c *checker) counts() int {
	best, least := -1, 0
	for i, s := range c.result.Statements {
		if s.Effect != "Allow" {
			continue
		}
		away := 0
		for _, check := range s.Checks {
			if check.Holds != iam.Yes {
				away += distance(c.slips(i, check))
			}
		}
		switch s.Applies {
		case iam.Unknown:
			away -= 1 << 20
		case iam.Yes:
			return i
		case iam.No:
		}
		if best < 0 || away < least {
			best, least = i, away
		}
	}
	return best
}

// elements are the findings of one statement, in the order principal, action,
// conditions. What fails comes in the order in which it is to be mended.
func (c *checker) elements(i int) []report.Finding {
	var all []report.Finding
	for _, check := range c.result.Statements[i].Checks {
		if check.Holds == iam.Yes {
			all = append(all, c.holds(check)...)
			continue
		}
		for _, s := range c.slips(i, check) {
			all = append(all, s.finding())
		}
	}
	return all
}

// holds are the findings of an element that holds.
func (c *checker) holds(check iam.Check) []report.Finding {
	value := report.Value{Text: strings.Join(check.Actual, ", "), From: c.source(check)}
	var ids []string
	name := c.provider()
	namespace, account, pod := splitAccount(c.Subject.Text)
	switch {
	case check.Element == "Principal":
		return []report.Finding{
			catalogue.Holds("trust-principal", value),
			catalogue.Holds("trust-partition", report.Value{Text: c.Partition}),
			catalogue.Holds("trust-account", c.Account),
			catalogue.Holds("trust-provider", report.Value{Text: name, From: c.Issuer.From}),
		}
	case check.Element == "Action" || check.Element == "NotAction":
		ids = []string{"trust-action"}
	case strings.EqualFold(check.Key, name+":sub"):
		ids = []string{"trust-key", "trust-subject"}
		if pod {
			ids = append(ids, "trust-namespace", "trust-service-account")
		}
	case strings.EqualFold(check.Key, name+":aud"):
		ids = []string{"trust-key", "trust-audience"}
	default:
		ids = []string{"trust-condition"}
	}
	var all []report.Finding
	for _, id := range ids {
		v := value
		switch id {
		case "trust-key", "trust-condition":
			v = report.Value{Text: check.Key, From: check.Operator}
		case "trust-namespace":
			v.Text = namespace
		case "trust-service-account":
			v.Text = account
		}
		all = append(all, catalogue.Holds(id, v))
	}
	return all
}

// duplicates are the members of which only the last counts.
func (c *checker) duplicates() []report.Finding {
	kase := "trust-duplicate"
	if c.firstAdmits && c.result.Decision != iam.Allowed {
		kase = "trust-duplicate-lost"
	}
	var all []report.Finding
	for _, d := range c.policy.Duplicates {
		at, lost := c.place(d.At), c.place(d.Lost)
		f := with(c.facts(max(d.Statement-1, 0)), "name", d.Name, "line", strconv.Itoa(d.At.Line), "lost-line", strconv.Itoa(d.Lost.Line))
		all = append(all, slip{kase: kase, facts: f, where: slices.Compact([]report.Place{at, lost})}.finding())
	}
	if all == nil {
		return []report.Finding{catalogue.Holds("trust-duplicate-keys")}
	}
	return all
}

// denials are the Deny statements that apply, or may.
func (c *checker) denials() []report.Finding {
	var all []report.Finding
	for i, s := range c.result.Statements {
		if s.Effect != "Deny" || s.Applies == iam.No {
			continue
		}
		one := slip{kase: "trust-denied-by", facts: c.facts(i), where: []report.Place{c.place(s.At)}}
		if s.Applies == iam.Unknown {
			one.kase = "trust-deny-unknown"
			for _, check := range s.Checks {
				if check.Holds != iam.Unknown {
					continue
				}
				one.facts["reason"] = check.Reason
				one.facts.Say("anyone", strings.HasSuffix(check.Element, "Principal"))
				one.facts.Say("resource", strings.HasSuffix(check.Element, "Resource"))
				one.facts.Say("decides-later", check.Element == "Condition" || check.Element == "Action" || check.Element == "NotAction")
			}
		}
		all = append(all, one.finding())
	}
	if all == nil {
		return []report.Finding{catalogue.Holds("trust-deny")}
	}
	return all
}
