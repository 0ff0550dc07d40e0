package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// serviceAccounts joins each place that names a service account with the one
// that it means, and says where names differ.
func (c *checker) serviceAccounts() []report.Finding {
	var all []report.Finding
	misspelt, bare := c.misspelt()
	all = append(all, judged("refs-annotation", bare, "annotation", misspelt...)...)
	c.resolveAccounts()
	all = append(all, judged("refs-service-account", len(c.accountRefs), "place", c.differentAccounts()...)...)
	return append(all, c.bindings()...)
}

// misspelt are annotations that the webhook does not read.
func (c *checker) misspelt() (found []report.Finding, n int) {
	for _, a := range c.accounts {
		for _, annotation := range a.annotations {
			n++
			key := annotation.Key
			if slices.Contains(knownAnnotations(), key.Text) || key.Templated() {
				continue
			}
			meant := near.Of(key.Text, knownAnnotations())
			if meant == "" && (strings.HasPrefix(key.Text, annotations+"role") || strings.HasSuffix(key.Text, "/role-arn")) {
				meant = roleAnnotation
			}
			if meant == "" {
				continue
			}
			e := whole("an annotation of "+a.what(), key)
			f := catalogue.Facts{"got": key.Text, "want": meant, "what": a.what(), "where": key.At.String()}
			found = append(found, c.found("refs-annotation-key", f, []end{e}, c.patch([]end{e}, meant)...))
		}
	}
	return found, n
}

// resolveAccounts finds for each place the account that it names, else the one
// that it is most likely meant to name.
func (c *checker) resolveAccounts() {
	for _, a := range c.accounts {
		c.place(a)
	}
	for _, r := range c.accountRefs {
		for _, a := range c.accounts {
			if r.fits(a) || !a.name.Known() && r.fitsChart(a) {
				r.found = append(r.found, a)
				a.manager = a.manager || r.kind == byManager
				a.jobs = a.jobs || r.kind == byJobs
				c.byKind[namedBy{a, r.kind}] = true
			}
		}
	}
	for _, r := range c.accountRefs {
		if len(r.found) == 0 && r.name.part != "default" {
			r.meant = c.meantAccount(r)
		}
	}
}

// place says where the namespace of an account stands. For one that the chart
// makes in the namespace of its release a trust policy may say it.
func (c *checker) place(a *account) {
	a.space = whole("the namespace of "+a.what(), a.namespace)
	if !a.chart || a.namespace.Known() {
		return
	}
	for _, r := range c.accountRefs {
		if r.kind != byTrust || r.role == nil || r.role.name != a.takes || a.name.Known() && a.name.Text != r.name.part {
			continue
		}
		if a.namespace.Known() && a.namespace.Text != r.namespace.part {
			a.namespace.Text = "" // it trusts more than one
			return
		}
		a.namespace, a.space = Text{Text: r.namespace.part, At: r.namespace.text.At}, r.namespace
	}
}

// fitsChart reports whether an account that the chart names after the release may
// be the one that is named.
func (r accountRef) fitsChart(a *account) bool {
	if !agree(a.namespace.Text, r.namespace.part) || r.kind == byJobs {
		return false
	}
	return r.role == nil || r.role.name == a.takes
}

// meantAccount weighs the accounts that a place may mean; nil where none is
// likely, or two are as likely.
func (c *checker) meantAccount(r *accountRef) *account {
	var best *account
	most, tie := 0, false
	for _, a := range c.accounts {
		n := c.likely(r, a)
		switch {
		case n > most:
			best, most, tie = a, n, false
		case n == most && n > 0 && best.id() != a.id():
			tie = true
		}
	}
	if tie {
		return nil
	}
	return best
}

