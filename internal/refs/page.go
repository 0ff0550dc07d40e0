package refs

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// page is a text and where its bytes stand in the file: the file itself, or a
// text inside of it (a block scalar, a string of JSON). It does not change once
// it is made.
type page struct {
	file  string
	text  []byte
	lines []int // where each line starts
	runes []int // how many characters stand before every block of text

	outer *page
	table []int // of each byte of text, and of its end: the offset in outer
}

// block is how many bytes a column is counted over at most.
const block = 512

// newPage is the page of a file.
func newPage(file string, text []byte) *page {
	p := &page{file: file, text: text, lines: []int{0}}
	for i := bytes.IndexByte(text, '\n'); i >= 0; {
		p.lines = append(p.lines, i+1)
		n := bytes.IndexByte(text[i+1:], '\n')
		if n < 0 {
			break
		}
		i += 1 + n
	}
	n := 0
	for i := 0; i <= len(text); i += block {
		p.runes = append(p.runes, n)
		n += starts(text[i:min(i+block, len(text))])
	}
	return p
}

// starts counts the characters that start in b.
func starts(b []byte) int {
	n := 0
	for _, c := range b {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

// before counts the characters before an offset.
func (p *page) before(offset int) int {
	return p.runes[offset/block] + starts(p.text[offset/block*block:offset])
}

// place is the place in the file of an offset.
func (p *page) place(offset int) report.Place {
	offset = min(max(offset, 0), len(p.text))
	if p.outer != nil {
		return p.outer.place(p.table[offset])
	}
	line := sort.SearchInts(p.lines, offset+1)
	return report.Place{File: p.file, Line: line, Column: p.before(offset) - p.before(p.lines[line-1]) + 1}
}

// byteAt is the offset of a position that counts its column in bytes.
func (p *page) byteAt(at iam.Position) int {
	if at.Line < 1 || at.Line > len(p.lines) {
		return 0
	}
	return min(p.lines[at.Line-1]+max(at.Column-1, 0), len(p.text))
}

// runeAt is the offset of a position that counts its column in characters.
func (p *page) runeAt(line, column int) int {
	if line < 1 || line > len(p.lines) {
		return 0
	}
	return advance(p.text, p.lines[line-1], column-1)
}

// advance goes on by that many characters.
func advance(text []byte, offset, characters int) int {
	for ; characters > 0 && offset < len(text); characters-- {
		_, n := utf8.DecodeRune(text[offset:])
		offset += n
	}
	return offset
}

// inside is the page of a text within p; table has the offset in p of each byte
// of it, and of its end.
func (p *page) inside(text []byte, table []int) *page {
	q := newPage(p.file, text)
	q.outer, q.table = p, table
	return q
}

// part is the page of a piece of p that stands there as it is.
func (p *page) part(start, end int) *page {
	table := make([]int, end-start+1)
	for i := range table {
		table[i] = start + i
	}
	return p.inside(bytes.Clone(p.text[start:end]), table) // not to keep the file
}

// quoted is the page of a string of JSON or of YAML's double quotes, which starts
// with its quote at start.
func (p *page) quoted(start int, value string) *page {
	table := make([]int, 0, len(value)+1)
	at := start + 1
	for i := 0; i < len(value) && at < len(p.text); {
		at = continued(p.text, at)
		if at == len(p.text) {
			break
		}
		_, size := utf8.DecodeRuneInString(value[i:])
		for range size {
			table = append(table, at)
		}
		if end := folded(p.text, at); value[i] == ' ' && end > at {
			at = end
		} else if value[i] != '\n' || p.text[at] == '\\' {
			at += escape(p.text[at:], value[i:i+size])
		} else if at++; i+1 < len(value) && value[i+1] != '\n' {
			at = max(at, folded(p.text, at-1))
		}
		i += size
	}
	return p.inside([]byte(value), fill(table, len(value), at))
}

// continued goes over a backslash that ends a line of YAML, and the indentation
// behind it.
func continued(text []byte, at int) int {
	rest, ok := bytes.CutPrefix(text[at:], []byte("\\\n"))
	if !ok {
		rest, ok = bytes.CutPrefix(text[at:], []byte("\\\r\n"))
	}
	if !ok {
		return at
	}
	return len(text) - len(bytes.TrimLeft(rest, " \t"))
}

// folded is the end of blanks with a line break in them, which YAML reads as one
// blank; without one it is at.
func folded(text []byte, at int) int {
	end := len(text) - len(bytes.TrimLeft(text[at:], " \t\r\n"))
	if bytes.IndexByte(text[at:end], '\n') < 0 {
		return at
	}
	return end
}

// escape is how many bytes of the source one character of the value takes.
func escape(source []byte, value string) int {
	if source[0] != '\\' || len(source) < 2 {
		_, n := utf8.DecodeRune(source)
		return n
	}
	n := 2
	switch source[1] {
	case 'x':
		n = 4
	case 'U':
		n = 10
	case 'u':
		n = 6
		if r, _ := utf8.DecodeRuneInString(value); r > 0xFFFF {
			n = 12 // a surrogate pair
		}
	}
	return min(n, len(source))
}

// aligned is the page of a value whose characters, blanks and line breaks apart,
// follow each other in the source as they do in the value: block scalars, plain
// ones and those in single quotes.
func (p *page) aligned(start int, value string) *page {
	table := make([]int, 0, len(value)+1)
	at := start
	for i := range len(value) {
		c := value[i]
		if strings.IndexByte(" \t\r\n", c) < 0 {
			if n := bytes.IndexByte(p.text[at:], c); n >= 0 {
				at += n
			}
		}
		table = append(table, at)
		if at < len(p.text) && (p.text[at] == c) {
			at++
		}
	}
	return p.inside([]byte(value), fill(table, len(value), at))
}

// fill makes the table one longer than the value, whatever was missing.
func fill(table []int, length, at int) []int {
	for len(table) <= length {
		table = append(table, at)
	}
	return table[:length+1]
}

// whole stands for the file and no line of it.
func (p *page) whole() report.Place { return report.Place{File: p.file} }
