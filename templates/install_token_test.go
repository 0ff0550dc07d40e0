package templates_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// tokenJob is a job whose curl tells in dir/argv how it was called.
func tokenJob(t *testing.T, shell []string, n *internet) *job {
	t.Helper()
	j := newJob(t, shell, n, "sha256sum")
	j.program(t, "curl", `printf '%s\n' "$*" >>`+j.dir+`/argv; exec `+parts.Program(t, "curl")+` "$@"`)
	return j
}

func TestInstallSendsTheJobTokenOnlyAfterARefusal(t *testing.T) {
	good := reply{status: 200, body: released}
	release := "hint: look whether ci-aws-linux-amd64 of version 1.2.3 is there and open to this job without credentials"
	mirror := "https://gitlab.example.com/mirror/ci-aws-linux-amd64"
	tests := []struct {
		name      string
		binaryURL string
		replies   map[string][]reply
		want      fetching
	}{
		{"401", "", map[string][]reply{registry: {{status: 401}, good}}, fetching{result{0, home, ""}, []request{{registry, ""}, {registry, basic}}, "", installed}},
		{"403", "", map[string][]reply{registry: {{status: 403}, good}}, fetching{result{0, home, ""}, []request{{registry, ""}, {registry, basic}}, "", installed}},
		{"404", "", map[string][]reply{registry: {{status: 404}, good}}, fetching{result{0, home, ""}, []request{{registry, ""}, {registry, basic}}, "", installed}},
		{
			"a redirect is followed without it", "",
			map[string][]reply{registry: {{status: 404}, {status: 302, location: objects}}, objects: {good}},
			fetching{result{0, home, ""}, []request{{registry, ""}, {registry, basic}, {objects, ""}}, "", installed},
		},
		{
			"a redirect to GitLab too", "",
			map[string][]reply{registry: {{status: 404}, {status: 302, location: mirror}}, mirror: {good}},
			fetching{result{0, home, ""}, []request{{registry, ""}, {registry, basic}, {mirror, ""}}, "", installed},
		},
		{
			"a server that is ill in between", "",
			map[string][]reply{registry: {{status: 404}, {status: 502}, good}},
			fetching{result{0, home, retried(registry, "HTTP 502")}, []request{{registry, ""}, {registry, basic}, {registry, basic}}, "1 ", installed},
		},
		{
			"404 to everybody", "",
			map[string][]reply{registry: {{status: 404}}},
			fetching{failed("error: fetching "+registry+": HTTP 404 without a token, HTTP 404 with the job token", elsewhere, letIn, instead), []request{{registry, ""}, {registry, basic}}, "", nil},
		},
		{
			"a project that this one may not use", "",
			map[string][]reply{registry: {{status: 401}, {status: 403}}},
			fetching{failed("error: fetching "+registry+": HTTP 401 without a token, HTTP 403 with the job token", elsewhere, letIn, instead), []request{{registry, ""}, {registry, basic}}, "", nil},
		},
		{
			"binary-url on this GitLab", "https://gitlab.example.com:443/mirror/",
			map[string][]reply{mirror: {{status: 403}}},
			fetching{
				failed("error: fetching https://gitlab.example.com:443/mirror/ci-aws-linux-amd64: HTTP 403 without a token, HTTP 403 with the job token", release, letIn, instead),
				[]request{{mirror, ""}, {mirror, basic}},
				"", nil,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, tt.replies)
				j := tokenJob(t, shell, n)
				j.env["CI_AWS_BINARY_URL"] = tt.binaryURL
				got := fetch(t, j, n)
				for i, r := range got.Asked {
					got.Asked[i].URL = strings.Replace(r.URL, ":443/", "/", 1)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if argv := j.file("argv"); argv == "" || strings.Contains(argv, jobToken) {
					t.Errorf("curl was called so: %s", argv)
				}
			})
		})
	}
}

