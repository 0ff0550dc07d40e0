package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/refs"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const refsDescription = `Reads the files of a set-up and finds the name that does not match: role documents and
trust policies, Kubernetes manifests, Helm values of gitlab-runner, config.toml,
.gitlab-ci.yml, and what terraform show -json prints. A file is known by what is in
it. PATH is a file, a folder, or - for stdin. Without one CI_AWS_REFS_PATHS names
them, white space between. Makes no call.

A name that none of the files defines is a note, and a failure with --closed. Where
more places have one name than another, the other is the slip: it comes first, and has
a patch, which git apply --unidiff-zero takes.
--output is text, json, junit or mermaid: a picture that GitLab draws.

   ci-aws refs .
   terraform show -json | ci-aws refs - kubernetes/ values.yaml .gitlab-ci.yml
   ci-aws refs --output mermaid --file refs.mmd .`

func refsCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "refs", Usage: "find the name that does not match in the files of a set-up", Description: refsDescription,
		ArgsUsage: "PATH…",
		Flags: slices.Concat([]cli.Flag{
			boolFlag("closed", "fail where a name is defined in none of the files, or used in none"),
			stringFlag("file", "write JSON, JUnit or Mermaid into `FILE`, and the text to stdout"),
			stringFlag("annotations", "write links to the failed checks into `FILE`, as artifacts:reports:annotations takes them"),
		}, commonFlags()),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return refsOptions{s, s.c.Args().Slice(), ""}.run(ctx, io, t)
		}),
	}
}

type refsOptions struct {
	settings settings
	paths    []string
	from     string // what names the paths, "" for the command line
}

// pathsVariable holds the paths where the command line has none, so that no shell
// of a job reads them.
const pathsVariable = "CI_AWS_REFS_PATHS"

func (o refsOptions) run(ctx context.Context, io IO, t *talk) error {
	if len(o.paths) == 0 {
		named := o.settings.variableOrInput(pathsVariable)
		o.paths, o.from = strings.Fields(named.Text), ofComponent(named.From)
		for i, p := range o.paths {
			if p == "-" {
				o.paths[i] = "./-" // the stdin of a job is its script
			}
		}
		if warning := o.settings.override(pathsVariable); warning != "" {
			t.warn(warning)
		}
	}
	if err := o.check(); err != nil {
		return err
	}
	form, err := o.settings.reportForm("mermaid")
	if err != nil {
		return err
	}
	closed, err := o.settings.yes("closed")
	if err != nil {
		return err
	}
	timeout, _, err := o.settings.duration("timeout", time.Millisecond, maxTimeout, defaultTimeout)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if t.io.Ready != nil {
		<-t.io.Ready
	}
	set, err := refs.Read(ctx, o.paths, io.In)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		hint := "give files or folders that this user can read, or - for stdin"
		if o.from != "" {
			hint = "let " + o.from + " name files or folders that this user can read, with a space between"
		}
		return &hintedError{err, []string{hint}}
	}
	result := refs.Check(set, refs.Options{Closed: closed})
	if tree := result.Graph.Tree(); tree != "" {
		form.before = tree + "\n"
	}
	form.siblings = []report.Sibling{{Key: "graph", Value: result.Graph}}
	form.mermaid = result.Graph.Mermaid
	return form.write(io, t, o.settings.job, result.Report, "ci-aws refs")
}

func (o refsOptions) check() error {
	switch {
	case len(o.paths) == 0:
		return usagef("refs: want a PATH, or - for stdin")
	case slices.Contains(o.paths, ""):
		return usagef("refs: a PATH is empty")
	case o.from != "":
		return nil // what looks like a flag is none there
	}
	for _, p := range o.paths {
		if strings.HasPrefix(p, "--") {
			return &hintedError{usagef("refs: %q is no PATH", report.Clean(p)), []string{"flags stand before PATH; a file of such a name is ./" + report.Clean(p)}}
		}
	}
	return nil
}

const refsFields = `
## The JSON of refs

Beside ` + "`schema`, `verdict` and `findings`" + `:

- ` + "`graph`" + `: what the files name and how they refer to each other. ` + "`nodes`" + ` have ` + "`kind`, `name`" + `,
  ` + "`where`" + ` (the definition, else the first place that names it) and ` + "`defined`" + `; ` + "`edges`" + ` have
  ` + "`from` and `to`" + ` (indices of nodes), ` + "`label`" + `, ` + "`where`" + ` and ` + "`state`" + `: ` + "`ok`" + `, ` + "`wrong`" + ` (the ends do
  not agree) or ` + "`open`" + ` (the other end is in none of the files).
`
