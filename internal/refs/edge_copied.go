package refs

import (
	"path"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// copied is about an annotated account that no trust policy names, while two
// policies of one issuer name the same other account: one is a copy in which sub
// was not changed.
func (c *checker) copied() []report.Finding {
	var all []report.Finding
	for _, a := range c.accounts {
		if a.name.Known() && a.takes != "" && !c.named(a, byTrust) && !slices.ContainsFunc(c.roles, func(d *role) bool { return d.trust != nil && len(d.subjects)+len(d.patterns) > 0 && d.admits(a) }) {
			all = append(all, c.copiedFor(a)...)
		}
	}
	return all
}

func (c *checker) copiedFor(a *account) []report.Finding {
	slip, other := c.copies(a)
	if slip == nil {
		return nil
	}
	s := slip.subjects[0]
	if !c.once("copied "+slip.at.String()) || s.meant == a {
		return nil
	}
	c.told["copied for "+a.id()] = true
	o := other.subjects[0]
	want := a.name.Text
	f := catalogue.Facts{"account": a.id(), "trusted": s.id(), "who": slip.what(), "where": s.name.text.At.String(), "other": other.what(), "other-where": o.name.text.At.String(), "want": want, "role": a.takes}
	sure := c.isFor(slip, a)
	f.Say("sure", sure)
	f.Say("even", !sure)
	var paste []report.Snippet
	if sure && agree(a.namespace.Text, s.namespace.part) {
		paste = c.patch([]end{s.name}, want)
	}
	return []report.Finding{c.found("refs-trust-copied", f, []end{s.name, o.name, whole("the annotation of "+a.what(), a.role())}, paste...)}
}

// copies are two trust policies that name one account only: the one that is most
// likely meant for a, and the other.
func (c *checker) copies(a *account) (slip, other *role) {
	for _, d := range c.roles {
		if len(d.subjects) != 1 || len(d.patterns) > 0 || d.bare || d.name != "" && d.name != a.takes {
			continue
		}
		for _, o := range c.roles {
			if o == d || len(o.subjects) != 1 || o.subjects[0].id() != d.subjects[0].id() || len(d.subjects[0].found) == 0 || !c.oneIssuer(d, o) {
				continue
			}
			if slip == nil || c.isFor(d, a) && !c.isFor(slip, a) {
				slip, other = d, o
			}
		}
	}
	return slip, other
}

// isFor reports whether a trust policy is of the account's role, by the name of
// the role or, where no file has it, by that of its own file.
func (c *checker) isFor(d *role, a *account) bool {
	if d.name != "" {
		return d.name == a.takes
	}
	base := path.Base(d.at.File)
	last := a.name.Text[strings.LastIndexByte(a.name.Text, '-')+1:]
	return strings.Contains(base, a.name.Text) || strings.Contains(base, a.takes) || strings.HasPrefix(base, last+"-") || strings.HasPrefix(base, last+".")
}

func (c *checker) oneIssuer(a, b *role) bool {
	names := func(d *role) string {
		for _, e := range c.issuers {
			if e.role == d {
				return e.name
			}
		}
		return ""
	}
	return names(a) == names(b)
}
