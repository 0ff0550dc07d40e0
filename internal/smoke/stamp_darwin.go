package smoke

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// stampOf is what the kernel notes of an open file.
func stampOf(_ *os.File, fi fs.FileInfo) stamp {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}
	}
	return stamp{
		inode: st.Ino, changed: time.Unix(st.Ctimespec.Unix()).UTC(), modified: fi.ModTime().UTC(),
		born: time.Unix(st.Birthtimespec.Unix()).UTC(),
	}
}
