package child

import (
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that are passed on.
func forwarded() []os.Signal {
	return append(terminals(), syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGCONT)
}

// terminals are those of them that a terminal sends to its whole foreground group.
func terminals() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGWINCH}
}

// relay passes the signals that this process receives on to another. It takes them from its making on, so that none
// that comes while the other starts is lost or ends us.
type relay struct {
	signals chan os.Signal
	done    chan struct{}
	stop    func()
}

func newRelay() *relay {
	r := &relay{signals: make(chan os.Signal, 64), done: make(chan struct{})}
	for _, sig := range forwarded() {
		if !signal.Ignored(sig) {
			signal.Notify(r.signals, sig)
		}
	}
	// From stop on a signal means us again: we may wait for a reader that never comes.
	r.stop = sync.OnceFunc(func() {
		signal.Stop(r.signals)
		close(r.done)
	})
	return r
}

// start passes signals on to p until stop.
func (r *relay) start(p *os.Process) {
	go func() {
		for {
			select {
			case <-r.done:
				return
			case sig := <-r.signals:
				if slices.Contains(terminals(), sig) && inForeground() {
					continue
				}
				_ = p.Signal(sig) // it may have ended
			}
		}
	}()
}

// inForeground reports whether we are in the foreground process group of our controlling terminal, if we have one.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer func() { _ = tty.Close() }()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
