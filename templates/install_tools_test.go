package templates_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// bring puts a tool into the image of a job: "busybox" without its links, "busybox wget" as a link of its.
func (j *job) bring(t *testing.T, tool string) {
	t.Helper()
	program, applet, _ := strings.Cut(tool, " ")
	name := program
	if applet != "" {
		name = applet
	}
	j.link(t, name, parts.Program(t, program))
}

func TestInstallWorksWithAnyDownloaderAndAnySumTool(t *testing.T) {
	tests := []struct {
		name  string
		tools []string
		want  result
	}{
		{"curl, sha256sum", []string{"curl", "sha256sum"}, result{0, home, ""}},
		{"curl, shasum", []string{"curl", "shasum", "perl"}, result{0, home, ""}},
		{"curl, openssl", []string{"curl", "openssl"}, result{0, home, ""}},
		{"curl, busybox", []string{"curl", "busybox sha256sum"}, result{0, home, ""}},
		{"GNU wget", []string{"wget", "sha256sum"}, result{0, home, ""}},
		{"busybox wget", []string{"busybox wget", "sha256sum"}, result{0, home, ""}},
		{"busybox without its links", []string{"busybox"}, result{0, home, ""}},
		{"no downloader", []string{"sha256sum"}, failed("error: fetching ci-aws 1.2.3: neither curl nor wget is in PATH", "hint: use an image that has curl or wget, or has ci-aws 1.2.3 in PATH")},
		{"no sum tool", []string{"curl"}, failed("error: checking the sha256 of ci-aws 1.2.3: no sha256sum, shasum or openssl that works is in PATH", "hint: use an image that has one of them, or has ci-aws 1.2.3 in PATH")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, nil)
				n.replies = map[string][]reply{n.proxy.URL + "/ci-aws-linux-amd64": {{status: 200, body: released}}}
				j := newJob(t, shell, nil)
				j.env["CI_AWS_BINARY_URL"] = n.proxy.URL
				for _, tool := range tt.tools {
					j.bring(t, tool)
				}
				got := fetch(t, j, n)
				if diff := cmp.Diff(tt.want, got.Result); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if tt.want.Code == 0 {
					if diff := cmp.Diff(installed, got.Files); diff != "" {
						t.Errorf("files (-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}

// TestInstallWithASumToolThatFailsTakesTheNext has a sha256sum that is broken.
func TestInstallWithASumToolThatFailsTakesTheNext(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
		j := newJob(t, shell, n, "curl", "openssl")
		j.program(t, "sha256sum", "echo abc; exit 1")
		if diff := cmp.Diff(result{0, home, ""}, j.install(t, "")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestInstallByWgetJudgesAsByCurl(t *testing.T) {
	const at = "/ci-aws-linux-amd64"
	good := reply{status: 200, body: released}
	release := "hint: look whether ci-aws-linux-amd64 of version 1.2.3 is there and open to this job without credentials"
	again := "hint: run the job again when HOST has recovered"
	short := released[:20]
	tests := []struct {
		name    string
		replies map[string][]reply
		want    result
		slept   string
	}{
		{"500, then 200", map[string][]reply{at: {{status: 500}, good}}, result{0, home, retried("http://HOST"+at, "HTTP 500")}, "1 "},
		{"a broken connection, then 200", map[string][]reply{at: {{status: 200, body: released, cut: true}, good}}, result{0, home, retried("http://HOST"+at, "WORDS")}, "1 "},
		{"503 for ever", map[string][]reply{at: {{status: 503}}}, after(retried("http://HOST"+at, "HTTP 503", "HTTP 503"), failed("error: fetching http://HOST"+at+": HTTP 503, 3 times", again, instead)), "1 2 "},
		{"401", map[string][]reply{at: {{status: 401}}}, failed("error: fetching http://HOST"+at+": HTTP 401", release, instead), ""},
		{"403", map[string][]reply{at: {{status: 403}}}, failed("error: fetching http://HOST"+at+": HTTP 403", release, instead), ""},
		{"404", map[string][]reply{at: {{status: 404}}}, failed("error: fetching http://HOST"+at+": HTTP 404", release, instead), ""},
		{"a redirect", map[string][]reply{at: {{status: 302, location: "/b"}}, "/b": {good}}, result{0, home, ""}, ""},
		{"a redirect to what is not there", map[string][]reply{at: {{status: 302, location: "http://me:pl4nted@HOST/b?sig=pl4nted"}}}, failed("error: fetching http://HOST"+at+", redirected to http://HOST/b: HTTP 404", release, instead), ""},
		{"a redirect without end", map[string][]reply{at: {{status: 302, location: at}}}, failed("error: fetching http://HOST"+at+": more than 5 redirects", instead), ""},
		{"another file", map[string][]reply{at: {{status: 200, body: short, unknown: true}}}, failed(
			"error: fetching http://HOST"+at+": sha256 is "+sumOf(short)+", want "+sumOf(released), lookAtPage, "hint: put the file of the release there, or "+instead[6:]), ""},
	}
	for _, wget := range []string{"wget", "busybox wget"} {
		for _, tt := range tests {
			t.Run(wget+" "+tt.name, func(t *testing.T) {
				inEveryShell(t, func(t *testing.T, shell []string) {
					n := newInternet(t, nil)
					n.replies = map[string][]reply{}
					host := strings.TrimPrefix(n.proxy.URL, "http://")
					for path, list := range tt.replies {
						list = slices.Clone(list)
						for i := range list {
							list[i].location = strings.Replace(list[i].location, "HOST", host, 1)
						}
						n.replies[n.proxy.URL+path] = list
					}
					j := newJob(t, shell, nil, "sha256sum")
					j.bring(t, wget)
					j.env["CI_AWS_BINARY_URL"] = n.proxy.URL
					got := fetch(t, j, n)
					got.Result.Stderr = wordsOfATool.ReplaceAllString(strings.ReplaceAll(got.Result.Stderr, host, "HOST"), "${1}WORDS$2")
					if diff := cmp.Diff(tt.want, got.Result); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
					if got.Slept != tt.slept {
						t.Errorf("slept %q, want %q", got.Slept, tt.slept)
					}
					if tt.want.Code != 0 && got.Files != nil {
						t.Errorf("left %v", got.Files)
					}
				})
			})
		}
	}
}

// TestInstallByWgetIsAnonymous has a .netrc that holds the token, as some images make one.
func TestInstallByWgetIsAnonymous(t *testing.T) {
	for _, wget := range []string{"wget", "busybox wget"} {
		t.Run(wget, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, nil)
				j := newJob(t, shell, nil, "sha256sum")
				j.bring(t, wget)
				j.env["CI_API_V4_URL"] = n.proxy.URL + "/api/v4"
				netrc := "machine 127.0.0.1 login gitlab-ci-token password " + jobToken + "\n"
				if err := os.WriteFile(filepath.Join(j.dir, ".netrc"), []byte(netrc), 0o600); err != nil {
					t.Fatal(err)
				}
				want := []request{{n.proxy.URL + strings.TrimPrefix(registry, "https://gitlab.example.com"), ""}}
				n.replies = map[string][]reply{want[0].URL: {{status: 401}}}
				if diff := cmp.Diff(want, fetch(t, j, n).Asked); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestInstallTrustsTheCAOfTheRunnerForGitLabOnly(t *testing.T) {
	const at = "/ci-aws-linux-amd64"
	for _, tool := range []string{"curl", "wget"} {
		t.Run(tool, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, nil)
				host, port, _ := strings.Cut(strings.TrimPrefix(n.tls.URL, "https://"), ":")
				n.replies = map[string][]reply{n.tls.URL + at: {{status: 200, body: released}}}
				j := newJob(t, shell, nil, tool, "sha256sum")
				j.env["CI_AWS_BINARY_URL"], j.env["CI_SERVER_TLS_CA_FILE"] = n.tls.URL, n.ca
				got := j.install(t, "")
				if got.Code != 1 || !strings.Contains(got.Stderr, "ertificate") || !strings.Contains(got.Stderr, "use an image with the CA certificates that "+host+":"+port+" needs") {
					t.Errorf("as any host: %+v", got)
				}
				j.env["CI_SERVER_HOST"], j.env["CI_SERVER_PORT"] = host, port
				if diff := cmp.Diff(result{0, home, ""}, j.install(t, "")); diff != "" {
					t.Errorf("as GitLab (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestInstallNamesTheNetworksWords(t *testing.T) {
	tests := []struct{ tool, words string }{
		{"curl", "curl: (7) Failed to connect to 127.0.0.1 port 1"},
		{"wget", "Connecting to 127.0.0.1:1... failed: Connection refused."},
		{"busybox wget", "wget: can't connect to remote host (127.0.0.1): Connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.tool, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				j := newJob(t, shell, nil, "sha256sum")
				j.bring(t, tt.tool)
				j.env["CI_AWS_BINARY_URL"] = "http://me:pl4nted@127.0.0.1:1"
				got := j.install(t, "")
				lines := strings.Split(got.Stderr, "\n")
				for i, line := range lines[:2] {
					if !strings.HasPrefix(line, "ci-aws: fetching http://127.0.0.1:1/ci-aws-linux-amd64: "+tt.words) || !strings.HasSuffix(line, fmt.Sprintf(": try %d of 3", i+2)) {
						t.Error(line)
					}
				}
				lines = lines[2:]
				if !strings.HasPrefix(lines[0], "ci-aws: error: fetching http://127.0.0.1:1/ci-aws-linux-amd64: "+tt.words) || !strings.HasSuffix(lines[0], ", 3 times") {
					t.Error(lines[0])
				}
				want := []string{"ci-aws: hint: look at the way from this runner to 127.0.0.1:1: DNS, firewall, https_proxy and no_proxy", "ci-aws: " + instead, ""}
				if diff := cmp.Diff(want, lines[1:]); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestInstallShowsOnlyCleanWordsOfADownloader has a curl that fails in ways that a test cannot cause.
func TestInstallShowsOnlyCleanWordsOfADownloader(t *testing.T) {
	network := "hint: look at the way from this runner to gitlab.example.com: DNS, firewall, https_proxy and no_proxy"
	tests := []struct {
		name, curl string
		want       result
		slept      string
	}{
		{
			"a full disk, which no other try empties", "echo 'curl: (23) Failure writing output to destination' >&2; exit 23",
			failed("error: fetching "+registry+": curl: (23) Failure writing output to destination",
				"hint: look whether the disk that holds DIR/tmp is full, or set CI_AWS_INSTALL_DIR to another folder", instead), "",
		},
		{
			"a proxy's password", "echo 'curl: (5) Could not resolve proxy: http://me:pl4nted@proxy' >&2; exit 5",
			after(retried(registry, "curl exits 5", "curl exits 5"), failed("error: fetching "+registry+": curl exits 5, 3 times", network, instead)), "1 2 ",
		},
		{
			"a log section", `printf 'curl: (8) \033[0Ksection_start:0:x\r' >&2; exit 8`,
			after(retried(registry, "curl exits 8", "curl exits 8"), failed("error: fetching "+registry+": curl exits 8, 3 times", network, instead)), "1 2 ",
		},
		{"nothing", "exit 99", after(retried(registry, "curl exits 99", "curl exits 99"), failed("error: fetching "+registry+": curl exits 99, 3 times", network, instead)), "1 2 "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, nil)
				j := newJob(t, shell, n, "sha256sum")
				j.program(t, "curl", tt.curl)
				if diff := cmp.Diff(fetching{Result: tt.want, Slept: tt.slept}, fetch(t, j, n)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
