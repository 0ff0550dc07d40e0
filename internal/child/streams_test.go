package child_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/child"
)

// patient is more than any command here takes, and less than those take that are not to be waited for.
const patient = 5 * time.Second

func shell(script string) child.Command {
	return child.Command{Args: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin"}}
}

func TestStdinIsHandedOverAsItIs(t *testing.T) {
	name := filepath.Join(t.TempDir(), "in")
	writeFile(t, name, 0o600, "abcdef")
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out bytes.Buffer
	c := shell("dd bs=2 count=1 2>/dev/null")
	c.In, c.Out, c.Wrap = in, &out, unchanged
	runOK(t, c)
	rest, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := [2]string{out.String(), string(rest)}, [2]string{"ab", "cdef"}; got != want {
		t.Errorf("the command read and left %q, want %q", got, want)
	}
}

func TestStdinOfAnyReader(t *testing.T) {
	never, _ := pipe(t)
	tests := []struct {
		name   string
		in     io.Reader
		script string
		want   string
	}{
		{"is passed through", strings.NewReader("line\n\x00"), "cat", "line\n\x00"},
		{"is nothing without a reader", nil, "cat", ""},
		{"need not be read", strings.NewReader(strings.Repeat("x", 1<<20)), "echo done", "done\n"},
		{"need not end", io.MultiReader(strings.NewReader("first\n"), never), "read line; echo $line", "first\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			c := shell(tt.script)
			c.In, c.Out = tt.in, &out
			within(t, patient, func() { runOK(t, c) })
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStdoutAndStderrStayApart(t *testing.T) {
	for _, wrap := range []func(io.Writer) io.WriteCloser{nil, unchanged} {
		var out, errs bytes.Buffer
		c := shell("echo out; echo err >&2; echo more")
		c.Out, c.Err, c.Wrap = &out, &errs, wrap
		runOK(t, c)
		if got, want := [2]string{out.String(), errs.String()}, [2]string{"out\nmore\n", "err\n"}; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestOneFileKeepsTheOrderOfLines(t *testing.T) {
	var want strings.Builder
	for i := range 100 {
		fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
	}
	script := `i=0; while [ $i -lt 100 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done`
	name := filepath.Join(t.TempDir(), "log")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	one, buffer := open(), &bytes.Buffer{}
	tests := []struct {
		name     string
		out, err io.Writer
	}{
		{"one descriptor", one, one},
		{"one file opened twice", open(), open()},
		{"one writer", buffer, buffer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.Truncate(name, 0); err != nil {
				t.Fatal(err)
			}
			filters := 0
			c := shell(script)
			c.Out, c.Err = tt.out, tt.err
			c.Wrap = func(w io.Writer) io.WriteCloser { filters++; return unchanged(w) }
			runOK(t, c)
			got, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.String(), string(got)+buffer.String()); diff != "" {
				t.Errorf("the log (-want +got):\n%s", diff)
			}
			if filters != 1 {
				t.Errorf("%d filters, want 1", filters)
			}
		})
	}
}

func TestWithoutFilterTheFilesAreHandedOver(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := shell(`echo first; (sleep 1; echo late) &`)
	c.Out, c.Err = f, f
	start := time.Now()
	runOK(t, c)
	if took := time.Since(start); took > grace {
		t.Errorf("waited %v for a background process that has our file", took)
	}
	for deadline := time.Now().Add(patient); ; time.Sleep(10 * time.Millisecond) {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) == "first\nlate\n" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log holds %q", got)
		}
	}
}

// grace is that of the package, with some leave for a slow machine.
const grace = 900 * time.Millisecond

func TestABackgroundProcessDoesNotHangUs(t *testing.T) {
	const size = 150_000
	tests := []struct {
		name   string
		script string
		slow   time.Duration // of each write to our stdout
		want   string        // the beginning of the output
	}{
		{"that is silent", "sleep 30 & echo $! >&2; echo done", 0, "done\n"},
		{"that never stops", "yes & echo $! >&2; wait 0; echo done >&2", 0, "y\n"},
		{"that has its last words", "(sleep 0.1; echo late) & echo 0 >&2; echo first", 0, "first\nlate\n"},
		{
			"that is silent, to a slow reader", fmt.Sprintf("sleep 30 & echo $! >&2; head -c %d /dev/zero", size),
			400 * time.Millisecond, strings.Repeat("\x00", size),
		},
		{
			"that never stops, to a slow reader", fmt.Sprintf("head -c %d /dev/zero; yes & echo $! >&2", size),
			400 * time.Millisecond, strings.Repeat("\x00", size),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			r, pid := pipe(t)
			c := shell(tt.script)
			c.Out, c.Err = writerFunc(func(p []byte) (int, error) {
				time.Sleep(tt.slow)
				out.Write(p[:min(len(p), size-out.Len())])
				return len(p), nil
			}), pid
			c.Wrap = func(w io.Writer) io.WriteCloser {
				if w == c.Err {
					return unclosed{w}
				}
				return unchanged(w)
			}
			within(t, patient, func() { runOK(t, c) })
			var background int
			if _, err := fmt.Fscanln(r, &background); err != nil {
				t.Fatal(err)
			}
			if background > 0 {
				_ = syscall.Kill(background, syscall.SIGKILL)
			}
			if got := out.String(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("%d bytes arrived, beginning %.20q, want %d, beginning %.20q", len(got), got, len(tt.want), tt.want)
			}
		})
	}
}

func TestAReaderThatIsGoneEndsTheCommand(t *testing.T) {
	for _, wrap := range []func(io.Writer) io.WriteCloser{nil, unchanged} {
		r, w := pipe(t)
		_ = r.Close()
		c := shell("exec yes")
		c.Out, c.Wrap = w, wrap
		within(t, patient, func() {
			if code, err := c.Run(t.Context()); code != 128+int(syscall.SIGPIPE) || err != nil {
				t.Errorf("%d, %v, want %d", code, err, 128+int(syscall.SIGPIPE))
			}
		})
	}
}

func TestLostOutputIsAnError(t *testing.T) {
	full := errors.New("no space left")
	for script, want := range map[string]int{"echo text": 125, "echo text; exit 3": 3} {
		c := shell(script)
		c.Out = writerFunc(func([]byte) (int, error) { return 0, full })
		if code, err := c.Run(t.Context()); code != want || !errors.Is(err, full) {
			t.Errorf("%q: %d, %v, want %d, %v", script, code, err, want, full)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// unclosed is no filter.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// within fails when f takes longer.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > limit {
		t.Errorf("took %v, want at most %v", took, limit)
	}
}
