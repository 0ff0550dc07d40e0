package identity

import (
	"net/http"
	"testing"
)

func TestTheAgentsTokenGoesToNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example.com:3128")
	for _, url := range []string{"http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials", "http://169.254.170.2/x"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if via, err := proxy(r); via != nil || err != nil {
			t.Errorf("%s goes through %v (%v)", url, via, err)
		}
	}
}
