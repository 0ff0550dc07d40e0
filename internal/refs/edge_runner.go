package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// bindings says which RoleBinding names a Role that is none of the files', though
// one of them was most likely meant.
func (c *checker) bindings() []report.Finding {
	var all []report.Finding
	n := 0
	for _, b := range c.Bindings {
		if !usable(b.RoleName) || b.RoleKind.Text == "ClusterRole" && len(c.kubeRoles("ClusterRole")) == 0 {
			continue
		}
		n++
		if c.bound(b) {
			continue
		}
		meant := c.meantKubeRole(b)
		if meant == nil {
			continue
		}
		what := "the " + report.Clean(b.Kind.Text) + " " + quote(b.Name.Text)
		kase := "refs-binding-role"
		got := side{name: b.RoleName.Text, ends: []end{whole("roleRef of "+what, b.RoleName)}}
		want := side{name: meant.Name.Text, ends: []end{whole("the name of the "+report.Clean(meant.Kind.Text), meant.Name)}}
		if b.RoleName.Text == meant.Name.Text {
			kase = "refs-binding-namespace"
			got = side{name: b.Namespace.Text, ends: []end{whole("the namespace of "+what, b.Namespace)}}
			want = side{name: meant.Namespace.Text, ends: []end{whole("the namespace of the "+report.Clean(meant.Kind.Text), meant.Namespace)}}
		}
		c.vote(b, kase == "refs-binding-namespace", &got, &want)
		all = append(all, c.differ(kase, got, want, catalogue.Facts{"binding": b.Name.Text, "role": meant.Name.Text}))
	}
	all = append(all, c.elsewhere()...)
	return judged("refs-binding", n, "binding", all...)
}

// vote adds what else has the name of a Role or its namespace: the binding itself,
// whom it binds, and where job pods run.
func (c *checker) vote(b KubeBinding, namespace bool, sides ...*side) {
	what := "the " + report.Clean(b.Kind.Text) + " " + quote(b.Name.Text)
	others := []end{whole("the name of "+what, b.Name)}
	if namespace {
		others = nil
		for _, s := range b.Subjects {
			others = append(others, whole("the namespace of a subject of "+what, s.Namespace))
		}
		for i := range c.Runners {
			r := &c.Runners[i]
			others = append(others, whole("namespace of "+runnerWhat(r), r.Kubernetes.Namespace))
		}
	}
	for _, e := range others {
		for _, s := range sides {
			if usable(e.text) && e.part == s.name {
				s.ends = append(s.ends, e)
			}
		}
	}
}

func (c *checker) kubeRoles(kind string) []KubeRole {
	return slices.DeleteFunc(slices.Clone(c.KubeRoles), func(r KubeRole) bool { return r.Kind.Text != kind })
}

func (c *checker) bound(b KubeBinding) bool {
	return slices.ContainsFunc(c.KubeRoles, func(r KubeRole) bool {
		return r.Kind.Text == b.RoleKind.Text && r.Name.Text == b.RoleName.Text && (r.Kind.Text == "ClusterRole" || agree(r.Namespace.Text, b.Namespace.Text))
	})
}

// meantKubeRole is the Role that a binding most likely means: of its name, near
// to it, or the only one that nothing binds.
func (c *checker) meantKubeRole(b KubeBinding) *KubeRole {
	var best *KubeRole
	most := 0
	for i := range c.KubeRoles {
		r := &c.KubeRoles[i]
		free := !slices.ContainsFunc(c.Bindings, func(o KubeBinding) bool {
			return o.RoleName.Text == r.Name.Text && o.RoleKind.Text == r.Kind.Text && agree(o.Namespace.Text, r.Namespace.Text)
		})
		n := 0
		switch {
		case r.Kind.Text != b.RoleKind.Text:
		case r.Name.Text == b.RoleName.Text && (free || slip(r.Namespace.Text, b.Namespace.Text, true)):
			n = 5
		case slip(r.Name.Text, b.RoleName.Text, free):
			n = 4
		case free && agree(r.Namespace.Text, b.Namespace.Text) && (r.Name.Text == b.Name.Text || r.makesPods() && c.bindsManager(b)):
			n = 2
		}
		if n > most {
			best, most = r, n
		}
	}
	return best
}

