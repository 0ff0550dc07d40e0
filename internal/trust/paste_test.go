package trust_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

var hostile = []string{
	"$(touch x)", "`touch x`", `"; touch x; "`, `'; touch x; '`, "\ntouch x\n", `${aws:username}`, "${file(\"/etc/passwd\")}", "%{ for x in y }",
	"$${x}", "$$${x}", "%%%{x}", "&{aws:username}", "\x1b[2J", "\u202e", "\u2028", "section_start:1:x", `\u0041\`, "\x00", "*?", "<&>", "\U000e0001",
}

func quote(t *testing.T, s string) string {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestAPastedFixHoldsAHostileSubjectAsPlainText(t *testing.T) {
	for _, h := range hostile {
		req := project()
		req.Subject.Text += h
		policy := strings.Replace(project().Trust().JSON(), "main", "other", 1)
		f, bad := check(t, policy, req).Report.First()
		if !bad || len(f.Paste) != 2 {
			t.Fatalf("%q: no fix in %+v", h, f)
		}
		for _, p := range f.Paste {
			if i := strings.IndexFunc(p.Text, func(r rune) bool {
				return r != '\n' && (!unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r))
			}); i >= 0 || strings.Contains(p.Text, "section_start:") {
				t.Errorf("%s of %q: a terminal would obey %q", p.For, h, p.Text)
			}
		}
		var asJSON struct {
			Statement []struct {
				Condition struct{ StringEquals map[string]string }
			}
		}
		if err := json.Unmarshal([]byte(f.Paste[0].Text), &asJSON); err != nil {
			t.Fatal(err)
		}
		// What IAM reads where a policy variable could stand.
		want := strings.ReplaceAll(req.Subject.Text, "${", "${$}{")
		if got := asJSON.Statement[0].Condition.StringEquals["gitlab.com:sub"]; got != want {
			t.Errorf("JSON holds %q, want %q", got, want)
		}
		if got := terraformStrings(t, f.Paste[1].Text); !slices.Contains(got, want) {
			t.Errorf("Terraform holds %q, want %q among them", got, want)
		}
	}
}

// terraformStrings reads the quoted strings of a text by the rules of HCL's
// grammar, and fails at a template in one of them.
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions
func terraformStrings(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		if runes[i] != '"' {
			if strings.ContainsRune("$%&`'", runes[i]) {
				t.Fatalf("%q stands outside of a string in %s", runes[i], text)
			}
			continue
		}
		var b strings.Builder
		for i++; runes[i] != '"'; i++ {
			switch rest := string(runes[i:min(i+3, len(runes))]); {
			case rest == "$${" || rest == "%%{":
				b.WriteString(rest[1:])
				i += 2
			case strings.HasPrefix(rest, "${"), strings.HasPrefix(rest, "%{"):
				t.Fatalf("a template in %s", text)
			case runes[i] == '\n':
				t.Fatalf("a string over two lines in %s", text)
			case runes[i] == '\\':
				i++
				digits := map[rune]int{'u': 4, 'U': 8}[runes[i]]
				switch {
				case digits > 0:
					var r rune
					for _, d := range runes[i+1 : i+1+digits] {
						r = r*16 + rune(strings.IndexRune("0123456789abcdef", d))
					}
					b.WriteRune(r)
					i += digits
				case runes[i] == 'n':
					b.WriteRune('\n')
				case runes[i] == '"' || runes[i] == '\\':
					b.WriteRune(runes[i])
				default:
					t.Fatalf(`\%c is no escape of HCL`, runes[i])
				}
			default:
				b.WriteRune(runes[i])
			}
		}
		all = append(all, b.String())
	}
	return all
}

// tells is how a finding's causes are told apart.
func tells(check string) string {
	var b strings.Builder
	for _, c := range catalogue.All() {
		for _, cause := range c.Causes {
			if c.Check == check {
				b.WriteString(cause.Tell + "\n")
			}
		}
	}
	return b.String()
}
