package catalogue_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

func TestEveryAnswerOfSTSIsRecognised(t *testing.T) {
	raw, err := os.ReadFile("testdata/sts-answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers []struct{ ID, Code, Message string }
	if err := json.Unmarshal(raw, &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers) != 22 {
		t.Fatalf("%d answers, want 22", len(answers))
	}
	for _, a := range answers {
		for _, prefix := range []string{"", "exceeded maximum number of attempts, 3, "} {
			c, ok := catalogue.Recognise("AssumeRoleWithWebIdentity", a.Code, prefix+a.Message)
			if !ok || c.ID != a.ID {
				t.Errorf("%s with prefix %q is taken for %q (%v)", a.ID, prefix, c.ID, ok)
			}
		}
	}
}

func TestAnUnknownAnswerIsNotGuessed(t *testing.T) {
	for _, a := range []struct{ op, code, message string }{
		{"AssumeRoleWithWebIdentity", "InvalidIdentityToken", "something new"},
		{"AssumeRoleWithWebIdentity", "ValidationError", "something new"},
		{"GetCallerIdentity", "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
	} {
		if c, ok := catalogue.Recognise(a.op, a.code, a.message); ok {
			t.Errorf("%v is taken for %q", a, c.ID)
		}
	}
}

func TestEveryCaseIsCompleteAndUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range catalogue.All() {
		if seen[c.ID] {
			t.Errorf("%s stands twice", c.ID)
		}
		seen[c.ID] = true
		f := c.Finding(catalogue.Facts{}, nil)
		if f.Title == "" || f.Title == c.Check {
			t.Errorf("%s: check %q has no title", c.ID, c.Check)
		}
		if c.Problem == "" || strings.HasSuffix(c.Problem, ".") {
			t.Errorf("%s: problem %q is empty or ends in a full stop", c.ID, c.Problem)
		}
		if len(c.Causes) == 0 {
			t.Errorf("%s has no cause", c.ID)
		}
		for _, cause := range c.Causes {
			if cause.Why == "" || cause.Fix == "" || strings.HasSuffix(cause.Fix, ".") {
				t.Errorf("%s: cause %+v is incomplete", c.ID, cause)
			}
		}
		for _, s := range c.Sources {
			if !strings.HasPrefix(s, "https://") {
				t.Errorf("%s: source %q is no link", c.ID, s)
			}
		}
	}
}

func TestEveryFirstLineNamesAnActualValue(t *testing.T) {
	// What is missing has no value; its name stands in the sentence instead.
	noValue := map[string]bool{"keys-expired": true, "role-missing": true, "pod-identity-missing": true, "ambient-missing": true, "sdk-settings": true}
	for _, c := range catalogue.All() {
		if !regexp.MustCompile(`[{<][a-z-]+[}>]`).MatchString(c.Problem) && !noValue[c.ID] {
			t.Errorf("%s: %q names no value", c.ID, c.Problem)
		}
	}
}

func TestHintsSayHowSureTheyAre(t *testing.T) {
	f := catalogue.Find("trust-denied").Finding(catalogue.Facts{"sub": "a\x1bb", "role": `r"`, "chosen": "yes", "role-from": "--role-arn", "not-waited": "yes"}, nil)
	if want := `AWS does not let "a\x1bb" assume "r\""`; f.Cause != want {
		t.Errorf("cause = %s, want %s", f.Cause, want)
	}
	if len(f.Hints) != 3 || !strings.HasPrefix(f.Hints[0], "most likely ") || !strings.HasPrefix(f.Hints[1], "or ") {
		t.Errorf("hints = %q", f.Hints)
	}
	if want := "(not known)"; !strings.Contains(f.Hints[2], want) {
		t.Errorf("a fact that is missing is not said: %s", f.Hints[2])
	}
	one := catalogue.Find("expired").Finding(catalogue.Facts{"irsa": "yes"}, nil)
	if strings.HasPrefix(one.Hints[0], "most likely") {
		t.Errorf("a single cause is worded as a guess: %s", one.Hints[0])
	}
}
