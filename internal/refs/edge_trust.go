package refs

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/trust"
)

// forTokens reports whether a statement admits tokens of a provider.
func forTokens(s Statement) bool {
	return s.Effect.Text == "Allow" && !s.NotPrincipal && slices.ContainsFunc(s.Principals, func(p Principal) bool { return p.Type == "Federated" })
}

// claim is the last part of a condition's key: sub or aud of …/id/…:sub.
func claim(key string) (provider, name string) {
	i := strings.LastIndexByte(key, ':')
	return key[:max(i, 0)], strings.ToLower(key[i+1:])
}

// collectTrust takes whom a trust policy names.
func (c *checker) collectTrust(r *role) {
	for _, s := range r.trust.Statements {
		if !forTokens(s) {
			continue
		}
		narrow := false
		for _, k := range s.Conditions {
			if _, name := claim(k.Key.Text); name != "sub" {
				continue
			}
			narrow = true
			for _, v := range k.Values {
				c.collectSubject(r, k, v)
			}
		}
		r.bare = r.bare || !narrow
	}
}

func (c *checker) collectSubject(r *role, k Condition, v Text) {
	rest, ok := strings.CutPrefix(v.Text, subjects)
	namespace, name, two := strings.Cut(rest, ":")
	exact := strings.HasPrefix(k.Operator.Text, "StringEquals") || strings.HasPrefix(k.Operator.Text, "StringLike")
	if !ok || !two || namespace == "" || name == "" || strings.Contains(name, ":") || !exact || !usable(v) || strings.ContainsAny(v.Text, "*?") {
		r.patterns = append(r.patterns, v)
		return
	}
	what := r.what()
	if r.name != "" {
		what = "the trust policy of " + what
	}
	ref := &accountRef{
		kind: byTrust, what: what, role: r,
		namespace: end{text: v, part: namespace, from: len(subjects)},
		name:      end{"sub in " + what, v, name, len(subjects) + len(namespace) + 1},
	}
	if r.name == "" {
		ref.role = nil
	}
	r.subjects = append(r.subjects, ref)
	c.name(ref)
}

// trusted says of each annotated account whether its role trusts it, and of each
// account that a role trusts whether it is annotated with that role.
func (c *checker) trusted() []report.Finding {
	all := c.copied()
	n := 0
	for _, r := range c.roleRefs {
		if r.account == nil {
			continue
		}
		d := r.found
		if d == nil || d.trust == nil {
			continue
		}
		n++
		if !d.admits(r.account) && len(d.subjects) > 0 && !c.toldOf(d, r.account) && !c.told["copied for "+r.account.id()] {
			ends := []end{whole(r.what, r.text)}
			var names []string
			for _, s := range d.subjects {
				ends = append(ends, s.name)
				names = append(names, quote(s.id()))
			}
			f := catalogue.Facts{"account": r.account.id(), "role": d.name, "trusted": strings.Join(names, ", "), "where": r.text.At.String(), "other-where": places(ends[1:])}
			if meant := c.trusting(r.account); meant != nil {
				f["meant"] = meant.name
			}
			all = append(all, c.found("refs-not-trusted", f, ends))
		}
	}
	for _, d := range c.roles {
		for _, s := range d.subjects {
			n++
			all = append(all, c.notAnnotated(d, s)...)
		}
	}
	return append(judged("refs-trusted", n, "edge", all...), c.policyFindings()...)
}

// toldOf reports whether it was said already that a name in the role's trust
// policy is to be this account's.
func (c *checker) toldOf(d *role, a *account) bool {
	return slices.ContainsFunc(d.subjects, func(s *accountRef) bool { return s.meant == a })
}

// trusting is another role that names the account, nil where there is none.
func (c *checker) trusting(a *account) *role {
	for _, d := range c.roles {
		if d.name != "" && !d.bare && d.admits(a) {
			return d
		}
	}
	return nil
}

