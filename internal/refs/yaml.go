package refs

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxMerged = 100_000 // members that merge keys copy in a file
	maxYAML   = 8 << 20 // bytes of a document: its values take a hundred times that
)

// yamlDocuments reads a page of YAML. A document that is broken is an error of
// its own, and the others are given.
func (r *reader) yamlDocuments(p *page) (all []*node, broken []*syntaxError) {
	for _, d := range split(p.text) {
		n, err := r.yamlDocument(p, d.start, d.end)
		switch {
		case err != nil:
			broken = append(broken, err)
		case n != nil:
			all = append(all, n)
		}
	}
	return all, broken
}

type piece struct{ start, end int }

// split cuts a stream at its markers, which no scalar can hold.
// https://yaml.org/spec/1.2.2/#912-document-markers
func split(text []byte) []piece {
	var all []piece
	start, directives := 0, false
	for at := 0; at < len(text); {
		end := len(text)
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		switch line := text[at:end]; {
		case line[0] == '%':
			directives = true
		case marker(line, "---"):
			if !directives {
				all = append(all, piece{start, at})
				start = at
			}
			directives = false
		case marker(line, "..."):
			all = append(all, piece{start, at})
			start, directives = end, false
		}
		at = end
	}
	return append(all, piece{start, len(text)})
}

func marker(line []byte, m string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(m))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

func (r *reader) yamlDocument(p *page, start, end int) (*node, *syntaxError) {
	text := p.text[start:end]
	if len(text) > maxYAML {
		return nil, &syntaxError{start, "is a document of YAML with more than 8 MiB: give it as JSON"}
	}
	if !utf8.Valid(text) {
		return nil, &syntaxError{start + invalid(text), "is not YAML: a character is not UTF-8"}
	}
	var root yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&root)
	switch {
	case err == io.EOF: //nolint:errorlint // the decoder gives it as it is
		return nil, nil
	case err != nil:
		return nil, explain(p, start, end, err)
	}
	y := &yamlReader{reader: r, page: p, start: start, text: text, lines: yamlLines(text), done: map[*yaml.Node]*node{}}
	return y.node(&root), nil
}

func invalid(text []byte) int {
	at := 0
	for at < len(text) {
		c, n := utf8.DecodeRune(text[at:])
		if c == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// yamlLines gives the start of each line as YAML 1.1 counts them, which the
// parser follows.
// https://yaml.org/spec/1.1/#id871136
func yamlLines(text []byte) []int {
	lines := []int{0}
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		i += n
		if c == '\r' && i < len(text) && text[i] == '\n' {
			i++
			c = '\n'
		}
		switch c {
		case '\n', '\r', 0x85, 0x2028, 0x2029:
			lines = append(lines, i)
		}
	}
	return lines
}

// yamlReader makes nodes of one document. An alias is the very node that it
// names, so that a small text cannot become a large one.
type yamlReader struct {
	*reader
	page  *page
	start int
	text  []byte
	lines []int
	done  map[*yaml.Node]*node
}

func (y *yamlReader) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(y.lines) {
		return y.start
	}
	at := advance(y.text, y.lines[n.Line-1], n.Column-1)
	return y.start + y.properties(at)
}

// properties goes over an anchor and a tag to what they belong to.
func (y *yamlReader) properties(at int) int {
	for at < len(y.text) && (y.text[at] == '&' || y.text[at] == '!') {
		n := bytes.IndexAny(y.text[at:], " \t\r\n")
		if n < 0 {
			break
		}
		next := at + n
		for next < len(y.text) && (y.text[next] == ' ' || y.text[next] == '\t') {
			next++
		}
		if next >= len(y.text) || y.text[next] == '\n' || y.text[next] == '\r' {
			break
		}
		at = next
	}
	return at
}

func (y *yamlReader) node(n *yaml.Node) *node {
	if known, ok := y.done[n]; ok {
		return known
	}
	out := &node{page: y.page, at: y.offset(n)}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return out
		}
		return y.node(n.Content[0])
	case yaml.AliasNode:
		if known, ok := y.done[n.Alias]; ok && known != nil {
			return known
		}
		return out // it stands inside of what it names
	case yaml.ScalarNode:
		y.scalar(n, out)
	case yaml.SequenceNode:
		y.done[n] = nil
		out.kind = formList
		for _, c := range n.Content {
			out.items = append(out.items, y.node(c))
		}
	case yaml.MappingNode:
		y.done[n] = nil
		out.kind = formObject
		y.mapping(n, out)
	}
	y.done[n] = out
	return out
}

func (y *yamlReader) scalar(n *yaml.Node, out *node) {
	if n.Tag == "!!null" {
		return
	}
	out.kind, out.text = formScalar, n.Value
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		out.style = styleDouble
	case n.Style&yaml.SingleQuotedStyle != 0:
		out.style = styleSingle
	case n.Style&yaml.LiteralStyle != 0:
		out.style = styleLiteral
	case n.Style&yaml.FoldedStyle != 0:
		out.style = styleFolded
	}
}

