package doctor

import (
	"cmp"
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
		if !e.o.AsRunner || e.accountConfirmed() {
			return e.annotation("")
		}
		return nil
	case "no-provider":
		if trust, ok := e.id.Trust(); ok {
			return []report.Snippet{{For: "the command that makes the provider, in account " + trust.Account, Text: trust.ProviderCommand()}}
		}
	case "default-service-account":
		if e.o.AsRunner {
			return nil
		}
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

// Placeholders of names that nobody in the pod knows. None is one that AWS or
// Kubernetes would take.
const (
	placeholderAccountID = "ACCOUNT"
	placeholderRole      = "ROLE"
)

// annotation is the line that gives the pod's service account its role: the one
// that was expected, or the one that the environment names.
func (e *exam) annotation(role string) []report.Snippet {
	namespace, name, ok := strings.Cut(e.id.Who().Text, "/")
	if !ok {
		return nil
	}
	return []report.Snippet{{For: "the annotation of the service account", Text: runner.AnnotateCommand(namespace, name, e.arnOf(role))}}
}

// arnOf makes the ARN of a role that was told by its name or not at all, of what
// the pod knows.
func (e *exam) arnOf(role string) string {
	known, _ := iam.ParseRoleARN(e.id.Role.Or(e.job.Value("AWS_ROLE_ARN")).Text)
	role = cmp.Or(role, e.o.Expect.Role.Text)
	if strings.HasPrefix(role, "arn:") {
		return role
	}
	arn := iam.RoleARN{
		Partition: cmp.Or(known.Partition, iam.PartitionOfRegion(e.id.Region.Text), "aws"),
		Account:   cmp.Or(e.o.Expect.Account.Text, known.Account, placeholderAccountID),
		Path:      known.Path, Name: cmp.Or(known.Name, placeholderRole),
	}
	if role = strings.TrimPrefix(role, "role/"); role != "" {
		cut := strings.LastIndex(role, "/")
		arn.Path, arn.Name = "/"+role[:cut+1], role[cut+1:]
	}
	return arn.String()
}

// accountSnippets are the lines of config.toml that give job pods a service
// account, or that let a job ask for it.
func accountSnippets(name string, overwritten bool) []report.Snippet {
	if name == "" {
		name = runner.Placeholder
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
