package smoke

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is the file's inode and when it was last changed in any way, by the
// clock of the machine that holds it. A program can set neither.
func changed(fi fs.FileInfo) (inode uint64, at time.Time) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, time.Time{}
	}
	return st.Ino, time.Unix(st.Ctim.Unix()).UTC()
}
