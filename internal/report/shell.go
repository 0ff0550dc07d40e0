package report

import "strings"

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
