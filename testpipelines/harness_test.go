// Package testpipelines_test runs the consumer projects in the folders beside it
// through gitlab-ci-local, each as a user would have it: a repository with a
// .gitlab-ci.yml that includes our components. The jobs run the built binary in
// the environment of an EKS pod, against internal/awsfake.
//
// gitlab-ci-local is more lenient than GitLab; what it lets pass is checked by
// the tests in templates/.
package testpipelines_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// programs are ci-aws and sdkprobe in dir, built by the first test that asks.
var programs struct {
	build sync.Once
	dir   string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "testpipelines-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs.dir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// builtPrograms is the folder with ci-aws and sdkprobe, for all tests.
func builtPrograms(t *testing.T) string {
	t.Helper()
	programs.build.Do(func() {
		built := parts.Build(t, "./cmd/ci-aws", "./testpipelines/sdkprobe")
		if err := os.CopyFS(programs.dir, os.DirFS(built)); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := os.Stat(filepath.Join(programs.dir, "sdkprobe")); err != nil {
		t.Fatal("the programs could not be built")
	}
	return programs.dir
}

// pipeline is how a pipeline went: the runner's exit code, and the jobs that ran.
type pipeline struct {
	Code int
	Jobs map[string]string // PASS or FAIL, by job name
	logs map[string]string
	all  string

	project   string // the folder of the repository
	artifacts string // the folder with a folder for each job
}

// runnersPart does for a job what gitlab-ci-local does not and GitLab's runner does:
// stdout and stderr are one log, which $LOGS keeps byte for byte, and before
// after_script each line of $GITLAB_ENV is exported. Bash reads it as it starts.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/shells/bash.go
const runnersPart = `unset BASH_ENV
if [ -n "$CI_JOB_STATUS" ]; then
  exec > >(tee -a "$LOGS/$CI_JOB_NAME") 2>&1
  echo "$AWS_CONFIG_FILE" >>"$LOGS/config files"
  if [ -n "$GITLAB_ENVS" ]; then
    export GITLAB_ENV=$GITLAB_ENVS/$CI_JOB_ID
    touch "$GITLAB_ENV"
    if [ "$CI_JOB_STATUS" != running ]; then
      while read -r line; do export "$line"; done <"$GITLAB_ENV"
    fi
  fi
fi
`

// runPipeline runs the consumer project in the folder of that name beside our
// components, as runProject does.
func runPipeline(t *testing.T, consumer, bin string, env []string, flags ...string) pipeline {
	t.Helper()
	return runPipelineOf(t, consumer, "../templates", bin, env, flags...)
}

// runPipelineOf does so with the components of that folder.
func runPipelineOf(t *testing.T, consumer, templates, bin string, env []string, flags ...string) pipeline {
	t.Helper()
	return runProject(t, consumerProject(t, map[string]string{consumer: ".", templates: "templates"}), bin, env, flags...)
}

// runProject runs the pipeline of a repository. The jobs find the programs of bin
// in PATH and have env besides; flags are gitlab-ci-local's own.
func runProject(t *testing.T, project, bin string, env []string, flags ...string) pipeline {
	t.Helper()
	command := append(parts.GitLabCILocal(t),
		"--force-shell-executor", "--shell-isolation", "--color=false",
		"--variable", "GITLAB_CI=true", "--ignore-predefined-vars", "GITLAB_CI",
		// The schema is the editor's; GitLab itself takes an empty list of tags.
		"--ignore-schema-paths", "#/definitions/tags/minItems", "--ignore-schema-paths", "#/additionalProperties",
	)
	logs := t.TempDir()
	t.Cleanup(func() { removeConfigFiles(t, filepath.Join(logs, "config files")) })
	start := filepath.Join(t.TempDir(), "runner")
	if err := os.WriteFile(start, []byte(runnersPart), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], flags...)...)
	cmd.Dir = project
	cmd.Env = append([]string{
		"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"TMPDIR=" + t.TempDir(), "LOGS=" + logs, "BASH_ENV=" + start,
	}, env...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	result := pipeline{Code: cmd.ProcessState.ExitCode(), Jobs: map[string]string{}, logs: map[string]string{}, all: output.String()}
	result.project = project
	result.artifacts = filepath.Join(project, ".gitlab-ci-local", "artifacts")
	// The jobs of a child pipeline stand there too: [trigger job] -> job.
	for _, line := range regexp.MustCompile(`(?m)^ (PASS|FAIL|WARN) +(?:\[\S+] -> )?(\S+) *$`).FindAllStringSubmatch(result.all, -1) {
		result.Jobs[line[2]] = line[1]
		log, err := os.ReadFile(filepath.Join(logs, line[2]))
		if errors.Is(err, fs.ErrNotExist) { // no bash: what gitlab-ci-local keeps
			log, err = os.ReadFile(filepath.Join(project, ".gitlab-ci-local", "output", line[2]+".log"))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a trigger job has none
			t.Fatal(err)
		}
		result.logs[line[2]] = strings.ReplaceAll(string(log), "<gclShellPromptPlaceholder>", "$")
	}
	return result
}

// removeConfigFiles removes the folders of the profiles that jobs wrote: on a
// cluster they go with the pod.
func removeConfigFiles(t *testing.T, list string) {
	t.Helper()
	text, err := os.ReadFile(list)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for path := range strings.FieldsSeq(string(text)) {
		if dir := filepath.Dir(path); strings.HasPrefix(dir, "/tmp/ci-aws-") {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}
	}
}

// wantLines reports which of the lines, each given by a part of it, the job's
// log does not hold.
func (p pipeline) wantLines(t *testing.T, job string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(p.logs[job], part) {
			t.Errorf("the log of %s has no line with %q:\n%s", job, part, p.logs[job])
		}
	}
}

// consumerProject makes a repository of the folders and files, each at its place.
// The consumer's are beside our components, since GitLab's $CI_PROJECT_PATH names
// the project that holds both.
func consumerProject(t *testing.T, from map[string]string) string {
	t.Helper()
	project := t.TempDir()
	for from, to := range from {
		if filepath.Ext(from) == ".yml" {
			text, err := os.ReadFile(from)
			if err == nil {
				err = os.WriteFile(filepath.Join(project, to), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.CopyFS(filepath.Join(project, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"config", "user.name", "ci-aws"},
		{"config", "user.email", "ci-aws@example.test"},
		{"remote", "add", "origin", "https://gitlab.example.test/ci-aws/ci-aws.git"},
		{"add", "--all"},
		{"commit", "--quiet", "--message=consumer"},
	} {
		git := exec.CommandContext(t.Context(), parts.Program(t, "git"), args...)
		git.Dir = project
		git.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		if text, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, text)
		}
	}
	return project
}

// startCloud starts the reference set-up.
func startCloud(t *testing.T) *awsfake.Cloud {
	t.Helper()
	return startCloudOf(t, awsfake.Config{})
}

// startCloudOf starts the reference set-up in a cloud of that shape.
func startCloudOf(t *testing.T, config awsfake.Config) *awsfake.Cloud {
	t.Helper()
	cloud, err := awsfake.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	if err := cloud.AddReference(); err != nil {
		t.Fatal(err)
	}
	return cloud
}

// podEnv is what the EKS webhook puts into a job's pod, with the endpoints of
// the cloud.
// https://github.com/aws/amazon-eks-pod-identity-webhook
func podEnv(t *testing.T, cloud *awsfake.Cloud) []string {
	t.Helper()
	token, err := cloud.Issuer().Mint(awsfake.PodToken{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"AWS_ROLE_ARN=" + awsfake.JobRole,
		"AWS_WEB_IDENTITY_TOKEN_FILE=" + file,
		"AWS_STS_REGIONAL_ENDPOINTS=regional",
		"AWS_REGION=" + awsfake.Region,
		"AWS_DEFAULT_REGION=" + awsfake.Region,
		"AWS_ENDPOINT_URL_STS=" + cloud.STSURL(),
		"AWS_ENDPOINT_URL_S3=" + cloud.S3URL(),
	}
}
