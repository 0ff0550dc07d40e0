package runner

import (
	"net/url"
	"slices"
	"strings"
)

const hiddenPart = "[hidden]"

// hide takes from a text what opens a cache to whoever reads it: the query of a
// pre-signed URL, its parts, the user in a URL, and the values of headers,
// variables and JSON keys that hold credentials. Runners print such texts in the
// errors of a retry.
// https://gitlab.com/gitlab-org/gitlab-runner/-/issues/4625
func hide(s string) string {
	return hideLevel(s, 0)
}

// maxEncoded is how often a text may be percent-encoded and still be read.
const maxEncoded = 3

func hideLevel(s string, level int) string {
	if !strings.ContainsAny(s, "?@=#:%") {
		return s
	}
	var b strings.Builder
	name := notName // what the text before says of what comes
	depth := 0      // brackets that a secret's value has opened: nothing in them is shown
	for s != "" {
		n := strings.IndexAny(s, between)
		if n == 0 {
			if (name == valueComes || depth > 0) && strings.IndexByte(quotes, s[0]) >= 0 {
				end := strings.IndexByte(s[1:], s[0])
				if end < 0 {
					end = len(s) - 1
				}
				b.WriteString(s[:1])
				if s, name = s[1+end:], notName; end > 0 {
					b.WriteString(hiddenPart)
				}
				if s != "" { // the quote that closes it
					b.WriteByte(s[0])
					s = s[1:]
				}
				continue
			}
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if n < 0 {
			n = len(s)
		}
		word := s[:n]
		if depth > 0 {
			word, n, depth = hideInside(word, depth)
			b.WriteString(word)
			s, name = s[n:], notName
			continue
		}
		s = s[n:]
		if name != notName && strings.Trim(word, opening+closers+",") == "" {
			if name, depth = valueComes, opened(word); strings.ContainsAny(word, closers+",") {
				name = notName // nothing stood there
			}
			b.WriteString(word)
			continue
		}
		if sign := strings.IndexAny(word, ":="); name == nameStands && sign == 0 {
			b.WriteString(word[:1] + hiddenPart)
			name, depth = notName, opened(word)
			continue
		}
		if name == valueComes {
			depth = opened(word)
			b.WriteString(hiddenPart)
			if name = notName; isScheme(word) {
				name = valueComes
			}
			continue
		}
		word, name, depth = hideWord(word, level)
		b.WriteString(word)
	}
	return b.String()
}

// What stands between words, those of it that may enclose a value, and what
// stands between a name and its value.
const (
	opening = ":=>[{("
	quotes  = "\"'"
	between = " \t\r\n<>\\" + quotes
)

const (
	openers = "[{("
	closers = "]})"
)

// opened is how many brackets a value opens and does not close.
func opened(value string) int {
	n := 0
	for i := range len(value) {
		switch {
		case strings.IndexByte(openers, value[i]) >= 0:
			n++
		case strings.IndexByte(closers, value[i]) >= 0:
			n--
		}
	}
	return max(n, 0)
}

// hideInside hides a word of a list or an object that is a secret's value. used is
// how much of it stands in there, and left how many brackets are open then. A
// bracket that closes the last one ends the value only where the word may end.
func hideInside(word string, depth int) (shown string, used, left int) {
	end := len(word)
	for i := range len(word) {
		switch {
		case strings.IndexByte(openers, word[i]) >= 0:
			depth++
		case strings.IndexByte(closers, word[i]) >= 0:
			depth--
		}
		if depth == 0 {
			if i+1 == len(word) || strings.IndexByte(closers+",;:", word[i+1]) >= 0 {
				end = i
			}
			break
		}
	}
	used = min(end+1, len(word))
	if strings.Trim(word[:end], openers+closers+",:=") == "" {
		return word[:used], used, depth
	}
	return hiddenPart + word[end:used], used, depth
}

// isScheme reports whether a word of an Authorization header stands before the
// credentials themselves.
func isScheme(word string) bool {
	return slices.Contains([]string{"bearer", "basic", "aws4-hmac-sha256", "aws"}, lowerASCII(word))
}

// naming is what a word says of the next.
type naming int

const (
	notName    naming = iota
	nameStands        // a name of a secret: its value comes after : or =
	valueComes        // a name and its sign: the value is next
)

// hideWord hides what is secret in a word. open is how many brackets it leaves
// open in a secret's value.
func hideWord(w string, level int) (shown string, next naming, open int) {
	if strings.ContainsRune(w, '%') {
		if plain := unescape(w); plain != w {
			if level == maxEncoded {
				return hiddenPart, notName, 0
			}
			if hidden := hideLevel(plain, level+1); hidden != plain {
				return hidden, notName, 0
			}
		}
	}
	scheme, after, isURL := strings.Cut(w, "://")
	if isURL {
		host, _, _ := strings.Cut(after, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			w = scheme + "://" + hiddenPart + after[at:]
		}
	}
	if i := strings.IndexAny(w, "?#"); i >= 0 && (isURL || strings.Contains(w[i:], "=")) {
		return w[:i+1] + hiddenPart, notName, 0
	}
	for from := 0; from < len(w); {
		n := strings.IndexFunc(w[from:], func(r rune) bool { return !inName(r) })
		if n < 0 {
			n = len(w) - from
		}
		end := from + n
		switch {
		case n == 0 || !isSecret(w[from:end]):
		case end == len(w):
			return w, nameStands, 0
		case w[end] != ':' && w[end] != '=':
		case strings.Trim(w[end:], opening) == "":
			return w, valueComes, opened(w[end:])
		default:
			return w[:end+1] + hiddenPart, notName, opened(w[end:])
		}
		from = end + 1
	}
	return w, notName, 0
}

func inName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r > 127
}

// isSecret reports whether a name is one of a secret. The codes of errors, which
// stand before a colon as names do, are none.
func isSecret(name string) bool {
	name = strings.NewReplacer("-", "", "_", "").Replace(lowerASCII(name))
	if strings.Contains(name, "xamz") || strings.Contains(name, "secret") {
		return true
	}
	for _, code := range []string{"expired", "invalid", "missing", "unrecognized"} {
		if strings.HasPrefix(name, code) {
			return false
		}
	}
	return slices.ContainsFunc([]string{"signature", "credential", "token", "tokens", "accesskey", "accesskeyid", "privatekey", "password", "passwords", "passwd", "authorization"},
		func(end string) bool { return strings.HasSuffix(name, end) })
}

// unescape takes one level of percent-encoding from a word. What is not such an
// encoding stays.
func unescape(w string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(w, "%")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if w = after; len(w) >= 2 {
			if c, err := url.PathUnescape("%" + w[:2]); err == nil {
				b.WriteString(c)
				w = w[2:]
				continue
			}
		}
		b.WriteByte('%')
	}
}

// hideName is hide for a key, and for a URL without its query: such a name may
// look like a variable with a value, and would no longer be the name.
func hideName(s string) string {
	lower := lowerASCII(unescape(s))
	for _, part := range []string{"x-amz-", "x%2damz", "signature=", "signature%3d", "?"} {
		if strings.Contains(lower, part) {
			return hide(s)
		}
	}
	return s
}

// lowerASCII keeps each byte where it is, which strings.ToLower does not.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
