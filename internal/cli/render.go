package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	goio "io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/render"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const renderDescription = `Writes what ties runners, Kubernetes and AWS together from one description, so that no
name can disagree: Terraform, IAM policies as JSON, Kubernetes manifests, values of the
Helm chart gitlab-runner, the include of a pipeline, and SETUP.md with the order of
steps. The description is a YAML file, flags, or both; a flag outranks the file. It
makes no call. Files that are as they should be are not touched; where one was edited by
hand nothing is written, unless --force is given. With --diff it writes nothing, prints
what would change, and exits with 1 if that is anything, as diff does.

   ci-aws render --file ci-aws.yaml --output-dir out
   ci-aws render --file ci-aws.yaml --output-dir out --diff
   ci-aws render --file ci-aws.yaml --part kubernetes`

func renderCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "render", Usage: "write the references between runner, Kubernetes and AWS", Description: renderDescription,
		Flags: slices.Concat([]cli.Flag{
			stringFlag("file", "read the description in `FILE`, or - for stdin"),
			stringFlag("output-dir", "write into the folder `DIR`"),
			stringFlag("part", "print `NAME` and write nothing: a file such as SETUP.md, or terraform, kubernetes, helm"),
			boolFlag("diff", "print what would change, and write nothing"),
			boolFlag("force", "overwrite files that were edited by hand"),
		}, keyFlags(), commonFlags()),
		Subcommands: []*cli.Command{renderInitCommand(io, t)},
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return renderOptions{s}.run(ctx, io, t)
		}),
	}
}

// keyFlags are a flag for each key of a description, and one for what the job's
// token says. No variable sets them: what is written follows from the file and
// the command line alone.
func keyFlags() []cli.Flag {
	var flags []cli.Flag
	for _, k := range render.Keys() {
		switch usage := k.Usage; {
		case k.Kind == render.JobList || k.Kind == render.FleetList:
			flags = append(flags, listFlag(k.Flag, usage))
		case k.Kind == render.Bool && k.Default == "false":
			flags = append(flags, boolFlag(k.Flag, usage))
		default:
			if k.Default != "" {
				usage += " (" + k.Default + ")"
			}
			flags = append(flags, stringFlag(k.Flag, usage))
		}
	}
	return append(flags, boolFlag("from-token", "take issuer, namespace, account and region from the job it runs in, where nothing else gives them"))
}

type renderOptions struct{ settings settings }

func (o renderOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	if err := noArgs(s.c); err != nil {
		return err
	}
	asJSON, err := s.asJSON()
	if err != nil {
		return err
	}
	dir, err := s.given("output-dir")
	if err != nil {
		return err
	}
	part, err := s.given("part")
	if err != nil {
		return err
	}
	switch {
	case part.Known() && (s.c.Bool("diff") || s.c.Bool("force") || dir.Known()):
		return usagef("reading --part: it prints to stdout, so that --output-dir, --diff and --force have no effect")
	case !part.Known() && !dir.Known():
		return usagef("no folder is given: give --output-dir to write into, or --part to print one part")
	case s.c.Bool("diff") && s.c.Bool("force"):
		return usagef("reading --force: --diff writes nothing")
	}
	d, source, err := s.description(ctx, io, t)
	if err != nil {
		return err
	}
	if d, err = d.Complete(); err != nil {
		return described(err)
	}
	files := render.Files(d, source)
	if part.Known() {
		text, ok := render.Part(files, part.Text)
		if !ok {
			return usagef("unknown part %q: want one of %s", report.Clean(part.Text), strings.Join(render.Parts(files), ", "))
		}
		return o.print(io, t, text)
	}
	plan, err := render.Compare(dir.Text, files)
	if err != nil {
		return renderHints(err)
	}
	for _, name := range plan.Stale {
		t.warn("the description asks for " + name + " no more: remove it, or it will be taken for current")
	}
	if s.c.Bool("diff") {
		return o.diff(io, t, plan)
	}
	if err := plan.Write(s.c.Bool("force")); err != nil {
		return renderHints(err)
	}
	return o.print(io, t, outcome(plan, asJSON))
}

func (o renderOptions) print(io IO, t *talk, text string) error {
	_, err := fmt.Fprint(io.Out, t.redact.Redact(text))
	return writeFailed(err)
}

// diff prints what would change. Its exit code is that of diff.
func (o renderOptions) diff(io IO, t *talk, plan render.Plan) error {
	for _, f := range plan.Files {
		if f.State == render.Edited {
			t.warn(f.Path + " was edited by hand: only --force would overwrite it")
		}
	}
	if err := o.print(io, t, plan.Diff(withoutSecret)); err != nil {
		return err
	}
	if plan.Differs() {
		return exitStatus(exitNo)
	}
	return nil
}

