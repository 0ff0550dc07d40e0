package runner

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"time"
)

// A line of a log is kept up to maxHead bytes from its start and about maxTail
// from its end: a script's last line may have no end of its own, and the marker
// of the next section then stands behind it.
const (
	maxHead = 32 << 10
	maxTail = 8 << 10
)

// longLine is a line of any length in constant memory.
type longLine struct {
	head, tail []byte
	dropped    bool
}

func (l *longLine) reset() { l.head, l.tail, l.dropped = l.head[:0], l.tail[:0], false }

func (l *longLine) write(b []byte) {
	n := min(len(b), maxHead-len(l.head))
	l.head, b = append(l.head, b[:n]...), b[n:]
	for len(b) > 0 {
		n := min(len(b), maxTail)
		l.tail, b = append(l.tail, b[:n]...), b[n:]
		if len(l.tail) > 2*maxTail {
			l.tail = append(l.tail[:0], l.tail[len(l.tail)-maxTail:]...)
			l.dropped = true
		}
	}
}

// text is the line. Where its middle was dropped, what follows starts at a
// carriage return or at a section's marker: the rest of a URL, whose query is a
// secret, would not be known for one.
func (l *longLine) text() string {
	if !l.dropped {
		return string(l.head) + string(l.tail)
	}
	tail := string(l.tail)
	start := len(tail)
	for _, mark := range []string{"\r", sectionStart, sectionEnd} {
		if i := strings.Index(tail, mark); i >= 0 {
			start = min(start, i)
		}
	}
	return string(l.head) + "\r" + tail[start:]
}

// stamp is what newer runners put before each line of a log:
//
//	2026-11-23T14:32:37.123456Z 00O text
//
// stream is a number and O or E; "+" in place of the blank continues the line
// before.
type stamp struct {
	at        time.Time
	stream    string
	continues bool
}

const (
	stampTime = "2006-01-02T15:04:05.000000Z"
	stampSize = len(stampTime) + len(" 00O ")
)

// readStamp splits a line into stamp and text; all of it is text where it has
// no stamp.
func readStamp(line []byte) (stamp, []byte, bool) {
	if len(line) < stampSize || line[len(stampTime)-1] != 'Z' || line[len(stampTime)] != ' ' {
		return stamp{}, line, false
	}
	stream, kind := string(line[len(stampTime)+1:stampSize-1]), line[stampSize-1]
	at, err := time.Parse(stampTime, string(line[:len(stampTime)]))
	if err != nil || !strings.HasSuffix(stream, "O") && !strings.HasSuffix(stream, "E") || kind != ' ' && kind != '+' {
		return stamp{}, line, false
	}
	return stamp{at, stream, kind == '+'}, line[stampSize:], true
}

// logLines joins the lines of a log that a stamp continues.
type logLines struct {
	now   longLine
	stamp stamp
	open  bool // now holds a line that may go on
	cr    bool // its last part ended in CR LF
	// emit gets each line. One whose start stood before a line of another
	// stream is not whole: only the markers of sections in it count.
	emit func(line string, at time.Time, whole bool)
}

