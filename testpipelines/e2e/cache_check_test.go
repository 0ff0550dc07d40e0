package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// checked is what cache check prints as JSON.
type checked struct {
	Verdict  string
	Findings []struct{ ID, Status, Cause, Fix string }
	Transfer *struct{ Up, Down *struct{ Seconds float64 } }
}

// told are the findings, each by its id and state.
func (c checked) told() string {
	var s []string
	for _, f := range c.Findings {
		s = append(s, f.ID+" "+f.Status)
	}
	return strings.Join(s, ", ")
}

// first is what the first bad finding says, "" where none is bad.
func (c checked) first() string {
	for _, want := range []string{"fail", "unknown", "warn"} {
		for _, f := range c.Findings {
			if f.Status == want {
				return f.ID + ": " + f.Cause
			}
		}
	}
	return ""
}

func parseChecked(t *testing.T, r result) checked {
	t.Helper()
	var c checked
	if err := json.Unmarshal([]byte(r.Stdout), &c); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	return c
}

// statement is one of a policy, for a bucket and its objects.
func (w world) statement(bucket, prefix string, actions ...string) string {
	text, _ := json.Marshal(map[string]any{
		"Effect": "Allow", "Action": actions, "Resource": []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/" + prefix + "*"},
	}) // what is made of texts always encodes
	return string(text)
}

