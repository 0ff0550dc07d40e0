package cache_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// of is the finding of a check; an empty one where it made none.
func of(r cache.Result, id string) report.Finding {
	for _, f := range append(r.Bucket, r.Objects...) {
		if f.ID == id {
			return f
		}
	}
	return report.Finding{}
}

// xmlFault lets S3 answer a call with an error in its own form.
func xmlFault(action string, status int, code, message string) awsfake.Fault {
	return awsfake.Fault{
		Action: action, Status: status, Type: "application/xml",
		Body: "<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>",
	}
}

func TestARefusalOfAnObjectThatIsNotThereProvesOnlyWhatItSays(t *testing.T) {
	says := func(action, why string) string {
		return "User: " + userARN + " is not authorized to perform: " + action + " on resource: \"x\" " + why
	}
	const mine = "because no identity-based policy allows it"
	for _, tt := range []struct {
		name, message string
		policy        string
		get, head     report.Status
		cause         string
	}{
		{"it lacks s3:GetObject", says("s3:GetObject", mine), can("sts:*"), report.OK, report.OK, ""},
		{"a Deny of s3:GetObject", says("s3:GetObject", "with an explicit deny in a resource-based policy"), can("sts:*"), report.OK, report.OK, ""},
		{"it lacks s3:ListBucket alone", says("s3:ListBucket", mine), can("s3:GetObject"), report.Fail, report.Skip, "lacks s3:ListBucket alone"},
		{"no reason", "Access Denied", can("s3:GetObject"), report.Warn, report.Skip, "does not say why"},
		{"no reason, and nothing is allowed", "Access Denied", can("sts:*"), report.Warn, report.Skip, "does not say why"},
		{"no reason, and a list is allowed", "Access Denied", can("s3:ListBucket"), report.OK, report.OK, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.policy)
			fault := xmlFault("GetObject", http.StatusForbidden, "AccessDenied", tt.message)
			fault.Times = 1
			w.inject(fault)
			if strings.HasPrefix(tt.name, "no reason, and nothing") {
				w.inject(awsfake.Fault{Action: "ListObjectsV2", Vector: "bare-denied"})
			}
			r := w.try(cache.None)
			get, head := of(r, "get-refused"), of(r, "head-refused")
			if get.Status != tt.get || head.Status != tt.head || !strings.Contains(get.Cause, tt.cause) {
				t.Errorf("%s: %s\nhead-refused is %s, want %s and %s", get.Status, get.Cause, head.Status, tt.get, tt.head)
			}
			if put := of(r, "put-refused"); put.Status != report.OK {
				t.Errorf("put-refused is %s: what is not known of a GET stops nothing", put.Status)
			}
		})
	}
}

func TestOnlyWhatS3RefusesForWantOfPermissionCountsAsRefused(t *testing.T) {
	for action, id := range map[string]string{"PutObject": "put-refused", "CreateMultipartUpload": "multipart-refused", "DeleteObject": "delete-refused"} {
		for _, tt := range []struct {
			name  string
			fault awsfake.Fault
			want  report.Status
		}{
			{"AccessDenied", xmlFault(action, http.StatusForbidden, "AccessDenied", "m"), report.OK},
			{"another code", xmlFault(action, http.StatusForbidden, "SomethingNew", "m"), report.Fail},
			{"a clock that is off", xmlFault(action, http.StatusForbidden, "RequestTimeTooSkewed", "m"), report.Fail},
			{"AccessDenied with another status", xmlFault(action, http.StatusBadRequest, "AccessDenied", "m"), report.Fail},
			{"a proxy's page", awsfake.Fault{Action: action, Status: http.StatusForbidden, Type: "text/html", Body: "<html></html>"}, report.Unknown},
			{"a page that is not found", awsfake.Fault{Action: action, Status: http.StatusNotFound, Type: "text/html", Body: "<html></html>"}, report.Unknown},
			{"a fault", xmlFault(action, http.StatusInternalServerError, "InternalError", "m"), report.Unknown},
		} {
			for _, expect := range []cache.Expect{cache.Read, cache.None} {
				t.Run(fmt.Sprint(action, " ", tt.name, " ", expect), func(t *testing.T) {
					w := newWorld(t, can("s3:GetObject", "s3:ListBucket"))
					w.inject(tt.fault)
					if f := of(w.try(expect), id); f.Status != tt.want {
						t.Errorf("%s: %s, want %s", f.Status, f.Cause, tt.want)
					}
				})
			}
		}
	}
}