// read goes through a log in constant memory.
func (l *logLines) read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	begin, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) && len(begin) == 0 {
		return err
	}
	if isUTF16(begin) {
		return ErrUTF16
	}
	if bytes.HasPrefix(begin, []byte(utf8Mark)) {
		_, _ = in.Discard(len(utf8Mark)) // it was peeked at
	}
	for start := true; ; {
		part, err := in.ReadSlice('\n')
		if start && len(part) > 0 {
			part = l.begin(part)
		}
		start = err == nil
		if start {
			part = part[:len(part)-1]
			l.cr = bytes.HasSuffix(part, []byte("\r"))
			part = bytes.TrimRight(part, "\r")
		}
		l.now.write(part)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			l.flush()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// utf8Mark is the byte order mark of UTF-8.
const utf8Mark = "\xef\xbb\xbf"

// isUTF16 reports whether a log begins in UTF-16: with its mark or, since a job's
// log begins with words of the runner, with letters of which every second byte is
// zero. https://www.unicode.org/faq/utf_bom.html
func isUTF16(begin []byte) bool {
	if bytes.HasPrefix(begin, []byte("\xff\xfe")) || bytes.HasPrefix(begin, []byte("\xfe\xff")) {
		return true
	}
	pairs := len(begin) / 2
	var zeros [2]int // at even and at odd places
	for i, c := range begin[:2*pairs] {
		if c == 0 {
			zeros[i%2]++
		}
	}
	most, least := max(zeros[0], zeros[1]), min(zeros[0], zeros[1])
	return pairs >= len("Running ") && 4*most >= 3*pairs && 8*least <= pairs
}

// begin takes the stamp from the first part of a line, and opens a new line
// unless it continues the one before.
func (l *logLines) begin(part []byte) []byte {
	s, text, _ := readStamp(part)
	if s.continues && l.open && s.stream == l.stamp.stream {
		// The marker of a section ends in CR, and what follows erases it.
		if l.cr && bytes.HasPrefix(text, []byte(escape)) {
			l.now.write([]byte("\r"))
		}
		return text
	}
	l.flush()
	l.stamp, l.open = s, true
	return text
}

func (l *logLines) flush() {
	if l.open {
		l.emit(l.now.text(), l.stamp.at, !l.stamp.continues)
	}
	l.now.reset()
	l.open = false
}

const escape = "\x1b"

// plain takes the escape sequences of terminals out of a text.
// https://www.ecma-international.org/publications-and-standards/standards/ecma-48/
func plain(s string) string {
	if !strings.Contains(s, escape) {
		return s
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, escape)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		s = after[sequence(after):]
	}
}

// sequence is how many bytes belong to the sequence whose escape stands before s.
func sequence(s string) int {
	switch {
	case s == "":
		return 0
	case s[0] != '[':
		return 1
	}
	for i := 1; i < len(s); i++ {
		if s[i] >= '@' && s[i] <= '~' {
			return i + 1
		}
	}
	return len(s)
}

// GitLab looks for these anywhere in a line.
// https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
const (
	sectionStart = "section_start:"
	sectionEnd   = "section_end:"
)

// marker is the start or the end of a section.
type marker struct {
	start bool
	at    time.Time
	name  string
}

// cutMarker splits a text at its first marker.
func cutMarker(s string) (before string, m marker, after string, found bool) {
	for from := 0; ; {
		i := strings.Index(s[from:], "section_")
		if i < 0 {
			return s, marker{}, "", false
		}
		i += from
		if m, n := readMarker(s[i:]); n > 0 {
			return s[:i], m, s[i+n:], true
		}
		from = i + len("section_")
	}
}

// readMarker reads the marker at the start of s: section_start:1795444356:name,
// perhaps with options in brackets. n is its length, 0 where there is none.
func readMarker(s string) (m marker, n int) {
	rest, start := strings.CutPrefix(s, sectionStart)
	if !start {
		var end bool
		if rest, end = strings.CutPrefix(s, sectionEnd); !end {
			return m, 0
		}
	}
	digits, rest, found := strings.Cut(rest, ":")
	unix, ok := number(digits)
	if !found || !ok {
		return m, 0
	}
	size := strings.IndexFunc(rest, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.-", r)
	})
	if size < 0 {
		size = len(rest)
	}
	if size == 0 {
		return m, 0
	}
	name := rest[:size]
	rest = rest[size:]
	if strings.HasPrefix(rest, "[") {
		if end := strings.IndexByte(rest, ']'); end > 0 {
			rest = rest[end+1:]
		}
	}
	return marker{start, time.Unix(unix, 0).UTC(), name}, len(s) - len(rest)
}

// number reads decimal digits, at most 18 of them.
func number(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}
