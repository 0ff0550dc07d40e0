package cli_test

import (
	"os"
	"path/filepath"
	"strings"
)

// refsFiles writes the files of a set-up of internal/refs below setup/, each change
// being a file, an old text and a new one. A file without an old text is new.
func (p *place) refsFiles(from string, changes ...string) {
	p.t.Helper()
	dir := filepath.Join("..", "refs", "testdata", from)
	all, err := os.ReadDir(dir)
	check(p.t, err)
	for _, f := range all {
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		check(p.t, err)
		text := string(raw)
		for i := 0; i+2 < len(changes); i += 3 {
			if changes[i] != f.Name() {
				continue
			}
			if !strings.Contains(text, changes[i+1]) {
				p.t.Fatalf("no %q in %s", changes[i+1], f.Name())
			}
			text = strings.ReplaceAll(text, changes[i+1], changes[i+2])
		}
		p.file("setup/"+f.Name(), text)
	}
	for i := 0; i+2 < len(changes); i += 3 {
		if changes[i+1] == "" {
			p.file("setup/"+changes[i], changes[i+2])
		}
	}
}

// refsSetups are broken between files.
func refsSetups() []setup {
	change := func(changes ...string) func(*place) { return func(p *place) { p.refsFiles("jobs", changes...) } }
	const (
		jobs, role, values, ci, kube = "jobs.yaml", "jobs-role.json", "values.yaml", ".gitlab-ci.yml", "runner.yaml"
		issuer                       = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
		second                       = `    [[runners]]
      name = "eks-2"
      executor = "kubernetes"
      [runners.kubernetes]
        namespace = "gitlab"
        service_account = "gitlab-jobs"
      [runners.cache]
        Type = "s3"
        Path = "runners"
        Shared = true
        [runners.cache.s3]
          BucketName = "my-super-duper-gitlab-runner-cache"
          BucketLocation = "eu-central-1"
`
	)
	rows := []setup{
		{kase: "refs-broken", name: "a brace is missing", edit: change("bad.json", "", `{"Version": "2012-10-17", "Statement": [`), lead: "correct the file"},
		{kase: "refs-refused", name: "a policy with an element that IAM does not know", edit: change(role, `"Effect": "Allow"`, `"Efect": "Allow"`), lead: "correct the file"},
		{kase: "refs-duplicate", name: "a key twice", edit: change(jobs, "  name: gitlab-jobs\n", "  name: gitlab-jobs\n  name: gitlab-jobs\n"), lead: "remove one of the two"},
		{kase: "refs-not-evaluated", name: "the description beside what it makes", edit: change("ci-aws.yaml", "", "runner: {service-account: gitlab-runner, role: r}\n"), lead: "ci-aws render --output-dir"},
		{kase: "refs-templates", name: "a chart's templates", edit: change("t.yaml", "", "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  namespace: \"{{ .Release.Namespace }}\"\n"), lead: "helm template"},
		{kase: "refs-terraform", name: "Terraform's own language", edit: change("main.tf", "", "resource \"aws_iam_role\" \"jobs\" {}\n"), lead: "terraform show -json"},
		{kase: "refs-nothing", name: "a folder of something else", args: []string{"refs", "other"}, edit: func(p *place) { p.file("other/notes.yaml", "a: b\n") }, lead: "trust policies"},
		{kase: "refs-annotation-key", name: "role for role-arn", edit: change(jobs, "/role-arn:", "/role:"), lead: "rename the annotation", fix: []string{"+    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs"}},
		{kase: "refs-account-name", name: "a letter too few in the trust policy", edit: change(role, ":gitlab:gitlab-jobs", ":gitlab:gitlab-job"), lead: `write "gitlab-jobs" in setup/jobs-role.json:18:`, fix: []string{"+                            \"" + issuer + `:sub": "system:serviceaccount:gitlab:gitlab-jobs"`}},
		{kase: "refs-account-name", name: "another name in the runner's configuration", edit: change(values, `service_account = "gitlab-jobs"`, `service_account = "gitlab-jbos"`), lead: `write "gitlab-jobs" in setup/values.yaml:14:`, fix: []string{`+        service_account = "gitlab-jobs"`}},
		{kase: "refs-account-namespace", name: "another namespace in the trust policy", edit: change(role, ":gitlab:gitlab-jobs", ":default:gitlab-jobs"), lead: `write "gitlab" in setup/jobs-role.json:18:`, fix: []string{"system:serviceaccount:gitlab:gitlab-jobs"}},
		{kase: "refs-account-missing", name: "a service account that is nowhere", edit: change(values, `service_account = "gitlab-jobs"`, `service_account = "builders"`), lead: `write one of those in setup/values.yaml:14:`},
		{kase: "refs-namespace-apart", name: "job pods in another namespace than the chart's account", edit: func(p *place) { p.refsFiles("short", values, `namespace = "gitlab"`, `namespace = "builds"`) }, lead: "bind the manager's service account in"},
		{kase: "refs-binding-role", name: "a letter too many in roleRef", edit: change(kube, "kind: Role\n  name: gitlab-runner-common", "kind: Role\n  name: gitlab-runners-common"), lead: `write "gitlab-runner-common" in setup/runner.yaml:28:`},
		{kase: "refs-binding-namespace", name: "the Role in another namespace", edit: change(kube, "kind: Role\nmetadata:\n  name: gitlab-runner-common\n  namespace: gitlab", "kind: Role\nmetadata:\n  name: gitlab-runner-common\n  namespace: default"), lead: `write "gitlab" in setup/runner.yaml:14:`},
		{kase: "refs-binding-elsewhere", name: "bound in another namespace than jobs run in", edit: func(p *place) { p.refsFiles("long", values, `namespace = "gitlab"`, `namespace = "builds"`) }, lead: "make the Role and the RoleBinding in"},
		{kase: "refs-arn-malformed", name: "an account of eleven digits", edit: change(jobs, "123456789012", "12345678901"), lead: "arn:aws:iam::123456789012:role/NAME"},
		{kase: "refs-role-name", name: "a letter too few in the annotation", edit: change(jobs, "role/k8s-irsa-gitlab-jobs", "role/k8s-irsa-gitlab-job"), lead: `write "k8s-irsa-gitlab-jobs" in setup/jobs.yaml:7:`, fix: []string{"+    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs"}},
		{kase: "refs-role-name", name: "the annotation as people rename it", edit: change(jobs, "role/k8s-irsa-gitlab-jobs", "role/ci-jobs"), lead: `write "k8s-irsa-gitlab-jobs" in setup/jobs.yaml:7:`},
		{kase: "refs-role-missing", name: "a pipeline that asks for another role", edit: change(ci, "role/k8s-irsa-gitlab-jobs", "role/deployer"), lead: "give the role document of"},
		{kase: "refs-role-path", name: "the path is missing", edit: change(role, ":role/k8s", ":role/ci/k8s"), lead: `write "/ci/k8s-irsa-gitlab-jobs" in`},
		{kase: "refs-not-trusted", name: "the roles of manager and jobs are swapped", edit: change(jobs, "k8s-irsa-gitlab-jobs", "k8s-irsa-gitlab-runner-common", kube, "role/k8s-irsa-gitlab-runner-common", "role/k8s-irsa-gitlab-jobs", ci, "k8s-irsa-gitlab-jobs", "k8s-irsa-gitlab-runner-common"), lead: "name the role"},
		{kase: "refs-not-annotated", name: "no annotation", edit: change(jobs, "  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs\n", ""), lead: "eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs"},
		{kase: "refs-trusted-more", name: "a role trusts one account more", edit: change(role, "\"system:serviceaccount:gitlab:gitlab-jobs\"", "[\"system:serviceaccount:gitlab:gitlab-jobs\", \"system:serviceaccount:gitlab:deploy\"]", "deploy.yaml", "", "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: deploy\n  namespace: gitlab\n"), lead: "take the service account out"},
		{kase: "refs-trust-copied", name: "sub was copied from the runner's policy", edit: change(role, ":gitlab:gitlab-jobs", ":gitlab:gitlab-runner-common"), lead: `write "gitlab-jobs" for the service account in sub in setup/jobs-role.json:18:`, fix: []string{"system:serviceaccount:gitlab:gitlab-jobs"}},
		{kase: "refs-audience-differs", name: "a letter too few in aud", edit: change(role, `"sts.amazonaws.com"`, `"sts.amazonaws.co"`), lead: `write "sts.amazonaws.com" in setup/jobs-role.json:17:`, fix: []string{`:aud": "sts.amazonaws.com"`}},
		{kase: "refs-cache-assume", name: "RoleARN is another than the manager may assume", edit: change(values, `ServerAddress = ""`, `RoleARN = "arn:aws:iam::123456789012:role/runner-cache"`, "runner-policy.json", `"Action": "s3:ListBucket"`, `"Action": "sts:AssumeRole"`, "runner-policy.json", `"arn:aws:s3:::my-super-duper-gitlab-runner-cache"`, `"arn:aws:iam::123456789012:role/cache-access"`), lead: `write "cache-access" in`},
		{kase: "refs-issuer-differs", name: "a key of another cluster", edit: change(role, issuer+":sub", strings.Replace(issuer, "0123", "3210", 1)+":sub"), lead: "write \"" + issuer + "\" in setup/jobs-role.json:18:"},
		{kase: "refs-account-differs", name: "the role's ARN was copied from another account", edit: change(jobs, "123456789012", "210987654321"), lead: `write "123456789012" in setup/jobs.yaml:7:`, fix: []string{"+    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs"}},
		{kase: "refs-partition-differs", name: "the ARN of China", edit: change(jobs, "arn:aws:", "arn:aws-cn:"), lead: `write "aws" in setup/jobs.yaml:7:`},
		{kase: "refs-jobs-swapped", name: "jobs run as the manager", edit: change(values, `service_account = "gitlab-jobs"`, `service_account = "gitlab-runner-common"`, values, "        service_account_overwrite_allowed = \"^gitlab-jobs$\"\n", "", ci, "variables:\n  KUBERNETES_SERVICE_ACCOUNT_OVERWRITE: gitlab-jobs\n", "", jobs, "serviceAccountName: gitlab-jobs", "serviceAccountName: default"), check: "refs-jobs-account", lead: `write "gitlab-jobs" in setup/values.yaml:14:`},
		{kase: "refs-manager-swapped", name: "the manager runs as jobs", edit: change(values, "  name: gitlab-runner-common", "  name: gitlab-jobs"), check: "refs-jobs-account", lead: `write "gitlab-runner-common" in setup/values.yaml:6:`, fix: []string{"+  name: gitlab-runner-common"}},
		{kase: "refs-accounts-mixed", name: "one account for both, and nothing says which the other is", edit: func(p *place) {
			p.refsFiles("jobs", values, "  name: gitlab-runner-common", "  name: gitlab-jobs", values, "service_account_overwrite_allowed = \"^gitlab-jobs$\"", "")
			p.remove("setup/runner.yaml")
			p.remove("setup/runner-policy.json")
			p.file("setup/other.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: gitlab-runner-common\n  namespace: gitlab\n  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-runner-common\n")
		}, check: "refs-jobs-account", lead: `write "gitlab-runner-common" in`},
		{kase: "refs-jobs-as-manager", name: "one service account for both", edit: func(p *place) {
			p.refsFiles("long", values, "        namespace = \"gitlab\"\n", "        namespace = \"gitlab\"\n        service_account = \"gitlab-runner-common\"\n")
		}, lead: "make a service account for jobs"},
		{kase: "refs-chart-removed", name: "the jobs' account as a key of the chart", edit: change(values, "runners:\n", "runners:\n  serviceAccountName: gitlab-jobs\n"), lead: "move it to"},
		{kase: "refs-chart-deprecated", name: "the account under rbac", edit: change(values, "rbac:\n  create: false\n", "rbac:\n  create: false\n  serviceAccountName: gitlab-runner-common\n"), lead: "move it to"},
		{kase: "refs-bucket-name", name: "a bucket of another name", edit: change(values, `BucketName = "my-super-duper-gitlab-runner-cache"`, `BucketName = "my-super-duper-gitlab-runner-cash"`), lead: `write "my-super-duper-gitlab-runner-cache" in setup/values.yaml:22:`},
		{kase: "refs-bucket-region", name: "the bucket is in another region", edit: change("bucket.json", "", `{"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {"resources": [{"address": "aws_s3_bucket.cache", "mode": "managed", "type": "aws_s3_bucket", "name": "cache", "values": {"bucket": "my-super-duper-gitlab-runner-cache", "region": "eu-west-1"}}]}}}`), check: "refs-bucket", lead: `write "eu-west-1" in setup/values.yaml:23:`},
		{kase: "refs-region-unknown", name: "a letter too few in BucketLocation", edit: change(values, `BucketLocation = "eu-central-1"`, `BucketLocation = "eu-centrl-1"`), lead: `write "eu-central-1" in setup/values.yaml:23:`, fix: []string{`+          BucketLocation = "eu-central-1"`}},
		{kase: "refs-region-new", name: "a region that is near to none", edit: change(values, `BucketLocation = "eu-central-1"`, `BucketLocation = "us-moon-9"`), lead: "aws account list-regions"},
		{kase: "refs-cache-wrong-role", name: "the permissions are the jobs'", edit: change("runner-policy.json", "k8s-irsa-gitlab-runner-common", "k8s-irsa-gitlab-jobs"), lead: `move the policy in`},
		{kase: "refs-cache-denied", name: "another path in the policy", edit: change("runner-policy.json", "runners-all/*", "runners/*"), lead: "correct the resources and actions in setup/runner-policy.json:18:", fix: []string{"arn:aws:s3:::my-super-duper-gitlab-runner-cache/runners-all/*"}},
		{kase: "refs-cache-list", name: "s3:ListBucket is missing", edit: change("runner-policy.json", `"s3:ListBucket"`, `"s3:GetBucketLocation"`), lead: "allow s3:ListBucket"},
		{kase: "refs-cache-apart", name: "two runners with another Path", edit: change(values, "    [[runners]]\n", second+"    [[runners]]\n", "runner-policy.json", "runners-all/*", "*"), lead: "write the same Path in both"},
		{kase: "refs-policy-wide", name: "everything in S3", edit: change("runner-policy.json", `"s3:GetObject",`, `"s3:*",`), lead: "s3:GetObject and s3:PutObject"},
		{kase: "refs-variable-identity", name: "AWS_ROLE_ARN in the YAML", edit: change(ci, "variables:\n", "variables:\n  AWS_ROLE_ARN: arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs\n"), lead: "CI_AWS_ROLE_ARN"},
		{kase: "refs-variable-keys", name: "a key in the YAML", edit: change(ci, "variables:\n", "variables:\n  AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE\n"), lead: "deactivate the key"},
		{kase: "refs-variable-slip", name: "a letter too few", edit: change(ci, "SERVICE_ACCOUNT_OVERWRITE", "SERVICE_ACOUNT_OVERWRITE"), lead: "rename it to \"KUBERNETES_SERVICE_ACCOUNT_OVERWRITE\""},
		{kase: "refs-overwrite-ignored", name: "no allow-list", edit: change(values, "        service_account_overwrite_allowed = \"^gitlab-jobs$\"\n", "", values, `service_account = "gitlab-jobs"`, `service_account = "default"`), check: "refs-overwrite", lead: "service_account_overwrite_allowed"},
		{kase: "refs-overwrite-refused", name: "a list of others", edit: change(values, `"^gitlab-jobs$"`, `"^(deploy-jobs|test-jobs)$"`), lead: "add \"gitlab-jobs\" to the list"},
		{kase: "refs-id-token-audience", name: "aud of another instance", edit: change(ci, "store:\n  extends", "store:\n  id_tokens:\n    CI_AWS_ID_TOKEN:\n      aud: https://gitlab.example.org\n  extends", "gitlab-role.json", "", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.example.com"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"gitlab.example.com:aud": "https://gitlab.example.com", "gitlab.example.com:sub": "project_path:group/project:ref_type:branch:ref:main"}}}]}`), lead: `write "https://gitlab.example.com" in`},
		{kase: "refs-undefined", name: "a bucket that no policy names", edit: func(p *place) {
			p.refsFiles("short")
			p.remove("setup/runner-policy.json")
		}, lead: "--closed"},
		{kase: "refs-unnamed", name: "a trust policy alone", edit: func(p *place) {
			p.refsFiles("jobs", ci, "k8s-irsa-gitlab-jobs", "k8s-irsa-other")
			p.remove("setup/jobs-role.json")
			p.file("setup/trust.json", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/`+issuer+`"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"`+issuer+`:aud": "sts.amazonaws.com", "`+issuer+`:sub": "system:serviceaccount:gitlab:gitlab-jobs"}}}]}`)
		}, lead: "ROLE.trust.json"},
		{kase: "refs-unused", name: "a role that nothing names", edit: change("other-role.json", "", `{"Role": {"RoleName": "deploy", "Arn": "arn:aws:iam::123456789012:role/deploy", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/`+issuer+`"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"`+issuer+`:aud": "sts.amazonaws.com", "`+issuer+`:sub": "system:serviceaccount:deploy:deployer"}}}]}}}`), lead: "--closed"},
	}
	for i := range rows {
		if rows[i].args == nil {
			rows[i].args = []string{"refs", "setup"}
		}
	}
	return rows
}
