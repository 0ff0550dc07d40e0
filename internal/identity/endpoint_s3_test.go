package identity_test

import (
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
)

func TestASessionsTokenGoesToS3AndNowhereElseUnasked(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://s3.eu-central-1.amazonaws.com":                               "",
		"https://s3.dualstack.eu-central-1.amazonaws.com":                     "",
		"https://s3-fips.us-gov-west-1.amazonaws.com":                         "",
		"https://s3.cn-north-1.amazonaws.com.cn":                              "",
		"https://bucket.vpce-0a1b-2c3d.s3.eu-central-1.vpce.amazonaws.com":    "",
		"http://127.0.0.1:9000":                                               "",
		"https://minio.example.com":                                           "",
		"http://s3.eu-central-1.amazonaws.com":                                "endpoint-insecure",
		"https://s3.evil.eu-central-1.elb.amazonaws.com":                      "endpoint-foreign",
		"https://s3-evil-123.eu-central-1.elb.amazonaws.com":                  "endpoint-foreign",
		"https://s3.eu-central-1.amazonaws.com.example.org":                   "endpoint-foreign",
		"https://other.example.com":                                           "endpoint-foreign",
		"https://user:password@s3.eu-central-1.amazonaws.com":                 "endpoint-malformed",
		"https://s3.eu-central-1.amazonaws.com.@minio.example.com":            "endpoint-malformed",
		"s3.eu-central-1.amazonaws.com":                                       "endpoint-malformed",
		"https://bucket.vpce-0a1b.s3.eu-central-1.vpce.amazonaws.com.evil.io": "endpoint-foreign",
	} {
		w := &world{t: t, root: t.TempDir(), env: map[string]string{}}
		id, _ := identity.Examine(t.Context(), w.job(), identity.Request{AllowHosts: []string{"minio.example.com"}})
		if got := identity.CaseOf(id.CheckS3(value(endpoint, "AWS_ENDPOINT_URL_S3"))); got != want {
			t.Errorf("%s: %q, want %q", endpoint, got, want)
		}
	}
}
