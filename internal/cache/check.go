package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Expect is what a role is to be able to do in a bucket.
type Expect string

// What can be expected. None is for roles that are to be refused everything, and
// a role that is to read is to be refused all that writes.
const (
	ReadWrite Expect = "read-write"
	Read      Expect = "read"
	None      Expect = "none"
)

// Trial is what Check tries.
type Trial struct {
	Bucket     Bucket
	Expect     report.Value // an Expect
	Size       int64        // of the object that goes in parts, in bytes: MinSize to MaxSize
	Encryption report.Value // AES256, aws:kms with the bucket's KMSKey, …; the bucket's own default where it is not known
	Timeout    report.Value // how long ctx lives, for people
}

// Result is what Check found out.
type Result struct {
	Bucket   []report.Finding // the checks of Probe
	Objects  []report.Finding // the steps, in order
	Transfer *Transfer        // nil where no object was stored in parts
}

// The steps of Check.
const (
	checkPut       = "object-put"
	checkHead      = "object-head"
	checkGet       = "object-get"
	checkSample    = "object-readable"
	checkMultipart = "object-multipart"
	checkList      = "object-list"
	checkUnsigned  = "object-unsigned"
	checkDelete    = "object-delete"

	refusedGet       = "get-refused"
	refusedHead      = "head-refused"
	refusedList      = "list-refused"
	refusedPut       = "put-refused"
	refusedMultipart = "multipart-refused"
	refusedDelete    = "delete-refused"
)

// Check is Probe, and then it stores objects in the bucket, asks about them, gets
// them back and compares, lists and deletes them, as far as the role is expected
// to; what it is not expected to do has to be refused. Each step is a finding
// with its time. A step that hangs on one that failed waits for it.
//
// The objects are under PREFIX/ci-aws-check/ and a random name. They are removed
// whatever happens, also where ctx ends: with ten seconds of their own, and what
// is left is a finding.
//
// Of objects of any size it holds no more than a few buffers. cfg is Probe's, and
// its HTTP client must not bound what it reads.
func Check(ctx context.Context, cfg aws.Config, t Trial, who Caller) Result {
	t.Bucket.Write = Expect(t.Expect.Text) == ReadWrite
	k := newChecker(ctx, cfg, t, who)
	k.run(ctx)
	k.plan(ctx)
	k.hindsight()
	found := k.report()
	if k.none() {
		found = k.whereabouts()
	}
	once(found, k.steps)
	return Result{Bucket: found, Objects: k.steps, Transfer: k.transfer}
}

func newChecker(ctx context.Context, cfg aws.Config, t Trial, who Caller) *checker {
	k := &checker{probe: newProbe(ctx, cfg, t.Bucket, who), trial: t}
	var key [16]byte
	_, _ = rand.Read(key[:])    // never fails
	k.data, _ = newContent(key) // the key has the right size
	k.base = join(t.Bucket.Prefix.Text, folder+rand.Text())
	return k
}

// once leaves out what can be pasted where an earlier finding has it already.
func once(groups ...[]report.Finding) {
	given := map[string]bool{}
	for _, all := range groups {
		for i := range all {
			all[i].Paste = slices.DeleteFunc(slices.Clone(all[i].Paste), func(s report.Snippet) bool {
				known := given[s.Text]
				given[s.Text] = true
				return known
			})
		}
	}
}

func (k *checker) none() bool { return Expect(k.trial.Expect.Text) == None }

// checker is one bucket being tried.
type checker struct {
	*probe
	trial    Trial
	base     string // of all keys of this check
	data     content
	tracks   []*track
	own      string // the key of an object that was stored
	sample   string // the key of an object of the cache
	let      bool   // S3 let the role do something in the bucket
	hidden   bool   // nobody knows whether the role may get objects that are there
	transfer *Transfer
	steps    []report.Finding
	stopped  string // the step after which nothing was to be tried any more
}

// plan runs the steps.
func (k *checker) plan(ctx context.Context) {
	if f, bad := k.unusable(); bad {
		k.stopped = f.ID
	}
	switch Expect(k.trial.Expect.Text) {
	case None:
		k.step(ctx, refusedGet, "", k.getRefused)
		k.step(ctx, refusedHead, "", k.headRefused)
		k.step(ctx, refusedList, "", k.listRefused)
	case Read:
		k.step(ctx, checkList, "", k.listSample)
		k.step(ctx, checkHead, "", k.headSample)
		k.step(ctx, checkSample, checkHead, k.getSample)
	default:
		k.step(ctx, checkPut, "", k.put)
		k.step(ctx, checkHead, checkPut, k.head)
		k.step(ctx, checkGet, checkPut, k.get)
		k.step(ctx, checkMultipart, checkPut, k.multipart)
		k.step(ctx, checkList, "", k.list)
		k.step(ctx, checkUnsigned, "", k.unsigned)
		k.end(ctx, checkPut)
		return
	}
	k.step(ctx, refusedPut, "", k.putRefused)
	k.step(ctx, refusedMultipart, refusedPut, k.multipartRefused)
	k.step(ctx, refusedDelete, "", k.deleteRefused)
	k.step(ctx, checkUnsigned, "", k.unsigned)
	k.end(ctx, "")
}

