package cli

import (
	"fmt"
	"slices"

	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// tested is whose access was tried, and what came of it.
type tested struct {
	who    cache.Caller
	key    report.Value // the id of the access key, where the environment gave it
	result cache.Result
	groups []report.Group
}

// access says what was proved, how fast the bucket was, and how the cache itself
// is reached, which is not folded in a job's log. r is all that was found.
func (o *cacheCheckOptions) access(r report.Report, done tested) report.Group {
	f := catalogue.Facts{"tested": done.name()}
	kase := "access-unproved"
	if done.proved() {
		kase = o.reached(f, done)
	} else if first, bad := (report.Report{Groups: done.groups}).First(); bad {
		f["first"] = first.ID
	} else {
		first, _ := r.First()
		f["first"] = first.ID
	}
	found := catalogue.Find(kase).Finding(f, []report.Value{speed(done.result.Transfer)})
	return report.Group{ID: "access", Title: "what this proves", Findings: []report.Finding{found}, Open: true}
}

// reached adds how the runner whose configuration was read reaches its cache, and
// gives the case that says it.
func (o *cacheCheckOptions) reached(f catalogue.Facts, done tested) string {
	if o.runner == nil || !o.runner.Cache.UsesS3() {
		return "access-of-check"
	}
	f["runner"] = o.runner.Called()
	s3 := o.runner.Cache.S3
	switch role := placed(s3.Role()); {
	case role.Known() && done.is(role.Text):
	case role.Known():
		f["role"], f["role-from"] = role.Text, role.From
		return "access-beside-role"
	case s3.Authentication() == runner.AccessKey && s3.AccessKey.Set:
		f["keys-from"] = s3.AccessKey.At.String()
		if done.key.Known() {
			return "access-of-keys"
		}
		return "access-beside-keys"
	}
	return "access-of-check"
}

// is reports whether a role is the one that was tested.
func (d tested) is(role string) bool {
	arn, err := iam.ParseRoleARN(role)
	return d.who.ARN == role || err == nil && d.who.Role != "" && arn.Account == d.who.Account && arn.Name == d.who.Role
}

// name is whose access was tried, in a sentence.
func (d tested) name() string {
	id := catalogue.Quote(d.key.Text)
	switch {
	case d.key.Known() && d.who.ARN != "":
		return d.who.ARN + " (access key " + id + ", " + d.key.From + ")"
	case d.key.Known():
		return "the access key " + id + " (" + d.key.From + ")"
	case d.who.ARN != "":
		return d.who.ARN
	case d.groups == nil || d.result.Bucket == nil:
		return "anybody"
	}
	return "these credentials"
}

// proved reports whether S3 granted or refused anything.
func (d tested) proved() bool {
	told := func(f report.Finding) bool { return f.Status != report.Skip && f.Status != report.Unknown }
	readable := func(f report.Finding) bool { return f.ID == "bucket-readable" && told(f) }
	return slices.ContainsFunc(d.result.Bucket, readable) || slices.ContainsFunc(d.result.Objects, told)
}

// speed is how fast the bucket was; unknown where nothing was sent.
func speed(t *cache.Transfer) report.Value {
	if t == nil || t.Up == nil {
		return report.Value{}
	}
	text := fmt.Sprintf("%s in %d parts, %s up", cache.Size(t.Bytes), t.Parts, t.Up)
	if t.Down != nil {
		text += ", " + t.Down.String() + " down"
	}
	return report.Value{Text: text, From: "measured"}
}
