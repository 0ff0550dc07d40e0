package cache

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// about is what S3 says of an object, or of a part of one. What it does not say
// is empty.
type about struct {
	Size       int64  // of what was sent, -1 if S3 does not say it
	ETag       string // in its quotes
	VersionID  string // in a bucket with versions
	Mark       bool   // of what was deleted: a mark was put in its place, or was removed
	Encryption string // AES256, aws:kms
	KMSKey     string // the ARN of the key
}

func aboutOf(resp *http.Response) about {
	return about{
		Size: resp.ContentLength, ETag: resp.Header.Get("Etag"), VersionID: resp.Header.Get("X-Amz-Version-Id"),
		Mark:       resp.Header.Get("X-Amz-Delete-Marker") == "true",
		Encryption: resp.Header.Get(encryptionHeader), KMSKey: resp.Header.Get(keyHeader),
	}
}

const (
	encryptionHeader = "X-Amz-Server-Side-Encryption"
	keyHeader        = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
)

// encryption is how S3 is asked to store an object; the bucket's own default
// where it is empty.
type encryption struct {
	Algorithm string // AES256, aws:kms
	KMSKey    string // ARN, id or alias
}

func (e encryption) header() http.Header {
	h := http.Header{}
	if e.Algorithm != "" {
		h.Set(encryptionHeader, e.Algorithm)
	}
	if e.KMSKey != "" {
		h.Set(keyHeader, e.KMSKey)
	}
	return h
}

// span is a part of an object in bytes. Without a size it is all of it.
type span struct{ From, Size int64 }

func (s span) header() http.Header {
	if s.Size == 0 {
		return nil
	}
	return http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", s.From, s.From+s.Size-1)}}
}

// object is an object as it comes. Its body is to be closed; one that ends too
// early ends with io.ErrUnexpectedEOF.
type object struct {
	about
	Body   io.ReadCloser
	Status int // of HTTP
}

// getObject gives an object, or a part of it, as it comes. What fails while it
// is read is not tried again.
func (c client) getObject(ctx context.Context, key string, part span) (object, error) {
	return c.open(ctx, call{op: "GetObject", method: http.MethodGet, key: key, header: part.header()})
}

// getUnsigned is getObject as anybody may call it.
func (c client) getUnsigned(ctx context.Context, key string) (object, error) {
	return c.asAnybody().getObject(ctx, key, span{})
}

func (c client) open(ctx context.Context, r call) (object, error) {
	var o object
	err := c.send(ctx, r, func(resp *http.Response) error {
		o = object{aboutOf(resp), &whole{resp.Body, resp.ContentLength}, resp.StatusCode}
		return nil
	})
	return o, err
}

// whole ends a body with an error that is shorter than was said.
type whole struct {
	io.ReadCloser
	left int64 // bytes to come, negative if it was not said
}

// Read is io.Reader's.
func (w *whole) Read(b []byte) (int, error) {
	n, err := w.ReadCloser.Read(b)
	if w.left >= 0 {
		w.left = max(w.left-int64(n), 0)
	}
	if err == io.EOF && w.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (c client) headObject(ctx context.Context, key string) (about, error) {
	return c.tell(ctx, call{op: "HeadObject", method: http.MethodHead, key: key})
}

// putObject stores an object; S3 takes up to 5 GiB in one call.
func (c client) putObject(ctx context.Context, key string, body *io.SectionReader, e encryption) (about, error) {
	return c.tell(ctx, call{op: "PutObject", method: http.MethodPut, key: key, header: e.header(), body: body})
}

// deleteObject removes an object, or one version of it. In a bucket with
// versions an object that is removed without one is only hidden, by a mark whose
// version the answer has.
func (c client) deleteObject(ctx context.Context, key, version string) (about, error) {
	query := url.Values{}
	if version != "" {
		query.Set("versionId", version)
	}
	return c.tell(ctx, call{op: "DeleteObject", method: http.MethodDelete, key: key, query: query})
}

// headBucket says where the bucket is, which S3 does in a refusal too; "" where
// it does not.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (c client) headBucket(ctx context.Context) (region string, err error) {
	r := call{op: "HeadBucket", method: http.MethodHead}
	err = c.send(ctx, r, func(resp *http.Response) error {
		region = plausible(resp.Header.Get(regionHeader))
		return drop(r.op, resp)
	})
	return cmp.Or(region, answerOf(err).Region), err
}

// tell makes a call whose answer is in its headers.
func (c client) tell(ctx context.Context, r call) (about, error) {
	var a about
	err := c.send(ctx, r, func(resp *http.Response) error {
		a = aboutOf(resp)
		return drop(r.op, resp)
	})
	return a, err
}
