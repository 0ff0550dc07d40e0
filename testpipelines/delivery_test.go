package testpipelines_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// How sdkprobe gets its credentials by env, by profile, and without ci-aws.
const (
	byEnv     = " by EnvConfigCredentials"
	byProfile = " by ProcessProvider"
	byPod     = " by WebIdentityCredentials"
)

const (
	jobs, deploy, oidc, pod = "k8s-irsa-gitlab-jobs", "deploy", "gitlab-oidc-jobs", "pod-identity-jobs"
)

// keyMaterial is what a token or a session token looks like.
var keyMaterial = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.|[A-Za-z0-9+/]{120,}`)

// offered is the environment of a runner that has GITLAB_ENV.
func offered(t *testing.T) string { return "GITLAB_ENVS=" + t.TempDir() }

// agentEnv is what EKS Pod Identity puts into a job's pod, in place of podEnv's.
func agentEnv(t *testing.T, cloud *awsfake.Cloud) []string {
	t.Helper()
	token, err := cloud.Issuer().Mint(awsfake.PodToken{Audience: awsfake.PodIdentityAudience})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "eks-pod-identity-token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + cloud.PodIdentityURL(), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + file,
		"AWS_REGION=" + awsfake.Region, "AWS_ENDPOINT_URL_STS=" + cloud.STSURL(), "AWS_ENDPOINT_URL_S3=" + cloud.S3URL(),
	}
}

// imageHome is the HOME of an image that has a profile of its own.
func imageHome(t *testing.T, cloud *awsfake.Cloud) string {
	t.Helper()
	keys, err := cloud.AddUser(awsfake.Account, "of-the-image")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	vault := filepath.Join(home, "keys.json")
	said := `{"Version": 1, "AccessKeyId": "` + keys.AccessKeyID + `", "SecretAccessKey": "` + keys.SecretAccessKey + `"}`
	if err := os.WriteFile(vault, []byte(said), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "[profile of-the-image]\ncredential_process = cat " + vault + "\n"
	if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "HOME=" + home
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	inIRSA := func(t *testing.T, cloud *awsfake.Cloud) []string { t.Helper(); return podEnv(t, cloud) }
	withGitLabEnv := func(t *testing.T, cloud *awsfake.Cloud) []string {
		t.Helper()
		return append(podEnv(t, cloud), offered(t))
	}
	tests := []struct {
		name, consumer string
		session        time.Duration
		env            func(*testing.T, *awsfake.Cloud) []string
		idToken        bool
		code           int
		jobs           map[string]string
		callers        map[string][]string // by job
		says           map[string]string   // what the log of a job holds besides
		exchanges      int                 // -1: as many as the session's length makes
	}{
		{
			name: "env: a job has its role in its shell", consumer: "env-delivery", env: inIRSA,
			jobs: map[string]string{"upload": "PASS"}, callers: map[string][]string{"upload": {jobs + byEnv}}, exchanges: 1,
		},
		{
			name: "env: so has one under EKS Pod Identity", consumer: "env-delivery", env: agentEnv,
			jobs: map[string]string{"upload": "PASS"}, callers: map[string][]string{"upload": {pod + byEnv}},
		},
		{
			name: "profile: script and after_script have the chained role, whatever the pod has", consumer: "profile-delivery",
			env: func(t *testing.T, cloud *awsfake.Cloud) []string {
				t.Helper()
				return append(withGitLabEnv(t, cloud), imageHome(t, cloud))
			},
			jobs: map[string]string{"deploy": "PASS"},
			callers: map[string][]string{"deploy": {
				deploy + byProfile, deploy + byProfile, deploy + byProfile, "of-the-image" + byProfile, deploy + byProfile,
			}},
			exchanges: 2, // of --check, and of the first program; the store serves the others
		},
		{
			name: "profile: without GITLAB_ENV the pod's variables are back in after_script", consumer: "profile-delivery",
			env: func(t *testing.T, cloud *awsfake.Cloud) []string {
				t.Helper()
				return append(podEnv(t, cloud), imageHome(t, cloud))
			},
			jobs: map[string]string{"deploy": "PASS"},
			callers: map[string][]string{"deploy": {
				deploy + byProfile, deploy + byProfile, deploy + byProfile, "of-the-image" + byProfile, jobs + byPod,
			}},
			exchanges: 3,
		},
		{
			name: "profile: under EKS Pod Identity nothing outranks it", consumer: "profile-delivery",
			env: func(t *testing.T, cloud *awsfake.Cloud) []string {
				t.Helper()
				return append(agentEnv(t, cloud), imageHome(t, cloud))
			},
			jobs: map[string]string{"deploy": "PASS"},
			callers: map[string][]string{"deploy": {
				deploy + byProfile, deploy + byProfile, deploy + byProfile, "of-the-image" + byProfile, deploy + byProfile,
			}},
		},
		{
			name: "renewal: a program outlives its session by a profile only", consumer: "renewal", session: 3 * time.Second, env: withGitLabEnv,
			code: 1, jobs: map[string]string{"renewed": "PASS", "ended": "FAIL"},
			callers:   map[string][]string{"renewed": {jobs + byProfile, jobs + byProfile, jobs + byProfile}, "ended": {jobs + byEnv}},
			says:      map[string]string{"ended": "ExpiredToken"},
			exchanges: -1,
		},
		{
			name: "ID tokens: the role of the project, by either delivery", consumer: "id-tokens", env: withGitLabEnv, idToken: true,
			jobs:      map[string]string{"exported": "PASS", "by-profile": "PASS"},
			callers:   map[string][]string{"exported": {oidc + byEnv}, "by-profile": {oidc + byProfile, oidc + byProfile}},
			exchanges: 3,
		},
		{
			name: "ID tokens: they are enough without any identity of the pod", consumer: "id-tokens", idToken: true,
			env: func(_ *testing.T, cloud *awsfake.Cloud) []string {
				return []string{"AWS_REGION=" + awsfake.Region, "AWS_ENDPOINT_URL_STS=" + cloud.STSURL()}
			},
			jobs:      map[string]string{"exported": "PASS", "by-profile": "PASS"},
			callers:   map[string][]string{"exported": {oidc + byEnv}, "by-profile": {oidc + byProfile, oidc + byProfile}},
			exchanges: 3,
		},
		{
			name: "chained role: the last one is the job's", consumer: "chained-role", env: inIRSA,
			jobs: map[string]string{"deploy": "PASS"}, callers: map[string][]string{"deploy": {deploy + byEnv}}, exchanges: 1,
		},
		{
			name: "own before_script: the credentials are there from our lines on", consumer: "own-before-script", env: inIRSA,
			jobs: map[string]string{"upload": "PASS"}, callers: map[string][]string{"upload": {jobs + byEnv}}, exchanges: 1,
		},
		{
			name: "two includes: each job has the role of its own", consumer: "two-includes", env: inIRSA,
			jobs:      map[string]string{"compile": "PASS", "roll-out": "PASS", "roll-out-by-profile": "PASS"},
			callers:   map[string][]string{"compile": {jobs + byEnv}, "roll-out": {deploy + byEnv}, "roll-out-by-profile": {deploy + byProfile}},
			exchanges: 4,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cloud := startCloudOf(t, awsfake.Config{SessionLength: tt.session})
			var flags []string
			if tt.idToken {
				flags = []string{"--variable", "CI_AWS_ID_TOKEN=" + idToken(t, cloud)}
			}
			run := runPipeline(t, tt.consumer, bin, tt.env(t, cloud), flags...)
			run.want(t, tt.code, tt.jobs, tt.callers)
			if found := filesWith(t, run.project, "credential_process ="); len(found) > 0 {
				t.Errorf("a profile below the project directory: %q", found)
			}
			for job, text := range tt.says {
				run.wantLines(t, job, text)
			}
			if got := cloud.Calls("AssumeRoleWithWebIdentity"); tt.exchanges >= 0 && got != tt.exchanges {
				t.Errorf("%d calls of AssumeRoleWithWebIdentity, want %d", got, tt.exchanges)
			}
		})
	}
}

// filesWith are the files below a folder whose name or text holds the text, git's
// own left out.
func filesWith(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	files := os.DirFS(dir)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == ".git":
			return fs.SkipDir
		case strings.Contains(entry.Name(), text):
			found = append(found, path)
		case entry.Type().IsRegular():
			content, err := fs.ReadFile(files, path)
			if err != nil {
				return err
			}
			if strings.Contains(string(content), text) {
				found = append(found, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// idToken is what GitLab gives for id_tokens, which gitlab-ci-local has not.
func idToken(t *testing.T, cloud *awsfake.Cloud) string {
	t.Helper()
	token, err := cloud.GitLab().MintJob(awsfake.JobToken{})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// want reports where the pipeline went otherwise than in these jobs, whose
// programs had these callers, and whether a secret is in a log.
func (p pipeline) want(t *testing.T, code int, jobs map[string]string, who map[string][]string) {
	t.Helper()
	if diff := cmp.Diff(pipeline{Code: code, Jobs: jobs}, p, cmpopts.IgnoreUnexported(pipeline{})); diff != "" {
		t.Fatalf("pipeline (-want +got):\n%s\n%s", diff, p.all)
	}
	got := map[string][]string{}
	for job, log := range p.logs {
		if all := callers(t, log); len(all) > 0 {
			got[job] = all
		}
		if secret := keyMaterial.FindString(log); secret != "" {
			t.Errorf("the log of %s holds what looks like a secret of %d characters", job, len(secret))
		}
	}
	if diff := cmp.Diff(who, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("callers (-want +got):\n%s\n%s", diff, p.all)
	}
}

func TestTheLogOfAJobHasThreeLinesOfOurs(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	for consumer, want := range map[string][]string{
		"env-delivery": {
			"$ # ci-aws: find the program, or download it # collapsed multi-line command",
			"$ # ci-aws: export the credentials of this job's AWS role # collapsed multi-line command",
			"ci-aws: arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/ci-aws-ci-aws-JOB until TIME, 1 warning",
			"$ sdkprobe whoami",
		},
		"profile-delivery": {
			"$ # ci-aws: find the program, or download it # collapsed multi-line command",
			"$ # ci-aws: write an AWS profile that renews the credentials of this job's AWS role # collapsed multi-line command",
			"ci-aws: arn:aws:sts::123456789012:assumed-role/deploy/ci-aws-ci-aws-JOB, renewed by profile default, 1 warning",
			"$ sdkprobe whoami",
		},
	} {
		t.Run(consumer, func(t *testing.T) {
			t.Parallel()
			cloud := startCloud(t)
			run := runPipeline(t, consumer, bin, append(podEnv(t, cloud), imageHome(t, cloud)))
			for job, log := range run.logs {
				log = regexp.MustCompile(`-\d+( until |, renewed)`).ReplaceAllString(log, "-JOB$1")
				log = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(log, "TIME")
				lines := visible(log)
				if diff := cmp.Diff(want, lines[:min(len(want), len(lines))]); diff != "" {
					t.Errorf("%s (-want +got):\n%s\n%s", job, diff, log)
				}
			}
			// What is folded says all the same where each thing came from. The sandbox's endpoint is the one warning.
			for job := range run.logs {
				run.wantLines(t, job, "ci-aws: version: ", "("+filepath.Join(bin, "ci-aws")+")", "ci-aws: source: irsa (", "ci-aws: warning: STS is ")
			}
			if len(run.logs) != 1 {
				t.Errorf("%d logs:\n%s", len(run.logs), run.all)
			}
		})
	}
}

func TestOneFileIsTheWholeWiring(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	server := httptest.NewServer(http.FileServer(http.Dir("..")))
	t.Cleanup(server.Close)
	green := map[string]string{"exported": "PASS", "by-profile": "PASS"}
	who := map[string][]string{"exported": {deploy + byEnv}, "by-profile": {deploy + byProfile}}

	t.Run("copied into a project", func(t *testing.T) {
		t.Parallel()
		project := consumerProject(t, map[string]string{"one-file": ".", "../component.yml": "component.yml"})
		if found := filesWith(t, project, "component"); !slices.Equal(found, []string{".gitlab-ci.yml", "component.yml"}) {
			t.Fatalf("the project has %q", found)
		}
		runProject(t, project, bin, podEnv(t, startCloud(t))).want(t, 0, green, who)
	})

	t.Run("from another host", func(t *testing.T) {
		t.Parallel()
		text, err := os.ReadFile("one-file/.gitlab-ci.yml")
		if err != nil {
			t.Fatal(err)
		}
		remote := strings.Replace(string(text), "local: /component.yml", "remote: "+server.URL+"/component.yml", 1)
		consumer := t.TempDir()
		if err := os.WriteFile(filepath.Join(consumer, ".gitlab-ci.yml"), []byte(remote), 0o600); err != nil {
			t.Fatal(err)
		}
		project := consumerProject(t, map[string]string{consumer: "."})
		runProject(t, project, bin, podEnv(t, startCloud(t))).want(t, 0, green, who)
	})
}
