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
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// pipeline is how a pipeline went: the runner's exit code, and the jobs that ran.
type pipeline struct {
	Code int
	Jobs map[string]string // PASS or FAIL, by job name
	logs map[string]string
	all  string

	artifacts string // the folder with a folder for each job
}

// runPipeline runs the consumer project in the folder of that name. The jobs
// find the programs of bin in PATH and have env besides.
func runPipeline(t *testing.T, consumer, bin string, env []string) pipeline {
	t.Helper()
	command := append(parts.GitLabCILocal(t),
		"--force-shell-executor", "--shell-isolation", "--color=false",
		"--variable", "GITLAB_CI=true", "--ignore-predefined-vars", "GITLAB_CI",
		// The schema is the editor's; GitLab itself takes an empty list of tags.
		"--ignore-schema-paths", "#/definitions/tags/minItems", "--ignore-schema-paths", "#/additionalProperties",
	)
	project := consumerProject(t, consumer)
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = project
	cmd.Env = append([]string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	result := pipeline{Code: cmd.ProcessState.ExitCode(), Jobs: map[string]string{}, logs: map[string]string{}, all: output.String()}
	result.artifacts = filepath.Join(project, ".gitlab-ci-local", "artifacts")
	// The jobs of a child pipeline stand there too: [trigger job] -> job.
	for _, line := range regexp.MustCompile(`(?m)^ (PASS|FAIL|WARN) +(?:\[\S+] -> )?(\S+) *$`).FindAllStringSubmatch(result.all, -1) {
		result.Jobs[line[2]] = line[1]
		log, err := os.ReadFile(filepath.Join(project, ".gitlab-ci-local", "output", line[2]+".log"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a trigger job has none
			t.Fatal(err)
		}
		result.logs[line[2]] = string(log)
	}
	return result
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

// consumerProject makes a repository of the consumer's files and our components,
// since GitLab's $CI_PROJECT_PATH names the project that holds both.
func consumerProject(t *testing.T, consumer string) string {
	t.Helper()
	project := t.TempDir()
	for from, to := range map[string]string{consumer: ".", "../templates": "templates"} {
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
	cloud, err := awsfake.Start(awsfake.Config{})
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
