package cache

import (
	"context"
	"net/http"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// refused makes the finding of a call that is to be refused. A call that fails
// otherwise proves nothing.
func (k *checker) refused(ctx context.Context, s failure, op, allowed string) report.Finding {
	switch {
	case isDenied(s.err):
		d, _ := parseDenial(k.redact.Redact(answerOf(s.err).Message))
		how := s.action + " is refused"
		if strings.HasPrefix(d.action, "kms:") {
			how += " by the KMS key, and not by the bucket"
		}
		return catalogue.Holds(s.check, report.Value{Text: how, From: op})
	case s.err == nil, answerOf(s.err).Status == http.StatusNotFound && answerOf(s.err).Code != "NoSuchBucket":
		f := k.facts()
		f["object"], f["folder"], f["expect-from"] = s.key, k.folder(), k.trial.Expect.From+" "+k.trial.Expect.Text
		return k.finding(allowed, s.check, f)
	}
	return k.failed(ctx, s)
}

// folder is where all caches of this prefix are, for people.
func (k *checker) folder() string {
	if prefix := strings.TrimRight(k.b.Prefix.Text, "/"); prefix != "" {
		return prefix + "/"
	}
	return "/"
}

// getRefused has its answer from Probe.
func (k *checker) getRefused(ctx context.Context) report.Finding {
	return k.refused(ctx, failure{check: refusedGet, action: "s3:GetObject", key: k.nothing(), err: k.answer}, "GetObject", "get-allowed")
}

func (k *checker) headRefused(ctx context.Context) report.Finding {
	_, err := k.c.headObject(ctx, k.nothing())
	return k.refused(ctx, failure{check: refusedHead, action: "s3:GetObject", key: k.nothing(), err: err}, "HeadObject", "head-allowed")
}

func (k *checker) listRefused(ctx context.Context) report.Finding {
	_, err := k.c.listObjects(ctx, k.prefix(), 1, nil)
	return k.refused(ctx, failure{check: refusedList, action: "s3:ListBucket", err: err}, "ListObjectsV2", "list-allowed")
}

// prefix is what all keys of the cache start with.
func (k *checker) prefix() string { return strings.TrimPrefix(k.folder(), "/") }

func (k *checker) putRefused(ctx context.Context) report.Finding {
	t := k.track(k.whole())
	a, err := k.c.putObject(ctx, t.key, k.data.section(span{0, smallSize}), k.encryption())
	t.stored(a, err)
	if err == nil {
		k.sample = t.key
	}
	return k.refused(ctx, failure{check: refusedPut, action: "s3:PutObject", key: t.key, err: err}, "PutObject", "put-allowed")
}

// multipartRefused begins an upload and sends nothing.
func (k *checker) multipartRefused(ctx context.Context) report.Finding {
	t := k.track(k.inParts())
	id, err := k.c.createUpload(ctx, t.key, k.encryption())
	t.begun(id, err)
	return k.refused(ctx, failure{check: refusedMultipart, action: "s3:PutObject", key: t.key, err: err}, "CreateMultipartUpload", "multipart-allowed")
}

// deleteRefused deletes an object that is not there. In a bucket with versions
// that makes a mark, which goes again.
func (k *checker) deleteRefused(ctx context.Context) report.Finding {
	a, err := k.c.deleteObject(ctx, k.nothing(), "")
	if err == nil && a.VersionID != "" {
		k.track(k.nothing()).stored(a, nil)
	}
	return k.refused(ctx, failure{check: refusedDelete, action: "s3:DeleteObject", key: k.nothing(), err: err}, "DeleteObject", "delete-allowed")
}

// listSample looks for an object of the cache that can be read.
func (k *checker) listSample(ctx context.Context) report.Finding {
	p, err := k.c.listObjects(ctx, k.prefix(), pageSize, nil)
	if err != nil {
		return k.failed(ctx, failure{check: checkList, denied: "list-denied", action: "s3:ListBucket", err: err})
	}
	more := ""
	if p.Next != nil {
		more = " and more"
	}
	for _, e := range p.Entries {
		if e.Size > 0 {
			k.sample = e.Key
			break
		}
	}
	return catalogue.Holds(checkList, report.Value{Text: catalogue.Count(len(p.Entries), "object") + more + " under " + k.folder(), From: "ListObjectsV2"})
}

// headSample asks about that object, or about one that is not there, of which
// only who may read and list is told that it is not.
func (k *checker) headSample(ctx context.Context) report.Finding {
	if k.sample != "" {
		return k.headOf(ctx, k.sample, -1)
	}
	_, err := k.c.headObject(ctx, k.nothing())
	if answerOf(err).Code == "NotFound" {
		return catalogue.Holds(checkHead, report.Value{Text: k.nothing() + " is not there", From: "HeadObject"})
	}
	return k.failed(ctx, failure{check: checkHead, denied: "get-denied", action: "s3:GetObject", key: k.nothing(), err: err})
}

// getSample gets the first byte of that object.
func (k *checker) getSample(ctx context.Context) report.Finding {
	f := k.facts()
	if f["folder"] = k.folder(); k.sample == "" {
		return k.finding("nothing-to-read", checkSample, f)
	}
	o, err := k.c.getObject(ctx, k.sample, span{0, 1})
	if err != nil {
		return k.failed(ctx, failure{check: checkSample, denied: "get-denied", action: "s3:GetObject", key: k.sample, err: err})
	}
	_ = o.Body.Close() // that it came is enough
	return catalogue.Holds(checkSample, report.Value{Text: "the first byte of " + k.sample, From: "GetObject"})
}
