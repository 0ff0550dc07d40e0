package mask

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Patience is the longest time for which a Writer holds back the beginning of what may become a secret. A prompt that
// happens to end so appears late; a secret whose bytes come further apart than this is shown in part.
const Patience = 100 * time.Millisecond

const (
	// ticks is how often within Patience a Writer looks at what it holds back. Looking at a clock in every Write
	// would cost more than all else that a Write of one byte does.
	ticks = 10
	// chunk bounds what a Writer buffers of one Write.
	chunk = 32 << 10
)

// Writer copies what is written to it to another writer, with the secrets of its Masker hidden.
//
// Each maximal run of bytes that is covered by overlapping occurrences of secrets becomes one [Marker]; occurrences
// that only touch become one each. So no complete secret is ever visible, whichever contains or overlaps which, and
// the result depends on the bytes only, not on how they were cut into writes. All other bytes pass unchanged. The
// Marker itself is not searched: a secret that is part of it, such as "K", is visible there.
//
// What may be the beginning of a secret is held back until it is decided, for at most [Patience], or until Flush or
// Close; everything else is passed on before Write returns. When the rest of a secret comes after its beginning was
// given up so, the rest is still masked.
//
// A failure of the other writer is kept: it and nothing else is returned from then on. Writer is safe for concurrent
// use. After Close it uses no timer and no goroutine, and Write returns [io.ErrClosedPipe].
type Writer struct {
	masker *Masker

	mu     sync.Mutex
	to     io.Writer
	auto   *automaton
	state  int32
	pos    int64  // bytes taken in
	sent   int64  // bytes of those that are decided: passed on, or masked
	spans  []span // masked runs that are not wholly decided, in order and disjoint
	out    []byte // decided and not yet passed on
	err    error
	closed bool

	timer  *time.Timer
	armed  bool  // the timer will call tick
	oldest int64 // sent at the last tick
	age    int   // ticks since sent last moved
}

// span is a run of bytes to mask, by position in the stream.
type span struct {
	from, to int64
	marked   bool // its Marker is in the output already
}

// Writer returns a Writer to w. Close it to have everything in w; w itself is not closed.
func (m *Masker) Writer(w io.Writer) *Writer {
	return &Writer{masker: m, to: w, auto: m.automaton.Load()}
}

// Write takes p in. It returns len(p) and nil, or 0 and the error of the other writer.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, io.ErrClosedPipe
	}
	if auto := w.masker.automaton.Load(); auto != w.auto {
		w.adopt(auto)
	}
	for rest := p; len(rest) > 0 && w.err == nil; {
		n := min(len(rest), chunk)
		w.take(rest[:n])
		w.pass()
		rest = rest[n:]
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.sent < w.pos && !w.armed {
		w.arm()
	}
	return len(p), nil
}

// Flush passes on what is held back.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	return w.err
}

// Close flushes, and ends the use of w. Closing again does nothing; the error is the same.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	return w.err
}

// take runs p through the automaton and decides what can be.
func (w *Writer) take(p []byte) {
	auto, s, held := w.auto, w.state, w.auto.held(w.state)
	for i := 0; i < len(p); {
		if s == 0 {
			if i += auto.skip(p[i:]); i == len(p) {
				break
			}
		}
		s = auto.step(s, p[i])
		i++
		if n := auto.states[s].match; n > 0 {
			end := w.pos + int64(i)
			s = auto.settled(s)
			w.cover(end-int64(n), end)
			w.decide(end-int64(auto.states[s].depth), held, p)
		}
	}
	w.state = s
	w.decide(w.pos+int64(len(p))-int64(auto.states[s].depth), held, p)
	w.pos += int64(len(p))
}

// cover adds a run to be masked, which ends no earlier than any other that is not marked.
func (w *Writer) cover(from, to int64) {
	run := span{from: from, to: to}
	for n := len(w.spans) - 1; n >= 0 && w.spans[n].to > from; n-- {
		run.from, run.to = min(run.from, w.spans[n].from), max(run.to, w.spans[n].to)
		run.marked = run.marked || w.spans[n].marked
		w.spans = w.spans[:n]
	}
	w.spans = append(w.spans, run)
}

// decide moves everything before position end to the output. held are the bytes before w.pos, p those from there on.
// No run that is covered later may begin before end, unless it is given up for lost.
func (w *Writer) decide(end int64, held string, p []byte) {
	done := 0
	for i := range w.spans {
		run := &w.spans[i]
		if run.from >= end {
			break
		}
		w.raw(run.from, held, p)
		if !run.marked {
			w.out = append(w.out, Marker...)
			run.marked = true
		}
		w.sent = max(w.sent, min(run.to, end))
		if run.to <= end {
			done++
		}
	}
	w.spans = append(w.spans[:0], w.spans[done:]...)
	w.raw(end, held, p)
}

// raw moves the bytes before position end to the output as they are.
func (w *Writer) raw(end int64, held string, p []byte) {
	if w.sent < min(end, w.pos) {
		first := w.pos - int64(len(held))
		w.out = append(w.out, held[w.sent-first:min(end, w.pos)-first]...)
		w.sent = min(end, w.pos)
	}
	if w.sent < end {
		w.out = append(w.out, p[w.sent-w.pos:end-w.pos]...)
		w.sent = end
	}
}

// pass writes the output on.
func (w *Writer) pass() {
	if len(w.out) == 0 || w.err != nil {
		return
	}
	n, err := w.to.Write(w.out)
	if err == nil && n < len(w.out) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err = fmt.Errorf("passing on masked output: %w", err)
	}
	w.out = w.out[:0]
}

func (w *Writer) flush() {
	if w.closed || w.err != nil {
		return
	}
	w.decide(w.pos, w.auto.held(w.state), nil)
	w.pass()
}

// adopt goes on with another automaton, which knows all secrets of the present one and more.
func (w *Writer) adopt(auto *automaton) {
	held := w.auto.held(w.state)
	if len(w.spans) > 0 && w.spans[0].marked {
		w.spans = w.spans[:1]
	} else {
		w.spans = w.spans[:0] // found again in held
	}
	w.auto, w.state = auto, 0
	w.pos -= int64(len(held))
	w.take([]byte(held))
}

// arm starts to look after what is held back.
func (w *Writer) arm() {
	w.armed, w.oldest, w.age = true, w.sent, 0
	if w.timer == nil {
		w.timer = time.AfterFunc(Patience/ticks, w.tick)
		return
	}
	w.timer.Reset(Patience / ticks)
}

// tick gives up what is held back too long.
func (w *Writer) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	if w.sent != w.oldest {
		w.oldest, w.age = w.sent, 0
	}
	if w.age++; w.age >= ticks {
		w.flush()
	}
	if w.sent < w.pos && !w.closed && w.err == nil {
		w.armed = true
		w.timer.Reset(Patience / ticks)
	}
}
