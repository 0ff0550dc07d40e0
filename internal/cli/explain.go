package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const explainDescription = `Explains a finding, or lists all that is checked: every way to fail, its causes,
how to tell them apart, what to change, and where the knowledge comes from. Works
offline.

   ci-aws explain
   ci-aws explain role-trusts-token
   ci-aws explain --output json no-provider`

func explainCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "what a finding means, and how to mend it", Description: explainDescription,
		ArgsUsage: "[ID]",
		Flags:     commonFlags(),
		Action: action(io, t, func(_ context.Context, s settings) error {
			return explainOptions{s, s.c.Args().Slice()}.run(io)
		}),
		BashComplete: func(c *cli.Context) {
			cli.DefaultCompleteWithFlags(c.Command)(c)
			_, _ = fmt.Fprintln(c.App.Writer, strings.Join(catalogue.IDs(), "\n"))
		},
	}
}

type explainOptions struct {
	settings settings
	ids      []string
}

func (o explainOptions) run(io IO) error {
	asJSON, err := o.settings.asJSON()
	if err != nil {
		return err
	}
	if len(o.ids) > 1 {
		return &hintedError{usagef("explain takes one id, and %q is too much", report.Clean(o.ids[1])), []string{"flags stand before the id"}}
	}
	stages := catalogue.Stages()
	text := ""
	if len(o.ids) == 1 {
		check, ok := catalogue.Explain(o.ids[0])
		if !ok {
			return unknownID(o.ids[0])
		}
		text = explained(check)
		stages = []catalogue.Stage{{Checks: []catalogue.Check{check}}}
	} else {
		text = listed(stages)
	}
	if asJSON {
		text = explainJSON(stages)
	}
	_, err = fmt.Fprint(io.Out, text)
	return writeFailed(err)
}

func unknownID(id string) error {
	hints := []string{"`ci-aws explain` lists the ids"}
	if meant := near.Of(id, catalogue.IDs()); meant != "" {
		hints = append([]string{"did you mean `ci-aws explain " + meant + "`?"}, hints...)
	}
	return &hintedError{usagef("unknown id %q", report.Clean(id)), hints}
}

// listed is the list of all checks, each with its healthy fact.
func listed(stages []catalogue.Stage) string {
	var b strings.Builder
	for i, s := range stages {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.Title + "\n")
		for _, c := range s.Checks {
			fmt.Fprintf(&b, "  %-24s %s\n", c.ID, c.Title)
		}
	}
	return b.String()
}

// explained is one check for people.
func explained(check catalogue.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", check.ID, check.Title)
	for _, c := range check.Cases {
		fmt.Fprintf(&b, "\n%s (%s)\n", c.ID, c.Severity())
		b.WriteString("  " + catalogue.Template(c.Problem) + "\n")
		if answer := c.Answer.String(); answer != "" {
			b.WriteString("  AWS says: " + answer + "\n")
		}
		for i, cause := range c.Causes {
			writeCause(&b, i+1, cause)
		}
		for _, s := range c.Sources {
			b.WriteString("  source: " + s + "\n")
		}
	}
	return b.String()
}

func writeCause(b *strings.Builder, n int, c catalogue.Cause) {
	may := ""
	if c.Unsure {
		may = "it may be that "
	}
	fmt.Fprintf(b, "  %d. %s%s\n", n, may, catalogue.Template(c.Why))
	for _, l := range []struct{ name, text string }{
		{"given", c.Condition()}, {"first", c.Likelier()}, {"tell", catalogue.Template(c.Tell)}, {"fix", catalogue.Template(c.Fix)},
	} {
		if l.text != "" && (l.name != "first" || c.First != c.When) {
			fmt.Fprintf(b, "     %-6s %s\n", l.name+":", l.text)
		}
	}
}

// explainFields are what docs/commands.md says of the JSON.
const explainFields = `
## The JSON of explain

` + "`schema` (1) and `checks`, in the order of a diagnosis. A check has `id`, `title` (the\nhealthy fact), `doc` and `cases`. A case has `id`, `status`, `problem`, `answer` (how AWS says\nit: `operation`, `codes`, `text`; or `null`), `causes` (most likely first: `why`, `fix`,\n`when`, `first`, `tell`, `unsure`) and `sources`. A `<fact>` in a text stands for the actual\nvalue; `when` is where a cause is given at all, `first` where it comes before the others.\n"

func explainJSON(stages []catalogue.Stage) string {
	type answer struct {
		Operation string   `json:"operation"`
		Codes     []string `json:"codes"`
		Text      string   `json:"text"`
	}
	type cause struct {
		Why    string `json:"why"`
		Fix    string `json:"fix"`
		When   string `json:"when"`
		First  string `json:"first"`
		Tell   string `json:"tell"`
		Unsure bool   `json:"unsure"`
	}
	type kase struct {
		ID      string        `json:"id"`
		Status  report.Status `json:"status"`
		Problem string        `json:"problem"`
		Answer  *answer       `json:"answer"`
		Causes  []cause       `json:"causes"`
		Sources []string      `json:"sources"`
	}
	type check struct {
		ID    string `json:"id"`
		Title string `json:"title"`
		Doc   string `json:"doc"`
		Cases []kase `json:"cases"`
	}
	checks := []check{}
	for _, s := range stages {
		for _, from := range s.Checks {
			to := check{from.ID, from.Title, catalogue.Doc(from.ID), []kase{}}
			for _, c := range from.Cases {
				k := kase{ID: c.ID, Status: c.Severity(), Problem: catalogue.Template(c.Problem), Causes: []cause{}, Sources: append([]string{}, c.Sources...)}
				if len(c.Answer.Code) > 0 {
					k.Answer = &answer{c.Answer.Op, c.Answer.Code, c.Answer.Text}
				}
				for _, x := range c.Causes {
					k.Causes = append(k.Causes, cause{
						catalogue.Template(x.Why), catalogue.Template(x.Fix), x.Condition(), x.Likelier(), catalogue.Template(x.Tell), x.Unsure,
					})
				}
				to.Cases = append(to.Cases, k)
			}
			checks = append(checks, to)
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(struct { // strings and plain structures, which always encode
		Schema int     `json:"schema"`
		Checks []check `json:"checks"`
	}{1, checks})
	return b.String()
}
