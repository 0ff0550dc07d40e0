package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// partition is a part of AWS with a cluster in it.
type partition struct {
	name, region, sts, issuer string
	cloud                     *awsfake.Cloud
}

// partitions are those of AWS, each with a cloud in which everything works.
func partitions(t *testing.T) []partition {
	t.Helper()
	const id = "/id/0123456789ABCDEF0123456789ABCDEF"
	all := []partition{
		{name: "aws", region: "eu-central-1", sts: "sts.eu-central-1.amazonaws.com", issuer: "https://oidc.eks.eu-central-1.amazonaws.com" + id},
		{name: "aws-cn", region: "cn-north-1", sts: "sts.cn-north-1.amazonaws.com.cn", issuer: "https://oidc.eks.cn-north-1.amazonaws.com.cn" + id},
		{name: "aws-us-gov", region: "us-gov-west-1", sts: "sts.us-gov-west-1.amazonaws.com", issuer: "https://oidc.eks.us-gov-west-1.amazonaws.com" + id},
	}
	for i := range all {
		all[i].start(t)
	}
	return all
}

// start gives the partition the reference set-up, in its own names.
func (n *partition) start(t *testing.T) {
	t.Helper()
	cloud, err := awsfake.Start(awsfake.Config{Region: n.region, Issuer: n.issuer})
	check(t, err)
	t.Cleanup(cloud.Close)
	n.cloud = cloud
	cloud.AddProvider(awsfake.Account, n.issuer, awsfake.STSAudience)
	cloud.AddProvider(awsfake.Account, awsfake.GitLabIssuer, awsfake.GitLabIssuer)
	cloud.Associate(awsfake.Namespace, awsfake.ServiceAccount, n.of(awsfake.PodRole))
	for arn, trust := range map[string]string{
		awsfake.JobRole: n.trust(cloud.ClusterTrust()), awsfake.GitLabRole: n.trust(cloud.GitLabTrust()),
		awsfake.PodRole: `{"Statement": [{"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]}`,
	} {
		check(t, cloud.AddRole(awsfake.Role{ARN: n.of(arn), Trust: trust, Policies: []string{n.of(awsfake.BucketPolicy)}}))
	}
	check(t, cloud.AddBucket(awsfake.BucketSpec{Name: awsfake.Bucket, Region: n.region, Account: awsfake.Account}))
}

// of is a text with ARNs of the reference set-up, in this partition.
func (n *partition) of(text string) string {
	return strings.ReplaceAll(text, "arn:aws:", "arn:"+n.name+":")
}

func (n *partition) trust(t iam.Trust) string {
	t.Partition = n.name
	return t.JSON()
}

// source is where a job's identity comes from.
type source struct {
	name string
	role string // its ARN in partition aws
	give func(*place, *partition)
}

func sources() []source {
	irsa := func(p *place, n *partition) {
		p.env["AWS_ROLE_ARN"] = n.of(awsfake.JobRole)
		p.token(awsfake.PodToken{})
	}
	return []source{
		{"irsa", awsfake.JobRole, irsa},
		{"gitlab", awsfake.GitLabRole, func(p *place, n *partition) {
			p.gitlab(awsfake.JobToken{})
			p.env["CI_AWS_ROLE_ARN"], p.env["AWS_REGION"] = n.of(awsfake.GitLabRole), n.region
		}},
		{"pod-identity", awsfake.PodRole, func(p *place, n *partition) {
			p.podIdentity(awsfake.PodToken{})
			p.env["AWS_REGION"] = n.region
		}},
		{"ambient", awsfake.JobRole, func(p *place, n *partition) {
			irsa(p, n)
			p.ambient()
			p.env["AWS_REGION"] = n.region
		}},
	}
}

// harmless is a set of variables and flags that breaks nothing.
type harmless struct {
	name string
	env  []string
	add  func(p *place, s source, n *partition) []string // gives flags
}

