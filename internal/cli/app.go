// Package cli is the command line of ci-aws, a file for each command: flags
// become a request, the request runs, its error becomes an exit code. What goes
// to stdout is the product alone; everything that is said goes to stderr.
package cli

import (
	"context"
	"errors"
	"fmt"
	goio "io"
	"log"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/export"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// IO is everything of the world that a command touches.
type IO struct {
	In       goio.Reader
	Out, Err goio.Writer
	Environ  []string
	Now      func() time.Time
	Ready    <-chan struct{} // closed when signals end the context; nil if they do already
	Root     string          // paths that the platform fixes are looked up below it; "" is /
}

// Run runs a command line, args[0] being the program, and returns its exit code.
func Run(ctx context.Context, args []string, io IO) int {
	// net/http writes what a server sends unasked into Go's log, as it is.
	log.SetOutput(goio.Discard)
	t := newTalk(io)
	app := newApp(io, t, args)
	err := runSafely(ctx, args, app)
	code := exitCode(err)
	switch name := command(args, commandNames(app)); {
	case name == "exec":
		code = execCode(err)
	case name == "env" && code != exitOK:
		_, _ = fmt.Fprint(io.Out, export.Failure(formatOf(args, io.Environ)))
	}
	t.release(err)
	t.failure(err)
	return code
}

// runSafely turns a panic into an error. Its value may hold anything, so only
// the stack is shown.
func runSafely(ctx context.Context, args []string, app *cli.App) (err error) {
	defer func() {
		if recover() != nil {
			err = &bugError{string(debug.Stack())}
		}
	}()
	return app.RunContext(ctx, args)
}

// maker makes one command. Its name is told beforehand, so that a start makes just
// the command that it runs: flags of all of them take a tenth of the time.
type maker struct {
	name string
	make func(IO, *talk) *cli.Command
}

func makers() []maker {
	return []maker{
		{"whoami", whoamiCommand},
		{"env", envCommand},
		{"exec", execCommand},
		{"doctor", doctorCommand},
		{"credential-process", credentialProcessCommand},
		{"configure", configureCommand},
		{"explain", explainCommand},
		{"trust", trustCommand},
		{"cache", cacheCommand},
		{"smoke", smokeCommand},
		{"render", renderCommand},
		{"refs", refsCommand},
		{"completion", completionCommand},
	}
}

// commands are those that a command line may call. Where its first word is none of
// them, or there is no command line, they are all made.
func commands(io IO, t *talk, args []string) []*cli.Command {
	all := makers()
	known := len(args) > 1 && slices.ContainsFunc(all, func(m maker) bool { return m.name == args[1] })
	var out []*cli.Command
	for _, m := range all {
		if known && !slices.Contains(args, m.name) {
			out = append(out, &cli.Command{Name: m.name})
			continue
		}
		out = append(out, m.make(io, t))
	}
	return out
}

func newApp(io IO, t *talk, args []string) *cli.App {
	app := &cli.App{
		Name:                      "ci-aws",
		Usage:                     "AWS credentials of a GitLab job's role, without a stored key",
		Description:               description(),
		Version:                   Version,
		Reader:                    io.In,
		Writer:                    io.Out,
		ErrWriter:                 io.Err,
		HideHelpCommand:           true,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageFailed,
		Action:                    noCommand,
		Commands:                  commands(io, t, args),
	}
	for _, c := range everyCommand("", app.Commands) {
		c.OnUsageError = usageFailed
		c.HideHelpCommand = true
	}
	return app
}

// named is a command and the words that call it: "trust show".
type named struct {
	path string
	*cli.Command
}

// everyCommand gives the commands, each followed by those below it.
func everyCommand(above string, commands []*cli.Command) []named {
	var all []named
	for _, c := range commands {
		all = append(all, named{above + c.Name, c})
		all = append(all, everyCommand(above+c.Name+" ", c.Subcommands)...)
	}
	return all
}

const appDescription = `ci-aws exchanges the identity that a GitLab job's pod already has (IRSA, EKS Pod
Identity, a GitLab ID token) for credentials of the job's AWS role. When AWS says
no, it names the reference that is wrong and the change that mends it.

A setting's variable is CI_AWS_ and the flag's name: CI_AWS_ROLE_ARN for --role-arn.

Exit codes:
`

func description() string {
	var b strings.Builder
	b.WriteString(appDescription)
	for _, e := range exitMeanings {
		fmt.Fprintf(&b, "  %-9s %s\n", strings.ReplaceAll(e.code, "`", ""), e.meaning)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// noCommand answers a command line without a command, or with an unknown one.
func noCommand(c *cli.Context) error {
	args := c.Args().Slice()
	switch {
	case len(args) == 0, len(args) == 1 && args[0] == "help":
		return cli.ShowAppHelp(c)
	case args[0] == "help" && c.App.Command(args[1]) != nil:
		return cli.ShowCommandHelp(c, args[1])
	case args[0] == "help":
		args = args[1:]
	}
	return usagef("unknown command %q: want one of %s", report.Clean(args[0]), strings.Join(commandNames(c.App), ", "))
}

func commandNames(app *cli.App) []string {
	var out []string
	for _, c := range app.Commands {
		out = append(out, c.Name)
	}
	return out
}

// usageFailed words the errors of package flag.
func usageFailed(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		text = fmt.Sprintf("unknown flag %q", "--"+strings.TrimLeft(report.Clean(name), "-"))
	} else if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		text = fmt.Sprintf("the flag %q needs a value", "--"+strings.TrimLeft(report.Clean(name), "-"))
	}
	if after, ok := strings.CutPrefix(text, "bad flag syntax: "); ok {
		text = fmt.Sprintf("unknown flag %q", report.Clean(after))
	}
	help := "ci-aws --help"
	for _, known := range everyCommand("", c.App.Commands) {
		if c.Command == known.Command {
			help = "ci-aws " + known.path + " --help"
		}
	}
	return &hintedError{&usageError{text}, []string{"`" + help + "` shows what can be given; flags stand behind the command"}}
}

// command is the command that a command line names, whether or not the rest of
// it can be read: the first word that is one.
func command(args, names []string) string {
	for _, a := range args[min(1, len(args)):] {
		if slices.Contains(names, a) {
			return a
		}
	}
	return ""
}

// formatOf is the format that env was asked for. What cannot be read counts as
// sh, so that an eval of the output fails.
func formatOf(args, environ []string) export.Format {
	j := job.Read(environ, "")
	format, output := j.Get(variable("format")), j.Get(variable("output"))
	for i, a := range args {
		name, value, joined := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if !strings.HasPrefix(a, "-") {
			continue
		}
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		switch name {
		case "format":
			format = value
		case "output":
			output = value
		}
	}
	if format == "" && output == "json" {
		return export.JSON
	}
	if f, err := export.ParseFormat(format); err == nil {
		return f
	}
	return export.Sh
}

// sameFile reports whether two streams are one open file, as the stdout and
// stderr of a job's line are where nothing captures them.
func sameFile(a, b goio.Writer) bool {
	fa, ok := a.(*os.File)
	if !ok {
		return false
	}
	fb, ok := b.(*os.File)
	if !ok {
		return false
	}
	ia, err := fa.Stat()
	if err != nil {
		return false
	}
	ib, err := fb.Stat()
	return err == nil && os.SameFile(ia, ib)
}

// discarded reports whether a stream is the null device.
func discarded(w goio.Writer) bool {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return false
	}
	defer null.Close()
	return sameFile(w, null)
}

// refuseLog refuses to print credentials into a job's log.
func refuseLog(io IO, j job.Job, instead string) error {
	if !j.InGitLab() || !sameFile(io.Out, io.Err) || discarded(io.Out) {
		return nil
	}
	return &hintedError{
		errors.New("printing credentials: would print credentials into the job log"),
		[]string{instead},
	}
}