func TestARefusalWaitsForBucketReadableOnlyWhereItIsTheSame(t *testing.T) {
	for _, tt := range []struct {
		name, policy, id string
		want             report.Status
		cause            string
	}{
		{"a PUT, where a list is refused", can("s3:GetObject"), "object-put", report.Fail, "S3 refuses s3:PutObject on"},
		{"a list, where a list is refused", can("s3:GetObject"), "object-list", report.Skip, "waits for bucket-readable"},
		{"a GET, where a GET is refused", can("s3:ListBucket", "s3:PutObject", "s3:DeleteObject"), "object-get", report.Skip, "waits for bucket-readable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f := of(newWorld(t, tt.policy).try(cache.ReadWrite), tt.id); f.Status != tt.want || !strings.Contains(f.Cause, tt.cause) {
				t.Errorf("%s: %s", f.Status, f.Cause)
			}
		})
	}
}

func TestWhoIsLetStoreIsNoStrangerToTheBucket(t *testing.T) {
	w := newWorld(t, can("s3:PutObject", "s3:DeleteObject"))
	for _, action := range []string{"GetObject", "HeadObject", "ListObjectsV2"} {
		w.inject(awsfake.Fault{Action: action, Vector: "bare-denied"})
	}
	f := of(w.try(cache.ReadWrite), "bucket-readable")
	if lead, _, _ := strings.Cut(f.Fix(), "\n"); f.Status != report.Fail || !strings.Contains(lead, "lack s3:GetObject, or have it for another prefix") || f.Took == 0 {
		t.Errorf("%s after %v: %s", f.Status, f.Took, lead)
	}
	if strings.Contains(f.Fix(), "another account") {
		t.Error(f.Fix())
	}
}

func TestWhoShouldHaveNothingIsNotToldToAllowMore(t *testing.T) {
	w := newWorld(t, can("s3:PutObject"))
	w.inject(awsfake.Fault{Action: "HeadBucket", Status: http.StatusForbidden})
	r := w.try(cache.None)
	if f := of(r, "bucket-exists"); f.Status != report.OK {
		t.Errorf("%s: %s, of a bucket that takes objects", f.Status, f.Cause)
	}
	f := of(r, "object-delete")
	if f.Status != report.Warn || strings.Contains(f.Fix(), "allow s3:DeleteObject") || !strings.Contains(f.Fix(), "take s3:PutObject out of the policies of the role "+roleName) {
		t.Errorf("%s: %s", f.Status, f.Fix())
	}
}

func TestTheFixOfWhatIsAllowedNamesWhatWouldBeExpectedThen(t *testing.T) {
	for _, tt := range []struct {
		expect  cache.Expect
		id      string
		has     string
		hasNone string
	}{
		{cache.Read, "put-refused", "say so: --expect read-write", "--expect read,"},
		{cache.Read, "delete-refused", "say so: --expect read-write", "--expect read,"},
		{cache.None, "get-refused", "say so: --expect read,", ""},
		{cache.None, "put-refused", "say so: --expect read-write", "--expect read,"},
	} {
		if f := of(newWorld(t, allowAll).try(tt.expect), tt.id); !strings.Contains(f.Fix(), tt.has) || tt.hasNone != "" && strings.Contains(f.Fix(), tt.hasNone) {
			t.Errorf("%s %s: %s", tt.expect, tt.id, f.Fix())
		}
	}
}

func TestWhatIsPastedIsPastedOnce(t *testing.T) {
	r := newWorld(t, can("sts:*")).try(cache.ReadWrite)
	seen := map[string]string{}
	for _, f := range append(r.Bucket, r.Objects...) {
		for _, s := range f.Paste {
			if first, again := seen[s.Text]; again {
				t.Errorf("%s has what %s has: %s", f.ID, first, s.For)
			}
			seen[s.Text] = f.ID
		}
	}
	if len(seen) < 2 {
		t.Errorf("%d snippets", len(seen))
	}
}

