package doctor

import (
	"cmp"
	"errors"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
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
	return e.o.Expect.ServiceAccount.Known() && identity.SameAccount(e.id.Who().Text, e.o.Expect.ServiceAccount.Text)
}

func (e *exam) serviceAccountExpected() []report.Finding {
	who := e.id.Who()
	if f, mixed := e.mixedUp(who); mixed {
		return one(f)
	}
	expected := e.expectedAccount(who)
	switch {
	case !expected.Known():
		return nil
	case !who.Known() && !e.o.Expect.ServiceAccount.Known():
		return nil // nobody asked, and nobody tells
	case identity.SameAccount(who.Text, expected.Text):
		return holds("service-account-expected", who, expected)
	case who.Known() && e.o.AsRunner:
		return one(otherManager(who, expected))
	}
	return one(e.otherAccount(expected))
}

// otherManager is the finding of a manager's pod under another account than it
// should have.
func otherManager(who, expected report.Value) report.Finding {
	got := who.Text
	if !strings.Contains(expected.Text, "/") {
		_, got, _ = strings.Cut(got, "/")
	}
	facts := catalogue.Facts{"who": who.Text, "expected": expected.Text, "expected-from": expected.From, "slip": near.Slip(got, expected.Text)}
	facts.Say("no-slip", facts["slip"] == "")
	return catalogue.Find("account-of-manager").Finding(facts, []report.Value{who, expected})
}

// otherAccount is the finding of a job's pod under another account than it should
// have, or under one that nothing tells.
func (e *exam) otherAccount(expected report.Value) report.Finding {
	err := e.id.CheckServiceAccount(expected, near.Slip)
	f, ok := identity.Finding(err)
	wrong, _ := errors.AsType[*identity.Error](err)
	if ok && wrong.Case == "account-of-pod" && wrong.Facts["other-namespace"]+wrong.Facts["overwrite-other"]+wrong.Facts["overwrite-empty"] == "" {
		f.Paste = accountSnippets(wrong.Facts["name"], wrong.Facts["overwrite"] != "")
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
