// Package parts finds what the tests run on that is not in this module: a real
// MinIO, gitlab-ci-local, the shells. Where a part is not to be had on a machine
// the test that asks for it is skipped, and says why; "make test" counts those.
package parts

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Root is the folder of the module that the working directory is in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}

// NotAtHand begins the reason of a skip that is none in CI either: what the test
// needs cannot be installed by name, so it runs where somebody has it.
const NotAtHand = "not at hand: "

// Program is the path of a program in PATH.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name + " not installed")
	}
	return path
}

// MinIO is the path of the MinIO server that BuildMinIO has built.
func MinIO(t testing.TB) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	path, err := minioPath(root)
	if err != nil {
		t.Skipf("MinIO not built: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("MinIO not built (make test builds it)")
	}
	return path
}

// nodeWanted is the oldest major version of Node that gitlab-ci-local runs on.
const nodeWanted = 22

// GitLabCILocal is the command line that starts gitlab-ci-local: a Node that is
// new enough, and the program. It needs git and rsync too.
func GitLabCILocal(t testing.TB) []string {
	t.Helper()
	Program(t, "git")
	Program(t, "rsync")
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(root, "testpipelines", "node_modules")
	program := filepath.Join(modules, "gitlab-ci-local", "dist", "index.js")
	if _, err := os.Stat(program); err != nil {
		t.Skip("gitlab-ci-local not installed (make test installs it by npm)")
	}
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	for _, node := range []string{"node", filepath.Join(modules, "node-"+runtime.GOOS+"-"+arch, "bin", "node")} {
		if major(t, node) >= nodeWanted {
			return []string{node, program}
		}
	}
	t.Skip("no Node of version " + strconv.Itoa(nodeWanted) + " or newer")
	return nil
}

// major is the major version of a node, 0 where there is none.
func major(t testing.TB, node string) int {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), node, "--version").Output() // v22.23.3
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(string(text), "v"), ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// Build builds commands of this module, by their folders ("./cmd/ci-aws"), as
// the release is built, into a new folder that it returns.
func Build(t testing.TB, commands ...string) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", "urfave_cli_no_docs", "-ldflags", "-s -w", "-o", dir + string(filepath.Separator)}
	build := exec.CommandContext(t.Context(), "go", append(args, commands...)...)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", strings.Join(commands, " "), err, text)
	}
	return dir
}
