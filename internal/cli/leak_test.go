package cli_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

// planted are the secrets of TestNoSecretIsEverPrinted, each recognisable.
const (
	plantedKey      = "PLANTEDwJalrXUtnFEMIK7MDENGbPxRfiCYKEY00"
	plantedSession  = "PLANTEDFwoGZXIvYXdzEBYaDHqa0AP1kRbnZ2V0PLANTED"
	plantedJobToken = "PLANTEDglcbt-64_sample-job-token-sample"
	plantedFile     = "PLANTED-in-a-file-0123456789"
	plantedAnswer   = "PLANTED-in-a-page-0123456789"
)

// leak is one way to fail.
type leak struct {
	name string
	edit func(t *testing.T, c *awsfake.Cloud, env map[string]string)
}

// answerWith lets STS answer with an error document whose message holds what it
// was sent, and a secret of the job.
func answerWith(code string, status int) func(*testing.T, *awsfake.Cloud, map[string]string) {
	return func(t *testing.T, c *awsfake.Cloud, env map[string]string) {
		token, err := os.ReadFile(env["AWS_WEB_IDENTITY_TOKEN_FILE"])
		check(t, err)
		check(t, c.Inject(awsfake.Fault{Status: status, Type: "text/xml", Body: fmt.Sprintf(
			"<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>Value '%s' at 'webIdentityToken' and %s, %s, cut: %s</Message></Error></ErrorResponse>",
			code, token, plantedKey, plantedJobToken, token[:len(token)-40])}))
	}
}

// answerOfS3 lets S3 answer with secrets of the job in all that it can say; to one
// action, or to all that cache check calls.
func answerOfS3(action string, status int) func(*testing.T, *awsfake.Cloud, map[string]string) {
	return func(t *testing.T, c *awsfake.Cloud, env map[string]string) {
		token, err := os.ReadFile(env["AWS_WEB_IDENTITY_TOKEN_FILE"])
		check(t, err)
		actions := []string{"GetObject", "HeadObject", "PutObject", "CreateMultipartUpload", "ListObjectsV2", "DeleteObject", "HeadBucket"}
		if action != "" {
			actions = []string{action}
		}
		for _, a := range actions {
			check(t, c.Inject(awsfake.Fault{Action: a, Status: status, Type: "application/xml", Body: s3Error(
				"SomethingNew", fmt.Sprintf("%s %s is not authorized to perform: s3:%s on resource: %s", token, plantedKey, plantedSession, plantedJobToken))}))
		}
	}
}

func setFile(name, content string) func(*testing.T, *awsfake.Cloud, map[string]string) {
	return func(t *testing.T, _ *awsfake.Cloud, env map[string]string) {
		path := filepath.Join(t.TempDir(), "file")
		check(t, os.WriteFile(path, []byte(content), 0o600))
		env[name] = path
	}
}

func setVar(name, value string) func(*testing.T, *awsfake.Cloud, map[string]string) {
	return func(_ *testing.T, _ *awsfake.Cloud, env map[string]string) { env[name] = value }
}

func fault(f awsfake.Fault) func(*testing.T, *awsfake.Cloud, map[string]string) {
	return func(t *testing.T, c *awsfake.Cloud, _ map[string]string) { check(t, c.Inject(f)) }
}

