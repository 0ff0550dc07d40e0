package child

// fionread is the ioctl that counts the unread bytes of a pipe: FIONREAD, _IOR('f', 127, int), of <sys/filio.h>.
const fionread = 0x4004667f
