package awsfake

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// storage keeps objects in memory and asks no questions: serveS3 does.
type storage struct {
	backend *s3mem.Backend
	handler http.Handler
}

func newStorage() storage {
	backend := s3mem.New()
	return storage{backend, gofakes3.New(backend, gofakes3.WithTimeSkewLimit(0)).Server()}
}

// serveS3 checks who calls, then where the bucket is, then whether the caller
// may, and only then lets the storage answer.
func (c *Cloud) serveS3(w http.ResponseWriter, r *http.Request, body []byte, region string) {
	op, known := s3Operation(r)
	caller, refused := c.authenticateS3(r, body, region)
	var b bucket
	if refused == nil && !known {
		refused = notImplemented("A header you provided implies functionality that is not implemented")
	}
	if refused == nil {
		b, refused = c.locate(op, region)
	}
	if b.Name != "" && r.Method == http.MethodHead && op.key == "" {
		w.Header().Set("X-Amz-Bucket-Region", b.Region)
	}
	if refused == nil {
		refused = c.permitS3(caller, b, op, r)
	}
	if refused == nil {
		refused = checkCRC32(r, body)
	}
	switch {
	case refused != nil:
		refused.write(w, r, "s3")
	case op.name == "GetBucketLocation":
		writeXML(w, r, http.StatusOK, locationOf(b))
	default:
		c.serveObject(w, r, caller, b, op)
	}
}

func (c *Cloud) locate(op s3Op, region string) (bucket, *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.buckets[op.bucket]
	switch {
	case !ok:
		return bucket{}, c.refuse("no-bucket")
	case b.Region != region:
		return b, c.refuse("wrong-region-redirect").in(b.Region)
	}
	return b, nil
}

// s3Skew is how far the clock of a signed S3 call may be off.
const s3Skew = 15 * time.Minute

func (c *Cloud) authenticateS3(r *http.Request, body []byte, region string) (session, *refusal) {
	if r.URL.Query().Has("X-Amz-Signature") {
		return session{}, notImplemented("Pre-signed requests are not implemented")
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return session{}, nil // a bucket's policy may let anybody in
	}
	s, ok := parseSignature(header)
	if !ok {
		return session{}, c.refuse("wrong-region-signature", "The authorization header is malformed; the Credential, SignedHeaders and Signature are required").in("")
	}
	keys, ok := c.session(s.keyID)
	if !ok {
		return session{}, c.refuse("invalid-key-id")
	}
	if !sameToken(r, keys) {
		return session{}, c.refuse("invalid-token")
	}
	now := c.now()
	at, err := time.Parse(amzDate, r.Header.Get("X-Amz-Date"))
	switch {
	case !keys.expires.IsZero() && !now.Before(keys.expires):
		return session{}, c.refuse("expired-token")
	case s.region != region:
		return session{}, c.refuse("wrong-region-signature", fmt.Sprintf(
			"The authorization header is malformed; the region '%s' is wrong; expecting '%s'", s.region, region)).in(region)
	case s.service != "s3":
		return session{}, c.refuse("wrong-region-signature", fmt.Sprintf(
			"The authorization header is malformed; incorrect service %q. This endpoint belongs to \"s3\".", s.service)).in("")
	case err != nil:
		return session{}, c.refuse("bare-denied", "AWS authentication requires a valid Date or x-amz-date header")
	case now.Sub(at).Abs() > s3Skew:
		return session{}, c.refuse("skew")
	case !s.coversAll(r.Header):
		return session{}, c.refuse("bare-denied", "There were headers present in the request which were not signed")
	}
	return keys, checkPayload(r, body, s, keys, at)
}

func checkPayload(r *http.Request, body []byte, s signature, keys session, at time.Time) *refusal {
	claimed := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case claimed == "":
		return &refusal{status: http.StatusBadRequest, code: "InvalidRequest", message: "Missing required header for this request: x-amz-content-sha256"}
	case strings.HasPrefix(claimed, "STREAMING-"):
		return notImplemented("Chunked uploads are not implemented")
	case !s.matches(r, keys, claimed, at):
		return &refusal{
			status: http.StatusForbidden, code: "SignatureDoesNotMatch",
			message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
		}
	case claimed != "UNSIGNED-PAYLOAD" && claimed != hexSHA256(body):
		return &refusal{
			status: http.StatusBadRequest, code: "XAmzContentSHA256Mismatch",
			message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
		}
	}
	return nil
}

func checkCRC32(r *http.Request, body []byte) *refusal {
	claimed := r.Header.Get("X-Amz-Checksum-Crc32")
	actual := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
	if claimed == "" || claimed == actual {
		return nil
	}
	return &refusal{status: http.StatusBadRequest, code: "BadDigest", message: "The CRC32 you specified did not match the calculated checksum."}
}