// notAnnotated is about an account that a role trusts and that names no role.
func (c *checker) notAnnotated(d *role, s *accountRef) []report.Finding {
	for _, a := range s.found {
		if a.pending || a.role().Known() || slices.ContainsFunc(a.annotations, func(n Annotation) bool {
			return near.Of(n.Key.Text, knownAnnotations()) != "" || strings.HasPrefix(n.Key.Text, annotations+"role")
		}) {
			return nil
		}
	}
	if len(s.found) == 0 || !c.once("bare "+s.id()) {
		return nil
	}
	a := s.found[0]
	f := catalogue.Facts{"account": s.id(), "who": d.what(), "where": a.at.String(), "role": d.arn.Text}
	f.Say("no-arn", f["role"] == "")
	kase := "refs-not-annotated"
	if slices.ContainsFunc(c.accounts, func(o *account) bool {
		return o.takes != "" && (d.name == "" || o.takes == d.name) && !d.bare && d.admits(o)
	}) {
		kase = "refs-trusted-more"
	}
	return []report.Finding{c.found(kase, f, []end{{what: a.what(), text: Text{At: a.at}}, s.name})}
}

// policyFindings are what internal/trust says of the trust policies beside the
// names, which are compared here: the action, operators, keys, Deny, and what is
// admitted beside the account that is meant.
func (c *checker) policyFindings() []report.Finding {
	var all []report.Finding
	n := 0
	for _, d := range c.roles {
		if d.trust == nil || !slices.ContainsFunc(d.trust.Statements, forTokens) {
			continue
		}
		n++
		for _, q := range c.requests(d) {
			result, err := trust.Check(d.trust.Document, d.at.File, q)
			if err != nil {
				continue // what is no policy was said when it was read
			}
			for _, f := range result.Report.Findings() {
				if f.Status != report.OK && c.keeps(d, f) && c.once("trust "+d.at.String()+f.ID+f.Cause) {
					all = append(all, c.placed(d, f))
				}
			}
		}
	}
	if len(all) == 0 && n > 0 {
		return []report.Finding{catalogue.Holds("trust-narrow", report.Value{Text: catalogue.Count(n, "role")})}
	}
	return all
}

// keeps leaves out what is compared here with more than one policy at hand.
func (c *checker) keeps(d *role, f report.Finding) bool {
	switch f.ID {
	case "trust-audience", "trust-account", "trust-partition", "trust-provider":
		return false
	case "trust-subject", "trust-namespace", "trust-service-account":
		return len(d.subjects) == 0
	case "trust-key":
		return !c.told["issuer of "+d.at.String()]
	}
	return true
}

// placed gives a finding of internal/trust the places of the file.
func (c *checker) placed(d *role, f report.Finding) report.Finding {
	where := slices.Clone(f.Where)
	for i, p := range where {
		where[i] = d.trust.Place(iam.Position{Line: p.Line, Column: p.Column})
	}
	f.Where = where
	return f
}

// requests are the tokens that a trust policy is meant for: those of the accounts
// that name the role, else of those that it names.
func (c *checker) requests(d *role) []trust.Request {
	var all []trust.Request
	base := trust.Request{Partition: "aws", Role: d.arn.Text}
	for _, s := range d.trust.Statements {
		for _, p := range s.Principals {
			if a := arnOf("", p.Name); p.Type == "Federated" && a.provider != "" {
				base.Partition, base.Account = a.partition, report.Value{Text: a.account, From: p.Name.At.String()}
				base.Issuer = report.Value{Text: "https://" + a.provider, From: p.Name.At.String()}
			}
		}
	}
	if !base.Issuer.Known() {
		return nil
	}
	for _, a := range c.accounts {
		if a.name.Known() && d.name != "" && d.name == a.takes || a.name.Known() && len(d.subjects) > 0 && !d.bare && d.admits(a) {
			q := base
			q.Subject = report.Value{Text: subjects + cmp.Or(a.namespace.Text, c.namespaceFor(d, a)) + ":" + a.name.Text, From: a.at.String()}
			q.Audience = report.Value{Text: webhookAudience, From: "the default of EKS"}
			if own := a.annotation(audienceAnnotation); usable(own) {
				q.Audience = report.Value{Text: own.Text, From: own.At.String()}
			}
			all = append(all, q)
		}
	}
	if len(all) > 0 {
		return all
	}
	base.Subject = report.Value{Text: subjects + "NAMESPACE:SERVICE-ACCOUNT", From: "a service account"}
	base.Audience = report.Value{Text: webhookAudience, From: "the default of EKS"}
	for _, s := range d.trust.Statements {
		for _, k := range s.Conditions {
			_, name := claim(k.Key.Text)
			if !forTokens(s) || len(k.Values) == 0 || !usable(k.Values[0]) {
				continue
			}
			v := report.Value{Text: k.Values[0].Text, From: k.Values[0].At.String()}
			switch name {
			case "sub":
				v.Text = strings.NewReplacer("*", "x", "?", "x").Replace(v.Text)
				base.Subject = v
			case "aud":
				base.Audience = v
			}
		}
	}
	return []trust.Request{base}
}

