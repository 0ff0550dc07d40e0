package child_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// counter is a script that tells of each signal it gets and ends by ALRM, with the number of signals.
const counter = `
n=0
for s in HUP INT QUIT TERM USR1 USR2 WINCH CONT; do trap "n=\$((n+1)); echo $s" $s; done
trap 'exit $n' ALRM
echo ready
while :; do sleep 0.02; done`

func TestEachSignalToUsReachesTheCommandOnce(t *testing.T) {
	for _, mode := range []string{"plain", "wrapped"} {
		t.Run(mode, func(t *testing.T) {
			p := start(t, program(t, mode, counter))
			p.expect("ready")
			sent := 0
			for _, name := range []string{"INT", "TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT", "INT"} {
				p.kill(unix.SignalNum("SIG" + name))
				p.expect(name)
				sent++
			}
			p.kill(syscall.SIGALRM)
			if code := p.wait(); code != sent {
				t.Errorf("the command counted %d signals, want %d; its last output: %q", code, sent, p.rest)
			}
		})
	}
}

func TestASignalThatEndsTheCommandIsItsCode(t *testing.T) {
	p := start(t, program(t, "wrapped", "echo ready; exec sleep 30"))
	p.expect("ready")
	p.kill(syscall.SIGTERM)
	if code := p.wait(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("code %d, want %d", code, 128+int(syscall.SIGTERM))
	}
}

func TestIgnoredSignalsStayIgnored(t *testing.T) {
	self := program(t, "plain", `kill -HUP $PPID; kill -HUP $$; echo alive`)
	cmd := &exec.Cmd{Path: "/bin/sh", Args: append([]string{"sh", "-c", `trap "" HUP; exec "$@"`, "sh"}, self.Args...), Env: self.Env}
	out, err := cmd.Output()
	if err != nil || string(out) != "alive\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestAReaderThatIsGoneDoesNotEndUs(t *testing.T) {
	cmd := program(t, "wrapped", `trap "" PIPE; while echo text; do :; done 2>/dev/null; exit 4`)
	r, w := pipe(t)
	cmd.Stdout = w
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(patient, func() { _ = cmd.Process.Kill() }).Stop()
	_, _ = r.Close(), w.Close()
	_ = cmd.Wait()
	if got, want := fmt.Sprint(cmd.ProcessState, errs.String()), "exit status 4"; got != want {
		t.Errorf("ended with %q, want %q", got, want)
	}
}

// TestAfterTheCommandASignalMeansUs: nobody reads our stdout, so what is in the pipe cannot be passed on.
func TestAfterTheCommandASignalMeansUs(t *testing.T) {
	cmd := program(t, "wrapped", "head -c 100000 /dev/zero; echo done >&2")
	_, w := pipe(t)
	cmd.Stdout = w
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(patient, func() { _ = cmd.Process.Kill() }).Stop()
	if _, err := io.ReadFull(stderr, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // for the command to end
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got, want := cmd.ProcessState.String(), "signal: terminated"; got != want {
		t.Errorf("ended with %q, want %q", got, want)
	}
}

func TestATerminalReachesTheCommandOnce(t *testing.T) {
	terminal, device := openTerminal(t)
	cmd := program(t, "wrapped", counter)
	cmd.Stdin = device
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p := start(t, cmd)
	p.expect("ready")
	steps := []struct {
		name, want string
		do         func()
	}{
		{"Ctrl-C", "INT", func() { typeKey(t, terminal, "\x03") }},
		{"kill -TERM of us alone", "TERM", func() { p.kill(syscall.SIGTERM) }},
		{"Ctrl-C again", "INT", func() { typeKey(t, terminal, "\x03") }},
		{"kill -INT of us alone, which is taken for the terminal's; then USR1", "USR1", func() {
			p.kill(syscall.SIGINT)
			time.Sleep(100 * time.Millisecond)
			p.kill(syscall.SIGUSR1)
		}},
	}
	for _, step := range steps {
		step.do()
		p.expect(step.want)
	}
	p.kill(syscall.SIGALRM)
	if code := p.wait(); code != len(steps) {
		t.Errorf("the command counted %d signals, want %d; its last output: %q", code, len(steps), p.rest)
	}
}

// program is this test binary as a program that runs a script, in a session without a terminal.
func program(t *testing.T, mode, script string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{
		Path: self, Args: []string{self, "/bin/sh", "-c", script},
		Env:         []string{"PATH=/bin:/usr/bin", "CHILD_TEST_RUN=" + mode},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
}

// process is a program under way.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *bufio.Reader
	rest string // what came after the last expected line
}

func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	r, w := pipe(t)
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if err := r.SetReadDeadline(time.Now().Add(2 * patient)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	return &process{t: t, cmd: cmd, out: bufio.NewReader(r)}
}

// expect reads the next line.
func (p *process) expect(want string) {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if diff := cmp.Diff(want, strings.TrimSuffix(line, "\n")); diff != "" || err != nil {
		p.t.Fatalf("the next line, %v (-want +got):\n%s", err, diff)
	}
}

// kill sends a signal to the program alone.
func (p *process) kill(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// wait gives the exit code, -1 for a signal.
func (p *process) wait() int {
	p.t.Helper()
	rest, err := io.ReadAll(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	p.rest = string(rest)
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

func typeKey(t *testing.T, terminal *os.File, key string) {
	t.Helper()
	if _, err := terminal.WriteString(key); err != nil {
		t.Fatal(err)
	}
}
