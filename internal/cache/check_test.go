package cache_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	gocmp "github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// try tries the world's bucket.
func (w *world) try(expect cache.Expect) cache.Result {
	w.t.Helper()
	return w.tryIn(w.t.Context(), cache.Trial{Expect: value(string(expect), "--expect")})
}

func (w *world) tryIn(ctx context.Context, t cache.Trial) cache.Result {
	w.t.Helper()
	t.Bucket, t.Size = w.bucket, cmp.Or(t.Size, cache.MinSize)
	t.Timeout = value("30s", "the default")
	r := cache.Check(ctx, w.cfg, t, w.who)
	for _, f := range append(r.Bucket, r.Objects...) {
		if f.Bad() && strings.Contains(f.Cause+f.Fix(), "(not known)") {
			w.t.Errorf("%s has a gap: %s\n%s", f.ID, f.Cause, f.Fix())
		}
	}
	return r
}

// told are findings, each by its id and state; a skipped one with what it waits for.
func told(all []report.Finding) string {
	var s []string
	for _, f := range all {
		s = append(s, strings.TrimSuffix(f.ID+" "+string(f.Status)+" "+f.Waits, " "))
	}
	return strings.Join(s, ", ")
}

// owner is the SDK's client of somebody who may do everything.
func (w *world) owner() *s3.Client {
	w.t.Helper()
	keys, err := w.cloud.AddUser(awsfake.Account, "owner", allowAll)
	if err != nil {
		w.t.Fatal(err)
	}
	at := w.cloud.S3URL()
	cfg := aws.Config{Region: awsfake.Region, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil })}
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &at, true })
}

// left are the objects and versions of the bucket, and its uploads.
func (w *world) left() []string {
	w.t.Helper()
	owner, bucket := w.owner(), &w.bucket.Name.Text
	versions, err := owner.ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{Bucket: bucket})
	if err != nil {
		w.t.Fatal(err)
	}
	uploads, err := owner.ListMultipartUploads(w.t.Context(), &s3.ListMultipartUploadsInput{Bucket: bucket})
	if api := smithy.APIError(nil); errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload" {
		uploads = &s3.ListMultipartUploadsOutput{} // the storage says so of a bucket that never had one
	} else if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, v := range versions.Versions {
		all = append(all, "object "+*v.Key)
	}
	for _, m := range versions.DeleteMarkers {
		all = append(all, "mark "+*m.Key)
	}
	for _, u := range uploads.Uploads {
		all = append(all, "upload "+*u.Key)
	}
	return all
}

func (w *world) store(key, text string) {
	w.t.Helper()
	if _, err := w.owner().PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: &w.bucket.Name.Text, Key: &key, Body: strings.NewReader(text)}); err != nil {
		w.t.Fatal(err)
	}
}

// can is a policy for actions on the bucket and its objects.
func can(actions ...string) string {
	text, _ := json.Marshal(actions) // strings always encode
	return `{"Statement":{"Effect":"Allow","Action":` + string(text) + `,"Resource":"*"}}`
}

const allWritten = "object-put ok, object-head ok, object-get ok, object-multipart ok, object-list ok, object-unsigned ok, object-delete ok"

