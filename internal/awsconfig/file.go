package awsconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// maxSize is far above any config file, and far below what would be felt.
const maxSize = 10_000_000

// MountError is a file that cannot be replaced because it is a mount of its own, as a ConfigMap's subPath is.
type MountError struct {
	Path string
	Err  error
}

func (e *MountError) Error() string {
	return fmt.Sprintf("%q is a mount of its own and cannot be replaced: %v", e.Path, e.Err)
}

func (e *MountError) Unwrap() error { return e.Err }

// errChanged is a file that another program changed while it was edited.
var errChanged = errors.New("it keeps changing")

// edit replaces the file's text by what change makes of it. A missing file is empty if it may be made, and otherwise
// left alone.
func edit(ctx context.Context, path string, create bool, change func([]byte) ([]byte, error)) error {
	target, err := resolve(path)
	if err != nil {
		return fmt.Errorf("editing %q: %w", path, err)
	}
	return editAt(ctx, path, target, create, change)
}

// editAt edits target, which path leads to.
func editAt(ctx context.Context, path, target string, create bool, change func([]byte) ([]byte, error)) error {
	dir := filepath.Dir(target)
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("editing %q: %w", path, err)
		}
	} else if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := lockFolder(ctx, dir)
	if err != nil {
		return fmt.Errorf("editing %q: %w", path, err)
	}
	defer unlock()
	for range 10 {
		if err = editLocked(target, change); !errors.Is(err, errChanged) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("editing %q: %w", path, err)
	}
	return nil
}

// resolve returns the file that path leads to through links; it need not exist, but a link to nothing is an error.
func resolve(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return target, err
	}
	if to, err := os.Readlink(path); err == nil {
		return "", fmt.Errorf("it is a link to %q, which does not exist", to)
	}
	return path, nil
}

// lockFolder keeps other calls out of dir until unlock; the kernel ends it with the process. Where the file system
// has no such locks (NFS has none on folders) the comparison before the file is replaced must do.
func lockFolder(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir) //nolint:gosec // the folder of the file that the user named
	if err != nil {
		return nil, err
	}
	unlock = func() { _ = f.Close() }
	fi, err := f.Stat()
	if err == nil && fi.Mode().Perm()&0o002 != 0 && fi.Mode()&fs.ModeSticky == 0 {
		err = fmt.Errorf("its folder %q can be written by others (mode %#o)", dir, fi.Mode().Perm())
	}
	for err == nil {
		lockErr := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(lockErr, syscall.EWOULDBLOCK) && !errors.Is(lockErr, syscall.EINTR) {
			return unlock, nil
		}
		select {
		case <-ctx.Done():
			err = fmt.Errorf("waiting for another ci-aws configure: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
	unlock()
	return nil, err
}

func editLocked(target string, change func([]byte) ([]byte, error)) error {
	old, text, err := read(target)
	if err != nil {
		return err
	}
	changed, err := change(text)
	if err != nil || bytes.Equal(changed, text) {
		return err
	}
	temp, err := writeBeside(target, old, changed)
	if err != nil {
		return err
	}
	if err := replace(temp, target, old); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// read returns the file's text and what it was before reading, which is nil where there is none.
func read(target string) (fs.FileInfo, []byte, error) {
	fi, err := os.Stat(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, nil, errors.New("it is not a regular file")
	}
	if fi.Size() >= maxSize {
		return nil, nil, fmt.Errorf("it has %d bytes: that is no AWS config file", fi.Size())
	}
	text, err := os.ReadFile(target) //nolint:gosec // the file that the user named
	if err != nil {
		return nil, nil, err
	}
	if i := bytes.IndexFunc(text, func(r rune) bool { return r < ' ' && (r < '\t' || r > '\r') || r == 0x7f }); i >= 0 {
		return nil, nil, fmt.Errorf("byte %d is a control character: that is no AWS config file", i+1)
	}
	return fi, text, nil
}

// writeBeside writes text to a new file in target's folder, with the mode and owner of old, and returns its name.
func writeBeside(target string, old fs.FileInfo, text []byte) (_ string, err error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if old != nil {
		if err := keepOwner(f, old); err != nil {
			return "", err
		}
	}
	if _, err := f.Write(text); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

func keepOwner(f *os.File, old fs.FileInfo) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	is, ok1 := fi.Sys().(*syscall.Stat_t)
	was, ok2 := old.Sys().(*syscall.Stat_t)
	if ok1 && ok2 && (is.Uid != was.Uid || is.Gid != was.Gid) {
		if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return fmt.Errorf("keeping its owner %d:%d: %w", was.Uid, was.Gid, err)
		}
	}
	return f.Chmod(old.Mode().Perm())
}

// replace puts temp in target's place, if that is still old, and makes the change last.
func replace(temp, target string, old fs.FileInfo) error {
	now, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if old != nil {
			return errChanged
		}
	case err != nil:
		return err
	case old == nil || !os.SameFile(old, now) || old.Size() != now.Size() || !old.ModTime().Equal(now.ModTime()):
		return errChanged
	}
	if err := os.Rename(temp, target); err != nil {
		return renameError(target, err)
	}
	dir, err := os.Open(filepath.Dir(target))
	if err != nil {
		return nil // the file is replaced; whether it outlives a crash now cannot be said
	}
	defer dir.Close()
	_ = dir.Sync() // not every file system can
	return nil
}

func renameError(target string, err error) error {
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) {
		return &MountError{target, errors.Unwrap(err)}
	}
	return err
}
