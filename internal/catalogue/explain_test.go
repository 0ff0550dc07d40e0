package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

func TestEveryCaseIsExplainedOnce(t *testing.T) {
	var want, got []string
	for _, c := range catalogue.All() {
		want = append(want, c.ID)
	}
	checks := map[string]bool{}
	for _, s := range catalogue.Stages() {
		for _, check := range s.Checks {
			if checks[check.ID] {
				t.Errorf("the check %s stands twice", check.ID)
			}
			checks[check.ID] = true
			for _, c := range check.Cases {
				got = append(got, c.ID)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnIDNamesACheckOrOneCase(t *testing.T) {
	tests := []struct {
		name, id, check string
		cases           []string
	}{
		{"a check with all its cases", "role-trusts-token", "role-trusts-token", []string{"trust-denied"}},
		{"a check whose cases stand in several files", "provider-keys-reachable", "provider-keys-reachable", []string{"no-verification-key", "idp-communication"}},
		{"a case alone", "idp-communication", "provider-keys-reachable", []string{"idp-communication"}},
		{"a check before a case of the same id", "session-name", "session-name", []string{"session-name"}},
		{"nothing", "no-such-id", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check, ok := catalogue.Explain(tt.id)
			var cases []string
			for _, c := range check.Cases {
				cases = append(cases, c.ID)
			}
			if check.ID != tt.check || ok != (tt.check != "") || !slices.Equal(cases, tt.cases) {
				t.Errorf("%s %v %v, want %s %v", check.ID, cases, ok, tt.check, tt.cases)
			}
		})
	}
	for _, id := range catalogue.IDs() {
		if _, ok := catalogue.Explain(id); !ok {
			t.Errorf("%s is listed and not found", id)
		}
	}
}

func TestEachConditionOfACauseHasWords(t *testing.T) {
	for _, c := range catalogue.All() {
		for _, cause := range c.Causes {
			for _, words := range []string{cause.Condition(), cause.Likelier()} {
				if strings.HasSuffix(words, " is known") {
					t.Errorf("%s: %q has no words of its own", c.ID, words)
				}
			}
		}
	}
}

// TestCausesCanBeToldApart is about what STS, the Pod Identity agent and the
// network on the way leave open.
func TestCausesCanBeToldApart(t *testing.T) {
	for _, s := range catalogue.Stages() {
		if !slices.Contains([]string{"pod", "agent", "network", "exchange", "signed"}, s.ID) {
			continue
		}
		for _, check := range s.Checks {
			for _, c := range check.Cases {
				for _, cause := range c.Causes {
					if len(c.Causes) > 1 && cause.Tell == "" {
						t.Errorf("%s: nothing tells %q from the others", c.ID, cause.Why)
					}
				}
			}
		}
	}
}

func TestFactsReorderTheCausesOfADeniedToken(t *testing.T) {
	first := map[string]string{ // by the facts at hand: how the first hint begins
		"":                         "most likely the role's trust policy names another sub",
		"injected":                 "most likely the role's trust policy names another sub",
		"chosen":                   "most likely --role-arn names the wrong role",
		"injected role-overridden": `most likely AWS_ROLE_ARN was "r0" when the container started`,
		"injected aud-other":       `most likely the trust policy's aud condition expects sts.amazonaws.com, and the token has "a"`,
		"injected default-account": "most likely the pod runs under the default service account",
		"chosen gitlab":            "most likely the trust policy's sub condition is for another project, branch or tag",
		"chosen role-overridden aud-other default-account gitlab": `most likely AWS_ROLE_ARN was "r0" when the container started`,
	}
	for known, want := range first {
		t.Run(known, func(t *testing.T) {
			f := catalogue.Facts{"role-from": "--role-arn", "aud": "a", "started-role": "r0", "not-waited": "yes"}
			for name := range strings.FieldsSeq(known) {
				f.Say(name, true)
			}
			if hints := catalogue.Find("trust-denied").Finding(f, nil).Hints; !strings.HasPrefix(hints[0], want) {
				t.Errorf("the first hint is %q, want %q", hints[0], want)
			}
		})
	}
}

func TestFactsReorderTheCausesOfAnUnknownIssuer(t *testing.T) {
	for known, want := range map[string]string{
		"insecure-issuer":     "most likely the issuer is not https",
		"account-unconfirmed": "most likely no provider was made for this issuer",
		"":                    "no provider was made for this issuer",
	} {
		f := catalogue.Facts{"role": "r"}
		f.Say(known, true)
		if hints := catalogue.Find("no-provider").Finding(f, nil).Hints; !strings.HasPrefix(hints[0], want) {
			t.Errorf("%s: the first hint is %q, want %q", known, hints[0], want)
		}
	}
}

func TestWhatNoSourceConfirmsIsWordedMay(t *testing.T) {
	unsure := map[string][]string{
		"trust-denied": {"the role does not exist, or was changed a moment ago", "the role does not exist", "a policy of the organization denies the call"},
		"chain-denied": {"{role} does not exist"},
		"agent-denied": {"the role's trust policy does not name the service pods.eks.amazonaws.com with sts:AssumeRole and sts:TagSession"},
		"invalid-key":  {"the keys are of another partition, or were deleted", "AWS_ACCESS_KEY_ID is old, or of another partition than {region}"},
		"signature":    {"the secret key does not belong to the access key"},
	}
	for id, want := range unsure {
		var got []string
		for _, cause := range catalogue.Find(id).Causes {
			if cause.Unsure {
				got = append(got, cause.Why)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	hints := catalogue.Find("trust-denied").Finding(catalogue.Facts{"injected": "yes", "not-waited": "yes"}, nil).Hints
	if want := "or it may be that the role does not exist"; !strings.HasPrefix(hints[2], want) {
		t.Errorf("the third hint is %q, want %q", hints[2], want)
	}
}

func TestHalfAPairOfVariablesIsToldFromNone(t *testing.T) {
	tests := []struct{ name, kase, known, want string }{
		{"the id alone", "ambient-missing", "has-id", "AWS_SECRET_ACCESS_KEY was forgotten"},
		{"the secret alone", "ambient-missing", "has-secret", "AWS_ACCESS_KEY_ID was forgotten"},
		{"no keys", "ambient-missing", "neither", "the job has an identity of its own"},
		{"one variable of Pod Identity", "pod-identity-missing", "half", "something else than EKS set"},
		{"no variable of Pod Identity", "pod-identity-missing", "neither", "no EKS Pod Identity association"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := catalogue.Facts{}
			f[tt.known] = "x"
			hints := catalogue.Find(tt.kase).Finding(f, nil).Hints
			if !strings.Contains(hints[0], tt.want) {
				t.Errorf("the first hint is %q, want %q", hints[0], tt.want)
			}
		})
	}
}
