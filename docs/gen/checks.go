package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

// setups are the recorded transcripts: for each case, what a command printed.
const setups = "internal/cli/testdata/setups"

// checks is docs/checks.md: the catalogue, each case with its transcript where
// one is recorded. A check's anchor is its id.
func checks(files fs.FS) (string, error) {
	var b strings.Builder
	b.WriteString("# Checks\n\nGenerated from the code by `make docs`; `ci-aws explain` prints the same.\nA \\<fact> in a sentence stands for the actual value.\n")
	for _, s := range catalogue.Stages() {
		fmt.Fprintf(&b, "\n%s:\n\n", sentence(s.Title))
		for _, c := range s.Checks {
			fmt.Fprintf(&b, "- [%s](#%s): %s\n", c.ID, c.ID, markdown(c.Title))
		}
	}
	for _, s := range catalogue.Stages() {
		for _, c := range s.Checks {
			fmt.Fprintf(&b, "\n## %s\n\n%s.\n", c.ID, sentence(markdown(c.Title)))
			for _, k := range c.Cases {
				if err := writeCase(&b, k, files); err != nil {
					return "", err
				}
			}
		}
	}
	return b.String(), nil
}

// writeCase has no heading of its own: a case may have the id of a check, whose
// anchor it would take.
func writeCase(b *strings.Builder, c catalogue.Case, files fs.FS) error {
	fmt.Fprintf(b, "\n**%s** (%s): %s\n", c.ID, c.Severity(), markdown(c.Problem))
	if answer := c.Answer.String(); answer != "" {
		fmt.Fprintf(b, "\nAWS says: %s.\n", markdown(answer))
	}
	b.WriteString("\n")
	for i, cause := range c.Causes {
		number := fmt.Sprintf("%d. ", i+1)
		b.WriteString(number + because(cause) + "\n")
		under := strings.Repeat(" ", len(number)) + "- "
		if cause.Tell != "" {
			b.WriteString(under + "to tell: " + markdown(cause.Tell) + "\n")
		}
		b.WriteString(under + "to mend: " + markdown(cause.Fix) + "\n")
	}
	if err := writeTranscript(b, c.ID, files); err != nil {
		return err
	}
	if len(c.Sources) > 0 {
		var links []string
		for _, s := range c.Sources {
			links = append(links, "<"+s+">")
		}
		fmt.Fprintf(b, "\nSources: %s\n", strings.Join(links, ", "))
	}
	return nil
}

// because words a cause with its conditions.
func because(c catalogue.Cause) string {
	why := c.Why
	if c.Unsure {
		why = "it may be that " + why
	}
	text := sentence(markdown(why))
	if when := conditions(c); when != "" {
		text += " (" + markdown(when) + ")"
	}
	return text + "."
}

// conditions words when a cause is given, and when it comes before the others.
func conditions(c catalogue.Cause) string {
	when, first := c.Condition(), c.Likelier()
	switch {
	case first == "":
		return when
	case first == when:
		return when + ", and then first"
	case when == "":
		return "first " + first
	}
	return when + "; first " + first
}

func writeTranscript(b *strings.Builder, id string, files fs.FS) error {
	raw, err := fs.ReadFile(files, id+".txt")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	fence := "```"
	for strings.Contains(string(raw), fence) {
		fence += "`"
	}
	fmt.Fprintf(b, "\n%sconsole\n%s\n%s\n", fence, strings.TrimRight(string(raw), "\n"), fence)
	return nil
}

// markdown escapes what is none of Markdown's in a text of the catalogue, facts
// shown as <fact>. What stands between back quotes stays.
func markdown(text string) string {
	parts := strings.Split(catalogue.Template(text), "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.NewReplacer("<", `\<`, "*", `\*`, "[", `\[`, "]", `\]`, "|", `\|`).Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

// sentence starts with a capital, unless its first word is a name in lower case.
func sentence(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s == "" || strings.ContainsAny(first, "-_.=\\") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
