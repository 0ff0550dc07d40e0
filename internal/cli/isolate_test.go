package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// shell gives the pod a shell with the program and sdkprobe, any user's tool, in
// PATH.
func shell(t *testing.T, p *place) func(script string) (out, errs string) {
	t.Helper()
	p.entered(mustExecutable(t))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", p.root, "../../testpipelines/sdkprobe")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p.env["PATH"] = p.root + ":" + p.env["PATH"]
	return func(script string) (string, string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
		cmd.Dir = p.root
		for name, value := range p.env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		var o, e strings.Builder
		cmd.Stdout, cmd.Stderr = &o, &e
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v\n%s%s", script, err, o.String(), e.String())
		}
		return o.String(), e.String()
	}
}

const isolated = `ci_aws_env=$(ci-aws configure --isolate --check) || exit $?
eval "$ci_aws_env"
`

// sdkIdentity is what sdkprobe says in its last line.
type sdkIdentity struct{ ARN, Account, Source string }

func callerOf(t *testing.T, out string) sdkIdentity {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var c sdkIdentity
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &c); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	c.ARN, _, _ = strings.Cut(c.ARN, "/group-project-")
	c.Source, _, _ = strings.Cut(c.Source, ":")
	return c
}

// TestAnIsolatedProfileOutranksThePodsRole: in a pod whose webhook names another
// role, a program with the SDK gets the chained one, in the shell that took the
// lines and in one that is started later with them.
func TestAnIsolatedProfileOutranksThePodsRole(t *testing.T) {
	chained := sdkIdentity{"arn:aws:sts::123456789012:assumed-role/deploy", awsfake.Account, "ProcessProvider"}
	tests := []struct {
		name string
		edit func(*place)
		want sdkIdentity
	}{
		{"IRSA, and a chained role", func(p *place) { p.env["CI_AWS_CHAIN_ROLE_ARN"] = awsfake.DeployRole }, chained},
		{"static keys, a profile, and a chained role", func(p *place) {
			p.env["CI_AWS_CHAIN_ROLE_ARN"] = awsfake.DeployRole
			p.env["AWS_ACCESS_KEY_ID"], p.env["AWS_SECRET_ACCESS_KEY"], p.env["AWS_PROFILE"] = "AKIAEXAMPLE", "example-secret-key", "leftover"
		}, chained},
		{
			"a GitLab ID token", func(p *place) {
				token, err := p.cloud.GitLab().MintJob(awsfake.JobToken{})
				check(p.t, err)
				p.env["JOB_TOKEN"], p.env["CI_AWS_ID_TOKEN_ENV"], p.env["CI_AWS_ROLE_ARN"] = token, "JOB_TOKEN", awsfake.GitLabRole
			},
			sdkIdentity{strings.Replace(strings.Replace(awsfake.GitLabRole, "iam", "sts", 1), ":role/", ":assumed-role/", 1), awsfake.Account, "ProcessProvider"},
		},
		{"EKS Pod Identity, and a chained role", func(p *place) {
			p.podIdentity(awsfake.PodToken{})
			p.env["CI_AWS_CHAIN_ROLE_ARN"] = awsfake.DeployRole
		}, chained},
		{"IRSA asked for beside an ID token's variable", func(p *place) {
			p.env["CI_AWS_SOURCE"], p.env["CI_AWS_ID_TOKEN_ENV"], p.env["CI_AWS_CHAIN_ROLE_ARN"] = "irsa", "JOB_TOKEN", awsfake.DeployRole
		}, chained},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, awsfake.Config{})
			tt.edit(p)
			run := shell(t, p)
			p.env["AWS_CONFIG_FILE"] = filepath.Join(p.root, "aws", "config")
			out, _ := run(isolated + `printf '%s\n' "$ci_aws_env" >later; sdkprobe whoami`)
			if diff := cmp.Diff(tt.want, callerOf(t, out)); diff != "" {
				t.Errorf("in the shell: %s", diff)
			}
			out, _ = run(". ./later; sdkprobe whoami")
			if diff := cmp.Diff(tt.want, callerOf(t, out)); diff != "" {
				t.Errorf("in a later one: %s", diff)
			}
			// A setting that has gone since does not change whose credentials they are.
			out, _ = run(". ./later; unset CI_AWS_CHAIN_ROLE_ARN CI_AWS_ROLE_ARN CI_AWS_SOURCE; sdkprobe whoami")
			if diff := cmp.Diff(tt.want, callerOf(t, out)); diff != "" {
				t.Errorf("in one without the settings: %s", diff)
			}
		})
	}
}

