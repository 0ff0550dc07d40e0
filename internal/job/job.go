// Package job is the job that the program runs in: its environment, read once,
// each value with the variable it came from, and where the pod keeps its files.
// An empty variable counts as one that is not set.
package job

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Job is one job's environment. The zero Job has no variable at all.
type Job struct {
	vars    map[string]string
	root    string
	started func() (Job, bool)
}

// Read takes an environment of NAME=value entries. Paths that the platform
// fixes, such as the webhook's token, are looked up below root ("" for /).
func Read(environ []string, root string) Job {
	vars := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			vars[name] = value
		}
	}
	j := Job{vars: vars, root: root}
	j.started = sync.OnceValues(j.readStarted)
	return j
}

// Started is the environment that the pod's container was started with, as its
// first process has it: what GitLab's script exported later is not in it. It is
// false where that cannot be seen, or is not a pod's.
func (j Job) Started() (Job, bool) {
	if j.started == nil {
		return Job{}, false
	}
	return j.started()
}

// maxEnviron bounds what is read of an environment, in bytes; Linux allows a
// quarter of the stack for it, which is 2 MiB unless someone raised it.
const maxEnviron = 8 << 20

func (j Job) readStarted() (Job, bool) {
	f, err := os.Open(j.Path("/proc/1/environ"))
	if err != nil {
		return Job{}, false
	}
	defer func() { _ = f.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, maxEnviron))
	if err != nil {
		return Job{}, false
	}
	started := Read(strings.Split(string(raw), "\x00"), j.root)
	return started, started.Get("KUBERNETES_SERVICE_HOST") != ""
}

// Path is where a path that the platform fixes is found.
func (j Job) Path(platform string) string {
	if j.root == "" {
		return platform
	}
	return filepath.Join(j.root, platform)
}

// Get returns the variable's value, "" where it is not set.
func (j Job) Get(name string) string { return j.vars[name] }

// Value returns the first of the variables that is set, with its name.
func (j Job) Value(names ...string) report.Value {
	for _, name := range names {
		if v := j.vars[name]; v != "" {
			return report.Value{Text: v, From: name}
		}
	}
	return report.Value{}
}

// True reports whether the variable says yes as GitLab and AWS write it.
func (j Job) True(name string) bool {
	switch strings.ToLower(j.vars[name]) {
	case "true", "1", "yes":
		return true
	}
	return false
}

// InGitLab reports whether this is a GitLab job.
func (j Job) InGitLab() bool { return j.True("GITLAB_CI") }

// Name identifies the job in CloudTrail and elsewhere.
type Name struct{ Project, ID report.Value }

// Name gives the project's path as a slug and the job's id.
func (j Job) Name() Name {
	return Name{j.Value("CI_PROJECT_PATH_SLUG", "CI_PROJECT_NAME"), j.Value("CI_JOB_ID")}
}

// Fact is a named value.
type Fact struct {
	Name  string
	Value report.Value
}

// GitLab gives what GitLab says of the job, in a fixed order. Values that are
// not set are unknown.
func (j Job) GitLab() []Fact {
	return []Fact{
		{"project", j.Value("CI_PROJECT_PATH")},
		{"project_id", j.Value("CI_PROJECT_ID")},
		{"job", j.Value("CI_JOB_NAME")},
		{"job_id", j.Value("CI_JOB_ID")},
		{"pipeline_id", j.Value("CI_PIPELINE_ID")},
		{"ref", j.Value("CI_COMMIT_REF_NAME")},
		{"ref_protected", j.Value("CI_COMMIT_REF_PROTECTED")},
		{"runner_id", j.Value("CI_RUNNER_ID")},
		{"runner", j.Value("CI_RUNNER_DESCRIPTION")},
		{"runner_tags", j.Value("CI_RUNNER_TAGS")},
	}
}

// secretNames are the variables whose value must never be printed.
var secretNames = []string{
	"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "CI_AWS_ID_TOKEN", "CI_JOB_TOKEN", "CI_JOB_JWT",
	"CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD", "CI_DEPENDENCY_PROXY_PASSWORD", "GITLAB_TOKEN",
}

// Secrets are the secrets that the environment holds; more names those of
// further variables.
func (j Job) Secrets(more ...string) []report.Secret {
	var out []report.Secret
	for _, names := range [][]string{secretNames, more} {
		for _, name := range names {
			if v := j.vars[name]; v != "" {
				out = append(out, report.NewSecret(v))
			}
		}
	}
	return out
}

// StaticKeys are the variables of static AWS keys that are set. Half tells that
// one of the pair is missing.
func (j Job) StaticKeys() (names []string, half bool) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"} {
		if j.vars[name] != "" {
			names = append(names, name)
		}
	}
	id := cmp.Or(j.vars["AWS_ACCESS_KEY_ID"], j.vars["AWS_ACCESS_KEY"])
	key := cmp.Or(j.vars["AWS_SECRET_ACCESS_KEY"], j.vars["AWS_SECRET_KEY"])
	return names, (id == "") != (key == "")
}

// OwnKeys is the end of temporary keys that were exported together with it, as
// this program and the AWS CLI export them within a job; unknown for keys that
// were not.
func (j Job) OwnKeys() (until time.Time, at report.Value, ok bool) {
	at = j.Value("AWS_CREDENTIAL_EXPIRATION")
	until, err := time.Parse(time.RFC3339, at.Text)
	return until, at, err == nil && j.vars["AWS_SESSION_TOKEN"] != ""
}