func notImplemented(message string) *refusal {
	return &refusal{status: http.StatusNotImplemented, code: "NotImplemented", message: message}
}

type locationAnswer struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
	Region  string   `xml:",chardata"`
}

// locationOf gives no region for us-east-1, as S3 does.
func locationOf(b bucket) locationAnswer {
	if b.Region == "us-east-1" {
		return locationAnswer{}
	}
	return locationAnswer{Region: b.Region}
}

// serveObject lets the storage answer, with S3's own words for an object that
// is not there, and with the checksums that came with the object.
func (c *Cloud) serveObject(w http.ResponseWriter, r *http.Request, caller session, b bucket, op s3Op) {
	object := op.bucket + "/" + op.key
	c.mu.Lock()
	stored := c.checksums[object]
	c.mu.Unlock()
	answer := &objectWriter{ResponseWriter: w, missing: func() {
		f := c.refuse("no-key")
		list := s3Op{bucket: op.bucket, permission: "s3:ListBucket"}.request(caller, b, r)
		if c.mayS3(caller, b, list) != "" {
			f = c.refuse("bare-denied")
		}
		f.write(w, r, "s3")
	}}
	reads := op.name == "GetObject" || op.name == "HeadObject"
	answer.reads = reads
	if reads && r.Header.Get("X-Amz-Checksum-Mode") != "" && r.Header.Get("Range") == "" && !r.URL.Query().Has("versionId") {
		answer.add = stored
	}
	sent := checksumsOf(r.Header)
	if op.name == "PutObject" || op.name == "UploadPart" {
		answer.add = maps.Clone(sent)
	}
	if op.name == "PutObject" || op.name == "CreateMultipartUpload" {
		answer.add = withEncryption(answer.add, r.Header, b)
	}
	c.store.serve(answer, r, b, op)
	if !answer.started {
		answer.WriteHeader(http.StatusOK) // an answer without a body, to which headers belong too
	}
	if op.name == "PutObject" || op.name == "CompleteMultipartUpload" || op.name == "DeleteObject" {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.checksums, object)
		if op.name == "PutObject" {
			c.checksums[object] = sent
		}
	}
}

// withEncryption adds how an object is kept: as the call asks, else by the
// bucket's key, else as all are.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
func withEncryption(add, asked http.Header, b bucket) http.Header {
	const algorithm, key = "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
	if add == nil {
		add = http.Header{}
	}
	switch by := asked.Get(algorithm); {
	case by != "":
		add.Set(algorithm, by)
		if by != "AES256" {
			add.Set(key, cmp.Or(asked.Get(key), b.KMSKey))
		}
	case b.KMSKey != "":
		add.Set(algorithm, "aws:kms")
		add.Set(key, b.KMSKey)
	default:
		add.Set(algorithm, "AES256")
	}
	return add
}

func checksumsOf(h http.Header) http.Header {
	sums := http.Header{}
	for name, values := range h {
		if strings.HasPrefix(name, "X-Amz-Checksum-") && name != "X-Amz-Checksum-Mode" {
			sums[name] = values
		}
	}
	return sums
}

// objectWriter replaces the storage's 404 and adds headers to its 200.
type objectWriter struct {
	http.ResponseWriter
	missing  func() // writes the answer for an object that is not there
	reads    bool
	add      http.Header
	started  bool
	replaced bool
}

func (w *objectWriter) WriteHeader(status int) {
	w.started = true
	switch {
	case status == http.StatusNotFound && w.reads:
		w.replaced = true
		w.missing()
		return
	case status == http.StatusOK:
		maps.Copy(w.Header(), w.add)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *objectWriter) Write(b []byte) (int, error) {
	if !w.started {
		w.WriteHeader(http.StatusOK)
	}
	if w.replaced {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// request is what the caller's policies are asked.
func (op s3Op) request(caller session, b bucket, r *http.Request) iam.Request {
	resource := "arn:" + iam.PartitionOfRegion(b.Region) + ":s3:::" + op.bucket
	if op.key != "" {
		resource += "/" + op.key
	}
	context := caller.context()
	context["aws:RequestedRegion"] = []string{b.Region}
	query := r.URL.Query()
	for key, name := range map[string]string{"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys", "s3:VersionId": "versionId"} {
		context[key] = query[name]
	}
	for _, name := range []string{"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-acl"} {
		context["s3:"+name] = r.Header.Values(name)
	}
	return iam.Request{Action: op.permission, Resource: resource, Context: context}
}
