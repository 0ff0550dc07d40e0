package cache

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// TestMinIO holds the client to a real S3.
func TestMinIO(t *testing.T) {
	bn := startMinIO(t)
	for _, key := range []string{"plain", "a b+c%2F", "ü/日本/é", "q'\"&;=,:@$(g)*", "~-_."} {
		ours, theirs := "ours of "+key, "theirs of "+key
		bn.put(key, ours)
		if got := bn.sdkGet(key); got != ours {
			t.Errorf("%q: the SDK gets %q", key, got)
		}
		bn.sdkPut(key, theirs)
		if got := bn.get(key); got != theirs {
			t.Errorf("%q: got %q", key, got)
		}
		if got := strings.Join(bn.keys(key, 1), "|"); got != key {
			t.Errorf("%q is listed as %q", key, got)
		}
		bn.remove(key, "")
	}
	body := noise(3*partSize + 7)
	bn.upload("big ü", io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body))))
	if bn.get("big ü") != string(body) || bn.sdkGet("big ü") != string(body) {
		t.Error("the parts make another object")
	}
	o, err := bn.c.getObject(t.Context(), "big ü", span{partSize - 1, 2})
	bn.must(err)
	if got := bn.read(o); got != string(body[partSize-1:partSize+1]) {
		t.Errorf("a part is %q", got)
	}
	if _, err := bn.c.getUnsigned(t.Context(), "big ü"); answerOf(err).Code != "AccessDenied" {
		t.Errorf("unsigned: %v", err)
	}
	bn.remove("big ü", "")

	id, err := bn.c.createUpload(t.Context(), "half", encryption{})
	bn.must(err)
	_, err = bn.c.uploadPart(t.Context(), "half", id, 1, section("part"))
	bn.must(err)
	// MinIO lists the uploads of a key, and not those of a prefix.
	left, err := bn.c.listUploads(t.Context(), "half", nil)
	if bn.must(err); len(left.Entries) != 1 || left.Entries[0] != (entry{Key: "half", UploadID: id}) {
		t.Errorf("uploads are %+v", left)
	}
	bn.must(bn.c.abortUpload(t.Context(), "half", id))
	if left, err := bn.c.listUploads(t.Context(), "half", nil); err != nil || left.Entries != nil {
		t.Errorf("left are %+v, %v", left, err)
	}

	_, err = bn.sdk.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &bn.b.Name.Text, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	bn.must(err)
	for i := range 3 {
		bn.put(fmt.Sprint("v ", i), "x")
		bn.remove(fmt.Sprint("v ", i), "")
	}
	versions := func(next map[string][]string) (page, error) { return bn.c.listVersions(t.Context(), "v ", next) }
	all := bn.all(versions)
	if len(all) != 6 {
		t.Errorf("%+v, want three versions, each with a mark", all)
	}
	for _, v := range all {
		bn.remove(v.Key, v.VersionID)
	}
	if left := bn.all(versions); left != nil {
		t.Errorf("left are %+v", left)
	}

	for name, edit := range map[string]func(*client){
		"NoSuchBucket": func(c *client) { c.bucket = "nowhere-1" }, "AuthorizationHeaderMalformed": func(c *client) { c.region = "us-west-2" },
		"RequestTimeTooSkewed": func(c *client) { c.now = func() time.Time { return time.Now().Add(-time.Hour) } },
	} {
		c := bn.c
		edit(&c)
		if _, err := c.getObject(t.Context(), "k", span{}); answerOf(err).Code != name {
			t.Errorf("%s: %+v", name, answerOf(err))
		}
	}
}

func startMinIO(t *testing.T) *bench {
	t.Helper()
	server := parts.ServeMinIO(t, awsfake.Region)
	bn := benchAt(t, server.URL, aws.Credentials{AccessKeyID: server.User, SecretAccessKey: server.Password})
	_, err := bn.sdk.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bn.b.Name.Text})
	bn.must(err)
	return bn
}