func harmlessSets() []harmless {
	return []harmless{
		{name: "nothing more"},
		{name: "GitLab's own", env: []string{
			"GITLAB_CI=true", "CI=true", "CI_PROJECT_PATH=group/project", "CI_COMMIT_REF_NAME=feature/foo", "CI_JOB_TOKEN=glcbt-64_abcdefghijklmnopqrst",
			"CI_RUNNER_TAGS=[\"eks\"]", "CI_SERVER_URL=https://gitlab.example.com", "CI_API_V4_URL=https://gitlab.example.com/api/v4",
		}},
		{name: "GitLab's templates", env: []string{
			"CI_AWS_ECS_CLUSTER=a", "CI_AWS_ECS_SERVICE=b", "CI_AWS_ECS_TASK_DEFINITION=c", "CI_AWS_CF_CREATE_STACK_FILE=d", "CI_AWS_CF_STACK_NAME=e", "CI_AWS_S3_PUSH_FILE=f",
		}},
		{name: "the default region", add: func(p *place, _ source, n *partition) []string {
			p.env["AWS_DEFAULT_REGION"] = n.region
			return nil
		}},
		{name: "what the webhook sets beside", env: []string{"AWS_STS_REGIONAL_ENDPOINTS=regional"}, add: func(p *place, _ source, n *partition) []string {
			p.env["AWS_DEFAULT_REGION"], p.env["AWS_REGION"] = n.region, n.region
			return nil
		}},
		{name: "the SDK's settings", env: []string{"AWS_MAX_ATTEMPTS=7", "AWS_RETRY_MODE=standard", "AWS_SDK_UA_APP_ID=team", "AWS_SDK_LOAD_CONFIG=1", "AWS_USE_FIPS_ENDPOINT=false"}},
		{name: "adaptive retries", env: []string{"AWS_RETRY_MODE=adaptive"}},
		{name: "the CLI's settings", env: []string{"AWS_PAGER=", "AWS_CLI_AUTO_PROMPT=off", "AWS_DEFAULT_OUTPUT=json"}},
		{name: "keys that ci-aws env printed", add: func(p *place, s source, _ *partition) []string {
			if s.name != "ambient" { // which has them
				p.keys()
			}
			return nil
		}},
		{name: "NO_PROXY", env: []string{"NO_PROXY=169.254.169.254,169.254.170.23,[fd00:ec2::23],10.0.0.0/8,.svc,.cluster.local", "no_proxy=169.254.170.23"}},
		{name: "Kubernetes' own", env: []string{"KUBERNETES_SERVICE_PORT=443", "KUBERNETES_PORT=tcp://10.100.0.1:443", "KUBERNETES_CPU_REQUEST=1", "KUBERNETES_NAMESPACE_OVERWRITE=gitlab"}},
		{name: "a profile that is there", add: func(p *place, s source, n *partition) []string {
			if s.name == "irsa" { // whose web identity outranks it
				return nil
			}
			p.env["AWS_PROFILE"], p.env["AWS_CONFIG_FILE"] = "ci", p.file("home/config", "[profile ci]\nregion = "+n.region+"\n")
			return nil
		}},
		{name: "names that nobody knows", env: []string{"CI_AWS_SOMETHING=x", "AWS_TEAM=platform", "AWS_LAMBDA_FUNCTION=deploy"}},
		{name: "the container's environment is the job's", add: func(p *place, _ source, _ *partition) []string {
			p.started(nil)
			return nil
		}},
		{name: "expectations that hold", add: func(p *place, s source, _ *partition) []string {
			p.ordinary(awsfake.PodToken{})
			name := s.role[strings.LastIndexByte(s.role, '/')+1:]
			return []string{"--expect-role", name, "--expect-account", awsfake.Account, "--expect-service-account", "gitlab/gitlab-jobs"}
		}},
		{name: "a service account that the job expected, and got", env: []string{"KUBERNETES_SERVICE_ACCOUNT_OVERWRITE=gitlab-jobs", "CI_AWS_EXPECT_SERVICE_ACCOUNT=gitlab-jobs"}, add: func(p *place, _ source, _ *partition) []string {
			p.ordinary(awsfake.PodToken{})
			return nil
		}},
		{name: "a service account that the job asked for, and got", env: []string{"KUBERNETES_SERVICE_ACCOUNT_OVERWRITE=gitlab-jobs"}, add: func(p *place, _ source, _ *partition) []string {
			p.ordinary(awsfake.PodToken{})
			return nil
		}},
		{name: "a shell that ci-aws env --isolate left its keys alone", add: func(p *place, s source, _ *partition) []string {
			if s.name == "irsa" { // where it takes the role away
				p.started(nil)
				p.keys("--isolate")
			}
			return nil
		}},
		{name: "the whole ARN is expected", add: func(_ *place, s source, n *partition) []string { return []string{"--expect-role", n.of(s.role)} }},
		{name: "accounts that are allowed", env: []string{"CI_AWS_ALLOWED_ACCOUNT=210987654321," + awsfake.Account}},
		{name: "a bucket that can be read", add: func(_ *place, _ source, _ *partition) []string {
			return []string{"--bucket", awsfake.Bucket, "--prefix", "cache"}
		}},
		{name: "the runner's configuration", add: func(p *place, _ source, n *partition) []string {
			p.config("eu-central-1", n.region)
			return []string{"--config", "config.toml"}
		}},
	}
}