func TestEachStepIsAFindingAndWhatIsExpectedDecides(t *testing.T) {
	const (
		bucketOK  = "bucket-name ok, s3-reachable ok, s3-signature ok, bucket-exists ok, bucket-region ok"
		untold    = "bucket-name ok, s3-reachable ok, s3-signature ok, bucket-exists note, bucket-region skip bucket-exists"
		readOK    = bucketOK + ", bucket-readable ok"
		readFails = bucketOK + ", bucket-readable fail"
		refused   = "get-refused ok, head-refused ok, list-refused ok, put-refused ok, multipart-refused ok, delete-refused ok, object-unsigned note"
		onlyRead  = "object-list ok, object-head ok, object-readable ok, put-refused ok, multipart-refused ok, delete-refused ok, object-unsigned ok"
	)
	reads := []string{"s3:GetObject", "s3:ListBucket"}
	for _, tt := range []struct {
		name, policy    string
		expect          cache.Expect
		edit            func(*world)
		bucket, objects string
	}{
		{"read-write", awsfake.BucketPolicy, cache.ReadWrite, nil, readOK, allWritten},
		{"read-write, where only reading is allowed", can(reads...), cache.ReadWrite, nil, readOK, "object-put fail, object-head skip object-put, object-get skip object-put, object-multipart skip object-put, object-list ok, object-unsigned note, object-delete skip object-put"},
		{"read-write, where nothing is allowed", can("sts:*"), cache.ReadWrite, nil, readFails, "object-put fail, object-head skip object-put, object-get skip object-put, object-multipart skip object-put, object-list fail, object-unsigned note, object-delete skip object-put"},
		{"read-write, without s3:ListBucket", can("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), cache.ReadWrite, nil, readFails, "object-put ok, object-head ok, object-get ok, object-multipart ok, object-list skip bucket-readable, object-unsigned ok, object-delete ok"},
		{"read-write, without s3:DeleteObject", can("s3:GetObject", "s3:PutObject", "s3:ListBucket"), cache.ReadWrite, nil, readOK, strings.Replace(allWritten, "object-delete ok", "object-delete warn", 1)},
		{"read-write, without s3:GetObject", can("s3:PutObject", "s3:ListBucket", "s3:DeleteObject"), cache.ReadWrite, nil, readFails, "object-put ok, object-head skip bucket-readable, object-get skip bucket-readable, object-multipart skip bucket-readable, object-list ok, object-unsigned ok, object-delete ok"},
		{"read", can(reads...), cache.Read, func(w *world) { w.store("runners-all/project/1/k", "cache") }, readOK, onlyRead},
		{"read, of a cache that is empty", can(reads...), cache.Read, nil, readOK, strings.NewReplacer("object-readable ok", "object-readable note", "object-unsigned ok", "object-unsigned note").Replace(onlyRead)},
		{"read, by a role that writes", awsfake.BucketPolicy, cache.Read, nil, readOK, "object-list ok, object-head ok, object-readable note, put-refused fail, multipart-refused skip put-refused, delete-refused fail, object-unsigned ok, object-delete ok"},
		{"read, where nothing is allowed", can("sts:*"), cache.Read, nil, readFails, "object-list fail, object-head skip bucket-readable, object-readable skip bucket-readable, put-refused ok, multipart-refused ok, delete-refused ok, object-unsigned note"},
		{"none", can("sts:*"), cache.None, nil, untold, refused},
		{"none, by a role that writes", awsfake.BucketPolicy, cache.None, nil, bucketOK, "get-refused fail, head-refused fail, list-refused fail, put-refused fail, multipart-refused skip put-refused, delete-refused fail, object-unsigned ok, object-delete ok"},
		{"none, by a role that reads", can(reads...), cache.None, nil, bucketOK, "get-refused fail, head-refused fail, list-refused fail, put-refused ok, multipart-refused ok, delete-refused ok, object-unsigned note"},
		{
			"none, of a bucket that is not there", can("sts:*"), cache.None, func(w *world) { w.bucket.Name = value("nowhere-1", "--bucket") },
			"bucket-name ok, s3-reachable ok, s3-signature skip bucket-exists, bucket-exists fail, bucket-region skip bucket-exists",
			"get-refused skip bucket-exists, head-refused skip bucket-exists, list-refused skip bucket-exists, put-refused skip bucket-exists, multipart-refused skip bucket-exists, delete-refused skip bucket-exists, object-unsigned skip bucket-exists",
		},
		{
			"none, with keys that ended", can("sts:*"), cache.None, func(w *world) { w.inject(awsfake.Fault{Vector: "expired-token"}) },
			"bucket-name ok, s3-reachable ok, s3-signature fail, bucket-exists skip s3-signature, bucket-region skip s3-signature",
			"get-refused skip s3-signature, head-refused skip s3-signature, list-refused skip s3-signature, put-refused skip s3-signature, multipart-refused skip s3-signature, delete-refused skip s3-signature, object-unsigned skip s3-signature",
		},
		{"a bucket that keeps versions", allowAll, cache.ReadWrite, func(w *world) { w.addBucket(awsfake.BucketSpec{Versioned: true}) }, readOK, allWritten},
		{"a bucket that keeps versions, whose role may only hide", can("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"), cache.ReadWrite, func(w *world) { w.addBucket(awsfake.BucketSpec{Versioned: true}) }, readOK, strings.Replace(allWritten, "object-delete ok", "object-delete warn", 1)},
		{"read, of a bucket that keeps versions, by a role that writes", allowAll, cache.Read, func(w *world) { w.addBucket(awsfake.BucketSpec{Versioned: true}) }, readOK, "object-list ok, object-head ok, object-readable note, put-refused fail, multipart-refused skip put-refused, delete-refused fail, object-unsigned ok, object-delete ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.policy)
			if tt.edit != nil {
				tt.edit(w)
			}
			r := w.try(tt.expect)
			if diff := gocmp.Diff([]string{tt.bucket, tt.objects}, []string{told(r.Bucket), told(r.Objects)}); diff != "" {
				t.Error(diff)
			}
			for _, f := range r.Objects {
				if f.Took == 0 && f.Status != report.Skip {
					t.Errorf("%s %s took %v", f.ID, f.Status, f.Took)
				}
			}
		})
	}
}

func TestTheTransferIsMeasuredAndOnlyWhatWasDone(t *testing.T) {
	w := newWorld(t)
	done := w.tryIn(t.Context(), cache.Trial{Expect: value("read-write", "--expect"), Size: 17 << 20}).Transfer
	if done == nil || done.Up == nil || done.Down == nil || done.Up.MiBPerSecond <= 0 || done.Down.Seconds <= 0 {
		t.Fatalf("%+v", done)
	}
	done.Up, done.Down = nil, nil
	if diff := gocmp.Diff(&cache.Transfer{Bytes: 17 << 20, Parts: 3, Parallel: 3}, done); diff != "" {
		t.Error(diff)
	}
	w.inject(awsfake.Fault{Action: "UploadPart", Vector: "bare-denied"})
	if got := w.try(cache.ReadWrite).Transfer; got.Up != nil || got.Down != nil {
		t.Errorf("%+v, of an upload that was refused", got)
	}
	if got := newWorld(t, can("s3:GetObject")).try(cache.Read).Transfer; got != nil {
		t.Errorf("%+v, where nothing was stored", got)
	}
}

func TestPartsGoAFewAtATimeAndWithTheEncryptionThatIsAskedFor(t *testing.T) {
	w := newWorld(t, allowAll)
	w.bucket.KMSKey = value(keyARN, "--kms-key-id")
	r := w.tryIn(t.Context(), cache.Trial{Expect: value("read-write", "--expect"), Size: 65 << 20, Encryption: value("aws:kms", "--sse")})
	if got := told(r.Objects); got != allWritten {
		t.Error(got)
	}
	if n := len(w.cloud.Received("UploadPart")); n != 9 || r.Transfer.Parallel != 5 {
		t.Errorf("%d parts, %d at once", n, r.Transfer.Parallel)
	}
	for _, op := range []string{"PutObject", "CreateMultipartUpload"} {
		h := w.cloud.Received(op)[0].Header
		if h.Get("X-Amz-Server-Side-Encryption") != "aws:kms" || h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") != keyARN {
			t.Errorf("%s asks for %q with %q", op, h.Get("X-Amz-Server-Side-Encryption"), h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
		}
	}
}

func TestARefusalThatOnlyTheKeyMakesIsToldApart(t *testing.T) {
	w := newWorld(t, can("s3:*"))
	if err := w.cloud.AddKey(awsfake.KMSKey{ARN: keyARN}); err != nil {
		t.Fatal(err)
	}
	w.addBucket(awsfake.BucketSpec{KMSKey: keyARN})
	for _, f := range w.try(cache.Read).Objects {
		if f.ID == "put-refused" {
			want := []report.Value{value("s3:PutObject is refused by the KMS key, and not by the bucket", "PutObject")}
			if diff := gocmp.Diff(want, f.Evidence); diff != "" || f.Status != report.OK {
				t.Error(f.Status, diff)
			}
		}
	}
}

// TestEachAnswerOfS3UnderAStepNamesItsCause holds the rich cases to the steps: a
// refusal with a reason keeps it.
func TestEachAnswerOfS3UnderAStepNamesItsCause(t *testing.T) {
	for vector, want := range map[string]string{
		"no-identity-policy": "may not store an object: S3 refuses s3:PutObject on", "bare-denied": "may not store an object: S3 refuses s3:PutObject on",
		"explicit-deny": "a Deny statement in a resource-based policy refuses s3:PutObject", "session-policy": "the session policy of",
		"kms": "refuses kms:GenerateDataKey", "kms-disabled": "cannot be used", "slow-down": "asks for fewer calls", "expired-token": "has ended",
		"no-bucket": "there is no bucket", "wrong-region-redirect": "names no other region", "wrong-region-signature": "names no other region", "invalid-token": "does not take the session token",
		"invalid-key-id": "does not know the access key", "skew": "more than 15 minutes apart", "presigned-expired": "pre-signed URL", "archived": "is archived",
	} {
		t.Run(vector, func(t *testing.T) {
			w := newWorld(t)
			w.inject(awsfake.Fault{Action: "PutObject", Vector: vector})
			f := w.try(cache.ReadWrite).Objects[0]
			if f.ID != "object-put" || !f.Bad() || !strings.Contains(f.Cause, want) {
				t.Errorf("%s %s: %s", f.ID, f.Status, f.Cause)
			}
		})
	}
}

func TestNoSecretOfAnAnswerToAStepIsShown(t *testing.T) {
	for _, action := range []string{"PutObject", "HeadObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "ListObjectsV2", "DeleteObject"} {
		for _, expect := range []cache.Expect{cache.ReadWrite, cache.Read, cache.None} {
			for _, hidden := range []bool{false, true} {
				w := newWorld(t, allowAll)
				keys, err := w.cfg.Credentials.Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				secret, code := keys.SecretAccessKey, "AccessDenied"
				if hidden {
					code = secret
				}
				message := "User: " + secret + " is not authorized to perform: s3:" + secret + ` on resource: "` + secret + `" because no session policy allows it`
				w.inject(awsfake.Fault{Action: action, Status: http.StatusForbidden, Type: "application/xml", Body: "<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>"})
				r := cache.Check(t.Context(), w.cfg, cache.Trial{Bucket: w.bucket, Expect: value(string(expect), "--expect"), Size: cache.MinSize}, w.who)
				out, err := json.Marshal(append(r.Bucket, r.Objects...))
				if err != nil || strings.Contains(string(out), secret) {
					t.Errorf("%s, %s: %v: %s", action, expect, err, out)
				}
			}
		}
	}
}