func TestARefusedUploadInPartsPastesOnlyWhatAPutLacks(t *testing.T) {
	for key, want := range map[string]string{"": "", "alias/cache": "", keyARN: `"kms:Decrypt"`} {
		w := newWorld(t)
		w.bucket.KMSKey = value(key, "--kms-key-id")
		w.inject(awsfake.Fault{Action: "CreateMultipartUpload", Vector: "bare-denied"})
		f := of(w.try(cache.ReadWrite), "object-multipart")
		pasted := ""
		for _, s := range f.Paste {
			pasted += s.Text
		}
		if f.Status != report.Fail || (pasted == "") != (want == "") || !strings.Contains(pasted, want) {
			t.Errorf("%s, with key %q: %s", f.Status, key, pasted)
		}
	}
}

func TestTheTimeOfABucketIsToldWhateverIsExpected(t *testing.T) {
	for _, expect := range []cache.Expect{cache.ReadWrite, cache.Read, cache.None} {
		for _, policy := range []string{allowAll, can("sts:*")} {
			r := newWorld(t, policy).try(expect)
			timed := 0
			for _, f := range r.Bucket {
				if f.Took > 0 {
					timed++
				}
			}
			if timed != 1 {
				t.Errorf("%s: %d findings of the bucket have a time", expect, timed)
			}
		}
	}
	w := newWorld(t)
	w.addBucket(awsfake.BucketSpec{Region: "us-west-2"})
	if f := of(w.try(cache.None), "bucket-region"); f.Status != report.Fail || f.Took == 0 {
		t.Errorf("%s after %v", f.Status, f.Took)
	}
}

// spoiled changes an answer to the n-th GET of a part of the large object.
func (w *world) spoiled(n int, do func(*http.Request, []byte) []byte) *world {
	var mu sync.Mutex
	seen := 0
	w.cfg.HTTPClient = tamper{w, func(r *http.Request, resp *http.Response) {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/parts") {
			return
		}
		mu.Lock()
		seen++
		now := n == 0 || seen == n
		mu.Unlock()
		if !now {
			return
		}
		text, _ := io.ReadAll(resp.Body) // which the failure of another part may cut
		closer := resp.Body
		resp.Body = struct {
			io.Reader
			io.Closer
		}{bytes.NewReader(do(r, text)), closer}
	}}
	return w
}

func TestAnObjectThatComesBackInPartsIsCompared(t *testing.T) {
	flip := func(_ *http.Request, text []byte) []byte {
		text[len(text)-1] ^= 1
		return text
	}
	for _, n := range []int{1, 2} {
		f := of(newWorld(t).spoiled(n, flip).try(cache.ReadWrite), "object-multipart")
		if f.Status != report.Fail || !strings.Contains(f.Cause, "is another") {
			t.Errorf("%s: %s", f.Status, f.Cause)
		}
	}
}

func TestTwoPartsThatChangedPlacesAreNoticed(t *testing.T) {
	w := newWorld(t)
	first, second := make(chan []byte, 1), make(chan []byte, 1)
	w.spoiled(0, func(r *http.Request, text []byte) []byte {
		if strings.HasPrefix(r.Header.Get("Range"), "bytes=0-") {
			first <- text
			return <-second
		}
		second <- text
		return <-first
	})
	f := of(w.tryIn(t.Context(), cache.Trial{Expect: value("read-write", "--expect"), Size: 16 << 20}), "object-multipart")
	if f.Status != report.Fail || !strings.Contains(f.Cause, "is another") {
		t.Errorf("%s: %s", f.Status, f.Cause)
	}
}

func TestAPartThatIsCutIsAskedForAnew(t *testing.T) {
	half := func(_ *http.Request, text []byte) []byte { return text[:len(text)/2] }
	for n, want := range map[int]report.Status{1: report.OK, 2: report.OK, 0: report.Unknown} {
		w := newWorld(t).spoiled(n, half)
		f := of(w.try(cache.ReadWrite), "object-multipart")
		if f.Status != want {
			t.Errorf("%d: %s: %s", n, f.Status, f.Cause)
		}
	}
}