func TestInstallNeverSendsTheJobTokenElsewhere(t *testing.T) {
	const evil = "https://evil.example/"
	refused := []reply{{status: 403}}
	tests := []struct {
		name, binaryURL string
		env             map[string]string
		asked           []string
	}{
		{"a host that begins so", "https://gitlab.example.com.evil", nil, []string{"https://gitlab.example.com.evil/ci-aws-linux-amd64"}},
		{"GitLab's name as a user", "https://gitlab.example.com@evil.example", nil, []string{evil + "ci-aws-linux-amd64"}},
		{"GitLab's name and port as user and password", "https://gitlab.example.com:443@evil.example", nil, []string{evil + "ci-aws-linux-amd64"}},
		{"a user at GitLab", "https://user@gitlab.example.com", nil, []string{"https://gitlab.example.com/ci-aws-linux-amd64"}},
		{"GitLab's address as a path", evil + "https://gitlab.example.com", nil, []string{evil + "https://gitlab.example.com/ci-aws-linux-amd64"}},
		{"GitLab's address as a query", evil + "?https://gitlab.example.com/", nil, []string{evil + "ci-aws-linux-amd64?https://gitlab.example.com/"}},
		{"another port", "https://gitlab.example.com:8443", nil, []string{"https://gitlab.example.com:8443/ci-aws-linux-amd64"}},
		{"the common port, where GitLab has another", "https://gitlab.example.com", map[string]string{"CI_SERVER_PORT": "8443"}, []string{"https://gitlab.example.com/ci-aws-linux-amd64"}},
		{"http", "http://gitlab.example.com", nil, []string{"http://gitlab.example.com/ci-aws-linux-amd64"}},
		{"http on the port of https", "http://gitlab.example.com:443", nil, []string{"http://gitlab.example.com:443/ci-aws-linux-amd64"}},
		{"a GitLab without https", "", map[string]string{"CI_SERVER_PROTOCOL": "http", "CI_SERVER_PORT": "80", "CI_API_V4_URL": "http://gitlab.example.com/api/v4"}, []string{"http" + strings.TrimPrefix(registry, "https")}},
		{"a GitLab without https, at the same host and port", "https://gitlab.example.com", map[string]string{"CI_SERVER_PROTOCOL": "http"}, []string{"https://gitlab.example.com/ci-aws-linux-amd64"}},
		{"http, as GitLab itself has it", "http://gitlab.example.com:8080", map[string]string{"CI_SERVER_PROTOCOL": "http", "CI_SERVER_PORT": "8080"}, []string{"http://gitlab.example.com:8080/ci-aws-linux-amd64"}},
		{"a GitLab that is not known", "", map[string]string{"CI_SERVER_HOST": "", "CI_SERVER_PORT": ""}, []string{registry}},
		{"a host that is a pattern", "", map[string]string{"CI_SERVER_HOST": "*"}, []string{registry}},
		{"a token with a line of curl's config", "", map[string]string{"CI_JOB_TOKEN": "a\"\noutput = \"ran"}, []string{registry}},
		{"a backslash", `https://evil.example\@gitlab.example.com`, nil, nil},
		{"a fragment", "https://evil.example#@gitlab.example.com/", nil, nil},
		{"a space", "https://gitlab.example.com --output ran", nil, nil},
		{"a line break", "https://gitlab.example.com/\nhttps://evil.example", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				replies := map[string][]reply{}
				for _, url := range tt.asked {
					replies[url] = refused
				}
				n := newInternet(t, replies)
				j := tokenJob(t, shell, n)
				j.env["CI_AWS_BINARY_URL"] = tt.binaryURL
				maps.Copy(j.env, tt.env)
				got := fetch(t, j, n)
				var asked []string
				for _, r := range got.Asked {
					asked = append(asked, strings.Replace(r.URL, "https://gitlab.example.com:443", "https://gitlab.example.com", 1))
					// curl itself makes Basic of user@host.
					if r.Auth != "" && (r.Auth == basic || !strings.Contains(tt.binaryURL, "@")) {
						t.Errorf("%s got %s", r.URL, r.Auth)
					}
				}
				if diff := cmp.Diff(tt.asked, asked); diff != "" || got.Result.Code != 1 || j.file("ran") != "" {
					t.Errorf("exit code %d, requests (-want +got):\n%s", got.Result.Code, diff)
				}
				if strings.Contains(got.Result.Stderr+j.file("argv"), jobToken) {
					t.Error("the token shows")
				}
			})
		})
	}
}

// TestInstallReadsNoConfigurationOfCurl has a .curlrc that gives the token to every host there is.
func TestInstallReadsNoConfigurationOfCurl(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 404}, {status: 302, location: objects}}, objects: {{status: 200, body: released}}})
		j := tokenJob(t, shell, n)
		if err := os.WriteFile(filepath.Join(j.dir, ".curlrc"), []byte("location-trusted\nheader = \"JOB-TOKEN: "+jobToken+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		want := fetching{result{0, home, ""}, []request{{registry, ""}, {registry, basic}, {objects, ""}}, "", installed}
		if diff := cmp.Diff(want, fetch(t, j, n)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestInstallSendsNoTokenThroughAProgram has a printf in PATH and none in the shell: its arguments are everybody's.
func TestInstallSendsNoTokenThroughAProgram(t *testing.T) {
	n := newInternet(t, map[string][]reply{registry: {{status: 404}}})
	j := tokenJob(t, jobShells["bash"], n)
	j.program(t, "printf", `echo "$*" >>`+j.dir+`/printed; exec `+parts.Program(t, "printf")+` "$@"`)
	got := j.sh(t, strict+"enable -n printf\n"+step(t))
	if printed := j.file("printed"); got.Code != 1 || len(n.requests) != 1 || printed == "" || strings.Contains(printed, jobToken) {
		t.Errorf("%+v, asked %v, printf had %s", got, n.requests, printed)
	}
}

func TestInstallShowsNoSecretOfAnAddress(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, nil)
		j := tokenJob(t, shell, n)
		j.env["CI_AWS_BINARY_URL"] = "https://me:pl4nted@files.example.com/dir?sig=pl4nted"
		want := failed("error: fetching https://files.example.com/dir/ci-aws-linux-amd64: HTTP 404",
			"hint: look whether ci-aws-linux-amd64 of version 1.2.3 is there and open to this job without credentials", instead)
		got := fetch(t, j, n)
		if diff := cmp.Diff(want, got.Result); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(got.Asked) != 1 || got.Asked[0].URL != "https://files.example.com/dir/ci-aws-linux-amd64?sig=pl4nted" {
			t.Errorf("asked %v", got.Asked)
		}
	})
}

// TestInstallTracesNoToken runs the step as a template does, with xtrace off, and as none may, with it on.
func TestInstallTracesNoToken(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 404}, {status: 200, body: released}}})
		j := tokenJob(t, shell, n)
		got := j.sh(t, "set -x\n"+step(t)+reportHome)
		if got.Code != 0 || got.Stdout != home {
			t.Errorf("%+v", got)
		}
		if strings.Contains(got.Stderr, jobToken) || strings.Contains(got.Stderr, "curl") {
			t.Errorf("the trace tells: %s", got.Stderr)
		}
		if !strings.Contains(got.Stderr, "printf") {
			t.Errorf("the trace of the job's own script is gone: %s", got.Stderr)
		}
	})
}
