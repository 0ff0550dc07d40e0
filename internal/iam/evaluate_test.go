package iam

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestConditionsHoldByAWSsRules(t *testing.T) {
	context := map[string][]string{
		"h.io/x:sub":            {"system:serviceaccount:gitlab:Jobs"},
		"h.io/x:aud":            {"a", "b"},
		"aws:none":              nil,
		"sts:one":               {"v*"},
		"aws:PrincipalTag/team": {"Red"},
		"aws:PrincipalTag/none": nil,
	}
	for _, c := range []struct {
		name, operator, key string
		values              []string
		want                Truth
	}{
		{"equal", "StringEquals", "h.io/x:sub", []string{"system:serviceaccount:gitlab:Jobs"}, Yes},
		{"one of several values", "StringEquals", "h.io/x:sub", []string{"x", "system:serviceaccount:gitlab:Jobs"}, Yes},
		{"letter case counts", "StringEquals", "h.io/x:sub", []string{"system:serviceaccount:gitlab:jobs"}, No},
		{"letter case of the key does not", "StringEquals", "H.io/x:SUB", []string{"system:serviceaccount:gitlab:Jobs"}, Yes},
		{"a star is a star to StringEquals", "StringEquals", "h.io/x:sub", []string{"system:serviceaccount:*"}, No},
		{"a literal star", "StringEquals", "sts:one", []string{"v*"}, Yes},
		{"ignoring case", "StringEqualsIgnoreCase", "h.io/x:sub", []string{"SYSTEM:serviceaccount:gitlab:jobs"}, Yes},
		{"ignoring case, another", "StringEqualsIgnoreCase", "h.io/x:sub", []string{"jobs"}, No},
		{"a wildcard crosses colons", "StringLike", "h.io/x:sub", []string{"system:*:Jobs"}, Yes},
		{"a question mark is one character", "StringLike", "h.io/x:sub", []string{"system:serviceaccount:gitlab:J?bs"}, Yes},
		{"a question mark is not none", "StringLike", "h.io/x:sub", []string{"system:serviceaccount:gitlab:Jobs?"}, No},
		{"an escaped star is no wildcard", "StringLike", "h.io/x:sub", []string{"system:${*}"}, No},
		{"an escaped star is a star", "StringLike", "sts:one", []string{"v${*}"}, Yes},
		{"not equal", "StringNotEquals", "h.io/x:sub", []string{"x", "y"}, Yes},
		{"not equal is none of", "StringNotEquals", "h.io/x:sub", []string{"x", "system:serviceaccount:gitlab:Jobs"}, No},
		{"not equal ignoring case", "StringNotEqualsIgnoreCase", "h.io/x:sub", []string{"system:serviceaccount:gitlab:JOBS"}, No},
		{"not like", "StringNotLike", "h.io/x:sub", []string{"system:*"}, No},

		{"missing, positive", "StringEquals", "aws:none", []string{"x"}, No},
		{"missing, negated", "StringNotEquals", "aws:none", []string{"x"}, Yes},
		{"missing, if exists", "StringEqualsIfExists", "aws:none", []string{"x"}, Yes},
		{"present, if exists", "StringEqualsIfExists", "sts:one", []string{"x"}, No},
		{"missing, for all", "ForAllValues:StringEquals", "aws:none", []string{"x"}, Yes},
		{"missing, for any", "ForAnyValue:StringEquals", "aws:none", []string{"x"}, No},
		{"missing, for any, if exists", "ForAnyValue:StringEqualsIfExists", "aws:none", []string{"x"}, No},
		{"missing, for any, negated", "ForAnyValue:StringNotEquals", "aws:none", []string{"x"}, No},
		{"null", "Null", "aws:none", []string{"true"}, Yes},
		{"not null", "Null", "aws:none", []string{"false"}, No},
		{"null of what is there", "Null", "sts:one", []string{"true"}, No},
		{"null of nonsense", "Null", "sts:one", []string{"maybe"}, Unknown},

		{"for all, all named", "ForAllValues:StringEquals", "h.io/x:aud", []string{"a", "b", "c"}, Yes},
		{"for all, one not named", "ForAllValues:StringEquals", "h.io/x:aud", []string{"a"}, No},
		{"for any, one named", "ForAnyValue:StringEquals", "h.io/x:aud", []string{"b"}, Yes},
		{"for any, none named", "ForAnyValue:StringEquals", "h.io/x:aud", []string{"c"}, No},
		{"for any negated, one not named", "ForAnyValue:StringNotEquals", "h.io/x:aud", []string{"a"}, Yes},
		{"for any negated, all named", "ForAnyValue:StringNotEquals", "h.io/x:aud", []string{"a", "b"}, No},
		{"for all negated, one named", "ForAllValues:StringNotEquals", "h.io/x:aud", []string{"a"}, No},
		{"for all like", "ForAllValues:StringLike", "h.io/x:aud", []string{"?"}, Yes},
		{"two values that disagree under an operator for one", "StringEquals", "h.io/x:aud", []string{"a"}, Unknown},
		{"two values that agree", "StringEquals", "h.io/x:aud", []string{"a", "b"}, Yes},

		{"a claim that gives no key", "StringEquals", "h.io/x:project_id", []string{"42"}, No},
		{"another issuer's key", "StringEquals", "h.io/y:sub", []string{"system:serviceaccount:gitlab:Jobs"}, No},
		{"a key with a scheme", "StringEquals", "https://h.io/x:sub", []string{"system:serviceaccount:gitlab:Jobs"}, No},
		{"a key nobody told us of", "StringEquals", "aws:SourceIp", []string{"10.0.0.1"}, Unknown},
		{"a policy variable", "StringEquals", "sts:one", []string{"${aws:userid}"}, Unknown},
		{"a policy variable beside a match", "StringEquals", "sts:one", []string{"${aws:userid}", "v*"}, Yes},
		{"a policy variable whose value is known", "StringEquals", "aws:PrincipalTag/team", []string{"${aws:PrincipalTag/team}"}, Yes},
		{"a variable's name has no letter case", "StringEquals", "aws:PrincipalTag/team", []string{"${AWS:principaltag/TEAM}"}, Yes},
		{"a variable's value has", "StringEquals", "h.io/x:sub", []string{"system:serviceaccount:gitlab:${aws:PrincipalTag/team}"}, No},
		{"a variable with a value does not take its default", "StringEquals", "aws:PrincipalTag/team", []string{"${aws:PrincipalTag/team, 'Blue'}"}, Yes},
		{"a variable without a value takes its default", "StringEquals", "aws:PrincipalTag/team", []string{"${aws:PrincipalTag/none, 'Red'}"}, Yes},
		{"a default that does not fit", "StringEquals", "aws:PrincipalTag/team", []string{"${aws:PrincipalTag/none, 'red'}"}, No},
		{"a default under an operator without letter case", "StringEqualsIgnoreCase", "aws:PrincipalTag/team", []string{"${aws:PrincipalTag/none, 'red'}"}, Yes},
		{"a variable without a value or a default", "StringEquals", "aws:PrincipalTag/team", []string{"${aws:PrincipalTag/none}"}, Unknown},
		{"a default of a variable that is not known", "StringEquals", "aws:PrincipalTag/team", []string{"${aws:userid, 'Red'}"}, Unknown},
		{"a default that is not quoted", "StringEquals", "aws:PrincipalTag/team", []string{"${aws:PrincipalTag/none, Red}"}, Unknown},
		{"a variable of several values", "StringEquals", "aws:PrincipalTag/team", []string{"${h.io/x:aud}"}, Unknown},
		{"a variable whose value has a wildcard", "StringLike", "sts:one", []string{"${sts:one}"}, Unknown},
		{"a variable without an end", "StringEquals", "sts:one", []string{"${aws:userid"}, Unknown},
		{"a tag whose name looks like a provider's key", "StringEquals", "aws:RequestTag/a.b:sub", []string{"x"}, Unknown},
		{"an issuer's key in which the dot is missing", "StringEquals", "hio:sub", []string{"x"}, No},
		{"a key without a colon", "StringEquals", "hiosub", []string{"x"}, No},
		{"numbers", "NumericEquals", "sts:one", []string{"1"}, Unknown},
		{"ARNs", "ArnLike", "sts:one", []string{"v*"}, Unknown},
		{"a truth value", "Bool", "sts:one", []string{"true"}, Unknown},
		{"an operator we do not know", "NumericLessThan", "sts:one", []string{"1"}, Unknown},
		{"an operator nobody knows", "StringEqual", "sts:one", []string{"v*"}, Unknown},
		{"a set operator nobody knows", "ForEachValue:StringEquals", "sts:one", []string{"v*"}, Unknown},
		{"null if exists", "NullIfExists", "sts:one", []string{"false"}, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := matcher{variables: true, context: context}.condition(Condition{Operator: c.operator, Key: c.key, Values: c.values})
			if got.Holds != c.want {
				t.Errorf("%v, want %v", got.Holds, c.want)
			}
			if (got.Holds == Unknown) != (got.Reason != "") {
				t.Errorf("%v with the reason %q", got.Holds, got.Reason)
			}
		})
	}
}

