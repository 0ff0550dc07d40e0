package cli_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// place is a job's pod, and the cloud that it talks to. The program runs in it as
// a process of its own, with an environment and a user of its own.
type place struct {
	t     *testing.T
	cloud *awsfake.Cloud
	root  string // the pod's files; another user can enter it
	env   map[string]string
	uid   int           // whom the program runs as; 0 is whom the test runs as
	stop  chan struct{} // interrupts the program; nil for never
}

// newPlace is the reference set-up's pod under IRSA, in which everything works.
func newPlace(t *testing.T, config awsfake.Config) *place {
	t.Helper()
	cloud, err := awsfake.Start(config)
	check(t, err)
	t.Cleanup(cloud.Close)
	check(t, cloud.AddReference())
	p := podIn(t, cloud)
	p.env["AWS_ROLE_ARN"], p.env["AWS_REGION"] = awsfake.JobRole, awsfake.Region
	p.token(awsfake.PodToken{})
	p.ordinary(awsfake.PodToken{})
	return p
}

// podIn is a pod without any identity.
func podIn(t *testing.T, cloud *awsfake.Cloud) *place {
	t.Helper()
	root, err := os.MkdirTemp("", "ci-aws-pod-") //nolint:usetesting // another user has to get in
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	check(t, os.Chmod(root, 0o755)) //nolint:gosec // so that it can
	p := &place{t: t, cloud: cloud, root: root}
	p.env = map[string]string{
		"AWS_ENDPOINT_URL_STS": cloud.STSURL(), "AWS_ENDPOINT_URL_S3": cloud.S3URL(), "AWS_EC2_METADATA_DISABLED": "true",
		"CI_PROJECT_PATH_SLUG": "group-project", "CI_JOB_ID": "4711", "KUBERNETES_SERVICE_HOST": "10.100.0.1",
		"PATH": os.Getenv("PATH"), "HOME": filepath.Join(root, "home"), "TMPDIR": root, "TEST_ROOT": root,
	}
	check(t, os.Mkdir(p.env["HOME"], 0o755)) //nolint:gosec // so that it can
	// The test's own instruments, which the program has in it too.
	p.env["GORACE"], p.env["GOCOVERDIR"] = "atexit_sleep_ms=0", p.env["HOME"]
	return p
}

// Where Kubernetes and the webhook put a pod's files.
const (
	webhookFile = "var/run/secrets/eks.amazonaws.com/serviceaccount/token"
	agentFile   = "var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"
	podFile     = "var/run/secrets/kubernetes.io/serviceaccount/token"
	startedFile = "proc/1/environ"
)

// token mounts a projected token as the webhook does, and its variable.
func (p *place) token(t awsfake.PodToken) {
	p.t.Helper()
	token, err := p.cloud.Issuer().Mint(t)
	check(p.t, err)
	p.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = p.file(webhookFile, token)
}

// claims mounts a projected token that says other things.
func (p *place) claims(claims map[string]any) {
	p.t.Helper()
	token, err := p.cloud.Issuer().MintClaims(claims)
	check(p.t, err)
	p.file(webhookFile, token)
}

// ordinary mounts the token that every pod has.
func (p *place) ordinary(t awsfake.PodToken) {
	p.t.Helper()
	t.AutoMounted = true
	token, err := p.cloud.Issuer().Mint(t)
	check(p.t, err)
	p.file(podFile, token)
}

