package refs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/render"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// described is what ci-aws render makes of a description.
func described(t testing.TB, yaml string) map[string]string {
	t.Helper()
	d, err := render.Read("ci-aws.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	if d, err = d.Complete(); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range render.Files(d, "ci-aws.yaml") {
		files[f.Path] = f.Text
	}
	return files
}

const renderedBase = `account: "123456789012"
region: eu-central-1
issuer: https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF
namespace: gitlab
cache: {bucket: my-super-duper-gitlab-runner-cache, path: runners-all, shared: true}
fleets: [[fargate-small], [cluster, kubernetes]]
`

// descriptions are set-ups that ci-aws render writes, by what is particular of them.
func descriptions() map[string]string {
	const (
		jobs   = "jobs:\n  - {service-account: gitlab-jobs, role: k8s-irsa-gitlab-jobs, policy-arns: [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]}\n"
		runner = "runner: {service-account: gitlab-runner-common, role: k8s-irsa-gitlab-runner-common}\n"
	)
	return map[string]string{
		"one job account":     renderedBase + runner + jobs,
		"made by the chart":   renderedBase + "runner: {service-account: gitlab-runner-common, role: k8s-irsa-gitlab-runner-common, made-by: chart}\n" + jobs,
		"an older chart":      renderedBase + "chart-version: \"0.60.0\"\n" + runner + jobs,
		"another audience":    renderedBase + "audience: sts.example.com\n" + runner + jobs,
		"a role of the cache": strings.Replace(renderedBase, "shared: true", "shared: true, role: k8s-irsa-gitlab-cache", 1) + runner + jobs,
		"no path":             strings.Replace(renderedBase, "path: runners-all, ", "", 1) + runner + jobs,
		"two job accounts":    renderedBase + runner + jobs + "  - {service-account: deploy-jobs, role: k8s-irsa-deploy}\n",
	}
}

func bad(r Result) []string {
	var all []string
	for _, f := range r.Report.Findings() {
		if f.Bad() || f.Status == report.Warn {
			all = append(all, fmt.Sprintf("%s %s: %s", f.Status, f.ID, f.Cause))
		}
	}
	return all
}

func TestWhatRenderWritesPasses(t *testing.T) {
	for name, yaml := range descriptions() {
		t.Run(name, func(t *testing.T) {
			said := slices.DeleteFunc(bad(Check(setOf(t, described(t, yaml)), Options{})), func(s string) bool { return strings.HasPrefix(s, "warn refs-chart: ") })
			if len(said) > 0 {
				t.Error(strings.Join(said, "\n"))
			}
		})
	}
}

// TestEverySingleChangeOfWhatRenderWritesIsFound does the same with what ci-aws
// render writes.
func TestEverySingleChangeOfWhatRenderWritesIsFound(t *testing.T) {
	counts := map[string]*tally{}
	values := append(referenceValues(), "deploy-jobs", "k8s-irsa-deploy", "k8s-irsa-gitlab-cache", "sts.example.com", "runners-all")
	for _, yaml := range descriptions() {
		hunt(t, described(t, yaml), values, counts)
	}
	table(t, counts)
}

// generated is a description of which everything that can differ is drawn by lot.
func generated(r *rand.Rand) (yaml string, quiet bool) {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
		}
		return "x" + string(b)
	}
	region, host := pick("eu-central-1", "us-east-1", "ap-southeast-2"), "amazonaws.com"
	switch r.IntN(5) {
	case 0:
		region, host = "cn-north-1", "amazonaws.com.cn"
	case 1:
		region = "us-gov-west-1"
	}
	var b strings.Builder
	quiet = true
	fmt.Fprintf(&b, "account: \"%012d\"\nregion: %s\nissuer: https://oidc.eks.%s.%s/id/%032X\n", r.Int64N(1e12), region, region, host, r.Uint64())
	fmt.Fprintf(&b, "namespace: %s\n", word(1+r.IntN(12)))
	if r.IntN(4) == 0 {
		fmt.Fprintf(&b, "audience: %s.example.com\n", word(5))
	}
	if r.IntN(4) == 0 {
		b.WriteString("chart-version: \"0.60.0\"\n")
		quiet = false // its keys are those that newer charts warn of
	}
	runner := word(8 + r.IntN(8))
	fmt.Fprintf(&b, "runner: {service-account: %s, role: %s, made-by: %s}\n", runner, pick("Role-"+word(9), "k8s-irsa-"+runner), pick("manifest", "chart"))
	if n := r.IntN(5); n > 0 {
		b.WriteString("jobs:\n")
		for i := range n {
			fmt.Fprintf(&b, "  - {service-account: %s-%d, role: %s}\n", word(6+r.IntN(9)), i, "r"+word(10))
		}
	}
	if r.IntN(6) > 0 {
		fmt.Fprintf(&b, "cache:\n  bucket: %s\n  shared: %s\n", word(8+r.IntN(30)), pick("true", "false"))
		if r.IntN(2) == 0 {
			fmt.Fprintf(&b, "  path: %s\n", pick("runners-all", "a/b", word(5)))
		}
		if r.IntN(4) == 0 {
			fmt.Fprintf(&b, "  role: c%s\n", word(9))
		}
		if host == "amazonaws.com" && !strings.HasPrefix(region, "us-gov") && r.IntN(5) == 0 {
			b.WriteString("  region: eu-west-3\n")
		}
	}
	if r.IntN(2) == 0 {
		b.WriteString("fleets: [[fargate-small], [cluster, kubernetes]]\n")
	}
	return b.String(), quiet
}

// TestWhatRenderWritesOfAnyDescriptionPasses draws 200 descriptions.
func TestWhatRenderWritesOfAnyDescriptionPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same lots each time
	for i := range 200 {
		yaml, quiet := generated(r)
		result := Check(setOf(t, described(t, yaml)), Options{})
		if v := result.Report.Verdict(); v != report.OK || quiet && bad(result) != nil {
			t.Errorf("description %d: %s\n%s\n%s", i, v, strings.Join(bad(result), "\n"), yaml)
		}
	}
}
