package runner

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Placeholder stands for a service account that nothing names. Kubernetes would
// not take it.
const Placeholder = "SERVICE-ACCOUNT"

// ServiceAccountLines gives job pods a service account.
func ServiceAccountLines(account string) string {
	return kubernetesLines("service_account = " + tomlString(account))
}

// OverwriteLines lets jobs choose one of these service accounts, and no other,
// by KUBERNETES_SERVICE_ACCOUNT_OVERWRITE.
func OverwriteLines(accounts ...string) string {
	var names []string
	for _, a := range accounts {
		names = append(names, regexp.QuoteMeta(a))
	}
	list := strings.Join(names, "|")
	if len(names) > 1 {
		list = "(" + list + ")"
	}
	return kubernetesLines("service_account_overwrite_allowed = " + tomlString("^"+list+"$"))
}

// FSGroupLines lets processes that are not root read the mounted token.
func FSGroupLines(gid int64) string {
	return "[[runners]]\n  [runners.kubernetes.pod_security_context]\n    fs_group = " + strconv.FormatInt(gid, 10) + "\n"
}

// RoleLines gives the cache of a runner a role.
func RoleLines(roleARN string) string {
	return "[[runners]]\n  [runners.cache.s3]\n    RoleARN = " + tomlString(roleARN) + "\n"
}

// AnnotateCommand ties a service account to a role. Characters that do not print
// are escaped, so that a terminal obeys none.
func AnnotateCommand(namespace, account, roleARN string) string {
	// TYPE/NAME: a name that starts with a dash is no flag.
	return fmt.Sprintf("kubectl annotate --overwrite --namespace=%s %s %s",
		report.ShellWord(namespace), report.ShellWord("serviceaccount/"+account), report.ShellWord("eks.amazonaws.com/role-arn="+roleARN))
}

func kubernetesLines(line string) string {
	return "[[runners]]\n  [runners.kubernetes]\n    " + line + "\n"
}

// tomlString writes s as a basic string in printable characters only. Bytes that
// are not UTF-8, which TOML cannot hold, become U+FFFD.
// https://toml.io/en/v1.0.0#string
func tomlString(s string) string {
	return report.QuotedString(s, func(rune, string) (string, bool) { return "", false })
}
