package awsfake

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

func TestObjectsAreKept(t *testing.T) {
	c := reference(t, Config{})
	client, ctx, bucket := c.s3Client(jobKeys(t, c)), t.Context(), aws.String(Bucket)
	key := aws.String("runners-all/a b+c/ü$.zip")
	sent := bytes.Repeat([]byte("cache"), 5000)
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(sent)}); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if got := must[[]byte](t)(io.ReadAll(out.Body)); !bytes.Equal(got, sent) || out.ChecksumCRC32 == nil {
		t.Errorf("read back %d bytes with the checksum %v", len(got), out.ChecksumCRC32)
	}
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
	if err != nil || *head.ContentLength != int64(len(sent)) {
		t.Errorf("%v %v", head, err)
	}
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("runners-all/")})
	if err != nil || len(listed.Contents) != 1 || *listed.Contents[0].Key != *key {
		t.Errorf("%+v %v", listed, err)
	}
	old, err := client.ListObjects(ctx, &s3.ListObjectsInput{Bucket: bucket})
	if err != nil || len(old.Contents) != 1 {
		t.Errorf("%+v %v", old, err)
	}
	location, err := client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})
	if err != nil || location.LocationConstraint != Region {
		t.Errorf("%+v %v", location, err)
	}
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key}); err != nil {
		t.Error(err)
	}
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if diff := cmp.Diff(c.answer("no-key"), answerOf(err)); diff != "" {
		t.Error(diff)
	}
}

func TestPartsBecomeOneObject(t *testing.T) {
	c := reference(t, Config{})
	client, ctx, bucket, key := c.s3Client(jobKeys(t, c)), t.Context(), aws.String(Bucket), aws.String("big")
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	parts := [][]byte{bytes.Repeat([]byte("a"), 5<<20), []byte("the end")}
	var done types.CompletedMultipartUpload
	for i, part := range parts {
		out, err := client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: bytes.NewReader(part),
		})
		if err != nil {
			t.Fatal(err)
		}
		done.Parts = append(done.Parts, types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(int32(i + 1)), ChecksumCRC32: out.ChecksumCRC32})
	}
	if _, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload.UploadId, MultipartUpload: &done}); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if got := must[[]byte](t)(io.ReadAll(out.Body)); !bytes.Equal(got, slices.Concat(parts...)) {
		t.Errorf("read back %d bytes", len(got))
	}
	if upload, err = client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload.UploadId}); err != nil {
		t.Error(err)
	}
	left, err := client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket})
	if err != nil || len(left.Uploads) != 0 {
		t.Errorf("%+v %v", left, err)
	}
}

const keyURL = "/" + Bucket + "/k"

