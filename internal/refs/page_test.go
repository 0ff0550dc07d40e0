package refs

import (
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// TestTextsWithinTextsKeepTheirPlaces puts one configuration into every kind of
// scalar. The account's place is where the file has its name.
func TestTextsWithinTextsKeepTheirPlaces(t *testing.T) {
	for _, c := range []struct{ name, in string }{
		{"literal", "runners:\n  config: |\n    [[runners]]\n      [runners.kubernetes]\n      service_account = \"gitlab-jobs\"\n"},
		{"literal that starts with blank lines", "runners:\n  config: | # TOML\n\n\n    [[runners]]\n      [runners.kubernetes]\n      service_account = \"gitlab-jobs\"\n"},
		{"literal with an indentation of its own", "runners:\n  config: |2-\n      [[runners]]\n      [runners.kubernetes]\n      service_account = \"gitlab-jobs\"\n\n"},
		{"literal with Windows line ends", "runners:\r\n  config: |\r\n    [[runners]]\r\n      [runners.kubernetes]\r\n      service_account = \"gitlab-jobs\"\r\n"},
		{"literal behind a byte order mark", "\uFEFFrunners:\n  config: |\n    [[runners]]\n    [runners.kubernetes]\n    service_account = \"gitlab-jobs\"\n"},
		{"literal behind an anchor and a tag", "runners:\n  config: &c !!str |\n    [[runners]]\n    [runners.kubernetes]\n    service_account = \"gitlab-jobs\"\n"},
		{"folded", "runners:\n  config: >\n    [[runners]]\n\n    [runners.kubernetes]\n\n    service_account = \"gitlab-jobs\"\n"},
		{"in single quotes", "runners:\n  config: '[[runners]]\n\n    name = ''größer''\n\n    [runners.kubernetes]\n\n    service_account = \"gitlab-jobs\"'\n"},
		{"in double quotes", `runners: {config: "[[runners]]\n  name = \"gr\xf6\u00dfer\"\n  [runners.kubernetes]\n  service_account = \"gitlab-jobs\"\n"}` + "\n"},
		{"in double quotes over lines", "runners:\n  config: \"[[runners]]\\n\n    [runners.kubernetes]\\n\\\n    \\  service_account\n    = \\\"gitlab-jobs\\\"\"\n"},
		{"in double quotes with empty lines", "runners:\n  config: \"[[runners]]\n\n    [runners.kubernetes]\n\n    service_account = \\\"gitlab-jobs\\\"\"\n"},
		{"in JSON", `{"runners": {"config": "[[runners]]\n name = \"\ud83d\ude00 ü\" # \u00e9\n [runners.kubernetes]\n service_account = \"gitlab-jobs\""}}`},
		{"in the values of a release, twice wrapped", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    chart: gitlab-runner\n    helm:\n      values: |\n        runners:\n          config: |\n            [[runners]]\n            [runners.kubernetes]\n            service_account = \"gitlab-jobs\"\n"},
		{"behind templates", "{{- $x := 1 }}\nrunners: # {{ ä }}\n  config: |\n    [[runners]]\n    {{- if .x }} {{ end }}\n    name = \"{{ .Release.Name | default \"ü\" }}\"\n    limit = {{ .limit }}\n    [runners.kubernetes]\n    service_account = \"gitlab-jobs\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := "a.yaml"
			if strings.HasPrefix(c.in, "{\"") {
				file = "a.json"
			}
			set := parse(file, []byte(c.in), true)
			if len(set.Runners) != 1 {
				t.Fatalf("%d runners: %v", len(set.Runners), set.Unread)
			}
			got := set.Runners[0].Kubernetes.ServiceAccount
			lines := strings.Split(strings.TrimPrefix(c.in, "\uFEFF"), "\n")
			var want report.Place
			for i, l := range lines {
				if before, _, ok := strings.Cut(l, "gitlab-jobs"); ok {
					// The text starts with its quote, which may be escaped.
					before = strings.TrimSuffix(strings.TrimSuffix(before, `"`), `\`)
					want = report.Place{File: file, Line: i + 1, Column: starts([]byte(before)) + 1}
				}
			}
			if got.Text != "gitlab-jobs" || got.At != want {
				t.Errorf("got %q at %+v, want it at %+v", got.Text, got.At, want)
			}
		})
	}
}

// TestColumnsCountCharacters looks at long lines, which are counted in blocks.
func TestColumnsCountCharacters(t *testing.T) {
	for _, n := range []int{0, 1, block/2 - 1, block / 2, block/2 + 1, 3 * block} {
		text := "x\n" + strings.Repeat("ü", n) + "!"
		p := newPage("a", []byte(text))
		if got, want := p.place(len(text)-1), (report.Place{File: "a", Line: 2, Column: n + 1}); got != want {
			t.Errorf("behind %d: got %+v, want %+v", n, got, want)
		}
		if got := p.runeAt(2, n+1); got != len(text)-1 {
			t.Errorf("column %d is at %d, not %d", n+1, got, len(text)-1)
		}
	}
}
