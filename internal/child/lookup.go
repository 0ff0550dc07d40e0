package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultPath is where commands are looked up when the environment has no PATH, as dash does it.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// NotFoundError says that there is no such command.
type NotFoundError struct {
	Name string // as it was given
	Path string // the PATH that was searched; empty if Name has a slash
}

func (e *NotFoundError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("running %q: no such file", e.Name)
	}
	return fmt.Sprintf("running %q: not found in PATH %q", e.Name, e.Path)
}

// NotExecutableError says that the command is there, and why it cannot be executed.
type NotExecutableError struct {
	Name  string // as it was given
	File  string // the file that was found
	Cause error
}

func (e *NotExecutableError) Error() string {
	if e.File == e.Name {
		return fmt.Sprintf("running %q: %v", e.Name, e.Cause)
	}
	return fmt.Sprintf("running %q: executing %q: %v", e.Name, e.File, e.Cause)
}

func (e *NotExecutableError) Unwrap() error { return e.Cause }

// lookPath finds the file to execute for name. In a PATH a folder is passed over, and a file that we may not execute
// counts only if no later one does.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, lookFile(name, name)
	}
	path := searchPath(env)
	if name == "" {
		return "", &NotFoundError{Name: name, Path: path}
	}
	var refused error
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if !strings.Contains(file, "/") {
			file = "./" + file // an empty entry is the working folder
		}
		err := lookFile(name, file)
		if err == nil {
			return file, nil
		}
		if e, ok := errors.AsType[*NotExecutableError](err); ok && !errors.Is(e, errFolder) && refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return "", refused
	}
	return "", &NotFoundError{Name: name, Path: path}
}

var errFolder = errors.New("is a folder")

// lookFile says whether file can be executed.
func lookFile(name, file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR):
		return &NotFoundError{Name: name}
	case err != nil:
		return &NotExecutableError{Name: name, File: file, Cause: bare(err)}
	case info.IsDir():
		return &NotExecutableError{Name: name, File: file, Cause: errFolder}
	}
	if err := unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS); err != nil {
		return &NotExecutableError{Name: name, File: file, Cause: err}
	}
	return nil
}

// searchPath is the PATH of env.
func searchPath(env []string) string {
	path := defaultPath
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	return path
}

// startError gives the error of a start its type. That the file is missing can only be said of its interpreter here:
// the file itself was found before.
func startError(name, file string, err error) error {
	for _, refusal := range []error{unix.EACCES, unix.EPERM, unix.ENOEXEC, unix.ENOTDIR, unix.ELOOP, unix.E2BIG, unix.ETXTBSY} {
		if errors.Is(err, refusal) {
			return &NotExecutableError{Name: name, File: file, Cause: refusal}
		}
	}
	if errors.Is(err, unix.ENOENT) {
		return &NotExecutableError{Name: name, File: file, Cause: fmt.Errorf("its interpreter: %w", unix.ENOENT)}
	}
	return fmt.Errorf("running %q: %w", name, bare(err))
}

// bare is err without the operation and path that os puts before it.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// startCode is the exit code for an error of a start.
func startCode(err error) int {
	if _, ok := errors.AsType[*NotFoundError](err); ok {
		return CodeNotFound
	}
	if _, ok := errors.AsType[*NotExecutableError](err); ok {
		return CodeNotExecutable
	}
	return CodeFailed
}