// signed gives a PUT that S3 accepts as it is.
func signed(t *testing.T, url string, keys aws.CredentialsProvider, region string, at time.Time) *http.Request {
	t.Helper()
	const body = "hello"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+keyURL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	hash := hexSHA256([]byte(body))
	r.Header.Set("X-Amz-Content-Sha256", hash)
	r.Header.Set("Content-Type", "text/plain")
	r.Header.Set("X-Amz-Meta-Who", "me")
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(t.Context(), must[aws.Credentials](t)(keys.Retrieve(t.Context())), r, hash, "s3", region, at); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnAlteredCallIsRefused(t *testing.T) {
	clock := &fixed{time.Now()}
	c := reference(t, Config{Now: clock.now})
	keys, others := jobKeys(t, c), jobKeys(t, c)
	body := func(r *http.Request, text string) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
	replace := func(r *http.Request, name, from, to string) {
		r.Header.Set(name, strings.Replace(r.Header.Get(name), from, to, 1))
	}
	for _, s := range []struct {
		name  string
		alter func(*http.Request)
		want  string
	}{
		{"nothing", func(*http.Request) {}, ""},
		{"a header that is not signed", func(r *http.Request) { r.Header.Set("X-Other", "x") }, ""},
		{"a signed header", func(r *http.Request) { r.Header.Set("X-Amz-Meta-Who", "you") }, "SignatureDoesNotMatch"},
		{"a signed header taken away", func(r *http.Request) { r.Header.Del("Content-Type") }, "SignatureDoesNotMatch"},
		{"an x-amz- header added", func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, "AccessDenied"},
		{"the list of signed headers", func(r *http.Request) { replace(r, "Authorization", "content-type;", "") }, "SignatureDoesNotMatch"},
		{"the host out of the signed headers", func(r *http.Request) { replace(r, "Authorization", ";host", "") }, "AccessDenied"},
		{"the body", func(r *http.Request) { body(r, "hellO") }, "XAmzContentSHA256Mismatch"},
		{"the body and its hash", func(r *http.Request) {
			body(r, "hellO")
			r.Header.Set("X-Amz-Content-Sha256", hexSHA256([]byte("hellO")))
		}, "SignatureDoesNotMatch"},
		{"a longer body", func(r *http.Request) { body(r, "hello!") }, "SignatureDoesNotMatch"},
		{"the hash taken away", func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, "InvalidRequest"},
		{"chunks", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") }, "NotImplemented"},
		{"the token", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", r.Header.Get("X-Amz-Security-Token")+"x") }, "InvalidToken"},
		{"the token taken away", func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }, "InvalidToken"},
		{"another session's token", func(r *http.Request) {
			r.Header.Set("X-Amz-Security-Token", must[aws.Credentials](t)(others.Retrieve(t.Context())).SessionToken)
		}, "InvalidToken"},
		{"the key", func(r *http.Request) { replace(r, "Authorization", "ASIA", "AKIA") }, "InvalidAccessKeyId"},
		{"the region", func(r *http.Request) { replace(r, "Authorization", Region, "us-east-1") }, "AuthorizationHeaderMalformed"},
		{"the service", func(r *http.Request) { replace(r, "Authorization", "/s3/", "/sts/") }, "AuthorizationHeaderMalformed"},
		{"the date", func(r *http.Request) { r.Header.Set("X-Amz-Date", clock.at.Add(time.Minute).UTC().Format(amzDate)) }, "SignatureDoesNotMatch"},
		{"the day of the scope", func(r *http.Request) {
			replace(r, "Authorization", clock.at.UTC().Format("20060102"), "20200101")
		}, "SignatureDoesNotMatch"},
		{"the date taken away", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "AccessDenied"},
		{"the path", func(r *http.Request) { r.URL.Path += "x" }, "SignatureDoesNotMatch"},
		{"the query", func(r *http.Request) { r.URL.RawQuery = "partNumber=1" }, "SignatureDoesNotMatch"},
		{"the method", func(r *http.Request) { r.Method = http.MethodDelete }, "SignatureDoesNotMatch"},
		{"the signature", func(r *http.Request) { replace(r, "Authorization", "Signature=", "Signature=0") }, "SignatureDoesNotMatch"},
		{"no signature", func(r *http.Request) { r.Header.Del("Authorization") }, "AccessDenied"},
		{"another scheme", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "AuthorizationHeaderMalformed"},
	} {
		t.Run(s.name, func(t *testing.T) {
			r := signed(t, c.S3URL(), keys, Region, clock.at)
			s.alter(r)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text := string(must[[]byte](t)(io.ReadAll(response.Body)))
			_, code, _ := strings.Cut(text, "<Code>")
			code, _, _ = strings.Cut(code, "</Code>")
			if code != s.want || (response.StatusCode == http.StatusOK) != (s.want == "") {
				t.Errorf("%s: %q, want %q", response.Status, code, s.want)
			}
		})
	}
}

func TestTheClockMayBeOffByFifteenMinutes(t *testing.T) {
	clock := &fixed{time.Now()}
	c := reference(t, Config{Now: clock.now})
	keys := jobKeys(t, c)
	for off, want := range map[time.Duration]int{
		14 * time.Minute: http.StatusOK, -14 * time.Minute: http.StatusOK,
		16 * time.Minute: http.StatusForbidden, -16 * time.Minute: http.StatusForbidden,
	} {
		response, err := http.DefaultClient.Do(signed(t, c.S3URL(), keys, Region, clock.at.Add(off)))
		if err != nil {
			t.Fatal(err)
		}
		text := string(must[[]byte](t)(io.ReadAll(response.Body)))
		_ = response.Body.Close()
		if response.StatusCode != want || (want != http.StatusOK) != strings.Contains(text, "<Code>RequestTimeTooSkewed</Code>") {
			t.Errorf("off by %v: %s %s", off, response.Status, text)
		}
	}
}

func TestS3StatesAreAnsweredAsAWSDoes(t *testing.T) {
	const user = "User: arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711 is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::" + Bucket + "/k\" "
	put := func(ctx context.Context, client *s3.Client) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(Bucket), Key: aws.String("k"), Body: strings.NewReader("x")})
		return err
	}
	role := func(policy string) func(*testing.T, *Cloud) {
		return func(t *testing.T, c *Cloud) {
			if err := c.AddRole(Role{ARN: JobRole, Trust: c.ClusterTrust().JSON(), Policies: []string{policy}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range []struct {
		name    string
		state   func(*testing.T, *Cloud)
		narrow  string // a session policy
		client  func(*Cloud) func(*s3.Options)
		call    func(context.Context, *s3.Client) error
		id      string
		message string
	}{
		{name: "no-identity-policy", state: role(`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`), call: put, id: "no-identity-policy", message: user + "because no identity-based policy allows the s3:PutObject action"},
		{name: "explicit-deny", state: role(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]}`), call: put, id: "explicit-deny", message: user + "with an explicit deny in an identity-based policy"},
		{name: "session-policy", narrow: `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`, call: put, id: "session-policy", message: user + "because no session policy allows the s3:PutObject action"},
		{
			name: "a missing object without ListBucket", state: role(`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`), id: "bare-denied",
			call: func(ctx context.Context, client *s3.Client) error {
				_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(Bucket), Key: aws.String("none")})
				return err
			},
		},
		{
			name: "another account's bucket", id: "bare-denied",
			state: func(t *testing.T, c *Cloud) {
				if err := c.AddBucket(BucketSpec{Name: "theirs", Region: Region, Account: "210987654321"}); err != nil {
					t.Fatal(err)
				}
			},
			call: func(ctx context.Context, client *s3.Client) error {
				_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("theirs")})
				return err
			},
		},
		{
			name: "no-bucket", id: "no-bucket",
			call: func(ctx context.Context, client *s3.Client) error {
				_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("nowhere")})
				return err
			},
		},
		{name: "wrong region's signature", id: "wrong-region-signature", call: put, client: func(*Cloud) func(*s3.Options) { return func(o *s3.Options) { o.Region = "us-east-1" } }},
		{name: "wrong region's endpoint", id: "wrong-region-redirect", call: put, client: func(c *Cloud) func(*s3.Options) {
			return func(o *s3.Options) { o.Region, o.BaseEndpoint = "us-east-1", aws.String(c.S3URLIn("us-east-1")) }
		}},
		{name: "a session that ended", id: "expired-token", call: put, client: func(c *Cloud) func(*s3.Options) { c.ExpireSessions(); return func(*s3.Options) {} }},
	} {
		t.Run(s.name, func(t *testing.T) {
			c := reference(t, Config{})
			if s.state != nil {
				s.state(t, c)
			}
			keys := jobKeys(t, c, func(in *sts.AssumeRoleWithWebIdentityInput) {
				if s.narrow != "" {
					in.Policy = &s.narrow
				}
			})
			var options []func(*s3.Options)
			if s.client != nil {
				options = append(options, s.client(c))
			}
			want := c.answer(s.id)
			if s.message != "" {
				want.Message = s.message
			}
			if diff := cmp.Diff(want, answerOf(s.call(t.Context(), c.s3Client(keys, options...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAHeadIsRefusedWithoutABodyAndNamesTheRegion(t *testing.T) {
	c := reference(t, Config{})
	if err := c.AddBucket(BucketSpec{Name: "far", Region: "us-west-2", Account: Account}); err != nil {
		t.Fatal(err)
	}
	keys := must[aws.Credentials](t)(jobKeys(t, c).Retrieve(t.Context()))
	for path, want := range map[string]string{"/far": "301 us-west-2", "/" + Bucket: "200 " + Region, "/nowhere": "404 "} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, c.S3URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		hash := hexSHA256(nil)
		r.Header.Set("X-Amz-Content-Sha256", hash)
		if err := v4.NewSigner().SignHTTP(t.Context(), keys, r, hash, "s3", Region, time.Now()); err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body := must[[]byte](t)(io.ReadAll(response.Body))
		_ = response.Body.Close()
		got := response.Status[:3] + " " + response.Header.Get("X-Amz-Bucket-Region")
		if got != want || len(body) != 0 {
			t.Errorf("%s: %q and %d bytes, want %q", path, got, len(body), want)
		}
	}
}

func TestABodyThatDiffersFromItsChecksumIsRefused(t *testing.T) {
	c := reference(t, Config{})
	_, err := c.s3Client(jobKeys(t, c)).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(Bucket), Key: aws.String("k"), Body: strings.NewReader("x"), ChecksumCRC32: aws.String("AAAAAA=="),
	})
	if got := answerOf(err).Code; got != "BadDigest" {
		t.Errorf("%q", got)
	}
}

func TestWhatTheFakeDoesNotDoItRefuses(t *testing.T) {
	c := reference(t, Config{})
	client, ctx := c.s3Client(jobKeys(t, c)), t.Context()
	_, acl := client.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: aws.String(Bucket)})
	_, made := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("new-one")})
	_, copied := client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(Bucket), Key: aws.String("k"), CopySource: aws.String(Bucket + "/l")})
	_, buckets := client.ListBuckets(ctx, nil)
	for name, err := range map[string]error{"acl": acl, "create": made, "copy": copied, "list buckets": buckets} {
		if got := answerOf(err).Code; got != "NotImplemented" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestEveryS3AnswerCanBeReplayed(t *testing.T) {
	c := reference(t, Config{})
	client := c.s3Client(jobKeys(t, c))
	for _, v := range must[[]Vector](t)(Vectors("s3")) {
		c.ClearFaults()
		if err := c.Inject(Fault{Action: "GetObject", Vector: v.ID}); err != nil {
			t.Fatal(err)
		}
		_, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(Bucket), Key: aws.String("k")})
		if diff := cmp.Diff(answer{v.HTTP, v.Code, v.Message}, answerOf(err)); diff != "" {
			t.Errorf("%s: %s", v.ID, diff)
		}
	}
}
