package mask

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWriterHidesSecretsAndNothingElse(t *testing.T) {
	tests := []struct {
		name    string
		secrets []string
		in      string
		want    string
	}{
		{"what is no secret passes", []string{"secret"}, "a\x00\xff\r\n\x1b[0m", "a\x00\xff\r\n\x1b[0m"},
		{"no secrets hide nothing", nil, "secret", "secret"},
		{"empty secrets are ignored", []string{"", "b"}, "abc", "a[MASKED]c"},
		{"each occurrence is replaced", []string{"secret"}, "a secret, the secret", "a [MASKED], the [MASKED]"},
		{"occurrences that touch are replaced each", []string{"abc"}, "abcabc", "[MASKED][MASKED]"},
		{"occurrences of one that overlap are one run", []string{"aba"}, "xababay", "x[MASKED]y"},
		{"a secret and another inside it", []string{"bc", "abcd"}, "abcd bc", "[MASKED] [MASKED]"},
		{"a secret and another that begins it", []string{"ab", "abcd"}, "abcd abc", "[MASKED] [MASKED]c"},
		{"a secret that overlaps the end of another", []string{"abc", "cde"}, "abcde", "[MASKED]"},
		{"three that overlap in a chain", []string{"abc", "cde", "efg"}, "abcdefgh", "[MASKED]h"},
		{"a secret inside the beginning of another that does not come", []string{"xabcyz", "abc"}, "xabcy!", "x[MASKED]y!"},
		{"the beginning of a secret alone", []string{"secret"}, "secre", "secre"},
		{"a near miss goes on as another", []string{"aab"}, "aaab", "a[MASKED]"},
		{"a secret of control characters", []string{"\x00\n"}, "a\x00\x00\n", "a\x00[MASKED]"},
		{"the marker is not searched", []string{"K", "x"}, "x", "[MASKED]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for cut := 1; cut <= len(tt.in)+1; cut++ {
				if diff := cmp.Diff(tt.want, masked(t, tt.secrets, cuts(tt.in, cut))); diff != "" {
					t.Errorf("cut every %d bytes (-want +got):\n%s", cut, diff)
				}
			}
			if diff := cmp.Diff(tt.want, reference(tt.secrets, tt.in)); diff != "" {
				t.Errorf("the reference (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriterAgreesWithReferenceOnAllShortTexts(t *testing.T) {
	sets := [][]string{{"ab"}, {"aa"}, {"aab", "ab"}, {"aba", "bb"}, {"a", "bab"}, {"abab", "ba"}, {"aaab", "baa", "aa"}}
	for _, secrets := range sets {
		for length := range 10 {
			for bits := range 1 << length {
				text := make([]byte, length)
				for i := range text {
					text[i] = 'a' + byte(bits>>i&1)
				}
				want := reference(secrets, string(text))
				for cut := 1; cut <= length; cut++ {
					if got := masked(t, secrets, cuts(string(text), cut)); got != want {
						t.Fatalf("%q in %q cut every %d: got %q, want %q", secrets, text, cut, got, want)
					}
				}
			}
		}
	}
}

func TestWriterMasksALargeWriteInBoundedMemory(t *testing.T) {
	secrets := sessions(2)
	line := "key " + secrets[0] + " token " + secrets[3] + "\n"
	var got bytes.Buffer
	w := New(secrets...).Writer(&got)
	if _, err := io.WriteString(w, strings.Repeat(line, 5000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("key [MASKED] token [MASKED]\n", 5000); got.String() != want {
		t.Errorf("got %d bytes, want %d", got.Len(), len(want))
	}
	if cap(w.out) > 2*chunk {
		t.Errorf("the writer buffers %d bytes, want at most %d", cap(w.out), 2*chunk)
	}
}

func TestWriterHoldsBackOnlyATruePrefix(t *testing.T) {
	tests := []struct {
		name    string
		secrets []string
		writes  []string
		want    []string // visible after each write
	}{
		{"nothing of ordinary text", []string{"secret"}, []string{"prompt: "}, []string{"prompt: "}},
		{"the prefix only", []string{"secret"}, []string{"press", "ing"}, []string{"press"[:4], "pressing"}},
		{"nothing after a complete secret", []string{"secret"}, []string{"secret"}, []string{"[MASKED]"}},
		{"a shorter prefix after a miss", []string{"aab"}, []string{"aa", "a", "c"}, []string{"", "a", "aaac"}},
		{"a secret that may go on", []string{"ab", "abcd"}, []string{"abc", "e"}, []string{"", "[MASKED]ce"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			w := New(tt.secrets...).Writer(&out)
			var got []string
			for _, text := range tt.writes {
				if _, err := io.WriteString(w, text); err != nil {
					t.Fatal(err)
				}
				got = append(got, out.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("visible (-want +got):\n%s", diff)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestWriterGivesUpAPrefixAfterPatience(t *testing.T) {
	tests := []struct {
		name   string
		pause  time.Duration // after "sec"
		during string        // visible before the rest comes
		want   string
	}{
		{"a secret within patience is masked", 80 * time.Millisecond, "", "[MASKED]."},
		{"the beginning shows after patience, the rest is masked", 101 * time.Millisecond, "sec", "sec[MASKED]."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := &lockedBuffer{}
				w := New("secret").Writer(out)
				write(t, w, "sec")
				time.Sleep(tt.pause)
				during := out.String()
				write(t, w, "ret.")
				if got, want := [2]string{during, out.String()}, [2]string{tt.during, tt.want}; got != want {
					t.Errorf("visible before and after the rest: %q, want %q", got, want)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWriterHoldsNoByteLongerThanPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &lockedBuffer{}
		w := New("aaaab").Writer(out)
		for n := range 400 { // a prefix is held all the time, but not of the same bytes
			write(t, w, "a")
			time.Sleep(3 * time.Millisecond)
			if held := n + 1 - len(out.String()); held > 4 {
				t.Fatalf("%d bytes held", held)
			}
		}
		time.Sleep(Patience)
		if got := len(out.String()); got != 400 {
			t.Errorf("%d bytes visible, want 400", got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWriterIsSilentAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &lockedBuffer{}
		w := New("secret").Writer(out)
		write(t, w, "sec")
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != "sec" {
			t.Errorf("after Close %q is visible, want %q", got, "sec")
		}
		time.Sleep(time.Second)
		if w.armed && w.timer.Stop() {
			t.Error("the timer runs on")
		}
		if n, err := w.Write([]byte("more")); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write after Close: %d, %v", n, err)
		}
		if got := out.String(); got != "sec" {
			t.Errorf("later %q is visible, want %q", got, "sec")
		}
	})
}

func TestWriterKeepsTheFirstError(t *testing.T) {
	tests := []struct {
		name string
		to   io.Writer
		want error
	}{
		{"a reader that is gone", writerFunc(func([]byte) (int, error) { return 0, syscall.EPIPE }), syscall.EPIPE},
		{"a short write", writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil }), io.ErrShortWrite},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			w := New("secret").Writer(writerFunc(func(p []byte) (int, error) { calls++; return tt.to.Write(p) }))
			for range 2 {
				if n, err := w.Write([]byte("text")); n != 0 || !errors.Is(err, tt.want) {
					t.Errorf("Write: %d, %v, want 0, %v", n, err, tt.want)
				}
			}
			if err := w.Flush(); !errors.Is(err, tt.want) {
				t.Errorf("Flush: %v, want %v", err, tt.want)
			}
			if err := w.Close(); !errors.Is(err, tt.want) {
				t.Errorf("Close: %v, want %v", err, tt.want)
			}
			if calls != 1 {
				t.Errorf("the other writer was called %d times, want once", calls)
			}
		})
	}
}

func TestWriterReportsAnErrorOfItsTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New("secret").Writer(writerFunc(func([]byte) (int, error) { return 0, syscall.EPIPE }))
		write(t, w, "sec")
		time.Sleep(2 * Patience)
		if _, err := w.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Write: %v, want %v", err, syscall.EPIPE)
		}
		if err := w.Close(); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Close: %v, want %v", err, syscall.EPIPE)
		}
	})
}

func TestAddHidesFromTheNextWriteOn(t *testing.T) {
	tests := []struct {
		name    string
		secrets []string
		before  string
		add     string
		after   string
		want    string
	}{
		{"a new secret", []string{"old"}, "old new ", "new", "old new", "[MASKED] new [MASKED] [MASKED]"},
		{"a new secret goes on with what was held", []string{"secret"}, "a sec", "second", "ond", "a [MASKED]"},
		{"a new secret wholly in what was held", []string{"abcdef"}, "abcd", "bc", "!", "a[MASKED]d!"},
		{"what was held still becomes the old secret", []string{"secret"}, "sec", "other", "ret", "[MASKED]"},
		{"an open run goes on", []string{"abab"}, "xabab", "other", "aby", "x[MASKED]y"},
		{"an open run is not doubled", []string{"abab"}, "xabab", "abz", "z.", "x[MASKED]."},
		{"runs apart stay apart", []string{"bc", "ef", "abcdefg"}, "abcdef", "other", "!", "a[MASKED]d[MASKED]!"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			m := New(tt.secrets...)
			w := m.Writer(&out)
			write(t, w, tt.before)
			m.Add(tt.add)
			write(t, w, tt.after)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("visible (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMaskerIsSafeForConcurrentUse(t *testing.T) {
	out := &lockedBuffer{}
	m := New("secret-0")
	w := m.Writer(out)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				m.Add("secret-" + string(rune('0'+i)))
				if _, err := io.WriteString(w, "<secret-0>"); err != nil {
					t.Error(err)
				}
				if err := w.Flush(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("<[MASKED]>", 400); out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

// write writes text or ends the test.
func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if n, err := io.WriteString(w, text); err != nil || n != len(text) {
		t.Fatalf("writing %q: %d, %v", text, n, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// lockedBuffer may be read while a timer writes to it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