// TestWithoutIsolationThePodsRoleIsUsed is why there is an --isolate.
func TestWithoutIsolationThePodsRoleIsUsed(t *testing.T) {
	p := newPlace(t, awsfake.Config{})
	p.env["CI_AWS_CHAIN_ROLE_ARN"] = awsfake.DeployRole
	out, errs := shell(t, p)(`ci-aws configure >&2; sdkprobe whoami`)
	want := sdkIdentity{"arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs", awsfake.Account, "WebIdentityCredentials"}
	got := callerOf(t, out)
	got.ARN = got.ARN[:min(len(got.ARN), len(want.ARN))] // the SDK names the session
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(errs, "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS tools put it before any profile") {
		t.Errorf("no warning in\n%s", errs)
	}
}

func TestTwiceInOneShellIsOnce(t *testing.T) {
	p := newPlace(t, awsfake.Config{})
	p.started(nil)
	p.env["CI_AWS_CHAIN_ROLE_ARN"] = awsfake.DeployRole
	p.file("home/.aws/config", "[default]\nregion = us-east-1\n\n[profile x]\nrole_arn = y\nsource_profile = default\n")
	p.env["AWS_CONFIG_FILE"] = filepath.Join(p.root, "aws", "config")
	out, errs := shell(t, p)(isolated + `cp aws/config first; echo '[profile later]' >>aws/config; cp aws/config before
` + isolated + `cmp aws/config before; cp first aws/config
` + isolated + `cmp aws/config first; sdkprobe whoami`)
	if got := callerOf(t, out).ARN; got != "arn:aws:sts::123456789012:assumed-role/deploy" {
		t.Errorf("the caller is %s\n%s", got, errs)
	}
}

