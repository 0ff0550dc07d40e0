package credserver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/google/go-cmp/cmp"
)

// TestMain makes the test binary, under this variable, a program that tells which credentials the SDK's default chain
// gives it.
func TestMain(m *testing.M) {
	if os.Getenv("CREDSERVER_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Print("error: ", err)
		return
	}
	got, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		fmt.Print("error: ", err)
		return
	}
	fmt.Print(got.AccessKeyID, " ", got.SecretAccessKey, " ", got.SessionToken, " ", got.AccountID, " ", got.CanExpire)
}

// chosen are the credentials that an SDK takes in this environment.
func chosen(t *testing.T, env []string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(slices.Clone(env), "CREDSERVER_TEST_CHILD=1")
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// later is when the credentials of these tests expire, which go by the SDK's clock.
func later() time.Time { return time.Now().Add(time.Hour).UTC().Truncate(time.Second) }

func TestTheSDKsProviderReadsTheEndpoint(t *testing.T) {
	in := Credentials{"ASIASERVED", "secret", "token", later(), "123456789012"}
	s := served(t, in)
	got, err := endpointcreds.New(s.URI(), func(o *endpointcreds.Options) { o.AuthorizationToken = s.Token() }).Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := aws.Credentials{
		AccessKeyID: in.AccessKeyID, SecretAccessKey: in.SecretAccessKey, SessionToken: in.SessionToken, AccountID: in.AccountID,
		CanExpire: true, Expires: in.Expires, Source: endpointcreds.ProviderName,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// outranking is an environment in which an SDK takes other credentials than those of an endpoint.
type outranking struct {
	name string
	env  []string // with FILES for a folder of hostile files
}

// hostile are ways in which a job's environment outranks the endpoint, each enough by itself.
func hostile() []outranking {
	return []outranking{
		{"keys", []string{"AWS_ACCESS_KEY_ID=AKIAOTHER", "AWS_SECRET_ACCESS_KEY=other"}},
		{"keys by older names", []string{"AWS_ACCESS_KEY=AKIAOTHER", "AWS_SECRET_KEY=other"}},
		{"web identity", []string{"AWS_ROLE_ARN=arn:aws:iam::123456789012:role/other", "AWS_WEB_IDENTITY_TOKEN_FILE=FILES/token", "AWS_ROLE_SESSION_NAME=x"}},
		{"a profile that there is", []string{"AWS_PROFILE=other", "AWS_CONFIG_FILE=FILES/config"}},
		{"a profile that there is not", []string{"AWS_PROFILE=missing"}},
		{"a default profile", []string{"AWS_DEFAULT_PROFILE=other", "AWS_CONFIG_FILE=FILES/other"}},
		{"a config file", []string{"AWS_CONFIG_FILE=FILES/config"}},
		{"a config file in which a process gives them", []string{"AWS_CONFIG_FILE=FILES/process"}},
		{"a credentials file", []string{"AWS_SHARED_CREDENTIALS_FILE=FILES/credentials"}},
		{"files in HOME", []string{"HOME=FILES/home", "AWS_CONFIG_FILE=", "AWS_SHARED_CREDENTIALS_FILE="}},
		{"another endpoint's token", []string{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=FILES/token"}},
		{"a relative URI", []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/other"}},
	}
}

func hostileFiles(t *testing.T) string {
	t.Helper()
	const keys = "aws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n"
	dir := t.TempDir()
	for name, content := range map[string]string{
		"token":                 "other",
		"config":                "[default]\n" + keys + "[profile other]\n" + keys,
		"other":                 "[profile other]\n" + keys,
		"process":               "[default]\ncredential_process = /bin/echo {}\n",
		"credentials":           "[default]\n" + keys,
		"home/.aws/config":      "[default]\nregion = eu-west-1\n",
		"home/.aws/credentials": "[default]\n" + keys,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAChildOfAnyEnvironmentGetsTheServedCredentials(t *testing.T) {
	s := served(t, Credentials{"ASIASERVED", "secret", "token", later(), "123456789012"})
	const want = "ASIASERVED secret token 123456789012 true"
	files := hostileFiles(t)
	// Calls to AWS go nowhere: a child that makes one is wrong already.
	base := []string{
		"HOME=/nowhere", "AWS_REGION=eu-central-1", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true",
		"HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1", "GORACE=atexit_sleep_ms=0",
	}
	all := slices.Clone(base)
	for _, h := range hostile() {
		t.Run(h.name, func(t *testing.T) {
			env := slices.Clone(h.env)
			for i := range env {
				env[i] = strings.ReplaceAll(env[i], "FILES", files)
			}
			if got := chosen(t, s.Environ(append(slices.Clone(base), env...))); got != want {
				t.Errorf("a child got %q, want %q", got, want)
			}
			// The case is one: the same put back outranks the endpoint.
			if got := chosen(t, append(s.Environ(base), env...)); got == want {
				t.Errorf("%q outranks nothing", h.env)
			}
			all = append(all, env...)
		})
	}
	if got := chosen(t, s.Environ(all)); got != want {
		t.Errorf("with all of it a child got %q, want %q", got, want)
	}
}

func TestEnvironTouchesNothingElse(t *testing.T) {
	s := served(t, Credentials{})
	in := []string{"PATH=/bin", "HOME=/root", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=x", "AWS_ACCESS_KEY_ID_OLD=x", "AWS_CA_BUNDLE=/ca", "odd", "AWS_PROFILE="}
	kept := slices.Clone(in)
	got := s.Environ(in)
	want := []string{
		"PATH=/bin", "HOME=/root", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID_OLD=x", "AWS_CA_BUNDLE=/ca", "odd",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "BOTO_CONFIG=/dev/null",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + s.URI(), "AWS_CONTAINER_AUTHORIZATION_TOKEN=" + s.Token(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(kept, in); diff != "" {
		t.Errorf("the parent's environment changed (-want +got):\n%s", diff)
	}
}

func TestEachVariableHasItsReasonOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range Outranking() {
		if seen[v.Name] || v.Reason == "" {
			t.Errorf("%+v is there twice, or without a reason", v)
		}
		seen[v.Name] = true
	}
}