func leaks(t *testing.T) []leak {
	t.Helper()
	part := base64.RawURLEncoding.EncodeToString
	all := []leak{
		{"nothing fails", func(*testing.T, *awsfake.Cloud, map[string]string) {}},
		{"a message that holds the token", answerWith("ValidationError", 400)},
		{"a message of a known case that holds it", answerWith("AccessDenied", 403)},
		{"a message of an unknown code that holds it", answerWith("SomethingNew", 400)},
		{"a page", fault(awsfake.Fault{Status: 502, Type: "text/html", Body: "<html>" + plantedAnswer})},
		{"a page with status 200", fault(awsfake.Fault{Status: 200, Type: "text/html", Body: "<html>" + plantedAnswer})},
		{"no connection", fault(awsfake.Fault{Cut: true})},
		{"a token file with a secret", setFile("AWS_WEB_IDENTITY_TOKEN_FILE", plantedFile)},
		{"a token whose parts are secrets", setFile("AWS_WEB_IDENTITY_TOKEN_FILE", part([]byte(plantedFile))+"."+part([]byte(plantedFile))+"."+plantedFile)},
		{"a token of five parts", setFile("AWS_WEB_IDENTITY_TOKEN_FILE", strings.Repeat(plantedFile+".", 4)+plantedFile)},
		{"a claim that is a secret", setFile("AWS_WEB_IDENTITY_TOKEN_FILE", part([]byte(`{"alg":"RS256"}`))+"."+part([]byte(`{"password":"`+plantedFile+`"}`))+".c2ln")},
		{"a session policy that is a secret", setFile("CI_AWS_SESSION_POLICY", plantedFile)},
		{"a CA bundle that is a secret", setFile("AWS_CA_BUNDLE", plantedFile)},
		{"a profile that holds keys", func(t *testing.T, c *awsfake.Cloud, env map[string]string) {
			setFile("AWS_CONFIG_FILE", "[profile p\naws_secret_access_key = "+plantedFile+"\n")(t, c, env)
			env["AWS_PROFILE"] = "p"
		}},
		{"a retry mode that no SDK has", setVar("AWS_RETRY_MODE", "nonsense")},
		{"a role that is refused", setVar("CI_AWS_ROLE_ARN", "arn:aws:iam::1:role/x")},
		{"another account", setVar("CI_AWS_ALLOWED_ACCOUNT", "999999999999")},
		{"S3 answers with secrets", answerOfS3("", 403)},
		{"S3 answers a GET alone with them", answerOfS3("GetObject", 418)},
		{"S3 names an upload by one", fault(awsfake.Fault{
			Action: "CreateMultipartUpload", Status: 200, Type: "application/xml",
			Body: "<InitiateMultipartUploadResult><UploadId>" + plantedJobToken + "</UploadId></InitiateMultipartUploadResult>",
		})},
		{"a prefix that is a secret", setVar("CI_AWS_PREFIX", plantedJobToken)},
		{"an encryption that is one", setVar("CI_AWS_SSE", plantedJobToken)},
	}
	vectors, err := awsfake.Vectors("sts")
	check(t, err)
	for _, v := range vectors {
		all = append(all, leak{v.ID, fault(awsfake.Fault{Vector: v.ID})})
	}
	return all
}

var commandsThatLeak = [][]string{
	{"whoami"},
	{"whoami", "--output", "json"},
	{"whoami", "--verbose", "--verify"},
	{"whoami", "--offline"},
	{"env", "--verbose"},
	{"exec", "--verbose", "--", "sh", "-c", `echo "$AWS_SECRET_ACCESS_KEY"; echo "$AWS_SESSION_TOKEN" >&2`},
	{"exec", "--serve", "--", "sh", "-c", `echo "$AWS_CONTAINER_AUTHORIZATION_TOKEN $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN $CI_AWS_ID_TOKEN"`},
	{"env", "--output", "json"},
	{"credential-process", "--verbose"},
	{"configure", "--verbose"},
	{"configure", "--isolate", "--check", "--log-section"},
	{"env", "--log-section", "--verbose"},
	{"env", "--bogus"},
	{"doctor", "--verbose", "--config", "CONFIG", "--expect-role", "k8s-irsa-gitlab-jobs"},
	{"doctor", "--output", "json", "--bucket", "my-super-duper-gitlab-runner-cache"},
	{"doctor", "--output", "json", "--file", "REPORT", "--annotations", "LINKS"},
	{"doctor", "--output", "junit", "--as", "runner", "--config", "CONFIG", "--runner", "eks"},
	{"trust", "show"},
	{"trust", "check", "CONFIG"},
	{"trust", "check", "--output", "json", "POLICY"},
	{"cache", "check", "--config", "CONFIG", "--size", "6MiB"},
	{"cache", "check", "--config", "CONFIG", "--size", "6MiB", "--output", "json"},
	{"cache", "check", "--config", "CONFIG", "--size", "6MiB", "--output", "junit", "--file", "REPORT", "--annotations", "LINKS"},
	{"cache", "check", "--config", "CONFIG", "--size", "6MiB", "--source", "ambient", "--expect", "read"},
	{"smoke", "log", "LOG"},
	{"smoke", "log", "--output", "json", "LOG", "LOG"},
}

