package mask

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// reference is what a Writer is to do to the whole text, done without thought for time: mark what each occurrence of
// each secret covers, and replace each run of overlapping occurrences.
func reference(secrets []string, text string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(text); i++ {
		end := i
		for j := i; j < len(text) && (j == i || j < end); j++ {
			for _, s := range secrets {
				if s != "" && strings.HasPrefix(text[j:], s) {
					end = max(end, j+len(s))
				}
			}
		}
		if end > i {
			out.WriteString(text[done:i] + Marker)
			done, i = end, end-1
		}
	}
	return out.String() + text[done:]
}

// undecided is the length of the longest end of text that begins a secret and is not all of one.
func undecided(secrets []string, text string) int {
	for n := len(text); n > 0; n-- {
		for _, s := range secrets {
			if len(s) > n && strings.HasPrefix(s, text[len(text)-n:]) {
				return n
			}
		}
	}
	return 0
}

// masked is what becomes of the pieces in a Writer. It checks after each that no more is held than may be.
func masked(t *testing.T, secrets []string, pieces [][]byte) string {
	t.Helper()
	var out bytes.Buffer
	w := New(secrets...).Writer(&out)
	var sofar string
	for _, piece := range pieces {
		kept := bytes.Clone(piece)
		if n, err := w.Write(piece); err != nil || n != len(piece) {
			t.Fatalf("Write: %d, %v", n, err)
		}
		if !bytes.Equal(kept, piece) {
			t.Fatalf("Write changed %q to %q", kept, piece)
		}
		sofar += string(piece)
		if held, most := int(w.pos-w.sent), undecided(secrets, sofar); held > most {
			t.Fatalf("after %q %d bytes are held, want at most %d", sofar, held, most)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// cuts are the pieces of text of n bytes each.
func cuts(text string, n int) [][]byte {
	return slices.Collect(slices.Chunk([]byte(text), n))
}

// FuzzWriter: however the data are cut, the result is that of the reference.
func FuzzWriter(f *testing.F) {
	f.Add("secret", "token", "", []byte("the secret of the token"), []byte{3, 1})
	f.Add("aaab", "baa", "a", []byte("aaaaabaaab"), []byte{1})
	f.Add("abcabd", "cab", "abcabdabcabd", []byte("abcabcabdabcabd"), []byte{0, 2, 5})
	f.Add("\x00", "\x00\x00", "\xff\x00", []byte("\xff\x00\x00\x00"), []byte{})
	f.Fuzz(func(t *testing.T, s1, s2, s3 string, data, lengths []byte) {
		if len(data) > 4<<10 {
			t.Skip("the reference takes too long for this much data")
		}
		secrets := []string{s1, s2, s3}
		var pieces [][]byte
		for rest := data; len(rest) > 0; {
			n := len(rest)
			if len(lengths) > 0 {
				n, lengths = min(n, int(lengths[0])), lengths[1:]
			}
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		want := reference(secrets, string(data))
		if got := masked(t, secrets, [][]byte{data}); got != want {
			t.Errorf("%q in %q at once: got %q, want %q", secrets, data, got, want)
		}
		if got := masked(t, secrets, pieces); got != want {
			t.Errorf("%q in %q: got %q, want %q", secrets, pieces, got, want)
		}
		if got := masked(t, secrets, cuts(string(data), 1)); got != want {
			t.Errorf("%q in %q by single bytes: got %q, want %q", secrets, data, got, want)
		}
	})
}
