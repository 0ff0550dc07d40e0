package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Exit codes of every command but exec.
const (
	exitOK        = 0
	exitNo        = 1 // AWS, a file, a token or a variable's value said no, or a check failed
	exitUsage     = 2 // wrong command line
	exitNoVerdict = 3 // network, timeout, interrupted, our bug, or a check that could not tell
	exitExec      = 125
)

// exitMeanings are the exit codes as help and docs/commands.md give them.
var exitMeanings = []struct{ code, meaning string }{
	{"0", "done"},
	{"1", "AWS, a file, a token or a variable's value said no, or a check failed"},
	{"2", "wrong command line"},
	{"3", "no verdict: network, timeout, interrupted, a check that could not tell, or a defect of ci-aws"},
	{"of `exec`", "the command's own, 128+n for signal n; 125 for a failure of ci-aws, 126 where the command cannot be executed, 127 where it is not found"},
}

// usageError is a command line that cannot be run.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// hintedError is an error with what to do about it.
type hintedError struct {
	error
	hints []string
}

func (e *hintedError) Unwrap() error { return e.error }

// settingError is a value that cannot be used, with the flag, variable, input or
// file that it came from.
type settingError struct {
	value report.Value
	what  string
	flag  bool
}

func (e *settingError) Error() string {
	return fmt.Sprintf("reading %s: %s", e.value.From, e.what)
}

func (e *settingError) hint() string {
	if e.flag {
		return "correct " + e.value.From + ", or leave it out"
	}
	if strings.HasPrefix(e.value.From, ofInput) {
		return "correct " + ofComponent(e.value.From) + " where the component is included, or leave it out"
	}
	return "correct " + e.value.From + " in the job's variables, or remove it"
}

// bugError is a defect of this program.
type bugError struct{ stack string }

func (e *bugError) Error() string { return "internal error" }

// exitStatus ends the program with the code of a child and without a word.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// exitCode is the one place where errors become exit codes.
func exitCode(err error) int {
	var (
		usage   *usageError
		setting *settingError
		bug     *bugError
		id      *identity.Error
		status  exitStatus
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &setting) && setting.flag:
		return exitUsage
	case errors.As(err, &id) && id.Usage:
		return exitUsage
	case errors.As(err, &id) && id.NoVerdict, errors.As(err, &bug),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return exitNoVerdict
	}
	return exitNo
}

// execCode is the exit code of exec: the child's own, 126 and 127 as the shell
// has them, else 125.
func execCode(err error) int {
	var (
		status exitStatus
		failed *childError
	)
	switch {
	case err == nil, errors.As(err, &status):
		return exitCode(err)
	case errors.As(err, &failed):
		return failed.code
	}
	return exitExec
}
