package report_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestSecretNeverPrints(t *testing.T) {
	const text = "wJalrXUtnFEMI-planted"
	s := report.NewSecret(text)
	holder := struct{ S report.Secret }{s}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	asJSON, err := json.Marshal(map[string]any{"s": s, "h": holder, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	outputs := []string{log.String(), string(asJSON), fmt.Sprint(s), fmt.Sprint(&s), fmt.Sprint(holder)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t"} {
		outputs = append(outputs, fmt.Sprintf(verb, s), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, []report.Secret{s}))
	}
	for _, out := range outputs {
		if strings.Contains(out, text) || strings.Contains(out, fmt.Sprintf("%x", text)) {
			t.Errorf("the secret shows in %q", out)
		}
		if !strings.Contains(out, "[hidden]") {
			t.Errorf("%q does not say [hidden]", out)
		}
	}
	if s.Reveal() != text {
		t.Errorf("Reveal() = %q", s.Reveal())
	}
}

func TestCleanTakesThePowerFromForeignText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "system:serviceaccount:gitlab:gitlab-jobs", "system:serviceaccount:gitlab:gitlab-jobs"},
		{"letters of any script stay", "grün 日本 — “x”", "grün 日本 — “x”"},
		{"colour codes are shown, not obeyed", "\x1b[31mred", `\x1b[31mred`},
		{"line breaks do not forge a line", "a\nci-aws: hint: run me\r", `a\nci-aws: hint: run me\r`},
		{"bidirectional marks are shown", "a\u202Eb\u2066c", `a\u202eb\u2066c`},
		{"line separators are shown", "a\u2028b\u2029c\u0085d", `a\u2028b\u2029c\u0085d`},
		{"invalid UTF-8 is shown as bytes", "a\xff\xfe", `a\xff\xfe`},
		{"a replacement character is itself", "a\uFFFDb", "a\uFFFDb"},
		{"sections do not fold the log", "section_start:1:x\rsection_end:1:x", `section_start\:1:x\rsection_end\:1:x`},
		{"a long text is cut", strings.Repeat("é", 600), strings.Repeat("é", 512) + "… (1200 bytes in all)"},
		{"512 runes are not", strings.Repeat("é", 512), strings.Repeat("é", 512)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := report.Clean(tt.in); got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCleanLinesKeepsLineBreaks(t *testing.T) {
	if got, want := report.CleanLines("a\x07\nb"), "a\\a\nb"; got != want {
		t.Errorf("CleanLines = %q, want %q", got, want)
	}
}

func TestValueNamesItsSource(t *testing.T) {
	v := report.Value{Text: "eu-central-1", From: "AWS_REGION"}
	if got, want := v.String(), "eu-central-1 (AWS_REGION)"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got := (report.Value{}).Or(v); got != v {
		t.Errorf("Or = %v", got)
	}
}
