package templates_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

const (
	released = "#!/bin/sh\necho ci-aws version 1.2.3\n"
	jobToken = "glcbt-64_pl4nted.JOB~token"
	registry = "https://gitlab.example.com/api/v4/projects/ci-aws%2Fci-aws/packages/generic/ci-aws/1.2.3/ci-aws-linux-amd64"
)

// jobShells are the shells in which GitLab may run a job, each as the start of a command line that ends in a script.
var jobShells = map[string][]string{"dash": {"dash", "-c"}, "ash": {"busybox", "ash", "-c"}, "bash": {"bash", "-c"}}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// installStep is install.sh as the template of release 1.2.3 holds it.
func installStep(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("src/install.sh")
	if err != nil {
		t.Fatal(err)
	}
	return render(string(text), "1.2.3", sumOf(released), sumOf("arm64"))
}

func render(text, version, amd64, arm64 string) string {
	return strings.NewReplacer("@VERSION@", version, "@SUM_LINUX_AMD64@", amd64, "@SUM_LINUX_ARM64@", arm64).Replace(text)
}

// A reply is what the internet answers; cut ends the connection before the body does, unknown tells no length.
type reply struct {
	status       int
	location     string
	body         string
	cut, unknown bool
}

// A request is what the internet was asked.
type request struct{ URL, Auth string }

// An internet is every host there is, reached by its proxy or, as 127.0.0.1, without.
type internet struct {
	replies map[string][]reply // by URL, one after another; the last stays
	ca      string             // the file with the certificate of each host
	proxy   *httptest.Server
	tls     *httptest.Server

	mu       sync.Mutex
	requests []request
}

func newInternet(t *testing.T, replies map[string][]reply) *internet {
	t.Helper()
	n := &internet{replies: maps.Clone(replies), ca: filepath.Join(t.TempDir(), "ca.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames:    []string{"gitlab.example.com", "gitlab.example.com.evil", "evil.example", "files.example.com"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	n.tls = httptest.NewUnstartedServer(n)
	n.tls.Config.ErrorLog = log.New(io.Discard, "", 0)                                                      // a client that trusts no certificate
	n.tls.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}} //nolint:gosec // a test's server
	n.tls.StartTLS()
	n.proxy = httptest.NewServer(n)
	t.Cleanup(n.tls.Close)
	t.Cleanup(n.proxy.Close)
	return n
}

func (n *internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		n.connect(w, r)
		return
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	url := scheme + r.Host + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		url += "?" + r.URL.RawQuery
	}
	n.mu.Lock()
	n.requests = append(n.requests, request{url, r.Header.Get("Authorization") + r.Header.Get("JOB-TOKEN")})
	next := reply{status: http.StatusNotFound}
	if list := n.replies[url]; len(list) > 0 {
		next = list[0]
		if len(list) > 1 {
			n.replies[url] = list[1:]
		}
	}
	n.mu.Unlock()
	if next.location != "" {
		w.Header().Set("Location", next.location)
	}
	if next.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
	}
	if next.cut {
		w.Header().Set("Content-Length", "1000000")
	}
	w.WriteHeader(next.status)
	if next.unknown {
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
	}
	fmt.Fprint(w, next.body)
}

// connect joins the client to the host that it wants: all hosts are one.
func (n *internet) connect(w http.ResponseWriter, r *http.Request) {
	host, err := new(net.Dialer).DialContext(r.Context(), "tcp", n.tls.Listener.Addr().String())
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer closed(host)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer closed(client)
	fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(host, buffered) // ends with the client
		closed(host)
	}()
	_, _ = io.Copy(client, host) // ends with the host
}

func closed(end io.Closer) { _ = end.Close() }

// A job is a job of GitLab on some image, just before the install step.
type job struct {
	dir  string   // what the image holds and the job writes
	path string   // the image's only folder of programs
	run  []string // what starts a script
	env  map[string]string
}

// newJob is a job of gitlab.example.com in which the step installs below dir/tmp. Time passes at once in it: sleep
// writes to dir/slept how long it would have been.
func newJob(t *testing.T, shell []string, n *internet, tools ...string) *job {
	t.Helper()
	j := &job{dir: t.TempDir(), run: append([]string{parts.Program(t, shell[0])}, shell[1:]...)}
	j.path = filepath.Join(j.dir, "bin")
	j.mkdir(t, "bin")
	j.mkdir(t, "tmp")
	for _, tool := range append([]string{"mkdir", "chmod", "rm", "mv"}, tools...) {
		j.link(t, tool, parts.Program(t, tool))
	}
	j.program(t, "uname", `case $1 in -s) echo Linux ;; -m) echo x86_64 ;; esac`)
	j.program(t, "sleep", `echo "$1" >>`+j.dir+`/slept`)
	j.env = map[string]string{
		"PATH": j.path, "CI_AWS_INSTALL_DIR": j.dir + "/tmp", "CI_JOB_ID": "4711", "HOME": j.dir,
		"CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_JOB_TOKEN": jobToken,
		"CI_SERVER_PROTOCOL": "https", "CI_SERVER_HOST": "gitlab.example.com", "CI_SERVER_PORT": "443",
	}
	if n != nil {
		j.env["https_proxy"], j.env["http_proxy"], j.env["CURL_CA_BUNDLE"] = n.proxy.URL, n.proxy.URL, n.ca
	}
	return j
}

func (j *job) mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(j.dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (j *job) link(t *testing.T, name, to string) {
	t.Helper()
	if err := os.Symlink(to, filepath.Join(j.path, name)); err != nil {
		t.Fatal(err)
	}
}

// program puts a shell script into the image.
func (j *job) program(t *testing.T, name, script string) {
	t.Helper()
	// A child that is started meanwhile would hold the file open for writing, and such a file does not run.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(filepath.Join(j.path, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// file is the text of a file of the job, "" where there is none.
func (j *job) file(name string) string {
	text, err := os.ReadFile(filepath.Join(j.dir, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// files are the paths below dir/tmp, with their modes.
func (j *job) files(t *testing.T) []string {
	t.Helper()
	var names []string
	root := filepath.Join(j.dir, "tmp")
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if path != root && err == nil {
			names = append(names, info.Mode().String()+" "+strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A result is how a shell ended; "DIR" stands for the folder of the job.
type result struct {
	Code           int
	Stdout, Stderr string
}

const (
	// strict are the options that a job's own script may have set.
	strict = "set -eu\n(set -o pipefail) 2>/dev/null && set -o pipefail\n"
	// reportHome tells what the step found.
	reportHome = "\nprintf 'home=%s\\n' \"$ci_aws_home\"\n"
)

// step is the install step as a template has it.
func step(t *testing.T) string {
	t.Helper()
	return "ci_aws_home=$(\n" + installStep(t) + ") || exit $?\n"
}

// install runs the step as the template has it, with more of a script behind it.
func (j *job) install(t *testing.T, after string) result {
	t.Helper()
	return j.sh(t, strict+step(t)+reportHome+after)
}

func (j *job) sh(t *testing.T, script string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), j.run[0], append(slices.Clone(j.run[1:]), script)...)
	cmd.Dir = j.dir
	for name, value := range j.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	plain := func(b bytes.Buffer) string { return strings.ReplaceAll(b.String(), j.dir, "DIR") }
	return result{cmd.ProcessState.ExitCode(), plain(stdout), plain(stderr)}
}

// inEveryShell runs a test in each shell of a job.
func inEveryShell(t *testing.T, test func(t *testing.T, shell []string)) {
	t.Helper()
	for name, shell := range jobShells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, shell)
		})
	}
}
