package cli_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

// noon is when the jobs below run, by every clock.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// atNoon runs the program in a pod of the reference set-up, with more variables.
func atNoon(t *testing.T, more map[string]string, args ...string) (out, errs, token string, code int) {
	t.Helper()
	clock := func() time.Time { return noon }
	cloud, err := awsfake.Start(awsfake.Config{Now: clock})
	check(t, err)
	t.Cleanup(cloud.Close)
	check(t, cloud.AddReference())
	token, err = cloud.Issuer().Mint(awsfake.PodToken{})
	check(t, err)
	file := filepath.Join(t.TempDir(), "token")
	check(t, os.WriteFile(file, []byte(token), 0o600))
	env := map[string]string{
		"AWS_ROLE_ARN": awsfake.JobRole, "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ENDPOINT_URL_STS": cloud.STSURL(),
		"CI_PROJECT_PATH_SLUG": "group-project", "CI_JOB_ID": "4711", "HOME": t.TempDir(),
	}
	maps.Copy(env, more)
	var environ []string
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	var o, e bytes.Buffer
	code = cli.Run(t.Context(), append([]string{"ci-aws"}, args...), cli.IO{
		In: strings.NewReader(""), Out: &o, Err: &e, Environ: environ, Now: clock, Root: t.TempDir(),
	})
	return o.String(), strings.ReplaceAll(e.String(), cloud.STSURL(), "http://sts"), token, code
}

const (
	sectionStart = "\x1b[0Ksection_start:1795435200:ci_aws[collapsed=true]\r\x1b[0K"
	sectionEnd   = "\x1b[0Ksection_end:1795435200:ci_aws\r\x1b[0K\n"
	elsewhere    = "ci-aws: warning: STS is \"http://sts\" (AWS_ENDPOINT_URL_STS), not AWS's own endpoint\n"
	jobSession   = "arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711"
)