// harmlessEach is how many sets each combination of the rest gets; the next one
// gets the next sets, so that each set meets every source, partition, user and
// endpoint.
const harmlessEach = 5

// TestNothingIsWrongWithAHealthySetUp goes through sources, partitions, users,
// endpoints and harmless variables: no finding fails, warns or is unknown.
func TestNothingIsWrongWithAHealthySetUp(t *testing.T) {
	clouds, sets := partitions(t), harmlessSets()
	users, met := []string{"root", "another user"}, map[[2]string]bool{}
	if os.Getuid() != 0 {
		users = users[1:]
		t.Log("not root: every set-up runs as the user of the test")
	}
	runs := 0
	for _, s := range sources() {
		for c := range clouds {
			n := &clouds[c]
			for _, user := range users {
				for _, endpoint := range []string{"loopback", "AWS's own"} {
					for range harmlessEach {
						set := sets[runs%len(sets)]
						runs++
						for _, with := range []string{s.name, n.name, user, endpoint} {
							met[[2]string{set.name, with}] = true
						}
						t.Run(strings.Join([]string{s.name, n.name, user, endpoint, set.name}, "/"), func(t *testing.T) {
							t.Parallel()
							p := podIn(t, n.cloud)
							if endpoint != "loopback" {
								p.network(network{host: n.sts})
							}
							if user != "root" && os.Getuid() == 0 {
								p.uid = 1000
							}
							p.healthy(s, n, set)
						})
					}
				}
			}
		}
	}
	t.Logf("%d healthy set-ups", runs)
	for _, set := range sets {
		for _, with := range slices.Concat([]string{"irsa", "gitlab", "pod-identity", "ambient", "aws", "aws-cn", "aws-us-gov", "loopback", "AWS's own"}, users) {
			if !met[[2]string{set.name, with}] {
				t.Errorf("%s was not tried with %s", set.name, with)
			}
		}
	}
}

func (p *place) healthy(s source, n *partition, set harmless) {
	p.t.Helper()
	s.give(p, n)
	for _, v := range set.env {
		name, value, _ := strings.Cut(v, "=")
		p.env[name] = value
	}
	args := []string{"doctor"}
	if set.add != nil {
		args = append(args, set.add(p, s, n)...)
	}
	all, code := p.findings(args...)
	for _, f := range all {
		if f.Status == report.Fail || f.Status == report.Warn || f.Status == report.Unknown || f.Status == report.Skip {
			p.t.Errorf("%s %s: %s\n%s", f.Status, f.ID, f.Cause, f.Fix)
		}
	}
	if code != 0 || len(all) < 10 {
		p.t.Errorf("exit code %d after %d findings", code, len(all))
	}
}

// TestATokenIsReadThroughItsLinks: the kubelet mounts a link to a link.
func TestATokenIsReadThroughItsLinks(t *testing.T) {
	t.Parallel()
	p := newPlace(t, awsfake.Config{})
	path := filepath.Join(p.root, webhookFile)
	check(t, os.MkdirAll(filepath.Join(filepath.Dir(path), "..2026_11_23"), 0o755)) //nolint:gosec // as the kubelet has it
	check(t, os.Rename(path, filepath.Join(filepath.Dir(path), "..2026_11_23", "token")))
	check(t, os.Symlink("..2026_11_23", filepath.Join(filepath.Dir(path), "..data")))
	check(t, os.Symlink("..data/token", path))
	all, code := p.findings("doctor")
	if f, bad := firstBad(all); bad || code != 0 {
		t.Errorf("exit code %d, %s: %s", code, f.ID, f.Cause)
	}
}
