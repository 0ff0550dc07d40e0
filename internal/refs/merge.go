package refs

import (
	"maps"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// add puts the objects of one more file behind those of s.
func (s *Set) add(f Set) {
	for i := range f.Managers {
		for j := range f.Managers[i].Runners {
			f.Managers[i].Runners[j] += len(s.Runners)
		}
	}
	s.Accounts = append(s.Accounts, f.Accounts...)
	s.Roles = append(s.Roles, f.Roles...)
	s.Trusts = append(s.Trusts, f.Trusts...)
	s.Policies = append(s.Policies, f.Policies...)
	s.Providers = append(s.Providers, f.Providers...)
	s.Clusters = append(s.Clusters, f.Clusters...)
	s.Buckets = append(s.Buckets, f.Buckets...)
	s.KubeRoles = append(s.KubeRoles, f.KubeRoles...)
	s.Bindings = append(s.Bindings, f.Bindings...)
	s.Workloads = append(s.Workloads, f.Workloads...)
	s.Managers = append(s.Managers, f.Managers...)
	s.Runners = append(s.Runners, f.Runners...)
	s.Pipelines = append(s.Pipelines, f.Pipelines...)
	s.Unread = append(s.Unread, f.Unread...)
	s.Files += f.Files
	s.Others += f.Others
	if s.lines == nil {
		s.lines = map[report.Place]string{}
	}
	maps.Copy(s.lines, f.lines)
}

// join gives roles the policies that other files have for them. A policy goes to a
// role only where no other role has that name.
func (s *Set) join() {
	byName := map[string]int{}
	for i, r := range s.Roles {
		for _, name := range []string{r.Name.Text, r.ARN.Text} {
			if name == "" {
				continue
			}
			if _, twice := byName[name]; twice {
				byName[name] = -1
				continue
			}
			byName[name] = i
		}
	}
	attached := map[string][]int{}
	for i, r := range s.Roles {
		has := map[string]bool{}
		for _, p := range r.Policies {
			has[p.ARN.Text] = true
		}
		for _, a := range r.Attached {
			if !has[a.Text] {
				attached[a.Text] = append(attached[a.Text], i)
			}
		}
	}
	var rest []Policy
	for _, p := range s.Policies {
		i, one := byName[p.Role.Text]
		switch {
		case p.Role.Known() && one && i >= 0:
			s.Roles[i].Policies = append(s.Roles[i].Policies, p)
		case p.ARN.Known() && len(attached[p.ARN.Text]) > 0:
			for _, i := range attached[p.ARN.Text] {
				s.Roles[i].Policies = append(s.Roles[i].Policies, p)
			}
		default:
			rest = append(rest, p)
		}
	}
	s.Policies = rest
}