func (c *checker) likely(r *accountRef, a *account) int {
	if !a.name.Known() {
		return 0
	}
	orphan := !c.named(a, r.kind)
	name, namespace := a.name.Text, a.namespace.Text
	sameName, sameSpace := name == r.name.part, agree(namespace, r.namespace.part)
	nearName := slip(r.name.part, name, orphan)
	nearSpace := slip(r.namespace.part, namespace, orphan)
	switch {
	case r.role != nil && r.role.name == a.takes && !r.role.admits(a):
		return 6
	case sameName && (orphan || nearSpace), r.namespace.part == name && r.name.part == namespace:
		return 5
	case sameSpace && nearName:
		return 4
	case nearSpace && nearName:
		return 3
	case sameSpace && orphan && c.wants(r, a):
		return 2
	}
	return 0
}

type namedBy struct {
	account *account
	kind    kind
}

// named reports whether a place of that kind names the account.
func (c *checker) named(a *account, k kind) bool {
	return c.byKind[namedBy{a, k}]
}

// wants reports whether an account that no place of the kind names has to be named
// there by all that is said of it elsewhere, while nothing else names the other.
// Names that are not near each other are taken for one only so.
func (c *checker) wants(r *accountRef, a *account) bool {
	if c.namedElsewhere(r) {
		return false
	}
	switch r.kind {
	case byJobs:
		return c.forJobs(a)
	case byManager:
		return c.named(a, byBinding) && !c.named(a, byJobs) && c.trustedBy(a)
	case byBinding:
		return a.manager && !c.named(a, byJobs) && slices.Contains(r.beside, a.name.Text)
	case byTrust, byPod:
	}
	return false
}

// forJobs reports whether an account looks like that of jobs in all places: its
// role trusts it, and neither the manager nor a binding names it.
func (c *checker) forJobs(a *account) bool {
	return !a.manager && !a.chart && !c.named(a, byManager) && !c.named(a, byBinding) && c.trustedBy(a)
}

// trustedBy reports whether a role that the account's annotation can mean names
// the account.
func (c *checker) trustedBy(a *account) bool {
	return a.takes != "" && slices.ContainsFunc(c.roles, func(d *role) bool {
		return (d.name == "" || d.name == a.takes) && slices.ContainsFunc(d.subjects, func(s *accountRef) bool { return s.fits(a) })
	})
}

// namedElsewhere reports whether a place of another kind has the same account.
func (c *checker) namedElsewhere(r *accountRef) bool {
	return slices.ContainsFunc(c.accountRefs, func(o *accountRef) bool {
		return o.kind != r.kind && o.name.part == r.name.part && agree(o.namespace.part, r.namespace.part)
	})
}

// slip reports whether got looks like a slip of want. Names that differ in their
// numbers only are a series, unless one of them is used nowhere else.
func slip(got, want string, orphan bool) bool {
	return (orphan || !series(got, want)) && alike(got, want) && near.Slip(got, want) != ""
}

// alike is a quick look at whether one name can be a slip of the other: few
// letters of one are not in the other.
func alike(a, b string) bool {
	var count [256]int
	for i := range len(a) {
		count[a[i]|' ']++
	}
	for i := range len(b) {
		count[b[i]|' ']--
	}
	n := 0
	for char, k := range count {
		if char >= '0' { // what stands between the letters may differ at will
			n += max(k, -k)
		}
	}
	return n <= 4
}

func series(a, b string) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, s)
	}
	return letters(a) == letters(b)
}

// differentAccounts says of each pair of names that should be one.
func (c *checker) differentAccounts() []report.Finding {
	var all []report.Finding
	for _, r := range c.accountRefs {
		switch {
		case r.meant != nil && c.once("account "+r.id()+" "+r.meant.id()):
			all = append(all, c.differentAccount(r))
		case r.meant == nil && len(r.found) == 0:
			if other := c.nearRef(r); other != nil && c.once("account "+min(r.id(), other.id())+" "+max(r.id(), other.id())) {
				all = append(all, c.pairOfRefs(r, other))
			} else if other == nil {
				all = append(all, c.missingAccount(r)...)
			}
		}
	}
	return all
}

