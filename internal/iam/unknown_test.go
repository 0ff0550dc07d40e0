package iam

import "testing"

// judge evaluates one condition of a statement that allows everything else.
func judge(t *testing.T, condition string) Check {
	t.Helper()
	p, err := ParsePolicy([]byte(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "p"}, "Action": "a:B", "Condition": ` + condition + `}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := p.Evaluate(Request{
		Principal: []Principal{{Type: "Federated", Name: "p"}}, Action: "a:B",
		Context: map[string][]string{"issuer.example.com:sub": {"s"}, "issuer.example.com:amr": nil},
	})
	checks := r.Statements[0].Checks
	return checks[len(checks)-1]
}

func TestAKeyThatTheTokenCannotTellIsUnknownAndNotAbsent(t *testing.T) {
	for condition, want := range map[string]Truth{
		`{"StringEquals": {"s3:prefix": "x"}}`:                                    Unknown,
		`{"StringEquals": {"aws:SourceVpc": "x"}}`:                                Unknown,
		`{"StringNotEquals": {"aws:SourceVpc": "x"}}`:                             Unknown,
		`{"StringEquals": {"issuer.example.com:project_id": "1"}}`:                No,
		`{"Null": {"issuer.example.com:amr": ["false", "true"]}}`:                 Yes,
		`{"Null": {"issuer.example.com:amr": ["true", "false"]}}`:                 Yes,
		`{"Null": {"issuer.example.com:amr": "false"}}`:                           No,
		`{"Null": {"issuer.example.com:sub": "False"}}`:                           Yes,
		`{"ForAllValues:StringEquals": {"issuer.example.com:amr": "x"}}`:          Yes,
		`{"ForAnyValue:StringEqualsIfExists": {"issuer.example.com:amr": "x"}}`:   No,
		`{"StringEqualsIfExists": {"issuer.example.com:amr": "x"}}`:               Yes,
		`{"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}`:           Unknown,
		`{"StringLike": {"issuer.example.com:sub": "${aws:PrincipalTag/team}*"}}`: Unknown,
	} {
		if c := judge(t, condition); c.Holds != want {
			t.Errorf("%s: %v, want %v (%s)", condition, c.Holds, want, c.Reason)
		}
	}
}
