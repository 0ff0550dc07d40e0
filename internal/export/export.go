// Package export prints variables in the forms that a job can take them in: lines that a shell evals, GitLab's
// dotenv report, and JSON.
//
// Everything here fails before the first byte is written, so what a shell evals is either whole or nothing. Values
// are secrets: no error of this package holds one.
package export

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Format is the language that assignments are printed in.
type Format string

const (
	Sh     Format = "sh"     // POSIX shells: dash, bash, busybox ash
	Fish   Format = "fish"   // by `| source` or `eval (…)`
	Dotenv Format = "dotenv" // a file for artifacts:reports:dotenv
	JSON   Format = "json"   // one object, a removed name is null
)

// ParseFormat returns the format that s names.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Sh, Fish, Dotenv, JSON:
		return f, nil
	default:
		return "", fmt.Errorf("unknown format %q: want sh, fish, dotenv or json", s)
	}
}

// Failure returns what to print in place of assignments so that the eval of it fails: a shell would otherwise
// take empty output for success. Formats that nothing evals print nothing.
func Failure(f Format) string {
	if f == Sh || f == Fish {
		return "false\n"
	}
	return ""
}

// Var is one assignment.
type Var struct{ Name, Value string }

// Write prints an assignment for each of set and a removal for each name in unset, in order, in one call of
// w.Write; in no case is part of it printed when it returns an error of its own.
//
// A name is a POSIX variable name and appears once. Fish removes a name from every scope, the universal one too.
// Dotenv has no removals: names in unset are left out beside assignments, and are an error alone.
func Write(w io.Writer, f Format, set []Var, unset []string) error {
	if _, err := ParseFormat(string(f)); err != nil {
		return err
	}
	if err := checkNames(set, unset); err != nil {
		return err
	}
	if f == Dotenv && len(set) == 0 && len(unset) > 0 {
		return errors.New("a dotenv file cannot unset variables")
	}
	var lines []string
	for _, v := range set {
		quoted, err := Quote(f, v.Value)
		if err != nil {
			return fmt.Errorf("variable %q: %w", v.Name, err)
		}
		lines = append(lines, assignment(f, v.Name, quoted))
	}
	for _, name := range unset {
		if f != Dotenv {
			lines = append(lines, removal(f, name))
		}
	}
	var out bytes.Buffer
	switch {
	case f == JSON && len(lines) == 0:
		out.WriteString("{}\n")
	case f == JSON:
		out.WriteString("{\n" + strings.Join(lines, ",\n") + "\n}\n")
	default:
		for _, line := range lines {
			out.WriteString(line + "\n")
		}
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the variables: %w", err)
	}
	return nil
}

func assignment(f Format, name, quoted string) string {
	switch f {
	case Fish:
		// The semicolon is for `eval (…)`, which joins lines by blanks.
		return "set -gx " + name + " " + quoted + ";"
	case Dotenv:
		return name + "=" + quoted
	case JSON:
		return `  "` + name + `": ` + quoted
	default:
		return "export " + name + "=" + quoted
	}
}

func removal(f Format, name string) string {
	switch f {
	case Fish:
		// One set -e takes away the innermost scope only, and is a failure where there is none.
		return "while set -e " + name + "; end;"
	case JSON:
		return `  "` + name + `": null`
	default:
		return "unset " + name
	}
}

func checkNames(set []Var, unset []string) error {
	seen := map[string]bool{}
	check := func(name string) error {
		if !validName(name) {
			return fmt.Errorf("%q is not a variable name", name)
		}
		if seen[name] {
			return fmt.Errorf("variable %q is named twice", name)
		}
		seen[name] = true
		return nil
	}
	for _, v := range set {
		if err := check(v.Name); err != nil {
			return err
		}
	}
	for _, name := range unset {
		if err := check(name); err != nil {
			return err
		}
	}
	return nil
}

// validName reports whether s is a name as POSIX defines it for the environment of a shell.
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap03.html#tag_03_216
func validName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
