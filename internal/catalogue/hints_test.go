package catalogue_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// TestAHintPointsAtNothingThatMayNotFollow: the end of a report and explain show
// a hint, and nothing after it that could be pasted.
func TestAHintPointsAtNothingThatMayNotFollow(t *testing.T) {
	for _, c := range catalogue.All() {
		for _, cause := range c.Causes {
			for _, text := range []string{c.Problem, cause.Why, cause.Fix, cause.Tell} {
				if regexp.MustCompile(`\b(below|following|underneath)\b`).MatchString(text) {
					t.Errorf("%s: %s", c.ID, text)
				}
			}
		}
	}
}

func TestEvidenceIsOfWhatIsKnown(t *testing.T) {
	evidence := []report.Value{{Text: "a", From: "AWS_REGION"}, {}, {From: "AWS_ROLE_ARN"}, {Text: "b"}}
	want := []report.Value{{Text: "a", From: "AWS_REGION"}, {Text: "b"}}
	if diff := cmp.Diff(want, catalogue.Find("expired").Finding(catalogue.Facts{}, evidence).Evidence); diff != "" {
		t.Errorf("of a case (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, catalogue.Holds("token-fresh", evidence...).Evidence); diff != "" {
		t.Errorf("of what holds (-want +got):\n%s", diff)
	}
	if f := catalogue.Holds("token-fresh", report.Value{From: "AWS_REGION"}); f.Evidence != nil {
		t.Errorf("evidence %+v of nothing", f.Evidence)
	}
}
