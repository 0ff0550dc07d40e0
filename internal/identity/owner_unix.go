//go:build unix

package identity

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// modeAndOwner are the permission bits of a file, as "0600", and its owner's uid;
// "" where they cannot be had.
func modeAndOwner(path string) (mode, uid string) {
	info, err := os.Stat(path)
	if err != nil {
		return "", ""
	}
	mode = fmt.Sprintf("%04o", info.Mode().Perm())
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		uid = strconv.FormatUint(uint64(sys.Uid), 10)
	}
	return mode, uid
}