func (y *yamlReader) mapping(n *yaml.Node, out *node) {
	var merges []*node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode && key.Alias != nil {
			key = key.Alias
		}
		value := y.node(n.Content[i+1])
		switch {
		case key.Tag == "!!merge":
			merges = append(merges, value.all()...)
		case key.Kind == yaml.ScalarNode:
			y.put(out, member{name: key.Value, at: y.offset(n.Content[i]), page: y.page, value: value})
		}
	}
	y.merge(out, merges)
}

// merge adds what the mapping does not have itself.
// https://yaml.org/type/merge.html
func (y *yamlReader) merge(out *node, from []*node) {
	if len(from) == 0 {
		return
	}
	for _, f := range from {
		if f == nil {
			continue
		}
		for _, m := range f.members {
			if y.merged++; y.merged > maxMerged {
				y.limit(y.page.place(out.at), "has more merge keys than are followed")
				return
			}
			if !out.has(m.name) {
				y.put(out, m)
			}
		}
	}
}

// explain says where the parser stopped and why, in words that quote nothing.
// Its error names at most the line where a quote or bracket opens, so for all
// else the document is read once more, a byte at a time, to see how far it came.
func explain(p *page, start, end int, err error) *syntaxError {
	text, message := p.text[start:end], err.Error()
	slow := &slowReader{text: text}
	_ = yaml.NewDecoder(slow).Decode(new(yaml.Node))
	at := slow.at
	lines, open := yamlLines(text), lineIn(message)
	switch {
	case strings.Contains(message, "',' or"):
		at = lines[min(open, len(lines)-1)] + 1 // the parser counts from 0, the scanner from 1
	case open > 0 && (strings.Contains(message, "unexpected end of stream") || strings.Contains(message, "document indicator")):
		at = lines[min(open, len(lines))-1] + 1
	}
	from, to := around(text, at)
	e := &syntaxError{start + from, inOurWords(err.Error())}
	row := text[from:to]
	indent := len(row) - len(bytes.TrimLeft(row, " \t"))
	e.at += indent
	if tab := bytes.IndexByte(row[:indent], '\t'); tab >= 0 {
		e.at, e.what = start+from+tab, "is not YAML: a tab stands where only blanks may"
	}
	return e
}

// lineIn reads the number in "yaml: line 3: …".
func lineIn(message string) int {
	_, rest, ok := strings.Cut(message, "line ")
	n := 0
	for ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' && n < 1e8 {
		n, rest = n*10+int(rest[0]-'0'), rest[1:]
	}
	return n
}

// around is the line that at is behind, or the last before it that has more than
// a comment: the parser looks ahead over those.
func around(text []byte, at int) (from, to int) {
	at = max(at-1, 0)
	for {
		from = bytes.LastIndexByte(text[:at], '\n') + 1
		to = len(text)
		if n := bytes.IndexByte(text[from:], '\n'); n >= 0 {
			to = from + n
		}
		row := bytes.TrimSpace(text[from:to])
		if from == 0 || len(row) > 0 && row[0] != '#' {
			return from, to
		}
		at = from - 1
	}
}

type slowReader struct {
	text []byte
	at   int
}

func (s *slowReader) Read(b []byte) (int, error) {
	if s.at >= len(s.text) {
		return 0, io.EOF
	}
	b[0] = s.text[s.at]
	s.at++
	return 1, nil
}

// inOurWords replaces the parser's message, which may hold text of the document.
func inOurWords(message string) string {
	for _, m := range []struct{ theirs, ours string }{
		{"unexpected end of stream", "a text is not closed by its quote"},
		{"document indicator", "a text is not closed by its quote"},
		{"mapping values are not allowed", "a key stands where a value must: the indentation, or a colon in a text without quotes"},
		{"expected key", "a line stands at an indentation that fits none before it"},
		{"expected '-'", "a line stands at an indentation that fits none before it"},
		{"find expected ':'", "a line is neither a key nor an item of a list"},
		{"expected ',' or", "a list or mapping in brackets is not closed"},
		{"unknown anchor", "an alias names an anchor that is not there"},
		{"cannot start any token", "a character stands where no value can start with it"},
		{"escape", "a backslash in double quotes starts no escape that YAML knows"},
		{"tab", "a tab stands where only blanks may"},
		{"control characters", "a control character stands where YAML allows none"},
		{"depth", "it is nested too deeply"},
		{"UTF", "a character is not UTF-8"},
		{"directive", "a line that starts with % is no directive of YAML"},
		{"tag", "a tag is none of YAML's"},
	} {
		if strings.Contains(message, m.theirs) {
			return "is not YAML: " + m.ours
		}
	}
	return "is not YAML"
}
