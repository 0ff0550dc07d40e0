package render

import (
	"fmt"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Commented is a file to start from: each key with what it is for. Keys that the
// description has, and those that must be given, stand there as they are; the
// others are commented out, with an example.
func Commented(d Description) string {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=" + schemaURL + "\n")
	b.WriteString("# What ci-aws render writes files of. A key with # before it has its default, or is not needed.\n")
	b.WriteString("# Each key is a flag too: cache.bucket is --cache-bucket.\n")
	above := ""
	for _, k := range bindings() {
		prefix, name, within := strings.Cut(k.Name, ".")
		if !within {
			prefix, name = "", k.Name
		}
		if prefix != above && prefix != "" {
			mark := "# "
			if prefix == "runner" {
				mark = ""
			}
			fmt.Fprintf(&b, "\n%s%s:\n", mark, prefix)
		}
		above = prefix
		writeKey(&b, &d, k, prefix, name)
	}
	return b.String()
}

// shown are the keys that a first file has, besides those without a default.
func shown(name string) bool {
	return name == "account" || name == "issuer" || name == "namespace" || name == "runner.service-account" || name == "runner.role"
}

func writeKey(b *strings.Builder, d *Description, k binding[Description], prefix, name string) {
	about := strings.ToUpper(k.What[:1]) + k.What[1:] + "."
	if k.Default != "" {
		about += " Default: " + k.Default + "."
	}
	indent := ""
	if prefix != "" {
		indent = "  "
	} else {
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "%s# %s\n", indent, about)
	value, mark := k.Example, "# "
	switch {
	case k.Kind == JobList:
		b.WriteString("# jobs:\n")
		for i, j := range jobBindings() {
			dash := "  "
			if i == 0 {
				dash = "- "
			}
			writeItem(b, "#   "+dash, j.Key)
		}
		b.WriteString("#     #   - {actions: [s3:GetObject], resources: [\"arn:aws:s3:::artifacts/*\"]}\n")
		return
	case k.one != nil && k.one(d).Known():
		value, mark = yamlText(k.one(d).Text), ""
	case shown(k.Name):
		mark = ""
	}
	fmt.Fprintf(b, "%s%s%s: %s\n", indent, mark, name, value)
}

func writeItem(b *strings.Builder, before string, k Key) {
	about := k.What
	if k.Default != "" {
		about += "; default: " + k.Default
	}
	if k.Kind == Statements {
		fmt.Fprintf(b, "#     # %s: # %s\n", k.Name, about)
		return
	}
	fmt.Fprintf(b, "%s%s: %s # %s\n", before, k.Name, k.Example, about)
}

// yamlText writes a text as YAML: plain where it is a word that no reader takes
// for anything else, in quotes where not. A quoted one holds nothing but what
// is printable and stands for itself.
func yamlText(s string) string {
	if plainYAML(s) {
		return s
	}
	return report.QuotedString(s, func(rune, string) (string, bool) { return "", false })
}

// plainYAML takes words of lower-case letters, digits and single separators that
// start with a letter and are none of YAML's own, in any of its versions.
func plainYAML(s string) bool {
	switch s {
	case "", "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	if s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}
