package credstore

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// patience is how long to wait for another process where ctx has no deadline.
const patience = 15 * time.Second

// wait returns once this process holds the entry's lock, or another one has filled the entry, or half of the time
// that ctx leaves is over, which is reported: the other half is for the caller's own fetch. An error is an
// *UnusableError. Call unlock in every case.
//
// The 256 lock files, one for all names that begin alike, stay in the folder: removing one while another process
// waits for it would let two in.
func (e entry) wait(ctx context.Context) (payload []byte, hit bool, unlock func(), err error) {
	lock := "lock-" + e.name[:min(2, len(e.name))]
	f, err := e.open(lock, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, false, func() {}, e.unusable(lock, err)
	}
	unlock = func() { _ = f.Close() }
	over := time.NewTimer(waitFor(ctx))
	defer over.Stop()
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		locked, err := tryLock(f)
		if err != nil {
			return nil, false, unlock, e.unusable(lock, err)
		}
		payload, hit, err = e.load()
		if locked || hit || err != nil {
			return payload, hit, unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, false, unlock, nil
		case <-over.C:
			e.report(e.unusable(lock, errors.New("another process holds the lock")))
			return nil, false, unlock, nil
		case <-time.After(pause):
		}
	}
}

func waitFor(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline) / 2
	}
	return patience
}

// tryLock takes the lock that the kernel gives up when f is closed, also by a crash; false where another has it.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}
