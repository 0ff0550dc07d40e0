package doctor

import (
	"os"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// paste is what mends a case of package identity, ready to be put in place.
func (e *exam) paste(kase string, have []report.Snippet) []report.Snippet {
	switch kase {
	case "trust-denied":
		if trust, ok := e.id.Trust(); ok {
			return trustSnippets(trust)
		}
	case "no-identity", "irsa-missing", "role-missing":
		return e.annotation("")
	case "default-service-account":
		asked := e.job.Get(overwrite)
		return accountSnippets(asked, asked != "")
	case "token-permission":
		return []report.Snippet{{For: "config.toml of the runner", Text: runner.FSGroupLines(group())}}
	}
	return have
}

func trustSnippets(t iam.Trust) []report.Snippet {
	return []report.Snippet{
		{For: "the trust policy, as JSON", Text: t.JSON()},
		{For: "the same for Terraform", Text: t.Terraform()},
	}
}

// placeholder stands for a name that nobody in the pod knows.
const (
	placeholderRole    = "arn:aws:iam::123456789012:role/ROLE"
	placeholderAccount = "SERVICE-ACCOUNT"
)

// annotation is the line that gives the pod's service account its role. Of the
// role it takes what was expected, else what the environment names.
func (e *exam) annotation(role string) []report.Snippet {
	who := e.id.Who()
	namespace, name, ok := strings.Cut(who.Text, "/")
	if !ok {
		return nil
	}
	if !strings.HasPrefix(role, "arn:") {
		role = placeholderRole
		if v := e.o.Expect.Role.Or(e.id.Role).Or(e.job.Value("AWS_ROLE_ARN")); strings.HasPrefix(v.Text, "arn:") {
			role = v.Text
		}
	}
	return []report.Snippet{{For: "the annotation of the service account", Text: runner.AnnotateCommand(namespace, name, role)}}
}

// accountSnippets are the lines of config.toml that give job pods a service
// account, or that let a job ask for it.
func accountSnippets(name string, overwritten bool) []report.Snippet {
	if name == "" {
		name = placeholderAccount
	}
	text := runner.ServiceAccountLines(name)
	if overwritten {
		text = runner.OverwriteLines(name)
	}
	return []report.Snippet{{For: "config.toml of the runner", Text: text}}
}

// group is a group that the token's file can be given: the process's own where
// it is not root's.
func group() int64 {
	for _, id := range []int{os.Getgid(), os.Getuid()} {
		if id > 0 {
			return int64(id)
		}
	}
	return 1000
}
