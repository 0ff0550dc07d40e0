package awsconfig

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// entry is a file that belongs to whom a test says.
type entry struct {
	fs.FileInfo
	mode fs.FileMode
	uid  int
}

func (e entry) Mode() fs.FileMode { return e.mode }
func (e entry) Sys() any          { return &syscall.Stat_t{Uid: uint32(e.uid)} } //nolint:gosec // a small number

// tree is a folder with a /tmp and a /home, in a system where all else is root's.
type tree struct {
	dir  string
	uids map[string]int         // of what is not the caller's
	bits map[string]fs.FileMode // of what is not 0755
	self int
}

func (tr tree) lstat(path string) (fs.FileInfo, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	e := entry{fi, fi.Mode().Type() | 0o755, 0}
	if below, ok := strings.CutPrefix(path, tr.dir+"/"); ok {
		e.uid = tr.self
		if uid, ok := tr.uids[below]; ok {
			e.uid = uid
		}
		if bits, ok := tr.bits[below]; ok {
			e.mode = fi.Mode().Type() | bits
		}
	}
	return e, nil
}

func TestAWayThatAnotherUserCanLeadElsewhereIsRefused(t *testing.T) {
	const me, other = 1000, 1001
	tests := []struct {
		name string
		make []string // folders, files that end in "config", and links as "name -> target"
		uids map[string]int
		bits map[string]fs.FileMode
		self int
		path string
		want string
	}{
		{"a folder of one's own", []string{"tmp/job"}, nil, nil, me, "tmp/job/config", ""},
		{"a folder of root's own", []string{"tmp/job"}, nil, nil, 0, "tmp/job/config", ""},
		{"another's folder", []string{"tmp/job"}, map[string]int{"tmp/job": other}, nil, me, "tmp/job/config", `its folder "/tmp/job" belongs to another user (uid 1001)`},
		{"another's folder, for root", []string{"tmp/job"}, map[string]int{"tmp/job": other}, nil, 0, "tmp/job/config", `its folder "/tmp/job" belongs to another user (uid 1001)`},
		{"root's folder", []string{"tmp/job"}, map[string]int{"tmp/job": 0}, nil, me, "tmp/job/config", `its folder "/tmp/job" belongs to another user (uid 0)`},
		{"a folder that its group can write", []string{"tmp/job"}, nil, map[string]fs.FileMode{"tmp/job": 0o770}, me, "tmp/job/config", `its folder "/tmp/job", of uid 1000, can be written by its group (mode 0770)`},
		{"a folder that its group can write, for root", []string{"tmp/job"}, nil, map[string]fs.FileMode{"tmp/job": 0o770}, 0, "tmp/job/config", ""},
		{"another's link to a folder of one's own", []string{"home/me", "tmp/job -> home/me"}, map[string]int{"tmp/job": other}, nil, me, "tmp/job/config", `"/tmp/job" is a link of another user (uid 1001)`},
		{"another's link, for root", []string{"home/me", "tmp/job -> home/me"}, map[string]int{"tmp/job": other}, nil, 0, "tmp/job/config", `"/tmp/job" is a link of another user (uid 1001)`},
		{"another's link to nothing", []string{"tmp/job -> nowhere"}, map[string]int{"tmp/job": other}, nil, me, "tmp/job/config", `"/tmp/job" is a link of another user (uid 1001)`},
		{"a link of one's own", []string{"home/me", "tmp/job -> home/me"}, nil, nil, me, "tmp/job/config", ""},
		{"a link of root's", []string{"home/me", "tmp/job -> home/me"}, map[string]int{"tmp/job": 0}, nil, me, "tmp/job/config", ""},
		{"another's link further up", []string{"home/me", "tmp/a -> home"}, map[string]int{"tmp/a": other}, nil, me, "tmp/a/me/config", `"/tmp/a" is a link of another user (uid 1001)`},
		{"one's own link by way of another's", []string{"home/me", "tmp/b -> home/me", "tmp/a -> tmp/b"}, map[string]int{"tmp/b": other}, nil, me, "tmp/a/config", `"/tmp/b" is a link of another user (uid 1001)`},
		{"one's own link with a way back", []string{"tmp/b", "tmp/a -> ../tmp/b"}, map[string]int{"tmp/b": other}, nil, me, "tmp/a/config", `its folder "/tmp/b" belongs to another user (uid 1001)`},
		{"another's folder further up", []string{"tmp/a/b"}, map[string]int{"tmp/a": other}, nil, me, "tmp/a/b/config", `its folder "/tmp/a" belongs to another user (uid 1001)`},
		{"root's folder further up", []string{"tmp/a/b"}, map[string]int{"tmp/a": 0}, nil, me, "tmp/a/b/config", ""},
		{"root's folder, further down", []string{"tmp/a/b"}, map[string]int{"tmp/a/b": 0}, nil, me, "tmp/a/b/config", `its folder "/tmp/a/b" belongs to another user (uid 0)`},
		{"below a sticky folder of a group", []string{"tmp/job"}, map[string]int{"tmp/job": 0}, map[string]fs.FileMode{"tmp": 0o770 | fs.ModeSticky}, me, "tmp/job/config", `its folder "/tmp/job" belongs to another user (uid 0)`},
		{"below a folder that others can write, without the sticky bit", []string{"tmp/job"}, map[string]int{"tmp/job": 0}, map[string]fs.FileMode{"tmp": 0o777}, me, "tmp/job/config", `its folder "/tmp/job" belongs to another user (uid 0)`},
		{"another's file", []string{"tmp/config"}, map[string]int{"tmp": 0, "tmp/config": other}, nil, me, "tmp/config", "it belongs to another user (uid 1001)"},
		{"a file of one's own in /tmp", []string{"tmp/config"}, map[string]int{"tmp": 0}, nil, me, "tmp/config", ""},
		{"another's link in place of the file", []string{"home/me", "tmp/config -> home/me/config"}, map[string]int{"tmp": 0, "tmp/config": other}, nil, me, "tmp/config", `"/tmp/config" is a link of another user (uid 1001)`},
		{"elsewhere, root's folder", []string{"home/me"}, map[string]int{"home": 0, "home/me": 0}, nil, me, "home/me/config", ""},
		{"elsewhere, a folder that its group can write", []string{"home/me"}, map[string]int{"home": 0}, map[string]fs.FileMode{"home/me": 0o775}, me, "home/me/config", ""},
		{"elsewhere, another's folder", []string{"home/me"}, map[string]int{"home/me": other}, nil, me, "home/me/config", `its folder "/home/me" belongs to another user (uid 1001)`},
		{"links in a ring", []string{"tmp/a -> tmp/b", "tmp/b -> tmp/a"}, nil, nil, me, "tmp/a/config", "it leads through too many links"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree{t.TempDir(), tt.uids, map[string]fs.FileMode{"tmp": 0o777 | fs.ModeSticky}, tt.self}
			maps.Copy(tr.bits, tt.bits)
			for _, name := range append([]string{"tmp", "home"}, tt.make...) {
				tr.put(t, name)
			}
			got := ""
			if err := (way{tt.self, tr.lstat}).check(filepath.Join(tr.dir, tt.path), false); err != nil {
				got = strings.ReplaceAll(err.Error(), tr.dir, "")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// put makes a folder, a file or a link.
func (tr tree) put(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join(tr.dir, name)
	link, target, isLink := strings.Cut(name, " -> ")
	switch {
	case isLink && strings.HasPrefix(target, ".."):
		must(t, os.Symlink(target, filepath.Join(tr.dir, link)))
	case isLink:
		must(t, os.Symlink(filepath.Join(tr.dir, target), filepath.Join(tr.dir, link)))
	case strings.HasSuffix(name, "config"):
		write(t, path, "")
	default:
		must(t, os.MkdirAll(path, 0o700))
	}
}

// closed is a folder that its group cannot write, whatever the umask.
func closed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o700)) //nolint:gosec // a folder has to be entered
	return dir
}

func TestWhatIsMissingIsMadeByOurselves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "config")
	if err := ownWay().check(path, false); err != nil {
		t.Error(err)
	}
	if err := ownWay().check(path, true); err == nil {
		t.Error("a missing folder is fit although it was made")
	}
}

