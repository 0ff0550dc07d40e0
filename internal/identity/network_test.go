package identity_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
)

func TestATLSProxyIsNamedAndItsCATakesEffect(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(server.Close)
	w.env["AWS_ENDPOINT_URL_STS"] = server.URL
	if e := w.failure(); e.Case != "sts-tls" || !strings.Contains(e.Error(), "unknown authority") {
		t.Errorf("%q: %v", e.Case, e)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	t.Setenv("AWS_CA_BUNDLE", w.file("ca.pem", string(ca)))
	if e := w.failure(); e.Case != "endpoint-foreign-answer" || !strings.Contains(e.Error(), "418") {
		t.Errorf("the CA bundle has no effect: %q: %v", e.Case, e)
	}
}

func TestAHostThatDoesNotResolveIsNamed(t *testing.T) {
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	w.env["AWS_ENDPOINT_URL_STS"] = "https://sts.nowhere.invalid"
	w.req.AllowHosts = []string{"sts.nowhere.invalid"}
	if e := w.failure(); e.Case != "endpoint-down" || !e.NoVerdict || !strings.Contains(e.Error(), `"sts.nowhere.invalid" (AWS_ENDPOINT_URL_STS) does not resolve`) {
		t.Errorf("%q: %v", e.Case, e)
	}
	delete(w.env, "AWS_ENDPOINT_URL_STS")
	w.env["AWS_REGION"] = "xx-nowhere-1"
	if e := w.failure(); e.Case != "sts-dns" || !strings.Contains(e.Error(), `the name "sts.xx-nowhere-1.amazonaws.com" (the endpoint of region xx-nowhere-1) does not resolve`) {
		t.Errorf("%q: %v", e.Case, e)
	}
}

func TestATokenOfRootIsNamedForAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "not root: cannot become another user")
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		skip(t, "setpriv is not installed")
	}
	if os.Getenv("TEST_AS_NOBODY") != "" {
		return
	}
	dir, err := os.MkdirTemp("/tmp", "identity-") //nolint:usetesting // the other user has to get in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // so that it can
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"token": 0o600, "test": 0o755} {
		content := []byte("x")
		if name == "test" {
			if content, err = os.ReadFile(os.Args[0]); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(dir+"/"+name, content, mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", dir+"/test", "-test.run=TestAsNobody")
	cmd.Env = []string{"TEST_AS_NOBODY=" + dir + "/token", "TMPDIR=/tmp"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := `cannot be read by uid 65534 (it is 0600 and belongs to uid 0)`
	if !strings.Contains(string(out), want) || !strings.Contains(string(out), "fs_group") {
		t.Errorf("%q is not said:\n%s", want, out)
	}
}

// TestAsNobody is what TestATokenOfRootIsNamedForAnotherUser starts as another
// user.
func TestAsNobody(t *testing.T) {
	file := os.Getenv("TEST_AS_NOBODY")
	if file == "" {
		return
	}
	w := &world{t: t, root: t.TempDir(), env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": file}}
	_, err := w.resolve()
	f, _ := identity.Finding(err)
	_, _ = os.Stdout.WriteString(err.Error() + "\n" + strings.Join(f.Hints, "\n") + "\n")
}

// skip skips aloud, and fails where CI has to have what is missing.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}
