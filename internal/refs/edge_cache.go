package refs

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// caches compares the runners' cache with the bucket, with the permissions of the
// role that reaches it, and with each other.
func (c *checker) caches() []report.Finding {
	names, n := c.bucketNames()
	all := judged("refs-bucket", n, "runner", append(names, c.bucketRegions()...)...)
	all = append(all, c.assumed()...)
	all = append(all, c.access()...)
	all = append(all, c.sharing()...)
	all = append(all, c.wide()...)
	return append(all, c.regions()...)
}

// s3Runners are the indices of the runners that keep their caches in S3, in a
// bucket of AWS that they name.
func (c *checker) s3Runners() []int {
	var all []int
	for i, r := range c.Runners {
		if r.Cache.UsesS3() && r.Cache.S3.AWS() && usable(r.Cache.S3.BucketName) {
			all = append(all, i)
		}
	}
	return all
}

// owned is a policy and the role that it is of, nil where the files do not say.
type owned struct {
	*Policy
	role *role
}

func (c *checker) permissions() []owned {
	var all []owned
	taken := map[report.Place]bool{}
	for _, d := range c.roles {
		for i := range d.policies {
			taken[d.policies[i].At] = true
			all = append(all, owned{&d.policies[i], d})
		}
	}
	for i := range c.Policies {
		if !taken[c.Policies[i].At] {
			all = append(all, owned{&c.Policies[i], nil})
		}
	}
	return all
}

// cacheActions are what the role that reaches the cache needs, on the bucket and
// on its objects.
// https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnerscaches3-section
func cacheActions() (bucket, objects []string) {
	return []string{"s3:ListBucket"}, []string{"s3:GetObject", "s3:PutObject"}
}

// access asks the policies of the role that reaches a cache whether they let it.
func (c *checker) access() []report.Finding {
	var all []report.Finding
	n := 0
	for _, i := range c.s3Runners() {
		r := &c.Runners[i]
		if r.Cache.S3.Authentication() != "iam" || c.toldBucket(r.Cache.S3.BucketName.Text) {
			continue
		}
		for _, d := range c.cacheRoles(i) {
			if len(d.policies) == 0 {
				if other := c.allowed(r, d); other != nil && other.role != nil {
					n++
					all = append(all, c.wrongRole(r, d, other))
				}
				continue
			}
			n++
			missing := c.missing(r, d.policies)
			if len(missing) == 0 {
				continue
			}
			if other := c.allowed(r, d); other != nil && other.role != nil {
				all = append(all, c.wrongRole(r, d, other))
				continue
			}
			if !c.namesBucket(d, r.Cache.S3.BucketName.Text) {
				n-- // the permissions for this one are elsewhere
				continue
			}
			if c.once("denied " + d.name + " " + r.Cache.S3.BucketName.Text + " " + r.Cache.Path.Text) {
				all = append(all, c.denied(r, d, missing))
			}
		}
	}
	return judged("refs-cache-access", n, "role", all...)
}

// namesBucket reports whether a policy of the role allows anything on the bucket.
func (c *checker) namesBucket(d *role, bucket string) bool {
	for _, p := range d.policies {
		for _, s := range p.Statements {
			for _, t := range s.Resources {
				_, path, ok := strings.Cut(t.Text, ":::")
				name, _, _ := strings.Cut(path, "/")
				if ok && iam.Like(name, bucket) && s.Effect.Text == "Allow" {
					return true
				}
			}
		}
	}
	return false
}

// toldBucket reports whether it was said already that this is not the name of the
// bucket.
func (c *checker) toldBucket(name string) bool {
	for key := range c.told {
		if rest, ok := strings.CutPrefix(key, "bucket "); ok && slices.Contains(strings.Fields(rest), name) {
			return true
		}
	}
	return false
}

// cacheRoles are the roles that reach a runner's cache: RoleARN, else that of the
// manager's account, as far as the files define them.
func (c *checker) cacheRoles(i int) []*role {
	names := []string{roleName(c.Runners[i].Cache.S3.Role().Text)}
	if names[0] == "" {
		names = nil
		for _, a := range c.managersOf(i) {
			names = append(names, roleName(a.role().Text))
		}
	}
	var all []*role
	for _, d := range c.roles {
		if d.name != "" && slices.Contains(names, d.name) {
			all = append(all, d)
		}
	}
	return all
}

// managerRoles are those of a runner manager's accounts, as far as the files
// define them.
func (c *checker) managerRoles(i int) []*role {
	var all []*role
	for _, a := range c.managersOf(i) {
		for _, d := range c.roles {
			if d.name != "" && d.name == a.takes {
				all = append(all, d)
			}
		}
	}
	return all
}

// assumes reports whether a runner manager that has the role d assumes the role
// of a cache.
func (c *checker) assumes(d, cache *role) bool {
	for i := range c.Runners {
		if roleName(c.Runners[i].Cache.S3.Role().Text) == cache.name && cache.name != "" && slices.Contains(c.managerRoles(i), d) {
			return true
		}
	}
	return false
}