// withoutSecret shows of a line that somebody wrote what names a secret, and not
// the secret.
func withoutSecret(line string) string {
	low := strings.ToLower(line)
	for _, start := range []string{"glrt-", "glpat-", "akia", "asia"} {
		if strings.Contains(low, start) {
			return "[hidden]"
		}
	}
	for _, word := range []string{"token", "secret", "password", "accesskey", "access_key"} {
		if at := strings.IndexAny(line, ":="); at >= 0 && strings.Contains(low[:at], word) {
			return report.Clean(line[:at+1]) + " [hidden]"
		}
	}
	return report.Clean(line)
}

// outcome says what became of each file.
func outcome(plan render.Plan, asJSON bool) string {
	type entry struct {
		Path  string       `json:"path"`
		State render.State `json:"state"`
	}
	var entries []entry
	var b strings.Builder
	for _, f := range plan.Files {
		if f.State == render.Edited {
			f.State = render.Changed
		}
		entries = append(entries, entry{f.Path, f.State})
		fmt.Fprintf(&b, "%-9s %s\n", f.State, f.Path)
	}
	if !asJSON {
		return b.String()
	}
	raw, err := json.MarshalIndent(struct {
		Schema int     `json:"schema"`
		Files  []entry `json:"files"`
	}{1, entries}, "", "  ")
	if err != nil {
		panic(err) // strings always encode
	}
	return string(raw) + "\n"
}

// description joins the file, the flags and the token, in this order of rank:
// flag, file, token. Source names the file.
func (s settings) description(ctx context.Context, io IO, t *talk) (d render.Description, source string, err error) {
	file, err := s.given("file")
	if err != nil {
		return d, "", err
	}
	source = "flags"
	if file.Known() {
		source = file.Text
		if d, err = readDescription(io, file); err != nil {
			return d, "", err
		}
	}
	if err := s.keys(&d); err != nil {
		return d, "", err
	}
	if s.c.Bool("from-token") {
		err = s.fromToken(ctx, t, &d)
	}
	return d, source, err
}

func readDescription(io IO, file report.Value) (render.Description, error) {
	fail := func(err error) (render.Description, error) {
		return render.Description{}, &hintedError{
			fmt.Errorf("reading the description %q: %w", report.Clean(file.Text), err),
			[]string{"let " + file.From + " name a file such as ci-aws render init prints"},
		}
	}
	var raw []byte
	var err error
	name := file.Text
	if name == "-" {
		name = "stdin"
		raw, err = goio.ReadAll(goio.LimitReader(io.In, render.MaxBytes+1))
	} else {
		raw, err = identity.ReadFile(name, render.MaxBytes)
	}
	if err != nil {
		return fail(err)
	}
	d, err := render.Read(name, raw)
	if err != nil {
		return d, described(err)
	}
	return d, nil
}

// keys puts the flags that were given into a description.
func (s settings) keys(d *render.Description) error {
	for _, k := range render.Keys() {
		if !s.c.IsSet(k.Flag) {
			continue
		}
		values := []report.Value{{Text: fmt.Sprint(s.c.Bool(k.Flag)), From: "--" + k.Flag}}
		if _, isBool := s.c.Value(k.Flag).(bool); !isBool {
			var err error
			if values, err = s.values(k.Flag); err != nil {
				return err
			}
		}
		if err := d.Set(k, values); err != nil {
			return described(err)
		}
	}
	return nil
}

// described makes an error of a description one of the command line: the first
// thing that is wrong, the others as hints. The exit code is 2 where all of them
// came from the command line, or nothing was given.
func described(err error) error {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	usage := true
	var hints []string
	for i, e := range all {
		if setting, ok := errors.AsType[*render.Error](e); ok && !setting.Flag() {
			usage = false
		}
		if i > 0 {
			hints = append(hints, "also: "+e.Error())
		}
		if missing, ok := errors.AsType[*render.MissingError](e); ok {
			hints = append(hints, fmt.Sprintf("give --%s, or %s in the file of --file: %s", missing.Key.Flag, missing.Key.Name, missing.Key.What))
		}
	}
	err = all[0]
	if usage {
		err = &usageError{err.Error()}
	}
	return &hintedError{err, hints}
}

func renderHints(err error) error {
	if _, edited := errors.AsType[*render.EditedError](err); edited {
		return &hintedError{err, []string{
			"nothing was written; look at the difference with --diff, and move what you need into the description",
			"--force overwrites them",
		}}
	}
	return &hintedError{err, []string{"let --output-dir name a folder that you can write"}}
}
