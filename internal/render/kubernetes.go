package render

import (
	"fmt"
	"strings"
)

// The annotations that the webhook of EKS reads.
// https://github.com/aws/amazon-eks-pod-identity-webhook#usage
const (
	roleAnnotation     = "eks.amazonaws.com/role-arn"
	audienceAnnotation = "eks.amazonaws.com/audience"
	webhookAudience    = "sts.amazonaws.com" // where no annotation names one
)

// access is one line of the runner's permissions in its namespace.
type access struct {
	resources []string
	verbs     []string
}

// runnerAccess is what the Kubernetes executor documents, without namespaces, which
// only namespace_per_job needs.
// https://docs.gitlab.com/runner/executors/kubernetes/#configure-runner-api-permissions
func runnerAccess() []access {
	return []access{
		{[]string{"events"}, []string{"list", "watch"}},
		{[]string{"pods"}, []string{"create", "delete", "get", "list", "watch"}},
		{[]string{"pods/attach", "pods/exec"}, []string{"create", "delete", "get", "patch"}},
		{[]string{"pods/log"}, []string{"get", "list"}},
		{[]string{"secrets"}, []string{"create", "delete", "get", "update"}},
		{[]string{"serviceaccounts"}, []string{"get"}},
		{[]string{"services"}, []string{"create", "get"}},
	}
}

func kubernetesFiles(d Description) []File {
	var files []File
	if accounts := serviceAccounts(d); accounts != "" {
		files = append(files, File{"kubernetes/service-accounts.yaml", accounts})
	}
	if !d.byChart() {
		files = append(files, File{"kubernetes/runner-role.yaml", runnerRole(d)})
	}
	for _, account := range append([]string{d.Runner.ServiceAccount.Text}, d.accounts()...) {
		files = append(files, debugPod(d, account))
	}
	return files
}

// serviceAccounts are those that the chart does not make.
func serviceAccounts(d Description) string {
	var b strings.Builder
	one := func(name, role string) {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\n  namespace: %s\n", yamlText(name), yamlText(d.Namespace.Text))
		b.WriteString("  annotations:\n" + annotations(d, role, "    "))
	}
	if !d.byChart() {
		one(d.Runner.ServiceAccount.Text, d.Runner.Role.Text)
		// The manager calls the API of Kubernetes; jobs need not.
		b.WriteString("automountServiceAccountToken: true\n")
	}
	for _, j := range d.Jobs {
		one(j.ServiceAccount.Text, j.Role.Text)
	}
	return b.String()
}

// annotations tie a service account to a role.
func annotations(d Description, role, indent string) string {
	text := indent + roleAnnotation + ": " + yamlText(d.roleARN(role)) + "\n"
	if d.Audience.Text != webhookAudience {
		text += indent + audienceAnnotation + ": " + yamlText(d.Audience.Text) + "\n"
	}
	return text
}

func runnerRole(d Description) string {
	name, namespace := yamlText(d.Runner.ServiceAccount.Text), yamlText(d.Namespace.Text)
	return fmt.Sprintf("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: %s\n  namespace: %s\nrules:\n", name, namespace) +
		accessRules("  ") +
		fmt.Sprintf("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  name: %s\n  namespace: %s\n", name, namespace) +
		fmt.Sprintf("roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: %s\n", name) +
		fmt.Sprintf("subjects:\n  - kind: ServiceAccount\n    name: %s\n    namespace: %s\n", name, namespace)
}

func accessRules(indent string) string {
	var b strings.Builder
	for _, a := range runnerAccess() {
		fmt.Fprintf(&b, "%s- apiGroups: [\"\"]\n%s  resources: [%s]\n%s  verbs: [%s]\n", indent, indent, strings.Join(a.resources, ", "), indent, strings.Join(a.verbs, ", "))
	}
	return b.String()
}

// debugPodName is the pod to try a service account's access by hand. A pod's name
// is that of its host too, which has at most 63 characters.
func debugPodName(account string) string {
	name := "ci-aws-debug-" + strings.ReplaceAll(account, ".", "-")
	return strings.TrimRight(name[:min(len(name), 63)], "-")
}

func debugFile(account string) string { return "kubernetes/debug-pod-" + account + ".yaml" }

// debugPod is a pod with nothing but a shell.
func debugPod(d Description, account string) File {
	return File{debugFile(account), fmt.Sprintf(`---
apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: %s
spec:
  serviceAccountName: %s
  restartPolicy: Never
  containers:
    - name: debug
      image: ubuntu
      command: [sleep, infinity]
      resources:
        limits:
          memory: 128Mi
          cpu: 500m
`, yamlText(debugPodName(account)), yamlText(d.Namespace.Text), yamlText(account))}
}