// TestNoSecretIsEverPrinted plants secrets everywhere (environment, files, error
// bodies, claims) and looks for them in every output of every command in every
// failing case. Only env and credential-process print what they got, and only
// to stdout where they succeed.
func TestNoSecretIsEverPrinted(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	for _, l := range leaks(t) {
		t.Run(l.name, func(t *testing.T) {
			cloud, err := awsfake.Start(awsfake.Config{})
			check(t, err)
			t.Cleanup(cloud.Close)
			check(t, cloud.AddReference())
			env := leakEnv(t, cloud)
			l.edit(t, cloud, env)
			for _, name := range []string{"AWS_CA_BUNDLE", "AWS_RETRY_MODE", "AWS_ENDPOINT_URL_S3"} { // read by the SDK itself
				t.Setenv(name, env[name])
			}
			token, err := os.ReadFile(env["AWS_WEB_IDENTITY_TOKEN_FILE"])
			check(t, err)
			for _, args := range commandsThatLeak {
				runLeak(t, env, string(token), args)
			}
		})
	}
}

func leakEnv(t *testing.T, cloud *awsfake.Cloud) map[string]string {
	t.Helper()
	token, err := cloud.Issuer().Mint(awsfake.PodToken{})
	check(t, err)
	jobToken, err := cloud.GitLab().MintJob(awsfake.JobToken{})
	check(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	check(t, os.WriteFile(file, []byte(token), 0o600))
	return map[string]string{
		"AWS_ROLE_ARN": awsfake.JobRole, "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ENDPOINT_URL_STS": cloud.STSURL(), "AWS_ENDPOINT_URL_S3": cloud.S3URL(),
		"AWS_ACCESS_KEY_ID": "AKIAPLANTED", "AWS_SECRET_ACCESS_KEY": plantedKey, "AWS_SESSION_TOKEN": plantedSession,
		"CI_JOB_TOKEN": plantedJobToken, "CI_AWS_ID_TOKEN": jobToken, "CI_AWS_SOURCE": "irsa",
		"HOME": dir, "TMPDIR": dir, "PATH": os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED": "true",
	}
}

func runLeak(t *testing.T, env map[string]string, token string, args []string) {
	t.Helper()
	var environ []string
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	var out, errs bytes.Buffer
	args = withFiles(t, args)
	code := cli.Run(t.Context(), append([]string{"ci-aws"}, args...), cli.IO{
		In: strings.NewReader(""), Out: &out, Err: &errs, Environ: environ, Now: time.Now, Root: t.TempDir(),
	})
	printed := errs.String()
	for _, a := range args {
		if text, err := os.ReadFile(a); err == nil && strings.HasPrefix(filepath.Base(a), "REPORT") || strings.HasPrefix(filepath.Base(a), "LINKS") {
			printed += string(text)
		}
	}
	if product := slices.Contains([]string{"env", "credential-process"}, args[0]); !product || code != 0 {
		printed += out.String()
	}
	if strings.Contains(printed, "PLANTED") && !onlyKeyID(printed) {
		t.Errorf("%q prints a planted secret:\n%s", args, printed)
	}
	secrets := append(strings.Split(token, ".")[1:], strings.Split(env["CI_AWS_ID_TOKEN"], ".")[1:]...)
	for _, secret := range secrets {
		for i := 0; i+24 <= len(secret); i += 8 {
			if strings.Contains(printed, secret[i:i+24]) {
				t.Fatalf("%q prints a part of a token:\n%s", args, printed)
			}
		}
	}
}

// withFiles puts files that hold secrets in the place of their names.
func withFiles(t *testing.T, args []string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"CONFIG": `[[runners]]
  name = "eks"
  token = "` + plantedFile + `"
  [runners.kubernetes]
    bearer_token = "` + plantedFile + `"
  [runners.cache]
    Type = "s3"
    [runners.cache.s3]
      AccessKey = "` + plantedFile + `"
      SecretKey = "` + plantedFile + `"
      BucketName = "my-super-duper-gitlab-runner-cache"
`,
		"LOG":    "Restoring cache\nChecking cache for k...\nDownloading cache from https://" + plantedFile + "@b/project/1/k?X-Amz-Signature=" + plantedFile + "\nWARNING: Retrying... error=Get \"https://b/k?" + plantedFile + "\": EOF\nSuccessfully extracted cache\n",
		"REPORT": "", "LINKS": "",
		"POLICY": `{"Version": "2012-10-17", "Statement": [], "password": "` + plantedFile + `"}`,
	} {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, []byte(content), 0o600))
		args = slices.Clone(args)
		for i, a := range args {
			if a == name {
				args[i] = path
			}
		}
	}
	return args
}

// onlyKeyID reports whether nothing but the access key's id, which is no secret,
// is what was planted.
func onlyKeyID(printed string) bool {
	return strings.Count(printed, "PLANTED") == strings.Count(printed, "AKIAPLANTED")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
