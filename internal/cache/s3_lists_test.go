package cache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

func TestAListIsReadToItsEnd(t *testing.T) {
	bn := newBench(t, awsfake.BucketSpec{})
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprintf("a/ü %d+%%", i))
	}
	for _, key := range append([]string{"b"}, want...) {
		bn.put(key, "x")
	}
	for _, most := range []int{1, 3, 7, pageSize} {
		if diff := cmp.Diff(want, bn.keys("a/", most)); diff != "" {
			t.Errorf("%d at a time: %s", most, diff)
		}
	}
	if got := bn.keys("nothing/", 1); got != nil {
		t.Errorf("%q", got)
	}
}

func TestListsThatS3CanGiveAreRead(t *testing.T) {
	for _, tt := range []struct {
		name, xml string
		want      page
	}{
		{"keys that XML cannot hold", `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><Contents><Key>a%01+b%2Bc/%C3%BC</Key><Size>5</Size></Contents></ListBucketResult>`, page{Entries: []entry{{Key: "a\x01 b+c/ü", Size: 5}}}},
		{"keys as they are", `<ListBucketResult><Contents><Key>a+b%41 &lt;</Key><Size>0</Size></Contents></ListBucketResult>`, page{Entries: []entry{{Key: "a+b%41 <"}}}},
		{"a list that goes on", `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>1/+=</NextContinuationToken></ListBucketResult>`, page{Next: url.Values{"continuation-token": {"1/+="}}}},
		{"versions and marks", `<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>k%20</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker><Version><Key>k</Key><VersionId>1</VersionId><Size>2</Size></Version><DeleteMarker><Key>k</Key><VersionId>null</VersionId></DeleteMarker></ListVersionsResult>`, page{
			Entries: []entry{{Key: "k", Size: 2, VersionID: "1"}, {Key: "k", VersionID: "null", Mark: true}},
			Next:    url.Values{"key-marker": {"k "}, "version-id-marker": {"v"}},
		}},
		{"uploads", `<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker><Upload><Key>k</Key><UploadId>u</UploadId></Upload></ListMultipartUploadsResult>`, page{
			Entries: []entry{{Key: "k", UploadID: "u"}}, Next: url.Values{"key-marker": {"k"}, "upload-id-marker": {"u"}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := serverBench(t, answering(t, http.StatusOK, tt.xml)).c.listObjects(t.Context(), "", 1, nil)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func TestListsThatS3CannotGiveAreForeign(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a page": "<html><body>planted</body></html>", "cut": "<ListBucketResult><Contents><Key>a</Ke",
		"another answer": "<CopyObjectResult></CopyObjectResult>", "an escape that is none": "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents></ListBucketResult>",
		"a size that is none": "<ListBucketResult><Contents><Key>a</Key><Size>many</Size></Contents></ListBucketResult>",
		"no way on":           "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		"an escaped marker":   "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>%</NextKeyMarker></ListVersionsResult>",
	} {
		got, err := serverBench(t, answering(t, http.StatusOK, text)).c.listObjects(t.Context(), "", 1, nil)
		a := answerOf(err)
		if got.Entries != nil || a.Status != http.StatusOK || a.Code != "" || a.Op != "ListObjectsV2" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestTheNextPageIsAskedForWithWhatTheLastSaid(t *testing.T) {
	var asked []url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query())
		text := `<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k +/</NextKeyMarker></ListVersionsResult>`
		if len(asked) > 1 {
			text = `<ListVersionsResult/>`
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	bn := serverBench(t, server)
	bn.all(func(next map[string][]string) (page, error) { return bn.c.listVersions(t.Context(), "p ", next) })
	first := url.Values{"versions": {""}, "prefix": {"p "}, "max-keys": {"250"}, "encoding-type": {"url"}}
	second := url.Values{"key-marker": {"k +/"}}
	for name, v := range first {
		second[name] = slices.Clone(v)
	}
	if diff := cmp.Diff([]url.Values{first, second}, asked); diff != "" {
		t.Error(diff)
	}
}
