package cache_test

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	gocmp "github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
)

func TestNothingIsLeftInTheBucket(t *testing.T) {
	for _, expect := range []cache.Expect{cache.ReadWrite, cache.Read, cache.None} {
		for _, versioned := range []bool{false, true} {
			t.Run(fmt.Sprint(expect, " ", versioned), func(t *testing.T) {
				w := newWorld(t, allowAll)
				w.addBucket(awsfake.BucketSpec{Versioned: versioned})
				w.try(expect)
				if left := w.left(); left != nil {
					t.Errorf("left are %q", left)
				}
			})
		}
	}
}

func TestWhatIsLeftIsNamedWithWhatDeletesIt(t *testing.T) {
	w := newWorld(t, can("s3:GetObject", "s3:PutObject", "s3:ListBucket"))
	f, said := leftFinding(w.try(cache.ReadWrite).Objects)
	left := w.left()
	if len(left) != 2 || len(said) != 2 {
		t.Errorf("left are %q, named are %q", left, said)
	}
	for _, name := range left {
		key := strings.TrimPrefix(name, "object ")
		if !strings.Contains(f.Cause, `"`+key+`"`) || !strings.Contains(f.Fix(), "aws s3api delete-object --bucket="+awsfake.Bucket+" --key="+key) {
			t.Errorf("%s is not named:\n%s\n%s", name, f.Cause, f.Fix())
		}
	}
}

func TestAnUploadThatIsLeftIsNamedWithItsID(t *testing.T) {
	w := newWorld(t, can("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"))
	w.inject(awsfake.Fault{Action: "UploadPart", Vector: "bare-denied"})
	f, said := leftFinding(w.try(cache.ReadWrite).Objects)
	all, err := w.owner().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &w.bucket.Name.Text})
	if err != nil || len(all.Uploads) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	key, id := *all.Uploads[0].Key, *all.Uploads[0].UploadId
	want := []string{
		`upload "` + id + `" of "` + key + `" (left in the bucket)`,
		"aws s3api abort-multipart-upload --bucket=" + awsfake.Bucket + " --key=" + key + " --upload-id=" + id,
	}
	if diff := gocmp.Diff(want, append(said, f.Paste[0].Text)); diff != "" {
		t.Error(diff)
	}
}

func TestEachVersionThatIsLeftIsNamedWithItsID(t *testing.T) {
	for name, tt := range map[string]struct {
		actions []string
		want    int // of versions and marks
	}{
		"a role that may only hide":         {[]string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"}, 4},
		"a role that may not even do that":  {[]string{"s3:GetObject", "s3:PutObject", "s3:ListBucket"}, 2},
		"a role that is told what there is": {[]string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "s3:ListBucketVersions"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, can(tt.actions...))
			w.addBucket(awsfake.BucketSpec{Versioned: true})
			w.bucket.Prefix = value(strings.Repeat("a-long-prefix/", 30), "Path")
			f, said := leftFinding(w.try(cache.ReadWrite).Objects)
			var left []string
			for _, name := range w.versions() {
				left = append(left, name+" (left in the bucket)")
			}
			if !strings.Contains(f.Hints[0], "the bucket keeps versions") {
				t.Errorf("the first hint is %s", f.Hints[0])
			}
			slices.Sort(said)
			slices.Sort(left)
			if diff := gocmp.Diff(left, said); diff != "" || len(left) != tt.want {
				t.Errorf("%d are left, want %d (-left +said):\n%s", len(left), tt.want, diff)
			}
			for _, name := range w.versions() {
				_, id, _ := strings.Cut(name, `"`)
				id, key, _ := strings.Cut(id, `" of "`)
				if line := "aws s3api delete-object --bucket=b-1 --key=" + strings.TrimSuffix(key, `"`) + " --version-id=" + id; !strings.Contains(f.Paste[0].Text, line) {
					t.Errorf("no %s in\n%s", line, f.Paste[0].Text)
				}
			}
		})
	}
}