// TestAPlantedLinkLeadsNowhere has another user's link in a folder such as /tmp, where the kernel itself says whose it
// is.
func TestAPlantedLinkLeadsNowhere(t *testing.T) {
	if os.Geteuid() != 0 {
		return // only root can give a link away; who is refused is tested above
	}
	for _, planted := range []string{"a link", "a folder"} {
		t.Run(planted, func(t *testing.T) {
			shared, home := t.TempDir(), t.TempDir()
			must(t, os.Chmod(shared, 0o777|fs.ModeSticky))
			folder := filepath.Join(shared, "ci-aws-4711")
			want := fmt.Sprintf("%q is a link of another user (uid 1001)", folder)
			if planted == "a folder" {
				want = fmt.Sprintf("its folder %q belongs to another user (uid 1001)", folder)
				must(t, os.Mkdir(folder, 0o755)) //nolint:gosec // as an ordinary user makes it
			} else {
				must(t, os.Symlink(home, folder))
			}
			must(t, os.Lchown(folder, 1001, 1001))
			path := filepath.Join(folder, "aws", "config")
			if planted == "a folder" {
				path = filepath.Join(folder, "config")
			}
			err := SetKept(t.Context(), path, nil, []Profile{profile("ci")}, false)
			if want = fmt.Sprintf("editing %q: %s", path, want); err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
			for _, dir := range []string{home, folder} {
				if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
					t.Errorf("left in %s: %v, %v", dir, entries, err)
				}
			}
		})
	}
}

