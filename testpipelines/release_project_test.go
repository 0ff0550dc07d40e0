package testpipelines_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// A repository is a work tree in which the release's scripts run.
type repository struct{ dir string }

// clone is a repository of its own that holds this project as it is now,
// committed or not.
func clone(t *testing.T) repository {
	t.Helper()
	parts.Program(t, "git")
	dir := filepath.Join(t.TempDir(), "project")
	here := repository{".."}
	here.sh(t, 0, `mkdir "$DIR" && git ls-files -z --cached --others --exclude-standard --deduplicate |
		xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
		tar -c --null -T - -f - | tar -x -C "$DIR" -f -`, "DIR="+dir)
	project := repository{dir}
	// The next release may have just been made: then there is nothing to say yet.
	project.sh(t, 0, `grep -qx '## Unreleased' CHANGELOG.md || sed -i '0,/^## /s//## Unreleased\n\n- Something.\n\n&/' CHANGELOG.md
		git init --quiet --initial-branch=main && git config user.name ci-aws && git config user.email ci-aws@example.test &&
		git add --all && git commit --quiet --message=project`)
	return project
}

// sh runs a script, wants that exit code, and returns what it says without
// white space round it.
func (r repository) sh(t *testing.T, code int, script string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	cmd.Dir = r.dir
	// The toolchain of this machine is the one that is tested.
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, env...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s\nexit code %d, wanted %d\n%s", script, got, code, &output)
	}
	return strings.TrimSpace(output.String())
}

func (r repository) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = r.dir
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v", args[0], err)
	}
	return strings.TrimSpace(string(text))
}

// runRelease runs the pipeline of testpipelines/release with the templates of
// the project's release and what the handler serves in the place of its files.
// The job's PATH is one folder, with busybox.
func runRelease(t *testing.T, project repository, files http.Handler, env []string) pipeline {
	t.Helper()
	server := httptest.NewServer(files)
	t.Cleanup(server.Close)
	busybox := parts.Program(t, "busybox")
	image := filepath.Join(t.TempDir(), "bin")
	if err := os.Mkdir(image, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, applet := range []string{"sh", "mkdir", "chmod", "rm", "mv", "uname", "sleep", "wget", "sha256sum", "cat"} {
		if err := os.Symlink(busybox, filepath.Join(image, applet)); err != nil {
			t.Fatal(err)
		}
	}
	// gitlab-ci-local starts a job's shell by this name.
	if err := os.WriteFile(filepath.Join(image, "bash"), []byte("#!"+image+"/sh\nexec sh \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	consumer := consumerProject(t, map[string]string{"release": ".", filepath.Join(project.dir, "templates"): "templates"})
	return runProject(t, consumer, image, env, "--variable", "RELEASE_URL="+server.URL, "--variable", "PATH="+image)
}
