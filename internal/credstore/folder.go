package credstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Store is an open store. Its methods may be called from several goroutines.
type Store struct {
	c    Config
	root *os.Root
}

// Open makes the folder where it is missing, and refuses one that is a link, is not ours, has another mode than 0700
// or lies in one of c.Avoid. Its errors are *UnusableError. Close the store after use.
func Open(c Config) (*Store, error) {
	root, err := openFolder(c)
	if err != nil {
		return nil, &UnusableError{c.Dir, err}
	}
	return &Store{c, root}, nil
}

// Close releases the folder. A nil Store is closed.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	return s.root.Close()
}

func openFolder(c Config) (*os.Root, error) {
	if !filepath.IsAbs(c.Dir) {
		return nil, errors.New("not an absolute path")
	}
	if err := checkPlace(c.Dir, c.Avoid); err != nil {
		return nil, err
	}
	named, err := os.Lstat(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Mkdir(c.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, cause(err)
		}
		named, err = os.Lstat(c.Dir)
	}
	if err != nil {
		return nil, cause(err)
	}
	if err := check(named, fs.ModeDir, 0o700, c.UID); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, cause(err)
	}
	// OpenRoot follows a link in its last element: what it opened must be what was checked.
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(named, opened) {
		err = errors.New("replaced while it was opened")
	}
	if err == nil {
		err = check(opened, fs.ModeDir, 0o700, c.UID)
	}
	if err != nil {
		return nil, errors.Join(cause(err), root.Close())
	}
	return root, nil
}

// checkPlace refuses a folder that is in or is one of avoid. It compares the folders themselves, not their names,
// which links and mounts make many.
func checkPlace(dir string, avoid []string) error {
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return cause(err)
	}
	for _, a := range avoid {
		bad, err := os.Stat(a)
		if err != nil {
			continue // nothing lies in a folder that is not there
		}
		for p := filepath.Join(parent, filepath.Base(dir)); ; p = filepath.Dir(p) {
			if fi, err := os.Stat(p); err == nil && os.SameFile(fi, bad) {
				return fmt.Errorf("it lies in %q, whose files become artifacts and caches", a)
			}
			if p == filepath.Dir(p) {
				break
			}
		}
	}
	return nil
}

// check refuses what is not of that type, that mode and ours. Of a folder it leaves out the set-group-id bit, which
// is inherited from a parent that Kubernetes' fsGroup prepared.
func check(fi fs.FileInfo, kind, perm fs.FileMode, uid int) error {
	st, ok := fi.Sys().(*syscall.Stat_t)
	switch {
	case fi.Mode().Type() == fs.ModeSymlink:
		return errors.New("it is a link")
	case fi.Mode().Type() != kind:
		return fmt.Errorf("it is of type %s, not %s", fi.Mode().Type(), kind)
	case !ok || int(st.Uid) != uid:
		return fmt.Errorf("it does not belong to uid %d", uid)
	case fi.Mode().Perm() != perm:
		return fmt.Errorf("its mode is %#o, not %#o", fi.Mode().Perm(), perm)
	case kind == 0 && st.Nlink > 1:
		return errors.New("it has another name")
	}
	return nil
}

// open opens a file of the folder. It refuses all but a regular file of ours with mode 0600 and no second name,
// by its name first, so that a pipe is not waited on, then by its descriptor.
func (s *Store) open(name string, flag int) (*os.File, error) {
	fi, err := s.root.Lstat(name)
	if err == nil {
		err = check(fi, 0, 0o600, s.c.UID)
	} else if flag&os.O_CREATE != 0 && errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	f, err := s.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	if fi, err = f.Stat(); err == nil {
		err = check(fi, 0, 0o600, s.c.UID)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (s *Store) unusable(name string, err error) error {
	return &UnusableError{filepath.Join(s.c.Dir, name), cause(err)}
}

// cause leaves out the path, which the error around it names.
func cause(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
