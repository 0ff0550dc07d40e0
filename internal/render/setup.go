package render

import (
	"fmt"
	"strings"
)

// setup is SETUP.md: what to do in which order, and the commands that prove each
// step.
func setup(d Description) string {
	var steps []string
	step := func(title, text, prove string) {
		steps = append(steps, fmt.Sprintf("## %d. %s\n\n%s\nProof:\n\n```sh\n%s```\n", len(steps)+1, title, text, prove))
	}
	step("IAM, and the bucket", iamStep(d), iamProof(d))
	step("Kubernetes", kubernetesStep(d), kubernetesProof(d))
	step("The runner", runnerStep(d), runnerProof(d))
	if len(d.Jobs) > 0 || len(d.Fleets) > 0 {
		step("A pipeline", pipelineStep(d), pipelineProof(d))
	}
	return "# Setting it up\n\n" + namesTable(d) + "\nA name that changes has to change in the description, from which all of these files are written again.\n\n" + strings.Join(steps, "\n")
}

func namesTable(d Description) string {
	var b strings.Builder
	b.WriteString("| | service account | role | `sub` in its trust policy |\n|---|---|---|---|\n")
	row := func(who, account, role string) {
		fmt.Fprintf(&b, "| %s | `%s` | `%s` | `%s` |\n", who, account, role, d.trust(account).Subject)
	}
	row("the runner manager", d.Runner.ServiceAccount.Text, d.Runner.Role.Text)
	for _, j := range d.Jobs {
		row("job pods", j.ServiceAccount.Text, j.Role.Text)
	}
	return b.String()
}

func shell(lines string) string { return "```sh\n" + lines + "```\n" }

func iamStep(d Description) string {
	provider := "The IAM OIDC provider of the issuer must be there already, with the audience `" + d.Audience.Text + "`."
	if yes(d.CreateProvider) {
		provider = "It makes the IAM OIDC provider of the issuer too."
	}
	return "With Terraform, in account " + d.Account.Text + ":\n\n" +
		shell("terraform -chdir=terraform init\nterraform -chdir=terraform apply\n") +
		"\nWithout it: `sh iam/commands.sh`. " + provider + "\n"
}

func iamProof(d Description) string {
	var b strings.Builder
	b.WriteString(command("aws", "iam", "get-open-id-connect-provider", "--open-id-connect-provider-arn="+d.providerARN()))
	b.WriteString(command("aws", "iam", "get-role", "--role-name="+d.Runner.Role.Text))
	for _, j := range d.Jobs {
		b.WriteString(command("aws", "iam", "get-role", "--role-name="+j.Role.Text))
	}
	if d.hasCache() {
		b.WriteString(command("aws", "s3api", "get-bucket-location", "--bucket="+d.Cache.Bucket.Text))
	}
	return b.String()
}

func kubernetesStep(d Description) string {
	files := ""
	if serviceAccounts(d) != "" {
		files += " -f kubernetes/service-accounts.yaml"
	}
	if !d.byChart() {
		files += " -f kubernetes/runner-role.yaml"
	}
	namespace := command("kubectl", "create", "namespace", d.Namespace.Text)
	if files == "" {
		return "The chart makes the service account. Only the namespace has to be there:\n\n" + shell(namespace)
	}
	return "The namespace, where it is not there yet, and what is in it:\n\n" + shell(namespace+"kubectl apply"+files+"\n")
}

// kubernetesProof starts the debug pod of an account that is there by then.
func kubernetesProof(d Description) string {
	text := command("kubectl", "get", "serviceaccounts", "--namespace="+d.Namespace.Text, "--output=yaml")
	account := d.Runner.ServiceAccount.Text
	switch {
	case len(d.Jobs) > 0:
		account = d.Jobs[0].ServiceAccount.Text
	case d.byChart():
		return text
	}
	file, pod := debugFile(account), debugPodName(account)
	return text + command("kubectl", "apply", "-f", file) +
		command("kubectl", "wait", "--namespace="+d.Namespace.Text, "--for=condition=Ready", "pod/"+pod) +
		command("kubectl", "exec", "--namespace="+d.Namespace.Text, pod, "--", "printenv", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE") +
		command("kubectl", "delete", "-f", file)
}

func runnerStep(d Description) string {
	version := ""
	if d.ChartVersion.Known() {
		version = " --version=" + d.ChartVersion.Text
	}
	return "The values have no token: put that of your runner into a secret of the namespace, as the chart describes\n" +
		"under `runners.secret`, or give it by `--set runnerToken=…`.\n\n" +
		shell("helm repo add gitlab https://charts.gitlab.io\n"+
			"helm upgrade --install gitlab-runner gitlab/gitlab-runner --namespace="+d.Namespace.Text+version+" --values=helm/values.yaml\n") +
		"\nThe webhook of EKS acts when a pod is created. After a change of an annotation start the manager anew:\n`kubectl rollout restart --namespace=" + d.Namespace.Text + " deployment/gitlab-runner`.\n"
}

func runnerProof(d Description) string {
	text := command("kubectl", "get", "pods", "--namespace="+d.Namespace.Text, "--output=custom-columns=POD:.metadata.name,ACCOUNT:.spec.serviceAccountName")
	text += command("kubectl", "logs", "--namespace="+d.Namespace.Text, "deployment/gitlab-runner", "--since=1h")
	more := []string{"--as=runner"}
	if d.hasCache() && !d.Cache.Role.Known() {
		more = append(more, "--bucket="+d.Cache.Bucket.Text)
		if d.Cache.Path.Known() {
			more = append(more, "--prefix="+d.Cache.Path.Text)
		}
	}
	text += "# in the manager's pod, with ci-aws copied there:\n" + doctorCommand(d, d.Runner.ServiceAccount.Text, d.Runner.Role.Text, more...)
	return text
}

func pipelineStep(d Description) string {
	var b strings.Builder
	b.WriteString("Take `gitlab-ci.yml` into the project's `.gitlab-ci.yml`.\n")
	for i, prefix := range jobPrefixes(d.accounts()) {
		fmt.Fprintf(&b, "A job that extends `.%s` has the role `%s`.\n", prefix, d.Jobs[i].Role.Text)
	}
	if len(d.Fleets) > 0 {
		b.WriteString("The job `" + smokePrefix + "-cache-smoke` proves that one fleet gets what another stored.\n")
	}
	return b.String()
}

func pipelineProof(d Description) string {
	if len(d.Jobs) == 0 {
		return "# the pipeline's job " + smokePrefix + "-cache-smoke is green\n"
	}
	var b strings.Builder
	b.WriteString("# in a job:\n")
	for _, j := range d.Jobs {
		b.WriteString(doctorCommand(d, j.ServiceAccount.Text, j.Role.Text))
	}
	return b.String()
}
