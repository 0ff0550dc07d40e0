package catalogue_test

import (
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

// TestAPlaceForSTSAloneIsTheFirstThingToMend has what S3, or nobody, says at AWS's
// own address to who is at home elsewhere.
func TestAPlaceForSTSAloneIsTheFirstThingToMend(t *testing.T) {
	for _, id := range []string{"s3-dns", "s3-unreachable", "s3-timeout", "s3-key-unknown", "s3-token-invalid", "bucket-missing", "s3-denied"} {
		f := catalogue.Facts{"sts-from": "--endpoint-url", "host": "b.s3.eu-central-1.amazonaws.com", "default-endpoint": "yes"}
		without := catalogue.Find(id).Finding(f, nil).Fix()
		f.Say("sts-alone", true)
		with := catalogue.Find(id).Finding(f, nil).Hints
		want := `--endpoint-url says where STS is and nothing of S3, which was looked for at "b.s3.eu-central-1.amazonaws.com": give the place of S3 too: AWS_ENDPOINT_URL_S3, or ci-aws cache check --s3-endpoint-url URL`
		if !strings.Contains(with[0], want) || strings.Contains(without, want) {
			t.Errorf("%s: %q, and without it\n%s", id, with, without)
		}
	}
}