// missingAccount is about a place of which pods are made that names an account
// which none of the files defines, though they define one that is whole but for it.
func (c *checker) missingAccount(r *accountRef) []report.Finding {
	if r.name.part == "default" || c.namedElsewhere(r) {
		return nil
	}
	var there []string
	for _, a := range c.accounts {
		switch {
		case !a.name.Known():
			return nil // the chart may make it
		case agree(a.namespace.Text, r.namespace.part) && c.fills(r, a) && !slices.Contains(there, quote(a.id())):
			there = append(there, quote(a.id()))
		}
	}
	if len(there) == 0 || !c.once("account "+r.id()+" ") {
		return nil
	}
	const most = 5
	var ends []end
	for _, o := range c.accountRefs {
		if o.id() == r.id() {
			ends = append(ends, o.name)
		}
	}
	f := catalogue.Facts{"got": r.id(), "what": r.name.what, "where": places(ends), "there": strings.Join(there[:min(len(there), most)], ", ")}
	found := c.found("refs-account-missing", f, distinct(ends))
	if c.closed {
		found.Status = report.Fail
	}
	return []report.Finding{found}
}

// fills reports whether an account can be what a place means by a name that has
// nothing to do with it.
func (c *checker) fills(r *accountRef, a *account) bool {
	switch r.kind {
	case byJobs, byPod:
		return c.forJobs(a)
	case byManager:
		return c.wants(r, a)
	case byTrust, byBinding:
	}
	return false
}

func (c *checker) differentAccount(r *accountRef) report.Finding {
	got, want := side{}, side{}
	onlySpace := r.name.part == r.meant.name.Text
	pick := func(name, namespace end) end {
		if onlySpace {
			return namespace
		}
		return name
	}
	for _, a := range c.accounts {
		if a.name.Known() && a.id() == r.meant.id() {
			want.ends = append(want.ends, pick(whole("the name of "+a.what(), a.name), a.space))
		}
	}
	for _, o := range c.accountRefs {
		switch e := pick(o.name, o.namespace); {
		case o.id() == r.id() && len(o.found) == 0:
			got.ends = append(got.ends, e)
		case slices.Contains(o.found, r.meant) && e.part != "":
			want.ends = append(want.ends, e)
		}
	}
	got.name, want.name = r.name.part, r.meant.name.Text
	kase := "refs-account-name"
	if onlySpace {
		kase = "refs-account-namespace"
		got.name, want.name = r.namespace.part, r.meant.namespace.Text
	}
	return c.differ(kase, got, want, catalogue.Facts{"account": r.meant.name.Text})
}

// nearRef is another place whose name is near, where no file defines either.
func (c *checker) nearRef(r *accountRef) *accountRef {
	for _, o := range c.accountRefs {
		if o != r && len(o.found) == 0 && o.meant == nil && o.kind != r.kind && o.id() != r.id() {
			same := o.name.part == r.name.part && !agree(o.namespace.part, r.namespace.part) && slip(o.namespace.part, r.namespace.part, false)
			if same || agree(o.namespace.part, r.namespace.part) && slip(o.name.part, r.name.part, false) {
				return o
			}
		}
	}
	return nil
}

func (c *checker) pairOfRefs(r, other *accountRef) report.Finding {
	onlySpace := r.name.part == other.name.part
	gather := func(of *accountRef) side {
		s := side{name: of.name.part}
		if onlySpace {
			s.name = of.namespace.part
		}
		for _, o := range c.accountRefs {
			if o.name.part != of.name.part || onlySpace && o.namespace.part != of.namespace.part {
				continue
			}
			if onlySpace {
				s.ends = append(s.ends, o.namespace)
			} else {
				s.ends = append(s.ends, o.name)
			}
		}
		return s
	}
	kase := "refs-account-name"
	if onlySpace {
		kase = "refs-account-namespace"
	}
	return c.differ(kase, gather(r), gather(other), catalogue.Facts{"account": r.name.part})
}
