// Package e2e_test runs the built binary, as a process of its own, against a
// real MinIO: an STS that judges a real signed token by the issuer's published
// keys, and an S3 that checks the credentials it gave.
package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// world is a MinIO, the issuer that it trusts, and the built programs.
type world struct {
	minIO
	issuer *awsfake.Issuer
	bin    string
}

// pod is the environment of one job pod.
type pod struct {
	world
	token string // its file
	env   []string
}

// result is how a program ended.
type result struct {
	Code           int
	Stdout, Stderr string
}

func TestMinIO(t *testing.T) {
	issuer, err := awsfake.NewIssuer(awsfake.ClusterIssuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	w := world{startMinIO(t, issuer), issuer, parts.Build(t, "./cmd/ci-aws", "./testpipelines/sdkprobe")}

	t.Run("whoami prints what is known and says what the service did not tell", w.whoami)
	t.Run("env gives credentials that store an object and get it back", w.env)
	t.Run("exec runs a program with the credentials and gives its exit code", w.exec)
	t.Run("a profile written by configure serves the SDK", w.profile)
	t.Run("a token for another audience is refused, and whoami tells its audience", w.wrongAudience)
	t.Run("a token that has expired is refused, and whoami tells when", w.expired)
	t.Run("a role that does not exist is refused and is named", w.wrongRole)
	t.Run("cache check proves what a session's policy allows, and nothing more", w.cacheCheck)
	t.Run("cache check that is cut, ended or late leaves nothing behind", w.cacheCheckCut)
}

func (w world) whoami(t *testing.T) {
	p := w.pod(t, awsfake.PodToken{})
	text := p.run(t, "ci-aws", "whoami")
	if text.Code != 0 {
		t.Fatalf("whoami: %+v", text)
	}
	for _, want := range []string{"not given", "system:serviceaccount:gitlab:gitlab-jobs", awsfake.ClusterIssuer, w.RoleARN, awsfake.Region} {
		if !strings.Contains(text.Stdout, want) {
			t.Errorf("whoami does not print %q:\n%s", want, text.Stdout)
		}
	}

	asJSON := p.run(t, "ci-aws", "whoami", "--output", "json")
	var document any
	if err := json.Unmarshal([]byte(asJSON.Stdout), &document); err != nil || asJSON.Code != 0 {
		t.Fatalf("whoami --output json: %v: %+v", err, asJSON)
	}
	account, found := field(document, "account")
	if !found || account != nil {
		t.Errorf("the account is %v (given: %v), want null:\n%s", account, found, asJSON.Stdout)
	}
}

// field is the value of the first key of that name, at any depth. A value of
// ours is a text with its source.
func field(document any, key string) (any, bool) {
	object, ok := document.(map[string]any)
	if !ok {
		return nil, false
	}
	if value, ok := object[key]; ok {
		if about, ok := value.(map[string]any); ok {
			value = about["text"]
		}
		return value, true
	}
	for _, value := range object {
		if found, ok := field(value, key); ok {
			return found, true
		}
	}
	return nil, false
}

func (w world) env(t *testing.T) {
	p := w.pod(t, awsfake.PodToken{})
	exported := p.run(t, "sh", "-euc", `eval "$(ci-aws env --isolate)"
echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN $AWS_CREDENTIAL_EXPIRATION ${AWS_ROLE_ARN:-} ${AWS_WEB_IDENTITY_TOKEN_FILE:-}"`)
	values := strings.Fields(exported.Stdout)
	if exported.Code != 0 || len(values) != 4 {
		t.Fatalf("eval: code %d, %d values: %s", exported.Code, len(values), exported.Stderr)
	}
	if expiry, err := time.Parse(time.RFC3339, values[3]); err != nil || time.Until(expiry) < 10*time.Minute {
		t.Errorf("the credentials expire at %q: %v", values[3], err)
	}

	options := s3.Options{
		Region: awsfake.Region, BaseEndpoint: &w.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(values[0], values[1], values[2]),
	}
	client, key, body := s3.New(options), aws.String("e2e/object"), "kept in a real S3"
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &w.Bucket, Key: key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &w.Bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(object.Body)
	if err := object.Body.Close(); err != nil {
		t.Error(err)
	}
	if err != nil || string(got) != body {
		t.Errorf("got back %q, %v, want %q", got, err, body)
	}

	options.Credentials = credentials.NewStaticCredentialsProvider(values[0], values[1], "")
	if _, err := s3.New(options).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &w.Bucket, Key: key}); err == nil {
		t.Error("MinIO took the keys without their session token: it proves nothing")
	}

	probe := p.run(t, "sh", "-euc", `eval "$(ci-aws env --isolate)"; sdkprobe roundtrip "$0"`, w.object())
	if probe.Code != 0 {
		t.Errorf("sdkprobe with the exported keys: %+v", probe)
	}
}

func (w world) exec(t *testing.T) {
	p := w.pod(t, awsfake.PodToken{})
	if probe := p.run(t, "ci-aws", "exec", "--", "sdkprobe", "roundtrip", w.object()); probe.Code != 0 {
		t.Errorf("exec -- sdkprobe roundtrip: %+v", probe)
	}
	if code := p.run(t, "ci-aws", "exec", "--", "sh", "-c", "exit 7").Code; code != 7 {
		t.Errorf("exec gave %d for a child's 7", code)
	}
	leak := p.run(t, "ci-aws", "exec", "--", "sh", "-c", `echo "<$AWS_SECRET_ACCESS_KEY>"`)
	if diff := cmp.Diff(result{Stdout: "<[MASKED]>\n", Stderr: leak.Stderr}, leak); diff != "" {
		t.Errorf("exec of a command that prints the secret key (-want +got):\n%s", diff)
	}
}

