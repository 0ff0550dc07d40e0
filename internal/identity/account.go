package identity

import (
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// SameAccount reports whether a pod's service account, "namespace/name", is the
// expected one, which may be a name of whatever namespace.
func SameAccount(who, expected string) bool {
	if _, name, ok := strings.Cut(who, "/"); ok && !strings.Contains(expected, "/") {
		return name == expected
	}
	return who == expected
}

// CheckServiceAccount refuses a pod that runs under another service account than
// the expected "namespace/name", or "name" of whatever namespace, and one whose
// account no token tells; an unknown one expects nothing. The token's own claims
// decide: a runner may have ignored what the job asked it for. Where slip is not
// nil it words how a text differs from another that looks like a slip of it.
func (id *Identity) CheckServiceAccount(expected report.Value, slip func(got, want string) string) error {
	who := id.Who()
	if !expected.Known() || who.Known() && SameAccount(who.Text, expected.Text) {
		return nil
	}
	e := &Error{
		Case: "account-untold", Doing: "checking the service account", Evidence: []report.Value{who, expected}, NoVerdict: true,
		Facts: catalogue.Facts{"who": who.Text, "expected": expected.Text, "expected-from": expected.From},
	}
	if !who.Known() {
		return e
	}
	e.Case, e.NoVerdict = "account-of-pod", false
	place, actual, _ := strings.Cut(who.Text, "/")
	got, name := actual, strings.TrimSpace(expected.Text)
	namespace, after, whole := strings.Cut(name, "/")
	if whole {
		got, name = who.Text, after
	}
	e.Facts["name"] = name
	if slip != nil {
		e.Facts["slip"] = slip(got, expected.Text)
	}
	e.Facts.Say("swapped", whole && who.Text == name+"/"+namespace)
	e.Facts.Say("other-namespace", whole && actual == name && place != namespace)
	e.Facts.Say("overwrite", id.job.Get(overwriteEnv) == name)
	asked, input := id.job.Get(overwriteEnv), id.job.Get(inputAccountEnv)
	if input != "" && asked != input {
		e.Facts["asked"] = asked
		e.Facts.Say("overwrite-other", asked != "")
		e.Facts.Say("overwrite-empty", asked == "")
	}
	e.Facts.Say("default-account", actual == "default")
	e.Facts.Say("other-account", e.Facts["swapped"]+e.Facts["overwrite"]+e.Facts["overwrite-other"]+e.Facts["overwrite-empty"]+e.Facts["default-account"]+e.Facts["slip"]+e.Facts["other-namespace"] == "")
	return e
}
