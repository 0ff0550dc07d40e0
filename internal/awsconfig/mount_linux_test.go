package awsconfig

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestMountedFileIsAClearError(t *testing.T) {
	dir := t.TempDir()
	path, source := filepath.Join(dir, "config"), filepath.Join(t.TempDir(), "source")
	write(t, path, "")
	write(t, source, "[default]\n")

	err := syscall.Mount(source, path, "", syscall.MS_BIND, "")
	if err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) })
		err = Set(t.Context(), path, []Profile{profile("ci")}, false)
		hold(t, path, "[default]\n", "config")
	} else {
		t.Logf("no mount may be made here (%v): its answer is made up", err)
		err = renameError(path, &os.LinkError{Op: "rename", Old: "temp", New: path, Err: syscall.EBUSY})
	}
	mounted := (*MountError)(nil)
	if !errors.As(err, &mounted) || *mounted != (MountError{path, syscall.EBUSY}) {
		t.Errorf("error %v", err)
	}
}
