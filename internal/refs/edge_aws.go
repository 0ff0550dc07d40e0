package refs

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// arnEnd is a place with an ARN of IAM.
type arnEnd struct {
	what               string
	text               Text
	partition, account string
	provider           string // of an OIDC provider's ARN: what stands behind oidc-provider/
}

// arnOf takes an ARN apart; what is none has neither account nor partition.
func arnOf(what string, t Text) arnEnd {
	e := arnEnd{what: what, text: t}
	parts := strings.SplitN(t.Text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || !usable(t) {
		return e
	}
	e.partition, e.account = parts[1], parts[4]
	e.provider, _ = strings.CutPrefix(parts[5], "oidc-provider/")
	if e.provider == parts[5] {
		e.provider = ""
	}
	return e
}

func (e arnEnd) accountEnd() end {
	return end{e.what, e.text, e.account, len("arn:") + len(e.partition) + len(":iam::")}
}

func (e arnEnd) partitionEnd() end {
	return end{e.what, e.text, e.partition, len("arn:")}
}

// issuerEnd is a place that names the issuer of tokens, without its scheme.
type issuerEnd struct {
	end
	name    string
	role    *role // of a trust policy
	defined bool  // a provider or a cluster of the files
}

// collectIssuers takes the issuers of trust policies, providers and clusters.
func (c *checker) collectIssuers() {
	add := func(what string, t Text, name string, d *role, defined bool) {
		if name != "" && usable(t) && !strings.Contains(name, "{{") {
			c.issuers = append(c.issuers, issuerEnd{end{what, t, name, max(strings.Index(t.Text, name), 0)}, name, d, defined})
		}
	}
	for _, p := range c.Providers {
		a := arnOf("the ARN of the provider", p.ARN)
		if a.provider != "" {
			c.arns = append(c.arns, a)
		}
		add("the ARN of the provider", p.ARN, a.provider, nil, true)
		add("the URL of the provider", p.URL, iam.ProviderName(p.URL.Text), nil, true)
	}
	for _, k := range c.Clusters {
		add("the issuer of the cluster "+quote(k.Name.Text), k.Issuer, iam.ProviderName(k.Issuer.Text), nil, true)
	}
	for _, d := range c.roles {
		if d.arn.Known() {
			c.arns = append(c.arns, arnOf("the ARN of "+d.what(), d.arn))
		}
		if d.trust == nil {
			continue
		}
		for _, s := range d.trust.Statements {
			if !forTokens(s) {
				continue
			}
			for _, p := range s.Principals {
				a := arnOf("the principal in "+d.what(), p.Name)
				if a.provider != "" {
					c.arns = append(c.arns, a)
				}
				add(a.what, p.Name, a.provider, d, false)
			}
			for _, k := range s.Conditions {
				provider, name := claim(k.Key.Text)
				if name == "sub" || name == "aud" {
					add("the key of a condition in "+d.what(), k.Key, provider, d, false)
				}
			}
		}
	}
}

// sameIssuers compares the issuers within each trust policy, and each with the
// providers and clusters of the files.
func (c *checker) sameIssuers() []report.Finding {
	var all []report.Finding
	tell := func(got, want string) {
		if got == want || !c.once("issuer "+min(got, want)+" "+max(got, want)) {
			return
		}
		a, b := side{name: got}, side{name: want}
		for _, e := range c.issuers {
			switch e.name {
			case got:
				a.ends = append(a.ends, e.end)
			case want:
				b.ends = append(b.ends, e.end)
			default:
				continue
			}
			if e.role != nil {
				c.told["issuer of "+e.role.at.String()] = true
			}
		}
		all = append(all, c.differ("refs-issuer-differs", a, b, nil))
	}
	for _, d := range c.roles {
		if d.trust == nil {
			continue
		}
		for _, s := range d.trust.Statements {
			if forTokens(s) {
				c.withinStatement(s, tell)
			}
		}
	}
	for _, p := range c.Providers {
		if a := arnOf("", p.ARN); a.provider != "" && usable(p.URL) {
			tell(a.provider, iam.ProviderName(p.URL.Text))
		}
	}
	for i, e := range c.issuers {
		if c.definedIssuer(e.name) {
			continue
		}
		for _, o := range c.issuers[:i] {
			if o.name != e.name && slip(e.name, o.name, true) {
				tell(e.name, o.name)
			}
		}
		for _, o := range c.issuers {
			if o.defined && slip(e.name, o.name, true) {
				tell(e.name, o.name)
			}
		}
	}
	if got, want := c.loneIssuers(); got != "" && want != "" {
		tell(got, want)
	}
	return judged("refs-issuer", len(c.issuers), "place", all...)
}

// loneIssuers are the one provider or cluster of the files that no trust policy
// names, and the one that trust policies name and the files do not define.
func (c *checker) loneIssuers() (unnamed, undefined string) {
	named := map[string]bool{}
	for _, e := range c.issuers {
		named[e.name] = named[e.name] || e.role != nil
	}
	for _, e := range c.issuers {
		switch eks := strings.HasPrefix(e.name, "oidc.eks"); {
		case !eks:
		case e.defined && !named[e.name]:
			if unnamed != "" && unnamed != e.name {
				return "", ""
			}
			unnamed = e.name
		case !e.defined && !c.definedIssuer(e.name):
			if undefined != "" && undefined != e.name {
				return "", ""
			}
			undefined = e.name
		}
	}
	return unnamed, undefined
}

// withinStatement compares the keys of a statement's conditions with its
// providers: one of them has to be the keys'.
func (c *checker) withinStatement(s Statement, tell func(got, want string)) {
	var providers []string
	for _, p := range s.Principals {
		if a := arnOf("", p.Name); a.provider != "" {
			providers = append(providers, a.provider)
		}
	}
	if len(providers) == 0 {
		return
	}
	for _, k := range s.Conditions {
		provider, name := claim(k.Key.Text)
		known := name == "sub" || name == "aud"
		odd := strings.Contains(provider, "://") || !strings.ContainsAny(provider, "./") // internal/trust says why
		if known && !odd && usable(k.Key) && !slices.ContainsFunc(providers, func(p string) bool { return strings.EqualFold(p, provider) }) {
			tell(provider, providers[0])
		}
	}
}

func (c *checker) definedIssuer(name string) bool {
	return slices.ContainsFunc(c.issuers, func(e issuerEnd) bool { return e.defined && e.name == name })
}

// providersOf are the providers of the files that a role's trust policy names.
func (c *checker) providersOf(d *role) []Provider {
	var names []string
	for _, e := range c.issuers {
		if e.role == d {
			names = append(names, e.name)
		}
	}
	var all []Provider
	for _, p := range c.Providers {
		name := cmp.Or(arnOf("", p.ARN).provider, iam.ProviderName(p.URL.Text))
		if slices.Contains(names, name) {
			all = append(all, p)
		}
	}
	return all
}

// sameAccounts compares the AWS account and the partition of ARNs that have to be
// of one: a role's in all places, and that of the provider that it trusts.
func (c *checker) sameAccounts() []report.Finding {
	var all []report.Finding
	n := 0
	link := func(a, b arnEnd) {
		if a.partition == "" || b.partition == "" {
			return
		}
		n++
		if a.account != b.account && a.account != "" && b.account != "" && c.once("aws "+min(a.account, b.account)+" "+max(a.account, b.account)) {
			all = append(all, c.differ("refs-account-differs", c.ofAccount(a.account), c.ofAccount(b.account), nil))
		}
		if a.partition != b.partition && c.once("partition "+min(a.partition, b.partition)+" "+max(a.partition, b.partition)) {
			all = append(all, c.differ("refs-partition-differs", c.ofPartition(a.partition), c.ofPartition(b.partition), nil))
		}
	}
	for _, d := range c.roles {
		own := arnOf("", d.arn)
		for _, p := range c.principals(d) {
			if own.account == "" {
				own = p
			}
			link(own, p)
		}
		for _, r := range c.roleRefs {
			if r.found == d && r.arn.Account != "" && own.account != "" {
				link(arnOf(r.what, r.text), own)
			}
			if d.name == "" && r.account != nil && r.found == nil && !d.bare && d.admits(r.account) && own.account != "" {
				link(arnOf(r.what, r.text), own)
			}
		}
	}
	for _, r := range c.roleRefs {
		for _, o := range c.roleRefs {
			if r != o && r.found == nil && o.found == nil && r.arn.Name == o.arn.Name && r.arn.Account != "" && o.arn.Account != "" {
				link(arnOf(r.what, r.text), arnOf(o.what, o.text))
			}
		}
	}
	for _, a := range c.arns {
		for _, b := range c.arns {
			if a.provider != "" && a.provider == b.provider && slip(a.account, b.account, true) {
				link(a, b)
			}
		}
	}
	return judged("refs-aws-account", n, "edge", all...)
}

// principals are the providers that a role's trust policy names.
func (c *checker) principals(d *role) []arnEnd {
	var all []arnEnd
	if d.trust == nil {
		return nil
	}
	for _, s := range d.trust.Statements {
		for _, p := range s.Principals {
			if a := arnOf("the principal in "+d.what(), p.Name); a.provider != "" && forTokens(s) {
				all = append(all, a)
			}
		}
	}
	return all
}

func (c *checker) ofAccount(account string) side {
	s := side{name: account}
	for _, a := range c.arns {
		if a.account == account {
			s.ends = append(s.ends, a.accountEnd())
		}
	}
	return s
}

func (c *checker) ofPartition(partition string) side {
	s := side{name: partition}
	for _, a := range c.arns {
		if a.partition == partition {
			s.ends = append(s.ends, a.partitionEnd())
		}
	}
	return s
}