func TestTrustPoliciesAreJudged(t *testing.T) {
	const provider = `"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"`
	web := reference().request()
	chain := Request{Action: "sts:AssumeRole", Principal: []Principal{
		{"AWS", "arn:aws:sts::123456789012:assumed-role/ci/s"}, {"AWS", "arn:aws:iam::123456789012:role/ci"},
	}, Context: map[string][]string{"sts:ExternalId": nil}}
	for _, c := range []struct {
		name, statements string
		request          Request
		want             Decision
	}{
		{"the provider", `{"Effect":"Allow","Principal":{"Federated":` + provider + `},"Action":"sts:AssumeRoleWithWebIdentity"}`, web, Allowed},
		{"lists and a wildcard action", `[{"Effect":"Allow","Principal":{"Federated":["x",` + provider + `]},"Action":["x:y","STS:assumerole*"]}]`, web, Allowed},
		{"another kind of principal", `{"Effect":"Allow","Principal":{"AWS":` + provider + `},"Action":"sts:AssumeRoleWithWebIdentity"}`, web, NotAllowed},
		{"the wrong action", `{"Effect":"Allow","Principal":{"Federated":` + provider + `},"Action":"sts:AssumeRole"}`, web, NotAllowed},
		{"no principal", `{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity"}`, web, NotAllowed},
		{"a resource", `{"Effect":"Allow","Principal":{"Federated":` + provider + `},"Action":"*","Resource":"*"}`, web, Undecided},
		{"all resources but one", `{"Effect":"Allow","Principal":{"Federated":` + provider + `},"Action":"*","NotResource":"x"}`, web, Undecided},
		{"everyone", `{"Effect":"Allow","Principal":"*","Action":"*"}`, web, Undecided},
		{"everyone of AWS, asked by a token", `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*"}`, web, Undecided},
		{"every provider", `{"Effect":"Allow","Principal":{"Federated":"*"},"Action":"*"}`, web, Undecided},
		{"an account, asked by a token", `{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"*"}`, web, NotAllowed},
		{"all but one principal", `{"Effect":"Allow","NotPrincipal":{"AWS":"x"},"Action":"*"}`, web, Undecided},
		{"all actions but one", `{"Effect":"Allow","Principal":{"Federated":` + provider + `},"NotAction":"sts:AssumeRole"}`, web, Allowed},
		{"all actions but this", `{"Effect":"Allow","Principal":{"Federated":` + provider + `},"NotAction":"sts:*"}`, web, NotAllowed},
		{"a deny beside an allow", `[{"Effect":"Allow","Principal":{"Federated":` + provider + `},"Action":"*"},{"Effect":"Deny","Principal":{"Federated":` + provider + `},"Action":"sts:*"}]`, web, Denied},
		{"a deny that cannot be judged", `[{"Effect":"Allow","Principal":{"Federated":` + provider + `},"Action":"*"},{"Effect":"Deny","Principal":{"Federated":` + provider + `},"Action":"*","Condition":{"Bool":{"aws:x":"true"}}}]`, web, Undecided},
		{"a condition that cannot be judged beside one that fails", `{"Effect":"Allow","Principal":{"Federated":` + provider + `},"Action":"*","Condition":{"Bool":{"aws:x":"true"},"StringEquals":{"h.io:sub":"x"}}}`, web, NotAllowed},
		{"a role", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/ci"},"Action":"sts:AssumeRole"}`, chain, Allowed},
		{"everyone of AWS", `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, chain, Allowed},
		{"everyone, asked by AWS", `{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`, chain, Allowed},
		{"a pattern is no principal", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/*"},"Action":"sts:AssumeRole"}`, chain, NotAllowed},
		{"an external id that was not given", `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`, chain, NotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := decide(t, `{"Version":"2012-10-17","Statement":`+c.statements+`}`, c.request); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestPermissionPoliciesAreJudged(t *testing.T) {
	for _, c := range []struct {
		name, statements, action, resource string
		want                               Decision
	}{
		{"a wildcard resource", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`, "s3:GetObject", "arn:aws:s3:::b/k/l", Allowed},
		{"the bucket is not its objects", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`, "s3:ListBucket", "arn:aws:s3:::b", NotAllowed},
		{"letter case of a resource counts", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/K"}`, "s3:GetObject", "arn:aws:s3:::b/k", NotAllowed},
		{"letter case of an action does not", `{"Effect":"Allow","Action":"S3:getobject","Resource":"*"}`, "s3:GetObject", "arn:aws:s3:::b/k", Allowed},
		{"without a resource", `{"Effect":"Allow","Action":"s3:GetObject"}`, "s3:GetObject", "arn:aws:s3:::b/k", NotAllowed},
		{"all resources but one", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/*"}`, "s3:GetObject", "arn:aws:s3:::c/k", Allowed},
		{"all resources but this", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/*"}`, "s3:GetObject", "arn:aws:s3:::b/k", NotAllowed},
		{"a deny wins", `[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:Put*","Resource":"*"}]`, "s3:PutObject", "arn:aws:s3:::b/k", Denied},
		{"a resource with a variable", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:userid}/*"}`, "s3:GetObject", "arn:aws:s3:::b/k", Undecided},
		{"a principal has no place here", `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`, "s3:GetObject", "arn:aws:s3:::b/k", NotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := decide(t, `{"Version":"2012-10-17","Statement":`+c.statements+`}`, Request{Action: c.action, Resource: c.resource})
			if got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestPoliciesOfOneKindCountTogether(t *testing.T) {
	const (
		allow   = `{"Effect":"Allow","Action":"*","Resource":"*"}`
		deny    = `{"Effect":"Deny","Action":"*","Resource":"*"}`
		unknown = `,"Condition":{"Bool":{"aws:x":"true"}}}`
	)
	for _, c := range []struct {
		name       string
		statements []string // one a policy
		want       Decision
	}{
		{"none", nil, NotAllowed},
		{"one allows", []string{allow}, Allowed},
		{"one denies", []string{allow, deny}, Denied},
		{"one allows, one may", []string{allow[:len(allow)-1] + unknown, allow}, Allowed},
		{"one allows, one may deny", []string{allow, deny[:len(deny)-1] + unknown}, Undecided},
		{"one may deny what nobody allows", []string{deny[:len(deny)-1] + unknown}, NotAllowed},
		{"one may allow", []string{allow[:len(allow)-1] + unknown}, Undecided},
	} {
		t.Run(c.name, func(t *testing.T) {
			var policies []Policy
			for _, s := range c.statements {
				p, err := ParsePolicy([]byte(`{"Statement":` + s + `}`))
				if err != nil {
					t.Fatal(err)
				}
				policies = append(policies, p)
			}
			if got := Evaluate(policies, Request{Action: "a:b", Resource: "c"}).Decision; got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestVariablesAreTextInTheOldLanguage(t *testing.T) {
	for version, want := range map[string]Decision{"": Allowed, `"Version":"2008-10-17",`: Allowed, `"Version":"2012-10-17",`: Undecided} {
		policy := `{` + version + `"Statement":{"Effect":"Allow","Action":"*","Resource":"${aws:userid}"}}`
		if got := decide(t, policy, Request{Action: "a:b", Resource: "${aws:userid}"}); got != want {
			t.Errorf("%s: %v, want %v", policy, got, want)
		}
	}
}

func TestAResultNamesEveryElementExpectedAndActual(t *testing.T) {
	trust := reference()
	p, err := ParsePolicy([]byte(trust.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	token := trust
	token.Subject = "system:serviceaccount:gitlab:default"
	provider := []string{ProviderARN("aws", trust.Account, trust.Issuer)}
	name := ProviderName(trust.Issuer)
	want := Result{Decision: NotAllowed, Statements: []StatementResult{{Effect: "Allow", Applies: No, Checks: []Check{
		{Element: "Principal", Expected: provider, Actual: provider, Holds: Yes},
		{Element: "Action", Expected: []string{WebIdentityAction}, Actual: []string{WebIdentityAction}, Holds: Yes},
		{Element: "Condition", Operator: "StringEquals", Key: name + ":aud", Expected: []string{"sts.amazonaws.com"}, Actual: []string{"sts.amazonaws.com"}, Holds: Yes},
		{Element: "Condition", Operator: "StringEquals", Key: name + ":sub", Expected: []string{trust.Subject}, Actual: []string{token.Subject}, Holds: No},
	}}}}
	if diff := cmp.Diff(want, p.Evaluate(token.request()), cmpopts.IgnoreTypes(Position{})); diff != "" {
		t.Error(diff)
	}
}

func TestPoliciesThatIAMWouldNotStoreAreErrors(t *testing.T) {
	const ok = `"Effect":"Allow","Action":"*"`
	for _, c := range []struct{ name, in, want string }{
		{"empty", ``, "policy is not JSON: line 1, column 1"},
		{"cut off", "{\n \"Statement\": [", "policy is not JSON: line 2, column 15"},
		{"a list", `[]`, "policy: is not an object"},
		{"null", `null`, "policy: is not an object"},
		{"no statement", `{"Version":"2012-10-17"}`, "policy has no statement"},
		{"another version", `{"Version":"2020-01-01","Statement":{` + ok + `}}`, `policy: line 1, column 2: "Version": "2020-01-01" is not a version of the policy language`},
		{"an unknown element", `{"Statements":[]}`, `policy: line 1, column 2: "Statements": is not an element of a policy`},
		{"a misspelt element", `{"Statement":[{` + ok + `},{"effect":"Allow"}]}`, `statement 2: line 1, column 48: "effect": is not an element of a statement`},
		{"an effect of another name", `{"Statement":{"Effect":"allow","Action":"*"}}`, `statement 1: line 1, column 14: effect is "allow", neither Allow nor Deny`},
		{"no action", `{"Statement":{"Effect":"Allow"}}`, "statement 1: line 1, column 14: needs one of Action and NotAction"},
		{"an action that is an object", `{"Statement":{"Effect":"Allow","Action":{}}}`, `statement 1: line 1, column 32: "Action": is neither a string nor a list of strings`},
		{"a bare principal", `{"Statement":{` + ok + `,"Principal":"arn:aws:iam::1:root"}}`, `statement 1: line 1, column 45: "Principal": "arn:aws:iam::1:root" needs a kind, such as Federated`},
		{"a principal of no kind", `{"Statement":{` + ok + `,"Principal":{"Federation":"x"}}}`, `statement 1: line 1, column 45: "Principal": "Federation" is not a kind of principal`},
		{"two resources", `{"Statement":{` + ok + `,"Resource":"*","NotResource":"*"}}`, "statement 1: line 1, column 14: has both Resource and NotResource"},
		{"a condition that is text", `{"Statement":{` + ok + `,"Condition":"x"}}`, `statement 1: line 1, column 45: "Condition": is not an object`},
		{"an operator that is text", `{"Statement":{` + ok + `,"Condition":{"StringEquals":"x"}}}`, `statement 1: line 1, column 45: "Condition": "StringEquals": is not an object`},
		{"too large", strings.Repeat(" ", maxPolicy+1), "policy has 1048577 bytes, more than 1048576"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(c.in))
			if got := message(err); got != c.want {
				t.Errorf("error %q, want %q", got, c.want)
			}
		})
	}
}

func TestOfTwoMembersWithOneNameTheLastCounts(t *testing.T) {
	p, err := ParsePolicy([]byte(`{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"a:b",
		"Condition":{"StringEquals":{"k":"1","l":true,"k":["2",3]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Policy{
		Statements: []Statement{{
			Effect: "Allow", Action: []string{"a:b"}, At: Position{1, 14},
			Elements: map[string]Position{"Effect": {1, 31}, "Action": {1, 48}, "Condition": {2, 3}},
			Conditions: []Condition{
				{"StringEquals", "l", []string{"true"}, Position{2, 40}}, {"StringEquals", "k", []string{"2", "3"}, Position{2, 49}},
			},
		}},
		Duplicates: []Duplicate{
			{Name: "Effect", Statement: 1, Lost: Position{1, 15}, At: Position{1, 31}},
			{Name: "k", Statement: 1, Lost: Position{2, 32}, At: Position{2, 49}},
		},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
}

func TestOfTwoMembersTheFirstCanBeKeptInstead(t *testing.T) {
	p, err := ParsePolicyKeepingFirst([]byte(`{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"a:b"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.Statements[0].Effect != "Deny" || len(p.Duplicates) != 1 {
		t.Errorf("%+v", p)
	}
}

// FuzzParsePolicy: no text stops the parser or the evaluation, and nothing is
// allowed without a statement that applies.
func FuzzParsePolicy(f *testing.F) {
	f.Add(reference().JSON())
	f.Add(`{"Statement":{"Effect":"Allow","Action":["*"],"Resource":"*","Condition":{"ForAllValues:StringLike":{"a":["${*}",1]}}}}`)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePolicy([]byte(s))
		if err != nil {
			return
		}
		for _, d := range p.Duplicates {
			if d.Lost.Line < 1 || d.At.Line < d.Lost.Line || d.At.Column < 1 {
				t.Errorf("%s: duplicate at %+v", s, d)
			}
		}
		result := p.Evaluate(reference().request())
		applies := false
		for _, sr := range result.Statements {
			applies = applies || sr.Effect == "Allow" && sr.Applies == Yes
		}
		if result.Decision == Allowed && !applies {
			t.Errorf("%s: allowed by no statement", s)
		}
	})
}
