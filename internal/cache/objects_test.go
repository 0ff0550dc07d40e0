package cache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func newNoise(t testing.TB) content {
	t.Helper()
	c, err := newContent([16]byte{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestContentIsTheSameFromWhereverItIsRead(t *testing.T) {
	c := newNoise(t)
	all, err := io.ReadAll(c.section(span{0, 1000}))
	if err != nil {
		t.Fatal(err)
	}
	for at := range 1000 {
		for _, n := range []int{1, 15, 16, 17, 33, 500} {
			part := make([]byte, min(n, 1000-at))
			if _, err := c.ReadAt(part, int64(at)); err != nil || !bytes.Equal(part, all[at:at+len(part)]) {
				t.Fatalf("%d bytes at %d are others: %v", len(part), at, err)
			}
		}
	}
	if _, err := c.ReadAt(all, -1); err == nil {
		t.Error("there is something before the start")
	}
	other, err := newContent([16]byte{1, 2, 4})
	if err != nil {
		t.Fatal(err)
	}
	if part := make([]byte, 1000); func() bool { _, _ = other.ReadAt(part, 0); return bytes.Equal(part, all) }() {
		t.Error("another key gives the same")
	}
}

func TestEachDifferenceIsToldWithItsPlace(t *testing.T) {
	c := newNoise(t)
	const size = chunk + 100
	whole, err := io.ReadAll(c.section(span{7, size}))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 1
		return b
	}
	cut := errors.New("connection reset")
	for _, tt := range []struct {
		name string
		in   io.Reader
		want string
	}{
		{"the same", bytes.NewReader(whole), ""},
		{"the same, byte by byte", iotest.OneByteReader(bytes.NewReader(whole)), ""},
		{"the same, with the end at the last byte", iotest.DataErrReader(bytes.NewReader(whole)), ""},
		{"the first byte", bytes.NewReader(changed(0)), "byte 8 is another"},
		{"one of the second chunk", bytes.NewReader(changed(chunk + 1)), "byte 65545 is another"},
		{"the last", bytes.NewReader(changed(size - 1)), "byte 65643 is another"},
		{"too short", bytes.NewReader(whole[:size-1]), "it ends after 65642 bytes"},
		{"nothing", bytes.NewReader(nil), "it ends after 7 bytes"},
		{"too long", bytes.NewReader(append(bytes.Clone(whole), 0)), "it goes on after 65643 bytes"},
		{"a connection that is cut", io.MultiReader(bytes.NewReader(whole[:50]), iotest.ErrReader(cut)), "connection reset"},
		{"one that is cut where an answer knows its length", &cutBody{bytes.NewReader(whole[:50])}, "unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			err := c.compare(tt.in, span{7, size})
			if err != nil {
				got = err.Error()
			}
			other := (*differs)(nil)
			if isContent := errors.As(err, &other); got != tt.want || isContent == (got == "" || got == cut.Error() || got == io.ErrUnexpectedEOF.Error()) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// cutBody ends as whole does where a connection is cut.
type cutBody struct{ io.Reader }

func (w *cutBody) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if err != nil {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestAnObjectIsSplitIntoPartsThatS3Takes(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		size int64
		want []span
	}{
		{6 * mib, []span{{0, 5 * mib}, {5 * mib, mib}}},
		{8 * mib, []span{{0, 5 * mib}, {5 * mib, 3 * mib}}},
		{8*mib + 1, []span{{0, 8 * mib}, {8 * mib, 1}}},
		{24 * mib, []span{{0, 8 * mib}, {8 * mib, 8 * mib}, {16 * mib, 8 * mib}}},
	} {
		if diff := cmp.Diff(tt.want, split(tt.size)); diff != "" {
			t.Errorf("%d: %s", tt.size, diff)
		}
	}
	if n := len(split(MaxSize)); n != 128 {
		t.Errorf("%d parts", n)
	}
}

func TestTheFirstErrorEndsTheOtherParts(t *testing.T) {
	refused := errors.New("refused")
	var began, done atomic.Int64
	err := inParallel(t.Context(), 1000, func(ctx context.Context, i int) error {
		began.Add(1)
		defer done.Add(1)
		if i == 2 {
			return refused
		}
		if i > 2 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	if !errors.Is(err, refused) || began.Load() != done.Load() || began.Load() > 2*parallel {
		t.Errorf("%v; %d began, %d done", err, began.Load(), done.Load())
	}
	var sum atomic.Int64
	if err := inParallel(t.Context(), 100, func(_ context.Context, i int) error { sum.Add(int64(i)); return nil }); err != nil || sum.Load() != 4950 {
		t.Errorf("%v, %d", err, sum.Load())
	}
	if err := inParallel(ended(t), 100, func(context.Context, int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, where nothing may begin", err)
	}
}

func TestSizesAreToldInTheirLargestUnit(t *testing.T) {
	for n, want := range map[int64]string{1 << 30: "1 GiB", 8 << 20: "8 MiB", 16 << 10: "16 KiB", 1025: "1025 bytes", 3 << 29: "1536 MiB"} {
		if got := Size(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

// FuzzContent reads content in pieces and holds it to one read.
func FuzzContent(f *testing.F) {
	f.Add(int64(0), uint16(16), byte(1))
	f.Add(int64(1<<30-3), uint16(4097), byte(17))
	f.Fuzz(func(t *testing.T, at int64, size uint16, step byte) {
		at &= 1<<40 - 1
		c := newNoise(t)
		whole := make([]byte, size)
		if _, err := c.ReadAt(whole, at); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(whole); i += int(step) + 1 {
			part := make([]byte, min(int(step)+1, len(whole)-i))
			if _, err := c.ReadAt(part, at+int64(i)); err != nil || !bytes.Equal(part, whole[i:i+len(part)]) {
				t.Fatalf("%d bytes at %d are others: %v", len(part), at+int64(i), err)
			}
		}
		if err := c.compare(bytes.NewReader(whole), span{at, int64(size)}); size > 0 && err != nil {
			t.Fatal(err)
		}
	})
}
