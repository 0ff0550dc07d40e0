package doctor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestARoleIsComparedInTheFormInWhichItIsExpected(t *testing.T) {
	session := iam.AssumedRole{Partition: "aws", Account: "123456789012", Role: "jobs", Session: "s"}
	tests := []struct {
		expected string
		same     bool
	}{
		{"jobs", true},
		{"role/jobs", true},
		{"team/jobs", true}, // a session does not tell the path
		{"job", false},
		{"team/job", false},
		{"arn:aws:iam::123456789012:role/jobs", true},
		{"arn:aws:iam::123456789012:role/team/jobs", true},
		{"arn:aws:iam::123456789012:role/other", false},
		{"arn:aws:iam::210987654321:role/jobs", false},
		{"arn:aws-cn:iam::123456789012:role/jobs", false},
	}
	for _, tt := range tests {
		if same := roleOf(session, tt.expected, "") == tt.expected; same != tt.same {
			t.Errorf("%s: %v", tt.expected, same)
		}
	}
	if got := roleOf(iam.AssumedRole{}, "jobs", "arn:aws:iam::1:user/alice"); got == "jobs" {
		t.Error("a user is taken for the role")
	}
}

func TestNoProxyNamesAHostAloneOrByItsNetwork(t *testing.T) {
	for list, want := range map[string]bool{
		"": false, "*": true, "169.254.170.23": true, " 10.0.0.1 , 169.254.170.23": true, "169.254.0.0/16": true,
		"169.254.170.2": false, "10.0.0.0/8": false, "example.com": false,
	} {
		e := &exam{job: job.Read([]string{"NO_PROXY=" + list}, t.TempDir())}
		if got := e.unproxied("169.254.170.23"); got != want {
			t.Errorf("%q: %v", list, got)
		}
	}
	e := &exam{job: job.Read([]string{"no_proxy=[fd00:ec2::23]"}, t.TempDir())}
	if !e.unproxied("fd00:ec2::23") {
		t.Error("an address in brackets is not seen")
	}
}

func TestTheMetadataServiceIsAskedDirectlyAndBelievedALittle(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	t.Cleanup(elsewhere.Close)
	t.Setenv("HTTP_PROXY", elsewhere.URL)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/endless":
			_, _ = w.Write([]byte(strings.Repeat("x", 10*maxMetaLen)))
		case "/role":
			_, _ = w.Write([]byte("node-role\n"))
		default:
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("text of a refusal"))
		}
	}))
	t.Cleanup(server.Close)
	for path, want := range map[string]string{"/moved": "", "/role": "node-role", "/none": "", "/endless": strings.Repeat("x", maxMetaLen)} {
		if got := ask(t.Context(), http.MethodGet, server.URL+path, "X-Name", "value"); got != want {
			t.Errorf("%s: %.40q", path, got)
		}
	}
}

func TestS3IsWhereASettingPutsIt(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		flag    string
		want    string
	}{
		{"nowhere else", nil, "", ""},
		{"the service's variable", []string{"AWS_ENDPOINT_URL_S3=https://a", "AWS_ENDPOINT_URL=https://b"}, "", "https://a"},
		{"the variable of all", []string{"AWS_ENDPOINT_URL=https://b"}, "", "https://b"},
		{"variables that do not count", []string{"AWS_ENDPOINT_URL_S3=https://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}, "", ""},
		{"the runner's configuration", []string{"AWS_ENDPOINT_URL_S3=https://a"}, "https://c", "https://c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &exam{job: job.Read(tt.environ, t.TempDir()), o: Options{Bucket: cache.Bucket{EndpointURL: report.Value{Text: tt.flag}}}}
			if got := e.s3Endpoint().Text; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
