package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ShellWord writes s, cleaned, as one word of a POSIX shell, for a line that a
// person pastes.
func ShellWord(s string) string {
	s = Clean(s)
	if s != "" && strings.IndexFunc(s, needsQuotes) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func needsQuotes(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_@%+=:,./-", r)
}

// QuotedString writes s between double quotes as TOML, HCL and their like read it:
// with \u and \U for whatever a terminal or a job log would obey and not show.
// Where special knows a character of the language's own, that is written in its
// place; rest is what follows it.
func QuotedString(s string, special func(r rune, rest string) (string, bool)) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		if own, ok := special(r, s[min(i+utf8.RuneLen(r), len(s)):]); ok {
			b.WriteString(own)
			continue
		}
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r) && !unicode.Is(unicode.Bidi_Control, r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return strings.NewReplacer("section_start:", `section_start\u003a`, "section_end:", `section_end\u003a`).Replace(b.String())
}
