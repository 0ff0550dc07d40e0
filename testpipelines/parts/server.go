package parts

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// MinIOServer is a running MinIO and who may do everything there.
type MinIOServer struct {
	URL, User, Password string
	// Stop ends it, and gives what it logged.
	Stop func() string
}

// ServeMinIO is StartMinIO for a test: the server stops when that ends.
func ServeMinIO(t testing.TB, region string, env ...string) MinIOServer {
	t.Helper()
	s, err := StartMinIO(t.Context(), MinIO(t), t.TempDir(), region, env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log := s.Stop(); t.Failed() {
			t.Logf("MinIO said:\n%s", log)
		}
	})
	return s
}

// StartMinIO starts the server program in a region, with its files in a folder
// and with more variables in its environment. It takes calls when this returns,
// those to its identity system too: before that is loaded, STS has no role to give.
func StartMinIO(ctx context.Context, program, dir, region string, env ...string) (MinIOServer, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return MinIOServer{}, err
	}
	console, err := freeAddress(ctx)
	if err != nil {
		return MinIOServer{}, err
	}
	s := MinIOServer{URL: "http://" + address, User: "root", Password: rand.Text()}
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "server", "--quiet", "--address", address, "--console-address", console, dir+"/data")
	cmd.Env = append([]string{
		"HOME=" + dir, "MINIO_ROOT_USER=" + s.User, "MINIO_ROOT_PASSWORD=" + s.Password,
		"MINIO_REGION=" + region, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=on",
	}, env...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return MinIOServer{}, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed, so it never ends well
		close(ended)
	}()
	s.Stop = func() string {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-ended
		return log.String()
	}
	if err := s.await(ctx, ended); err != nil {
		return MinIOServer{}, fmt.Errorf("starting MinIO: %w\n%s", err, s.Stop())
	}
	return s, nil
}

// await waits until the server takes calls.
func (s MinIOServer) await(ctx context.Context, ended <-chan struct{}) error {
	deadline := time.After(time.Minute)
	for !ready(ctx, s.URL+"/minio/health/ready") || !ready(ctx, s.URL+"/minio/health/cluster") {
		select {
		case <-ended:
			return errors.New("it ended before it was ready")
		case <-deadline:
			return errors.New("it was not ready within a minute")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

func ready(ctx context.Context, at string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// freeAddress is an address of loopback that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
