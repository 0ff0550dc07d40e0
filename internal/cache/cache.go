// Package cache asks S3 what a role can do in the bucket of a runner's cache. It
// says in the catalogue's words what S3's answers mean, and what would mend
// them. Probe only reads, and only what is not there.
//
// It proves the access of the role that it is run with. The cache itself is
// reached with the runner manager's role, or with one that the manager assumes.
package cache

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Bucket is the cache's place in S3, each value with its source.
type Bucket struct {
	Name        report.Value
	Prefix      report.Value // of all keys; Path in [runners.cache]
	Region      report.Value // where it is not known, S3 is asked
	CallRegion  report.Value // that is asked first then: of the calls to other services
	EndpointURL report.Value // in place of AWS's own; before AWS_ENDPOINT_URL_S3
	PathStyle   report.Value // "true" or "false": the bucket is named in the path; where it is not known, for other servers than AWS's
	DualStack   report.Value // "true" or "false", of AWS's own hosts; before AWS_USE_DUALSTACK_ENDPOINT
	Accelerate  report.Value // "true" for AWS's host that speeds up transfers
	KMSKey      report.Value // as it is configured: ARN, id or alias
	Write       bool         // the role is to write too: what is pasted allows that
}

// Caller is whose credentials are used. What is not known is empty.
type Caller struct {
	ARN     string // of the session
	Role    string // the role's name
	Account string
	STS     report.Value // where STS alone was said to be, in place of AWS's own
}

// The checks of Probe, in the order of a diagnosis.
const (
	checkName      = "bucket-name"
	checkReachable = "s3-reachable"
	checkSignature = "s3-signature"
	checkExists    = "bucket-exists"
	checkRegion    = "bucket-region"
	checkReadable  = "bucket-readable"
)

func checks() []string {
	return []string{checkName, checkReachable, checkSignature, checkExists, checkRegion, checkReadable}
}

// Probe asks for an object that is not there, which S3 says of it only to who
// may read and list. It gives a finding for each of its checks, in their order;
// those that hang on one that failed wait for it.
//
// cfg has the credentials, the HTTP client, the retryer and the settings that
// the caller wants used; its endpoints for S3 are honoured, and who may be
// called is for the caller to judge. The text of no answer is shown without
// being cleaned and freed of these credentials.
func Probe(ctx context.Context, cfg aws.Config, b Bucket, who Caller) []report.Finding {
	p := newProbe(ctx, cfg, b, who)
	p.run(ctx)
	return p.report()
}

// probe is one bucket being asked about.
type probe struct {
	b        Bucket
	who      Caller
	c        client
	region   report.Value // that calls are signed for
	redact   *report.Redactor
	findings map[string]report.Finding // by check
	answer   *s3Error                  // to the question for an object that is not there
	said     denied                    // how S3 refused that, if it did
	now      func() time.Time
	start    time.Time
	asked    time.Duration // what the question for the object took
}

// denied is a refusal as it was told.
type denied struct {
	kase   catalogue.Case
	facts  catalogue.Facts
	denial denial
}

func newProbe(ctx context.Context, cfg aws.Config, b Bucket, who Caller) *probe {
	p := &probe{b: b, who: who, redact: &report.Redactor{}, findings: map[string]report.Finding{}, now: time.Now, start: time.Now()}
	p.region = b.Region.Or(b.CallRegion).Or(report.Value{Text: cfg.Region, From: "the region of the calls"}).
		Or(report.Value{Text: firstRegion, From: byDefault})
	p.c = newClient(ctx, cfg, b, p.region.Text)
	return p
}

// folder is where objects of a check are, behind the prefix.
const folder = "ci-aws-check/"

// firstRegion is asked where no region is known: its answer names the bucket's.
const firstRegion = "us-east-1"

const byDefault = "the default"