// assumed compares RoleARN with the roles that the manager's role may assume.
func (c *checker) assumed() []report.Finding {
	var all []report.Finding
	for i := range c.Runners {
		r := &c.Runners[i]
		role := Text(r.Cache.S3.Role())
		if roleName(role.Text) == "" {
			continue
		}
		for _, d := range c.managerRoles(i) {
			may := allowing(d, []string{"sts:AssumeRole"})
			if len(may) == 0 || slices.ContainsFunc(may, func(e end) bool { return iam.Like(e.text.Text, role.Text) || !usable(e.text) }) {
				continue
			}
			got, want := arnOf("RoleARN of "+runnerWhat(r), role), arnOf(may[0].what, may[0].text)
			gotName, wantName := roleName(role.Text), roleName(may[0].text.Text)
			if gotName == wantName && got.account != want.account && c.once("aws "+min(got.account, want.account)+" "+max(got.account, want.account)) {
				all = append(all, c.differ("refs-account-differs", c.ofAccount(got.account), c.ofAccount(want.account), nil))
				continue
			}
			if gotName == wantName || !c.once("role "+gotName+" "+wantName) {
				continue
			}
			all = append(all, c.differ("refs-cache-assume", c.withRole(c.sideOf(gotName), gotName), c.withRole(c.sideOf(wantName), wantName), nil))
		}
	}
	return all
}

// withRole adds the places where a role of the files has its name.
func (c *checker) withRole(s side, name string) side {
	for _, d := range c.roles {
		if d.name == name {
			s.ends = append(s.ends, d.ends...)
		}
	}
	return s
}

// missing are the actions that the policies do not allow on a runner's cache.
// What cannot be told is not missing.
func (c *checker) missing(r *Runner, policies []Policy) []string {
	var parsed []iam.Policy
	for _, p := range policies {
		parsed = append(parsed, p.Policy)
	}
	bucket := "arn:" + cmp.Or(c.partition(), "aws") + ":s3:::" + r.Cache.S3.BucketName.Text
	object := bucket + "/"
	if prefix := strings.Trim(r.Cache.Path.Text, "/"); prefix != "" {
		object += prefix + "/"
	}
	var all []string
	onBucket, onObjects := cacheActions()
	for _, action := range slices.Concat(onBucket, onObjects) {
		q := iam.Request{Action: action, Resource: object + "project/1/key"}
		if slices.Contains(onBucket, action) {
			q.Resource = bucket
		}
		if d := iam.Evaluate(parsed, q).Decision; d == iam.NotAllowed || d == iam.Denied {
			all = append(all, action)
		}
	}
	return all
}

// partition is the one of all ARNs, "" where they do not agree.
func (c *checker) partition() string {
	one := ""
	for _, a := range c.arns {
		if one != "" && a.partition != one {
			return ""
		}
		one = a.partition
	}
	return one
}

// allowed is a policy of another role that lets it use a runner's cache.
func (c *checker) allowed(r *Runner, not *role) *owned {
	for _, p := range c.permissions() {
		if p.role == not || p.role == nil {
			continue
		}
		if len(c.missing(r, []Policy{*p.Policy})) == 0 {
			return &p
		}
	}
	return nil
}

func (c *checker) wrongRole(r *Runner, d *role, other *owned) report.Finding {
	bucket := r.Cache.S3.BucketName
	f := catalogue.Facts{
		"bucket": bucket.Text, "role": d.name, "other": other.role.name, "where": other.At.String(), "runner": runnerWhat(r), "who": c.reaching(r),
	}
	return c.found("refs-cache-wrong-role", f, []end{
		{what: "a policy of " + other.role.what(), text: Text{Text: other.Name.Text, At: other.At}},
		{what: d.what(), text: Text{Text: d.name, At: d.at}},
		whole("BucketName of "+runnerWhat(r), bucket),
	})
}

// reaching says in what part a role reaches the cache.
func (c *checker) reaching(r *Runner) string {
	if r.Cache.S3.Role().Known() {
		return "RoleARN names"
	}
	return "the runner manager has"
}

func (c *checker) denied(r *Runner, d *role, missing []string) report.Finding {
	bucket := r.Cache.S3.BucketName
	prefix := strings.Trim(r.Cache.Path.Text, "/")
	f := catalogue.Facts{
		"on": "the bucket " + quote(bucket.Text), "role": d.name, "runner": runnerWhat(r), "who": c.reaching(r),
		"missing": strings.Join(missing, ", "), "where": d.policies[0].At.String(),
	}
	ends := []end{{what: "a policy of " + d.what(), text: Text{Text: d.policies[0].Name.Text, At: d.policies[0].At}}}
	if at := allowing(d, missing); len(at) > 0 {
		ends = at
		f["where"] = places(at)
	}
	ends = append(ends, whole("BucketName of "+runnerWhat(r), bucket))
	if r.Cache.Path.Known() {
		f["on"] += " with the path " + quote(r.Cache.Path.Text)
		ends = append(ends, whole("Path of "+runnerWhat(r), r.Cache.Path))
	}
	access := iam.CacheAccess{Partition: c.partition(), Bucket: bucket.Text, Prefix: prefix, Write: true}
	kase := "refs-cache-denied"
	if onBucket, _ := cacheActions(); slices.Equal(missing, onBucket) {
		kase = "refs-cache-list"
	}
	return c.found(kase, f, ends, report.Snippet{For: "a permission policy for the role, as JSON", Text: access.JSON()})
}

// allowing are the resources that the role's policies allow these actions on.
func allowing(d *role, actions []string) []end {
	var all []end
	for _, p := range d.policies {
		for _, s := range p.Statements {
			if s.Effect.Text != "Allow" || !slices.ContainsFunc(s.Actions, func(a Text) bool {
				return slices.ContainsFunc(actions, func(m string) bool { return iam.Like(strings.ToLower(a.Text), strings.ToLower(m)) })
			}) {
				continue
			}
			for _, t := range s.Resources {
				all = append(all, whole("a policy of "+d.what(), t))
			}
		}
	}
	return all[:min(len(all), maxEnds)]
}