// makesPods reports whether a Role is like that of a runner manager.
func (r *KubeRole) makesPods() bool {
	return slices.ContainsFunc(r.Rules, func(rule Rule) bool {
		return slices.ContainsFunc(rule.Resources, func(t Text) bool { return t.Text == "pods" }) && slices.ContainsFunc(rule.Verbs, func(t Text) bool { return t.Text == "create" })
	})
}

func (c *checker) bindsManager(b KubeBinding) bool {
	return slices.ContainsFunc(b.Subjects, func(s Subject) bool {
		return slices.ContainsFunc(c.accounts, func(a *account) bool {
			return a.manager && a.name.Text == s.Name.Text && agree(a.namespace.Text, s.Namespace.Or(b.Namespace).Text)
		})
	})
}

// elsewhere is about a runner whose job pods run in a namespace in which nothing
// binds the manager's account.
func (c *checker) elsewhere() []report.Finding {
	var all []report.Finding
	for i := range c.Runners {
		r := &c.Runners[i]
		namespace := r.Kubernetes.Namespace
		if !usable(namespace) {
			continue
		}
		for _, a := range c.managersOf(i) {
			if a.chart {
				all = append(all, c.apart(i, a)...)
			}
			var ends []end
			here := false
			for _, b := range c.Bindings {
				if !slices.ContainsFunc(b.Subjects, func(s Subject) bool {
					return s.Name.Text == a.name.Text && agree(s.Namespace.Or(b.Namespace).Text, a.namespace.Text)
				}) {
					continue
				}
				here = here || b.Kind.Text == "ClusterRoleBinding" || agree(b.Namespace.Text, namespace.Text)
				ends = append(ends, whole("the namespace of the "+report.Clean(b.Kind.Text)+" "+quote(b.Name.Text), b.Namespace))
			}
			if !a.name.Known() || here || len(ends) == 0 || c.told["account "+accountID(namespace.Text, r.Kubernetes.ServiceAccount.Text)+" "+accountID(ends[0].text.Text, r.Kubernetes.ServiceAccount.Text)] {
				continue
			}
			f := catalogue.Facts{"binding": a.name.Text}
			all = append(all, c.differ("refs-binding-elsewhere", side{name: namespace.Text, ends: []end{whole("namespace of "+runnerWhat(r), namespace)}}, side{name: ends[0].text.Text, ends: ends}, f))
		}
	}
	return all
}

// apart is about an account that the chart makes: the trust policy says in which
// namespace, and job pods run in another.
func (c *checker) apart(i int, a *account) []report.Finding {
	r := &c.Runners[i]
	for _, m := range c.Managers {
		if slices.Contains(m.Runners, i) && m.RBAC.ClusterWideAccess.Text == "true" {
			return nil
		}
	}
	runs := r.Kubernetes.Namespace
	if agree(a.namespace.Text, runs.Text) || !c.once("apart "+a.namespace.Text+" "+runs.Text) {
		return nil
	}
	sides := map[string]*side{a.namespace.Text: {name: a.namespace.Text, ends: []end{a.space}}, runs.Text: {name: runs.Text, ends: []end{whole("namespace of "+runnerWhat(r), runs)}}}
	for _, o := range c.accounts {
		if s := sides[o.namespace.Text]; s != nil && o != a {
			s.ends = append(s.ends, o.space)
		}
	}
	for _, o := range c.accountRefs {
		if s := sides[o.namespace.part]; s != nil && o.namespace.text.At != a.space.text.At {
			s.ends = append(s.ends, o.namespace)
		}
	}
	return []report.Finding{c.differ("refs-namespace-apart", *sides[a.namespace.Text], *sides[runs.Text], catalogue.Facts{"runner": runnerWhat(r), "manager": a.namespace.Text, "jobs": runs.Text})}
}

// managersOf are the accounts of the manager of a runner: that of the values which
// hold the runner, else the only manager of the files.
func (c *checker) managersOf(i int) []*account {
	var name Text
	in := false
	for _, m := range c.Managers {
		if slices.Contains(m.Runners, i) || len(c.Managers) == 1 && c.Runners[i].Source == FromTOML {
			name, in = plain(m.Name.Or(m.RBAC.ServiceAccountName)), true
		}
	}
	var all []*account
	for _, a := range c.accounts {
		switch {
		case in && name.Known() && a.name.Text == name.Text, in && !name.Known() && a.chart, !in && a.manager:
			all = append(all, a)
		}
	}
	return all
}

