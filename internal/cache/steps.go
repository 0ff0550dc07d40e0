package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// smallSize is that of the object that goes in one call, in bytes.
const smallSize = 16 << 10

// The keys of a check's objects, behind its base.
func (k *checker) whole() string   { return k.base + "/whole" }
func (k *checker) inParts() string { return k.base + "/parts" }
func (k *checker) nothing() string { return k.base + "/nothing" }

func (k *checker) put(ctx context.Context) report.Finding {
	t := k.track(k.whole())
	a, err := t.c.putObject(ctx, t.key, k.data.section(span{0, smallSize}), k.encryption())
	t.stored(a, err)
	k.let = k.let || err == nil
	if err != nil {
		return k.failed(ctx, failure{check: checkPut, denied: "put-denied", action: "s3:PutObject", key: t.key, err: err})
	}
	if wanted := k.trial.Encryption; wanted.Known() && a.Encryption != wanted.Text {
		f := k.facts()
		f["object"], f["actual"], f["wanted"], f["wanted-from"] = t.key, cmp.Or(k.redact.Redact(a.Encryption), "none"), wanted.Text, wanted.From
		return k.finding("encryption-other", checkPut, f)
	}
	k.own = t.key
	said := t.key
	if wanted := k.trial.Encryption; wanted.Known() {
		said += ", encrypted with " + k.redact.Redact(a.Encryption) + " as " + wanted.From + " asks"
	}
	return catalogue.Holds(checkPut, report.Value{Text: said, From: "PutObject"}, k.encryptedAs(a))
}

// encryptedAs is how S3 says that it keeps an object.
func (k *checker) encryptedAs(a about) report.Value {
	if a.Encryption == "" {
		return report.Value{}
	}
	return report.Value{Text: k.redact.Redact(strings.TrimSuffix("encryption "+a.Encryption+" "+a.KMSKey, " ")), From: "the answer"}
}

func (k *checker) head(ctx context.Context) report.Finding {
	return k.headOf(ctx, k.whole(), smallSize)
}

// headOf asks about an object; size is -1 where it is not known. A refusal of a
// HEAD has no text, so that a GET has to tell the reason.
func (k *checker) headOf(ctx context.Context, key string, size int64) report.Finding {
	a, err := k.c.headObject(ctx, key)
	step := failure{check: checkHead, denied: "get-denied", action: "s3:GetObject", key: key, err: err}
	switch {
	case isDenied(err):
		o, reason := k.c.getObject(ctx, key, span{})
		if reason != nil {
			step.err = reason
			return k.failed(ctx, step)
		}
		_ = o.Body.Close() // that it came is enough
		f := k.facts()
		f["object"], f["status"] = key, fmt.Sprint(answerOf(err).Status)
		return k.finding("head-alone-denied", checkHead, f)
	case err != nil:
		return k.failed(ctx, step)
	case size >= 0 && a.Size != size:
		return k.differs(checkHead, key, fmt.Sprintf("a HEAD says that it has %d bytes, not %d", a.Size, size))
	}
	return catalogue.Holds(checkHead, report.Value{Text: key, From: "HeadObject"})
}

func (k *checker) get(ctx context.Context) report.Finding {
	return k.compared(ctx, checkGet, k.whole(), func() error { return k.fetch(ctx, k.whole(), []span{{0, smallSize}}) })
}

// compared is the finding of an object that is got.
func (k *checker) compared(ctx context.Context, check, key string, get func() error) report.Finding {
	err := get()
	if other := (*differs)(nil); errors.As(err, &other) {
		return k.differs(check, key, other.what)
	}
	if err != nil {
		return k.failed(ctx, failure{check: check, denied: "get-denied", action: "s3:GetObject", key: key, err: err, doing: "getting " + catalogue.Quote(key)})
	}
	return catalogue.Holds(check, report.Value{Text: key, From: "GetObject"})
}

func (k *checker) differs(check, key, what string) report.Finding {
	f := k.facts()
	f["object"], f["difference"] = key, what
	return k.finding("object-differs", check, f)
}

