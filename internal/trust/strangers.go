package trust

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// subjects asks the statement whether it admits tokens of strangers: tokens that
// differ from this one, or from what a pattern of the statement stands for, in
// one part of their subject.
func (c *checker) subjects(i int, s iam.StatementResult, f catalogue.Facts) []slip {
	values, where := c.onSubject(s)
	bare := len(values) == 0
	for _, other := range c.result.Statements {
		if bare && other.Effect == "Deny" {
			more, at := c.onSubject(other)
			values, where = append(values, more...), append(where, at...)
		}
	}
	f = with(f, "got", strings.Join(values, ", "), "want", c.provider()+":sub")
	var all []slip
	seen := map[string]bool{}
	for _, subject := range append([]string{c.Subject.Text}, c.instances(values)...) {
		p := &prober{checker: c, statement: i}
		if !p.admits(subject) {
			continue
		}
		for _, found := range p.strangers(subject, f) {
			if bare && found.kase == "trust-any-subject" {
				found.kase = "trust-no-sub"
			}
			found.where = where
			if said := found.finding().Cause; !seen[said] {
				seen[said] = true
				all = append(all, found)
			}
		}
	}
	return all
}

// onSubject are the values that a statement's conditions compare sub with.
func (c *checker) onSubject(s iam.StatementResult) (values []string, where []report.Place) {
	for _, check := range s.Checks {
		if strings.EqualFold(check.Key, c.provider()+":sub") {
			values, where = append(values, check.Expected...), append(where, c.place(check.At))
		}
	}
	return values, where
}

// instances are subjects that those patterns stand for which are not this token's.
func (c *checker) instances(values []string) []string {
	var all []string
	for _, v := range values {
		if strings.ContainsAny(v, "*?") && !iam.Like(v, c.Subject.Text) {
			all = append(all, strings.NewReplacer("*", "x", "?", "x").Replace(v))
		}
	}
	return all
}

// prober asks one statement for tokens that differ in their subject only.
type prober struct {
	*checker
	statement int
}

// maxEffort bounds the work of all probes, in bytes of policy that are compared
// with 64 bytes of a subject. No trust policy that IAM stores comes near to it.
const maxEffort = 1 << 26

// admits reports whether the statement admits the subject and no Deny keeps it
// out. Once the effort is spent it says no.
func (p *prober) admits(subject string) bool {
	one := iam.Policy{Version: p.policy.Version}
	for i, s := range p.policy.Statements {
		if i == p.statement || s.Effect == "Deny" {
			one.Statements = append(one.Statements, s)
		}
		p.effort -= weight(s) * (1 + len(subject)/64)
	}
	if p.effort <= 0 {
		return false
	}
	other := p.Request
	other.Subject.Text = subject
	allowed, denied := false, false
	for _, s := range one.Evaluate(other.call()).Statements {
		allowed = allowed || s.Effect == "Allow" && s.Applies == iam.Yes
		denied = denied || s.Effect == "Deny" && s.Applies == iam.Yes
	}
	return allowed && !denied
}

// weight is about how many bytes a statement compares.
func weight(s iam.Statement) int {
	n := 64
	for _, c := range s.Conditions {
		for _, v := range c.Values {
			n += len(v) + 16
		}
	}
	return n
}

// strangers say whom the statement admits beside the subject, for each of its
// parts that may vary.
func (p *prober) strangers(subject string, f catalogue.Facts) []slip {
	if p.admits(stranger) {
		return []slip{{kase: "trust-any-subject", facts: f}}
	}
	if namespace, account, ok := splitAccount(subject); ok {
		return p.pods(namespace, account, f)
	}
	if rest, ok := strings.CutPrefix(subject, projects); ok {
		return p.projects(rest, f)
	}
	if fit := p.vary(subject, func(s string) string { return s }); fit.words != "" {
		return []slip{{kase: "trust-some-subjects", facts: with(f, "fits", fit.words)}}
	}
	return nil
}

// pods varies the namespace and the name of a service account.
func (p *prober) pods(namespace, account string, f catalogue.Facts) []slip {
	of := func(namespace, account string) string { return serviceAccounts + namespace + ":" + account }
	namespaces := p.vary(namespace, func(s string) string { return of(s, account) })
	names := p.vary(account, func(s string) string { return of(namespace, s) })
	f = with(f, "namespace", namespace, "service-account", account, "fits", names.words, "namespace-fits", namespaces.words)
	if namespaces.words != "" && names.words != "" && p.admits(of(namespaces.like, names.like)) {
		if namespaces.every && names.every {
			return []slip{{kase: "trust-any-service-account", facts: f}}
		}
		return []slip{{kase: "trust-some-service-accounts", facts: f}}
	}
	var all []slip
	switch {
	case names.every:
		all = append(all, slip{kase: "trust-any-in-namespace", facts: f})
	case names.words != "":
		all = append(all, slip{kase: "trust-some-in-namespace", facts: f})
	}
	switch {
	case namespaces.every:
		all = append(all, slip{kase: "trust-any-namespace", facts: f})
	case namespaces.words != "":
		all = append(all, slip{kase: "trust-some-namespaces", facts: f})
	}
	return all
}

