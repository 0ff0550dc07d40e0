package smoke

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// markup writes HTML that is XML as well. Every text and every value of an
// attribute is escaped; names of elements and attributes are constants of ours.
type markup struct {
	b    strings.Builder
	open []string
}

// start opens an element; attrs are names and values in turn.
func (m *markup) start(name string, attrs ...string) {
	m.tag(name, attrs)
	m.b.WriteByte('>')
	m.open = append(m.open, name)
}

// end closes the element that was opened last.
func (m *markup) end() {
	last := len(m.open) - 1
	m.b.WriteString("</" + m.open[last] + ">")
	m.open = m.open[:last]
}

// leaf writes an element with a text in it.
func (m *markup) leaf(name, text string, attrs ...string) {
	m.start(name, attrs...)
	m.text(text)
	m.end()
}

// void writes an element that has no content.
func (m *markup) void(name string, attrs ...string) {
	m.tag(name, attrs)
	m.b.WriteString("/>")
}

func (m *markup) tag(name string, attrs []string) {
	m.b.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		m.b.WriteString(" " + attrs[i] + `="`)
		m.text(attrs[i+1])
		m.b.WriteByte('"')
	}
}

// newline sets elements on lines of their own.
func (m *markup) newline() { m.b.WriteByte('\n') }

// text escapes what HTML or XML would read as its own, quotes of both kinds too;
// what XML cannot hold becomes U+FFFD.
func (m *markup) text(s string) {
	for _, r := range s {
		switch {
		case r == '&':
			m.b.WriteString("&amp;")
		case r == '<':
			m.b.WriteString("&lt;")
		case r == '>':
			m.b.WriteString("&gt;")
		case r == '"':
			m.b.WriteString("&#34;")
		case r == '\'':
			m.b.WriteString("&#39;")
		case r == '\n' || r == '\t':
			m.b.WriteRune(r)
		case unicode.IsControl(r), r == 0xFFFE, r == 0xFFFF:
			m.b.WriteRune(utf8.RuneError)
		default:
			m.b.WriteRune(r)
		}
	}
}