// multipart stores the large object in parts, gets it back in parts, and says how
// fast both were.
func (k *checker) multipart(ctx context.Context) report.Finding {
	parts := split(k.trial.Size)
	k.transfer = &Transfer{Bytes: k.trial.Size, Parts: len(parts), Parallel: min(parallel, len(parts))}
	start := k.now()
	if err := k.send(ctx, k.inParts(), parts); err != nil {
		return k.failed(ctx, failure{
			check: checkMultipart, denied: "multipart-denied", action: "s3:PutObject", key: k.inParts(), err: err, doing: "storing " + catalogue.Quote(k.inParts()),
		})
	}
	k.transfer.Up = rate(k.trial.Size, k.now().Sub(start))
	start = k.now()
	f := k.compared(ctx, checkMultipart, k.inParts(), func() error { return k.fetch(ctx, k.inParts(), parts) })
	if f.Status != report.OK {
		return f
	}
	k.transfer.Down = rate(k.trial.Size, k.now().Sub(start))
	speed := fmt.Sprintf("%s in %d parts, %s up, %s down", Size(k.trial.Size), len(parts), k.transfer.Up, k.transfer.Down)
	f.Evidence = append([]report.Value{{Text: speed, From: "measured"}}, f.Evidence...)
	return f
}

// Size is a number of bytes in the largest unit that it has a whole number of.
func Size(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.size && n%unit.size == 0 {
			return fmt.Sprintf("%d %s", n/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// list looks for the object that was stored, if one was.
func (k *checker) list(ctx context.Context) report.Finding {
	p, err := k.c.listObjects(ctx, k.base+"/", pageSize, nil)
	if err != nil {
		return k.failed(ctx, failure{check: checkList, denied: "list-denied", action: "s3:ListBucket", err: err})
	}
	k.let = true
	if put, _ := k.done(checkPut); put.Status == report.OK && !slices.ContainsFunc(p.Entries, func(e entry) bool { return e.Key == k.whole() }) {
		f := k.facts()
		f["object"], f["folder"] = k.whole(), k.base+"/"
		return k.finding("list-lacks", checkList, f)
	}
	return catalogue.Holds(checkList, report.Value{Text: catalogue.Count(len(p.Entries), "object") + " under " + k.base + "/", From: "ListObjectsV2"})
}

// failure is a step that did not go well.
type failure struct {
	check  string
	denied string // the case of a refusal that has no better one
	action string // what it needs
	key    string // of the object; "": it is about the bucket
	err    error
	doing  string // in words, where it takes long
}

// failed makes the finding of a failure. A refusal after one that was found out
// before says nothing new, and waits for it.
func (k *checker) failed(ctx context.Context, s failure) report.Finding {
	answer := answerOf(s.err)
	switch {
	case answer.Code == "" && errors.Is(ctx.Err(), context.DeadlineExceeded):
		f := k.facts()
		f["timeout"], f["timeout-from"], f["size"] = k.trial.Timeout.Text, k.trial.Timeout.From, Size(k.trial.Size)
		f["doing"] = cmp.Or(s.doing, s.check)
		return k.finding("transfer-timeout", s.check, f)
	case answer.Code == "":
		k.silent(s.check, s.err)
		return k.findings[s.check]
	case k.knownRefusal(s):
		return catalogue.Waits(s.check, checkReadable)
	}
	c, f, d := k.refusal(s.err)
	f["object"], f["scope"] = s.key, k.scope(s.key != "")
	if d.action == "" {
		f["action"] = s.action
		if s.key != "" {
			f["resource"] += "/" + s.key
		}
	}
	d.action = cmp.Or(d.action, s.action)
	paste := k.paste(c, d)
	if s.check == checkMultipart && !strings.Contains(k.b.KMSKey.Text, ":kms:") {
		paste = nil // without the key's ARN it holds nothing that a PUT, which went well, has not
	}
	if own := s.denied; own != "" && slices.Contains([]string{"s3-not-allowed", "s3-denied", "s3-list-denied"}, c.ID) {
		f.Say("no-reason", c.ID == "s3-denied")
		c = catalogue.Find(own)
	}
	return k.finding(c.ID, s.check, f, paste...)
}

// knownRefusal says whether a step was refused what Probe was refused, for the
// same reason.
func (k *checker) knownRefusal(s failure) bool {
	if !isDenied(s.err) || k.findings[checkReadable].Status != report.Fail || k.none() {
		return false
	}
	now, _ := parseDenial(k.redact.Redact(answerOf(s.err).Message))
	return now.reason(s.action) == k.said.denial.reason("s3:GetObject")
}
