package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// files says which files, or parts of them, were not evaluated. What is so by its
// kind is said once, with how many files are of it.
func (c *checker) files() []report.Finding {
	var all []report.Finding
	count := map[Kind]int{}
	for _, u := range c.Unread {
		kase := "refs-not-evaluated"
		switch u.Kind {
		case Broken:
			kase = "refs-broken"
		case Refused:
			kase = "refs-refused"
		case Duplicate:
			kase = "refs-duplicate"
		case Templated:
			if u.Reason == notEvaluated || strings.HasSuffix(u.Reason, manyTemplates) {
				kase = "refs-templates"
			}
		case Terraform:
			kase = "refs-terraform"
		case Pending, Skipped, Linked, Irregular, Binary, Described, Nothing:
		}
		place := u.At.String()
		if u.At.Line == 0 {
			place = quote(u.At.File)
		}
		facts := catalogue.Facts{"place": place, "why": u.Reason}
		facts[string(u.Kind)] = "yes"
		if kase == "refs-terraform" || kase == "refs-templates" {
			if count[u.Kind] > 0 {
				continue
			}
			where := c.unreadOf(u.Kind, kase)
			count[u.Kind] = len(where)
			facts["files"] = catalogue.Count(len(where), "file")
			f := catalogue.Find(kase).Finding(facts, nil)
			f.Where = where
			all = append(all, f)
			continue
		}
		f := catalogue.Find(kase).Finding(facts, nil)
		f.Where = []report.Place{u.At}
		all = append(all, f)
	}
	if c.Files == 0 {
		f := catalogue.Find("refs-nothing").Finding(catalogue.Facts{"files": catalogue.Count(c.Others, "file")}, nil)
		return append(all, f)
	}
	return judged("refs-files", c.Files, "file", all...)
}

// unreadOf are the first places of that kind in each file.
func (c *checker) unreadOf(k Kind, kase string) []report.Place {
	var all []report.Place
	for _, u := range c.Unread {
		whole := kase != "refs-templates" || u.Reason == notEvaluated || strings.HasSuffix(u.Reason, manyTemplates)
		if u.Kind == k && whole && !slices.ContainsFunc(all, func(p report.Place) bool { return p.File == u.At.File }) {
			all = append(all, u.At)
		}
	}
	return all
}

// loose are names that no file defines, and what the files define and nothing
// names. With Options.Closed they are failures.
func (c *checker) loose() []report.Finding {
	var undefined, unused []report.Finding
	say := func(kase, thing, name string, e end) {
		if !c.once(kase + " " + thing + " " + name) {
			return
		}
		f := c.found(kase, catalogue.Facts{"thing": thing, "name": name, "what": e.what, "where": e.text.At.String()}, []end{e})
		if c.closed {
			f.Status = report.Fail
		}
		if kase == "refs-unused" {
			unused = append(unused, f)
		} else {
			undefined = append(undefined, f)
		}
	}
	n := 0
	for _, r := range c.accountRefs {
		n++
		if len(r.found) == 0 && r.meant == nil && r.name.part != "default" && !c.toldName("account", r.id()) {
			say("refs-undefined", "service account", r.id(), r.name)
		}
	}
	for _, r := range c.roleRefs {
		n++
		switch {
		case r.found != nil || r.meant != nil || c.toldName("role", r.arn.Name):
		case r.account != nil && c.told["copied for "+r.account.id()]:
		case c.trustAlone(r):
			say("refs-unnamed", "role", r.arn.Name, r.end())
		default:
			say("refs-undefined", "role", r.arn.Name, r.end())
		}
	}
	for _, b := range c.Bindings {
		if c.meantKubeRole(b) == nil && !c.bound(b) && b.RoleKind.Text == "Role" && usable(b.RoleName) {
			say("refs-undefined", "Role", b.RoleName.Text, whole("roleRef of the "+report.Clean(b.Kind.Text)+" "+quote(b.Name.Text), b.RoleName))
		}
	}
	for _, i := range c.s3Runners() {
		name := c.Runners[i].Cache.S3.BucketName
		if ends := c.bucketEnds(); len(ends[name.Text]) == 0 && !c.toldBucket(name.Text) && !slices.ContainsFunc(c.Buckets, func(b Bucket) bool { return b.Name.Text == name.Text }) {
			say("refs-undefined", "bucket", name.Text, whole("BucketName of "+runnerWhat(&c.Runners[i]), name))
		}
	}
	for _, e := range c.issuers {
		if e.role != nil && !c.definedIssuer(e.name) && slices.ContainsFunc(c.issuers, func(o issuerEnd) bool { return o.defined }) && !c.toldName("issuer", e.name) {
			say("refs-undefined", "provider", e.name, e.end)
		}
	}
	for _, d := range c.roles {
		if d.name != "" && d.trust != nil && slices.ContainsFunc(d.trust.Statements, forTokens) && len(c.accounts) > 0 && !c.refers(d) {
			say("refs-unused", "role", d.name, d.ends[0])
		}
	}
	for _, a := range c.accounts {
		if a.name.Known() && a.role().Known() && !a.chart && len(c.Runners) > 0 && !c.named(a, byJobs) && !c.named(a, byManager) && !c.named(a, byPod) && !c.named(a, byTrust) && !c.named(a, byBinding) && !c.meantBy(a) {
			say("refs-unused", "service account", a.id(), whole("the name of "+a.what(), a.name))
		}
	}
	return slices.Concat(judged("refs-defined", n, "name", undefined...), judged("refs-used", len(c.accounts), "service account", unused...))
}

// toldName reports whether a name is one of a pair that was said to differ.
func (c *checker) toldName(thing, name string) bool {
	for key := range c.told {
		if rest, ok := strings.CutPrefix(key, thing+" "); ok && slices.Contains(strings.Fields(rest), name) {
			return true
		}
	}
	return false
}

// trustAlone reports whether a trust policy whose role the files do not name can
// be that of the role: it admits the account that names it.
func (c *checker) trustAlone(r *roleRef) bool {
	for _, o := range c.roleRefs {
		if o.account == nil || o.arn.Name != r.arn.Name {
			continue
		}
		for _, d := range c.roles {
			if d.name == "" && d.trust != nil && len(d.subjects) > 0 && d.admits(o.account) {
				return true
			}
		}
	}
	return false
}

func (c *checker) refers(d *role) bool {
	if slices.ContainsFunc(c.accounts, func(a *account) bool { return a.pending && d.admits(a) }) {
		return true
	}
	return slices.ContainsFunc(c.roleRefs, func(r *roleRef) bool { return r.found == d || r.meant == d })
}

func (c *checker) meantBy(a *account) bool {
	return slices.ContainsFunc(c.accountRefs, func(r *accountRef) bool { return r.meant == a })
}
