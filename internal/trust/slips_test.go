package trust_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/trust"
)

const (
	providerARN = "arn:aws:iam::123456789012:oidc-provider/" + cluster
	jobs        = "system:serviceaccount:gitlab:gitlab-jobs"
)

// policy writes a statement with its parts; an empty one is left out.
func policy(principal, action, conditions string) string {
	s := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,` + action
	if conditions != "" {
		s += `,"Condition":{` + conditions + `}`
	}
	return s + `}]}`
}

const (
	federated = `{"Federated":"` + providerARN + `"}`
	exchange  = `"Action":"sts:AssumeRoleWithWebIdentity"`
	subAndAud = `"StringEquals":{"` + cluster + `:sub":"` + jobs + `","` + cluster + `:aud":"sts.amazonaws.com"}`
)

func sub(operator, value string) string {
	return policy(federated, exchange, `"`+operator+`":{"`+cluster+`:sub":"`+value+`"}`)
}

func key(name string) string {
	return policy(federated, exchange, `"StringEquals":{"`+name+`":"`+jobs+`"}`)
}

func principal(arn string) string {
	return policy(`{"Federated":"`+arn+`"}`, exchange, subAndAud)
}

// slips are broken policies, each with the finding that must come first, a part
// of its sentence and a part of its fix.
var slips = []struct {
	name, policy, id, cause, fix string
	request                      func() trust.Request
}{
	{"a wildcard under StringEquals", sub("StringEquals", "system:serviceaccount:gitlab:*"), "trust-service-account", "where * and ? are plain characters", "change StringEquals to StringLike", pod},
	{"a wildcard for the namespace", sub("StringEquals", "system:serviceaccount:*:gitlab-jobs"), "trust-namespace", "plain characters", "StringLike", pod},
	{"a wildcard in a project's ref", policy(`{"Federated":"arn:aws:iam::123456789012:oidc-provider/gitlab.com"}`, exchange, `"StringEquals":{"gitlab.com:sub":"project_path:group/project:*"}`), "trust-subject", "plain characters", "StringLike", project},
	{"https in the key", key("https://" + cluster + ":sub"), "trust-key", "has a scheme in it", `write the key as "` + cluster + `:sub"`, pod},
	{"letter case of the service account", sub("StringEquals", "system:serviceaccount:gitlab:Gitlab-jobs"), "trust-service-account", "the letter case differs", `write "` + jobs + `"`, pod},
	{"letter case of the audience", policy(federated, exchange, `"StringEquals":{"`+cluster+`:aud":"STS.amazonaws.com"}`), "trust-audience", "the letter case differs", `write "sts.amazonaws.com"`, pod},
	{"missing /id/ in the key", key(strings.Replace(cluster, "/id/", "/", 1) + ":sub"), "trust-key", "/id/ is missing", cluster + ":sub", pod},
	{"no path in the key", key("oidc.eks.eu-central-1.amazonaws.com:sub"), "trust-key", "/id/ is missing", cluster + ":sub", pod},
	{"missing /id/ in the principal", principal(strings.Replace(providerARN, "/id/", "/", 1)), "trust-provider", "/id/ is missing", providerARN, pod},
	{"https in the principal", principal("arn:aws:iam::123456789012:oidc-provider/https://" + cluster), "trust-provider", "with the scheme", providerARN, pod},
	{"another cluster in the principal", principal(strings.Replace(providerARN, "0123456789ABCDEF0123456789ABCDEF", "FEDCBA98765432100123456789ABCDEF", 1)), "trust-provider", "the token is of the cluster", "another cluster", pod},
	{"a slip in the cluster's id", principal(strings.Replace(providerARN, "0123456789ABCDEF0", "0123456789ABCDEF1", 1)), "trust-provider", "the token is of the cluster", "one character differs", pod},
	{"another cluster in the key", key(strings.Replace(cluster, "0123456789ABCDEF0123456789ABCDEF", "FEDCBA98765432100123456789ABCDEF", 1) + ":sub"), "trust-key", "is of another cluster", cluster + ":sub", pod},
	{"a slash at the end of the principal", principal(providerARN + "/"), "trust-provider", "a slash at the end differs", providerARN, pod},
	{"a slash at the end of the key", key(cluster + "/:sub"), "trust-key", "a slash at the end", cluster + ":sub", pod},
	{"another issuer in the principal", principal("arn:aws:iam::123456789012:oidc-provider/gitlab.com"), "trust-provider", `"gitlab.com"`, "another issuer", pod},
	{"another issuer in the key", key("gitlab.com:sub"), "trust-key", "none of the token's", cluster + ":sub", pod},
	{"the other claim of the audience", key(cluster + ":oaud"), "trust-key", "none of the token's", cluster + ":aud", pod},
	{"a slip in the claim", key(cluster + ":subj"), "trust-key", "none of the token's", "one character differs", pod},
	{"namespace and service account swapped", sub("StringEquals", "system:serviceaccount:gitlab-jobs:gitlab"), "trust-subject", "are swapped", jobs, pod},
	{"the prefix is missing", sub("StringEquals", "gitlab:gitlab-jobs"), "trust-subject", "system:serviceaccount: is missing", jobs, pod},
	{"another namespace", sub("StringEquals", "system:serviceaccount:ci:gitlab-jobs"), "trust-namespace", `expects namespace "ci", and the token is of a pod in "gitlab"`, "namespace = ", pod},
	{"another service account", sub("StringEquals", "system:serviceaccount:gitlab:runner"), "trust-service-account", `expects service account "runner", and the token is of "gitlab-jobs"`, "service_account = ", pod},
	{"another service account by wildcard", sub("StringLike", "system:serviceaccount:gitlab:runner-*"), "trust-service-account", `"runner-*"`, "service_account = ", pod},
	{"another namespace by wildcard", sub("StringLike", "system:serviceaccount:ci-*:gitlab-*"), "trust-namespace", `"ci-*"`, "namespace = ", pod},
	{"another pod altogether", sub("StringEquals", "system:serviceaccount:ci:runner"), "trust-subject", "and the token has", jobs, pod},
	{"a project's policy for a pod", sub("StringEquals", "project_path:group/project:ref_type:branch:ref:main"), "trust-subject", "project_path:", jobs, pod},
	{"another branch", policy(`{"Federated":"arn:aws:iam::123456789012:oidc-provider/gitlab.com"}`, exchange, `"StringLike":{"gitlab.com:sub":"project_path:group/project:ref_type:tag:ref:*"}`), "trust-subject", "ref_type:tag", "ref_type:branch:ref:main", project},
	{"a claim that STS makes no key of", policy(`{"Federated":"arn:aws:iam::123456789012:oidc-provider/gitlab.com"}`, exchange, `"StringEquals":{"gitlab.com:project_id":"42"}`), "trust-key", "none that STS makes of this issuer's tokens", "remove this condition", project},
	{"Principal AWS", policy(`{"AWS":"arn:aws:iam::123456789012:root"}`, exchange, subAndAud), "trust-principal", "under AWS", `"Principal": {"Federated": "` + providerARN + `"}`, pod},
	{"Principal Service", policy(`{"Service":"pods.eks.amazonaws.com"}`, exchange, ""), "trust-principal", "under Service", "Federated", pod},
	{"the issuer without an ARN", principal(cluster), "trust-principal", "is not the ARN", providerARN, pod},
	{"a provider of another account", principal(strings.Replace(providerARN, "123456789012", "210987654321", 1)), "trust-account", `account "210987654321"`, "copied from there", pod},
	{"a provider of another partition", principal(strings.Replace(providerARN, "arn:aws:", "arn:aws-cn:", 1)), "trust-partition", `partition "aws-cn"`, providerARN, pod},
	{"AssumeRole", policy(federated, `"Action":"sts:AssumeRole"`, subAndAud), "trust-action", "for callers with AWS credentials", "sts:AssumeRoleWithWebIdentity", pod},
	{"another action", policy(federated, `"Action":["sts:AssumeRoleWithSAML","sts:TagSession"]`, subAndAud), "trust-action", "does not allow", "sts:AssumeRoleWithWebIdentity", pod},
	{"all actions but this", policy(federated, `"NotAction":"sts:AssumeRoleWith*"`, subAndAud), "trust-action", "NotAction", "sts:AssumeRoleWithWebIdentity", pod},
	{"another audience", policy(federated, exchange, `"StringEquals":{"`+cluster+`:aud":"https://gitlab.com"}`), "trust-audience", `expects aud "https://gitlab.com", and the token has "sts.amazonaws.com"`, "eks.amazonaws.com/audience", pod},
	{"another audience of id_tokens", policy(`{"Federated":"arn:aws:iam::123456789012:oidc-provider/gitlab.com"}`, exchange, `"StringEquals":{"gitlab.com:aud":"sts.amazonaws.com"}`), "trust-audience", `and the token has "https://gitlab.com"`, "id_tokens", project},
	{"a duplicate that hides the right one", policy(federated, exchange, `"StringEquals":{"`+cluster+`:sub":"`+jobs+`"},"StringEquals":{"`+cluster+`:sub":"other"}`), "trust-duplicate-keys", `"StringEquals" stands twice`, `into one "StringEquals"`, pod},
	{"a Deny", `{"Statement":[{"Effect":"Allow","Principal":` + federated + `,` + exchange + `,"Condition":{` + subAndAud + `}},{"Effect":"Deny","Principal":` + federated + `,"Action":"*"}]}`, "trust-deny", "statement 2 denies", "narrow the conditions of statement 2", pod},
	{"only a Deny", `{"Statement":{"Effect":"Deny","Principal":{"AWS":"1"},"Action":"*"}}`, "trust-principal", "no statement of the policy allows", "Effect Allow", pod},
	{"a negated condition", sub("StringNotEquals", jobs), "trust-subject", "StringNotEquals", "narrow what the condition excludes", pod},
	{"a session name", policy(federated, exchange, `"StringEquals":{"sts:RoleSessionName":"x"}`), "trust-condition", "sts:RoleSessionName", "change this condition", func() trust.Request {
		r := pod()
		r.Session = report.Value{Text: "y", From: "--session-name"}
		return r
	}},
	{"a claim that has to be there", policy(federated, exchange, `"Null":{"`+cluster+`:amr":"false"}`), "trust-condition", "does not have this key", "remove this condition", pod},
	{"a claim that must not be there", policy(federated, exchange, `"Null":{"`+cluster+`:sub":"true"}`), "trust-subject", "Null", "change this condition", pod},
}

func TestEverySlipIsNamedFirst(t *testing.T) {
	for _, c := range slips {
		t.Run(c.name, func(t *testing.T) {
			result := check(t, c.policy, c.request())
			f, _ := result.Report.First()
			if f.ID != c.id || f.Status != report.Fail || !strings.Contains(f.Cause, c.cause) {
				t.Fatalf("%s %s: %s\nwant %s: …%s…", f.Status, f.ID, f.Cause, c.id, c.cause)
			}
			if fix := f.Fix(); !strings.Contains(fix, c.fix) && !strings.Contains(tells(f.ID), c.fix) {
				t.Errorf("fix %s\nholds no %q", fix, c.fix)
			}
			if strings.Contains(f.Cause+f.Fix(), "(not known)") {
				t.Errorf("it has a gap: %s\n%s", f.Cause, f.Fix())
			}
			if f.Where[0].Line != 1 || f.Where[0].Column < 1 || f.Where[0].File != "trust.json" {
				t.Errorf("it is at %+v", f.Where)
			}
			if c.id == "trust-deny" {
				return
			}
			mended := check(t, f.Paste[0].Text, c.request())
			if mended.Decision != iam.Allowed {
				t.Errorf("the pasted policy does not admit the token: %v", mended.Decision)
			}
		})
	}
}

func TestWhatCannotBeToldIsUnknown(t *testing.T) {
	for _, c := range []struct{ name, policy, id, reason string }{
		{"an address", policy(federated, exchange, subAndAud+`,"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`), "trust-condition", `operator "IpAddress" is not evaluated`},
		{"a key of the call", policy(federated, exchange, subAndAud+`,"StringLike":{"aws:userid":"x"}`), "trust-condition", `the value of "aws:userid" is not known here`},
		{"a session name that is not known", policy(federated, exchange, subAndAud+`,"StringLike":{"sts:RoleSessionName":"x"}`), "trust-condition", "is not known here"},
		{"a policy variable", sub("StringEquals", "${aws:userid}"), "trust-condition", "policy variable"},
		{"everyone", policy(`"*"`, exchange, subAndAud), "trust-principal", "not documented"},
		{"all but one", strings.Replace(policy(`{"AWS":"1"}`, exchange, subAndAud), `"Principal"`, `"NotPrincipal"`, 1), "trust-principal", "NotPrincipal is not evaluated"},
		{"an action with a variable", policy(federated, `"Action":"${x}"`, subAndAud), "trust-action", "policy variable"},
		{"a Deny that depends", `{"Statement":[{"Effect":"Allow","Principal":` + federated + `,` + exchange + `,"Condition":{` + subAndAud + `}},{"Effect":"Deny","Principal":` + federated + `,"Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`, "trust-deny", `operator "Bool" is not evaluated`},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := check(t, c.policy, pod())
			f, _ := result.Report.First()
			if strings.Contains(f.Cause+f.Fix(), "(not known)") {
				t.Errorf("it has a gap: %s\n%s", f.Cause, f.Fix())
			}
			if result.Decision != iam.Undecided || f.Status != report.Unknown || f.ID != c.id || !strings.Contains(f.Cause, c.reason) {
				t.Errorf("%v: %s %s: %s", result.Decision, f.Status, f.ID, f.Cause)
			}
		})
	}
}