func (p *probe) run(ctx context.Context) {
	if what, kind := invalidName(p.b.Name.Text, p.region.Text); what != "" {
		f := p.facts()
		f["what"] = what
		f.Say(kind, true)
		p.fail(checkName, "bucket-name-invalid", f)
		return
	}
	if what := invalidPrefix(p.b.Prefix.Text); what != "" {
		f := p.facts()
		f["what"] = what
		p.fail(checkName, "bucket-prefix-invalid", f)
		return
	}
	p.holds(checkName, p.b.Name)
	if !isHostLabel(p.region.Text) {
		p.fail(checkRegion, "bucket-region-invalid", p.facts())
		return
	}
	if f := p.facts(); p.unaccelerated(f) {
		p.fail(checkReachable, "s3-accelerate-unfit", f)
		return
	}
	defer p.timed()
	if !p.keys(ctx) {
		return
	}
	first := p.region
	err := p.ask(ctx)
	if right := p.shown(rightRegion(err)); right != "" && right != first.Text && !p.b.Region.Known() {
		p.region = report.Value{Text: right, From: "S3"}
		p.c = p.c.in(ctx, right)
		err = p.ask(ctx)
	}
	p.asked = p.now().Sub(p.start)
	p.judge(ctx, err)
	if f := p.findings[checkRegion]; f.Status == report.OK && p.region != first && first.From != byDefault {
		f := p.facts()
		f["right-region"], f["region"], f["region-from"] = p.region.Text, first.Text, first.From
		p.fail(checkRegion, "bucket-region-found", f)
	}
}

// timed gives the time of the calls to the finding that they ended with: one
// answer proves several checks.
func (p *probe) timed() {
	for _, id := range slices.Backward(checks()) {
		if f, ok := p.findings[id]; ok && (f.Bad() || id == checkReadable) {
			f.Took = p.now().Sub(p.start)
			p.findings[id] = f
			return
		}
	}
}

// ask asks for an object that surely is not there. One that comes all the same is
// an error, and no answer of S3's.
func (p *probe) ask(ctx context.Context) error {
	out, err := p.c.getObject(ctx, join(p.b.Prefix.Text, folder+rand.Text()), span{})
	if err != nil {
		return err
	}
	_ = out.Body.Close() // the answer has come, its body is of no interest
	return &s3Error{Op: "GetObject", Status: out.Status, seen: exchange{status: out.Status, tries: 1}}
}

// keys makes the credentials known to the redactor, before anything can be said.
func (p *probe) keys(ctx context.Context) bool {
	if p.c.keys == nil {
		p.fail(checkSignature, "s3-keys-missing", p.facts())
		return false
	}
	keys, err := p.c.keys.Retrieve(ctx)
	if err != nil {
		f := catalogue.Find("s3-keys-missing").Finding(p.facts(), p.evidence())
		f.Status = report.Unknown
		p.findings[checkSignature] = f
		return false
	}
	p.redact.Add(report.NewSecret(keys.SecretAccessKey), report.NewSecret(keys.SessionToken))
	return true
}

func join(prefix, key string) string {
	if prefix = strings.TrimRight(prefix, "/"); prefix != "" {
		return prefix + "/" + key
	}
	return key
}

func (p *probe) holds(check string, evidence ...report.Value) {
	p.findings[check] = catalogue.Holds(check, evidence...)
}

// fail notes a case under the check that was being made.
func (p *probe) fail(check, id string, f catalogue.Facts, paste ...report.Snippet) {
	c := catalogue.Find(id)
	c.Check = check
	p.findings[check] = c.Finding(f, p.evidence(), paste...)
}

// report gives a finding for each check: what nothing was found out about waits
// for the first that is bad.
func (p *probe) report() []report.Finding {
	first := ""
	for _, id := range checks() {
		if f, ok := p.findings[id]; ok && f.Bad() {
			first = id
			break
		}
	}
	var all []report.Finding
	for _, id := range checks() {
		f, ok := p.findings[id]
		if !ok {
			f = catalogue.Waits(id, first)
		}
		all = append(all, f)
	}
	return all
}

func (p *probe) evidence() []report.Value {
	dualStack, accelerate := p.b.DualStack, p.b.Accelerate
	if p.c.endpoint.Known() { // they are about AWS's own hosts
		dualStack, accelerate = report.Value{}, report.Value{}
	}
	var out []report.Value
	for _, v := range []struct {
		name string
		report.Value
	}{
		{"bucket ", p.b.Name},
		{"prefix ", p.b.Prefix},
		{"region ", p.region},
		{"endpoint ", p.c.endpoint},
		{"PathStyle ", p.b.PathStyle},
		{"DualStack ", dualStack},
		{"Accelerate ", accelerate},
		{"caller ", report.Value{Text: p.who.ARN, From: "STS"}},
	} {
		if v.Known() {
			out = append(out, report.Value{Text: v.name + v.Text, From: v.From})
		}
	}
	return out
}