// TestAWayThatChangesMeanwhileIsNotTaken changes it after the file was found, and before it is written.
func TestAWayThatChangesMeanwhileIsNotTaken(t *testing.T) {
	link := func(t *testing.T, folder, home string) {
		t.Helper()
		must(t, os.RemoveAll(folder))
		must(t, os.Symlink(home, folder))
	}
	tests := []struct {
		name        string
		first, then func(t *testing.T, folder, home string)
		want        string
	}{
		{"a link goes", link, func(t *testing.T, folder, _ string) {
			t.Helper()
			must(t, os.Remove(folder))
		}, "no such file or directory"},
		{"a folder comes in its place", link, func(t *testing.T, folder, _ string) {
			t.Helper()
			must(t, os.Remove(folder))
			must(t, os.Mkdir(folder, 0o700))
		}, errMoved.Error()},
		{"another's link appears", func(*testing.T, string, string) {}, func(t *testing.T, folder, home string) {
			t.Helper()
			link(t, folder, home)
			must(t, os.Lchown(folder, 1001, 1001))
		}, "is a link of another user (uid 1001)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if os.Geteuid() != 0 && strings.HasPrefix(tt.name, "another's") {
				return // only root can give a link away
			}
			shared, home := t.TempDir(), closed(t)
			must(t, os.Chmod(shared, 0o777|fs.ModeSticky))
			folder := filepath.Join(shared, "job")
			write(t, filepath.Join(home, "config"), "[default]\n")
			path := filepath.Join(folder, "config")
			tt.first(t, folder, home)
			target, err := ownTarget(path, false)
			must(t, err)
			change := keep(path, target, nil, []Profile{profile("ci")}, false)
			err = editAt(t.Context(), path, target, true, func(text []byte) ([]byte, error) {
				tt.then(t, folder, home)
				return change(text)
			})
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			hold(t, filepath.Join(home, "config"), "[default]\n", "config")
		})
	}
}
