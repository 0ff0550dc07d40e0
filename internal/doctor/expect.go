package doctor

import (
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// overwrite is the variable by which a job asks for another service account.
// https://docs.gitlab.com/runner/executors/kubernetes/#overwrite-the-kubernetes-default-service-account
const overwrite = "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"

func (e *exam) serviceAccountExpected() []report.Finding {
	who := e.id.Who()
	if e.o.AsRunner && e.o.Runner != nil {
		if f, mixed := e.runsAsJob(who); mixed {
			return one(f)
		}
	}
	expected := e.o.Expect.ServiceAccount
	facts := catalogue.Facts{"who": who.Text, "expected": expected.Text, "expected-from": expected.From, "slip": near.Slip(who.Text, expected.Text)}
	switch {
	case !expected.Known():
		return holds("service-account-expected", who)
	case !who.Known():
		return one(catalogue.Find("account-untold").Finding(facts, []report.Value{expected}))
	case who.Text == expected.Text:
		return holds("service-account-expected", who)
	}
	namespace, name, _ := strings.Cut(expected.Text, "/")
	_, actual, _ := strings.Cut(who.Text, "/")
	facts.Say("swapped", who.Text == name+"/"+namespace)
	facts.Say("overwrite", e.job.Get(overwrite) == name)
	facts.Say("default-account", actual == "default")
	facts.Say("other-account", facts["swapped"]+facts["overwrite"]+facts["default-account"]+facts["slip"] == "")
	f := catalogue.Find("account-of-pod").Finding(facts, []report.Value{who, expected})
	f.Paste = accountSnippets(name, facts["overwrite"] != "")
	return one(f)
}

func (e *exam) roleExpected() []report.Finding {
	role, expected := e.id.FinalRole(), e.o.Expect.Role
	arn, err := iam.ParseRoleARN(role.Text)
	want, name := role.Text, role.Text
	if err == nil {
		name = arn.Name
	}
	if !strings.HasPrefix(expected.Text, "arn:") {
		want = name
	}
	if want == strings.TrimPrefix(expected.Text, "role/") || role.Text == expected.Text {
		return holds("role-expected", role)
	}
	facts := e.id.Known()
	facts["role"], facts["role-from"] = role.Text, role.From
	facts["expected"], facts["expected-from"], facts["slip"] = expected.Text, expected.From, near.Slip(want, expected.Text)
	facts["where"] = e.setAt("AWS_ROLE_ARN")
	if facts["role-overridden"] != "" {
		delete(facts, "injected")
	}
	f := catalogue.Find("role-other").Finding(facts, []report.Value{role, expected, e.id.Who()})
	f.Paste = e.annotation(expected.Text)
	return one(f)
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
