package catalogue_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

func TestEveryAnswerOfS3IsRecognised(t *testing.T) {
	raw, err := os.ReadFile("testdata/s3-answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers []struct{ ID, Code, Message string }
	if err := json.Unmarshal(raw, &answers); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, a := range answers {
		c, _ := catalogue.Recognise(catalogue.S3Op, a.Code, a.Message)
		got[a.ID] = c.ID
	}
	want := map[string]string{
		"no-identity-policy": "s3-not-allowed", "explicit-deny": "s3-denied-explicitly", "session-policy": "s3-session-policy",
		"kms": "s3-kms-denied", "bare-denied": "s3-denied", "no-bucket": "bucket-missing", "no-key": "", // healthy
		"wrong-region-redirect": "bucket-region-redirect", "wrong-region-signature": "bucket-region-signature",
		"expired-token": "s3-keys-expired", "invalid-token": "s3-token-invalid", "invalid-key-id": "s3-key-unknown", "skew": "s3-clock-skew",
		"presigned-expired": "s3-url-expired", "archived": "s3-archived", "kms-disabled": "s3-kms-disabled", "slow-down": "s3-throttled",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOneServicesAnswersAreNotTakenForTheOthers(t *testing.T) {
	for _, c := range catalogue.All() {
		for _, code := range c.Answer.Code {
			ours := c.Answer.Op == catalogue.S3Op
			ops := []string{"AssumeRoleWithWebIdentity", "AssumeRole", "GetCallerIdentity", catalogue.AgentOp}
			if !ours {
				ops = []string{catalogue.S3Op}
			}
			for _, op := range ops {
				if other, ok := catalogue.Recognise(op, code, c.Answer.Text); ok && (other.Answer.Op == catalogue.S3Op) == ours {
					t.Errorf("%s: an answer to %s is taken for %s", c.ID, op, other.ID)
				}
			}
		}
	}
}

func TestFactsThatNoSourceConfirmsAreWordedMay(t *testing.T) {
	for _, id := range []string{"s3-kms-disabled", "s3-url-expired"} {
		f := catalogue.Find(id).Finding(catalogue.Facts{}, nil)
		if !strings.HasPrefix(f.Hints[0], "it may be that ") {
			t.Errorf("%s: %s", id, f.Hints[0])
		}
	}
}

// TestEveryFactInASentenceCanBePutIn: one whose name Fill does not know would be
// shown as it stands.
func TestEveryFactInASentenceCanBePutIn(t *testing.T) {
	fact := regexp.MustCompile(`\{[\w-]+\}|<[\w-]+>`)
	for _, c := range catalogue.All() {
		for _, cause := range append(c.Causes, catalogue.Cause{Why: c.Problem}) {
			for _, text := range []string{cause.Why, cause.Fix, cause.Tell} {
				if filled := catalogue.Fill(text, nil); fact.MatchString(filled) {
					t.Errorf("%s: %s", c.ID, filled)
				}
			}
		}
	}
}
