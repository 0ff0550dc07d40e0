package awsconfig

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// marker begins the comment that makes a section ours; what follows it may change between versions.
const (
	marker     = "# written by ci-aws configure"
	markerLine = marker + "; ci-aws configure --remove takes this section out"
)

var bom = []byte("\xef\xbb\xbf")

// section is a part of a config file, from its header to the last line that belongs to it: comments and blank lines
// after its last setting are left to what follows.
type section struct {
	profile    string // its name, empty for sections of another kind
	line       int    // of the header, from 1
	start, end int
	ours       bool
}

// parse finds the sections as the AWS SDKs do. It takes any text: what is no section is left alone.
func parse(text []byte) []section {
	var found []section
	at, settings := len(leading(text)), 0
	line := 0
	for l := range bytes.Lines(text[at:]) {
		start := at
		at += len(l)
		line++
		switch kind, value := classify(l); {
		case kind == headerLine:
			found = append(found, section{profile: profileName(value), line: line, start: start, end: at})
			settings = 0
		case len(found) == 0 || kind == blankLine:
		case kind == settingLine:
			settings++
			found[len(found)-1].end = at
		case settings == 0 && strings.HasPrefix(value, marker):
			found[len(found)-1].ours = true
			found[len(found)-1].end = at
		}
	}
	return found
}

// leading is the byte order mark of a text, if it has one.
func leading(text []byte) []byte {
	if bytes.HasPrefix(text, bom) {
		return bom
	}
	return nil
}

type lineKind int

const (
	blankLine lineKind = iota
	commentLine
	headerLine
	settingLine // or the continuation of one
)

func classify(line []byte) (lineKind, string) {
	s := strings.TrimSpace(string(line))
	switch {
	case s == "":
		return blankLine, ""
	case s[0] == '#' || s[0] == ';':
		return commentLine, s
	case s[0] == '[' && strings.Contains(s, "]"):
		return headerLine, s[1:strings.Index(s, "]")]
	}
	return settingLine, s
}

// profileName returns the name in a header such as `profile ci`; default is a profile in either form.
func profileName(header string) string {
	fields := strings.Fields(header)
	switch {
	case len(fields) == 1 && fields[0] == "default":
		return "default"
	case len(fields) == 2 && fields[0] == "profile":
		return strings.Trim(fields[1], `"'`)
	}
	return ""
}

// lineEnd is the last one of text, so that what is added looks like what stands before it.
func lineEnd(text []byte) string {
	if i := bytes.LastIndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// set returns text with the profile in it.
func set(text []byte, p Profile, force bool) ([]byte, error) {
	var same []section
	for _, s := range parse(text) {
		if s.profile == p.Name {
			same = append(same, s)
		}
	}
	switch {
	case len(same) == 0:
		return appendSection(text, p), nil
	case len(same) > 1:
		return nil, fmt.Errorf("profile %q stands in lines %d and %d", p.Name, same[0].line, same[1].line)
	case !same[0].ours && !force:
		return nil, &ForeignError{p.Name, same[0].line}
	}
	return replaceSection(text, same[0], p), nil
}

func setAll(text []byte, profiles []Profile, force bool) ([]byte, error) {
	var err error
	for _, p := range profiles {
		if text, err = set(text, p, force); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// without returns text without the sections of the profiles, whoever wrote them.
func without(text []byte, profiles []Profile) []byte {
	for _, s := range slices.Backward(parse(text)) {
		if slices.ContainsFunc(profiles, func(p Profile) bool { return p.Name == s.profile }) {
			text = removeSection(text, s)
		}
	}
	return text
}

// settings are the lines below a header, of a profile that was checked.
func (p Profile) settings() []string {
	lines := []string{markerLine, "credential_process = " + strings.Join(p.Command, " ")}
	if p.Region != "" {
		lines = append(lines, "region = "+p.Region)
	}
	return lines
}

// appendSection adds a blank line, if anything stands before it, and the section. Where the text ends without a line
// end so does the section: by these two marks removeSection can tell what was there.
func appendSection(text []byte, p Profile) []byte {
	header := "[profile " + p.Name + "]"
	if p.Name == "default" {
		header = "[default]"
	}
	eol := lineEnd(text)
	added := strings.Join(append([]string{header}, p.settings()...), eol)
	switch {
	case len(text) == len(leading(text)):
		added += eol
	case bytes.HasSuffix(text, []byte("\n")):
		added = eol + added + eol
	default:
		added = eol + eol + added
	}
	return slices.Concat(text, []byte(added))
}

// replaceSection writes the profile's settings below the header. Comments stay, and in a section of ours the settings
// that others added.
func replaceSection(text []byte, s section, p Profile) []byte {
	old := slices.Collect(bytes.Lines(text[s.start:s.end]))
	eol := lineEnd(old[0])
	var out bytes.Buffer
	write := func(l []byte) {
		out.Write(l)
		if !bytes.HasSuffix(l, []byte("\n")) {
			out.WriteString(eol)
		}
	}
	write(old[0])
	for _, l := range p.settings() {
		write([]byte(l))
	}
	dropping := false // the setting that a continuation belongs to
	for _, l := range old[1:] {
		kind, value := classify(l)
		if kind == settingLine && l[0] != ' ' && l[0] != '\t' {
			key, _, _ := strings.Cut(value, "=")
			key = strings.ToLower(strings.TrimSpace(key))
			dropping = !s.ours || key == "credential_process" || key == "region"
		}
		if !strings.HasPrefix(value, marker) && (kind != settingLine || !dropping) {
			write(l)
		}
	}
	body := out.Bytes()
	if !bytes.HasSuffix(text[s.start:s.end], []byte("\n")) {
		body = bytes.TrimSuffix(body, []byte(eol))
	}
	return slices.Concat(text[:s.start], body, text[s.end:])
}

// remove returns text without the named profiles of ours, or without all of ours, and the names it had.
func remove(text []byte, names []string) (rest []byte, removed []string, err error) {
	sections := parse(text)
	for _, name := range names {
		i := slices.IndexFunc(sections, func(s section) bool { return s.profile == name })
		mine := slices.ContainsFunc(sections, func(s section) bool { return s.profile == name && s.ours })
		if i >= 0 && !mine {
			return nil, nil, &ForeignError{name, sections[i].line}
		}
	}
	for _, s := range slices.Backward(sections) {
		if s.ours && s.profile != "" && (names == nil || slices.Contains(names, s.profile)) {
			text = removeSection(text, s)
			removed = append(removed, s.profile)
		}
	}
	slices.Reverse(removed)
	return text, slices.Compact(removed), nil
}

// removeSection undoes appendSection.
func removeSection(text []byte, s section) []byte {
	s.end = min(s.end, len(text)) // what was removed behind it may have had the line end
	body := text[len(leading(text)):s.start]
	header, _, _ := bytes.Cut(text[s.start:s.end], []byte("\n"))
	eol := []byte("\n")
	if bytes.HasSuffix(header, []byte("\r")) {
		eol = []byte("\r\n")
	}
	if before, ok := bytes.CutSuffix(body, eol); ok && (len(before) == 0 || bytes.HasSuffix(before, []byte("\n"))) {
		body = before
	}
	if !bytes.HasSuffix(text[s.start:s.end], []byte("\n")) {
		body = bytes.TrimSuffix(body, eol)
	}
	return slices.Concat(leading(text), body, text[s.end:])
}