func TestTheSectionHoldsAllThatWasSaid(t *testing.T) {
	self, err := os.Executable()
	check(t, err)
	version := "ci-aws: version: " + cli.Version + " (" + self + ")\n"
	facts := "ci-aws: source: irsa (a token file, from AWS_WEB_IDENTITY_TOKEN_FILE)\nci-aws: role: " + awsfake.JobRole + " (AWS_ROLE_ARN)\nci-aws: region: eu-central-1 (the token's issuer)\n"
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-secret-key"}
	const static = "ci-aws: warning: AWS_ACCESS_KEY_ID and its secret are set; they are not used here, but every other tool in this job prefers them to the role: remove them from the job's variables\n"
	config := filepath.Join(t.TempDir(), "config")
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{
			"env", nil,
			[]string{"env", "--log-section"},
			sectionStart + "ci-aws: " + jobSession + " until 2026-11-23T13:00:00Z, 1 warning\n" + version + facts + elsewhere + sectionEnd,
		},
		{
			"by its variable, with JSON on stdout",
			map[string]string{"CI_AWS_LOG_SECTION": "true"},
			[]string{"env", "--output", "json"},
			sectionStart + "ci-aws: " + jobSession + " until 2026-11-23T13:00:00Z, 1 warning\n" + version + facts + elsewhere + sectionEnd,
		},
		{
			"each warning is counted in the header", keys,
			[]string{"env", "--log-section"},
			sectionStart + "ci-aws: " + jobSession + " until 2026-11-23T13:00:00Z, 2 warnings\n" + version + static + facts + elsewhere + sectionEnd,
		},
		{
			"an input that a variable outranks",
			map[string]string{"CI_AWS_REGION": "eu-west-1", "CI_AWS_INPUT_REGION": "eu-central-1", "CI_AWS_INPUT_ROLE_ARN": "", "CI_AWS_LOG_SECTION": "yes"},
			[]string{"env"},
			sectionStart + "ci-aws: " + jobSession + " until 2026-11-23T13:00:00Z, 2 warnings\n" + version +
				"ci-aws: warning: CI_AWS_REGION is \"eu-west-1\", and the component's input region says \"eu-central-1\": the variable outranks it\n" +
				strings.Replace(facts, "eu-central-1 (the token's issuer)", "eu-west-1 (CI_AWS_REGION)", 1) + elsewhere + sectionEnd,
		},
		{
			"configure without a call", nil,
			[]string{"configure", "--isolate", "--log-section", "--file", config},
			sectionStart + "ci-aws: " + awsfake.JobRole + ", renewed by profile default\n" + version + facts + sectionEnd,
		},
		{
			"configure after a call", nil,
			[]string{"configure", "--isolate", "--check", "--log-section", "--file", config},
			sectionStart + "ci-aws: " + jobSession + ", renewed by profile default, 1 warning\n" + version + facts + elsewhere + sectionEnd,
		},
		{"nothing to say of --unset", nil, []string{"env", "--unset", "--log-section"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, errs, _, code := atNoon(t, tt.env, tt.args...)
			if code != 0 || out == "" {
				t.Errorf("exit code %d, stdout %q", code, out)
			}
			if diff := cmp.Diff(tt.want, errs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheSectionHasTheFactsOfVerbose(t *testing.T) {
	_, errs, _, _ := atNoon(t, nil, "env", "--log-section", "--verbose")
	for _, fact := range []string{"subject: system:serviceaccount:gitlab:gitlab-jobs (the token)", "session: group-project-4711", "role: " + awsfake.JobRole} {
		if strings.Count(errs, "ci-aws: "+fact) != 1 {
			t.Errorf("%q stands not once in\n%s", fact, errs)
		}
	}
	if !strings.HasPrefix(errs, sectionStart) || !strings.HasSuffix(errs, sectionEnd) {
		t.Errorf("something is said outside of the section:\n%q", errs)
	}
}

func TestAFailureIsNotFolded(t *testing.T) {
	more := map[string]string{"CI_AWS_LOG_SECTION": "true", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-secret-key"}
	for _, args := range [][]string{
		{"env", "--role-arn", "arn:aws:iam::123456789012:role/absent"},
		{"configure", "--isolate", "--check", "--role-arn", "arn:aws:iam::123456789012:role/absent"},
	} {
		out, errs, _, code := atNoon(t, more, args...)
		if code != 1 || args[0] == "env" && out != "false\n" || args[0] == "configure" && out != "" {
			t.Errorf("%q: exit code %d, stdout %q", args, code, out)
		}
		first, rest, _ := strings.Cut(errs, "\n")
		if !strings.HasPrefix(first, "ci-aws: warning: AWS_ACCESS_KEY_ID") || !strings.HasPrefix(rest, elsewhere+"ci-aws: error: exchanging the token: ") {
			t.Errorf("%q says\n%s", args, errs)
		}
		if strings.Contains(errs, "section_") || strings.Contains(errs, "ci-aws: version") || strings.Contains(errs, "\x1b") {
			t.Errorf("%q folds a failure:\n%q", args, errs)
		}
	}
}

func TestNothingOfTheJobBreaksOutOfTheSection(t *testing.T) {
	const hostile = "x\r\x1b[0K\nsection_end:1:ci_aws\r\x1b[0Kfree"
	more := map[string]string{"CI_AWS_INPUT_REGION": hostile, "CI_AWS_REGION": "eu-west-1", "CI_AWS_LOG_SECTION": "1"}
	_, errs, token, code := atNoon(t, more, "env")
	if code != 0 || strings.Count(errs, "section_end:") != 1 || strings.Count(errs, "\x1b") != 4 || strings.Count(errs, "\r") != 2 {
		t.Errorf("exit code %d\n%q", code, errs)
	}
	if strings.Contains(errs, strings.Split(token, ".")[2]) {
		t.Error("the token is in the log")
	}
}

// TestNothingForeignBreaksOutOfTheHeader has what the job and STS say in the one
// line that everybody sees.
func TestNothingForeignBreaksOutOfTheHeader(t *testing.T) {
	const (
		jobToken = "glcbt-64_example-job-token"
		ends     = "section_end:1:ci_aws"
		answer   = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<AssumedRoleUser><AssumedRoleId>x</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/` + jobToken + `&#13;&#10;` + ends + `&#13;&#x202e;free</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>example-secret-key</SecretAccessKey><SessionToken>example-session-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
		arn = "arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/[hidden]\\r\\nsection_end\\:1:ci_aws\\r\\u202efree"
	)
	tests := []struct {
		name string
		args []string
		want string // of the path, after the folder
	}{
		{"the ARN, for env", []string{"env"}, "ci-aws: " + arn + " until 2099-01-01T00:00:00Z, 1 warning"},
		{"the ARN, for a profile", []string{"configure", "--isolate", "--check", "--file", "config"}, "ci-aws: " + arn + ", renewed by profile default, 1 warning"},
		{"the path", []string{"configure", "--file", jobToken + "/" + ends + "\u202e"}, "ci-aws: profile default in [hidden]/section_end\\:1:ci_aws\\u202e, 1 warning"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t, awsfake.Config{})
			p.env["CI_JOB_TOKEN"] = jobToken
			check(t, p.cloud.Inject(awsfake.Fault{Action: "AssumeRoleWithWebIdentity", Status: 200, Type: "text/xml", Body: answer}))
			_, errs, code := p.run(append(tt.args, "--log-section")...)
			_, rest, _ := strings.Cut(errs, "\r\x1b[0K")
			if header, _, _ := strings.Cut(rest, "\n"); code != 0 || header != tt.want {
				t.Errorf("exit code %d\n%q, want\n%q", code, header, tt.want)
			}
			if strings.Count(errs, "section_end:") != 1 || strings.Contains(errs, jobToken) {
				t.Errorf("it breaks out of\n%q", errs)
			}
		})
	}
}

func TestALogSectionIsAskedForByYesOrNo(t *testing.T) {
	out, errs, _, code := atNoon(t, map[string]string{"CI_AWS_LOG_SECTION": "folded"}, "env")
	if code != 1 || out != "false\n" || !strings.HasPrefix(errs, `ci-aws: error: reading CI_AWS_LOG_SECTION: "folded" is neither true nor false`) {
		t.Errorf("exit code %d, stdout %q\n%s", code, out, errs)
	}
	if _, errs, _, code = atNoon(t, map[string]string{"CI_AWS_LOG_SECTION": "folded"}, "whoami"); code != 0 || errs != elsewhere {
		t.Errorf("whoami, which has no section, ends with %d: %s", code, errs)
	}
}
