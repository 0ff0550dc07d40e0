package child

import "golang.org/x/sys/unix"

// fionread is the ioctl that counts the unread bytes of a pipe.
const fionread = unix.TIOCINQ
