package credserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is the time of tests that go by no clock.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600)) }

// served is a server of these credentials.
func served(t *testing.T, c Credentials) *Server {
	t.Helper()
	s, err := Start(t.Context(), Config{Now: noon, Fetch: func(context.Context) (Credentials, error) { return c, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw sends bytes to the server and gives what it answers until it closes the connection.
func raw(t *testing.T, s *Server, request string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestTheAnswerIsTheDocumentOfTheSDKs(t *testing.T) {
	expires := noon().Add(time.Hour + 900*time.Millisecond)
	tests := []struct {
		name string
		in   Credentials
		want string
	}{
		{
			"with an account",
			Credentials{"ASIA", "se/cr+et", "to<ken", expires, "123456789012"},
			`{"AccessKeyId":"ASIA","SecretAccessKey":"se/cr+et","Token":"to\u003cken","Expiration":"2026-11-23T12:00:00Z","AccountId":"123456789012"}`,
		},
		{
			"without an account",
			Credentials{"ASIA", "secret", "token", expires, ""},
			`{"AccessKeyId":"ASIA","SecretAccessKey":"secret","Token":"token","Expiration":"2026-11-23T12:00:00Z"}`,
		},
		{
			"that do not expire",
			Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret"},
			`{"AccessKeyId":"AKIA","SecretAccessKey":"secret","Token":"","Expiration":"2026-11-23T12:00:00Z"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := served(t, tt.in)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URI(), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", s.Token())
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{answer.Status, answer.Header.Get("Content-Type"), answer.Header.Get("Cache-Control"), string(body)}
			if diff := cmp.Diff([]string{"200 OK", "application/json", "no-store", tt.want + "\n"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEverythingElseIsRefused(t *testing.T) {
	s := served(t, Credentials{AccessKeyID: "ASIA", SecretAccessKey: "the-secret"})
	_, port, err := net.SplitHostPort(s.host)
	if err != nil {
		t.Fatal(err)
	}
	const end = "Connection: close\r\n\r\n"
	right := "Authorization: " + s.token + "\r\n" + end
	host := "Host: " + s.host + "\r\n"
	tests := []struct {
		name    string
		request string
		want    string // status, and the code in the body where it is ours
	}{
		{"another name for the address", "GET " + s.path + " HTTP/1.1\r\nHost: localhost:" + port + "\r\n" + right, "421 WrongHost"},
		{"a name that was bound to the address", "GET " + s.path + " HTTP/1.1\r\nHost: evil.example\r\n" + right, "421 WrongHost"},
		{"the address without its port", "GET " + s.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + right, "421 WrongHost"},
		{"HTTP/1.0 without a host", "GET " + s.path + " HTTP/1.0\r\n" + right, "421 WrongHost"},
		{"HTTP/1.1 without a host", "GET " + s.path + " HTTP/1.1\r\n" + right, "400 "},
		{"two hosts", "GET " + s.path + " HTTP/1.1\r\n" + host + "Host: evil.example\r\n" + right, "400 "},
		{"the host in the request line", "GET http://" + s.host + s.path + " HTTP/1.1\r\nHost: evil.example\r\n" + right, "404 WrongPath"},
		{"no path", "GET / HTTP/1.1\r\n" + host + right, "404 WrongPath"},
		{"the beginning of the path", "GET " + s.path[:20] + " HTTP/1.1\r\n" + host + right, "404 WrongPath"},
		{"more than the path", "GET " + s.path + "/ HTTP/1.1\r\n" + host + right, "404 WrongPath"},
		{"a query", "GET " + s.path + "?x HTTP/1.1\r\n" + host + right, "404 WrongPath"},
		{"no token", "GET " + s.path + " HTTP/1.1\r\n" + host + end, "401 NoToken"},
		{"another token", "GET " + s.path + " HTTP/1.1\r\n" + host + "Authorization: x\r\n" + end, "403 WrongToken"},
		{"the token with a scheme", "GET " + s.path + " HTTP/1.1\r\n" + host + "Authorization: Bearer " + s.token + "\r\n" + end, "403 WrongToken"},
		{"the token after another", "GET " + s.path + " HTTP/1.1\r\n" + host + "Authorization: x\r\n" + right, "403 WrongToken"},
		{"POST", "POST " + s.path + " HTTP/1.1\r\n" + host + right, "405 WrongMethod"},
		{"HEAD", "HEAD " + s.path + " HTTP/1.1\r\n" + host + right, "405 "},
		{"OPTIONS of all", "OPTIONS * HTTP/1.1\r\n" + host + right, "405 WrongMethod"},
		{"CONNECT", "CONNECT " + s.host + " HTTP/1.1\r\n" + host + right, "405 WrongMethod"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "421 WrongHost"},
		{"a header without end", "GET " + s.path + " HTTP/1.1\r\nX: " + strings.Repeat("x", 16<<10) + "\r\n" + host + right, "431 "},
		{"garbage", "\x16\x03\x01\x00\xff\r\n\r\n", "400 "},
		{"garbage after a request", "GET / HTTP/1.1\r\n" + host + "\r\n\x00\xff garbage\r\n\r\n", "404 WrongPath 400 "},
	}
	var logged bytes.Buffer
	before := log.Writer()
	log.SetOutput(&logged)
	defer log.SetOutput(before)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := raw(t, s, tt.request)
			if diff := cmp.Diff(tt.want, verdicts(answer)); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, answer)
			}
			if strings.Contains(answer, "the-secret") {
				t.Errorf("the answer holds the secret: %s", answer)
			}
		})
	}
	if logged.Len() > 0 {
		t.Errorf("logged: %s", logged.String())
	}
}

// verdicts are status and error code of each of the answers.
func verdicts(answers string) string {
	var all []string
	for answer := range strings.SplitSeq(answers, "HTTP/1.") {
		if _, rest, ok := strings.Cut(answer, " "); ok {
			_, body, _ := strings.Cut(answer, `{"code":"`)
			code, _, _ := strings.Cut(body, `"`)
			all = append(all, rest[:3]+" "+code)
		}
	}
	return strings.Join(all, " ")
}

func TestAFailedRenewalIsAnErrorThatSDKsRead(t *testing.T) {
	calls, now := 0, noon()
	s, err := Start(t.Context(), Config{
		Now: func() time.Time { return now },
		Fetch: func(context.Context) (Credentials, error) {
			if calls++; calls > 1 {
				return Credentials{}, errors.New(`"the role" does not trust the-secret`)
			}
			return Credentials{SecretAccessKey: "the-secret", Expires: now.Add(time.Hour)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	now = now.Add(time.Hour)
	answer := raw(t, s, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nConnection: close\r\n\r\n", s.path, s.host, s.token))
	status, _, _ := strings.Cut(answer, "\r\n")
	_, body, _ := strings.Cut(answer, "\r\n\r\n")
	want := `HTTP/1.1 500 Internal Server Error {"code":"NoCredentials","message":"getting credentials: \"the role\" does not trust [hidden]"}` + "\n"
	if diff := cmp.Diff(want, status+" "+body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStartFailsWithTheFirstFetch(t *testing.T) {
	no := errors.New("the role does not trust this token")
	_, err := Start(t.Context(), Config{Now: noon, Fetch: func(context.Context) (Credentials, error) { return Credentials{}, no }})
	if !errors.Is(err, no) {
		t.Errorf("got %v, want %v", err, no)
	}
}

func TestEachServerHasItsOwnSecrets(t *testing.T) {
	one, other := served(t, Credentials{}), served(t, Credentials{})
	if one.path == other.path || one.token == other.token || one.path == "/"+one.token {
		t.Errorf("%s and %s are not random", one.URI(), other.URI())
	}
	// 26 characters of base32 are 130 bits.
	if len(one.path) != 27 || len(one.token) != 26 || !strings.HasPrefix(one.URI(), "http://127.0.0.1:") {
		t.Errorf("the URI is %s, the token has %d characters", one.URI(), len(one.token))
	}
}

func TestCloseEndsEverything(t *testing.T) {
	now, calls := noon(), 0
	s, err := Start(t.Context(), Config{
		Now: func() time.Time { return now },
		Fetch: func(ctx context.Context) (Credentials, error) {
			if calls++; calls > 1 {
				<-ctx.Done()
				return Credentials{}, ctx.Err()
			}
			return Credentials{Expires: now.Add(time.Hour)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n\r\n", s.path, s.host, s.token); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); s.cache.look().flight == nil && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if answer, _ := bufio.NewReader(conn).ReadString('\n'); strings.Contains(answer, "200") {
		t.Errorf("answered %q", answer)
	}
	if again, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.host); err == nil {
		_ = again.Close()
		t.Error("the port is still open")
	}
}
