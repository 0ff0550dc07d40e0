package cache_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	gocmp "github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// intruder passes calls on and does something when the n-th of a kind comes:
// before S3 has it or, with late, when S3 has answered, and loses that answer.
type intruder struct {
	match func(*http.Request) bool
	n     int64
	late  bool
	do    func()
	seen  atomic.Int64
}

func (i *intruder) Do(r *http.Request) (*http.Response, error) {
	if !i.match(r) {
		return http.DefaultTransport.RoundTrip(r)
	}
	now := i.seen.Add(1) == i.n
	if now && !i.late {
		i.do()
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if now && i.late && err == nil {
		i.do()
		_ = resp.Body.Close()
		return nil, errors.New("the answer is lost")
	}
	return resp, err
}

// is matches calls by their method and, if it is not empty, a parameter.
func is(method, query string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method && (query == "" || r.URL.Query().Has(query)) }
}

// atOnce tries again without waiting.
func atOnce(most int) func() aws.Retryer {
	return func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = most
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
}

// policies are what roles of a cache may do, by who asks S3 what there is.
func policies() map[string]string {
	reference := []string{"s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}
	return map[string]string{
		"who may do everything":   allowAll,
		"who may list uploads":    can(append(slices.Clip(reference), "s3:ListBucketMultipartUploads")...),
		"who may list neither":    can(reference...),
		"who may delete versions": can(append(slices.Clip(reference), "s3:DeleteObjectVersion")...),
		"who may delete nothing":  can("s3:ListBucket", "s3:GetObject", "s3:PutObject"),
	}
}

// leftFinding is the finding of what is left, with that: each with its source.
func leftFinding(all []report.Finding) (f report.Finding, said []string) {
	for _, f = range all {
		if f.ID != "object-delete" {
			continue
		}
		for _, v := range f.Evidence {
			if strings.HasSuffix(v.From, "left in the bucket") {
				said = append(said, v.Text+" ("+v.From+")")
			}
		}
		return f, said
	}
	return report.Finding{}, nil
}

// owned holds a result to what is left: all of that is named, and "nothing of
// this check is left" is said only where it is so.
func (w *world) owned(r cache.Result) {
	w.t.Helper()
	f, said := leftFinding(r.Objects)
	left := w.left()
	if len(left) > 0 && f.Status != report.Warn {
		w.t.Errorf("%s, and left are %q", told(r.Objects), left)
	}
	for _, name := range left {
		kind, key, _ := strings.Cut(name, " ")
		kinds := map[string][]string{
			"object": {`"`, "version ", "a version of "}, "mark": {"delete marker ", "a delete marker of "}, "upload": {"upload ", "an unfinished upload of "},
		}[kind]
		if !slices.ContainsFunc(said, func(s string) bool {
			return strings.Contains(s, `"`+key+`"`) && slices.ContainsFunc(kinds, func(k string) bool { return strings.HasPrefix(s, k) })
		}) {
			w.t.Errorf("%s is left and not named in %q", name, said)
		}
	}
}

func TestWhatASignalEndsIsCleanedUp(t *testing.T) {
	const (
		afterPut   = "object-head skip object-put, object-get skip object-put, object-multipart skip object-put, object-list skip object-put, object-unsigned skip object-put, "
		inTheParts = "object-put ok, object-head ok, object-get ok, object-multipart unknown, object-list skip object-multipart, object-unsigned skip object-multipart, object-delete ok"
	)
	for _, tt := range []struct {
		name  string
		match func(*http.Request) bool
		n     int64
		late  bool
		want  string
	}{
		{"before an object is stored", is("PUT", ""), 1, false, "object-put unknown, " + afterPut + "object-delete skip object-put"},
		{"after an object was stored", is("PUT", ""), 1, true, "object-put unknown, " + afterPut + "object-delete ok"},
		{"while it is got back", is("GET", ""), 2, false, "object-put ok, object-head ok, object-get unknown, object-multipart skip object-get, object-list skip object-get, object-unsigned skip object-get, object-delete ok"},
		{"before an upload is begun", is("POST", "uploads"), 1, false, inTheParts},
		{"after an upload was begun", is("POST", "uploads"), 1, true, inTheParts},
		{"before a part is sent", is("PUT", "partNumber"), 2, false, inTheParts},
		{"after a part was sent", is("PUT", "partNumber"), 1, true, inTheParts},
		{"before the upload is completed", is("POST", "uploadId"), 1, false, inTheParts},
		{"after the upload was completed", is("POST", "uploadId"), 1, true, inTheParts},
		{"while all is deleted", is("DELETE", ""), 1, false, allWritten},
	} {
		for who, policy := range policies() {
			for _, versioned := range []bool{false, true} {
				t.Run(fmt.Sprint(tt.name, ", ", who, " ", versioned), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, policy)
					w.addBucket(awsfake.BucketSpec{Versioned: versioned})
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					w.cfg.HTTPClient = &intruder{match: tt.match, n: tt.n, late: tt.late, do: cancel}
					r := w.tryIn(ctx, cache.Trial{Expect: value("read-write", "--expect")})
					w.owned(r)
					if policy != allowAll {
						return
					}
					if got := told(r.Objects); got != tt.want {
						t.Errorf("got  %s\nwant %s", got, tt.want)
					}
					if left := w.left(); left != nil {
						t.Errorf("left are %q", left)
					}
				})
			}
		}
	}
}