func (w world) profile(t *testing.T) {
	p := w.pod(t, awsfake.PodToken{})
	config := filepath.Join(t.TempDir(), "config")
	written := p.run(t, "ci-aws", "configure", "--file", config, "--profile", "minio",
		"--role-arn", w.RoleARN, "--token-file", p.token, "--region", awsfake.Region)
	if written.Code != 0 {
		t.Fatalf("configure: %+v", written)
	}
	// Web identity in the environment would outrank the profile.
	p.env = without(p.env, "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
	p.env = append(p.env, "AWS_CONFIG_FILE="+config, "AWS_PROFILE=minio")
	if probe := p.run(t, "sdkprobe", "roundtrip", w.object()); probe.Code != 0 {
		t.Errorf("sdkprobe with the profile: %+v", probe)
	}

	document := p.run(t, "ci-aws", "credential-process", "--role-arn", w.RoleARN, "--token-file", p.token, "--region", awsfake.Region)
	var keys map[string]any
	if err := json.Unmarshal([]byte(document.Stdout), &keys); err != nil {
		t.Fatalf("credential-process: %v: code %d: %s", err, document.Code, document.Stderr)
	}
	for _, key := range []string{"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"} {
		if text, _ := keys[key].(string); text == "" {
			t.Errorf("credential-process gave no %s", key)
		}
	}
	if keys["Version"] != 1.0 {
		t.Errorf("credential-process gave Version %v, want 1", keys["Version"])
	}
}

func (w world) wrongAudience(t *testing.T) {
	who := w.refused(t, w.pod(t, awsfake.PodToken{Audience: "sts.amazon.com"}), "must match configured OpenID Client ID")
	if !strings.Contains(who, "sts.amazon.com") {
		t.Errorf("whoami does not print the token's audience:\n%s", who)
	}
}

func (w world) expired(t *testing.T) {
	const ago = 2 * time.Hour // a token lives a day
	before := time.Now().Add(-ago)
	p := w.pod(t, awsfake.PodToken{Age: 24*time.Hour + ago})
	after := time.Now().Add(-ago)
	who := w.refused(t, p, "expired")
	if !strings.Contains(who, before.UTC().Format(time.RFC3339)) && !strings.Contains(who, after.UTC().Format(time.RFC3339)) {
		t.Errorf("whoami does not print that the token expired at %s:\n%s", after.UTC().Format(time.RFC3339), who)
	}
}

func (w world) wrongRole(t *testing.T) {
	p := w.pod(t, awsfake.PodToken{})
	p.env = append(without(p.env, "AWS_ROLE_ARN"), "AWS_ROLE_ARN=arn:minio:iam:eu-central-1::role/nobody")
	w.refused(t, p, `"arn:minio:iam:eu-central-1::role/nobody"`)
}

// refused checks that env and whoami end with 1 and an error that names the
// wrong thing, and that stdout is what an eval fails on. It gives what whoami
// printed all the same.
func (w world) refused(t *testing.T, p pod, wrong string) string {
	t.Helper()
	env, who := p.run(t, "ci-aws", "env"), p.run(t, "ci-aws", "whoami")
	if diff := cmp.Diff(result{Code: 1, Stdout: "false\n"}, result{Code: env.Code, Stdout: env.Stdout}); diff != "" {
		t.Errorf("env (-want +got):\n%s", diff)
	}
	for command, got := range map[string]result{"env": env, "whoami": who} {
		_, after, _ := strings.Cut("\n"+got.Stderr, "\nci-aws: error: ")
		message, _, _ := strings.Cut(after, "\n")
		if got.Code != 1 || !strings.Contains(message, wrong) {
			t.Errorf("%s: code %d, and the error does not name %q:\n%s", command, got.Code, wrong, got.Stderr)
		}
	}
	return who.Stdout
}

// object is where sdkprobe's objects go.
func (w world) object() string { return "s3://" + w.Bucket + "/probe/object" }

// pod makes the environment of a pod whose service account has MinIO's role.
func (w world) pod(t *testing.T, token awsfake.PodToken) pod {
	t.Helper()
	signed, err := w.issuer.Mint(token)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(signed), 0o600); err != nil {
		t.Fatal(err)
	}
	return pod{w, file, []string{
		"PATH=" + w.bin + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"HOME=" + t.TempDir(),
		"AWS_ROLE_ARN=" + w.RoleARN,
		"AWS_WEB_IDENTITY_TOKEN_FILE=" + file,
		"AWS_REGION=" + awsfake.Region,
		"AWS_ENDPOINT_URL_STS=" + w.URL,
		"AWS_ENDPOINT_URL_S3=" + w.URL,
	}}
}

// without is env less some variables.
func without(env []string, names ...string) []string {
	var kept []string
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// run runs a program in the pod; ci-aws and sdkprobe are those that were built.
func (p pod) run(t *testing.T, program string, args ...string) result {
	t.Helper()
	if built := filepath.Join(p.bin, program); program != "sh" {
		program = built
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = p.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