// runnerConfigs are what each runner's configuration says by itself, and whether
// its jobs run under the account of their manager.
func (c *checker) runnerConfigs() []report.Finding {
	var all, mixed []report.Finding
	n := 0
	held := map[string]bool{}
	for i := range c.Runners {
		r := &c.Runners[i]
		for _, f := range r.Findings() {
			absent := len(f.Evidence) > 0 && f.Evidence[0].Text == "not set"
			held[f.ID] = held[f.ID] || f.Status != report.OK
			if !r.Partial || !absent || f.Status == report.OK {
				all = append(all, f)
			}
		}
		name := r.Kubernetes.ServiceAccount
		if !usable(name) {
			continue
		}
		for _, a := range c.managersOf(i) {
			n++
			if a.name.Text == name.Text && a.name.Known() {
				mixed = append(mixed, c.jobsAsManager(i, a))
			}
		}
	}
	all = slices.DeleteFunc(all, func(f report.Finding) bool { return f.Status == report.OK && (held[f.ID] || !c.once("held "+f.ID)) })
	all = append(all, judged("refs-jobs-account", n, "runner", mixed...)...)
	return append(all, c.chartKeys()...)
}

// jobsAsManager is worse where another account is there that one of the two was
// meant to have: the one that the binding or the cache is for is the manager's.
func (c *checker) jobsAsManager(i int, a *account) report.Finding {
	r := &c.Runners[i]
	name := r.Kubernetes.ServiceAccount
	jobs := []end{whole("service_account of "+runnerWhat(r), name)}
	var manager []end
	for _, o := range c.accountRefs {
		if o.kind == byManager && o.name.part == a.name.Text {
			manager = append(manager, o.name)
		}
	}
	if len(manager) == 0 {
		manager = append(manager, whole("the name of "+a.what(), a.name))
	}
	f := catalogue.Facts{"account": a.name.Text, "runner": runnerWhat(r), "where": places(jobs), "other-where": places(manager)}
	o := c.spare(r, a)
	if o == nil {
		return c.found("refs-jobs-as-manager", f, slices.Concat(jobs, manager))
	}
	f["meant"] = o.name.Text
	named := []end{whole("the name of "+o.what(), o.name)}
	switch other, own := c.forManager(i, o), c.forManager(i, a); {
	case other > own:
		f["where"], f["other-where"] = f["other-where"], f["where"]
		return c.found("refs-manager-swapped", f, slices.Concat(manager, jobs, named), c.patch(manager, o.name.Text)...)
	case own > other, c.named(o, byJobs):
		return c.found("refs-jobs-swapped", f, slices.Concat(jobs, manager, named))
	}
	return c.found("refs-accounts-mixed", f, slices.Concat(jobs, manager, named))
}

// spare is an account that neither the manager nor the runner's service_account
// names, though it has a role or a binding.
func (c *checker) spare(r *Runner, a *account) *account {
	for _, o := range c.accounts {
		if o.name.Known() && o.name.Text != a.name.Text && !c.named(o, byManager) && !o.chart && (o.role().Known() || c.named(o, byBinding)) && agree(o.namespace.Text, r.Kubernetes.Namespace.Text) {
			return o
		}
	}
	return nil
}

// forManager counts what says that an account is the manager's: that it is bound,
// and that its role may use the cache.
func (c *checker) forManager(i int, a *account) int {
	n := 0
	if c.named(a, byBinding) {
		n++
	}
	for _, d := range c.roles {
		if d.name != "" && d.name == a.takes && slices.Contains(c.s3Runners(), i) && c.namesBucket(d, c.Runners[i].Cache.S3.BucketName.Text) {
			n++
		}
	}
	return n
}

// chartKeys are the keys of the chart's values that newer charts do not read, or
// warn of.
func (c *checker) chartKeys() []report.Finding {
	var all []report.Finding
	for _, m := range c.Managers {
		for _, o := range m.Old {
			kase := "refs-chart-deprecated"
			if o.Removed {
				kase = "refs-chart-removed"
			}
			f := catalogue.Facts{"key": o.Key.Text, "since": o.Since, "instead": o.Instead, "where": o.Key.At.String()}
			ends := []end{whole("a key of the chart's values", o.Key)}
			if strings.HasSuffix(o.Key.Text, "serviceAccountName") && o.Value.Known() {
				ends = append(ends, whole("its value", o.Value))
			}
			all = append(all, c.found(kase, f, ends))
		}
	}
	return judged("refs-chart", len(c.Managers), "values file", all...)
}