// bare takes away what the webhook gives: its variables and its token.
func (p *place) bare() {
	p.t.Helper()
	p.unset("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
	p.remove(webhookFile)
}

func (p *place) unset(names ...string) {
	for _, name := range names {
		delete(p.env, name)
	}
}

func (p *place) remove(name string) {
	p.t.Helper()
	if err := os.Remove(filepath.Join(p.root, name)); !errors.Is(err, fs.ErrNotExist) {
		check(p.t, err)
	}
}

// gitlab gives the job a GitLab ID token in place of what the webhook gives.
func (p *place) gitlab(t awsfake.JobToken) {
	p.t.Helper()
	p.bare()
	token, err := p.cloud.GitLab().MintJob(t)
	check(p.t, err)
	p.env["CI_AWS_ID_TOKEN"], p.env["CI_AWS_ROLE_ARN"] = token, awsfake.GitLabRole
}

// podIdentity gives the pod an association in place of what the webhook gives.
func (p *place) podIdentity(t awsfake.PodToken) {
	p.t.Helper()
	p.bare()
	t.Audience = cmp.Or(t.Audience, awsfake.PodIdentityAudience)
	token, err := p.cloud.Issuer().Mint(t)
	check(p.t, err)
	p.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = p.cloud.PodIdentityURL()
	p.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = p.file(agentFile, token)
}

// keys puts into the environment what `ci-aws env` printed in an earlier line of
// the same job.
func (p *place) keys(args ...string) {
	p.t.Helper()
	out, errs, code := p.run(append([]string{"env", "--format", "json"}, args...)...)
	var vars map[string]*string
	if err := json.Unmarshal([]byte(out), &vars); err != nil || code != 0 {
		p.t.Fatalf("env: %v, exit code %d\n%s", err, code, errs)
	}
	for name, value := range vars {
		delete(p.env, name)
		if value != nil {
			p.env[name] = *value
		}
	}
}

// ambient leaves the job nothing but keys.
func (p *place) ambient(args ...string) {
	p.t.Helper()
	p.keys(args...)
	p.bare()
	p.env["CI_AWS_SOURCE"] = "ambient"
}

// started is the environment that the container was started with: the one of
// now, but for what GitLab's script changed since.
func (p *place) started(before map[string]string) {
	p.t.Helper()
	var all []string
	for name, value := range p.env {
		if earlier, differs := before[name]; differs {
			value = earlier
		}
		if value != "" {
			all = append(all, name+"="+value)
		}
	}
	p.file(startedFile, strings.Join(all, "\x00"))
}

// file writes a file of the pod and gives its path.
func (p *place) file(name, content string) string {
	p.t.Helper()
	path := filepath.Join(p.root, name)
	check(p.t, os.MkdirAll(filepath.Dir(path), 0o755))     //nolint:gosec // another user has to get in
	check(p.t, os.WriteFile(path, []byte(content), 0o644)) //nolint:gosec // and to read it
	return path
}

// trust changes the job role's trust policy.
func (p *place) trust(from, to string) {
	p.t.Helper()
	policy := p.cloud.ClusterTrust().JSON()
	if !strings.Contains(policy, from) {
		p.t.Fatalf("no %q in the trust policy\n%s", from, policy)
	}
	check(p.t, p.cloud.SetTrust(awsfake.JobRole, strings.Replace(policy, from, to, 1)))
}

func (p *place) inject(f awsfake.Fault) {
	p.t.Helper()
	check(p.t, p.cloud.Inject(f))
}

// answer lets STS say to one action what no state of the cloud causes.
func (p *place) answer(action string, status int, body string) {
	p.t.Helper()
	p.inject(awsfake.Fault{Action: action, Status: status, Type: "text/xml", Body: body})
}

// refusal is an error as STS writes it.
func refusal(code, message string) string {
	return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message + "</Message></Error></ErrorResponse>"
}

// command is the program in the pod.
func (p *place) command(args ...string) *exec.Cmd {
	p.t.Helper()
	self, err := os.Executable()
	check(p.t, err)
	attr := &syscall.SysProcAttr{}
	if p.uid != 0 {
		self = p.entered(self)
		attr.Credential = &syscall.Credential{Uid: uint32(p.uid), Gid: uint32(p.uid)}
	}
	cmd := exec.CommandContext(p.t.Context(), self, args...)
	cmd.Args[0], cmd.Dir, cmd.SysProcAttr = "ci-aws", p.root, attr
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	slices.Sort(cmd.Env)
	return cmd
}

// entered is the program where another user can start it.
func (p *place) entered(self string) string {
	p.t.Helper()
	path := filepath.Join(p.root, "ci-aws")
	if err := os.Link(self, path); err == nil || errors.Is(err, fs.ErrExist) {
		return path
	}
	raw, err := os.ReadFile(self)
	check(p.t, err)
	check(p.t, os.WriteFile(path, raw, 0o755)) //nolint:gosec // it is a program
	return path
}

// interrupted puts a server in the place of STS that interrupts the program
// when it is called.
func (p *place) interrupted() {
	p.stop = make(chan struct{})
	p.env["AWS_ENDPOINT_URL_STS"] = "http://" + listen(p.t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			p.stop <- struct{}{}
			ignore(conn)
		}
	})
}

// run runs the program in the pod.
func (p *place) run(args ...string) (out, errs string, code int) {
	p.t.Helper()
	cmd := p.command(args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	check(p.t, cmd.Start())
	if p.stop != nil {
		<-p.stop
		check(p.t, cmd.Process.Signal(os.Interrupt))
	}
	err := cmd.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		p.t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// found is a finding as a command prints it in JSON.
type found struct {
	ID       string
	Status   report.Status
	Title    string
	Evidence []report.Value
	Cause    string
	Fix      string
	Where    []report.Place
	Doc      string
	Seconds  float64
}

// findings runs a command that checks.
func (p *place) findings(args ...string) ([]found, int) {
	p.t.Helper()
	out, errs, code := p.run(append(slices.Clone(args), "--output", "json")...)
	return p.parsed(out, errs), code
}

// both gives the findings and the text of one run of a command that checks.
func (p *place) both(args ...string) (all []found, text string, code int) {
	p.t.Helper()
	words := slices.IndexFunc(args, func(a string) bool {
		return !slices.Contains([]string{"doctor", "trust", "cache", "check", "smoke", "log", "read", "report", "refs"}, a)
	})
	if words < 0 {
		words = len(args)
	}
	file := filepath.Join(p.root, "home", "findings.json")
	if p.uid != 0 {
		check(p.t, os.Chmod(filepath.Dir(file), 0o777)) //nolint:gosec // so that the other user can write
	}
	text, errs, code := p.run(slices.Concat(args[:words], []string{"--output", "json", "--file", file}, args[words:])...)
	raw, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatalf("%v\n%s%s", err, text, errs)
	}
	return p.parsed(string(raw), errs), text, code
}

func (p *place) parsed(out, errs string) []found {
	p.t.Helper()
	var page struct{ Findings []found }
	if err := json.Unmarshal([]byte(out), &page); err != nil {
		p.t.Fatalf("%v\n%s%s", err, out, errs)
	}
	return page.Findings
}
