package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	source      = "templates/src"
	versionFile = "internal/cli/version.go"
)

// reference is the part of an input's regex that admits a CI/CD variable, which GitLab checks as it is written.
const reference = `\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*\}`

// assets are the programs that a job downloads, by the placeholder of their checksum.
var assets = map[string]string{
	"SUM_LINUX_AMD64": "ci-aws-linux-amd64",
	"SUM_LINUX_ARM64": "ci-aws-linux-arm64",
}

// templateSource is what sources and script blocks are filled in with.
type templateSource struct {
	root    string
	version string
	values  map[string]string // by placeholder
}

func readSource(root string) (templateSource, error) {
	s := templateSource{root: root, values: map[string]string{"VARIABLE": reference}}
	text, err := os.ReadFile(filepath.Join(root, versionFile))
	if err != nil {
		return s, err
	}
	m := regexp.MustCompile(`(?m)^const Version = "([0-9A-Za-z.+-]+)"$`).FindSubmatch(text)
	if m == nil {
		return s, fmt.Errorf("%s: no const Version with a version", versionFile)
	}
	s.version = string(m[1])
	s.values["VERSION"] = s.version
	sums, err := readSums(root)
	if err != nil {
		return s, err
	}
	for placeholder, asset := range assets {
		if sums[asset] == "" && s.released() {
			return s, fmt.Errorf("%s/sums: no checksum of %s, and %s is a release", source, asset, s.version)
		}
		s.values[placeholder] = sums[asset]
	}
	return s, nil
}

// released reports whether the version is one that others can download.
func (s templateSource) released() bool { return !strings.HasSuffix(s.version, "-dev") }

// readSums are the checksums by asset, none before a release.
func readSums(root string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(root, source, "sums"))
	if err != nil {
		return nil, err
	}
	line := regexp.MustCompile(`^([0-9a-f]{64})  (ci-aws-[a-z0-9]+-[a-z0-9]+)$`)
	sums := map[string]string{}
	for i, text := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		m := line.FindStringSubmatch(text)
		switch {
		case text == "":
		case m == nil:
			return nil, fmt.Errorf(`%s/sums:%d: want "<sha256>  ci-aws-<os>-<arch>"`, source, i+1)
		case sums[m[2]] != "":
			return nil, fmt.Errorf("%s/sums:%d: %s is there twice", source, i+1, m[2])
		default:
			sums[m[2]] = m[1]
		}
	}
	return sums, nil
}

var (
	scriptLine  = regexp.MustCompile(`^( *)@([a-z-]+\.sh)@$`)
	placeholder = regexp.MustCompile(`@([A-Z][A-Z0-9_]*|[a-z-]+\.sh)@`)
)

// expand is a file of templates/src with its placeholders filled in. A line that holds only @name.sh@ becomes that
// script, indented as the line is.
func (s templateSource) expand(name string, within ...string) (string, error) {
	if slices.Contains(within, name) {
		return "", fmt.Errorf("%s/%s takes itself in", source, name)
	}
	text, err := os.ReadFile(filepath.Join(s.root, source, name))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		at := func(err error) error { return fmt.Errorf("%s/%s:%d: %w", source, name, i+1, err) }
		if strings.HasSuffix(name, ".sh") && strings.Contains(line, "$[[") {
			return "", at(errors.New("an input in a script's text"))
		}
		m := scriptLine.FindStringSubmatch(line)
		switch {
		case i == 0 && strings.HasPrefix(line, "#!"):
		case m != nil:
			part, err := s.expand(m[2], append(within, name)...)
			if err != nil {
				return "", at(err)
			}
			b.WriteString(indent(m[1], part))
		default:
			line, err = s.fill(line)
			if err != nil {
				return "", at(err)
			}
			b.WriteString(line + "\n")
		}
	}
	return b.String(), nil
}

// fill puts the values of placeholders into a line.
func (s templateSource) fill(line string) (string, error) {
	var err error
	line = placeholder.ReplaceAllStringFunc(line, func(found string) string {
		value, ok := s.values[strings.Trim(found, "@")]
		if !ok {
			err = fmt.Errorf("unknown placeholder %s", found)
			if strings.HasSuffix(found, ".sh@") {
				err = fmt.Errorf("%s must stand on a line of its own", found)
			}
		}
		return value
	})
	return line, err
}

// indent puts a margin before every line that is not empty.
func indent(margin, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(margin)
		}
		b.WriteString(line)
	}
	return b.String()
}
