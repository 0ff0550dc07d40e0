package trust

import (
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// tooMuch warns of statements that admit this token and more than has to be. It
// says nothing of a policy that is too large to be probed to the end.
func (c *checker) tooMuch() []report.Finding {
	var all []report.Finding
	admits := false
	for i, s := range c.result.Statements {
		if s.Effect != "Allow" || s.Applies == iam.No {
			continue
		}
		admits = admits || s.Applies == iam.Yes
		for _, warning := range c.warnings(i, s) {
			warning.where = append(warning.where, c.place(s.At))
			all = append(all, warning.finding())
		}
	}
	if all == nil && admits && c.effort > 0 {
		return []report.Finding{catalogue.Holds("trust-narrow", report.Value{Text: c.Subject.Text, From: c.Subject.From})}
	}
	return all
}

func (c *checker) warnings(i int, s iam.StatementResult) []slip {
	f := c.facts(i)
	var all []slip
	for _, p := range c.policy.Statements[i].Principal {
		if p.Name == "*" {
			all = append(all, slip{kase: "trust-anyone", facts: with(f, "got", p.Type+" *", "want", f["provider"])})
		}
	}
	for _, check := range s.Checks {
		of := with(f, "operator", check.Operator, "key", check.Key, "got", strings.Join(check.Expected, ", "))
		at := []report.Place{c.place(check.At)}
		sub := strings.EqualFold(check.Key, c.provider()+":sub")
		switch {
		case check.Element != "Condition":
		case strings.HasPrefix(check.Operator, "ForAllValues:") && !c.present(s, check.Key):
			all = append(all, slip{kase: "trust-for-all-values", facts: of, where: at})
		case !sub && strings.HasPrefix(check.Operator, "StringLike") && anything(check.Expected):
			all = append(all, slip{kase: "trust-like-anything", facts: of, where: at})
		}
	}
	if s.Applies == iam.Yes {
		all = append(all, c.subjects(i, s, f)...)
	}
	return all
}

// present reports whether a statement demands that a key is there.
func (c *checker) present(s iam.StatementResult, key string) bool {
	for _, check := range s.Checks {
		if check.Operator == "Null" && strings.EqualFold(check.Key, key) && len(check.Expected) == 1 && check.Expected[0] == "false" {
			return true
		}
	}
	return false
}

func anything(values []string) bool {
	for _, v := range values {
		if v != "" && strings.Trim(v, "*") == "" {
			return true
		}
	}
	return false
}
