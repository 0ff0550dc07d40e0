package refs

import (
	"path"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// environment is one of several set-ups that stand side by side: what is below a
// folder of its name, and what is below none.
type environment struct {
	name string
	Set
}

// anchors are what tells set-ups from each other, each with how many places name it.
type anchors struct {
	issuers, accounts map[string]int
	kubernetes, aws   bool // it has annotated service accounts, trust policies
}

// environments takes a set apart where folders beside each other have another
// cluster or another AWS account: staging/ and prod/, or iam/staging/ and
// kubernetes/staging/ beside iam/prod/ and kubernetes/prod/. It is empty where
// all is one.
func (s Set) environments() []environment {
	all := s.anchors()
	byParent := map[string][]string{}
	var parents []string
	for _, file := range sortedKeys2(all) {
		for dir := path.Dir(file); dir != "." && dir != "/"; dir = path.Dir(dir) {
			parent, name := path.Dir(dir), path.Base(dir)
			if len(byParent[parent]) == 0 {
				parents = append(parents, parent)
			}
			if !slices.Contains(byParent[parent], name) {
				byParent[parent] = append(byParent[parent], name)
			}
		}
	}
	slices.SortStableFunc(parents, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	for _, parent := range parents {
		var names []string
		var kept []anchors
		for _, name := range byParent[parent] {
			its := anchors{issuers: map[string]int{}, accounts: map[string]int{}}
			for file, a := range all {
				if below(file, name) {
					its.add(a)
				}
			}
			if (its.kubernetes || its.aws) && !slices.ContainsFunc(kept, func(o anchors) bool { return !its.apart(o) }) {
				names, kept = append(names, name), append(kept, its)
			}
		}
		if len(names) > 1 {
			return s.split(names)
		}
	}
	return nil
}

func sortedKeys2(m map[string]anchors) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// below reports whether a file stands below a folder of that name.
func below(file, name string) bool {
	return slices.Contains(strings.Split(path.Dir(file), "/"), name)
}

func (a *anchors) add(b anchors) {
	for k, n := range b.issuers {
		a.issuers[k] += n
	}
	for k, n := range b.accounts {
		a.accounts[k] += n
	}
	a.kubernetes, a.aws = a.kubernetes || b.kubernetes, a.aws || b.aws
}

// apart reports whether two folders are two set-ups: both have the same end of the
// circle, with another cluster or, where none is named, another AWS account. What
// looks like a slip sets nothing apart.
func (a *anchors) apart(b anchors) bool {
	same := a.kubernetes && b.kubernetes || a.aws && b.aws
	if !same {
		return false
	}
	differ := func(x, y map[string]int) bool {
		p, q := usual(x), usual(y)
		return x[p] > 1 && y[q] > 1 && p != q && near.Slip(p, q) == "" // one place can be a slip
	}
	if len(a.issuers) > 0 && len(b.issuers) > 0 && usual(a.issuers) != usual(b.issuers) {
		return differ(a.issuers, b.issuers) || differ(a.accounts, b.accounts)
	}
	return differ(a.accounts, b.accounts)
}

// usual is the name that most places have, "" where two have as many.
func usual(m map[string]int) string {
	best, most := "", 0
	for name, n := range m {
		switch {
		case n > most:
			best, most = name, n
		case n == most:
			best = ""
		}
	}
	return best
}

// anchors are those of each file.
func (s Set) anchors() map[string]anchors {
	all := map[string]anchors{}
	of := func(file string) anchors {
		a, ok := all[file]
		if !ok {
			a = anchors{issuers: map[string]int{}, accounts: map[string]int{}}
		}
		return a
	}
	account := func(at report.Place, annotations []Annotation) {
		a := of(at.File)
		for _, n := range annotations {
			if arn, err := iam.ParseRoleARN(n.Value.Text); err == nil {
				a.accounts[arn.Account]++
				a.kubernetes = true
			}
		}
		all[at.File] = a
	}
	trust := func(p *Policy) {
		if p == nil {
			return
		}
		a := of(p.At.File)
		for _, st := range p.Statements {
			for _, pr := range st.Principals {
				if e := arnOf("", pr.Name); e.provider != "" {
					a.issuers[e.provider]++
					a.accounts[e.account]++
					a.aws = true
				}
			}
			for _, k := range st.Conditions {
				if provider, _ := claim(k.Key.Text); strings.Contains(provider, ".") {
					a.issuers[provider]++
				}
			}
		}
		all[p.At.File] = a
	}
	for _, x := range s.Accounts {
		account(x.At, x.Annotations)
	}
	for _, m := range s.Managers {
		account(m.At, slices.Concat(m.Annotations, m.RBAC.Annotations))
	}
	for i := range s.Trusts {
		trust(&s.Trusts[i])
	}
	for _, r := range s.Roles {
		trust(r.Trust)
	}
	return all
}

// split gives each environment what stands below its folders, and what stands
// below none.
func (s Set) split(names []string) []environment {
	var all []environment
	for _, name := range names {
		keep := func(at report.Place) bool {
			return below(at.File, name) || !slices.ContainsFunc(names, func(o string) bool { return below(at.File, o) })
		}
		e := environment{name, Set{Files: s.Files, Others: s.Others, root: s.root, lines: s.lines}}
		e.Accounts = kept(s.Accounts, keep, func(x Account) report.Place { return x.At })
		e.Roles = kept(s.Roles, keep, func(x IAMRole) report.Place { return x.At })
		e.Trusts = kept(s.Trusts, keep, func(x Policy) report.Place { return x.At })
		e.Policies = kept(s.Policies, keep, func(x Policy) report.Place { return x.At })
		e.Providers = kept(s.Providers, keep, func(x Provider) report.Place { return x.At })
		e.Clusters = kept(s.Clusters, keep, func(x Cluster) report.Place { return x.At })
		e.Buckets = kept(s.Buckets, keep, func(x Bucket) report.Place { return x.At })
		e.KubeRoles = kept(s.KubeRoles, keep, func(x KubeRole) report.Place { return x.At })
		e.Bindings = kept(s.Bindings, keep, func(x KubeBinding) report.Place { return x.At })
		e.Workloads = kept(s.Workloads, keep, func(x Workload) report.Place { return x.At })
		e.Pipelines = kept(s.Pipelines, keep, func(x Pipeline) report.Place { return x.At })
		at := map[int]int{} // the indices that runners get
		for i, r := range s.Runners {
			if keep(r.At) {
				at[i] = len(e.Runners)
				e.Runners = append(e.Runners, r)
			}
		}
		for _, m := range s.Managers {
			if !keep(m.At) {
				continue
			}
			var runners []int
			for _, i := range m.Runners {
				if to, ok := at[i]; ok {
					runners = append(runners, to)
				}
			}
			m.Runners = runners
			e.Managers = append(e.Managers, m)
		}
		e.join()
		all = append(all, e)
	}
	return all
}

func kept[T any](all []T, keep func(report.Place) bool, at func(T) report.Place) []T {
	var out []T
	for _, x := range all {
		if keep(at(x)) {
			out = append(out, x)
		}
	}
	return out
}

// shared reports whether a place is below the folder of no environment.
func shared(all []environment, at report.Place) bool {
	return !slices.ContainsFunc(all, func(e environment) bool { return below(at.File, e.name) })
}

// together are the results of all environments, one behind the other. What is said
// of a place that they share counts only where all of them say it: a name for one
// of them is in none of the others.
func together(all []environment, results []Result) (groups []report.Group, g Graph) {
	said := map[string]int{}
	keys := func(f report.Finding) []string {
		var out []string
		for _, p := range f.Where {
			if key := f.ID + " " + p.String(); shared(all, p) && !slices.Contains(out, key) {
				out = append(out, key)
			}
		}
		return out
	}
	for _, r := range results {
		once := map[string]bool{}
		for _, f := range r.Report.Findings() {
			for _, key := range keys(f) {
				if f.Status != report.OK && !once[key] {
					once[key] = true
					said[key]++
				}
			}
		}
	}
	told := map[string]bool{}
	for i, r := range results {
		for _, group := range r.Report.Groups {
			group.ID += "-" + all[i].name
			group.Title += " of " + report.Clean(all[i].name)
			group.Findings = slices.DeleteFunc(group.Findings, func(f report.Finding) bool {
				if f.Status == report.OK {
					return false
				}
				mine := keys(f)
				if len(mine) > 0 && len(mine) == len(f.Where) {
					if told[f.ID+f.Cause] {
						return true
					}
					told[f.ID+f.Cause] = true
				}
				return slices.ContainsFunc(mine, func(key string) bool { return said[key] < len(results) })
			})
			if len(group.Findings) > 0 {
				groups = append(groups, group)
			}
		}
		g.join(r.Graph)
	}
	return groups, g
}

// join puts another graph behind g. Nodes of one kind and name are one where they
// stand at one place.
func (g *Graph) join(o Graph) {
	at := make([]int, len(o.Nodes))
	for i, n := range o.Nodes {
		at[i] = slices.IndexFunc(g.Nodes, func(m Node) bool { return m.Kind == n.Kind && m.Name == n.Name && m.At == n.At })
		if at[i] < 0 {
			at[i] = len(g.Nodes)
			g.Nodes = append(g.Nodes, n)
		}
		g.Nodes[at[i]].Defined = g.Nodes[at[i]].Defined || n.Defined
	}
	for _, e := range o.Edges {
		e.From, e.To = at[e.From], at[e.To]
		i := slices.IndexFunc(g.Edges, func(m Edge) bool { return m.From == e.From && m.To == e.To && m.Label == e.Label })
		if i < 0 {
			g.Edges = append(g.Edges, e)
		}
	}
}
