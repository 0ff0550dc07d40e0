package credstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The clocks of a test; both stand still unless it moves them.
type clocks struct {
	now time.Time
	up  time.Duration
}

// fixture is a store with clocks, whose source of credentials counts its calls.
type fixture struct {
	*Store
	clocks
	dir      string
	fetches  int
	reported []string
}

const life = 55 * time.Minute

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	token = []byte("header.claims.signature")
	name  = Name("irsa", "role")
)

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{clocks: clocks{noon, time.Hour}, dir: filepath.Join(t.TempDir(), "store")}
	f.Store = f.reopen(t)
	return f
}

func (f *fixture) reopen(t *testing.T) *Store {
	t.Helper()
	s, err := Open(Config{
		Dir: f.dir, UID: os.Geteuid(),
		Now:    func() time.Time { return f.now },
		Uptime: func() (time.Duration, bool) { return f.up, f.up >= 0 },
		Report: func(err error) { f.reported = append(f.reported, err.Error()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// do asks the store, and fetches "secret" for its life where the store has none.
func (f *fixture) do(t *testing.T, name string, token []byte) string {
	t.Helper()
	payload, err := f.Do(t.Context(), name, token, func(context.Context) ([]byte, time.Time, error) {
		f.fetches++
		return []byte("secret"), f.now.Add(life), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}

func TestStoreServesUntilAnythingDiffers(t *testing.T) {
	tests := []struct {
		name    string
		before  func(*fixture)
		entry   string
		token   string
		fetches int
	}{
		{"the same again", func(*fixture) {}, name, string(token), 1},
		{"a rotated token", func(*fixture) {}, name, "other.token", 2},
		{"other settings", func(*fixture) {}, Name("irsa", "role2"), string(token), 2},
		{"an empty token twice", func(f *fixture) { f.do(t, name, nil) }, name, "", 3},
		{"a moment before the end", func(f *fixture) { f.now = f.now.Add(life - 1); f.up += life - 1 }, name, string(token), 1},
		{"the end", func(f *fixture) { f.now = f.now.Add(life); f.up += life }, name, string(token), 2},
		{"a clock set back before the creation", func(f *fixture) { f.now = f.now.Add(-time.Second) }, name, string(token), 2},
		{"a clock set back a part of a longer time", func(f *fixture) { f.now = f.now.Add(time.Minute); f.up += life }, name, string(token), 2},
		{"a reboot", func(f *fixture) { f.now = f.now.Add(time.Minute); f.up = time.Minute }, name, string(token), 2},
		{"an uptime that is no longer known", func(f *fixture) { f.up = -1 }, name, string(token), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.do(t, name, token)
			tt.before(f)
			f.Store = f.reopen(t)
			if got := f.do(t, tt.entry, []byte(tt.token)); got != "secret" || f.fetches != tt.fetches {
				t.Errorf("got %q after %d fetches, want %d", got, f.fetches, tt.fetches)
			}
			if f.reported != nil {
				t.Errorf("reported %q", f.reported)
			}
		})
	}
}

func TestEntryHoldsNeitherPayloadNorToken(t *testing.T) {
	f := newFixture(t)
	f.do(t, name, token)
	data, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "secret") || strings.Contains(string(data), string(token)) {
		t.Errorf("in the clear: %q", data)
	}
	first := string(data)
	if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
		t.Fatal(err)
	}
	f.do(t, name, token)
	if data, err = os.ReadFile(filepath.Join(f.dir, name)); err != nil || string(data) == first {
		t.Errorf("sealed twice with the same salt and nonce, %v", err)
	}
}

func TestBrokenEntriesAreReplaced(t *testing.T) {
	whole := func(t *testing.T) []byte {
		t.Helper()
		f := newFixture(t)
		f.do(t, name, token)
		data, err := os.ReadFile(filepath.Join(f.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}(t)
	flip := func(i int) string {
		b := []byte(string(whole))
		b[i] ^= 1
		return string(b)
	}
	tests := map[string]string{
		"empty":                   "",
		"a torn header":           string(whole[:headerLen-1]),
		"no ciphertext":           string(whole[:headerLen]),
		"a torn tag":              string(whole[:len(whole)-1]),
		"a byte too many":         string(whole) + "x",
		"foreign text":            "[default]\nregion = eu-central-1\n" + strings.Repeat("x", 200),
		"far too large":           string(whole) + strings.Repeat("x", maxEntry),
		"a flipped bit of magic":  flip(0),
		"a flipped bit of salt":   flip(len(magic)),
		"a flipped bit of nonce":  flip(len(magic) + saltLen),
		"a later end":             flip(len(magic) + saltLen + nonceLen + 15),
		"a flipped bit of uptime": flip(headerLen - 1),
		"a flipped bit of cipher": flip(headerLen),
	}
	for what, content := range tests {
		t.Run(what, func(t *testing.T) {
			f := newFixture(t)
			f.up = time.Hour + time.Second
			if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			f.do(t, name, token)
			f.do(t, name, token)
			if f.fetches != 1 || f.reported != nil {
				t.Errorf("%d fetches and reports %q, want the broken entry replaced by one", f.fetches, f.reported)
			}
		})
	}
}

func TestOtherNamesEntryIsAMiss(t *testing.T) {
	f := newFixture(t)
	f.do(t, name, token)
	other := Name("irsa", "another role")
	if err := os.Rename(filepath.Join(f.dir, name), filepath.Join(f.dir, other)); err != nil {
		t.Fatal(err)
	}
	if f.do(t, other, token); f.fetches != 2 {
		t.Errorf("%d fetches, want 2: the entry of one role was served for another", f.fetches)
	}
}

func TestFetchErrorsPassAndNothingIsKept(t *testing.T) {
	f := newFixture(t)
	denied := errors.New("access denied")
	for range 2 {
		payload, err := f.Do(t.Context(), name, token, func(context.Context) ([]byte, time.Time, error) {
			f.fetches++
			return []byte("half"), f.now.Add(life), denied
		})
		if !errors.Is(err, denied) || payload != nil {
			t.Errorf("payload %q, error %v", payload, err)
		}
	}
	if f.fetches != 2 {
		t.Errorf("%d fetches, want 2", f.fetches)
	}
}

func TestResultIsNotLostWhereItCannotBeKept(t *testing.T) {
	tests := []struct {
		name     string
		payload  int
		until    time.Duration
		spoil    func(t *testing.T, f *fixture)
		reported string
	}{
		{"the folder vanishes meanwhile", 6, life, func(t *testing.T, f *fixture) {
			t.Helper()
			if err := os.RemoveAll(f.dir); err != nil {
				t.Fatal(err)
			}
		}, "no such file or directory"},
		{"a folder takes its place", 6, life, func(t *testing.T, f *fixture) {
			t.Helper()
			if err := os.Mkdir(filepath.Join(f.dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "file exists"},
		{"too large", maxPayload + 1, life, nil, "the payload has 65537 bytes, and 65536 fit"},
		{"already over", 6, 0, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			payload, err := f.Do(t.Context(), name, token, func(context.Context) ([]byte, time.Time, error) {
				if tt.spoil != nil {
					tt.spoil(t, f)
				}
				return make([]byte, tt.payload), f.now.Add(tt.until), nil
			})
			if err != nil || len(payload) != tt.payload {
				t.Errorf("%d bytes, %v", len(payload), err)
			}
			if got := strings.Join(f.reported, "; "); !strings.HasSuffix(got, tt.reported) || (got == "") != (tt.reported == "") {
				t.Errorf("reported %q, want %q", got, tt.reported)
			}
			left, err := filepath.Glob(filepath.Join(f.dir, tempPrefix+"*"))
			if _, hit, _ := (entry{f.Store, name, token}).load(); hit || left != nil || err != nil {
				t.Errorf("kept %t, left %q, %v", hit, left, err)
			}
		})
	}
}

func TestNilStoreOnlyFetches(t *testing.T) {
	var s *Store
	payload, err := s.Do(t.Context(), name, token, func(context.Context) ([]byte, time.Time, error) {
		return []byte("secret"), noon, nil
	})
	if string(payload) != "secret" || err != nil || s.Close() != nil {
		t.Errorf("payload %q, error %v", payload, err)
	}
}

func TestDeadEntriesArePruned(t *testing.T) {
	f := newFixture(t)
	put := func(name, content string, age time.Duration) {
		t.Helper()
		path := filepath.Join(f.dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, noon.Add(-age), noon.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	f.do(t, Name("dead"), token)
	f.now = f.now.Add(30 * time.Minute)
	f.up += 30 * time.Minute
	f.do(t, Name("alive"), token)
	put(Name("torn"), "x", 0)
	put("tmp-OLD", "", 2*time.Hour)
	put("tmp-NEW", "", 0)
	put("theirs", "keep", 100*time.Hour)
	f.now = f.now.Add(30 * time.Minute)
	f.up += 30 * time.Minute
	f.do(t, name, token)

	want := map[string]bool{name: true, Name("alive"): true, "tmp-NEW": true, "theirs": true}
	got := map[string]bool{}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "lock-") {
			got[e.Name()] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoTwoListsOfSettingsShareAName(t *testing.T) {
	lists := [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"a\x00b"}, {"a,b"}, {"b", "a"}, {string(make([]byte, 8))}}
	seen := map[string][]string{}
	for _, list := range lists {
		n := Name(list...)
		if other, ok := seen[n]; ok {
			t.Errorf("%q and %q are both %s", list, other, n)
		}
		seen[n] = list
	}
}

func TestDefaultDirIsTheUsersOwn(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"the session's", map[string]string{"XDG_RUNTIME_DIR": "/run/user/7", "TMPDIR": "/scratch"}, "/run/user/7/ci-aws"},
		{"the temporary one", map[string]string{"TMPDIR": "/scratch/"}, "/scratch/ci-aws-7"},
		{"nothing set", nil, "/tmp/ci-aws-7"},
		{"relative ones are ignored", map[string]string{"XDG_RUNTIME_DIR": "run", "TMPDIR": "."}, "/tmp/ci-aws-7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := DefaultDir(func(k string) string { return tt.env[k] }, 7); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSystemUptimeRuns(t *testing.T) {
	up, ok := SystemUptime()
	if _, err := os.Stat("/proc/uptime"); err != nil {
		if ok {
			t.Errorf("%s without a source", up)
		}
		return
	}
	time.Sleep(20 * time.Millisecond)
	if later, _ := SystemUptime(); !ok || up <= 0 || later <= up {
		t.Errorf("%s, then %s", up, later)
	}
}

func BenchmarkHit(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "store")
	c := Config{Dir: dir, UID: os.Geteuid(), Avoid: []string{b.TempDir(), "/builds"}, Now: time.Now, Uptime: SystemUptime}
	payload := make([]byte, 1500)
	for b.Loop() {
		s, err := Open(c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Do(b.Context(), name, token, func(context.Context) ([]byte, time.Time, error) {
			return payload, time.Now().Add(time.Hour), nil
		}); err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}
