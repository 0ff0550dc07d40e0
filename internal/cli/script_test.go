package cli_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the transcripts with what the program prints now")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ci-aws": program, "sdk-caller": sdkCaller})
}

// program is the binary of the transcripts: what cmd/ci-aws does, with the
// platform's paths below a folder of the test.
func program() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(cli.Run(ctx, os.Args, cli.IO{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Now: time.Now, Root: os.Getenv("TEST_ROOT"),
	}))
}

// sdkCaller is any Go program with the SDK: it prints the ARN that the SDK's own
// chain of credentials gives it.
func sdkCaller() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err == nil {
		var out *sts.GetCallerIdentityOutput
		if out, err = sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err == nil {
			fmt.Println(*out.Arn)
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type cloudKey struct{}

// TestTranscripts runs testdata/script: the program as a process of its own in a
// pod of the reference set-up, against a cloud that is as strict as AWS.
func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			cloud, err := awsfake.Start(awsfake.Config{})
			if err != nil {
				return err
			}
			env.Defer(cloud.Close)
			if err := cloud.AddReference(); err != nil {
				return err
			}
			env.Values[cloudKey{}] = cloud
			env.Values[proxyKey{}] = new(sync.Map)
			return pod(env, cloud)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"token": mintToken, "gitlab-token": mintJobToken, "pod-identity": podIdentity,
			"trust": trust, "replay": replay, "html": html, "cut": cutConnection, "delay": delay, "calls": calls, "calls-at-most": callsAtMost, "sessions": sessions, "cmpjson": compareJSON, "proxy": proxy, "proxied": proxied,
			"calls-at-least": callsAtLeast, "ok": noFault, "action": spoilAction, "garbage": garbage, "hostile-token": hostileToken, "s3": useS3, "objects": objects, "encrypted": encrypted, "refuse-s3": refuseS3, "user-keys": userKeys, "deny-once": denyOnce,
		},
	})
}

// pod is what the EKS webhook and GitLab put into a job's container.
func pod(env *testscript.Env, cloud *awsfake.Cloud) error {
	token, err := cloud.Issuer().Mint(awsfake.PodToken{})
	if err != nil {
		return err
	}
	file := filepath.Join(env.WorkDir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		return err
	}
	home := filepath.Join(env.WorkDir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"AWS_ROLE_ARN": awsfake.JobRole, "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ENDPOINT_URL_STS": cloud.STSURL(),
		"GITLAB_CI": "true", "CI_PROJECT_PATH": "group/project", "CI_PROJECT_PATH_SLUG": "group-project",
		"CI_JOB_ID": "4711", "CI_JOB_NAME": "deploy", "CI_PIPELINE_ID": "1212", "CI_COMMIT_REF_NAME": "main",
		"CI_RUNNER_ID": "7", "CI_RUNNER_DESCRIPTION": "fargate-small-1", "CI_RUNNER_TAGS": `["fargate-small"]`,
		"TEST_ROOT": env.WorkDir, "HOME": home, "TMPDIR": env.WorkDir, "STS": cloud.STSURL(), "DEPLOY_ROLE": awsfake.DeployRole,
	} {
		env.Setenv(name, value)
	}
	return nil
}

func cloudOf(ts *testscript.TestScript) *awsfake.Cloud {
	return ts.Value(cloudKey{}).(*awsfake.Cloud)
}

// mintToken replaces the pod's token: token [audience [age]].
func mintToken(ts *testscript.TestScript, _ bool, args []string) {
	var p awsfake.PodToken
	if len(args) > 0 {
		p.Audience = args[0]
	}
	if len(args) > 1 {
		age, err := time.ParseDuration(args[1])
		ts.Check(err)
		p.Age = age
	}
	token, err := cloudOf(ts).Issuer().Mint(p)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(token), 0o600))
}

func mintJobToken(ts *testscript.TestScript, _ bool, _ []string) {
	token, err := cloudOf(ts).GitLab().MintJob(awsfake.JobToken{})
	ts.Check(err)
	ts.Setenv("CI_AWS_ID_TOKEN", token)
	ts.Setenv("GITLAB_ROLE", awsfake.GitLabRole)
	ts.Setenv("AWS_REGION", awsfake.Region)
}

