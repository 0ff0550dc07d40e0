package templates_test

import (
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInstallBoundsEachTry(t *testing.T) {
	tests := []struct {
		name, tool, script string
		want               []string
	}{
		{"curl", "curl", "", []string{
			"--disable", "--silent", "--show-error", "--globoff", "--proto", "=http,https", "--connect-timeout", "20", "--max-time", "180",
			"--speed-limit", "1024", "--speed-time", "30", "--output", "DIR/tmp/ci-aws_1.2.3_4711_0/part", "--write-out", "%{http_code} %{redirect_url}", registry,
		}},
		{"GNU wget", "wget", "[ \"$1\" != --version ] || { echo 'GNU Wget 1.21.3'; exit; }", []string{"--no-config", "--tries=1", "--timeout=30", "--max-redirect=5", "-S", "-O", "DIR/tmp/ci-aws_1.2.3_4711_0/part", registry}},
		{"busybox wget", "wget", "case $1 in --version) exit 1 ;; --help) echo '[-T SEC]'; exit ;; esac", []string{"-T", "30", "-S", "-O", "DIR/tmp/ci-aws_1.2.3_4711_0/part", registry}},
		{"a busybox wget without timeout", "wget", "case $1 in --version|--help) exit 1 ;; esac", []string{"-S", "-O", "DIR/tmp/ci-aws_1.2.3_4711_0/part", registry}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				j := newJob(t, shell, nil, "sha256sum")
				j.program(t, tt.tool, tt.script+"\nprintf '%s\\n' \"$@\" >"+j.dir+"/argv; exit 1")
				if got := j.install(t, ""); got.Code != 1 {
					t.Errorf("%+v", got)
				}
				got := strings.Split(strings.TrimSpace(strings.ReplaceAll(j.file("argv"), j.dir, "DIR")), "\n")
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestInstallTellsAServerWithoutTLSFromACertificate asks by https what speaks http.
func TestInstallTellsAServerWithoutTLSFromACertificate(t *testing.T) {
	for _, tool := range []string{"curl", "wget"} {
		t.Run(tool, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, nil)
				host := strings.TrimPrefix(n.proxy.URL, "http://")
				j := newJob(t, shell, nil, tool, "sha256sum")
				j.env["CI_AWS_BINARY_URL"] = "https://" + host
				got := j.install(t, "")
				want := "\nci-aws: hint: look whether " + host + " answers https at that port, and look at https_proxy: this is not about CA certificates\n"
				if got.Code != 1 || !strings.Contains(got.Stderr, want) || strings.Contains(got.Stderr, "use an image with the CA") {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// TestInstallNamesTheWordsOfAWgetThatGotNothing has a server that hangs up.
func TestInstallNamesTheWordsOfAWgetThatGotNothing(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			closed(conn)
		}
	}()
	defer closed(listener)
	for name, shell := range jobShells {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, shell, nil, "wget", "sha256sum")
			j.env["CI_AWS_BINARY_URL"] = "http://" + listener.Addr().String()
			if got := j.install(t, ""); got.Code != 1 || !strings.Contains(got.Stderr, "/ci-aws-linux-amd64: No data received., 3 times\n") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestInstallTellsWhoHasWgetThatCurlCouldDoMore(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, nil)
		j := newJob(t, shell, n, "wget", "sha256sum")
		j.env["CI_SERVER_TLS_CA_FILE"] = n.ca
		want := fetching{Asked: []request{{registry, ""}}, Result: failed("error: fetching "+registry+": HTTP 404", elsewhere,
			"hint: or use an image with curl: the file may be private, and wget cannot send the job token unseen", instead)}
		if diff := cmp.Diff(want, fetch(t, j, n)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestInstallByWgetHonoursTheProxyInCapitals: wget itself reads the small names only.
func TestInstallByWgetHonoursTheProxyInCapitals(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
		j := newJob(t, shell, n, "wget", "sha256sum")
		j.env["CI_SERVER_TLS_CA_FILE"] = n.ca
		delete(j.env, "https_proxy")
		j.env["HTTPS_PROXY"] = n.proxy.URL
		if diff := cmp.Diff(fetching{result{0, home, ""}, []request{{registry, ""}}, "", installed}, fetch(t, j, n)); diff != "" {
			t.Errorf("HTTPS_PROXY (-want +got):\n%s", diff)
		}

		// Without the proxy there is no such host.
		n = newInternet(t, nil)
		j = newJob(t, shell, n, "wget", "sha256sum")
		j.env["CI_SERVER_TLS_CA_FILE"], j.env["NO_PROXY"] = n.ca, "gitlab.example.com"
		if got := fetch(t, j, n); got.Result.Code != 1 || got.Asked != nil {
			t.Errorf("NO_PROXY: %+v", got)
		}
	})
}