func TestAnAnswerThatIsLostLeavesNothingOrSaysSo(t *testing.T) {
	for name, match := range map[string]func(*http.Request) bool{
		"PutObject":               func(r *http.Request) bool { return r.Method == http.MethodPut && !r.URL.Query().Has("partNumber") },
		"CreateMultipartUpload":   is("POST", "uploads"),
		"CompleteMultipartUpload": is("POST", "uploadId"),
		"DeleteObject":            is("DELETE", ""),
	} {
		for who, policy := range policies() {
			for _, expect := range []cache.Expect{cache.ReadWrite, cache.Read} {
				for _, versioned := range []bool{false, true} {
					for _, tries := range []int{1, 3} {
						t.Run(fmt.Sprint(name, ", ", who, " ", expect, " ", versioned, " ", tries), func(t *testing.T) {
							t.Parallel()
							w := newWorld(t, policy)
							w.addBucket(awsfake.BucketSpec{Versioned: versioned})
							w.cfg.Retryer, w.cfg.RetryMaxAttempts = atOnce(tries), 0
							w.cfg.HTTPClient = &intruder{match: match, n: 1, late: true, do: func() {}}
							r := w.try(expect)
							w.owned(r)
							if left := w.left(); policy == allowAll && left != nil {
								t.Errorf("left are %q: %s", left, told(r.Objects))
							}
						})
					}
				}
			}
		}
	}
}

func TestWhatNobodyKnowsOfIsNamedWithWhatTells(t *testing.T) {
	const upload = `an unfinished upload of "BASE/parts" (perhaps left in the bucket)`
	for _, tt := range []struct {
		name, who string
		versioned bool
		match     func(*http.Request) bool
		tries     int
		cause     string
		said      []string
		paste     string
	}{
		{
			"an upload that S3 did not answer", "who may list neither", false, is("POST", "uploads"), 1,
			`what the check stored could not be deleted (S3 refuses s3:ListBucketMultipartUploads): bucket "b-1" may keep an unfinished upload of "BASE/parts"`,
			[]string{upload},
			`for id in $(aws s3api list-multipart-uploads --bucket=b-1 --prefix=BASE/parts --query='[Uploads][].UploadId' --output=text); do aws s3api abort-multipart-upload --bucket=b-1 --key=BASE/parts --upload-id="$id"; done`,
		},
		{
			"an upload that was begun again", "who may list neither", false, is("POST", "uploads"), 3,
			`what the check stored could not be deleted (S3 refuses s3:ListBucketMultipartUploads): bucket "b-1" may keep an unfinished upload of "BASE/parts"`,
			[]string{upload},
			`for id in $(aws s3api list-multipart-uploads --bucket=b-1 --prefix=BASE/parts --query='[Uploads][].UploadId' --output=text); do aws s3api abort-multipart-upload --bucket=b-1 --key=BASE/parts --upload-id="$id"; done`,
		},
		{
			"a version that was stored again", "who may delete versions", true, is("PUT", ""), 3,
			`what the check stored could not be deleted (S3 refuses s3:ListBucketVersions): bucket "b-1" may keep a version of "BASE/whole"`,
			[]string{`a version of "BASE/whole" (perhaps left in the bucket)`},
			`for id in $(aws s3api list-object-versions --bucket=b-1 --prefix=BASE/whole --query='[Versions,DeleteMarkers][].VersionId' --output=text); do aws s3api delete-object --bucket=b-1 --key=BASE/whole --version-id="$id"; done`,
		},
		{"an object that was stored again, without versions", "who may list neither", false, is("PUT", ""), 3, "", nil, ""},
		{"an object that S3 did not answer, without versions", "who may list neither", false, is("PUT", ""), 1, "", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, policies()[tt.who])
			w.addBucket(awsfake.BucketSpec{Versioned: tt.versioned})
			w.cfg.Retryer, w.cfg.RetryMaxAttempts = atOnce(tt.tries), 0
			w.cfg.HTTPClient = &intruder{match: tt.match, n: 1, late: true, do: func() {}}
			r := w.try(cache.ReadWrite)
			f, said := leftFinding(r.Objects)
			paste := ""
			for _, s := range f.Paste {
				paste += s.Text
			}
			if hints := strings.Join(f.Hints, "\n"); tt.cause != "" && (len(f.Hints) != 1 || !strings.HasPrefix(hints, "the answer to a call that stores was lost")) {
				t.Errorf("hints are %s", hints)
			}
			got := []any{f.Cause, said, paste}
			base := ""
			for _, c := range w.cloud.Received("PutObject") {
				base = strings.TrimSuffix(strings.TrimPrefix(c.Path, "/b-1/"), "/whole")
			}
			for i := range said {
				said[i] = strings.ReplaceAll(said[i], base, "BASE")
			}
			got[0], got[2] = strings.ReplaceAll(f.Cause, base, "BASE"), strings.ReplaceAll(paste, base, "BASE")
			if diff := gocmp.Diff([]any{tt.cause, tt.said, tt.paste}, got); diff != "" {
				t.Error(diff)
			}
			w.owned(r)
		})
	}
}