// podIdentity gives the pod an association in place of the webhook's token.
func podIdentity(ts *testscript.TestScript, _ bool, _ []string) {
	token, err := cloudOf(ts).Issuer().Mint(awsfake.PodToken{Audience: awsfake.PodIdentityAudience})
	ts.Check(err)
	file := ts.MkAbs("eks-pod-identity-token")
	ts.Check(os.WriteFile(file, []byte(token), 0o600))
	ts.Setenv("AWS_ROLE_ARN", "")
	ts.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "")
	ts.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", cloudOf(ts).PodIdentityURL())
	ts.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file)
}

// trust lets the job role trust another subject.
func trust(ts *testscript.TestScript, _ bool, args []string) {
	c := cloudOf(ts)
	t := c.ClusterTrust()
	t.Subject = args[0]
	ts.Check(c.SetTrust(awsfake.JobRole, t.JSON()))
}

func replay(ts *testscript.TestScript, _ bool, args []string) {
	cloudOf(ts).ClearFaults()
	ts.Check(cloudOf(ts).Inject(awsfake.Fault{Vector: args[0]}))
}

func html(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(cloudOf(ts).Inject(awsfake.HTMLPage()))
}

func cutConnection(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(cloudOf(ts).Inject(awsfake.Fault{Cut: true}))
}

func delay(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	ts.Check(cloudOf(ts).Inject(awsfake.Fault{Delay: d}))
}

// calls asserts how many calls the cloud got in all: calls [ACTION] N.
func calls(ts *testscript.TestScript, _ bool, args []string) {
	action := ""
	if len(args) == 2 {
		action = args[0]
	}
	want, err := strconv.Atoi(args[len(args)-1])
	ts.Check(err)
	if got := cloudOf(ts).Calls(action); got != want {
		ts.Fatalf("%d calls %s, want %d", got, action, want)
	}
}

// sessions asserts the session name that the cloud was last called with.
func sessions(ts *testscript.TestScript, _ bool, args []string) {
	all := cloudOf(ts).Received("AssumeRoleWithWebIdentity")
	if got := all[len(all)-1].Form.Get("RoleSessionName"); got != strings.Join(args, " ") {
		ts.Fatalf("session %q, want %q", got, args)
	}
}

func callsAtMost(ts *testscript.TestScript, _ bool, args []string) {
	most, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := cloudOf(ts).Calls(args[0]); got < 1 || got > most {
		ts.Fatalf("%d calls of %s, want 1 to %d", got, args[0], most)
	}
}

// compareJSON compares whoami's JSON as a whole. What differs from run to run
// stands in capitals in the wanted one.
func compareJSON(ts *testscript.TestScript, _ bool, args []string) {
	var got, want map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &got))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &want))
	varies := cmp.FilterValues(func(a, b any) bool { return capitals(a) || capitals(b) }, cmp.Comparer(func(a, b any) bool {
		return a != nil && b != nil
	}))
	if diff := cmp.Diff(want, got, varies); diff != "" {
		ts.Fatalf("JSON (-want +got):\n%s", diff)
	}
}

func capitals(v any) bool {
	s, ok := v.(string)
	return ok && s != "" && s == strings.ToUpper(s) && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

type proxyKey struct{}

// proxy starts an HTTP proxy that notes what it is asked for and gives nothing.
func proxy(ts *testscript.TestScript, _ bool, _ []string) {
	asked := ts.Value(proxyKey{}).(*sync.Map)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Host, true)
		w.WriteHeader(http.StatusForbidden)
	}))
	ts.Defer(server.Close)
	ts.Setenv("HTTPS_PROXY", server.URL)
	ts.Setenv("HTTP_PROXY", server.URL)
}

// proxied asserts that the proxy was asked for a host.
func proxied(ts *testscript.TestScript, neg bool, args []string) {
	if _, was := ts.Value(proxyKey{}).(*sync.Map).Load(args[0]); was == neg {
		ts.Fatalf("the proxy was asked for %s: %v", args[0], was)
	}
}
