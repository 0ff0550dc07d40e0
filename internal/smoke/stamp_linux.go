package smoke

import (
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stampOf is what the kernel notes of an open file.
func stampOf(f *os.File, fi fs.FileInfo) stamp {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}
	}
	s := stamp{inode: st.Ino, changed: time.Unix(st.Ctim.Unix()).UTC(), modified: fi.ModTime().UTC()}
	conn, err := f.SyscallConn()
	if err != nil {
		return s
	}
	var sx unix.Statx_t
	var serr error
	err = conn.Control(func(fd uintptr) {
		serr = unix.Statx(int(fd), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &sx) //nolint:gosec // a descriptor is an int
	})
	if err == nil && serr == nil && sx.Mask&unix.STATX_BTIME != 0 {
		s.born = time.Unix(sx.Btime.Sec, int64(sx.Btime.Nsec)).UTC()
	}
	return s
}
