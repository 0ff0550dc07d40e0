package refs

import (
	"path"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// role is an IAM role that the files define, or a trust policy alone.
type role struct {
	at       report.Place
	name     string // without its path; empty for a trust policy alone
	ends     []end  // where its name stands
	arn      Text   // not known where the files do not say
	trust    *Policy
	policies []Policy
	subjects []*accountRef // whom its trust policy names in full
	patterns []Text        // what else it compares sub with
	bare     bool          // an Allow for tokens has no condition on sub
}

func (r *role) what() string {
	if r.name == "" {
		return "the trust policy in " + quote(r.at.File)
	}
	return "the role " + quote(r.name)
}

// admits reports whether the trust policy compares sub with this account, or
// with nothing.
func (r *role) admits(a *account) bool {
	if r.bare {
		return true
	}
	for _, s := range r.subjects {
		if s.fits(a) || !a.name.Known() && s.fitsChart(a) {
			return true
		}
	}
	return slices.ContainsFunc(r.patterns, func(t Text) bool {
		return iam.Like(t.Text, subjects+a.namespace.Text+":"+a.name.Text)
	})
}

// roleRef is a place that names a role by its ARN or its name.
type roleRef struct {
	what    string
	text    Text
	arn     iam.RoleARN // only the name where the place has no ARN
	account *account    // of an annotation
	asked   bool        // by a job, for the token of its own service account
	policy  *Policy     // of a permission policy that says which role it is of
	in      *role       // of a principal: whose trust policy it is in
	found   *role
	meant   *role
}

func (r roleRef) end() end {
	return end{what: r.what, text: r.text, part: r.arn.Name, from: len(r.text.Text) - len(r.arn.Name)}
}

// roleName is the name in a role's ARN, "" where it is none.
func roleName(arn string) string {
	a, err := iam.ParseRoleARN(arn)
	if err != nil {
		return ""
	}
	return a.Name
}

// The names that ci-aws render gives to the files of policies: NAME.trust.json.
const (
	trustFile  = ".trust.json"
	policyFile = ".policy.json"
)

func (c *checker) collectRoles() {
	for i := range c.Roles {
		c.collectRole(&c.Roles[i])
	}
	for i := range c.Trusts {
		c.roles = append(c.roles, &role{at: c.Trusts[i].At, trust: &c.Trusts[i]})
	}
	c.nameByFile()
	for _, r := range c.roles {
		if r.trust != nil {
			c.collectTrust(r)
		}
	}
}

func (c *checker) collectRole(in *IAMRole) {
	r := &role{at: in.At, name: in.Name.Text, arn: plain(in.ARN), trust: in.Trust, policies: in.Policies}
	if in.Name.Templated() {
		r.name = ""
	}
	if a, err := iam.ParseRoleARN(r.arn.Text); err == nil {
		r.name = a.Name
		r.ends = append(r.ends, end{"the ARN of " + r.what(), r.arn, a.Name, len(r.arn.Text) - len(a.Name)})
		if usable(in.Name) && in.Name.Text != a.Name {
			c.roleRefs = append(c.roleRefs, &roleRef{what: "the name beside that ARN", text: in.Name, arn: iam.RoleARN{Name: in.Name.Text}, meant: r})
		}
	}
	if usable(in.Name) && in.Name.Text == r.name {
		r.ends = append(r.ends, whole("the name of "+r.what(), in.Name))
	}
	c.roles = append(c.roles, r)
}

// nameByFile takes the name of a role from that of its policies' files, where
// two files have it as ci-aws render writes them, or something names that role.
func (c *checker) nameByFile() {
	given := map[string]int{}
	named := func(p Policy) string {
		base := path.Base(p.At.File)
		if name, ok := strings.CutSuffix(base, trustFile); ok {
			return name
		}
		name, _ := strings.CutSuffix(base, policyFile)
		if name == base {
			return ""
		}
		return name
	}
	for _, p := range slices.Concat(c.Trusts, c.Policies) {
		given[named(p)]++
	}
	asks := c.pipelineRoles()
	asked := func(name string) bool {
		return slices.ContainsFunc(asks, func(r *roleRef) bool { return name != "" && roleName(r.text.Text) == name }) || slices.ContainsFunc(c.accounts, func(a *account) bool {
			n := a.takes
			return n == name || slip(n, name, false)
		})
	}
	for _, r := range c.roles {
		if r.name != "" || r.trust == nil {
			continue
		}
		name := named(*r.trust)
		if name == "" || given[name] < 2 && !asked(name) {
			continue
		}
		r.name = name
		r.ends = []end{{what: "the file of the trust policy", text: Text{Text: path.Base(r.at.File), At: report.Place{File: r.at.File}}, part: name}}
		for _, p := range c.Policies {
			if named(p) == name {
				r.policies = append(r.policies, p)
			}
		}
	}
}

// collectRoleRefs takes all places that name a role.
func (c *checker) collectRoleRefs() []report.Finding {
	var found []report.Finding
	add := func(r *roleRef) {
		if !usable(r.text) {
			return
		}
		if !strings.HasPrefix(r.text.Text, "arn:") && r.account == nil && roleName("arn:aws:iam::123456789012:role/"+r.text.Text) != "" {
			r.arn.Name = r.text.Text
			c.roleRefs = append(c.roleRefs, r)
			return
		}
		arn, err := iam.ParseRoleARN(r.text.Text)
		if err != nil {
			f := catalogue.Facts{"got": r.text.Text, "why": err.Error(), "what": r.what, "where": r.text.At.String()}
			found = append(found, c.found("refs-arn-malformed", f, []end{whole(r.what, r.text)}))
			return
		}
		r.arn = arn
		c.roleRefs = append(c.roleRefs, r)
		c.arns = append(c.arns, arnOf(r.what, r.text))
	}
	for _, a := range c.accounts {
		add(&roleRef{what: "the annotation of " + a.what(), text: a.role(), account: a})
	}
	for i := range c.Runners {
		r := &c.Runners[i]
		// Of one that is malformed internal/runner says so.
		if r.Cache.S3.AWS() && roleName(r.Cache.S3.Role().Text) != "" {
			add(&roleRef{what: "the cache's RoleARN of " + runnerWhat(r), text: Text(r.Cache.S3.Role())})
		}
	}
	for _, r := range c.pipelineRoles() {
		add(r)
	}
	for i := range c.Policies {
		p := &c.Policies[i]
		add(&roleRef{what: "the role of the policy " + quote(p.Name.Text), text: p.Role, policy: p})
	}
	for _, r := range c.roles {
		for _, e := range allowing(r, []string{"sts:AssumeRole"}) {
			if !strings.ContainsAny(e.part, "*?") {
				add(&roleRef{what: e.what, text: e.text})
			}
		}
		if r.trust == nil {
			continue
		}
		for _, s := range r.trust.Statements {
			for _, p := range s.Principals {
				if p.Type == "AWS" && strings.Contains(p.Name.Text, ":role/") {
					add(&roleRef{what: "the principal in " + r.what(), text: p.Name, in: r})
				}
			}
		}
	}
	return found
}

// rolesAndTrust joins each place that names a role with the role, and each
// service account with what its role's trust policy says of it.
func (c *checker) rolesAndTrust() []report.Finding {
	malformed := c.collectRoleRefs()
	all := judged("refs-role-arn", len(c.roleRefs), "ARN", malformed...)
	c.resolveRoles()
	all = append(all, judged("refs-role", len(c.roleRefs), "place", c.differentRoles()...)...)
	all = append(all, c.sameIssuers()...)
	all = append(all, c.trusted()...)
	all = append(all, c.audiences()...)
	return append(all, c.sameAccounts()...)
}

func (c *checker) resolveRoles() {
	for _, r := range c.roleRefs {
		for _, d := range c.roles {
			if r.meant == nil && d.name == r.arn.Name && (r.found == nil || c.sameAccount(d, r)) {
				r.found = d
			}
		}
	}
	for _, r := range c.roleRefs {
		if r.found == nil && r.meant == nil {
			r.meant = c.meantRole(r)
		}
	}
}

func (c *checker) sameAccount(d *role, r *roleRef) bool {
	a, err := iam.ParseRoleARN(d.arn.Text)
	return err == nil && a.Account == r.arn.Account
}

// meantRole is the role that a place most likely means; nil where none is likely.
func (c *checker) meantRole(r *roleRef) *role {
	var best *role
	most := 0
	for _, d := range c.roles {
		if d.name == "" {
			continue
		}
		orphan := !slices.ContainsFunc(c.roleRefs, func(o *roleRef) bool { return o.found == d })
		n := 0
		switch {
		case r.account != nil && !d.bare && r.account.name.Known() && d.admits(r.account) && !c.annotated(d):
			n = 6
		case r.policy != nil && len(d.policies) == 0 && c.opens(r.policy, d):
			n = 5
		case r.in != nil && c.assumes(d, r.in):
			n = 5
		case slip(r.arn.Name, d.name, orphan):
			n = 4
		}
		if n > most {
			best, most = d, n
		}
	}
	return best
}

// annotated reports whether an annotation names the role.
func (c *checker) annotated(d *role) bool {
	return slices.ContainsFunc(c.roleRefs, func(o *roleRef) bool { return o.account != nil && o.found == d })
}

// differentRoles says of each pair of names that should be one.
func (c *checker) differentRoles() []report.Finding {
	var all []report.Finding
	for _, r := range c.roleRefs {
		switch {
		case r.meant != nil && c.once("role "+r.arn.Name+" "+r.meant.name):
			got, want := side{name: r.arn.Name}, side{name: r.meant.name, ends: r.meant.ends}
			for _, o := range c.roleRefs {
				switch {
				case o.arn.Name == r.arn.Name && o.found == nil:
					got.ends = append(got.ends, o.end())
				case o.found == r.meant:
					want.ends = append(want.ends, o.end())
				}
			}
			all = append(all, c.differ("refs-role-name", got, want, nil))
		case r.meant == nil && r.found == nil:
			o := c.nearRole(r)
			if o == nil {
				all = append(all, c.missingRole(r)...)
			}
			if o != nil && c.once("role "+min(r.arn.Name, o.arn.Name)+" "+max(r.arn.Name, o.arn.Name)) {
				all = append(all, c.differ("refs-role-name", c.sideOf(r.arn.Name), c.sideOf(o.arn.Name), nil))
			}
		case r.found != nil:
			all = append(all, c.otherPath(r)...)
		}
	}
	return all
}

// missingRole is about a role that a job asks for with the token of its service
// account, where the files have others of that AWS account.
func (c *checker) missingRole(r *roleRef) []report.Finding {
	if !r.asked || slices.ContainsFunc(c.Pipelines, Pipeline.hasIDTokens) {
		return nil
	}
	var there []string
	for _, o := range c.roleRefs {
		if o.account != nil && o.arn.Account == r.arn.Account && !slices.Contains(there, quote(o.arn.Name)) {
			there = append(there, quote(o.arn.Name))
		}
	}
	if len(there) == 0 || slices.Contains(there, quote(r.arn.Name)) || !c.once("role "+r.arn.Name+" ") {
		return nil
	}
	f := catalogue.Facts{"got": r.arn.Name, "what": r.what, "where": r.text.At.String(), "there": strings.Join(there[:min(len(there), maxEnds)], ", ")}
	return []report.Finding{c.found("refs-role-missing", f, []end{r.end()})}
}

func (p Pipeline) hasIDTokens() bool {
	return len(p.Default) > 0 || slices.ContainsFunc(p.Jobs, func(j Job) bool { return len(j.IDTokens) > 0 })
}

// opens reports whether a policy lets the role use the cache that it reaches.
func (c *checker) opens(p *Policy, d *role) bool {
	for _, i := range c.s3Runners() {
		if slices.Contains(c.cacheRoles(i), d) && len(c.missing(&c.Runners[i], []Policy{*p})) == 0 {
			return true
		}
	}
	return false
}

// otherPath is about an ARN that has not the path of the role.
func (c *checker) otherPath(r *roleRef) []report.Finding {
	def, err := iam.ParseRoleARN(r.found.arn.Text)
	if err != nil || r.arn.Path == "" || def.Path == r.arn.Path || def.Account != r.arn.Account {
		return nil
	}
	got := side{name: r.arn.Path + r.arn.Name, ends: []end{whole(r.what, r.text)}}
	want := side{name: def.Path + def.Name, ends: []end{whole("the ARN of "+r.found.what(), r.found.arn)}}
	return []report.Finding{c.differ("refs-role-path", got, want, nil)}
}

// nearRole is another place whose role is near, where no file defines either.
func (c *checker) nearRole(r *roleRef) *roleRef {
	for _, o := range c.roleRefs {
		if o.found == nil && o.meant == nil && (o.account == nil || r.account == nil) && slip(o.arn.Name, r.arn.Name, false) {
			return o
		}
	}
	return nil
}

func (c *checker) sideOf(name string) side {
	s := side{name: name}
	for _, o := range c.roleRefs {
		if o.arn.Name == name {
			s.ends = append(s.ends, o.end())
		}
	}
	return s
}
