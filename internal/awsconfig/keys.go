package awsconfig

import (
	"bytes"
	"slices"
	"strings"
)

// HasKeys reports whether the text of a credentials file has an access key for a profile, whose section has the plain
// name there.
func HasKeys(text []byte, name string) bool {
	in := false
	for l := range bytes.Lines(text[len(leading(text)):]) {
		kind, value := classify(l)
		if kind == headerLine {
			in = strings.Trim(strings.TrimSpace(value), `"'`) == name
		}
		if in && kind == settingLine && keyName(value) == "aws_access_key_id" {
			return true
		}
	}
	return false
}

// keyName is the name of a setting, in small letters. The AWS CLI takes a colon for an equals sign.
// https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
func keyName(setting string) string {
	name := setting
	if i := strings.IndexAny(setting, "=:"); i >= 0 {
		name = setting[:i]
	}
	return strings.ToLower(strings.TrimSpace(name))
}

// secretKeys are the settings that are keys or give one away, the last by its name of old.
// https://github.com/boto/botocore/blob/develop/botocore/credentials.py
var secretKeys = []string{"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"}

// isKey reports whether a line, or a comment, sets a key. To the AWS CLI a carriage return alone ends a line.
func isKey(value string) bool {
	for line := range strings.SplitSeq(value, "\r") {
		if slices.Contains(secretKeys, keyName(strings.TrimLeft(line, "#; \t"))) {
			return true
		}
	}
	return false
}

// Keys returns the headers of the sections that hold keys, each once: "default", "profile ci", or "" for what stands
// before all sections. Keys in comments count.
func Keys(text []byte) []string {
	_, headers := withoutKeys(text)
	return headers
}

// withoutKeys returns text without the settings that are keys, with the lines that continue them, and the headers of
// the sections that had any.
func withoutKeys(text []byte) (rest []byte, headers []string) {
	rest = slices.Clone(leading(text))
	header, indent := "", -1 // indent is that of the key that is being left out
	for l := range bytes.Lines(text[len(leading(text)):]) {
		kind, value := classify(l)
		depth := len(l) - len(bytes.TrimLeft(l, " \t"))
		switch {
		case kind == headerLine:
			header, indent = strings.Join(strings.Fields(value), " "), -1
		case kind != blankLine && isKey(value):
			if kind == settingLine {
				indent = depth
			}
			if !slices.Contains(headers, header) {
				headers = append(headers, header)
			}
			continue
		case kind == settingLine && indent >= 0 && depth > indent:
			continue
		case kind == settingLine:
			indent = -1
		}
		rest = append(rest, l...)
	}
	return rest, headers
}
