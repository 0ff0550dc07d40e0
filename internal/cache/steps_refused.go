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
	switch answer := answerOf(s.err); {
	case isDenied(s.err):
		d, _ := parseDenial(k.redact.Redact(answer.Message))
		how := s.action + " is refused"
		if strings.HasPrefix(d.action, "kms:") {
			how += " by the KMS key, and not by the bucket"
		}
		return catalogue.Holds(s.check, report.Value{Text: how, From: op})
	case s.err == nil, answer.Code == "NoSuchKey", answer.Code == "NotFound" && answer.Status == http.StatusNotFound:
		k.let = true
		return k.finding(allowed, s.check, k.expected(s.key))
	}
	return k.failed(ctx, s)
}

// expected are the facts of what was expected of the role.
func (k *checker) expected(key string) catalogue.Facts {
	f := k.facts()
	f["object"], f["expect-from"] = key, k.trial.Expect.From+" "+k.trial.Expect.Text
	return f
}

// getRefused has its answer from Probe, for an object that is not there. To a
// role that may not list, S3 refuses that in any case: only where it says that
// s3:GetObject is lacking, or lets the role list, that is proved.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (k *checker) getRefused(ctx context.Context) report.Finding {
	s := failure{check: refusedGet, action: "s3:GetObject", key: k.nothing(), err: k.answer}
	d, _ := parseDenial(k.answer.Message)
	switch {
	case !isDenied(s.err), d.action != "" && d.action != "s3:ListBucket":
	case d.action == "s3:ListBucket":
		k.hidden = true
		return k.finding("get-hidden", s.check, k.expected(s.key))
	case k.said.facts["let-in"] == "":
		k.hidden = true
		return k.finding("get-untold", s.check, k.expected(s.key))
	}
	return k.refused(ctx, s, "GetObject", "get-allowed")
}

// headRefused asks for the same, and the answer to a HEAD has no reason.
func (k *checker) headRefused(ctx context.Context) report.Finding {
	_, err := k.c.headObject(ctx, k.nothing())
	if isDenied(err) && k.hidden {
		return catalogue.Waits(refusedHead, refusedGet)
	}
	return k.refused(ctx, failure{check: refusedHead, action: "s3:GetObject", key: k.nothing(), err: err}, "HeadObject", "head-allowed")
}

func (k *checker) listRefused(ctx context.Context) report.Finding {
	_, err := k.c.listObjects(ctx, k.prefix(), 1, nil)
	return k.refused(ctx, failure{check: refusedList, action: "s3:ListBucket", err: err}, "ListObjectsV2", "list-allowed")
}

func (k *checker) putRefused(ctx context.Context) report.Finding {
	t := k.track(k.whole())
	a, err := t.c.putObject(ctx, t.key, k.data.section(span{0, smallSize}), k.encryption())
	t.stored(a, err)
	if err == nil {
		k.own = t.key
	}
	return k.refused(ctx, failure{check: refusedPut, action: "s3:PutObject", key: t.key, err: err}, "PutObject", "put-allowed")
}

// multipartRefused begins an upload and sends nothing.
func (k *checker) multipartRefused(ctx context.Context) report.Finding {
	t := k.track(k.inParts())
	id, err := t.c.createUpload(ctx, t.key, k.encryption())
	t.begun(id, err)
	return k.refused(ctx, failure{check: refusedMultipart, action: "s3:PutObject", key: t.key, err: err}, "CreateMultipartUpload", "multipart-allowed")
}

// deleteRefused deletes an object that is not there. In a bucket with versions
// that makes a mark, which goes again.
func (k *checker) deleteRefused(ctx context.Context) report.Finding {
	t := k.track(k.nothing())
	a, err := t.c.deleteObject(ctx, t.key, "")
	t.marked(a, err)
	return k.refused(ctx, failure{check: refusedDelete, action: "s3:DeleteObject", key: k.nothing(), err: err}, "DeleteObject", "delete-allowed")
}

// listSample looks for an object of the cache that can be read.
func (k *checker) listSample(ctx context.Context) report.Finding {
	p, err := k.c.listObjects(ctx, k.prefix(), pageSize, nil)
	if err != nil {
		return k.failed(ctx, failure{check: checkList, denied: "list-denied", action: "s3:ListBucket", err: err})
	}
	k.let = true
	k.sample = k.sampleOf(ctx, p)
	found := catalogue.Count(len(p.Entries), "object")
	if p.Next != nil {
		found += " and more"
	}
	return catalogue.Holds(checkList, report.Value{Text: found + " " + k.place(), From: "ListObjectsV2"})
}

// headSample asks about that object, or about one that is not there, of which
// only who may read and list is told that it is not.
func (k *checker) headSample(ctx context.Context) report.Finding {
	if k.sample != "" {
		return k.headOf(ctx, k.sample, -1)
	}
	_, err := k.c.headObject(ctx, k.nothing())
	if answerOf(err).Code == "NotFound" {
		return catalogue.Holds(checkHead, report.Value{Text: "it is told that " + k.nothing() + " is not there", From: "HeadObject"})
	}
	if isDenied(err) && k.findings[checkReadable].Status == report.Fail {
		return catalogue.Waits(checkHead, checkReadable)
	}
	return k.failed(ctx, failure{check: checkHead, denied: "get-denied", action: "s3:GetObject", key: k.nothing(), err: err})
}

// getSample gets the first byte of that object.
func (k *checker) getSample(ctx context.Context) report.Finding {
	if k.sample == "" {
		return k.finding("nothing-to-read", checkSample, k.facts())
	}
	o, err := k.c.getObject(ctx, k.sample, span{0, 1})
	if err != nil {
		return k.failed(ctx, failure{check: checkSample, denied: "get-denied", action: "s3:GetObject", key: k.sample, err: err})
	}
	_ = o.Body.Close() // that it came is enough
	return catalogue.Holds(checkSample, report.Value{Text: "the first byte of " + k.sample, From: "GetObject"})
}