// projects varies the path of a GitLab project and, if no other project gets in,
// what stands behind it. rest is PATH:ref_type:TYPE:ref:REF, or less.
// https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
func (p *prober) projects(rest string, f catalogue.Facts) []slip {
	path, tail, _ := strings.Cut(rest, ":")
	if tail != "" {
		tail = ":" + tail
	}
	paths := p.vary(path, func(s string) string { return projects + s + tail })
	group, whole := strings.CutSuffix(paths.start, "/")
	f = with(f, "project", path, "fits", paths.words, "group", group)
	switch {
	case paths.every, p.admits(projects + stranger + "/" + stranger + tail):
		return []slip{{kase: "trust-any-project", facts: f}}
	case whole && paths.end == "":
		return []slip{{kase: "trust-any-in-group", facts: f}}
	case paths.words != "":
		return []slip{{kase: "trust-some-projects", facts: f}}
	}
	kind, ref, ok := strings.Cut(strings.TrimPrefix(tail, ":ref_type:"), ":ref:")
	at := func(kind, ref string) string { return projects + path + ":ref_type:" + kind + ":ref:" + ref }
	if !ok || at(kind, ref) != projects+rest {
		kind, ref = "ref", strings.TrimPrefix(tail, ":")
		at = func(_, ref string) string { return projects + path + ":" + ref }
	}
	refs := p.vary(ref, func(s string) string { return at(kind, s) })
	kinds := p.vary(kind, func(s string) string { return at(s, ref) })
	if kinds.words != "" && kind != "ref" {
		kind = "branch and tag"
		if refs.words == "" {
			refs.words = "is " + catalogue.Quote(ref)
		}
	}
	f = with(f, "fits", refs.words, "kind", kind)
	switch {
	case refs.every:
		return []slip{{kase: "trust-any-ref", facts: f}}
	case refs.words != "":
		return []slip{{kase: "trust-some-refs", facts: f}}
	}
	return nil
}

// stranger is a text that no name holds, and too long for a few ?: what admits
// it admits every text.
const stranger = "~~~~~~~~~~~~~~~~"

// fit is how one part of a subject may vary.
type fit struct {
	words      string // "starts with \"ci-\"", "" where it may not vary
	every      bool   // any text fits
	start, end string // what it has to start and to end with
	like       string // another text that fits
}

// vary finds out in which way a part of an admitted subject can be another text;
// whole puts a text in the part's place. A * lets a stranger in at its place, and
// a ? another rune.
func (p *prober) vary(part string, whole func(string) string) fit {
	r := []rune(part)
	admits := func(s string) bool { return p.admits(whole(s)) }
	if admits(stranger) {
		return fit{words: "is anything", every: true, like: stranger}
	}
	n := len(r)
	open := func(from, to int) bool { return admits(string(r[:from]) + stranger + string(r[to:])) }
	if head := last(n, func(i int) bool { return open(0, i) }); head >= 0 {
		tail := first(n-head, func(i int) bool { return admits(stranger + string(r[head:head+i]) + stranger) })
		switch {
		case tail == 0:
			return fit{words: "is anything", every: true, like: stranger + stranger}
		case tail > 0:
			text := string(r[head : head+tail])
			return fit{words: "has " + catalogue.Quote(text) + " in it", like: stranger + text + stranger}
		}
		end := string(r[head:])
		return fit{words: "ends with " + catalogue.Quote(end), end: end, like: stranger + end}
	}
	if tail := first(n, func(i int) bool { return open(i, n) }); tail >= 0 {
		start := string(r[:tail])
		return fit{words: "starts with " + catalogue.Quote(start), start: start, like: start + stranger}
	}
	if at := first(n, func(i int) bool { return open(i, i) }); at >= 0 {
		to := last(n, func(i int) bool { return i >= at && open(at, i) })
		start, end := string(r[:at]), string(r[to:])
		return fit{
			words: "starts with " + catalogue.Quote(start) + " and ends with " + catalogue.Quote(end),
			start: start, end: end, like: start + stranger + end,
		}
	}
	return single(r, admits)
}

// single finds the single runes that may be others.
func single(r []rune, admits func(string) bool) fit {
	shown, like := slices.Clone(r), slices.Clone(r)
	for i := range r {
		one := slices.Clone(r)
		one[i] = '~'
		if admits(string(one)) {
			shown[i], like[i] = '?', one[i]
		}
	}
	if slices.Equal(like, r) {
		return fit{}
	}
	return fit{words: "is " + catalogue.Quote(string(shown)) + " with any character for each ?", like: string(like)}
}

// first is the least of 0..n for which it holds, -1 where it never does.
func first(n int, holds func(int) bool) int {
	for i := range n + 1 {
		if holds(i) {
			return i
		}
	}
	return -1
}

// last is the greatest of 0..n for which it holds, -1 where it never does.
func last(n int, holds func(int) bool) int {
	for i := n; i >= 0; i-- {
		if holds(i) {
			return i
		}
	}
	return -1
}
