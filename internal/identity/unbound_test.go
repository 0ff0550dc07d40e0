package identity_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
)

func TestOnlyTheUnboundConfigReadsAnswersOfAnyLength(t *testing.T) {
	const size = 3 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		_, _ = w.Write(make([]byte, size)) // the client may have had enough
	}))
	defer server.Close()
	id, err := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{}).resolve()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		config func(identity.Session) (aws.Config, error)
		want   int64
	}{{"bound", id.Config, 1 << 20}, {"unbound", id.UnboundConfig, size}} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := tt.config(identity.Session{})
			if err != nil {
				t.Fatal(err)
			}
			get := func(path string) *http.Response {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				response, err := cfg.HTTPClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				return response
			}
			response := get("/")
			defer response.Body.Close()
			if n, err := io.Copy(io.Discard, response.Body); n != tt.want || err != nil {
				t.Errorf("%d bytes, %v, want %d", n, err, tt.want)
			}
			other := get("/elsewhere")
			defer other.Body.Close()
			if other.StatusCode != http.StatusFound {
				t.Errorf("a redirect was followed: %s", other.Status)
			}
		})
	}
}
