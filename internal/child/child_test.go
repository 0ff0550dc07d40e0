package child_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/child"
)

// TestMain makes the test binary, under this variable, a program that only runs its arguments: what signals and
// broken streams do to it cannot be tried on the test itself.
func TestMain(m *testing.M) {
	switch os.Getenv("CHILD_TEST_RUN") {
	case "":
		os.Exit(m.Run())
	case "plain":
		os.Exit(runAsProgram(nil))
	default:
		os.Exit(runAsProgram(func(w io.Writer) io.WriteCloser { return unclosed{w} }))
	}
}

func runAsProgram(wrap func(io.Writer) io.WriteCloser) int {
	c := child.Command{Args: os.Args[1:], Env: os.Environ(), In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Wrap: wrap}
	code, err := c.Run(context.Background())
	if err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
	}
	return code
}

// unchanged is a filter that holds each write back until the next, and so loses the last if it is not closed.
func unchanged(w io.Writer) io.WriteCloser { return &late{to: w} }

type late struct {
	to   io.Writer
	held []byte
}

func (l *late) Write(p []byte) (int, error) {
	if _, err := l.to.Write(l.held); err != nil {
		return 0, err
	}
	l.held = bytes.Clone(p)
	return len(p), nil
}

func (l *late) Close() error {
	_, err := l.to.Write(l.held)
	return err
}

func TestRunGivesTheCodeOfAShell(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a", "tool"), 0o755, "#!/bin/sh\nexit 5\n")
	writeFile(t, filepath.Join(dir, "b", "tool"), 0o755, "#!/bin/sh\nexit 6\n")
	writeFile(t, filepath.Join(dir, "a", "plain"), 0o644, "#!/bin/sh\n")
	writeFile(t, filepath.Join(dir, "a", "later"), 0o644, "#!/bin/sh\n")
	writeFile(t, filepath.Join(dir, "b", "later"), 0o755, "#!/bin/sh\nexit 7\n")
	writeFile(t, filepath.Join(dir, "a", "garbage"), 0o755, "\x00\x01\x02")
	writeFile(t, filepath.Join(dir, "a", "orphan"), 0o755, "#!/nowhere/sh\n")
	writeFile(t, filepath.Join(dir, "a", "folder", "file"), 0o644, "")
	path := "PATH=" + dir + "/a:" + dir + "/b"
	t.Chdir(filepath.Join(dir, "b"))

	tests := []struct {
		name string
		args []string
		env  []string
		code int
		err  string // with DIR for the folder
	}{
		{"success", []string{"/bin/sh", "-c", "exit 0"}, nil, 0, ""},
		{"its own code", []string{"/bin/sh", "-c", "exit 42"}, nil, 42, ""},
		{"128 and the signal", []string{"/bin/sh", "-c", "kill -KILL $$"}, nil, 137, ""},
		{"the first in PATH", []string{"tool"}, []string{path}, 5, ""},
		{"the last PATH of the environment", []string{"tool"}, []string{path, "PATH=" + dir + "/b"}, 6, ""},
		{"an empty entry of PATH is the working folder", []string{"tool"}, []string{"PATH=/nowhere:"}, 6, ""},
		{"a relative entry of PATH", []string{"tool"}, []string{"PATH=../a"}, 5, ""},
		{"the usual folders without PATH", []string{"true"}, nil, 0, ""},
		{"a path with a slash is not looked up", []string{"./tool"}, []string{path}, 6, ""},
		{"an executable one after one that is not", []string{"later"}, []string{path}, 7, ""},
		{"not in PATH", []string{"nothing"}, []string{"PATH=/nowhere"}, 127, `running "nothing": not found in PATH "/nowhere"`},
		{"a folder in PATH is no command", []string{"folder"}, []string{path}, 127, `running "folder": not found in PATH "DIR/a:DIR/b"`},
		{"no such file", []string{"./nothing"}, nil, 127, `running "./nothing": no such file`},
		{"a file as folder", []string{"./tool/x"}, nil, 127, `running "./tool/x": no such file`},
		{"the empty name", []string{""}, []string{"PATH=/bin"}, 127, `running "": not found in PATH "/bin"`},
		{"not executable", []string{"plain"}, []string{path}, 126, `running "plain": executing "DIR/a/plain": permission denied`},
		{"a folder by its path", []string{"../a/folder"}, nil, 126, `running "../a/folder": is a folder`},
		{"neither program nor script", []string{"garbage"}, []string{path}, 126, `running "garbage": executing "DIR/a/garbage": exec format error`},
		{"a script without its interpreter", []string{"orphan"}, []string{path}, 126, `running "orphan": executing "DIR/a/orphan": its interpreter: no such file or directory`},
		{"too long an argument", []string{"/bin/true", strings.Repeat("x", 4<<20)}, nil, 126, `running "/bin/true": argument list too long`},
		{"a NUL in an argument", []string{"/bin/true", "a\x00b"}, nil, 125, `running "/bin/true": invalid argument`},
		{"no command at all", nil, nil, 125, "running a command: none is given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, wrap := range []func(io.Writer) io.WriteCloser{nil, unchanged} {
				code, err := child.Command{Args: tt.args, Env: tt.env, Out: os.Stdout, Wrap: wrap}.Run(t.Context())
				if code != tt.code || text(err) != strings.ReplaceAll(tt.err, "DIR", dir) {
					t.Errorf("%d, %q, want %d, %q", code, text(err), tt.code, tt.err)
				}
			}
		})
	}
}

