package testpipelines_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// lastLines are the lines of a job's log from the first of ours that is an error
// on. What is folded is not among them.
func lastLines(log string) []string {
	lines := visible(log)
	for i, line := range lines {
		if strings.HasPrefix(line, "ci-aws: error: ") {
			return lines[i:]
		}
	}
	return nil
}

// said are as many of the last lines as are wanted, all where that many begin with
// the error.
func said(log string, want []string) []string {
	lines := lastLines(log)
	if len(want) > 0 && strings.HasPrefix(want[0], "ci-aws: error: ") {
		return lines
	}
	return lines[max(0, len(lines)-len(want)):]
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	tests := []struct {
		name, consumer string
		jobs           []string
		calls          map[string]int // by action
		want           []string       // the last lines of each job's log
	}{
		{
			"the before_script without extends", "not-extended",
			[]string{"upload", "by-profile"},
			nil,
			[]string{
				"ci-aws: error: this job takes the before_script of .ci-aws but does not extend it",
				"ci-aws: hint: extend .ci-aws too: its variables carry the component's inputs",
			},
		},
		{
			"the before_script of a profile without its variables", "not-extended",
			[]string{"half-extended"},
			nil,
			[]string{
				"ci-aws: error: this job takes the before_script of .ci-aws-profile but does not extend it",
				"ci-aws: hint: extend .ci-aws-profile: its variables name the AWS config file, for after_script too",
			},
		},
		{
			"an overwrite of the service account that the runner ignored", "overwrite-ignored",
			[]string{"exported", "by-profile"},
			nil, // the token tells, so that nobody is asked
			[]string{
				`ci-aws: error: checking the service account: the pod runs under the service account "gitlab/gitlab-jobs", and "gitlab-deploy" was expected`,
				"ci-aws: hint: the runner ignored KUBERNETES_SERVICE_ACCOUNT_OVERWRITE in silence, since its service_account_overwrite_allowed is empty: " +
					"set that, in [runners.kubernetes] of the runner's config.toml, to the account's name between ^ and $",
			},
		},
		{
			"an account that is not allowed", "wrong-account",
			[]string{"upload", "by-profile"},
			nil, // the role's ARN tells
			[]string{
				`ci-aws: error: checking the account: the role is in account "123456789012", and only 210987654321 may be used`,
				"ci-aws: hint: the role is of another account than the input allowed-accounts says: take a role of an account in the list, or change the list",
			},
		},
		{
			"an account that the top of the YAML does not allow, beside inputs that say nothing", "top-of-the-yaml",
			[]string{"upload", "by-profile"},
			nil,
			[]string{
				`ci-aws: error: checking the account: the role is in account "123456789012", and only 210987654321 may be used`,
				"ci-aws: hint: the role is of another account than CI_AWS_ALLOWED_ACCOUNT says: take a role of an account in the list, or change the list",
			},
		},
		{
			"a service account that a variable of the job outranks", "top-of-the-yaml",
			[]string{"another-account"},
			nil,
			[]string{
				`ci-aws: error: checking the service account: the pod runs under the service account "gitlab/gitlab-jobs", and "gitlab-deploy" was expected`,
				`ci-aws: hint: KUBERNETES_SERVICE_ACCOUNT_OVERWRITE is "gitlab-other": a variable of the job or a CI/CD variable outranks the component's input service-account: ` +
					"remove that variable from the job, and from GitLab's (Settings > CI/CD > Variables)",
			},
		},
		{
			"an AWS config file in the project in place of the component's", "top-of-the-yaml",
			[]string{"another-file"},
			nil,
			[]string{
				"ci-aws: hint: remove AWS_CONFIG_FILE from the job's variables and from GitLab's (Settings > CI/CD > Variables): the component names a file of its own",
			},
		},
		{
			"a hidden job without an ID token whose source is gitlab", "top-of-the-yaml",
			[]string{"no-id-token"},
			nil,
			[]string{
				"ci-aws: error: finding the job's identity: the variable \"CI_AWS_ID_TOKEN\" is not set",
				"ci-aws: hint: most likely .ci-aws asks GitLab for no ID token, and its source is gitlab: extend .ci-aws-oidc in its place",
				"ci-aws: hint: or the job asks GitLab for no token of that name: add `id_tokens: { CI_AWS_ID_TOKEN: { aud: … } }` to the job",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cloud := startCloud(t)
			run := runPipeline(t, tt.consumer, bin, podEnv(t, cloud))
			for _, job := range tt.jobs {
				if run.Jobs[job] != "FAIL" {
					t.Errorf("%s is %q", job, run.Jobs[job])
				}
				if diff := cmp.Diff(tt.want, said(run.logs[job], tt.want)); diff != "" {
					t.Errorf("last lines of %s (-want +got):\n%s\n%s", job, diff, run.logs[job])
				}
			}
			if run.Code != 1 || strings.Contains(run.all, "PASS") {
				t.Errorf("exit code %d, and a job is green:\n%s", run.Code, run.all)
			}
			for action, want := range map[string]int{"AssumeRoleWithWebIdentity": tt.calls["AssumeRoleWithWebIdentity"], "GetCallerIdentity": 0} {
				if got := cloud.Calls(action); got != want {
					t.Errorf("%d calls of %s, want %d", got, action, want)
				}
			}
		})
	}
}

