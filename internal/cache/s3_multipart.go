package cache

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// createUpload begins an object that comes in parts.
func (c client) createUpload(ctx context.Context, key string, e encryption) (id string, err error) {
	var answer struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		UploadID string   `xml:"UploadId"`
	}
	r := call{op: "CreateMultipartUpload", method: http.MethodPost, key: key, query: url.Values{"uploads": {""}}, header: e.header()}
	err = c.send(ctx, r, func(resp *http.Response) error { return readXML(r.op, resp, &answer) })
	return answer.UploadID, err
}

// uploadPart stores a part; parts count from 1. All but the last have 5 MiB or
// more. Its ETag is what completeUpload needs.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
func (c client) uploadPart(ctx context.Context, key, id string, number int, body *io.SectionReader) (about, error) {
	query := url.Values{"uploadId": {id}, "partNumber": {strconv.Itoa(number)}}
	return c.tell(ctx, call{op: "UploadPart", method: http.MethodPut, key: key, query: query, body: body})
}

// completeUpload makes an object of its parts, whose ETags stand in their order.
func (c client) completeUpload(ctx context.Context, key, id string, etags []string) (about, error) {
	var (
		a      about
		answer struct {
			XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
			ETag    string
		}
	)
	r := call{
		op: "CompleteMultipartUpload", method: http.MethodPost, key: key, query: url.Values{"uploadId": {id}},
		header: http.Header{"Content-Type": {"application/xml"}}, body: partsXML(etags),
	}
	err := c.send(ctx, r, func(resp *http.Response) error {
		a = aboutOf(resp)
		return readXML(r.op, resp, &answer)
	})
	a.Size, a.ETag = -1, answer.ETag
	return a, err
}

// abortUpload forgets an upload and its parts.
func (c client) abortUpload(ctx context.Context, key, id string) error {
	_, err := c.tell(ctx, call{op: "AbortMultipartUpload", method: http.MethodDelete, key: key, query: url.Values{"uploadId": {id}}})
	return err
}

// partsXML is the body of CompleteMultipartUpload.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
func partsXML(etags []string) *io.SectionReader {
	var b bytes.Buffer
	b.WriteString(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	for i, etag := range etags {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>", i+1)
		_ = xml.EscapeText(&b, []byte(etag)) // a buffer takes everything
		b.WriteString("</ETag></Part>")
	}
	b.WriteString("</CompleteMultipartUpload>")
	return io.NewSectionReader(bytes.NewReader(b.Bytes()), 0, int64(b.Len()))
}
