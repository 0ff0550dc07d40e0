package cache

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// reply is an answer of S3's. The zero one is a 204 that says nothing.
type reply struct {
	status  int
	version string // in the headers of a DELETE
	mark    bool   // likewise
	body    string
}

var (
	refusedReply = reply{status: http.StatusForbidden, body: "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"}
	missingReply = reply{status: http.StatusNotFound, body: "<Error><Code>NoSuchBucket</Code></Error>"}
)

// scripted answers calls as a row of a table says, and keeps them.
type scripted struct {
	replies map[string]reply
	calls   []string
}

func (s *scripted) Do(r *http.Request) (*http.Response, error) {
	query, call := r.URL.Query(), r.Method
	for _, name := range []string{"versionId", "uploadId", "versions", "uploads"} {
		if query.Has(name) {
			call = strings.TrimSpace(call + " " + name + " " + query.Get(name))
		}
	}
	s.calls = append(s.calls, call)
	a := s.replies[call]
	if a.status == 0 {
		a.status = http.StatusNoContent
	}
	h := http.Header{}
	if a.version != "" {
		h.Set("X-Amz-Version-Id", a.version)
	}
	if a.mark {
		h.Set("X-Amz-Delete-Marker", "true")
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func listed(entries string) reply {
	return reply{status: http.StatusOK, body: "<ListVersionsResult>" + entries + "</ListVersionsResult>"}
}

func entryOf(kind, key, id string) string {
	return "<" + kind + "><Key>" + key + "</Key><VersionId>" + id + "</VersionId></" + kind + ">"
}

func TestWhatIsRemovedIsWhatTheAnswersTell(t *testing.T) {
	const versions = "GET versions"
	stored := func(version string) func(*track) { return func(t *track) { t.stored(about{VersionID: version}, nil) } }
	again := func(version string) func(*track) {
		return func(t *track) { t.calls.tries = 2; t.stored(about{VersionID: version}, nil) }
	}
	lost := func(t *track) { t.calls.tries = 1; t.stored(about{}, errors.New("cut")) }
	for _, tt := range []struct {
		name     string
		noted    func(*track)
		ownPlace bool // at AWS's own endpoint
		replies  map[string]reply
		calls    []string
		gone     int
		left     []string
	}{
		{name: "an object, at AWS's own endpoint", noted: stored(""), ownPlace: true, calls: []string{"DELETE"}, gone: 1},
		{name: "an object", noted: stored(""), calls: []string{"DELETE", "DELETE versionId null"}, gone: 1},
		{name: "an object, and the role may delete no versions", noted: stored(""), replies: map[string]reply{"DELETE versionId null": refusedReply, versions: refusedReply}, calls: []string{"DELETE", "DELETE versionId null", versions}, gone: 1},
		{
			name: "an object, and a mark that only a list tells", noted: stored(""), replies: map[string]reply{"DELETE versionId null": refusedReply, versions: listed(entryOf("DeleteMarker", "a", "null"))},
			calls: []string{"DELETE", "DELETE versionId null", versions, "DELETE versionId null"}, gone: 1, left: []string{`delete marker "null" of "a"`},
		},
		{name: "an object, and S3 tells of a mark without its version", noted: stored(""), ownPlace: true, replies: map[string]reply{"DELETE": {mark: true}}, calls: []string{"DELETE", "DELETE versionId null"}, gone: 1},
		{name: "an object whose version is null", noted: stored("null"), ownPlace: true, replies: map[string]reply{"DELETE": {mark: true, version: "null"}}, calls: []string{"DELETE", "DELETE versionId null"}, gone: 1},
		{
			name: "an object of whose version nobody told", noted: stored(""),
			replies: map[string]reply{"DELETE": {mark: true, version: "m"}, versions: listed(entryOf("Version", "a", "v") + entryOf("DeleteMarker", "a", "m"))},
			calls:   []string{"DELETE", versions, "DELETE versionId v", "DELETE versionId m"}, gone: 1,
		},
		{
			name: "such an object, and the role may delete no versions", noted: stored(""),
			replies: map[string]reply{"DELETE": {mark: true, version: "m"}, versions: listed(entryOf("DeleteMarker", "a", "m") + entryOf("Version", "a", "v")), "DELETE versionId v": refusedReply},
			calls:   []string{"DELETE", versions, "DELETE versionId v"}, left: []string{`version "v" of "a"`, `delete marker "m" of "a"`},
		},
		{
			name: "such an object, and no list", noted: stored(""), replies: map[string]reply{"DELETE": {mark: true, version: "m"}, versions: refusedReply},
			calls: []string{"DELETE", versions}, left: []string{`? a version of "a"`, `delete marker "m" of "a"`},
		},
		{
			name: "a version that was stored twice", noted: again("v"), replies: map[string]reply{versions: listed(entryOf("Version", "a", "u") + entryOf("Version", "ab", "w"))},
			calls: []string{"DELETE versionId v", versions, "DELETE versionId u"}, gone: 1,
		},
		{
			name: "one that stays is tried once", noted: again("v"), replies: map[string]reply{versions: listed(entryOf("Version", "a", "v")), "DELETE versionId v": refusedReply, "DELETE": {mark: true, version: "m"}},
			calls: []string{"DELETE versionId v", "DELETE", versions}, left: []string{`version "v" of "a"`, `delete marker "m" of "a"`},
		},
		{name: "an object whose call was lost", noted: lost, replies: map[string]reply{versions: listed(entryOf("Version", "a", "null"))}, ownPlace: true, calls: []string{versions, "DELETE"}, gone: 1},
		{name: "one that never came", noted: lost, replies: map[string]reply{versions: listed("")}, calls: []string{versions}},
		{name: "one without a list", noted: lost, ownPlace: true, replies: map[string]reply{versions: refusedReply}, calls: []string{versions, "DELETE"}, gone: 1},
		{name: "one whose bucket is gone", noted: lost, replies: map[string]reply{versions: missingReply, "DELETE": missingReply}, calls: []string{versions, "DELETE"}},
		{name: "one that may be neither listed nor deleted", noted: lost, replies: map[string]reply{versions: refusedReply, "DELETE": refusedReply}, calls: []string{versions, "DELETE"}, left: []string{`? "a"`}},
		{name: "a mark", noted: func(t *track) { t.marked(about{VersionID: "m"}, nil) }, calls: []string{"DELETE versionId m"}, gone: 1},
		{name: "a mark that stays is not hidden", noted: func(t *track) { t.marked(about{VersionID: "m"}, nil) }, replies: map[string]reply{"DELETE versionId m": refusedReply}, calls: []string{"DELETE versionId m"}, left: []string{`delete marker "m" of "a"`}},
		{name: "a mark that was asked for twice", noted: func(t *track) { t.calls.tries = 2; t.marked(about{VersionID: "m"}, nil) }, replies: map[string]reply{versions: refusedReply}, calls: []string{"DELETE versionId m", versions}, gone: 1, left: []string{`? a delete marker of "a"`}},
		{name: "no mark, though asked for twice", noted: func(t *track) { t.calls.tries = 2; t.marked(about{}, nil) }},
		{name: "nothing, since it was refused", noted: func(t *track) { t.calls.tries = 1; t.stored(about{}, &s3Error{Status: 403, Code: "AccessDenied"}) }},
		{name: "uploads that were never begun", noted: func(t *track) { t.calls.tries = 1; t.begun("", errors.New("cut")) }, replies: map[string]reply{"GET uploads": missingReply}, calls: []string{"GET uploads"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &scripted{replies: tt.replies}
			cfg := aws.Config{Region: "eu-central-1", HTTPClient: s, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")}
			bucket := Bucket{Name: report.Value{Text: "b-1"}}
			if !tt.ownPlace {
				bucket.EndpointURL = report.Value{Text: "http://127.0.0.1:1", From: "--s3-endpoint-url"}
			}
			k := &checker{probe: newProbe(t.Context(), cfg, bucket, Caller{})}
			tt.noted(k.track("a"))
			r := k.remove(t.Context())
			var left []string
			for _, l := range r.left {
				name := l.String()
				if l.unsure != "" {
					name = "? " + name
				}
				left = append(left, name)
			}
			if diff := cmp.Diff([]any{tt.calls, tt.gone, tt.left}, []any{s.calls, r.gone, left}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestACallIsLostWhereItMayHaveDoneMoreThanItTells(t *testing.T) {
	cut := &unanswered{op: "PutObject", err: io.ErrUnexpectedEOF}
	for _, tt := range []struct {
		name  string
		tries int
		err   error
		want  bool
	}{
		{"an answer", 1, nil, false},
		{"an answer to the second try", 2, nil, true},
		{"no answer", 1, cut, true},
		{"nothing was sent", 0, cut, false},
		{"a refusal", 1, &s3Error{Status: 403, Code: "AccessDenied"}, false},
		{"a refusal of the second try", 2, &s3Error{Status: 403, Code: "AccessDenied"}, true},
		{"a proxy's page", 1, &s3Error{Status: 502}, true},
		{"a fault", 1, &s3Error{Status: 500, Code: "InternalError"}, true},
		{"a call that S3 did not take", 1, &s3Error{Status: 503, Code: "SlowDown"}, false},
	} {
		tr := &track{calls: &counter{tries: tt.tries}}
		if got := tr.lost(tt.err); got != tt.want || tr.calls.tries != 0 {
			t.Errorf("%s: %v, %d", tt.name, got, tr.calls.tries)
		}
	}
}
