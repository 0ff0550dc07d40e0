// Package child runs one command as a shell would, in the same process group and with the same streams, and passes on
// the signals and the exit code. What the command prints may be led through a filter on its way.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// Exit codes that are not the command's own, as shells and env(1) use them.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02
const (
	CodeFailed        = 125 // the command was not run, or its output was lost, for a reason of ours
	CodeNotExecutable = 126 // found, and cannot be executed
	CodeNotFound      = 127
	codeSignal        = 128 // added to the number of the signal that ended the command
)

// Command is a command to run.
type Command struct {
	// Args are the command and its arguments. A command without a slash is looked up in the PATH of Env.
	Args []string
	// Env is the whole environment of the command, as KEY=value. Of equal keys the last counts.
	Env []string
	// In is the command's stdin. An *os.File is handed over as it is; nil is the null device. What another reader
	// gives is copied, as far as it gives something before the command ends: a Read that is then under way is not
	// waited for.
	In io.Reader
	// Out and Err are stdout and stderr; nil is the null device. Without Wrap an *os.File is handed over as it is,
	// so that the command writes to it without us. Otherwise we copy: see Wrap.
	Out, Err io.Writer
	// Wrap makes the filter for Out and that for Err. It is called once if both are the same open file, as in a job
	// log: one pipe then takes both, so that lines keep their order. The filter is closed when all is in it.
	Wrap func(io.Writer) io.WriteCloser
}

// Run runs the command to its end and returns the code with which a shell would end: the command's own, or 128 plus
// the number of the signal that ended it. With an error the code is CodeNotFound for a [*NotFoundError],
// CodeNotExecutable for a [*NotExecutableError], else CodeFailed; but when only its output was lost, the command's own
// code if that is not 0.
//
// # The context
//
// A context that is done before the start is an error. From then on it is not looked at: deadlines and cancellation
// are for what comes before, and the command ends when it ends or when a signal tells it to.
//
// # Signals
//
// HUP, INT, QUIT, TERM, USR1, USR2, ALRM, WINCH and CONT that are sent to this process go to the command, each once.
// The command is in our process group, so that a terminal's job control, and a kill of the whole group, meet both as
// they meet any command of a shell. A terminal therefore tells the command itself of INT (Ctrl-C), QUIT, HUP and WINCH:
// these are not forwarded while our group is in the foreground of our controlling terminal. In a CI job there is no
// terminal, and everything is forwarded. A signal ignored when we start stays so for the command, as nohup wants it.
//
// The price: an INT from kill(1) that is for us alone, in the foreground of a terminal, does not reach the command (TERM
// does); and a kill of the whole group, or a HUP because the terminal is gone, reaches it twice, once by way of us.
//
// # Streams that outlive the command
//
// All that the command wrote before its end arrives, however slowly Out is read. A background process that still has
// the pipe is given half a second more for its last words, and is then cut off: it does not keep Run waiting. When
// the reader of Out is gone, the pipe is closed, so that the command gets SIGPIPE or EPIPE as in any pipeline; that is
// no error of Run. Files that were handed over as they are know none of this.
func (c Command) Run(ctx context.Context) (int, error) {
	if len(c.Args) == 0 {
		return CodeFailed, errors.New("running a command: none is given")
	}
	if err := ctx.Err(); err != nil {
		return CodeFailed, fmt.Errorf("running %q: %w", c.Args[0], context.Cause(ctx))
	}
	path, err := lookPath(c.Args[0], c.Env)
	if err != nil {
		return startCode(err), err
	}
	files, err := c.open()
	if err != nil {
		return CodeFailed, fmt.Errorf("running %q: %w", c.Args[0], err)
	}

	relay := newRelay()
	defer relay.stop()
	defer ignoreSIGPIPE()()

	// The zero Cmd, not exec.Command, for that looks the name up in our own PATH. Env is never nil: that is our own.
	cmd := &exec.Cmd{
		Path: path, Args: c.Args, Env: append([]string{}, c.Env...),
		Stdin: files.in, Stdout: files.out, Stderr: files.err,
	}
	if err := cmd.Start(); err != nil {
		err = startError(c.Args[0], path, err)
		return startCode(err), errors.Join(err, files.abandon())
	}
	files.started()
	relay.start(cmd.Process)
	err = cmd.Wait()
	relay.stop()
	lost := files.finish()

	code, err := exitCode(cmd.ProcessState, err)
	if err == nil {
		err = lost
	}
	if err != nil {
		if code == 0 {
			code = CodeFailed
		}
		err = fmt.Errorf("running %q: %w", c.Args[0], err)
	}
	return code, err
}

// exitCode is the code with which a shell would end, from what Wait left and returned.
func exitCode(state *os.ProcessState, err error) (int, error) {
	if state == nil {
		return CodeFailed, err
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return codeSignal + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}

// ignoreSIGPIPE makes a broken stdout an error of Write instead of our end, until the returned function is called.
// The command still gets the signal.
func ignoreSIGPIPE() (restore func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGPIPE)
	return func() { signal.Stop(c) }
}