func TestALongPrefixCutsNeitherFactsNorCommands(t *testing.T) {
	for _, versioned := range []bool{false, true} {
		w := newWorld(t, can("s3:GetObject", "s3:PutObject", "s3:ListBucket"))
		w.addBucket(awsfake.BucketSpec{Versioned: versioned})
		w.bucket.Prefix = value(strings.Repeat("x", 501), "Path")
		f, said := leftFinding(w.try(cache.ReadWrite).Objects)
		left := w.left()
		if len(left) != 2 || strings.Contains(f.Cause, "…") || !strings.HasSuffix(f.Cause, " keeps 2 things under ci-aws-check/") {
			t.Errorf("%d are left: %s", len(left), f.Cause)
		}
		for _, name := range left {
			key := strings.TrimPrefix(name, "object ")
			if !strings.Contains(strings.Join(said, "\n"), `"`+key+`"`) || !strings.Contains(f.Paste[0].Text, " --key="+key) {
				t.Errorf("%s is not named whole:\n%s\n%s", name, said, f.Paste[0].Text)
			}
		}
	}
}

func TestAKeyThatNoLineCanHoldHasNoCommand(t *testing.T) {
	w := newWorld(t, can("s3:GetObject", "s3:PutObject", "s3:ListBucket"))
	w.bucket.Prefix = value("a'; $(touch x) `y`\nb", "Path")
	f, said := leftFinding(w.try(cache.ReadWrite).Objects)
	if len(said) != 2 || f.Paste != nil {
		t.Errorf("%q, %q", said, f.Paste)
	}
}

// TestNoOtherUploadIsAborted has a server that does not heed the prefix of a list.
func TestNoOtherUploadIsAborted(t *testing.T) {
	w := newWorld(t, allowAll)
	w.inject(awsfake.Fault{Action: "CreateMultipartUpload", Status: http.StatusInternalServerError})
	w.inject(awsfake.Fault{
		Action: "ListMultipartUploads", Status: http.StatusOK, Type: "application/xml",
		Body: "<ListMultipartUploadsResult><Upload><Key>another</Key><UploadId>1</UploadId></Upload></ListMultipartUploadsResult>",
	})
	w.try(cache.ReadWrite)
	if lists, aborts := w.cloud.Calls("ListMultipartUploads"), w.cloud.Calls("AbortMultipartUpload"); lists != 1 || aborts != 0 {
		t.Errorf("%d lists, %d uploads are aborted", lists, aborts)
	}
}

