package refs

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// mark stands for each character of a Go template that is not evaluated. It is a
// character for private use, so neither YAML nor TOML give it a meaning.
const mark = "\uE000"

// unmask writes a masked template as "{{ }}".
func unmask(s string) string {
	if !strings.Contains(s, mark) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		n := i
		for strings.HasPrefix(s[n:], mark) {
			n += len(mark)
		}
		if n > i {
			b.WriteString("{{ }}")
			i = n
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// masked is a text whose Go templates have been taken out. Lines and columns are
// those that it had.
type masked struct {
	text   []byte
	at     []int // where each template starts
	blanks []int // where those start that have a line to themselves: they may add or take lines
}

// notEvaluated is what is said of a template.
const (
	notEvaluated  = "is a Go template, which is not evaluated"
	manyTemplates = " Go templates, which are not evaluated"
)

// mask takes the Go templates out of a text. One that has its lines to itself
// becomes blank; another becomes a word, so that what stands around it can still
// be read.
func mask(text []byte) masked {
	if !bytes.Contains(text, []byte("{{")) || !utf8.Valid(text) {
		return masked{text: text}
	}
	var m masked
	var out []byte
	for len(text) > 0 {
		open := bytes.Index(text, []byte("{{"))
		if open < 0 {
			break
		}
		end := bytes.Index(text[open:], []byte("}}"))
		if end < 0 {
			break
		}
		end += open + 2
		out = append(out, text[:open]...)
		m.at = append(m.at, len(out))
		if alone(out, text[end:]) {
			m.blanks = append(m.blanks, len(out))
			out = cover(out, text[open:end], " ")
		} else {
			out = cover(out, text[open:end], mark)
		}
		text = text[end:]
	}
	m.text = append(out, text...)
	return m
}

// cover writes a filler for each character but line breaks.
func cover(out, template []byte, filler string) []byte {
	for len(template) > 0 {
		r, n := utf8.DecodeRune(template)
		if r == '\n' || r == '\r' {
			out = append(out, template[:n]...)
		} else {
			out = append(out, filler...)
		}
		template = template[n:]
	}
	return out
}

// alone reports whether nothing but blanks and other templates share the line.
func alone(before, after []byte) bool {
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	if len(bytes.TrimSpace(line)) > 0 {
		return false
	}
	for {
		rest, _, _ := bytes.Cut(after, []byte("\n"))
		rest = bytes.TrimSpace(rest)
		if len(rest) == 0 {
			return true
		}
		end := bytes.Index(after, []byte("}}"))
		if !bytes.HasPrefix(rest, []byte("{{")) || end < 0 {
			return false
		}
		after = after[end+2:]
	}
}

// blankBare blanks the lines of a TOML text in which a template stands outside of
// quotes: of what type the value will be nobody knows yet. It gives the offsets of
// those lines. Lines keep their lengths.
func blankBare(text []byte) []int {
	var at []int
	for start := 0; start < len(text); {
		end := len(text)
		if n := bytes.IndexByte(text[start:], '\n'); n >= 0 {
			end = start + n
		}
		if line := text[start:end]; bare(line) {
			at = append(at, start)
			for i := range line {
				line[i] = ' '
			}
		}
		start = end + 1
	}
	return at
}

// bare reports whether a mark stands outside of quotes and comments.
func bare(line []byte) bool {
	if !bytes.Contains(line, []byte(mark)) {
		return false
	}
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#':
			return false
		case bytes.HasPrefix(line[i:], []byte(mark)):
			return true
		}
	}
	return false
}
