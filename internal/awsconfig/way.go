package awsconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many links a path may lead through, as on Linux.
// https://man7.org/linux/man-pages/man7/path_resolution.7.html
const maxLinks = 40

// way goes from the root to a file as the kernel does, and refuses a path that another user can lead elsewhere.
type way struct {
	self  int // the caller's user id
	lstat func(string) (fs.FileInfo, error)
}

// ownWay is the way of the caller.
func ownWay() way { return way{os.Geteuid(), os.Lstat} }

// check returns an error that names the part of path and its owner where another user can put another file in its
// place. Below a folder in which others can make entries (/tmp, a job's /builds) everything has to be the caller's or
// root's, and the file's own folder the caller's, closed to its group but for root. Elsewhere that folder may be
// root's too. What does not exist yet is fit; with made, the file alone may be missing.
func (w way) check(path string, made bool) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	at, todo := "/", parts(path)
	root, err := w.lstat(at)
	if err != nil {
		return err
	}
	shared := open(root)
	for links := 0; len(todo) > 0; {
		next := filepath.Join(at, todo[0])
		todo = todo[1:]
		fi, err := w.lstat(next)
		if errors.Is(err, fs.ErrNotExist) && (!made || len(todo) == 0) {
			return nil
		}
		if err != nil {
			return err
		}
		if fi.Mode()&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return errors.New("it leads through too many links")
			}
			if owner := ownerOf(fi); shared && owner != w.self && owner != 0 {
				return fmt.Errorf("%q is a link of another user (uid %d)", next, owner)
			}
			to, err := os.Readlink(next)
			if err != nil {
				return err
			}
			if filepath.IsAbs(to) {
				at = "/"
			}
			todo = append(parts(to), todo...)
			continue
		}
		if err := w.fit(next, fi, shared, len(todo)); err != nil {
			return err
		}
		at, shared = next, shared || open(fi)
	}
	return nil
}

// fit checks what is no link; left is how many parts of the path follow it.
func (w way) fit(path string, fi fs.FileInfo, shared bool, left int) error {
	owner, others := ownerOf(fi), ownerOf(fi) != w.self && ownerOf(fi) != 0
	switch {
	case left == 0 && shared && others:
		return fmt.Errorf("it belongs to another user (uid %d)", owner)
	case left == 0:
		return nil
	case left == 1 && shared && owner != w.self, (left == 1 || shared) && others:
		return fmt.Errorf("its folder %q belongs to another user (uid %d)", path, owner)
	case left == 1 && shared && w.self != 0 && fi.Mode().Perm()&0o020 != 0:
		return fmt.Errorf("its folder %q, of uid %d, can be written by its group (mode %#o)", path, owner, fi.Mode().Perm())
	}
	return nil
}

// parts are the names that a path goes through.
func parts(path string) []string {
	var out []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			out = append(out, part)
		}
	}
	return out
}

// open reports whether others than the owner's group can make entries in a folder.
func open(fi fs.FileInfo) bool {
	return fi.Mode().Perm()&0o002 != 0 || fi.Mode()&fs.ModeSticky != 0
}

func ownerOf(fi fs.FileInfo) int {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}