// namespaceFor is the namespace that a trust policy has for an account whose
// manifest does not say it.
func (c *checker) namespaceFor(d *role, a *account) string {
	for _, s := range d.subjects {
		if s.fits(a) {
			return s.namespace.part
		}
	}
	return "default"
}

// audiences compares what a token is for with what the trust policy and the
// provider take.
func (c *checker) audiences() []report.Finding {
	n := 0
	ends := map[string][]end{} // of each audience
	type pair struct{ got, want string }
	var pairs []pair
	add := func(name string, e end) {
		ends[name] = append(ends[name], e)
	}
	for _, p := range c.Providers {
		for _, id := range p.ClientIDs {
			if usable(id) {
				add(id.Text, whole("a client id of the provider", id))
			}
		}
	}
	for _, d := range c.roles {
		for _, v := range d.audiences() {
			add(v.Text, whole("aud in "+d.what(), v))
		}
	}
	for _, a := range c.accounts {
		want := a.annotation(audienceAnnotation)
		if want.Known() && !usable(want) {
			continue
		}
		if want.Known() {
			add(want.Text, whole("the annotation "+audienceAnnotation+" of "+a.what(), want))
		}
		for _, d := range c.roles {
			named := d.name != "" && d.name == a.takes
			if d.trust == nil || !named && (len(d.subjects) == 0 || !d.admits(a)) {
				continue
			}
			n++
			audience := cmp.Or(want.Text, webhookAudience)
			if all := d.audiences(); len(all) > 0 && !slices.ContainsFunc(all, func(v Text) bool { return v.Text == audience || iam.Like(v.Text, audience) }) {
				pairs = append(pairs, pair{closest(all, audience), audience})
			}
			for _, p := range c.providersOf(d) {
				if len(p.ClientIDs) > 0 && !slices.ContainsFunc(p.ClientIDs, func(v Text) bool { return v.Text == audience || !usable(v) }) {
					pairs = append(pairs, pair{closest(p.ClientIDs, audience), audience})
				}
			}
		}
	}
	var all []report.Finding
	for _, p := range pairs {
		if !c.once("aud " + p.got + " " + p.want) {
			continue
		}
		got, want := side{name: p.got, ends: ends[p.got]}, side{name: p.want, ends: ends[p.want]}
		for _, s := range []*side{&got, &want} {
			if s.name == webhookAudience {
				s.ends = append(s.ends, end{what: "what EKS asks for where no annotation says another audience", text: Text{Text: webhookAudience}})
				s.more = decisive
			}
		}
		all = append(all, c.differ("refs-audience-differs", got, want, nil))
	}
	return judged("refs-audience", n, "service account", all...)
}

// audiences are the values that the trust policy compares aud with.
func (r *role) audiences() []Text {
	var all []Text
	if r.trust == nil {
		return nil
	}
	for _, s := range r.trust.Statements {
		for _, k := range s.Conditions {
			if _, name := claim(k.Key.Text); name == "aud" && forTokens(s) && strings.HasPrefix(k.Operator.Text, "String") && !strings.Contains(k.Operator.Text, "Not") {
				all = append(all, k.Values...)
			}
		}
	}
	return all
}

// closest is the name that a wanted one was most likely meant by, else the first.
func closest(all []Text, want string) string {
	var names []string
	for _, t := range all {
		names = append(names, t.Text)
	}
	return cmp.Or(near.Of(want, names), names[0])
}
