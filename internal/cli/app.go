// Package cli is the command line of ci-aws, a file for each command: flags
// become a request, the request runs, its error becomes an exit code. What goes
// to stdout is the product alone; everything that is said goes to stderr.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/export"
	"gitlab.com/ci-aws/ci-aws/internal/job"
)

// Version is the version of this program.
const Version = "0.1.0-dev"

// IO is everything of the world that a command touches.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string
	Now      func() time.Time
	Root     string // paths that the platform fixes are looked up below it; "" is /
}

// Run runs a command line, args[0] being the program, and returns its exit code.
func Run(ctx context.Context, args []string, io IO) int {
	t := newTalk(io)
	err := runSafely(ctx, args, io, t)
	code := exitCode(err)
	if command(args) == "exec" {
		code = execCode(err)
	}
	if code != exitOK && command(args) == "env" {
		_, _ = fmt.Fprint(io.Out, export.Failure(formatOf(args, io.Environ)))
	}
	t.failure(err)
	return code
}

// runSafely turns a panic into an error. Its value may hold anything, so only
// the stack is shown.
func runSafely(ctx context.Context, args []string, io IO, t *talk) (err error) {
	defer func() {
		if recover() != nil {
			err = &bugError{string(debug.Stack())}
		}
	}()
	return newApp(io, t).RunContext(ctx, args)
}

func newApp(io IO, t *talk) *cli.App {
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
		Commands: []*cli.Command{
			whoamiCommand(io, t), envCommand(io, t), execCommand(io, t),
			credentialProcessCommand(io, t), configureCommand(io, t), completionCommand(io),
		},
	}
	for _, c := range app.Commands {
		c.OnUsageError = usageFailed
		c.HideHelpCommand = true
	}
	return app
}

const appDescription = `ci-aws exchanges the identity that a GitLab job's pod already has (IRSA, EKS Pod
Identity, a GitLab ID token) for credentials of the job's AWS role. When AWS says
no, it names the reference that is wrong and the change that mends it.

A flag's variable is CI_AWS_ and its name: CI_AWS_ROLE_ARN for --role-arn.

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
	if c.NArg() == 0 {
		return cli.ShowAppHelp(c)
	}
	var names []string
	for _, cmd := range c.App.Commands {
		names = append(names, cmd.Name)
	}
	return usagef("unknown command %q: want one of %s", c.Args().First(), strings.Join(names, ", "))
}

func usageFailed(_ *cli.Context, err error, _ bool) error { return &usageError{err.Error()} }

// command is the command that a command line names, whether or not the rest of
// it can be read.
func command(args []string) string {
	if i := slices.IndexFunc(args[min(1, len(args)):], func(a string) bool { return !strings.HasPrefix(a, "-") }); i >= 0 {
		return args[1+i]
	}
	return ""
}

// formatOf is the format that env was asked for. What cannot be read counts as
// sh, so that an eval of the output fails.
func formatOf(args, environ []string) export.Format {
	name := job.Read(environ, "").Get(variable("format"))
	for i, a := range args {
		a = strings.TrimPrefix(a, "-")
		if v, ok := strings.CutPrefix(a, "-format="); ok {
			name = v
		} else if a == "-format" && i+1 < len(args) {
			name = args[i+1]
		}
	}
	if f, err := export.ParseFormat(name); err == nil {
		return f
	}
	return export.Sh
}

// sameFile reports whether two streams are one open file, as the stdout and
// stderr of a job's line are where nothing captures them.
func sameFile(a, b io.Writer) bool {
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

// refuseLog refuses to print credentials into a job's log.
func refuseLog(io IO, j job.Job, instead string) error {
	if !j.InGitLab() || !sameFile(io.Out, io.Err) {
		return nil
	}
	return &hintedError{
		errors.New("printing credentials: would print credentials into the job log"),
		[]string{instead},
	}
}
