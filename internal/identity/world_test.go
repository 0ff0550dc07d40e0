package identity_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// world is a job pod of the reference set-up and the cloud that it talks to.
type world struct {
	t     *testing.T
	cloud *awsfake.Cloud
	root  string
	env   map[string]string
	req   identity.Request
}

func newWorld(t *testing.T, config awsfake.Config) *world {
	t.Helper()
	cloud, err := awsfake.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	if err := cloud.AddReference(); err != nil {
		t.Fatal(err)
	}
	// The SDK reads its own settings from the process.
	for _, name := range []string{"AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY"} {
		t.Setenv(name, "")
	}
	w := &world{t: t, cloud: cloud, root: t.TempDir(), env: map[string]string{
		"AWS_ENDPOINT_URL_STS": cloud.STSURL(), "CI_PROJECT_PATH_SLUG": "group-project", "CI_JOB_ID": "4711",
	}, req: identity.Request{Timeout: 10 * time.Second}}
	return w
}

// irsa gives the pod a projected token, as the webhook does.
func (w *world) irsa(p awsfake.PodToken) *world {
	w.t.Helper()
	token, err := w.cloud.Issuer().Mint(p)
	if err != nil {
		w.t.Fatal(err)
	}
	w.env["AWS_ROLE_ARN"] = awsfake.JobRole
	w.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = w.file("token", token+"\n")
	return w
}

// file writes a file of the pod and returns its path.
func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) job() job.Job {
	var environ []string
	for name, value := range w.env {
		environ = append(environ, name+"="+value)
	}
	return job.Read(environ, w.root)
}

func (w *world) resolve() (identity.Identity, error) {
	return identity.Resolve(w.t.Context(), w.job(), w.req)
}

func (w *world) exchange() (identity.Session, error) {
	id, err := w.resolve()
	if err != nil {
		return identity.Session{}, err
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), w.req.Timeout)
	defer cancel()
	return id.Exchange(ctx)
}

// failure is the error of the exchange, which must be one of ours.
func (w *world) failure() *identity.Error {
	w.t.Helper()
	_, err := w.exchange()
	var e *identity.Error
	if !errors.As(err, &e) {
		w.t.Fatalf("error is %v, want one of package identity", err)
	}
	return e
}

func value(text, from string) report.Value { return report.Value{Text: text, From: from} }
