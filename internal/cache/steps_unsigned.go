package cache

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// unsigned asks as anybody may, who is to be refused: for the object that was
// stored, for one of the cache, which another statement of a policy may let
// everybody read, and for a list.
func (k *checker) unsigned(ctx context.Context) report.Finding {
	var keys []string
	for _, key := range []string{k.own, k.ofCache(ctx)} {
		if key != "" {
			keys = append(keys, key)
		}
	}
	known := len(keys) > 0
	if !known {
		keys = []string{k.nothing()}
	}
	var codes, asked []string
	for _, key := range keys {
		o, err := k.c.getUnsigned(ctx, key)
		if err == nil {
			_ = o.Body.Close() // nobody wants it
		}
		if f, public := k.public(ctx, "a GET of "+catalogue.Quote(key), key, err); public {
			return f
		}
		codes, asked = append(codes, answerOf(err).Code), append(asked, key)
	}
	_, err := k.c.asAnybody().listObjects(ctx, k.prefix(), 1, nil)
	if f, public := k.public(ctx, "a list of the objects "+k.place(), "", err); public {
		return f
	}
	if !known {
		f := k.facts()
		f["object"] = keys[0]
		return k.finding("unsigned-untold", checkUnsigned, f)
	}
	codes, asked = append(codes, answerOf(err).Code), append(asked, "a list of objects")
	slices.Sort(codes)
	said := strings.Join(asked[:len(asked)-1], ", ") + " and " + asked[len(asked)-1] + " are refused with " + strings.Join(slices.Compact(codes), " and ")
	return catalogue.Holds(checkUnsigned, report.Value{Text: k.redact.Redact(said), From: "calls without credentials"})
}

// public makes the finding of a call without credentials that was not refused;
// false where it was. Only a refusal in S3's own form is one; key is empty for a
// list.
func (k *checker) public(ctx context.Context, what, key string, err error) (report.Finding, bool) {
	answer := answerOf(err)
	f := k.factsOf(err)
	f["object"], f["what"], f["code"] = key, what, k.redact.Redact(answer.Code)
	switch {
	case err == nil && key == "":
		return k.finding("world-listable", checkUnsigned, f), true
	case err == nil:
		f["got"] = "the object"
	case answer.Code == "NoSuchKey":
		f["got"] = "the answer that there is no such object, which S3 gives to who may read and list"
	case answer.Code == "InvalidObjectState":
		f["got"] = "the answer that it is archived, which S3 gives to who may read"
	case answer.Code == "":
		return k.failed(ctx, failure{check: checkUnsigned, action: "s3:GetObject", key: key, err: err}), true
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return report.Finding{}, false
	default:
		return k.finding("unsigned-unclear", checkUnsigned, f), true
	}
	return k.finding("world-readable", checkUnsigned, f), true
}

// ofCache gives the key of an object of the cache, or "" where the role may not
// list, or none is there.
func (k *checker) ofCache(ctx context.Context) string {
	list, _ := k.done(checkList)
	refused, _ := k.done(refusedList)
	if k.sample != "" || list.Status != report.OK && refused.Status != report.Fail {
		return k.sample
	}
	p, err := k.c.listObjects(ctx, k.prefix(), pageSize, nil)
	if err != nil {
		return ""
	}
	return k.sampleOf(ctx, p)
}

// sampleOf gives the key of an object that holds something and is none of a
// check's, from the first page of a list or, where that is full of others, from
// what comes behind them.
func (k *checker) sampleOf(ctx context.Context, p page) string {
	own := k.prefix() + folder
	pick := func(p page) string {
		for _, e := range p.Entries {
			if e.Size > 0 && !strings.HasPrefix(e.Key, own) {
				return e.Key
			}
		}
		return ""
	}
	if key := pick(p); key != "" || p.Next == nil {
		return key
	}
	behind := strings.TrimSuffix(own, "/") + "0" // the character that comes after the slash
	p, err := k.c.listObjects(ctx, k.prefix(), pageSize, url.Values{"start-after": {behind}})
	if err != nil {
		return ""
	}
	return pick(p)
}
