package cache

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

func TestAnObjectOfAnyKeyIsStoredAsTheSDKStoresIt(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	for i, key := range hostile() {
		ours, theirs := fmt.Sprint("ours ", i), fmt.Sprint("theirs ", i)
		bn.put(key, ours)
		if got := bn.sdkGet(key); got != ours {
			t.Errorf("%q: the SDK gets %q, want %q", key, got, ours)
		}
		bn.sdkPut(key, theirs)
		if got := bn.get(key); got != theirs {
			t.Errorf("%q: got %q, want %q", key, got, theirs)
		}
		a, err := bn.c.headObject(t.Context(), key)
		if bn.must(err); a.Size != int64(len(theirs)) || a.ETag == "" {
			t.Errorf("%q: %+v", key, a)
		}
	}
	if left := len(bn.keys("", pageSize)); left != len(hostile()) {
		t.Errorf("%d keys, want %d", left, len(hostile()))
	}
	for _, key := range hostile() {
		bn.remove(key, "")
	}
	if left := bn.keys("", pageSize); left != nil {
		t.Errorf("left are %q", left)
	}
}

func TestASignatureHoldsForEveryKey(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	for _, key := range append(hostile(), dotted()...) {
		o, err := bn.c.getObject(t.Context(), key, span{})
		if err == nil {
			_ = o.Body.Close()
		}
		if got := answerOf(err).Code; got != "NoSuchKey" {
			t.Errorf("%q: %q", key, got)
		}
	}
}

func TestBodiesOfEverySizeArriveWhole(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	for _, size := range []int{0, 1, largeBody, largeBody + 1, 3 << 20} {
		text := strings.Repeat("x", size)
		bn.put("k", text)
		if got := bn.get("k"); got != text {
			t.Errorf("%d bytes came back as %d", size, len(got))
		}
		put := bn.cloud.Received("PutObject")
		if got := put[len(put)-1].Header.Get("Expect") != ""; got != (size > largeBody) {
			t.Errorf("%d bytes: leave asked for is %v", size, got)
		}
	}
}

func TestAPartOfAnObjectIsRead(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	bn.put("k", "0123456789")
	for part, want := range map[span]string{{}: "0123456789", {0, 1}: "0", {3, 4}: "3456", {8, 2}: "89"} {
		o, err := bn.c.getObject(t.Context(), "k", part)
		bn.must(err)
		if got := bn.read(o); got != want || o.Size != int64(len(want)) {
			t.Errorf("%v: %q of %d bytes, want %q", part, got, o.Size, want)
		}
	}
}

func TestAVersionIsRemovedAndNotOnlyHidden(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{Versioned: true})
	one, two := bn.put("k", "one"), bn.put("k", "two")
	if one.VersionID == "" || one.VersionID == two.VersionID {
		t.Fatalf("versions %q and %q", one.VersionID, two.VersionID)
	}
	versions := func() []entry {
		return bn.all(func(next map[string][]string) (page, error) { return bn.c.listVersions(t.Context(), "k", next) })
	}
	bn.remove("k", one.VersionID)
	want := []entry{{Key: "k", Size: 3, VersionID: two.VersionID}}
	if diff := cmp.Diff(want, versions()); diff != "" || bn.get("k") != "two" {
		t.Error(diff)
	}
	bn.remove("k", "")
	hidden := versions()
	if len(hidden) != 2 {
		t.Fatalf("%+v, want a version and the mark that hides it", hidden)
	}
	for _, v := range hidden {
		bn.remove(v.Key, v.VersionID)
	}
	if left := versions(); left != nil {
		t.Errorf("left are %+v", left)
	}
}

func TestAnUnsignedReadShowsWhatAnybodyCanRead(t *testing.T) {
	private := newBench(t, awsfake.BucketSpec{})
	private.put("k", "x")
	if _, err := private.c.getUnsigned(t.Context(), "k"); answerOf(err).Code != "AccessDenied" {
		t.Errorf("%v", err)
	}
	public := newBench(t, awsfake.BucketSpec{Policy: `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}`})
	public.put("k", "x")
	o, err := public.c.getUnsigned(t.Context(), "k")
	public.must(err)
	if got := public.read(o); got != "x" {
		t.Errorf("got %q", got)
	}
	reads := public.cloud.Received("GetObject")
	for name := range reads[0].Header {
		if name == "Authorization" || strings.HasPrefix(name, "X-Amz-") {
			t.Errorf("an unsigned call has %s", name)
		}
	}
}

func TestTheEncryptionThatIsAskedForIsSent(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	for _, e := range []encryption{{}, {Algorithm: "AES256"}, {Algorithm: "aws:kms"}, {Algorithm: "aws:kms", KMSKey: "alias/ü b"}} {
		bn.cloud.ClearFaults()
		_, err := bn.c.putObject(t.Context(), "k", section("x"), e)
		bn.must(err)
		id, err := bn.c.createUpload(t.Context(), "k", e)
		bn.must(err)
		bn.must(bn.c.abortUpload(t.Context(), "k", id))
		for _, op := range []string{"PutObject", "CreateMultipartUpload"} {
			calls := bn.cloud.Received(op)
			h := calls[len(calls)-1].Header
			if got := (encryption{h.Get(encryptionHeader), h.Get(keyHeader)}); got != e {
				t.Errorf("%s: %+v, want %+v", op, got, e)
			}
		}
	}
}

func TestHeadBucketSaysWhereItIs(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	region, err := bn.c.headBucket(t.Context())
	if bn.must(err); region != awsfake.Region {
		t.Errorf("%q", region)
	}
	far := bn.b
	far.EndpointURL.Text = bn.cloud.S3URLIn("us-west-2")
	c := newClient(t.Context(), bn.cfg, far, "us-west-2")
	if region, err := c.headBucket(t.Context()); region != awsfake.Region || answerOf(err).Status != http.StatusMovedPermanently {
		t.Errorf("%q, %v", region, err)
	}
	far.Name.Text = "nowhere-1"
	if region, err := newClient(t.Context(), bn.cfg, far, "us-west-2").headBucket(t.Context()); region != "" || answerOf(err).Code != "NotFound" {
		t.Errorf("%q, %v", region, err)
	}
}

func TestAnObjectThatIsStoredCompressedComesAsItIsStored(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte("text")) // a buffer takes everything
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	t.Cleanup(server.Close)
	if got := serverBench(t, server).get("k"); got != packed.String() {
		t.Errorf("%d bytes, want %d", len(got), packed.Len())
	}
}
