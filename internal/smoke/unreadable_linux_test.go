package smoke_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// asAnother runs f as a user without rights of its own where this one is root. The
// id is the thread's, which is not used again.
func asAnother(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0) // it has no error
		}
		f()
	}()
	<-done
}

func TestWhatAJobMayNotReadIsNotCalledCorrupt(t *testing.T) {
	for closed, file := range map[string]string{
		"w/0002.bin": "w/0002.bin", "w/manifest.json": "w/manifest.json", "w": "w/manifest.json", ".": "",
	} {
		t.Run(closed, func(t *testing.T) {
			dir := t.TempDir()
			check(t, os.Chmod(filepath.Dir(dir), 0o755)) //nolint:gosec // another user passes it
			cached(t, dir, "w", stored("a"))
			check(t, os.Chmod(filepath.Join(dir, closed), 0))
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, closed), 0o755) }) //nolint:gosec // for its removal
			var got smoke.Result
			var err error
			asAnother(func() { got, err = smoke.Read(t.Context(), reading(dir, "a")) })
			check(t, err)
			if file == "" {
				file = dir
			}
			c := got.Cells[0]
			if diff := cmp.Diff([]string{file}, c.Files); diff != "" || c.Verdict != smoke.Unreadable || c.Why != "permission denied" {
				t.Errorf("%s: %s %s", c.Verdict, c.Why, diff)
			}
			if v := got.Report(dir).Verdict(); v != report.Unknown {
				t.Errorf("verdict %s", v)
			}
		})
	}
}
