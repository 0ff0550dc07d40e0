package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"time"

	"golang.org/x/sys/unix"
)

// grace is how long a background process may go on printing through our pipe when the command has ended.
const grace = 500 * time.Millisecond

// streams are the three streams of a command: files of ours that it gets, or pipes and those who copy.
type streams struct {
	in       io.Reader // an *os.File, as are out and err, or nil
	out, err io.Writer

	theirs []*os.File // ends of pipes that the command gets; ours only until it has started
	feed   *os.File   // the pipe to its stdin
	source io.Reader  // what goes into feed
	drains []*drain
}

// open prepares the streams. One of started and abandon has to follow.
func (c Command) open() (s *streams, err error) {
	s = &streams{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.abandon())
		}
	}()
	if s.in = c.In; c.In != nil {
		if _, ok := c.In.(*os.File); !ok {
			r, w, err := os.Pipe()
			if err != nil {
				return s, fmt.Errorf("opening a pipe to its stdin: %w", err)
			}
			s.in, s.feed, s.source = r, w, c.In
			s.theirs = append(s.theirs, r)
		}
	}
	if s.out, err = s.output(c.Out, c.Wrap); err != nil {
		return s, err
	}
	if s.out != c.Out && sameStream(c.Out, c.Err) {
		s.err = s.out
		return s, nil
	}
	s.err, err = s.output(c.Err, c.Wrap)
	return s, err
}

// output is what the command gets to write to w: w itself, or a pipe.
func (s *streams) output(w io.Writer, wrap func(io.Writer) io.WriteCloser) (io.Writer, error) {
	if w == nil {
		return nil, nil
	}
	if _, ok := w.(*os.File); ok && wrap == nil {
		return w, nil
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening a pipe from its output: %w", err)
	}
	var to io.WriteCloser = unwrapped{w}
	if wrap != nil {
		to = wrap(w)
	}
	s.theirs = append(s.theirs, theirs)
	s.drains = append(s.drains, &drain{from: ours, to: to, done: make(chan error, 1)})
	return theirs, nil
}

// started begins to copy: the command has its ends.
func (s *streams) started() {
	for _, f := range s.theirs {
		_ = f.Close() // of a pipe of ours, nothing is lost
	}
	for _, d := range s.drains {
		go func() { d.done <- d.run() }()
	}
	if s.feed != nil {
		go func() {
			_, _ = io.Copy(s.feed, s.source) // what the command does not read it does not want
			_ = s.feed.Close()
		}()
	}
}

// finish waits until all that the command wrote is passed on. The error says what was lost, if it was not the reader
// who left.
func (s *streams) finish() error {
	if s.feed != nil {
		_ = s.feed.Close()
	}
	for _, d := range s.drains {
		_ = d.from.SetReadDeadline(time.Now().Add(grace)) // fails when the drain has come to its end and closed it
	}
	var errs []error
	for _, d := range s.drains {
		errs = append(errs, <-d.done)
	}
	return errors.Join(errs...)
}

// abandon closes everything, for a command that has not started.
func (s *streams) abandon() error {
	for _, f := range s.theirs {
		_ = f.Close()
	}
	if s.feed != nil {
		_ = s.feed.Close()
	}
	var errs []error
	for _, d := range s.drains {
		_ = d.from.Close()
		errs = append(errs, d.to.Close())
	}
	return errors.Join(errs...)
}

// drain copies from a pipe.
type drain struct {
	from *os.File
	to   io.WriteCloser
	done chan error
}

// run copies until nobody can write to the pipe any more, or its read deadline has passed. It closes both ends.
func (d *drain) run() error {
	err := d.copy()
	_ = d.from.Close() // before to: a command that still writes is to learn that its reader is gone
	if closeErr := d.to.Close(); err == nil {
		err = closeErr // a filter repeats what stopped it
	}
	if errors.Is(err, unix.EPIPE) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("passing on its output: %w", err)
	}
	return nil
}

func (d *drain) copy() error {
	_, err := io.Copy(onlyWriter{d.to}, d.from)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	// The command has ended, so what it wrote is in the pipe now, before anything that others may add.
	left, err := d.unread()
	if err != nil {
		return err
	}
	if err := d.from.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	_, err = io.CopyN(onlyWriter{d.to}, d.from, left)
	return err
}

// unread counts the bytes that are in the pipe.
func (d *drain) unread() (int64, error) {
	conn, err := d.from.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n int
	var failure error
	if err := conn.Control(func(fd uintptr) { n, failure = unix.IoctlGetInt(int(fd), fionread) }); err != nil {
		return 0, err
	}
	return int64(n), failure
}

// unwrapped is a writer that is not ours to close.
type unwrapped struct{ io.Writer }

func (unwrapped) Close() error { return nil }

// onlyWriter hides what else a writer can do: whatever it is, io.Copy has read nothing that it has not written.
type onlyWriter struct{ io.Writer }

// sameStream reports whether two writers lead to the same place: one writer, or one open file behind two.
func sameStream(a, b io.Writer) bool {
	if a == nil || b == nil {
		return false
	}
	if f, ok := a.(*os.File); ok {
		g, ok := b.(*os.File)
		return ok && sameFile(f, g)
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}

func sameFile(f, g *os.File) bool {
	one, err := f.Stat()
	if err != nil {
		return false
	}
	other, err := g.Stat()
	return err == nil && os.SameFile(one, other)
}