// TestABrokenTrustPolicyIsMendedByTheLog pastes the end of a job's log into the
// role.
func TestABrokenTrustPolicyIsMendedByTheLog(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	cloud := startCloud(t)
	trust := cloud.ClusterTrust()
	trust.Subject = "system:serviceaccount:gitlab:gitlab-runner"
	if err := cloud.SetTrust(awsfake.JobRole, trust.JSON()); err != nil {
		t.Fatal(err)
	}
	red := runPipeline(t, "broken-trust", bin, podEnv(t, cloud))
	red.want(t, 1, map[string]string{"upload": "FAIL", "by-profile": "FAIL"}, nil)
	var policies []string
	for job, log := range red.logs {
		lines := lastLines(log)
		text := strings.Join(lines, "\n")
		finding, policy, found := strings.Cut(text, "\n{\n")
		if !found {
			t.Fatalf("the log of %s ends without a policy:\n%s", job, log)
		}
		policies = append(policies, "{\n"+policy)
		for _, want := range []string{"system:serviceaccount:gitlab:gitlab-jobs", awsfake.JobRole, "AccessDenied", "\nci-aws: hint: most likely the role's trust policy names another sub"} {
			if !strings.Contains(finding, want) {
				t.Errorf("the log of %s says nothing of %q:\n%s", job, want, finding)
			}
		}
	}
	if len(policies) != 2 || policies[0] != policies[1] {
		t.Fatalf("policies %q", policies)
	}
	if err := cloud.SetTrust(awsfake.JobRole, policies[0]); err != nil {
		t.Fatal(err)
	}
	runPipeline(t, "broken-trust", bin, podEnv(t, cloud)).want(t, 0, map[string]string{"upload": "PASS", "by-profile": "PASS"},
		map[string][]string{"upload": {jobs + byEnv}, "by-profile": {jobs + byProfile}})
}

func TestAVariableThatOutranksAnInputIsSaid(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	const warning = "ci-aws: warning: CI_AWS_REGION is \"us-east-1\", and the component's input region says \"eu-central-1\": the variable outranks it"
	for _, tt := range []struct {
		name     string
		flags    []string
		region   string
		warnings int
	}{
		{"no variable", nil, "eu-central-1", 0},
		{"one that says the same", []string{"--variable", "CI_AWS_REGION=eu-central-1"}, "eu-central-1", 0},
		{"another region", []string{"--variable", "CI_AWS_REGION=us-east-1"}, "us-east-1", 1},
		{"a variable of no input", []string{"--variable", "CI_AWS_TIMEOUT=20s"}, "eu-central-1", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			run := runPipeline(t, "overridden-input", bin, podEnv(t, startCloud(t)), tt.flags...)
			run.want(t, 0, map[string]string{"upload": "PASS"}, nil)
			log := run.logs["upload"]
			if got := strings.Count(log, "\n"+warning+"\n"); got != tt.warnings || strings.Count(log, "outranks") != tt.warnings {
				t.Errorf("%d warnings, want %d:\n%s", got, tt.warnings, log)
			}
			run.wantLines(t, "upload", "\nregion "+tt.region+"\n")
			// The header of what is folded counts it, beside the one of the sandbox's endpoint.
			header := map[int]string{0: ", 1 warning\n", 1: ", 2 warnings\n"}[tt.warnings]
			run.wantLines(t, "upload", header)
		})
	}
}

