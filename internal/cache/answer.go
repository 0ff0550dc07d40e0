package cache

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// judge says what the answer for the object that is not there proves.
func (p *probe) judge(ctx context.Context, err error) {
	p.answer = answerOf(err)
	switch p.answer.Code {
	case "NoSuchKey":
		p.holds(checkReachable, report.Value{Text: p.c.host(), From: p.endpointFrom()})
		p.holds(checkSignature)
		p.found()
		p.holds(checkReadable, p.evidence()...)
	case "": // an object too
		p.silent(checkReachable, err)
	default:
		p.answered(ctx, err)
	}
}

// answered notes a refusal, and what else it proves.
func (p *probe) answered(ctx context.Context, err error) {
	c, f, d := p.refusal(err)
	if c.ID == "s3-denied" {
		// S3 gave no reason. What it says to a list tells a missing permission
		// to list, which hides that the object is not there, from all else.
		_, err := p.c.listObjects(ctx, p.prefix(), 1, nil)
		switch answerOf(err).Code {
		case "AccessDenied":
			f.Say("list-refused", true)
			if other, facts, denied := p.refusal(err); other.ID != "s3-denied" {
				c, f, d = other, facts, denied
			}
		case "":
			f.Say("let-in", err == nil)
		default:
			f.Say("list-refused", true)
		}
		f.Say("shut-out", f["let-in"] == "")
	}
	p.said = denied{c, f, d}
	if c.Check != checkReachable {
		p.holds(checkReachable, report.Value{Text: p.c.host(), From: p.endpointFrom()})
	}
	switch c.Check {
	case checkRegion:
		p.holds(checkExists)
	case checkReadable:
		p.holds(checkSignature)
		p.locate(ctx)
	}
	p.fail(c.Check, c.ID, f, p.paste(c, d)...)
}

// refusal finds the case of an answer and its facts.
func (p *probe) refusal(err error) (catalogue.Case, catalogue.Facts, denial) {
	answer := answerOf(err)
	code, message := p.redact.Redact(answer.Code), p.redact.Redact(answer.Message)
	f := p.factsOf(err)
	d, _ := parseDenial(message)
	p.say(f, d)
	right := p.shown(rightRegion(err))
	f["code"], f["words"], f["right-region"] = code, catalogue.Quote(message), right
	if message == "" {
		f["words"] = "no words of its own"
	}
	f["kms-state"] = "S3 says " + strings.TrimPrefix(f["code"], "KMS.")
	if arn, _, ok := strings.Cut(message, " is "); ok && strings.HasPrefix(arn, "arn:") && strings.HasPrefix(code, "KMS.") {
		f["key"] = arn
	}
	f.Say("new-bucket", code == "TemporaryRedirect")
	c, ok := catalogue.Recognise(catalogue.S3Op, code, message)
	switch {
	case ok && c.Check == checkRegion && (right == "" || right == p.region.Text):
		c = catalogue.Find("bucket-region-elsewhere")
	case ok:
	case answer.Status >= http.StatusInternalServerError:
		c = catalogue.Find("s3-fault")
	default:
		c = catalogue.Find("s3-answered-no")
	}
	return c, f, d
}

// shown is a region that S3 names, or "" if it holds a secret.
func (p *probe) shown(region string) string {
	if p.redact.Redact(region) != region {
		return ""
	}
	return region
}

// locate says where a bucket is that refuses to be read. A bucket whose place S3
// names is there.
func (p *probe) locate(ctx context.Context) {
	right, _ := p.c.headBucket(ctx) // a refusal names the region too
	switch right = p.shown(right); right {
	case "":
	case p.region.Text:
		p.found()
	default:
		p.holds(checkExists)
		f := p.facts()
		f["right-region"] = right
		p.fail(checkRegion, "bucket-region-redirect", f)
	}
}

// found notes that the bucket is where it was looked for.
func (p *probe) found() {
	p.holds(checkExists)
	p.holds(checkRegion, p.region)
}

// factsOf are facts, and how the last try of a call went that failed.
func (p *probe) factsOf(err error) catalogue.Facts {
	seen, f := seenBy(err), p.facts()
	f["status"], f["calls"] = strconv.Itoa(seen.status), catalogue.Count(max(seen.tries, 1), "call")
	f["now"], f["server-time"] = seen.signed, seen.header.Get("Date")
	return f
}

// facts are what every case may name.
func (p *probe) facts() catalogue.Facts {
	f := catalogue.Facts{
		"bucket": p.b.Name.Text, "bucket-from": cmp.Or(p.b.Name.From, "the bucket's name"), "prefix": p.b.Prefix.Text,
		"region": p.region.Text, "region-from": cmp.Or(p.region.From, "the region"),
		"host": p.c.host(), "endpoint-from": p.endpointFrom(),
		"caller": whom(cmp.Or(p.who.ARN, p.who.Role)), "role": cmp.Or(p.who.Role, "of these credentials"), "account": cmp.Or(p.who.Account, "of these credentials"),
		"resource": p.arn(),
		"key":      cmp.Or(p.b.KMSKey.Text, "(S3 does not name it)"), "key-from": p.b.KMSKey.From,
	}
	f["place"], f["scope"] = p.place(), p.scope(true)
	f.Say("key-given", p.b.KMSKey.Known())
	f.Say("own-key", !p.b.KMSKey.Known())
	f["sts-from"] = p.who.STS.From
	f.Say("sts-alone", p.who.STS.Known() && !p.c.endpoint.Known())
	f.Say("endpoint", p.c.endpoint.Known())
	f.Say("default-endpoint", !p.c.endpoint.Known())
	f.Say("dotted", strings.Contains(p.b.Name.Text, ".") && !p.c.endpoint.Known())
	return f
}

