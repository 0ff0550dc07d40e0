package refs

import (
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/near"
)

// kube reads a Kubernetes object, or a list of them. It reports whether n is of
// that kind.
func (r *reader) kube(n *node, depth int) bool {
	kind := n.field("kind").Text
	if kind == "" || !n.has("apiVersion") {
		return false
	}
	if items := n.get("items"); items != nil && items.kind == formList && strings.HasSuffix(kind, "List") {
		for _, i := range items.items {
			if i.isObject() && depth < maxNested && r.more(i) {
				r.kube(i, depth+1)
			}
		}
		return true
	}
	meta := n.get("metadata")
	switch kind {
	case "ServiceAccount":
		r.account(n, meta, n.flag("automountServiceAccountToken"), FromManifest)
	case "Role", "ClusterRole":
		r.kubeRole(n, n.field("kind"), meta, n.get("rules"), camel)
	case "RoleBinding", "ClusterRoleBinding":
		r.binding(n, n.field("kind"), meta, n.get("roleRef"), n.get("subjects"))
	case "ConfigMap":
		for _, m := range n.get("data").keys() {
			if m.value != nil && m.value.kind == formScalar && strings.Contains(m.value.text, "[[runners]]") {
				r.toml(m.value.inner(), FromManifest, meta.field("namespace"))
			}
		}
	case "ClusterConfig":
		if len(n.get("iam", "serviceAccounts").all()) > 0 {
			r.unread(n.get("iam", "serviceAccounts").place(), Described, "has service accounts that eksctl makes")
		}
	case "HelmRelease", "HelmChart", "Application":
		r.release(n, meta)
	default:
		r.workload(n, kind, meta)
	}
	return true
}

func (r *reader) account(n, meta *node, automount Text, from Source) {
	r.set.Accounts = append(r.set.Accounts, Account{
		At: n.place(), Namespace: meta.field("namespace"), Name: meta.field("name"),
		Annotations: eksAnnotations(meta.get("annotations")), Automount: automount, Source: from,
	})
}

// eksAnnotations are those of EKS, and those that were most likely meant for one.
func eksAnnotations(n *node) []Annotation {
	var all []Annotation
	for _, m := range n.keys() {
		if m.value == nil || !concerns(m.name) {
			continue
		}
		a := Annotation{Key: m.word(), Value: Text{At: m.value.place()}}
		if m.value.kind == formScalar {
			a.Value = m.value.word()
		}
		all = append(all, a)
	}
	return all
}

// eks is the prefix of the annotations that the webhook of EKS reads.
// https://github.com/aws/amazon-eks-pod-identity-webhook
const eks = "eks.amazonaws.com/"

func concerns(key string) bool {
	if strings.HasPrefix(key, eks) {
		return true
	}
	low := strings.ToLower(key)
	domain, name, _ := strings.Cut(low, "/")
	switch {
	case strings.Contains(low, "amazon") && strings.Contains(low, "role"), near.Slip(domain+"/", eks) != "":
		return true
	case strings.HasPrefix(low, "eks.") && (strings.Contains(name, "role") || strings.Contains(name, "audience")):
		return true
	}
	for _, known := range []string{"role-arn", "audience", "sts-regional-endpoints", "token-expiration"} {
		if near.Slip(key, eks+known) != "" {
			return true
		}
	}
	return low == "role-arn"
}

// ruleKeys are the keys of a rule: the manifest's, or those of Terraform's provider.
type ruleKeys struct{ groups, resources, resourceNames, verbs string }

var (
	camel = ruleKeys{"apiGroups", "resources", "resourceNames", "verbs"}
	snake = ruleKeys{"api_groups", "resources", "resource_names", "verbs"}
)

func (r *reader) kubeRole(n *node, kind Text, meta, rules *node, key ruleKeys) {
	role := KubeRole{At: n.place(), Kind: kind, Namespace: meta.field("namespace"), Name: meta.field("name")}
	for _, rule := range rules.all() {
		if rule.isObject() {
			role.Rules = append(role.Rules, Rule{
				At: rule.place(), APIGroups: rule.fields(key.groups), Resources: rule.fields(key.resources),
				ResourceNames: rule.fields(key.resourceNames), Verbs: rule.fields(key.verbs),
			})
		}
	}
	r.set.KubeRoles = append(r.set.KubeRoles, role)
}

func (r *reader) binding(n *node, kind Text, meta, ref, subjects *node) {
	b := KubeBinding{
		At: n.place(), Kind: kind, Namespace: meta.field("namespace"), Name: meta.field("name"),
		RoleKind: ref.field("kind"), RoleName: ref.field("name"),
	}
	for _, s := range subjects.all() {
		if s.isObject() {
			b.Subjects = append(b.Subjects, Subject{s.field("kind"), s.field("namespace"), s.field("name")})
		}
	}
	r.set.Bindings = append(r.set.Bindings, b)
}

// workload reads what has, or makes, pods.
func (r *reader) workload(n *node, kind string, meta *node) {
	var spec *node
	switch kind {
	case "Pod":
		spec = n.get("spec")
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job":
		spec = n.get("spec", "template", "spec")
	case "CronJob":
		spec = n.get("spec", "jobTemplate", "spec", "template", "spec")
	}
	if spec == nil {
		return
	}
	w := Workload{At: n.place(), Kind: n.field("kind"), Namespace: meta.field("namespace"), Name: meta.field("name"), Account: spec.field("serviceAccountName")}
	if !w.Account.Known() {
		w.Account = w.Account.Or(spec.field("serviceAccount")) // the older key, an alias of it
	}
	for _, c := range spec.get("containers").all() {
		image, _, _ := strings.Cut(c.field("image").Text, "@")
		_, name := cutLast(image, "/")
		name, _, _ = strings.Cut(name, ":")
		own := c.field("name").Text // RELEASE-gitlab-runner
		w.Manager = w.Manager || name == chartName || own == chartName || strings.HasSuffix(own, "-"+chartName)
	}
	for _, label := range []string{"chart", "helm.sh/chart"} {
		w.Manager = w.Manager || strings.HasPrefix(meta.get("labels").field(label).Text, chartName+"-")
	}
	r.set.Workloads = append(r.set.Workloads, w)
}

// cutLast cuts round the last separator; without one all is behind it.
func cutLast(s, sep string) (before, after string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):]
	}
	return "", s
}
