package doctor

import (
	"cmp"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// overwrite is the variable by which a job asks for another service account.
// https://docs.gitlab.com/runner/executors/kubernetes/#overwrite-the-kubernetes-default-service-account
const overwrite = "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"

// expectedAccount is what the pod's service account should be: what was told,
// what the job asked the runner for, or what the runner's configuration says.
func (e *exam) expectedAccount(who report.Value) report.Value {
	namespace, _, _ := strings.Cut(who.Text, "/")
	asked := e.job.Value(overwrite)
	switch {
	case e.o.Expect.ServiceAccount.Known(), e.o.AsRunner:
		return e.o.Expect.ServiceAccount
	case asked.Known():
		return report.Value{Text: namespace + "/" + asked.Text, From: asked.From}
	case e.o.Runner != nil:
		jobs := e.o.Runner.JobAccount()
		if jobs.Default { // a configuration that names none expects none
			return report.Value{}
		}
		return report.Value{Text: cmp.Or(jobs.Namespace.Text, namespace) + "/" + jobs.Name.Text, From: jobs.Name.At.String()}
	}
	return report.Value{}
}

// accountConfirmed reports whether the pod runs under the account that was told.
func (e *exam) accountConfirmed() bool {
	return e.o.Expect.ServiceAccount.Known() && e.o.Expect.ServiceAccount.Text == e.id.Who().Text
}

func (e *exam) serviceAccountExpected() []report.Finding {
	who := e.id.Who()
	if f, mixed := e.mixedUp(who); mixed {
		return one(f)
	}
	expected := e.expectedAccount(who)
	facts := catalogue.Facts{"who": who.Text, "expected": expected.Text, "expected-from": expected.From, "slip": near.Slip(who.Text, expected.Text)}
	switch {
	case !expected.Known():
		return nil
	case !who.Known() && !e.o.Expect.ServiceAccount.Known():
		return nil // nobody asked, and nobody tells
	case !who.Known():
		return one(catalogue.Find("account-untold").Finding(facts, []report.Value{expected}))
	case who.Text == expected.Text:
		return holds("service-account-expected", who, expected)
	case e.o.AsRunner:
		facts.Say("no-slip", facts["slip"] == "")
		return one(catalogue.Find("account-of-manager").Finding(facts, []report.Value{who, expected}))
	}
	return one(e.otherAccount(facts, who, expected))
}

// otherAccount is the finding of a job's pod under another account than it should
// have.
func (e *exam) otherAccount(facts catalogue.Facts, who, expected report.Value) report.Finding {
	namespace, name, _ := strings.Cut(strings.TrimSpace(expected.Text), "/")
	place, actual, _ := strings.Cut(who.Text, "/")
	facts.Say("swapped", who.Text == name+"/"+namespace)
	facts.Say("other-namespace", actual == name && place != namespace)
	facts.Say("overwrite", e.job.Get(overwrite) == name)
	facts.Say("default-account", actual == "default")
	facts.Say("other-account", facts["swapped"]+facts["overwrite"]+facts["default-account"]+facts["slip"]+facts["other-namespace"] == "")
	f := catalogue.Find("account-of-pod").Finding(facts, []report.Value{who, expected})
	if facts["other-namespace"] == "" {
		f.Paste = accountSnippets(name, facts["overwrite"] != "")
	}
	return f
}

// roleExpected compares a role that is known before any call.
func (e *exam) roleExpected() []report.Finding {
	role, expected := e.id.FinalRole(), e.o.Expect.Role
	actual := likeExpected(role.Text, expected.Text)
	if actual == strings.TrimPrefix(expected.Text, "role/") {
		return holds("role-expected", role)
	}
	facts := e.id.Known()
	facts["role"], facts["role-from"] = role.Text, role.From
	facts["expected"], facts["expected-from"], facts["slip"] = expected.Text, expected.From, near.Slip(actual, expected.Text)
	facts["where"] = e.setAt("AWS_ROLE_ARN")
	f := catalogue.Find("role-other").Finding(facts, []report.Value{role, expected, e.id.Who()})
	if facts["injected"] != "" && e.accountConfirmed() {
		f.Paste = e.annotation(expected.Text)
	}
	return one(f)
}

// likeExpected is a role ARN in the form in which it is expected: the ARN, the
// name, or the name with its path.
func likeExpected(role, expected string) string {
	arn, err := iam.ParseRoleARN(role)
	switch {
	case err != nil, strings.HasPrefix(expected, "arn:"):
		return role
	case strings.Contains(strings.TrimPrefix(expected, "role/"), "/"):
		return strings.TrimPrefix(arn.Path, "/") + arn.Name
	}
	return arn.Name
}

func (e *exam) accountExpected() []report.Finding {
	role, expected := e.id.FinalRole(), e.o.Expect.Account
	arn, err := iam.ParseRoleARN(role.Text)
	if err != nil || arn.Account == expected.Text {
		return holds("account-expected", role)
	}
	facts := e.id.Known()
	facts["role"], facts["role-from"], facts["account"] = role.Text, role.From, arn.Account
	facts["expected"], facts["expected-from"], facts["slip"] = expected.Text, expected.From, near.Slip(arn.Account, expected.Text)
	return one(catalogue.Find("account-other").Finding(facts, []report.Value{role, expected}))
}
