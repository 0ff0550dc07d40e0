package credstore

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzEntryFile puts any content at an entry's path: only what was sealed there is ever served.
func FuzzEntryFile(f *testing.F) {
	h := header{bytes.Repeat([]byte{1}, saltLen), bytes.Repeat([]byte{2}, nonceLen), noon, noon.Add(life), time.Hour}
	sealed, err := h.seal(name, token, []byte("secret"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:headerLen])
	f.Add(append(bytes.Clone(sealed), 0))
	f.Add([]byte(magic))
	f.Add([]byte{})
	dir := filepath.Join(f.TempDir(), "store")
	s, err := Open(Config{Dir: dir, UID: os.Geteuid(), Now: func() time.Time { return noon }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, data, 0o600))
		payload, hit, err := entry{s, name, token}.load()
		if want := bytes.Equal(data, sealed); hit != want || err != nil || (string(payload) == "secret") != want {
			t.Errorf("payload %q, hit %t, error %v of %q", payload, hit, err, data)
		}
		s.prune()
		if _, err := os.Stat(path); err == nil && len(data) < headerLen {
			t.Error("a torn entry was not pruned")
		}
	})
}
