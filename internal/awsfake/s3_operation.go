package awsfake

import (
	"net/http"
	"slices"
	"strings"
)

// s3Op is an S3 call: what it is called, what it does to which object, and what
// the caller must be allowed for it.
type s3Op struct {
	name        string // GetObject
	permission  string // s3:GetObject
	bucket, key string
}

// s3Action names a call for counting and for faults.
func s3Action(r *http.Request, _ []byte) string {
	op, _ := s3Operation(r)
	return op.name
}

// s3Operation knows path-style calls to put, get, head, list and delete
// objects and to upload them in parts. It is false for all others.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func s3Operation(r *http.Request) (s3Op, bool) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	op := s3Op{bucket: bucket, key: key}
	level := "object"
	if key == "" {
		level = "bucket"
	}
	query := r.URL.Query()
	var marks []string
	for name := range query {
		switch {
		case slices.Contains([]string{"uploadId", "uploads", "versionId", "versions", "versioning", "location"}, name):
			marks = append(marks, name)
		case !isS3Parameter(name):
			return op, false
		}
	}
	if bucket == "" || len(marks) > 1 || r.Header.Get("X-Amz-Copy-Source") != "" {
		return op, false
	}
	found, ok := s3Operations()[strings.Join(append([]string{r.Method, level}, marks...), " ")]
	op.name, op.permission = found.name, found.permission
	if op.name == "ListObjects" && query.Get("list-type") == "2" {
		op.name = "ListObjectsV2"
	}
	return op, ok
}

func s3Operations() map[string]s3Op {
	return map[string]s3Op{
		"GET object":              {name: "GetObject", permission: "s3:GetObject"},
		"GET object versionId":    {name: "GetObject", permission: "s3:GetObjectVersion"},
		"GET object uploadId":     {name: "ListParts", permission: "s3:ListMultipartUploadParts"},
		"HEAD object":             {name: "HeadObject", permission: "s3:GetObject"},
		"HEAD object versionId":   {name: "HeadObject", permission: "s3:GetObjectVersion"},
		"PUT object":              {name: "PutObject", permission: "s3:PutObject"},
		"PUT object uploadId":     {name: "UploadPart", permission: "s3:PutObject"},
		"POST object uploads":     {name: "CreateMultipartUpload", permission: "s3:PutObject"},
		"POST object uploadId":    {name: "CompleteMultipartUpload", permission: "s3:PutObject"},
		"DELETE object":           {name: "DeleteObject", permission: "s3:DeleteObject"},
		"DELETE object versionId": {name: "DeleteObject", permission: "s3:DeleteObjectVersion"},
		"DELETE object uploadId":  {name: "AbortMultipartUpload", permission: "s3:AbortMultipartUpload"},
		"HEAD bucket":             {name: "HeadBucket", permission: "s3:ListBucket"},
		"GET bucket":              {name: "ListObjects", permission: "s3:ListBucket"},
		"GET bucket location":     {name: "GetBucketLocation", permission: "s3:GetBucketLocation"},
		"GET bucket versions":     {name: "ListObjectVersions", permission: "s3:ListBucketVersions"},
		"GET bucket uploads":      {name: "ListMultipartUploads", permission: "s3:ListBucketMultipartUploads"},
	}
}

// isS3Parameter knows the parameters that do not change what a call does.
func isS3Parameter(name string) bool {
	return strings.HasPrefix(name, "response-") || slices.Contains([]string{
		"x-id", "list-type", "prefix", "delimiter", "marker", "max-keys", "continuation-token", "start-after",
		"encoding-type", "fetch-owner", "partNumber", "part-number-marker", "max-parts", "key-marker",
		"upload-id-marker", "max-uploads", "version-id-marker",
	}, name)
}
