package refs

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// TestBadInputIsNamedByPlaceAndNeverQuoted reads one broken file beside a good one.
func TestBadInputIsNamedByPlaceAndNeverQuoted(t *testing.T) {
	const good = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: gitlab-jobs}\n"
	for _, c := range []struct {
		name, file, in string
		want           []string // of Unread: line:column kind: reason
		accounts       int      // that the file gives all the same
	}{
		{"a tab in the indentation", "a.yaml", "kind: ServiceAccount\nmetadata:\n\tname: PLANTED\n", []string{"3:1 broken: is not YAML: a tab stands where only blanks may"}, 0},
		{"a value in the place of a key", "a.yaml", "kind: ServiceAccount\nname: PLANTED: x\n", []string{"2:1 broken: is not YAML: a key stands where a value must: the indentation, or a colon in a text without quotes"}, 0},
		{"an indentation of its own", "a.yaml", "apiVersion: v1\nmetadata:\n    name: a\n  PLANTED: b\n", []string{"4:3 broken: is not YAML: a line stands at an indentation that fits none before it"}, 0},
		{"a quote that stays open", "a.yaml", "apiVersion: v1\nkind: \"PLANTED\nmetadata: {}\n", []string{"2:1 broken: is not YAML: a text is not closed by its quote"}, 0},
		{"a bracket that stays open", "a.yaml", "apiVersion: v1\nargs: [PLANTED, b\nkind: Pod\n", []string{"2:1 broken: is not YAML: a list or mapping in brackets is not closed"}, 0},
		{"an alias of nothing", "a.yaml", "apiVersion: *PLANTED\n", []string{"1:1 broken: is not YAML: an alias names an anchor that is not there"}, 0},
		{"one broken document of three", "a.yaml", good + "---\na: b: PLANTED\n---\n" + good, []string{"5:1 broken: is not YAML: a key stands where a value must: the indentation, or a colon in a text without quotes"}, 2},
		{"YAML with Windows line ends", "a.yaml", "apiVersion: v1\r\nkind: ServiceAccount\r\nmetadata:\r\n  name: a\r\n", nil, 1},
		{"YAML behind a byte order mark", "a.yaml", "\uFEFF" + good, nil, 1},
		{"UTF-16, little end first", "a.yaml", inUTF16(good, binary.LittleEndian), []string{"0:0 broken: is UTF-16: save it as UTF-8"}, 0},
		{"UTF-16, big end first", "a.json", inUTF16("{}", binary.BigEndian), []string{"0:0 broken: is UTF-16: save it as UTF-8"}, 0},
		{"Latin-1", "a.yaml", "apiVersion: v1\nname: gr\xf6\xdfer\n", []string{"2:9 broken: is not YAML: a character is not UTF-8"}, 0},
		{"a binary file", "a.yaml", "\x7fELF\x00\x00PLANTED", []string{"0:0 binary: is binary"}, 0},
		{"broken JSON", "a.json", "{\n  \"Statement\": [PLANTED]\n}", []string{"2:17 broken: is not JSON"}, 0},
		{"JSON that ends too early", "a.json", "{\"Statement\": [\n{\"Sid\": \"PLANTED\"", []string{"2:17 broken: is not JSON"}, 0},
		{"broken TOML", "a.toml", "[[runners]]\n  name = PLANTED\n", []string{"2:10 broken: is no configuration that gitlab-runner reads: the value is neither a text in quotes nor a number, true or false"}, 0},
		{"a number for a name", "a.toml", "[[runners]]\n  [runners.kubernetes]\n    service_account = 4711\n", []string{"3:23 broken: is no configuration that gitlab-runner reads: service_account is not a text in quotes"}, 0},
		{"broken TOML in Helm values", "a.yaml", "runners:\n  config: |\n    [[runners]]\n      name = PLANTED\n", []string{"4:14 broken: is no configuration that gitlab-runner reads: the value is neither a text in quotes nor a number, true or false"}, 0},
		{"a duplicate key", "a.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: PLANTED\n  name: a\n", []string{"4:3 duplicate: is a key that stands again in line 5, where it counts"}, 1},
		{"a duplicate key in JSON", "a.json", "{\"apiVersion\": \"v1\", \"kind\": \"PLANTED\",\n\"kind\": \"ServiceAccount\", \"metadata\": {}}", []string{"1:22 duplicate: is a key that stands again in line 2, where it counts"}, 1},
		{"a template that no YAML survives", "a.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ .x }}: PLANTED: y\n", []string{"4:3 templated: is a template that cannot be read before Helm renders it: give what `helm template` prints"}, 0},
		{"a template that can be read round", "a.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ .x }}\n", []string{"4:9 templated: is a Go template, which is not evaluated"}, 1},
		{"Terraform's own language", "a.tf", "resource \"x\" \"PLANTED\" {}\n", []string{"0:0 terraform: is not evaluated: give what `terraform show -json` prints"}, 0},
		{"nothing that is known", "a.txt", "Dear PLANTED,\n", []string{"0:0 nothing: holds nothing that has to do with roles, service accounts or runners"}, 0},
		{"an empty file", "a.yaml", "", []string{"0:0 nothing: is empty"}, 0},
		{"an anchor within itself", "a.yaml", "apiVersion: v1\nkind: List\nitems: &a [*a]\n", []string{"0:0 nothing: holds nothing that has to do with roles, service accounts or runners"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := readAll(t, map[string]string{c.file: c.in, "good.yaml": good}, []string{c.file, "good.yaml"})
			var got []string
			for _, u := range set.Unread {
				got = append(got, fmt.Sprintf("%d:%d %s: %s", u.At.Line, u.At.Column, u.Kind, u.Reason))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			if n := len(set.Accounts); n != c.accounts+1 {
				t.Errorf("%d accounts, not %d and that of the good file", n, c.accounts)
			}
			if s := fmt.Sprintf("%+v", set); strings.Contains(s, "PLANTED") {
				t.Errorf("the set holds what it must not: %s", s)
			}
		})
	}
}

