package parts

import (
	"bytes"
	"crypto/rand"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// MinIOServer is a running MinIO and who may do everything there.
type MinIOServer struct{ URL, User, Password string }

// ServeMinIO starts a MinIO of its own in a region, with more variables in its
// environment, and stops it when the test ends. It takes calls when this returns,
// those to its identity system too: before that is loaded, STS has no role to give.
func ServeMinIO(t testing.TB, region string, env ...string) MinIOServer {
	t.Helper()
	program := MinIO(t)
	address := freeAddress(t)
	s := MinIOServer{"http://" + address, "root", rand.Text()}
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "server", "--quiet", "--address", address, "--console-address", freeAddress(t), t.TempDir())
	cmd.Env = append([]string{
		"HOME=" + t.TempDir(), "MINIO_ROOT_USER=" + s.User, "MINIO_ROOT_PASSWORD=" + s.Password,
		"MINIO_REGION=" + region, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=on",
	}, env...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed, so it never ends well
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-ended
		if t.Failed() {
			t.Logf("MinIO said:\n%s", log.String())
		}
	})
	deadline := time.After(time.Minute)
	for !ready(t, s.URL+"/minio/health/ready") || !ready(t, s.URL+"/minio/health/cluster") {
		select {
		case <-ended:
			t.Fatal("MinIO ended before it was ready")
		case <-deadline:
			t.Fatal("MinIO was not ready within a minute")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return s
}

func ready(t testing.TB, at string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// freeAddress is an address of loopback that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}