// bareImage is a folder with what an image of busybox alone has, without wget, and
// these programs, and the bash by which gitlab-ci-local starts a job's shell: it is
// busybox's for a job.
func bareImage(t *testing.T, programs ...string) (dir string) {
	t.Helper()
	busybox := parts.Program(t, "busybox")
	image, dir := t.TempDir(), t.TempDir()
	for _, applet := range []string{"sh", "mkdir", "chmod", "rm", "mv", "uname", "sleep", "sha256sum", "cat"} {
		programs = append(programs, busybox+"="+applet)
	}
	for _, program := range programs {
		path, name, named := strings.Cut(program, "=")
		if !named {
			name = filepath.Base(path)
		}
		if err := os.Symlink(path, filepath.Join(image, name)); err != nil {
			t.Fatal(err)
		}
	}
	// It starts as "bash -c bash".
	shell := "#!/bin/sh\n[ -n \"${CI_JOB_ID:-}\" ] || exec " + parts.Program(t, "bash") + " \"$@\"\necho \"$AWS_CONFIG_FILE\" >>\"$LOGS/config files\"\nPATH=" + image + " exec " + image + "/sh 2>&1\n"
	if err := os.WriteFile(filepath.Join(dir, "bash"), []byte(shell), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// releasedTemplates are our templates as those of a release, with sums.
func releasedTemplates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../templates")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "ci-aws.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := regexp.MustCompile(`(asset=ci-aws-linux-[a-z0-9]+ want=)'[0-9a-f]*'`)
	if got := len(sum.FindAll(text, -1)); got != 2 {
		t.Fatalf("%d sums in the templates, want 2", got)
	}
	if err := os.WriteFile(file, sum.ReplaceAll(text, []byte("${1}'"+strings.Repeat("5c", 32)+"'")), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAnImageWithoutCurl(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	probe := filepath.Join(bin, "sdkprobe")
	for _, tt := range []struct {
		name, templates string
		programs        []string
		code            int
		result          string
		callers         map[string][]string
		want            []string // lines of each job
	}{
		{
			"needs nothing else where it has ci-aws", "../templates",
			[]string{filepath.Join(bin, "ci-aws"), probe},
			0, "PASS",
			map[string][]string{"exported": {jobs + byEnv}, "by-profile": {jobs + byProfile}},
			nil,
		},
		{
			"says what it lacks where it has not", releasedTemplates(t),
			[]string{probe},
			1, "FAIL", nil,
			[]string{"ci-aws: error: fetching ci-aws ", ": neither curl nor wget is in PATH\n", "ci-aws: hint: use an image that has curl or wget, or has ci-aws "},
		},
		{
			"says that a version without a release is no download", "../templates",
			[]string{probe},
			1, "FAIL", nil,
			[]string{"ci-aws: error: installing ci-aws ", ": this version is not released", "ci-aws: hint: include a version of the component that is released, or put ci-aws "},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "says that a version without a release is no download" && !unreleased(t) {
				return // the templates of a release have sums
			}
			run := runPipelineOf(t, "no-curl", tt.templates, bareImage(t, tt.programs...), podEnv(t, startCloud(t)))
			run.want(t, tt.code, map[string]string{"exported": tt.result, "by-profile": tt.result}, tt.callers)
			for job := range run.Jobs {
				run.wantLines(t, job, tt.want...)
			}
		})
	}
}

func unreleased(t *testing.T) bool {
	t.Helper()
	sums, err := os.ReadFile("../templates/src/sums")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(sums)) == ""
}