func TestAHeadOfAnotherSizeIsADifference(t *testing.T) {
	w := newWorld(t)
	w.cfg.HTTPClient = tamper{w, func(r *http.Request, resp *http.Response) {
		if r.Method == http.MethodHead {
			resp.ContentLength--
		}
	}}
	f := of(w.try(cache.ReadWrite), "object-head")
	if want := "a HEAD says that it has 16383 bytes, not 16384"; f.Status != report.Fail || !strings.Contains(f.Cause, want) {
		t.Errorf("%s: %s", f.Status, f.Cause)
	}
}

func TestAHeadThatAloneIsRefusedIsNoMatterOfPermission(t *testing.T) {
	w := newWorld(t)
	w.inject(awsfake.Fault{Action: "HeadObject", Status: http.StatusForbidden})
	f := of(w.try(cache.ReadWrite), "object-head")
	if f.Status != report.Fail || !strings.Contains(f.Cause, "with HTTP status 403, and a GET is not") {
		t.Errorf("%s: %s", f.Status, f.Cause)
	}
}

func TestTwoChecksDoNotMeet(t *testing.T) {
	w := newWorld(t)
	keys := map[string]bool{}
	for range 2 {
		keys[of(w.try(cache.ReadWrite), "object-put").Evidence[0].Text] = true
	}
	if len(keys) != 2 {
		t.Errorf("%v", keys)
	}
}

func TestAnObjectThatHoldsNothingIsNoSample(t *testing.T) {
	w := newWorld(t, can("s3:GetObject", "s3:ListBucket"))
	w.store("runners-all/a", "")
	w.store("runners-all/ci-aws-check/x/whole", "of a check")
	w.store("runners-all/project/1/k", "cache")
	got := of(w.try(cache.Read), "object-readable").Evidence
	if diff := gocmp.Diff([]report.Value{value("the first byte of runners-all/project/1/k", "GetObject")}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnObjectIsFoundBehindManyThatChecksHaveLeft(t *testing.T) {
	w := newWorld(t, can("s3:GetObject", "s3:ListBucket"))
	for i := range 260 {
		w.store(fmt.Sprintf("runners-all/ci-aws-check/%03d", i), "of a check")
	}
	w.store("runners-all/project/1/k", "cache")
	if got := of(w.try(cache.Read), "object-readable"); got.Status != report.OK || !strings.HasSuffix(got.Evidence[0].Text, "project/1/k") {
		t.Errorf("%+v", got)
	}
}

func TestNoSecretOfAHeaderIsShown(t *testing.T) {
	for _, sse := range []report.Value{{}, value("aws:kms", "--sse")} {
		w := newWorld(t)
		keys, err := w.cfg.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.cfg.HTTPClient = tamper{w, func(_ *http.Request, resp *http.Response) {
			resp.Header.Set("X-Amz-Server-Side-Encryption", keys.SecretAccessKey)
			resp.Header.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", keys.SecretAccessKey)
		}}
		out, err := json.Marshal(w.tryIn(t.Context(), cache.Trial{Expect: value("read-write", "--expect"), Encryption: sse}))
		if err != nil || strings.Contains(string(out), keys.SecretAccessKey) {
			t.Errorf("%v: %s", err, out)
		}
	}
}

func TestWhatIsStoredSaysThatItIsEncryptedAsAsked(t *testing.T) {
	for sse, want := range map[report.Value]string{{}: "/whole", value("AES256", "--sse"): "/whole, encrypted with AES256 as --sse asks"} {
		r := newWorld(t).tryIn(t.Context(), cache.Trial{Expect: value("read-write", "--expect"), Encryption: sse})
		if got := of(r, "object-put").Evidence[0].Text; !strings.HasSuffix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestABucketWithoutAPrefixIsNamedAsSuch(t *testing.T) {
	w := newWorld(t)
	w.bucket.Prefix = value("", "")
	r := w.try(cache.Read)
	if got := of(r, "object-list").Evidence[0].Text; got != "0 objects in bucket \"my-super-duper-gitlab-runner-cache\"" {
		t.Error(got)
	}
	if got := of(r, "object-readable").Cause; !strings.HasPrefix(got, "there is no object in bucket ") {
		t.Error(got)
	}
}