func inUTF16(s string, order binary.AppendByteOrder) string {
	b := make([]byte, 0, 2*len(s))
	for _, unit := range utf16.Encode([]rune("\uFEFF" + s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// TestBombsStaySmall reads texts that grow a thousandfold for whoever follows them.
func TestBombsStaySmall(t *testing.T) {
	lists := "apiVersion: v1\nkind: List\nx0: &x0 {apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}\n"
	merges := "k0: &k0 {" + strings.Repeat("a: b, ", 1) + "z: z}\n"
	for i := 1; i < 60; i++ {
		lists += fmt.Sprintf("x%d: &x%d {apiVersion: v1, kind: List, items: [%s*x%d]}\n", i, i, strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 8), i-1)
		merges += fmt.Sprintf("k%d: &k%d\n  <<: [%s*k%d]\n  n%d: 1\n", i, i, strings.Repeat(fmt.Sprintf("*k%d, ", i-1), 200), i-1, i)
	}
	flat := "apiVersion: v1\nkind: List\nx: &x {apiVersion: v1, kind: ServiceAccount}\nitems:\n" + strings.Repeat("- *x\n", 2*maxObjects)
	for _, c := range []struct {
		name, in string
		want     Unread
	}{
		{"lists of lists", lists + "items: [*x59]\n", Unread{}},
		{"merge keys", merges, Unread{Kind: Skipped, Reason: "has more merge keys than are followed"}},
		{"one list", flat, Unread{Kind: Skipped, Reason: "has more objects than are read"}},
		{"brackets", "kind: " + strings.Repeat("[", 100_000), Unread{Kind: Broken, Reason: "is not YAML: it is nested too deeply"}},
		{"brackets of JSON", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), Unread{Kind: Broken, Reason: "is nested too deeply"}},
		{"a document without end", "apiVersion: " + strings.Repeat("x", maxYAML), Unread{Kind: Broken, Reason: "is a document of YAML with more than 8 MiB: give it as JSON"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := "a.yaml"
			if strings.HasSuffix(c.name, "JSON") {
				file = "a.json"
			}
			set := parse(file, []byte(c.in), true)
			if len(set.Accounts) > maxObjects {
				t.Errorf("%d accounts", len(set.Accounts))
			}
			found := c.want == Unread{}
			for _, u := range set.Unread {
				found = found || u.Kind == c.want.Kind && u.Reason == c.want.Reason
			}
			if !found {
				t.Errorf("unread: %v, want %v", set.Unread, c.want)
			}
		})
	}
}

// TestPlacesOfPoliciesAreTheFiles maps what internal/iam says of a policy back.
func TestPlacesOfPoliciesAreTheFiles(t *testing.T) {
	const sub = `{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Federated\": \"gitlab.com\"}, \"Action\": \"sts:AssumeRoleWithWebIdentity\", \"Condition\": {\"StringEquals\": {\"gitlab.com:sub\": \"x\"}}}]}`
	for _, c := range []struct{ name, in string }{
		{"by itself", "\n\n  " + strings.ReplaceAll(sub, `\`, "")},
		{"in a role", `{"RoleName": "größer",` + "\n" + `"AssumeRolePolicyDocument": ` + strings.ReplaceAll(sub, `\`, "") + "}"},
		{"in a string", `{"RoleName": "größer",` + "\n" + `"AssumeRolePolicyDocument": "` + sub + `"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := parse("a.json", []byte(c.in), true)
			policies := set.Trusts
			for _, r := range set.Roles {
				policies = append(policies, *r.Trust)
			}
			if len(policies) != 1 {
				t.Fatalf("%d policies: %v", len(policies), set.Unread)
			}
			p := policies[0]
			got := p.Place(p.Policy.Statements[0].Conditions[0].At)
			if want := p.Statements[0].Conditions[0].Key.At; got != want || !strings.HasPrefix(strings.TrimLeft(from(c.in, got), `\"`), "gitlab.com:sub") {
				t.Errorf("got %v, want %v", got, want)
			}
			if got, want := p.Place(p.Policy.Statements[0].Elements["Condition"]), p.Statements[0].ConditionAt; got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// TestLinesForDiffsHoldNothingElse keeps a line only where a key and a name are all
// that it has.
func TestLinesForDiffsHoldNothingElse(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
	}{
		{"a plain value", "  name: gitlab-jobs", "  name: gitlab-jobs"},
		{"a value in quotes", "  name: \"gitlab-jobs\"  ", "  name: \"gitlab-jobs\"  "},
		{"an item of a list", "  - name: gitlab-jobs", ""},
		{"a comment", "  name: gitlab-jobs # PLANTED", ""},
		{"another value on the line", "  {name: gitlab-jobs, x: PLANTED}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := parse("a.yaml", []byte("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n"+c.in+"\n"), true)
			got := ""
			for _, a := range set.Accounts {
				got, _ = set.Line(a.Name)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if _, ok := (Set{}).Line(Text{Text: "x", At: report.Place{File: "a", Line: 1}}); ok {
		t.Error("a line of no file")
	}
}
