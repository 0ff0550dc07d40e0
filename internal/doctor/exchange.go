package doctor

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// exchangeCheck is the question that getting credentials answers.
func (e *exam) exchangeCheck() string {
	switch e.id.Source {
	case identity.PodIdentity:
		return "agent-answers"
	case identity.Ambient:
		return "signing-keys"
	}
	return "role-trusts-token"
}

func (e *exam) reachable(ctx context.Context) []report.Finding {
	seen, err := e.id.Reach(ctx)
	if err != nil {
		f := e.failed(err)
		f.Evidence = append(seen, f.Evidence...)
		return one(f)
	}
	return holds("sts-reachable", seen...)
}

// exchange gets credentials, and says by whose answer that failed.
func (e *exam) exchange(ctx context.Context) []report.Finding {
	check := e.exchangeCheck()
	session, err := e.id.Exchange(ctx)
	if err == nil && (e.id.Source == identity.Ambient || !session.ARN.Known()) {
		session, err = e.caller(ctx, session)
	}
	if err != nil {
		return e.refused(check, err)
	}
	e.mu.Lock()
	e.session = session
	e.mu.Unlock()
	found := holds(check, session.ARN)
	if len(e.id.Chain) > 0 {
		found = append(found, catalogue.Holds("chain-allowed", e.id.FinalRole()))
	}
	if e.id.Expired() {
		found = append(found, catalogue.Find("clock-token").Finding(e.id.Known(), nil))
	}
	return append(found, e.injected(nil)...)
}

// caller asks whose the session is where the exchange did not tell. An endpoint
// that has no such call leaves it unknown.
func (e *exam) caller(ctx context.Context, session identity.Session) (identity.Session, error) {
	caller, err := e.id.Caller(ctx, session)
	if err != nil && e.id.Endpoint.Known() && identity.NotOffered(err) {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	return caller, nil
}

// refused are the findings of an exchange that failed: what failed, and before it
// what that answers.
func (e *exam) refused(check string, err error) []report.Finding {
	f := e.failed(err)
	if f.ID == "" {
		return one(f)
	}
	if root := e.injected(err); root != nil {
		return append(root, catalogue.Waits(check, root[0].ID))
	}
	switch f.ID {
	case check:
		return one(f)
	case "chain-allowed":
		return []report.Finding{catalogue.Holds(check, e.id.Role), f}
	}
	return []report.Finding{f, catalogue.Waits(check, f.ID)}
}

// injected tells a role that a variable of GitLab's UI put in the place of the
// service account's. It is wrong only if that role does not trust the token.
func (e *exam) injected(err error) []report.Finding {
	started, overridden := e.id.Overridden()
	if !overridden {
		return nil
	}
	kase := identity.CaseOf(err)
	if err != nil && kase != "trust-denied" && kase != "no-provider" {
		return nil
	}
	if err == nil {
		f := catalogue.Holds("role-injected", e.id.Role, report.Value{Text: started.Text, From: "AWS_ROLE_ARN when the container started"})
		f.Status = report.Note
		return one(f)
	}
	facts := e.id.Known()
	facts["where"] = e.setAt("AWS_ROLE_ARN")
	return one(catalogue.Find("role-overridden").Finding(facts, []report.Value{
		e.id.Role, {Text: started.Text, From: "AWS_ROLE_ARN when the container started"}, claim("sub", e.id.Token.Claims.Subject),
	}))
}

// nodeSession is the name that EC2 gives the session of a node: its instance id.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
var nodeSession = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^i-[0-9a-f]{8,17}$`) })

func (e *exam) identityExpected(context.Context) []report.Finding {
	e.mu.Lock()
	arn, account := e.session.ARN, e.session.Account
	e.mu.Unlock()
	session, err := iam.ParseAssumedRole(arn.Text)
	facts := e.id.Known()
	facts["arn"], facts["session"], facts["source"] = arn.Text, session.Session, string(e.id.Source)
	if err == nil && nodeSession().MatchString(session.Session) {
		return one(catalogue.Find("node-identity").Finding(facts, []report.Value{arn}))
	}
	account = account.Or(report.Value{Text: accountOf(arn.Text), From: arn.From})
	evidence := []report.Value{arn}
	for _, want := range []struct {
		expected report.Value
		actual   string // "" where the service does not tell it
	}{
		{e.o.Expect.Account, account.Text},
		{e.o.Expect.Role, roleOf(session, e.o.Expect.Role.Text, arn.Text)},
	} {
		if !want.expected.Known() {
			continue
		}
		facts["expected"], facts["expected-from"] = want.expected.Text, want.expected.From
		switch {
		case want.actual == "":
			return one(catalogue.Find("identity-untold").Finding(facts, nil))
		case want.actual != want.expected.Text:
			return one(catalogue.Find("session-other").Finding(facts, append(evidence, want.expected)))
		}
		evidence = append(evidence, want.expected)
	}
	return holds("identity-expected", evidence...)
}

// accountOf is the account in an ARN, or "".
func accountOf(arn string) string {
	if fields := strings.SplitN(arn, ":", 6); len(fields) == 6 {
		return fields[4]
	}
	return ""
}

// roleOf is the role of a session in the form in which it is expected. A session
// does not tell the path of its role, so that the expected one is taken. What is
// no session of a role is told by its ARN.
func roleOf(s iam.AssumedRole, expected, arn string) string {
	if s.Role == "" {
		return arn
	}
	want, err := iam.ParseRoleARN(expected)
	if err == nil {
		return iam.RoleARN{Partition: s.Partition, Account: s.Account, Path: want.Path, Name: s.Role}.String()
	}
	return expected[:strings.LastIndex(expected, "/")+1] + s.Role
}

// settled leaves the last word on what STS judges to STS: where it took a token
// that this machine's clock calls expired, the clock is what is wrong; and as long
// as it has not answered, nobody knows whether it takes audience and duration.
func (e *exam) settled(r report.Report) report.Report {
	e.mu.Lock()
	exchanged := !e.session.Keys.Secret.Empty()
	e.mu.Unlock()
	root := e.exchangeCheck()
	for _, f := range r.Findings() {
		if f.ID == root && f.Status == report.Skip {
			root = f.Waits
		}
	}
	for _, g := range r.Groups {
		for i, f := range g.Findings {
			switch {
			case f.ID == "token-fresh" && exchanged && e.id.Expired():
				g.Findings[i] = catalogue.Holds(f.ID)
			case (f.ID == "token-audience" || f.ID == "session-duration") && f.Status == report.OK && !exchanged:
				g.Findings[i] = catalogue.Waits(f.ID, root)
			}
		}
	}
	return r
}
