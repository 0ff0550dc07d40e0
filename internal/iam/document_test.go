package iam

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	plainPolicy = `{"Statement":{"Effect":"Allow","Action":"*"}}`
	asText      = `"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\"}}"`
)

func TestTrustPoliciesAreFoundInFiles(t *testing.T) {
	resource := func(name, more string) string {
		return `{"type": "aws_iam_role", "values": {"name": "` + name + `"` + more + `}}`
	}
	for _, c := range []struct {
		name, in string
		want     []Document
	}{
		{"a policy", plainPolicy, []Document{{Policy: []byte(plainPolicy)}}},
		{"a policy behind a byte order mark", "\uFEFF" + plainPolicy, []Document{{Policy: []byte(plainPolicy)}}},
		{"get-role", "{\n \"Role\": {\"RoleName\": \"ci\", \"Arn\": \"arn:aws:iam::123456789012:role/x/ci\",\n \"AssumeRolePolicyDocument\": " + plainPolicy + "}}", []Document{{
			Role: "ci", ARN: "arn:aws:iam::123456789012:role/x/ci", Policy: []byte("\n\n" + strings.Repeat(" ", 29) + plainPolicy),
		}}},
		{"a role alone, its policy in URL encoding", `{"Arn": "arn:aws:iam::123456789012:role/ci", "AssumeRolePolicyDocument": "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22*%22%7D%7D"}`, []Document{{
			Role: "ci", ARN: "arn:aws:iam::123456789012:role/ci", Policy: []byte(plainPolicy), Base: Position{1, 74},
		}}},
		{"a state with modules in modules", `{"values": {"root_module": {"resources": [` + resource("a", `, "assume_role_policy": `+asText) + `, {"type": "aws_s3_bucket", "values": {"bucket": "b"}}],
			"child_modules": [{"child_modules": [{"resources": [` + resource("b", `, "arn": "arn:aws:iam::123456789012:role/b", "assume_role_policy": `+asText) + `]}]}]}}}`, []Document{
			{Role: "a", Policy: []byte(plainPolicy), Base: Position{1, 114}},
			{Role: "b", ARN: "arn:aws:iam::123456789012:role/b", Policy: []byte(plainPolicy), Base: Position{2, 170}},
		}},
		{"a plan that does not know the policy yet", `{"planned_values": {"root_module": {"resources": [` + resource("a", "") + "," + resource("b", `, "assume_role_policy": null`) + `]}}}`, []Document{
			{Role: "a"}, {Role: "b"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Documents([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i] = got[i].inPlace()
				got[i].at = Position{}
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(Document{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFilesWithoutATrustPolicyAreErrorsThatHoldNoneOfTheirText(t *testing.T) {
	const secret = "hunter2"
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "it is empty"},
		{"blank", " \n", "it is empty"},
		{"not JSON", "{\n \"a\": " + secret, "it is not JSON: line 2, column 7"},
		{"binary", "\x00\xff", "it is not JSON: line 1, column 1"},
		{"UTF-16, little end first", "\xff\xfe{\x00}\x00", "it is UTF-16, and a policy is UTF-8"},
		{"UTF-16, big end first", "\xfe\xff\x00{\x00}", "it is UTF-16, and a policy is UTF-8"},
		{"UTF-16 without a mark", "{\x00}\x00", "it is UTF-16, and a policy is UTF-8"},
		{"a mark and nothing else", "\uFEFF\n", "it is empty"},
		{"not JSON behind a mark", "\uFEFF" + secret, "it is not JSON: line 1, column 1"},
		{"a list", `["` + secret + `"]`, "it is JSON, but not an object"},
		{"too deep", strings.Repeat("[", 20000), "it is not JSON: line 1, column 10001"},
		{"something else", `{"` + secret + `": 1}`, "it holds neither a policy, nor what `aws iam get-role` or `terraform show -json` prints"},
		{"a role that is text", `{"Role": "` + secret + `"}`, `its "Role" is not an object`},
		{"a role without a policy", `{"Role": {"RoleName": "` + secret + `"}}`, `its role has no "AssumeRolePolicyDocument"`},
		{"a policy that is a number", `{"Role": {"AssumeRolePolicyDocument": 7}}`, "the trust policy at line 1, column 39 is neither an object nor a text"},
		{"a broken URL encoding", `{"Role": {"AssumeRolePolicyDocument": "%7B%zz` + secret + `"}}`, "the trust policy at line 1, column 39 is not URL-encoded as IAM does it"},
		{"a state without roles", `{"values": {"root_module": {}}}`, "it holds no resource of type aws_iam_role"},
		{"a state without modules", `{"values": {}}`, `it has no "root_module", as terraform show -json would write`},
		{"a module that is text", `{"values": {"root_module": "` + secret + `"}}`, "one of its modules is not an object"},
		{"modules without end", `{"values": {"root_module": ` + strings.Repeat(`{"child_modules": [`, 70) + strings.Repeat("]}", 70) + "}}", "its modules are nested more than 64 deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Documents([]byte(c.in))
			if got := message(err); got != c.want || strings.Contains(got, secret) {
				t.Errorf("error %q, want %q", got, c.want)
			}
		})
	}
}

func TestOfSeveralRolesTheOneAskedForIsTaken(t *testing.T) {
	arn := func(name string) string { return "arn:aws:iam::123456789012:role/" + name }
	doc := func(name, arn string) Document {
		return Document{Role: name, ARN: arn, Policy: []byte(plainPolicy)}
	}
	for _, c := range []struct {
		name, asked, want, err string
		all                    []Document
	}{
		{"the only one", "", "a", "", []Document{doc("a", arn("a"))}},
		{"by ARN", arn("b"), "b", "", []Document{doc("a", arn("a")), doc("b", arn("b"))}},
		{"by name where a plan has no ARN", arn("path/b"), "b", "", []Document{doc("a", ""), doc("b", "")}},
		{"a bare policy is whose it may be", arn("b"), "", "", []Document{doc("", "")}},
		{"none was asked for", "", "", "it holds 2 roles [a b]", []Document{doc("a", ""), doc("b", "")}},
		{"another was asked for", arn("c"), "", "it does not hold the role that is asked for [" + arn("a") + "]", []Document{doc("a", arn("a"))}},
		{"one of another account", "arn:aws:iam::210987654321:role/a", "", "it does not hold the role that is asked for [" + arn("a") + "]", []Document{doc("a", arn("a"))}},
		{"not known yet", arn("a"), "", "the trust policy of this role is not known before terraform apply [a]", []Document{{Role: "a"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Choose(c.all, c.asked)
			said := ""
			if choice, ok := err.(*ChoiceError); ok { //nolint:errorlint // it is returned as it is
				said = fmt.Sprintf("%v %v", choice, choice.Roles)
			}
			if said != c.err || got.Role != c.want {
				t.Errorf("role %q, error %q, want %q and %q", got.Role, said, c.want, c.err)
			}
		})
	}
}

func TestPositionsInARoleAreThoseOfItsFile(t *testing.T) {
	all, err := Documents([]byte("{\"Role\": {\n  \"AssumeRolePolicyDocument\": {\n    \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\"}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePolicy(all[0].inPlace().Policy)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Statements[0].Elements["Action"], (Position{3, 38}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// FuzzDocuments: no file stops the search, and what is found can be chosen from.
func FuzzDocuments(f *testing.F) {
	f.Add(plainPolicy)
	f.Add(`{"Role": {"Arn": "a", "AssumeRolePolicyDocument": ` + asText + `}}`)
	f.Add(`{"values": {"root_module": {"child_modules": [{"resources": [{"type": "aws_iam_role", "values": {"name": "x", "assume_role_policy": "%7B%7D"}}]}]}}}`)
	f.Fuzz(func(t *testing.T, s string) {
		all, err := Documents([]byte(s))
		if err != nil {
			return
		}
		one, err := Choose(all, "")
		if err == nil && one.Policy == nil {
			t.Errorf("%s: no policy was chosen", s)
		}
		if err == nil {
			_, _ = ParsePolicy(one.Policy)
		}
	})
}

// TestBlanksBeforeAPolicyAreNoPartOfIt: what stands before a policy in its file
// counts for its positions, and not for its size.
func TestBlanksBeforeAPolicyAreNoPartOfIt(t *testing.T) {
	const role = `{"Role": {"RoleName": "jobs", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "x:Y"}]}}}`
	for blanks, line := range map[int]int{0: 1, 1000: 1001, 2 << 20: 1} {
		all, err := Documents([]byte(strings.Repeat("\n", blanks) + role))
		if err != nil {
			t.Fatal(err)
		}
		d, err := Choose(all, "")
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParsePolicy(d.Policy)
		if err != nil || p.Statements[0].At.Line != line {
			t.Errorf("%d blanks: %v, line %d, want %d", blanks, err, p.Statements[0].At.Line, line)
		}
	}
}
