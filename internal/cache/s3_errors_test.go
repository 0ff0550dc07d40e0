package cache

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

func TestAnAnswerIsReadAsS3WritesIt(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       s3Error
	}{
		{"a refusal", `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>1</RequestId></Error>", s3Error{Code: "AccessDenied", Message: "Access Denied"}},
		{"white space about it", "\n <Error><Code> SlowDown\n</Code></Error> ", s3Error{Code: "SlowDown"}},
		{"a region", "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-central-1</Region></Error>", s3Error{Code: "AuthorizationHeaderMalformed", Message: "m", Region: "eu-central-1"}},
		{"a region that is a host", "<Error><Code>PermanentRedirect</Code><Region>evil.example.com/</Region></Error>", s3Error{Code: "PermanentRedirect"}},
		{"a namespace", `<Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>NoSuchKey</Code></Error>`, s3Error{Code: "NoSuchKey"}},
		{"escapes", "<Error><Code>X</Code><Message>a &lt;b&gt; &#x1b;</Message></Error>", s3Error{}},
		{"escapes of what XML may hold", "<Error><Code>X</Code><Message>a &lt;b&gt; &amp;</Message></Error>", s3Error{Code: "X", Message: "a <b> &"}},
		{"an entity of its own", `<!DOCTYPE Error [<!ENTITY x SYSTEM "file:///etc/passwd">]><Error><Code>&x;</Code></Error>`, s3Error{}},
		{"cut", "<Error><Code>AccessDenied</Code><Mess", s3Error{}},
		{"a page", "<!DOCTYPE html><html><body>Code</body></html>", s3Error{}},
		{"another's form", "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", s3Error{}},
		{"another encoding", `<?xml version="1.0" encoding="UTF-16"?><Error><Code>X</Code></Error>`, s3Error{}},
		{"nothing", "", s3Error{}},
		{"deep", strings.Repeat("<Error>", 100_000), s3Error{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got s3Error
			got.parse([]byte(tt.text))
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(s3Error{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryAnswerOfS3IsReadWhole(t *testing.T) {
	vectors, err := awsfake.Vectors("s3")
	if err != nil {
		t.Fatal(err)
	}
	bn := newBench(t, awsfake.BucketSpec{})
	for _, v := range vectors {
		bn.cloud.ClearFaults()
		bn.inject(awsfake.Fault{Vector: v.ID})
		_, err := bn.c.getObject(t.Context(), "k", span{})
		a := answerOf(err)
		want := s3Error{Op: "GetObject", Status: v.HTTP, Code: v.Code, Message: v.Message, Region: v.Headers["x-amz-bucket-region"]}
		if diff := cmp.Diff(want, *a, cmpopts.IgnoreFields(s3Error{}, "Header", "seen")); diff != "" {
			t.Errorf("%s: %s", v.ID, diff)
		}
		_, err = bn.c.headObject(t.Context(), "k")
		if a := answerOf(err); a.Status != v.HTTP || a.Code != strings.ReplaceAll(http.StatusText(v.HTTP), " ", "") {
			t.Errorf("%s, by HEAD: %+v", v.ID, a)
		}
	}
}

func TestAnEndlessAnswerIsNotKept(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusForbidden} {
		bn := serverBench(t, answering(t, status, "<Error><Code>"+strings.Repeat("x", 2*maxAnswer)+"</Code></Error>"))
		_, err := bn.c.listObjects(t.Context(), "", 1, nil)
		if a := answerOf(err); a.Status != status || a.Code != "" {
			t.Errorf("%d, %d bytes of code", a.Status, len(a.Code))
		}
	}
}

func TestAnAnswerThatEndsAsAFailureIsOne(t *testing.T) {
	bn := serverBench(t, answering(t, http.StatusOK, "\n\n<Error><Code>InternalError</Code><Message>We encountered an internal error</Message></Error>"))
	_, err := bn.c.completeUpload(t.Context(), "k", "u", []string{`"e"`})
	if a := answerOf(err); a.Code != "InternalError" || a.Status != http.StatusInternalServerError || seenBy(err).tries != 3 {
		t.Errorf("%+v after %d tries", a, seenBy(err).tries)
	}
}

// FuzzS3Error reads any text as an answer, and one that S3 would write of any
// code and message.
func FuzzS3Error(f *testing.F) {
	f.Add("AccessDenied", "Access Denied", "<Error><Code>a</Code></Error>")
	f.Add("a&b", "User: <x> ü\n", "<html>")
	f.Add("", "\x1b[0m", `<?xml version="1.1"?><!DOCTYPE a [<!ENTITY b "c">]><Error>&b;`)
	f.Fuzz(func(t *testing.T, code, message, text string) {
		var e s3Error
		e.parse([]byte(text))
		if e.Code != "" && !strings.Contains(text, "Error") || plausible(e.Region) != e.Region {
			t.Errorf("%q gives %+v", text, e)
		}
		var b bytes.Buffer
		b.WriteString("<Error><Code>")
		_ = xml.EscapeText(&b, []byte(code)) // a buffer takes everything
		b.WriteString("</Code><Message>")
		_ = xml.EscapeText(&b, []byte(message))
		b.WriteString("</Message></Error>")
		var got s3Error
		got.parse(b.Bytes())
		want := s3Error{Code: strings.TrimSpace(legal(code)), Message: strings.TrimSpace(legal(message))}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(s3Error{})); diff != "" {
			t.Error(diff)
		}
	})
}

// legal is a text as XML can hold it.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 {
			return r
		}
		return '\uFFFD'
	}, s)
}