// unusable is what of the bucket has to be mended before objects are tried. That
// one which is not there is refused is no such thing: the steps tell more.
func (k *checker) unusable() (report.Finding, bool) {
	for _, id := range checks() {
		f, found := k.findings[id]
		if found && f.Bad() && (id != checkReadable || !k.none() && !k.refusedByPolicy()) {
			return f, true
		}
	}
	return report.Finding{}, false
}

// refusedByPolicy says whether S3 has refused the object that is not there to
// this caller.
func (k *checker) refusedByPolicy() bool { return k.answer != nil && isDenied(k.answer) }

// isDenied says whether a call was refused for want of permission. The answer to
// a HEAD has no code of its own.
func isDenied(err error) bool {
	answer := answerOf(err)
	return answer.Status == http.StatusForbidden && (answer.Code == "AccessDenied" || answer.Code == "Forbidden")
}

// step runs a step, unless it waits for another.
func (k *checker) step(ctx context.Context, id, needs string, run func(context.Context) report.Finding) {
	if k.stopped != "" {
		k.steps = append(k.steps, catalogue.Waits(id, k.stopped))
		return
	}
	if f, ok := k.done(needs); ok && f.Status != report.OK {
		k.steps = append(k.steps, catalogue.Waits(id, cmp.Or(f.Waits, f.ID)))
		return
	}
	start := k.now()
	f := run(ctx)
	f.Took = k.now().Sub(start)
	if id == refusedGet {
		f.Took += k.asked // Probe asked
	}
	k.steps = append(k.steps, f)
	if f.Status == report.Unknown && id != refusedGet {
		k.stopped = id
	}
}

func (k *checker) done(id string) (report.Finding, bool) {
	for _, f := range k.steps {
		if f.ID == id {
			return f, true
		}
	}
	return report.Finding{}, false
}

// end removes what was stored. Where nothing was, the finding waits for the step
// that should have stored it, if any.
func (k *checker) end(ctx context.Context, needs string) {
	start := k.now()
	if f, any := k.removed(k.remove(ctx)); any {
		f.Took = k.now().Sub(start)
		k.steps = append(k.steps, f)
		return
	}
	if f, ok := k.done(needs); ok {
		k.steps = append(k.steps, catalogue.Waits(checkDelete, cmp.Or(f.Waits, f.ID)))
	}
}

// hindsight puts right what Probe could not know: who is let do something in a
// bucket is no stranger to it.
func (k *checker) hindsight() {
	if k.said.kase.ID != "s3-denied" || !k.let {
		return
	}
	delete(k.said.facts, "shut-out")
	k.said.facts.Say("let-in", true)
	took := k.findings[checkReadable].Took
	k.fail(checkReadable, "s3-denied", k.said.facts, k.paste(k.said.kase, k.said.denial)...)
	f := k.findings[checkReadable]
	f.Took = took
	k.findings[checkReadable] = f
}

// whereabouts are the findings of Probe for a role that is to be refused. Where S3
// does not tell whom it refuses where the bucket is, nobody knows that there is
// one. MinIO names its own region for buckets that are not there, too.
func (k *checker) whereabouts() []report.Finding {
	f := k.findings[checkExists]
	switch {
	case !k.refusedByPolicy() || k.findings[checkRegion].Status == report.Fail:
	case k.let && f.ID == "":
		k.found()
	case !k.let && (f.ID == "" || k.c.endpoint.Known()):
		k.findings[checkExists] = k.finding("place-untold", checkExists, k.facts())
		k.findings[checkRegion] = catalogue.Waits(checkRegion, checkExists)
	}
	all := k.report()
	took := k.findings[checkReadable].Took
	all = all[:len(all)-1] // what the role can read is a step of its own
	for i, f := range slices.Backward(all) {
		if f.Status != report.Skip && took > 0 {
			all[i].Took = took
			break
		}
	}
	return all
}

// facts are those of Probe, and what the role is to be able to do.
func (k *checker) facts() catalogue.Facts {
	f := k.probe.facts()
	store := Expect(k.trial.Expect.Text) == ReadWrite
	f.Say("to-store", store)
	f.Say("not-to-store", !store)
	return f
}

func (k *checker) encryption() encryption {
	e := encryption{Algorithm: k.trial.Encryption.Text}
	if e.Algorithm != "" && e.Algorithm != "AES256" {
		e.KMSKey = k.b.KMSKey.Text
	}
	return e
}

// finding is that of a case, under the check that was being made.
func (k *checker) finding(kase, check string, f catalogue.Facts, paste ...report.Snippet) report.Finding {
	c := catalogue.Find(kase)
	own := c.Check
	c.Check = check
	found := c.Finding(f, k.evidence(), paste...)
	found.Doc = catalogue.Doc(own)
	return found
}