func TestAPolicyThatAdmitsTooMuchIsWarnedOf(t *testing.T) {
	gitlab := `{"Federated":"arn:aws:iam::123456789012:oidc-provider/gitlab.com"}`
	like := func(value string) string {
		return policy(gitlab, exchange, `"StringLike":{"gitlab.com:sub":"`+value+`"}`)
	}
	for _, c := range []struct {
		name, policy string
		request      func() trust.Request
		want         []string // sentences of the warnings, in part
	}{
		{"no condition", policy(federated, exchange, ""), pod, []string{"no condition that narrows sub"}},
		{"only aud", policy(federated, exchange, `"StringEquals":{"`+cluster+`:aud":"sts.amazonaws.com"}`), pod, []string{"no condition that narrows sub"}},
		{"any sub", sub("StringLike", "*"), pod, []string{"admits every token of"}},
		{"any service account", sub("StringLike", "system:serviceaccount:*"), pod, []string{"every service account of the cluster"}},
		{"any service account, in two parts", sub("StringLike", "system:serviceaccount:*:*"), pod, []string{"every service account of the cluster"}},
		{"any of a namespace", sub("StringLike", "system:serviceaccount:gitlab:*"), pod, []string{`every service account of namespace "gitlab"`}},
		{"some of a namespace", sub("StringLike", "system:serviceaccount:gitlab:gitlab-*"), pod, []string{`every service account of namespace "gitlab" whose name starts with "gitlab-"`}},
		{"some of a namespace by their end", sub("StringLike", "system:serviceaccount:gitlab:*-jobs"), pod, []string{`whose name ends with "-jobs"`}},
		{"some of a namespace by both ends", sub("StringLike", "system:serviceaccount:gitlab:g*-jobs"), pod, []string{`whose name starts with "g" and ends with "-jobs"`}},
		{"some of a namespace by their middle", sub("StringLike", "system:serviceaccount:gitlab:*lab-*"), pod, []string{`whose name has "lab-" in it`}},
		{"some of a namespace by a ?", sub("StringLike", "system:serviceaccount:gitlab:gitlab-j?bs"), pod, []string{`whose name is "gitlab-j?bs" with any character for each ?`}},
		{"the name in any namespace", sub("StringLike", "system:serviceaccount:*:gitlab-jobs"), pod, []string{`admits service account "gitlab-jobs" of every namespace`}},
		{"the name in some namespaces", sub("StringLike", "system:serviceaccount:gitlab*:gitlab-jobs"), pod, []string{`service account "gitlab-jobs" of every namespace whose name starts with "gitlab"`}},
		{"an end alone", sub("StringLike", "*gitlab-jobs"), pod, []string{`every service account whose name ends with "gitlab-jobs", of every namespace whose name is anything`}},
		{"a start that ends in the namespace", sub("StringLike", "system:serviceaccount:git*"), pod, []string{`whose name is anything, of every namespace whose name starts with "git"`}},
		{"two patterns, each for a part", policy(federated, exchange, `"StringLike":{"`+cluster+`:sub":["system:serviceaccount:*:gitlab-jobs","system:serviceaccount:gitlab:g*"]}`), pod, []string{`whose name starts with "g"`, `"gitlab-jobs" of every namespace`}},
		{"a pattern for another namespace", policy(federated, exchange, `"StringLike":{"`+cluster+`:sub":["`+jobs+`","system:serviceaccount:ci:*"]}`), pod, []string{`every service account of namespace "ci"`}},
		{"all but one", sub("StringNotEquals", "system:serviceaccount:ci:x"), pod, []string{"admits every token of"}},
		{"a * that lets nobody in", sub("StringLike", "system:*:gitlab:gitlab-jobs"), pod, nil},
		{"another condition undoes the *", policy(federated, exchange, `"StringLike":{"`+cluster+`:sub":"system:serviceaccount:*"},`+subAndAud), pod, nil},
		{"a Deny undoes the *", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + federated + `,` + exchange + `,"Condition":{"StringLike":{"` + cluster + `:sub":"*"}}},{"Effect":"Deny","Principal":` + federated + `,"Action":"*","Condition":{"StringNotEquals":{"` + cluster + `:sub":"` + jobs + `"}}}]}`, pod, nil},
		{"a Deny that leaves a namespace", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + federated + `,` + exchange + `},{"Effect":"Deny","Principal":` + federated + `,"Action":"*","Condition":{"StringNotLike":{"` + cluster + `:sub":"system:serviceaccount:gitlab:*"}}}]}`, pod, []string{`every service account of namespace "gitlab"`}},
		{"exact", policy(federated, exchange, subAndAud), pod, nil},
		{"a whole GitLab instance", like("project_path:*"), project, []string{"every project of the GitLab instance"}},
		{"a whole GitLab instance, its main branches", like("project_path:*/*:ref_type:branch:ref:*"), project, []string{"every project of the GitLab instance"}},
		{"a whole GitLab instance, one ref", like("project_path:*:ref_type:branch:ref:main"), project, []string{"every project of the GitLab instance"}},
		{"a ref alone", like("*:ref:main"), project, []string{"every project of the GitLab instance"}},
		{"a group", like("project_path:group/*"), project, []string{`every project of the GitLab group "group"`}},
		{"a group, one ref", like("project_path:group/*:ref_type:branch:ref:main"), project, []string{`every project of the GitLab group "group"`}},
		{"groups by their start", like("project_path:gr*"), project, []string{`whose path starts with "gr"`}},
		{"projects of one name", like("project_path:*/project:ref_type:branch:ref:main"), project, []string{`whose path ends with "/project"`}},
		{"a project without a colon behind it", like("project_path:group/project*"), project, []string{`whose path starts with "group/project"`}},
		{"a set operator on a missing key", policy(federated, exchange, subAndAud+`,"ForAllValues:StringEquals":{"`+cluster+`:amr":"x"}`), pod, []string{"holds also for a token that does not have this key"}},
		{"a set operator on a key that has to be there", policy(federated, exchange, subAndAud+`,"ForAllValues:StringEquals":{"`+cluster+`:aud":"sts.amazonaws.com"},"Null":{"`+cluster+`:aud":"false"}`), pod, nil},
		{"a pattern that fits everything", policy(federated, exchange, `"StringLike":{"`+cluster+`:aud":"*"},`+subAndAud), pod, []string{"holds for every value"}},
		{"a duplicate of which the last is less", policy(federated, exchange, `"StringEquals":{"`+cluster+`:sub":"x"},`+subAndAud), pod, []string{`"StringEquals" stands twice`}},
		{"everyone", policy(`"*"`, exchange, subAndAud), pod, []string{"names nobody in particular"}},
		{"a Deny that narrows", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + federated + `,` + exchange + `,"Condition":{` + subAndAud + `}},{"Effect":"Deny","Principal":"*","Action":"*","Condition":{"StringNotEquals":{"` + cluster + `:sub":"` + jobs + `"}}}]}`, pod, nil},
		{"another kind of token", policy(federated, exchange, `"StringLike":{"`+cluster+`:sub":["`+jobs+`","system:node:*"]}`), pod, []string{`whose sub starts with "system:node:"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := check(t, c.policy, c.request())
			var got []string
			for _, f := range result.Report.Findings() {
				if strings.Contains(f.Cause+f.Fix(), "(not known)") {
					t.Errorf("%s has a gap: %s\n%s", f.ID, f.Cause, f.Fix())
				}
				if f.Status == report.Warn {
					got = append(got, f.Cause)
				} else if f.Status != report.OK && c.name != "everyone" {
					t.Errorf("%s %s: %s", f.Status, f.ID, f.Cause)
				}
			}
			if len(got) != len(c.want) {
				t.Fatalf("warnings %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.Contains(got[i], c.want[i]) {
					t.Errorf("warning %q, want %q in it", got[i], c.want[i])
				}
			}
		})
	}
}

func TestTheNearestStatementIsTheOneThatIsExplained(t *testing.T) {
	other := strings.Replace(cluster, "0123456789ABCDEF0123456789ABCDEF", "FEDCBA98765432100123456789ABCDEF", 1)
	statements := []string{
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/x"},"Action":"sts:AssumeRole"}`,
		`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/` + other + `"},` + exchange + `,"Condition":{"StringEquals":{"` + other + `:sub":"` + jobs + `"}}}`,
		`{"Effect":"Allow","Principal":` + federated + `,` + exchange + `,"Condition":{"StringEquals":{"` + cluster + `:sub":"system:serviceaccount:gitlab:gitlab-job"}}}`,
	}
	for range statements {
		statements = append(statements[1:], statements[0])
		result := check(t, `{"Statement":[`+strings.Join(statements, ",\n")+`]}`, pod())
		if id, cause := first(result); id != "trust-service-account" {
			t.Errorf("%s: %s", id, cause)
		}
		fails := 0
		for _, f := range result.Report.Findings() {
			if f.Status == report.Fail {
				fails++
			}
		}
		if fails != 1 || len(result.Statements) != 3 {
			t.Errorf("%d findings fail, of %d statements", fails, len(result.Statements))
		}
	}
}

func TestEachElementIsShownWithWhatItExpectsAndWhy(t *testing.T) {
	result := check(t, strings.Replace(pod().Trust().JSON(), "gitlab-jobs", "gitlab-job", 1), pod())
	at := func(line, column int) report.Place {
		return report.Place{File: "trust.json", Line: line, Column: column}
	}
	want := []trust.Statement{{
		Number: 1, Effect: "Allow", Applies: iam.No, Where: at(4, 5), Elements: []trust.Element{
			{Name: "Principal", Expected: []string{providerARN}, Actual: []string{providerARN}, Holds: iam.Yes, Why: []string{}, Where: at(6, 7)},
			{Name: "Action", Expected: []string{iam.WebIdentityAction}, Actual: []string{iam.WebIdentityAction}, Holds: iam.Yes, Why: []string{}, Where: at(9, 7)},
			{Name: "Condition", Operator: "StringEquals", Key: cluster + ":aud", Expected: []string{"sts.amazonaws.com"}, Actual: []string{"sts.amazonaws.com"}, Holds: iam.Yes, Why: []string{}, Where: at(12, 11)},
			{
				Name: "Condition", Operator: "StringEquals", Key: cluster + ":sub", Expected: []string{"system:serviceaccount:gitlab:gitlab-job"}, Actual: []string{jobs}, Holds: iam.No,
				Why: []string{`the policy expects service account "gitlab-job", and the token is of "gitlab-jobs"`}, Where: at(13, 11),
			},
		},
	}}
	if diff := cmp.Diff(want, result.Statements); diff != "" {
		t.Error(diff)
	}
}

func TestATextInAFileIsAtThePlaceOfTheText(t *testing.T) {
	result, err := trust.Check(iam.Document{Policy: []byte(key("gitlab.com:sub")), Base: iam.Position{Line: 7, Column: 9}}, "state.json", pod())
	if err != nil {
		t.Fatal(err)
	}
	f, _ := result.Report.First()
	if diff := cmp.Diff([]report.Place{{File: "state.json", Line: 7, Column: 9}}, f.Where); diff != "" {
		t.Error(diff)
	}
}
