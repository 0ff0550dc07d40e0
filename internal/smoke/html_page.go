package smoke

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// style is the page's. The Content-Security-Policy names its hash and lets in
// nothing else, no script and no address.
const style = `
:root { color-scheme: light dark; --page: #fff; --ink: #1f1e24; --line: #bfbfc3; --good: #c3e6cd; --bad: #fdd4cd; --open: #f5d9a8; --rest: #ececef }
@media (prefers-color-scheme: dark) { :root { --page: #1f1e24; --ink: #ececef; --line: #626168; --good: #0a4020; --bad: #660e00; --open: #5c2900; --rest: #333238 } }
body { background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
.wide { overflow-x: auto }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif }
svg .state { text-anchor: middle }
svg .name { text-anchor: end }
rect { stroke: var(--line) }
rect.good { fill: var(--good) }
rect.bad { fill: var(--bad); stroke: var(--ink); stroke-width: 2 }
rect.open { fill: var(--open); stroke-dasharray: 4 2 }
rect.rest { fill: var(--rest) }
table { border-collapse: collapse }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top }
`

// HTML is the matrix as one page that needs nothing else: a picture, and all of
// it in words.
func (m Matrix) HTML() string {
	hash := sha256.Sum256([]byte(style))
	var p markup
	p.b.WriteString("<!DOCTYPE html>\n")
	p.start("html", "lang", "en")
	p.newline()
	p.start("head")
	p.void("meta", "charset", "utf-8")
	p.void("meta", "http-equiv", "Content-Security-Policy", "content",
		"default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'")
	p.void("meta", "name", "viewport", "content", "width=device-width")
	p.leaf("title", "The cache between fleets")
	p.start("style")
	p.b.WriteString(style)
	p.end()
	p.end()
	p.newline()
	p.start("body")
	p.newline()
	p.leaf("h1", "The cache between fleets")
	p.newline()
	if m.Pipeline != "" {
		p.leaf("p", "Pipeline "+report.Clean(m.Pipeline)+". A line is the fleet that stored, a column the fleet that read.")
	}
	p.start("div", "class", "wide")
	m.picture(&p)
	p.end()
	p.newline()
	m.words(&p)
	p.leaf("p", "implied: not run; some fleet got what the writer stored, and the reader got what that fleet stored. Writer and reader may be one fleet.")
	p.newline()
	p.end()
	p.newline()
	p.end()
	p.newline()
	return p.b.String()
}

// Sizes of the picture, in pixels. A character is at most this wide.
const (
	fieldWidth, fieldHeight = 84, 34
	character               = 8
)

// picture is the matrix as an SVG, a rectangle and a word for each field.
func (m Matrix) picture(p *markup) {
	names, longest := m.names()
	left := longest*character + 16
	top := 40
	width, height := left+len(m.Fleets)*fieldWidth+8, top+len(m.Fleets)*fieldHeight+8
	p.start("svg", "role", "img", "aria-labelledby", "matrix-title matrix-summary",
		"width", strconv.Itoa(width), "height", strconv.Itoa(height), "viewBox", "0 0 "+strconv.Itoa(width)+" "+strconv.Itoa(height))
	p.newline()
	p.start("title", "id", "matrix-title")
	p.text("Which fleet got what which fleet stored")
	p.end()
	p.start("desc", "id", "matrix-summary")
	p.text(m.summary())
	p.end()
	p.newline()
	for r := range m.Fleets {
		p.leaf("text", strconv.Itoa(r+1), "class", "state", "x", strconv.Itoa(left+r*fieldWidth+fieldWidth/2), "y", strconv.Itoa(top-12))
	}
	p.newline()
	for w, name := range names {
		y := top + w*fieldHeight
		p.leaf("text", strings.TrimSpace(name), "class", "name", "x", strconv.Itoa(left-8), "y", strconv.Itoa(y+fieldHeight/2+5))
		for r, field := range m.fields[w] {
			x := left + r*fieldWidth
			p.start("g")
			p.leaf("title", "stored by "+report.Clean(m.Fleets[w])+", read by "+report.Clean(m.Fleets[r])+": "+field.State)
			p.void("rect", "class", field.class(), "x", strconv.Itoa(x+1), "y", strconv.Itoa(y+1),
				"width", strconv.Itoa(fieldWidth-2), "height", strconv.Itoa(fieldHeight-2), "rx", "4")
			p.leaf("text", field.State, "class", "state", "x", strconv.Itoa(x+fieldWidth/2), "y", strconv.Itoa(y+fieldHeight/2+5))
			p.end()
		}
		p.newline()
	}
	p.end()
}

// class is the colour of a field; its word says the same.
func (f Field) class() string {
	switch f.State {
	case string(Hit):
		return "good"
	case Implied, NotRun:
		return "rest"
	case NoAnswer, string(Unproven), string(Unreadable):
		return "open"
	}
	return "bad"
}

// words are the findings of the matrix as a table.
func (m Matrix) words(p *markup) {
	p.leaf("h2", "In words")
	p.newline()
	p.start("table")
	p.start("tbody")
	p.newline()
	for _, f := range m.Report().Findings() {
		p.start("tr")
		p.leaf("th", string(f.Status), "scope", "row")
		p.start("td")
		p.text(cmp.Or(f.Cause, f.Title))
		for _, v := range f.Evidence {
			p.void("br")
			p.text(v.String())
		}
		if len(f.Hints) > 0 {
			p.start("ol")
			for _, h := range f.Hints {
				p.leaf("li", h)
			}
			p.end()
		}
		p.end()
		p.end()
		p.newline()
	}
	p.end()
	p.end()
	p.newline()
	for i, f := range m.Fleets {
		if utf8.RuneCountInString(report.Clean(f)) > maxLabel {
			p.leaf("p", "Fleet "+strconv.Itoa(i+1)+": "+report.Clean(f))
			p.newline()
		}
	}
}