func TestTheCopyKeepsOtherProfiles(t *testing.T) {
	const others = "# mine\n[profile x]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = default\n"
	tests := []struct {
		name    string
		prepare func(*place, string) // the path is ~/.aws/config
		kept    string
		warning string
	}{
		{"its own default goes", func(p *place, _ string) {
			p.file("home/.aws/config", others+"\n[default]\nrole_arn = y\nregion = us-east-1\n")
		}, others + "\n", ""},
		{"nothing to keep", func(*place, string) {}, "", ""},
		{"no HOME", func(p *place, _ string) { p.env["HOME"] = "" }, "", ""},
		{"a pipe that nobody writes", func(p *place, path string) { check(p.t, syscall.Mkfifo(path, 0o600)) }, "", "it is not a regular file"},
		{"a huge file", func(p *place, path string) { p.file("home/.aws/config", ""); check(p.t, os.Truncate(path, 1<<30)) }, "", "it has 1073741824 bytes: that is no AWS config file"},
		{"a folder in its place", func(p *place, path string) { check(p.t, os.Mkdir(path, 0o700)) }, "", "it is not a regular file"},
		{"one that leads round in a ring", func(p *place, path string) { check(p.t, os.Symlink("config", path)) }, "", "too many levels of symbolic links"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t, awsfake.Config{})
			p.env["CI_AWS_ROLE_ARN"] = awsfake.DeployRole
			path := filepath.Join(p.root, "home", ".aws", "config")
			check(t, os.MkdirAll(filepath.Dir(path), 0o700))
			tt.prepare(p, path)
			target := filepath.Join(p.root, "aws it's", "config")
			p.env["AWS_CONFIG_FILE"] = target
			out, errs, code := p.run("configure", "--isolate")
			if code != 0 || tt.warning == "" && errs != "" || !strings.Contains(errs, tt.warning) {
				t.Errorf("exit code %d\n%s", code, errs)
			}
			text, err := os.ReadFile(target)
			check(t, err)
			want := tt.kept + "[default]\n# written by ci-aws configure; ci-aws configure --remove takes this section out\ncredential_process = " +
				mustExecutable(t) + " credential-process --role-arn=" + awsfake.DeployRole + " --source=irsa --token-file=" +
				p.env["AWS_WEB_IDENTITY_TOKEN_FILE"] + " --region=eu-central-1\nregion = eu-central-1\n"
			if diff := cmp.Diff(want, string(text)); diff != "" {
				t.Error(diff)
			}
			for path, mode := range map[string]os.FileMode{target: 0o600, filepath.Dir(target): 0o700} {
				info, err := os.Stat(path)
				check(t, err)
				if got := info.Mode().Perm(); got != mode {
					t.Errorf("%s has mode %o, want %o", path, got, mode)
				}
			}
			lines := "export AWS_CONFIG_FILE='" + strings.ReplaceAll(target, "'", `'\''`) + "'\n" + `export AWS_REGION='eu-central-1'
export AWS_DEFAULT_REGION='eu-central-1'
unset AWS_ACCESS_KEY_ID
unset AWS_SECRET_ACCESS_KEY
unset AWS_SESSION_TOKEN
unset AWS_CREDENTIAL_EXPIRATION
unset AWS_ACCESS_KEY
unset AWS_SECRET_KEY
unset AWS_WEB_IDENTITY_TOKEN_FILE
unset AWS_ROLE_ARN
unset AWS_ROLE_SESSION_NAME
unset AWS_PROFILE
unset AWS_DEFAULT_PROFILE
`
			if diff := cmp.Diff(lines, out); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProfilesThatCannotBeReadAreSaidToBeLost(t *testing.T) {
	p := newPlace(t, awsfake.Config{})
	theirs := p.file("home/.aws/config", "[profile x]\n")
	p.env["AWS_CONFIG_FILE"] = filepath.Join(p.root, "own", "aws", "config")
	check(t, os.Mkdir(filepath.Join(p.root, "own"), 0o755)) //nolint:gosec // another user works in it
	if os.Getuid() == 0 {
		p.uid = 1000
		check(t, os.Chmod(theirs, 0o600))
		check(t, os.Chown(filepath.Join(p.root, "own"), p.uid, p.uid))
	} else {
		check(t, os.Chmod(theirs, 0))
	}
	_, errs, code := p.run("configure", "--isolate")
	if want := "ci-aws: warning: the profiles of \"" + theirs + "\" are not kept: permission denied\n"; errs != want || code != 0 {
		t.Errorf("exit code %d\n%swant\n%s", code, errs, want)
	}
	if text, err := os.ReadFile(p.env["AWS_CONFIG_FILE"]); err != nil || !strings.HasPrefix(string(text), "[default]\n") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestWhatALineCannotCarryIsRefused: the lines are for eval, and for $GITLAB_ENV,
// in which a line break begins another variable.
func TestWhatALineCannotCarryIsRefused(t *testing.T) {
	tests := []struct {
		name, variable, value string
		args                  []string
		want                  string
	}{
		{"a line break in AWS_CONFIG_FILE", "AWS_CONFIG_FILE", "a\nLD_PRELOAD=b", nil, `reading AWS_CONFIG_FILE: "a\nLD_PRELOAD=b" holds a line break or another control character`},
		{"a carriage return in AWS_CONFIG_FILE", "AWS_CONFIG_FILE", "a\r", nil, `reading AWS_CONFIG_FILE: "a\r" holds a line break or another control character`},
		{"an escape in AWS_CONFIG_FILE", "AWS_CONFIG_FILE", "\x1b[0K", nil, `reading AWS_CONFIG_FILE: "\x1b[0K" holds a line break or another control character`},
		{"a separator of lines in AWS_CONFIG_FILE", "AWS_CONFIG_FILE", "a\u2028b", nil, `reading AWS_CONFIG_FILE: "a\u2028b" holds a line break or another control character`},
		{"a line break in HOME", "HOME", "/a\nb", nil, `reading HOME: "/a\nb" holds a line break or another control character`},
		{"a tab in --file", "", "", []string{"--file", "a\tb"}, `reading --file: "a\tb" holds a line break or another control character`},
		{"a line break in the region", "CI_AWS_REGION", "eu\nwest", nil, `finding the region: the region "eu\nwest" (CI_AWS_REGION) is not the name of a region`},
		{"a line break in AWS_REGION", "AWS_REGION", "eu\nwest", nil, `finding the region: the region "eu\nwest" (AWS_REGION) is not the name of a region`},
		{"a line break in the profile", "", "", []string{"--profile", "a\nb"}, `reading --profile: profile name "a\nb": want 1 to 64 letters, digits and _.-`},
	}
	for _, tt := range tests {
		for _, isolate := range []string{"--isolate", "--check"} {
			t.Run(tt.name+" with "+isolate, func(t *testing.T) {
				p := newPlace(t, awsfake.Config{})
				if tt.variable != "" {
					p.env[tt.variable] = tt.value
				}
				out, errs, code := p.run(append([]string{"configure", isolate}, tt.args...)...)
				if first, _, _ := strings.Cut(errs, "\n"); out != "" || code == 0 || first != "ci-aws: error: "+tt.want {
					t.Errorf("exit code %d\n%s%swant\n%s", code, out, errs, tt.want)
				}
			})
		}
	}
}

func TestAWorkingDirectoryThatALineCannotCarryIsRefused(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a\nb")
	check(t, os.Mkdir(dir, 0o700))
	t.Chdir(dir)
	out, errs, _, code := atNoon(t, nil, "configure", "--isolate", "--file", "config")
	want := "ci-aws: error: writing the profile: the working directory \"" + root + `/a\nb" holds a line break or another control character
ci-aws: hint: let AWS_CONFIG_FILE or --file name the file by its whole path
`
	if out != "" || code != 1 || errs != want {
		t.Errorf("exit code %d\n%s%swant\n%s", code, out, errs, want)
	}
}

func mustExecutable(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	return self
}
