package cache

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

const partSize = 5 << 20

// upload stores an object in parts, all at once.
func (bn *bench) upload(key string, body *io.SectionReader) {
	bn.Helper()
	id, err := bn.c.createUpload(bn.Context(), key, encryption{})
	bn.must(err)
	parts := int((body.Size() + partSize - 1) / partSize)
	etags, errs := make([]string, parts), make([]error, parts)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() {
			part := io.NewSectionReader(body, int64(i)*partSize, min(partSize, body.Size()-int64(i)*partSize))
			a, err := bn.c.uploadPart(bn.Context(), key, id, i+1, part)
			etags[i], errs[i] = a.ETag, err
		})
	}
	all.Wait()
	for _, err := range errs {
		bn.must(err)
	}
	a, err := bn.c.completeUpload(bn.Context(), key, id, etags)
	if bn.must(err); a.ETag == "" {
		bn.Error("the object has no ETag")
	}
}

func noise(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}

func TestPartsThatAreSentAtOnceMakeTheObject(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	body := noise(3*partSize + 7)
	for _, key := range []string{"big", "a b+ü/100%"} {
		bn.upload(key, io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body))))
		if got := bn.sdkGet(key); sha256.Sum256([]byte(got)) != sha256.Sum256(body) {
			t.Errorf("%q: the SDK gets %d other bytes", key, len(got))
		}
	}
	if left := bn.uploads(); left != nil {
		t.Errorf("left are %+v", left)
	}
}

func TestPartsOfTheSDKMakeAnObjectForUs(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	bucket, key, body := &bn.b.Name.Text, aws.String("big ü"), noise(partSize+1)
	up, err := bn.sdk.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	bn.must(err)
	var done types.CompletedMultipartUpload
	for i, part := range [][]byte{body[:partSize], body[partSize:]} {
		number := aws.Int32(int32(i) + 1)
		out, err := bn.sdk.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: number, Body: bytes.NewReader(part)})
		bn.must(err)
		done.Parts = append(done.Parts, types.CompletedPart{ETag: out.ETag, PartNumber: number})
	}
	_, err = bn.sdk.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: up.UploadId, MultipartUpload: &done})
	bn.must(err)
	if got := bn.get(*key); got != string(body) {
		t.Errorf("%d bytes", len(got))
	}
}

func (bn *bench) uploads() []entry {
	bn.Helper()
	return bn.all(func(next map[string][]string) (page, error) { return bn.c.listUploads(bn.Context(), "", next) })
}

func TestAnAbortedUploadLeavesNothing(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	var want []entry
	for i := range 3 {
		key := fmt.Sprint("k ", i)
		id, err := bn.c.createUpload(t.Context(), key, encryption{})
		bn.must(err)
		_, err = bn.c.uploadPart(t.Context(), key, id, 1, section("part"))
		bn.must(err)
		want = append(want, entry{Key: key, UploadID: id})
	}
	if diff := cmp.Diff(want, bn.uploads()); diff != "" {
		t.Error(diff)
	}
	for _, u := range want {
		bn.must(bn.c.abortUpload(t.Context(), u.Key, u.UploadID))
	}
	if left := bn.uploads(); left != nil || bn.keys("", 1) != nil {
		t.Errorf("left are %+v", left)
	}
}

func TestAPartThatIsNotThereMakesNoObject(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	id, err := bn.c.createUpload(t.Context(), "k", encryption{})
	bn.must(err)
	_, err = bn.c.completeUpload(t.Context(), "k", id, []string{`"<&>"`})
	if got := answerOf(err).Code; got != "InvalidPart" {
		t.Errorf("%q", got)
	}
}
