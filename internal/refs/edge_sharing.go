package refs

import (
	"cmp"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// sharing compares runners of one bucket that are meant to find each other's
// caches: those of which one says Shared.
func (c *checker) sharing() []report.Finding {
	var all []report.Finding
	n := 0
	runners := c.s3Runners()
	for k, i := range runners {
		for _, j := range runners[:k] {
			a, b := &c.Runners[j], &c.Runners[i]
			one := a.Cache.S3.BucketName.Text == b.Cache.S3.BucketName.Text
			if !one || !a.Cache.IsShared() && !b.Cache.IsShared() || a.Partial || b.Partial {
				continue
			}
			n++
			for _, s := range []struct {
				key  string
				a, b Text
			}{{"Shared", a.Cache.Shared, b.Cache.Shared}, {"Path", a.Cache.Path, b.Cache.Path}} {
				if s.a.Text == s.b.Text || s.a.Templated() || s.b.Templated() {
					continue
				}
				f := catalogue.Facts{
					"key": s.key, "runner": runnerWhat(b), "other-runner": runnerWhat(a), "got": cmp.Or(s.b.Text, "not set"), "want": cmp.Or(s.a.Text, "not set"),
					"where": s.b.At.String(), "other-where": s.a.At.String(), "bucket": a.Cache.S3.BucketName.Text,
				}
				all = append(all, c.found("refs-cache-apart", f, []end{whole(s.key+" of "+runnerWhat(b), s.b), whole(s.key+" of "+runnerWhat(a), s.a)}))
			}
		}
	}
	return judged("refs-cache-sharing", n, "pair of runners", all...)
}

// wide are statements that allow everything in S3, or everything.
func (c *checker) wide() []report.Finding {
	var all []report.Finding
	n := 0
	for _, p := range c.permissions() {
		for _, s := range p.Statements {
			n++
			for _, a := range s.Actions {
				if s.Effect.Text != "Allow" || a.Text != "*" && !strings.EqualFold(a.Text, "s3:*") {
					continue
				}
				f := catalogue.Facts{"action": a.Text, "where": a.At.String(), "who": "a policy in " + quote(p.At.File)}
				if p.role != nil {
					f["who"] = "a policy of " + p.role.what()
				}
				all = append(all, c.found("refs-policy-wide", f, []end{whole(f["who"], a)}))
			}
		}
	}
	return judged("refs-policy", n, "statement", all...)
}