// prefix is what all keys of the cache start with.
func (p *probe) prefix() string {
	if prefix := strings.TrimRight(p.b.Prefix.Text, "/"); prefix != "" {
		return prefix + "/"
	}
	return ""
}

// place is where the cache's objects are in the bucket, within a sentence.
func (p *probe) place() string {
	in := "in bucket " + catalogue.Quote(p.b.Name.Text)
	if prefix := p.prefix(); prefix != "" {
		return "under " + catalogue.Quote(prefix) + " " + in
	}
	return in
}

// scope is what a policy has to allow an action on: the cache's objects, or the
// bucket itself.
func (p *probe) scope(objects bool) string {
	arn := p.arn()
	if objects {
		arn += "/" + p.prefix() + "*"
	}
	return arn
}

// arn is that of the bucket.
func (p *probe) arn() string {
	return "arn:" + iam.PartitionOfRegion(p.region.Text) + ":s3:::" + p.b.Name.Text
}

// whom is a caller within a sentence.
func whom(caller string) string {
	if caller == "" {
		return "the caller"
	}
	return catalogue.Quote(caller)
}

func (p *probe) endpointFrom() string {
	if p.c.endpoint.Known() {
		return cmp.Or(p.c.endpoint.From, "the endpoint")
	}
	kind := ""
	if p.c.settings.accelerate {
		kind = "accelerated "
	}
	if p.c.settings.dualStack {
		kind += "dual-stack "
	}
	return "the " + kind + "endpoint of region " + report.Clean(p.region.Text)
}

// say adds what a denial tells: it knows better than the settings who called.
func (p *probe) say(f catalogue.Facts, d denial) {
	if d.action == "" {
		return
	}
	f["caller"] = whom(d.principal)
	if arn, err := iam.ParseAssumedRole(d.principal); err == nil {
		f["role"], f["account"] = arn.Role, arn.Account
	}
	f["action"], f["scope"] = d.action, p.scope(d.action != "s3:ListBucket")
	if d.resource != "" {
		f["resource"] = d.resource
	}
	if strings.HasPrefix(d.action, "kms:") && d.resource != "" {
		f["key"] = d.resource
	}
	f["policy"], f["kind"] = d.policy, kindWords(d.kind)
	for fact, kinds := range map[string]string{
		"identity-based": "identity-based", "resource-based": "resource-based", "session": "session", "vpc-endpoint": "VPC endpoint",
		"of-role": "identity-based,permissions boundary", "organization": "service control,resource control",
	} {
		f.Say(fact, d.kind != "" && strings.Contains(","+kinds+",", ","+d.kind+","))
	}
	f.Say("runner-session", strings.Contains(d.principal, "/gitlab-runner-cache-upload-"))
}

// paste gives the statements that would mend a case, where some would.
func (p *probe) paste(c catalogue.Case, d denial) []report.Snippet {
	role := p.who.Role
	if arn, err := iam.ParseAssumedRole(d.principal); err == nil {
		role = arn.Role
	}
	access := iam.CacheAccess{
		Partition: iam.PartitionOfRegion(p.region.Text), Bucket: p.b.Name.Text, Prefix: p.b.Prefix.Text,
		Write:  p.b.Write || d.action == "s3:PutObject" || d.action == "kms:GenerateDataKey",
		Delete: d.action == "s3:DeleteObject",
	}
	for _, key := range []string{p.b.KMSKey.Text, d.resource} {
		if strings.HasPrefix(key, "arn:") && strings.Contains(key, ":kms:") {
			access.KMSKey = key
		}
	}
	own := []report.Snippet{
		{For: "the permission policy of the role, as JSON", Text: access.JSON()},
		{For: "the same, as Terraform", Text: access.Terraform(cmp.Or(role, "ROLE"))},
	}
	switch c.ID {
	case "s3-not-allowed", "s3-list-denied", "s3-denied":
		return own
	case "s3-session-policy":
		return []report.Snippet{{For: "a session policy that allows it, as JSON", Text: access.JSON()}}
	case "s3-kms-denied":
		return append([]report.Snippet{
			{For: "a statement for the key's policy, as JSON", Text: iam.KeyStatement(p.roleARN(d, role))},
		}, own...)
	}
	return nil
}

// roleARN names the role by its account and name; a role with a path has another
// ARN, which no answer tells.
func (p *probe) roleARN(d denial, role string) string {
	account := p.who.Account
	if arn, err := iam.ParseAssumedRole(d.principal); err == nil {
		account = arn.Account
	}
	return iam.RoleARN{Partition: iam.PartitionOfRegion(p.region.Text), Account: cmp.Or(account, "ACCOUNT"), Name: cmp.Or(role, "ROLE")}.String()
}
