package templates_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// mounted puts the scripts of a job behind mounts that only they see; where the machine allows none, the test is skipped.
func (j *job) mounted(t *testing.T, mounts string) {
	t.Helper()
	unshare := parts.Program(t, "unshare")
	parts.Program(t, "mount")
	if text, err := exec.CommandContext(t.Context(), unshare, "-rm", "sh", "-c", mounts).CombinedOutput(); err != nil {
		t.Skipf("no mounts for a noexec or read-only folder on this machine: %v: %s", err, text)
	}
	j.run = append([]string{unshare, "-rm", parts.Program(t, "env"), "PATH=" + os.Getenv("PATH"), "sh", "-c", mounts + "; PATH=$1; shift; exec \"$@\"", "sh", j.path}, j.run...)
}

func TestInstallTakesTheFirstFolderThatWillDo(t *testing.T) {
	tests := []struct {
		name, mounts, install, temp string
		want                        result
	}{
		{"the one that is asked for", ":", "DIR/tmp", "DIR/a", result{0, home, ""}},
		{"it is made where there is none", ":", "DIR/tmp/x/y", "", result{0, "home=DIR/tmp/x/y/ci-aws_1.2.3_4711_0\n", ""}},
		{"it is relative", ":", "tmp", "", result{0, home, ""}},
		{"the runner's", ":", "", "DIR/a", result{0, "home=DIR/a/ci-aws_1.2.3_4711_0\n", ""}},
		{"it is read-only", "mount -t tmpfs -o ro none DIR/tmp", "DIR/tmp", "DIR/a", result{0, "home=DIR/a/ci-aws_1.2.3_4711_0\n", ""}},
		{"it is noexec", "mount -t tmpfs -o noexec none DIR/tmp", "DIR/tmp", "DIR/a", result{0, "home=DIR/a/ci-aws_1.2.3_4711_0\n", ""}},
		{"it is a folder of the kernel", ":", "/proc", "DIR/a", result{0, "home=DIR/a/ci-aws_1.2.3_4711_0\n", ""}},
		{"it is a file", ":", "DIR/bin/uname", "DIR/a", result{0, "home=DIR/a/ci-aws_1.2.3_4711_0\n", ""}},
		{"it has a colon", ":", "DIR/tmp:x", "DIR/a", result{0, "home=DIR/a/ci-aws_1.2.3_4711_0\n", ""}},
		{"none will do", "mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && mount -t tmpfs -o ro none DIR/tmp && mount -t tmpfs -o noexec none DIR/a", "DIR/tmp", "DIR/a", failed(
			"error: installing ci-aws 1.2.3: no folder will do: DIR/tmp (cannot be written), DIR/a (runs no program, as if mounted noexec), /tmp (cannot be written)",
			"hint: set CI_AWS_INSTALL_DIR to a folder that this job may write to and run programs from",
			"hint: or use an image that has ci-aws 1.2.3 in PATH")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
				j := newJob(t, shell, n, "curl", "sha256sum")
				j.mkdir(t, "a")
				j.env["CI_AWS_INSTALL_DIR"] = strings.ReplaceAll(tt.install, "DIR", j.dir)
				j.env["RUNNER_TEMP_PROJECT_DIR"] = strings.ReplaceAll(tt.temp, "DIR", j.dir)
				if tt.mounts != ":" {
					j.mounted(t, strings.ReplaceAll(tt.mounts, "DIR", j.dir))
				}
				if diff := cmp.Diff(tt.want, j.install(t, "")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestInstallUsesTmpInTheEnd(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
		j := newJob(t, shell, n, "curl", "sha256sum")
		delete(j.env, "CI_AWS_INSTALL_DIR")
		got := j.install(t, "")
		home := strings.TrimSuffix(strings.TrimPrefix(got.Stdout, "home="), "\n")
		if filepath.Dir(home) != "/tmp" || !strings.HasPrefix(filepath.Base(home), "ci-aws_1.2.3_4711_") {
			t.Fatalf("%+v", got)
		}
		if text, err := os.ReadFile(filepath.Join(home, "ci-aws")); string(text) != released {
			t.Errorf("%q, %v", text, err)
		}
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
}

// TestInstallNeverLeavesAFileThatCannotRun has a chmod without effect, as some mounted volumes do.
func TestInstallNeverLeavesAFileThatCannotRun(t *testing.T) {
	for name, shell := range jobShells {
		t.Run(name, func(t *testing.T) { // one after another, as they meet in /tmp
			n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
			j := newJob(t, shell, n, "curl", "sha256sum")
			if err := os.Remove(filepath.Join(j.path, "chmod")); err != nil {
				t.Fatal(err)
			}
			j.program(t, "chmod", ":")
			want := fetching{Result: failed(
				"error: installing ci-aws 1.2.3: no folder will do: DIR/tmp (runs no program, as if mounted noexec), /tmp (runs no program, as if mounted noexec)",
				"hint: set CI_AWS_INSTALL_DIR to a folder that this job may write to and run programs from",
				"hint: or use an image that has ci-aws 1.2.3 in PATH")}
			if diff := cmp.Diff(want, fetch(t, j, n)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestInstallUsesNoFolderOfAnother has links and folders where its own would be.
func TestInstallUsesNoFolderOfAnother(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
		j := newJob(t, shell, n, "curl", "sha256sum")
		j.mkdir(t, "tmp/ci-aws_1.2.3_4711_0")
		if err := os.Symlink(j.path, filepath.Join(j.dir, "tmp/ci-aws_1.2.3_4711_1")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(result{0, "home=DIR/tmp/ci-aws_1.2.3_4711_2\n", ""}, j.install(t, "")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestInstallLeavesAloneWhatOtherJobsHaveFetched: they may be running, on a volume that both have.
func TestInstallLeavesAloneWhatOtherJobsHaveFetched(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
		j := newJob(t, shell, n, "curl", "sha256sum")
		j.env["CI_AWS_INSTALL_DIR"], j.env["RUNNER_TEMP_PROJECT_DIR"] = "", j.dir+"/tmp"
		for _, name := range []string{"ci-aws_1.2.3_4710_0", "ci-aws_1.2.2_4711_0", "ci-aws", "mine"} {
			j.mkdir(t, "tmp/"+name)
		}
		j.install(t, "")
		want := append([]string{"drwx------ ci-aws", "drwx------ ci-aws_1.2.2_4711_0", "drwx------ ci-aws_1.2.3_4710_0"}, append(installed[:2:2], "drwx------ mine")...)
		if diff := cmp.Diff(want, j.files(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestInstallLetsNobodyElseIn has a umask that lets everybody.
func TestInstallLetsNobodyElseIn(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
		j := newJob(t, shell, n, "curl", "sha256sum")
		j.env["CI_AWS_INSTALL_DIR"] = j.dir + "/tmp/x/y"
		if got := j.sh(t, "umask 0\n"+strict+step(t)); got.Code != 0 {
			t.Errorf("%+v", got)
		}
		want := []string{"drwx------ x", "drwx------ x/y", "drwx------ x/y/ci-aws_1.2.3_4711_0", "-rwx------ x/y/ci-aws_1.2.3_4711_0/ci-aws"}
		if diff := cmp.Diff(want, j.files(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestInstallThatIsInterruptedLeavesNothing has a curl that ends the step, as who cancels a job does.
func TestInstallThatIsInterruptedLeavesNothing(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		for _, signal := range []string{"HUP", "INT", "TERM"} {
			n := newInternet(t, nil)
			j := newJob(t, shell, n, "sha256sum")
			j.program(t, "curl", "echo part >"+j.dir+"/tmp/ci-aws_1.2.3_4711_0/part; kill -s "+signal+" $(cat "+j.dir+"/pid)")
			j.link(t, "cat", parts.Program(t, "cat"))
			// The step's own shell tells its number, as $$ is that of the job's.
			own := strings.Replace(step(t), "umask 077\n", "umask 077\nsh -c 'echo $PPID' >"+j.dir+"/pid\n", 1)
			j.link(t, "sh", parts.Program(t, "sh"))
			want := failed("error: installing ci-aws 1.2.3: interrupted")
			if diff := cmp.Diff(want, j.sh(t, strict+own)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", signal, diff)
			}
			if files := j.files(t); files != nil {
				t.Errorf("%s left %v", signal, files)
			}
		}
	})
}

// TestInstallLeavesTheShellAsItWas runs the step under options that a job may have set, and that would break it.
func TestInstallLeavesTheShellAsItWas(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
		for _, prelude := range []string{"set -C", "set -f", "set -a", "IFS=:/.", "umask 0777", "trap 'echo bye >&2' EXIT HUP TERM", "LC_ALL=C.UTF-8", "readonly GITLAB_CI=true"} {
			j := newJob(t, shell, n, "curl", "sha256sum")
			state := `"$- $IFS $(umask) ${LC_ALL:-} $(trap)"`
			got := j.sh(t, strict+prelude+"\nbefore="+state+"\n"+step(t)+reportHome+"after="+state+"\n[ \"$before\" = \"$after\" ] || printf 'before: %s\\nafter: %s\\n' \"$before\" \"$after\"\ntrap - EXIT\n")
			if diff := cmp.Diff(result{0, home, ""}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", prelude, diff)
			}
		}
	})
}