func TestRunErrorsSayWhatIsMissing(t *testing.T) {
	_, err := child.Command{Args: []string{"nothing"}, Env: []string{"PATH=/nowhere"}}.Run(t.Context())
	missing, _ := errors.AsType[*child.NotFoundError](err)
	if diff := cmp.Diff(&child.NotFoundError{Name: "nothing", Path: "/nowhere"}, missing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = child.Command{Args: []string{"/"}}.Run(t.Context())
	refused, ok := errors.AsType[*child.NotExecutableError](err)
	if !ok || refused.Name != "/" || refused.File != "/" {
		t.Errorf("got %#v", err)
	}
}

func TestRunGivesExactlyItsEnvironment(t *testing.T) {
	t.Setenv("OURS", "not theirs")
	for _, env := range [][]string{{"A=1", "B=x y\n=z"}, {}, nil} {
		var out bytes.Buffer
		runOK(t, child.Command{Args: []string{"/usr/bin/env", "-0"}, Env: env, Out: &out})
		want := ""
		for _, entry := range env {
			want += entry + "\x00"
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
	}
}

func TestRunLooksAtTheContextOnlyBeforeTheStart(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := pipe(t)
	go func() {
		if _, err := io.ReadFull(r, make([]byte, 1)); err == nil {
			cancel(errors.New("the exchange took too long"))
		}
	}()
	c := child.Command{Args: []string{"/bin/sh", "-c", "echo; sleep 0.2; exit 9"}, Env: []string{"PATH=/bin:/usr/bin"}, Out: w}
	if code, err := c.Run(ctx); code != 9 || err != nil {
		t.Errorf("a context that ends meanwhile: %d, %v, want 9", code, err)
	}
	code, err := c.Run(ctx)
	if want := `running "/bin/sh": the exchange took too long`; code != 125 || text(err) != want {
		t.Errorf("a context that has ended: %d, %v, want 125, %s", code, err, want)
	}
}

func TestRunLeavesNothingOpen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open files are counted in /proc")
	}
	once := func() {
		for _, args := range [][]string{{"/bin/echo"}, {"/nowhere"}, {"/"}, {"/bin/echo", "a\x00"}} {
			c := child.Command{Args: args, In: strings.NewReader("in"), Out: io.Discard, Err: os.Stderr, Wrap: unchanged}
			_, _ = c.Run(t.Context())
		}
	}
	once()
	before := openFiles(t)
	goroutines := runtime.NumGoroutine()
	for range 5 {
		once()
	}
	for deadline := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > goroutines && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := openFiles(t); got > before {
		t.Errorf("%d open files, before %d", got, before)
	}
	if got := runtime.NumGoroutine(); got > goroutines {
		t.Errorf("%d goroutines, before %d", got, goroutines)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func writeFile(t *testing.T, name string, mode os.FileMode, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// runOK runs a command that is to end with 0.
func runOK(t *testing.T, c child.Command) {
	t.Helper()
	if code, err := c.Run(t.Context()); code != 0 || err != nil {
		t.Fatalf("%q: %d, %v", c.Args, code, err)
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
