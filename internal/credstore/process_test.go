package credstore

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// child makes the test binary a process that asks the store in the named folder once, and counts its fetch there.
var child = flag.String("child", "", "the store that this process asks")

func TestMain(m *testing.M) {
	flag.Parse()
	if *child == "" {
		os.Exit(m.Run())
	}
	s, err := Open(Config{
		Dir: *child, UID: os.Geteuid(), Now: time.Now, Uptime: SystemUptime,
		Report: func(err error) { fmt.Fprintln(os.Stderr, err) },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	payload, err := s.Do(ctx, name, token, func(context.Context) ([]byte, time.Time, error) {
		count, err := os.OpenFile(*child+".fetches", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, time.Time{}, err
		}
		defer count.Close()
		time.Sleep(100 * time.Millisecond)
		_, err = count.WriteString("x")
		return []byte("secret"), time.Now().Add(time.Hour), err
	})
	fmt.Fprintf(os.Stdout, "%s %v\n", payload, err)
}

func TestFiftyProcessesFetchOnceOrTwice(t *testing.T) {
	for _, state := range []string{"no folder", "a torn entry", "an expired entry"} {
		t.Run(state, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			switch state {
			case "a torn entry":
				must(t, os.Mkdir(dir, 0o700))
				must(t, os.WriteFile(filepath.Join(dir, name), []byte(magic), 0o600))
			case "an expired entry":
				f := &fixture{clocks: clocks{noon, -1}, dir: dir}
				f.Store = f.reopen(t)
				f.do(t, name, token)
			}
			var wg sync.WaitGroup
			outputs := make([]string, 50)
			for i := range outputs {
				wg.Go(func() {
					out, err := exec.CommandContext(t.Context(), os.Args[0], "-child", dir).CombinedOutput()
					outputs[i] = fmt.Sprint(string(out), err)
				})
			}
			wg.Wait()
			for _, out := range outputs {
				if out != "secret <nil>\n<nil>" {
					t.Fatalf("a process says %q", out)
				}
			}
			fetches, err := os.ReadFile(dir + ".fetches")
			if err != nil || len(fetches) > 2 {
				t.Errorf("%d fetches, %v", len(fetches), err)
			}
		})
	}
}

func TestLockThatCannotBeHadIsNoFailure(t *testing.T) {
	f := newFixture(t)
	e := entry{f.Store, name, token}
	_, _, unlock, err := e.wait(t.Context())
	must(t, err)
	defer unlock()

	second := &fixture{clocks: f.clocks, dir: f.dir}
	second.Store = second.reopen(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	payload, err := second.Do(ctx, name, token, func(ctx context.Context) ([]byte, time.Time, error) {
		second.fetches++
		if deadline, _ := ctx.Deadline(); time.Until(deadline) < 250*time.Millisecond {
			t.Errorf("%s are left of a second to fetch in", time.Until(deadline))
		}
		return []byte("secret"), second.now.Add(life), ctx.Err()
	})
	if string(payload) != "secret" || err != nil {
		t.Errorf("payload %q, error %v", payload, err)
	}
	if got := strings.Join(second.reported, "; "); !strings.HasSuffix(got, ": another process holds the lock") {
		t.Errorf("reported %q", got)
	}
	if second.do(t, name, token); second.fetches != 1 {
		t.Errorf("%d fetches: what was fetched without the lock was not kept", second.fetches)
	}
}

func TestInterruptEndsTheWait(t *testing.T) {
	f := newFixture(t)
	_, _, unlock, err := entry{f.Store, name, token}.wait(t.Context())
	must(t, err)
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	start := time.Now()
	_, err = f.reopen(t).Do(ctx, name, token, func(ctx context.Context) ([]byte, time.Time, error) { return nil, noon, ctx.Err() })
	if err == nil || time.Since(start) > patience/2 {
		t.Errorf("error %v after %s", err, time.Since(start))
	}
}
