package cache

import (
	"context"
	"encoding/xml"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// pageSize is how many entries are asked for at most: as many as maxAnswer holds
// where each key has 1,024 bytes, all of them escaped.
const pageSize = 250

// entry is an object, a version of one, or an upload that is not complete.
type entry struct {
	Key       string
	Size      int64  // of an object or a version
	VersionID string `xml:"VersionId"`
	UploadID  string `xml:"UploadId"`
	Mark      bool   `xml:"-"` // it is a mark that hides the object
}

// page is a part of a list.
type page struct {
	Entries []entry
	Next    url.Values // what asks for the next page; nil after the last
}

// listObjects gives a page of the bucket's objects under a prefix. next is empty
// for the first.
func (c client) listObjects(ctx context.Context, prefix string, most int, next url.Values) (page, error) {
	return c.list(ctx, "ListObjectsV2", next, url.Values{
		"list-type": {"2"}, "prefix": {prefix}, "max-keys": {strconv.Itoa(min(most, pageSize))},
	})
}

// listVersions gives a page of all versions of objects, with the marks that hide
// removed ones.
func (c client) listVersions(ctx context.Context, prefix string, next url.Values) (page, error) {
	return c.list(ctx, "ListObjectVersions", next, url.Values{
		"versions": {""}, "prefix": {prefix}, "max-keys": {strconv.Itoa(pageSize)},
	})
}

// listUploads gives a page of the uploads that were begun and neither completed
// nor aborted.
func (c client) listUploads(ctx context.Context, prefix string, next url.Values) (page, error) {
	return c.list(ctx, "ListMultipartUploads", next, url.Values{
		"uploads": {""}, "prefix": {prefix}, "max-uploads": {strconv.Itoa(pageSize)},
	})
}

// listAnswer is the answer to each of the lists. Its elements have the same names
// where they mean the same.
type listAnswer struct {
	XMLName       xml.Name
	EncodingType  string
	IsTruncated   bool
	Token         string  `xml:"NextContinuationToken"`
	KeyMarker     string  `xml:"NextKeyMarker"`
	VersionMarker string  `xml:"NextVersionIdMarker"`
	UploadMarker  string  `xml:"NextUploadIdMarker"`
	Objects       []entry `xml:"Contents"`
	Versions      []entry `xml:"Version"`
	DeleteMarkers []entry `xml:"DeleteMarker"`
	Uploads       []entry `xml:"Upload"`
}

// list asks for keys in URL encoding: XML cannot hold all of them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (c client) list(ctx context.Context, op string, next, query url.Values) (page, error) {
	query.Set("encoding-type", "url")
	maps.Copy(query, next)
	var p page
	err := c.send(ctx, call{op: op, method: http.MethodGet, query: query}, func(resp *http.Response) (err error) {
		var answer listAnswer
		if err := readXML(op, resp, &answer); err != nil {
			return err
		}
		if p, err = answer.page(); err != nil {
			return &s3Error{Op: op, Status: resp.StatusCode, Header: resp.Header}
		}
		return nil
	})
	return p, err
}

func (a listAnswer) page() (page, error) {
	// Not all that speak as S3 does call a list of versions as S3 does.
	if name := a.XMLName.Local; !strings.HasPrefix(name, "List") || !strings.HasSuffix(name, "Result") {
		return page{}, errors.New("this is no list")
	}
	var p page
	for i := range a.DeleteMarkers {
		a.DeleteMarkers[i].Mark = true
	}
	for _, entries := range [][]entry{a.Objects, a.Versions, a.DeleteMarkers, a.Uploads} {
		for _, e := range entries {
			if err := a.decode(&e.Key); err != nil {
				return page{}, err
			}
			p.Entries = append(p.Entries, e)
		}
	}
	if !a.IsTruncated {
		return p, nil
	}
	if err := a.decode(&a.KeyMarker); err != nil {
		return page{}, err
	}
	p.Next = url.Values{}
	for name, value := range map[string]string{
		"continuation-token": a.Token, "key-marker": a.KeyMarker, "version-id-marker": a.VersionMarker, "upload-id-marker": a.UploadMarker,
	} {
		if value != "" {
			p.Next.Set(name, value)
		}
	}
	if len(p.Next) == 0 {
		return page{}, errors.New("a list that goes on does not say where")
	}
	return p, nil
}

func (a listAnswer) decode(key *string) (err error) {
	if a.EncodingType == "url" {
		*key, err = url.QueryUnescape(*key)
	}
	return err
}
