package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// bucketEnd is the bucket that a resource of a policy names, "" for a pattern or
// another service.
func bucketEnd(what string, t Text) (end, bool) {
	parts := strings.SplitN(t.Text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "s3" || !usable(t) {
		return end{}, false
	}
	name, _, _ := strings.Cut(parts[5], "/")
	if name == "" || strings.ContainsAny(name, "*?") {
		return end{}, false
	}
	return end{what, t, name, len(t.Text) - len(parts[5])}, true
}

// bucketEnds are all places of policies that name a bucket, with its name.
func (c *checker) bucketEnds() map[string][]end {
	ends := map[string][]end{}
	for _, p := range c.permissions() {
		what := "a policy in " + quote(p.At.File)
		if p.role != nil {
			what = "a policy of " + p.role.what()
		}
		for _, s := range p.Statements {
			for _, r := range s.Resources {
				if e, ok := bucketEnd(what, r); ok {
					ends[e.part] = append(ends[e.part], e)
				}
			}
		}
	}
	return ends
}

// bucketNames compares the bucket that each runner names with those that policies
// and Terraform name.
func (c *checker) bucketNames() (found []report.Finding, n int) {
	ends := c.bucketEnds()
	for _, b := range c.Buckets {
		if usable(b.Name) {
			ends[b.Name.Text] = append(ends[b.Name.Text], whole("the name of the bucket", b.Name))
		}
	}
	used := map[string][]end{}
	for _, i := range c.s3Runners() {
		r := &c.Runners[i]
		name := r.Cache.S3.BucketName
		used[name.Text] = append(used[name.Text], whole("BucketName of "+runnerWhat(r), name))
	}
	every := map[string][]end{}
	for _, m := range []map[string][]end{used, ends} {
		for name, e := range m {
			every[name] = append(every[name], e...)
		}
	}
	names := sortedKeys(every)
	for _, name := range names {
		n += len(used[name])
		for _, other := range names {
			bad := false
			switch {
			case name == other:
			case slip(name, other, false): // whichever of the two a runner uses
				bad = len(used[name]) > 0 || len(used[other]) > 0
			case len(used[name]) > 0 && len(ends[name]) == 0 && len(used[other]) == 0:
				bad = c.onlyFree(ends, used) == other && c.openedTo(name, other) // the one bucket that no runner names
			}
			if bad && c.once("bucket "+min(name, other)+" "+max(name, other)) {
				found = append(found, c.differ("refs-bucket-name", side{name: name, ends: every[name]}, side{name: other, ends: every[other]}, nil))
			}
		}
	}
	return found, n
}

// openedTo reports whether the role that reaches the cache in one bucket may use
// another: all but the name then says that they are one.
func (c *checker) openedTo(name, other string) bool {
	for _, i := range c.s3Runners() {
		r := c.Runners[i]
		if r.Cache.S3.BucketName.Text != name {
			continue
		}
		r.Cache.S3.BucketName.Text = other
		for _, d := range c.cacheRoles(i) {
			if missing := c.missing(&r, d.policies); len(missing) == 0 {
				return true
			}
		}
	}
	return false
}

// onlyFree is the one bucket that policies name and no runner, "" where there are
// none or several.
func (c *checker) onlyFree(ends, used map[string][]end) string {
	free := ""
	for _, name := range sortedKeys(ends) {
		if len(used[name]) > 0 {
			continue
		}
		if free != "" {
			return ""
		}
		free = name
	}
	return free
}

func sortedKeys(m map[string][]end) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