// TestAnEmptyListIsNoReasonToForget has a server whose lists are empty: what its
// other answers told goes, and only what they did not tell stays.
func TestAnEmptyListIsNoReasonToForget(t *testing.T) {
	for name, tt := range map[string]struct {
		match  func(*http.Request) bool
		faults []awsfake.Fault
		want   []string
	}{
		"an upload":  {is("POST", "uploads"), []awsfake.Fault{{Action: "UploadPart", Vector: "bare-denied"}}, []string{"upload parts"}},
		"an object":  {is("PUT", ""), nil, []string{"object whole"}},
		"of neither": {is("GET", "lifecycle"), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, allowAll)
			w.addBucket(awsfake.BucketSpec{Versioned: true})
			w.cfg.Retryer, w.cfg.RetryMaxAttempts = atOnce(3), 0
			w.cfg.HTTPClient = &intruder{match: tt.match, n: 1, late: true, do: func() {}}
			for _, list := range []string{"ListMultipartUploads", "ListVersions"} {
				tt.faults = append(tt.faults, awsfake.Fault{
					Action: strings.Replace(list, "ListV", "ListObjectV", 1), Status: http.StatusOK, Type: "application/xml", Body: "<" + list + "Result/>",
				})
			}
			for _, f := range tt.faults {
				w.inject(f)
			}
			w.try(cache.ReadWrite)
			w.cloud.ClearFaults()
			var left []string
			for _, name := range w.left() {
				kind, key, _ := strings.Cut(name, " ")
				left = append(left, kind+" "+path.Base(key))
			}
			if diff := gocmp.Diff(tt.want, left); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// suspended answers a DELETE as S3 does where a bucket keeps versions no more.
type suspended struct {
	mu      sync.Mutex
	deletes []string
}

func (s *suspended) Do(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && r.Method == http.MethodDelete {
		s.mu.Lock()
		s.deletes = append(s.deletes, path.Base(r.URL.Path)+"?"+r.URL.RawQuery)
		s.mu.Unlock()
		if r.URL.RawQuery == "" {
			resp.Header.Set("X-Amz-Delete-Marker", "true")
			resp.Header.Set("X-Amz-Version-Id", "null")
		}
	}
	return resp, err
}

func TestTheMarkOfABucketThatKeepsVersionsNoMoreGoesAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		policy  string
		deletes []string
		said    []string
	}{
		"who may delete versions": {
			allowAll, []string{"parts?", "parts?versionId=null", "whole?", "whole?versionId=null"}, nil,
		},
		"who may not": {
			can("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"),
			[]string{"parts?", "parts?versionId=null", "whole?", "whole?versionId=null"},
			[]string{`delete marker "null" of "BASE/whole" (left in the bucket)`, `delete marker "null" of "BASE/parts" (left in the bucket)`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.policy)
			s := &suspended{}
			w.cfg.HTTPClient = s
			_, said := leftFinding(w.try(cache.ReadWrite).Objects)
			base := strings.TrimPrefix(path.Dir(w.cloud.Received("PutObject")[0].Path), "/"+awsfake.Bucket+"/")
			for i := range said {
				said[i] = strings.ReplaceAll(said[i], base, "BASE")
			}
			slices.Sort(s.deletes)
			if diff := gocmp.Diff([][]string{tt.deletes, tt.said}, [][]string{s.deletes, said}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAnUploadThatWasToBeRefusedIsAborted has a server that refuses an object,
// and not one in parts.
func TestAnUploadThatWasToBeRefusedIsAborted(t *testing.T) {
	w := newWorld(t, allowAll)
	w.inject(awsfake.Fault{Action: "PutObject", Vector: "bare-denied"})
	r := w.try(cache.Read)
	if left := w.left(); w.cloud.Calls("CreateMultipartUpload") != 1 || left != nil {
		t.Errorf("left are %q: %s", left, told(r.Objects))
	}
}

func TestAFaultAtTheEndIsNamed(t *testing.T) {
	w := newWorld(t, allowAll)
	w.inject(awsfake.Fault{Action: "DeleteObject", Status: http.StatusInternalServerError, Type: "application/xml", Body: "<Error><Code>InternalError</Code></Error>"})
	f, said := leftFinding(w.try(cache.ReadWrite).Objects)
	if len(f.Hints) != 1 || !strings.HasPrefix(f.Hints[0], "S3 could not be asked any more") || !strings.Contains(f.Cause, "(S3 says InternalError)") || len(said) != 2 {
		t.Errorf("%s\n%s\n%q", f.Cause, f.Fix(), said)
	}
}

func TestNoSecretIsInWhatIsLeft(t *testing.T) {
	for _, vector := range []string{"bare-denied", "slow-down"} {
		t.Run(vector, func(t *testing.T) { noSecretIsLeft(t, vector) })
	}
}

func noSecretIsLeft(t *testing.T, vector string) {
	w := newWorld(t, allowAll)
	w.inject(awsfake.Fault{Action: "AbortMultipartUpload", Vector: vector})
	keys, err := w.cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.inject(awsfake.Fault{
		Action: "CreateMultipartUpload", Status: http.StatusOK, Type: "application/xml",
		Body: "<InitiateMultipartUploadResult><UploadId>" + keys.SecretAccessKey + "</UploadId></InitiateMultipartUploadResult>",
	})
	f, said := leftFinding(w.try(cache.ReadWrite).Objects)
	if text := f.Cause + f.Fix(); len(said) != 1 || !strings.Contains(said[0], "[hidden]") || !strings.Contains(f.Cause, "[hidden]") || strings.Contains(text, keys.SecretAccessKey) {
		t.Errorf("%q\n%s", said, text)
	}
	if f.Paste != nil {
		t.Errorf("%q aborts another upload", f.Paste)
	}
}

// versions are what a person deletes one by one: the versions and marks of the
// bucket, each with its key.
func (w *world) versions() []string {
	w.t.Helper()
	all, err := w.owner().ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{Bucket: &w.bucket.Name.Text})
	if err != nil {
		w.t.Fatal(err)
	}
	var found []string
	for _, v := range all.Versions {
		found = append(found, "version \""+*v.VersionId+"\" of \""+*v.Key+"\"")
	}
	for _, m := range all.DeleteMarkers {
		found = append(found, "delete marker \""+*m.VersionId+"\" of \""+*m.Key+"\"")
	}
	return found
}