// cacheCheck makes sessions by web identity, each with a policy of its own.
func (w world) cacheCheck(t *testing.T) {
	const (
		read, put, del, list = "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"
		bucketOK             = "bucket-name ok, s3-reachable ok, s3-signature ok, bucket-exists ok, bucket-region ok, bucket-readable ok, "
		refused              = "bucket-name ok, s3-reachable ok, s3-signature ok, bucket-exists note, bucket-region skip, get-refused warn, head-refused skip, list-refused ok, put-refused ok, multipart-refused ok, delete-refused ok, object-unsigned note, cache-access note"
		written              = "object-put ok, object-head ok, object-get ok, object-multipart ok, object-list ok, object-unsigned ok, object-delete ok, cache-access note"
	)
	public, versioned := w.bucket(t, "e2e-public"), w.bucket(t, "e2e-versioned")
	w.must(t)(w.Root.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &public, Policy: aws.String(
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::` + public + `/*"]}]}`,
	)}))
	w.must(t)(w.Root.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &versioned, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}))
	w.must(t)(w.Root.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &w.Bucket, Key: aws.String("kept/project/1/k"), Body: strings.NewReader("a cache")}))
	for _, tt := range []struct {
		name   string
		policy string // statements; "" is all that the role may do
		args   []string
		code   int
		want   string // the findings; "" where first is enough
		first  string // words of the first that is bad
		left   int    // objects and versions
	}{
		{"read-write", w.statement(w.Bucket, "kept/", read, put, del, list), nil, 0, bucketOK + written, "", 0},
		{"read-write with encryption by S3", "", []string{"--sse", "AES256"}, 0, bucketOK + written, "", 0},
		{"read-write with a KMS key", "", []string{"--sse", "aws:kms", "--kms-key-id", "e2e"}, 0, bucketOK + written, "", 0},
		{"read-only, and writing is expected", w.statement(w.Bucket, "", read, list), nil, 1, "", "object-put: the role", 0},
		{
			"read-only, as expected", w.statement(w.Bucket, "", read, list),
			[]string{"--expect", "read"},
			0, bucketOK + "object-list ok, object-head ok, object-readable ok, put-refused ok, multipart-refused ok, delete-refused ok, object-unsigned ok, cache-access note", "", 0,
		},
		{"read-write, and only reading is expected", "", []string{"--expect", "read"}, 1, "", "put-refused: ", 0},
		{"a prefix that is denied", w.statement(w.Bucket, "other/", read, put, del), nil, 1, "", "bucket-readable: S3 refuses", 0},
		{
			"a prefix that is denied, as expected", w.statement(w.Bucket, "other/", read, put, del),
			[]string{"--expect", "none"},
			0, refused, "get-refused: S3 refuses", 0,
		},
		{
			"a bucket that is not there, and a refusal is expected", w.statement(w.Bucket, "other/", read),
			[]string{"--expect", "none", "--bucket", "e2e-nowhere"},
			0, refused, "get-refused: S3 refuses", 0,
		},
		{"no list", w.statement(w.Bucket, "", read, put, del), nil, 1, "", `object-list: the role of these credentials may not list objects under "kept/"`, 0},
		{"no delete", w.statement(w.Bucket, "", read, put, list), nil, 0, "", "object-delete: the role", 2},
		{"the wrong region", "", []string{"--region", "us-west-2"}, 1, "", `bucket-region: the bucket "` + w.Bucket + `" is in region "eu-central-1", not in "us-west-2" (--region)`, 0},
		{"no bucket", "", []string{"--bucket", "e2e-nowhere"}, 1, "", `bucket-exists: there is no bucket "e2e-nowhere" (--bucket)`, 0},
		{"a public bucket", "", []string{"--bucket", public}, 1, "", `object-unsigned: anybody can read bucket "e2e-public"`, 0},
		{"a bucket that keeps versions", "", []string{"--bucket", versioned}, 0, bucketOK + written, "", 0},
		{"a bucket that keeps versions, of which none may be deleted", w.statement(versioned, "", read, put, del, list), []string{"--bucket", versioned}, 0, "", "object-delete: the role", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := w.pod(t, awsfake.PodToken{})
			args := append([]string{"cache", "check", "--prefix", "kept", "--output", "json"}, tt.args...)
			bucket := w.Bucket
			if i := len(args) - 2; args[i] == "--bucket" {
				bucket = args[i+1]
			} else {
				args = append(args, "--bucket", bucket)
			}
			if tt.policy != "" {
				file := filepath.Join(t.TempDir(), "policy.json")
				if err := os.WriteFile(file, []byte(`{"Version": "2012-10-17", "Statement": [`+tt.policy+`]}`), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--session-policy", file)
			}
			r := p.run(t, "ci-aws", args...)
			c := parseChecked(t, r)
			if r.Code != tt.code || !strings.HasPrefix(c.first(), tt.first) || (tt.first == "") != (c.first() == "") {
				t.Errorf("exit code %d, first is %q, want %d and %q\n%s", r.Code, c.first(), tt.code, tt.first, c.told())
			}
			if tt.want != "" && c.told() != tt.want {
				t.Errorf("got  %s\nwant %s", c.told(), tt.want)
			}
			if left := w.left(t, bucket); len(left) != tt.left {
				t.Errorf("left are %q, want %d", left, tt.left)
			}
			w.sweep(t, bucket)
		})
	}
}

// cacheCheckCut ends a check in the middle of an upload in parts, each time in
// another way.
func (w world) cacheCheckCut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		meet   func(w http.ResponseWriter, p *os.Process) bool // a part; whether it is not to be passed on
		multi  string                                          // the state of object-multipart
		reason string
	}{
		{"the connection is cut", nil, func(http.ResponseWriter, *os.Process) bool { panic(http.ErrAbortHandler) }, "unknown", "closed the connection before it had answered"},
		{"the answer is cut", nil, func(w http.ResponseWriter, _ *os.Process) bool {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("<Er")) // the client sees that more was to come
			panic(http.ErrAbortHandler)
		}, "unknown", ""},
		{"a signal ends the job", nil, func(_ http.ResponseWriter, p *os.Process) bool {
			_ = p.Signal(syscall.SIGTERM) // it may have got one already
			return true
		}, "unknown", "was interrupted"},
		{"time is up", []string{"--timeout", "6s"}, func(http.ResponseWriter, *os.Process) bool { return true }, "unknown", "time was up after 6s (--timeout)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := w.pod(t, awsfake.PodToken{})
			var process atomic.Pointer[os.Process]
			var upload atomic.Value
			target, err := url.Parse(w.URL)
			if err != nil {
				t.Fatal(err)
			}
			pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Host = r.In.Host // which is signed
			}}
			proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("uploads") && r.Method == http.MethodPost {
					upload.Store(strings.TrimPrefix(r.URL.Path, "/"+w.Bucket+"/"))
				}
				if r.URL.Query().Get("partNumber") != "2" {
					pass.ServeHTTP(rw, r)
					return
				}
				_, _ = io.CopyN(io.Discard, r.Body, 1<<20) // the middle of the part
				if tt.meet(rw, process.Load()) {
					_, _ = io.Copy(io.Discard, r.Body) // the client may be gone
					<-r.Context().Done()
				}
			}))
			defer proxy.Close()
			p.env = append(p.env, "AWS_MAX_ATTEMPTS=2")
			cmd := exec.CommandContext(t.Context(), filepath.Join(p.bin, "ci-aws"), append([]string{
				"cache", "check", "--bucket", w.Bucket, "--prefix", "cut", "--s3-endpoint-url", proxy.URL, "--output", "json",
			}, tt.args...)...)
			cmd.Env = p.env
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			process.Store(cmd.Process)
			_ = cmd.Wait() // its code is looked at
			c := parseChecked(t, result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()})
			told := c.told()
			want := "object-put ok, object-head ok, object-get ok, object-multipart " + tt.multi + ", object-list skip, object-unsigned skip, object-delete ok"
			if !strings.Contains(told, want) || !strings.Contains(c.first(), tt.reason) || cmd.ProcessState.ExitCode() != 3 {
				t.Errorf("exit code %d\n%s\n%s\nwant %s and %q", cmd.ProcessState.ExitCode(), told, c.first(), want, tt.reason)
			}
			if c.Transfer == nil || c.Transfer.Up != nil || c.Transfer.Down != nil {
				t.Errorf("the transfer is %+v", c.Transfer)
			}
			key, begun := upload.Load().(string)
			if left := w.left(t, w.Bucket, key); left != nil || !begun {
				t.Errorf("left are %q; an upload was begun: %v", left, begun)
			}
		})
	}
}

// bucket makes a bucket.
func (w world) bucket(t *testing.T, name string) string {
	t.Helper()
	w.must(t)(w.Root.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}))
	return name
}

func (w world) must(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// left are a check's versions in a bucket, and the uploads of these keys: MinIO
// lists uploads by the name of their object.
func (w world) left(t *testing.T, bucket string, keys ...string) []string {
	t.Helper()
	var all []string
	for _, v := range w.versions(t, bucket) {
		all = append(all, *v.Key)
	}
	for _, key := range keys {
		uploads, err := w.Root.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: &key})
		w.must(t)(nil, err)
		for _, u := range uploads.Uploads {
			all = append(all, "upload of "+*u.Key)
		}
	}
	return all
}

func (w world) versions(t *testing.T, bucket string) []types.ObjectIdentifier {
	t.Helper()
	page, err := w.Root.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	if bucket == "e2e-nowhere" {
		return nil
	}
	w.must(t)(nil, err)
	var all []types.ObjectIdentifier
	add := func(key, version *string) {
		if strings.Contains(*key, "/ci-aws-check/") {
			all = append(all, types.ObjectIdentifier{Key: key, VersionId: version})
		}
	}
	for _, v := range page.Versions {
		add(v.Key, v.VersionId)
	}
	for _, m := range page.DeleteMarkers {
		add(m.Key, m.VersionId)
	}
	return all
}

// sweep deletes what a check was not let delete.
func (w world) sweep(t *testing.T, bucket string) {
	t.Helper()
	for _, v := range w.versions(t, bucket) {
		w.must(t)(w.Root.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: v.Key, VersionId: v.VersionId}))
	}
	if diff := cmp.Diff([]types.ObjectIdentifier(nil), w.versions(t, bucket)); diff != "" {
		t.Error(diff)
	}
}
