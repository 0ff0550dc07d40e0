package render

import (
	"fmt"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// olderChart reports whether the chart has no serviceAccount.* yet: it came with
// 0.66.0. https://gitlab.com/gitlab-org/charts/gitlab-runner/-/merge_requests/415
func (d Description) olderChart() bool {
	parts := strings.Split(d.ChartVersion.Text, ".")
	if len(parts) < 2 {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	return err == nil && parts[0] == "0" && minor < 66
}

// helmValues are the values of the chart gitlab-runner, without the runner's token.
func helmValues(d Description) string {
	var b strings.Builder
	fmt.Fprintf(&b, "gitlabUrl: %s\n", yamlText(d.GitLabURL.Text))
	account := yamlText(d.Runner.ServiceAccount.Text)
	fmt.Fprintf(&b, "rbac:\n  create: %t\n", d.byChart())
	if d.byChart() {
		b.WriteString("  rules:\n" + accessRules("    "))
	}
	switch {
	case d.olderChart() && d.byChart():
		fmt.Fprintf(&b, "  generatedServiceAccountName: %s\n  serviceAccountAnnotations:\n%s", account, annotations(d, d.Runner.Role.Text, "    "))
	case d.olderChart():
		fmt.Fprintf(&b, "  serviceAccountName: %s\n", account)
	default:
		fmt.Fprintf(&b, "serviceAccount:\n  create: %t\n  name: %s\n", d.byChart(), account)
		if d.byChart() {
			b.WriteString("  annotations:\n" + annotations(d, d.Runner.Role.Text, "    "))
		}
	}
	b.WriteString("runners:\n  config: |\n")
	for line := range strings.Lines(runnerConfig(d)) {
		b.WriteString("    " + line)
	}
	return b.String()
}

// runnerConfig is the configuration's part that ties job pods to their service
// account and the cache to its bucket. No key stands in it.
func runnerConfig(d Description) string {
	var b strings.Builder
	b.WriteString("[[runners]]\n  [runners.kubernetes]\n")
	fmt.Fprintf(&b, "    namespace = %s\n", tomlText(d.Namespace.Text))
	if accounts := d.accounts(); len(accounts) > 0 {
		b.WriteString(setting(runner.ServiceAccountLines(accounts[0])))
		b.WriteString(setting(runner.OverwriteLines(accounts...)))
	}
	if !d.hasCache() {
		return b.String()
	}
	c := d.Cache
	b.WriteString("  [runners.cache]\n    Type = \"s3\"\n")
	if c.Path.Known() {
		fmt.Fprintf(&b, "    Path = %s\n", tomlText(c.Path.Text))
	}
	fmt.Fprintf(&b, "    Shared = %s\n    [runners.cache.s3]\n", c.Shared.Text)
	fmt.Fprintf(&b, "      BucketName = %s\n      BucketLocation = %s\n", tomlText(c.Bucket.Text), tomlText(c.Region.Text))
	if c.KMSKey.Known() {
		fmt.Fprintf(&b, "      ServerSideEncryption = \"KMS\"\n      ServerSideEncryptionKeyID = %s\n", tomlText(c.KMSKey.Text))
	}
	if c.Role.Known() {
		b.WriteString("  " + setting(runner.RoleLines(d.roleARN(c.Role.Text))))
	}
	return b.String()
}

// setting is the last line of a snippet, which has its sections above it.
func setting(snippet string) string {
	lines := strings.Split(strings.TrimSuffix(snippet, "\n"), "\n")
	return lines[len(lines)-1] + "\n"
}

func tomlText(s string) string {
	return report.QuotedString(s, func(rune, string) (string, bool) { return "", false })
}
