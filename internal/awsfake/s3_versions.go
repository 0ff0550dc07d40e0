package awsfake

import (
	"net/http"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// serve lets the storage answer. Asked to delete an object that is not
// there from a bucket that keeps versions, S3 makes a mark, and the storage only
// for objects that were there once.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
func (s storage) serve(w http.ResponseWriter, r *http.Request, b bucket, op s3Op) {
	if b.Versioned && op.name == "DeleteObject" && !r.URL.Query().Has("versionId") && !s.knows(op) {
		if put, err := s.backend.PutObject(op.bucket, op.key, nil, strings.NewReader(""), 0, nil); err == nil {
			defer func() { _, _ = s.backend.DeleteObjectVersion(op.bucket, op.key, put.VersionID) }() // it was just stored
		}
	}
	s.handler.ServeHTTP(w, r)
}

// knows says whether there is a version or a mark of an object.
func (s storage) knows(op s3Op) bool {
	found, err := s.backend.ListBucketVersions(op.bucket, &gofakes3.Prefix{HasPrefix: true, Prefix: op.key}, nil)
	if err != nil {
		return false
	}
	for _, v := range found.Versions {
		switch v := v.(type) {
		case *gofakes3.Version:
			if v.Key == op.key {
				return true
			}
		case *gofakes3.DeleteMarker:
			if v.Key == op.key {
				return true
			}
		}
	}
	return false
}
