package refs

import (
	"strconv"
	"strings"
)

// terraform reads what `terraform show -json` prints of a plan or a state, and a
// state file itself. It reports whether n is of that kind.
// https://developer.hashicorp.com/terraform/internals/json-format
func (r *reader) terraform(n *node) bool {
	t := &terraformer{reader: r}
	switch {
	case n.get("planned_values", "root_module").isObject():
		t.references(n.get("configuration", "root_module"), "")
		t.changes(n.get("resource_changes"))
		t.module(n.get("planned_values", "root_module"), 0)
	case n.get("values", "root_module").isObject():
		t.module(n.get("values", "root_module"), 0)
	case n.has("terraform_version") && n.has("lineage") && n.has("resources"):
		t.state(n.get("resources"))
	default:
		// A state without resources, or a plan that makes none.
		return n.has("format_version") && n.has("terraform_version")
	}
	t.join()
	return true
}

// terraformer collects the parts of roles, which Terraform keeps in resources of
// their own.
type terraformer struct {
	*reader
	roles    []made
	policies []attached // inline ones
	managed  map[string]*Policy
	links    []link
	// refers has, of an argument in the configuration, the address that it takes
	// its value from: what a plan does not know yet it still names.
	refers map[string]string
	// pending has the addresses of service accounts whose annotation with the role
	// the plan does not know yet.
	pending map[string]bool
}

type made struct {
	role    IAMRole
	address string
}

type attached struct {
	policy  *Policy
	address string
}

// link attaches a managed policy.
type link struct {
	role, arn Text
	address   string
}

// maxModules is how deep modules stand in modules at most.
const maxModules = 64

func (t *terraformer) module(n *node, depth int) {
	for _, res := range n.get("resources").all() {
		if res.isObject() && t.more(res) {
			t.resource(res.field("type").Text, res.field("address").Text, res, res.get("values"))
		}
	}
	for _, child := range n.get("child_modules").all() {
		if depth < maxModules && child.isObject() {
			t.module(child, depth+1)
		}
	}
}

// state reads the resources of a state file, version 4.
func (t *terraformer) state(resources *node) {
	for _, res := range resources.all() {
		for number, i := range res.get("instances").all() {
			if i.isObject() && t.more(i) {
				address := res.field("module").Text + "." + res.field("type").Text + "." + res.field("name").Text + "[" + strconv.Itoa(number) + "]"
				t.resource(res.field("type").Text, address, i, i.get("attributes"))
			}
		}
	}
}

func (t *terraformer) resource(kind, address string, n, v *node) {
	if !v.isObject() {
		return
	}
	switch strings.TrimSuffix(kind, "_v1") {
	case "aws_iam_role":
		t.role(n, v, address)
	case "aws_iam_role_policy":
		if p := t.policyOf(n, v, "policy"); p != nil {
			p.Name, p.Role = v.field("name"), v.field("role")
			t.policies = append(t.policies, attached{p, address})
		}
	case "aws_iam_policy":
		if p := t.policyOf(n, v, "policy"); p != nil {
			p.Name, p.ARN = v.field("name"), v.field("arn")
			if t.managed == nil {
				t.managed = map[string]*Policy{}
			}
			t.managed["@"+address] = p
			if p.ARN.Known() {
				t.managed[p.ARN.Text] = p
			}
		}
	case "aws_iam_role_policy_attachment":
		t.links = append(t.links, link{v.field("role"), v.field("policy_arn"), address})
	case "aws_iam_policy_attachment":
		for _, role := range v.fields("roles") {
			t.links = append(t.links, link{role, v.field("policy_arn"), address})
		}
	case "aws_iam_openid_connect_provider":
		t.set.Providers = append(t.set.Providers, Provider{At: n.place(), ARN: v.field("arn"), URL: v.field("url"), ClientIDs: v.fields("client_id_list"), Source: FromTerraform})
	case "aws_eks_cluster":
		issuer := v.get("identity").first().get("oidc").first().field("issuer")
		t.set.Clusters = append(t.set.Clusters, Cluster{At: n.place(), Name: v.field("name"), ARN: v.field("arn"), Issuer: issuer, Source: FromTerraform})
	case "aws_s3_bucket":
		t.set.Buckets = append(t.set.Buckets, Bucket{At: n.place(), Name: v.field("bucket"), Region: v.field("region"), Source: FromTerraform})
	case "kubernetes_service_account", "kubernetes_default_service_account":
		t.account(n, v.get("metadata").first(), v.flag("automount_service_account_token"), FromTerraform)
		if a := &t.set.Accounts[len(t.set.Accounts)-1]; t.pending[address] {
			a.Pending = true
			t.unread(n.place(), Pending, "has an annotation "+roleAnnotation+" that is not known before `terraform apply`")
		}
	case "kubernetes_role", "kubernetes_cluster_role":
		t.kubeRole(n, kubeKind(kind, v), v.get("metadata").first(), v.get("rule"), snake)
	case "kubernetes_role_binding", "kubernetes_cluster_role_binding":
		t.binding(n, kubeKind(kind, v), v.get("metadata").first(), v.get("role_ref").first(), v.get("subject"))
	case "kubernetes_manifest":
		t.kube(v.get("manifest"), 0)
	case "helm_release":
		t.helmRelease(n, v)
	}
}

// kubeKind is the kind of a Kubernetes object by the type of its resource.
func kubeKind(kind string, v *node) Text {
	name := "Role"
	if strings.Contains(kind, "cluster_role") {
		name = "ClusterRole"
	}
	if strings.Contains(kind, "binding") {
		name += "Binding"
	}
	return Text{Text: name, At: v.place()}
}

// policyOf reads a policy; one that Terraform does not know yet is noted.
func (t *terraformer) policyOf(n, v *node, argument string) *Policy {
	p := v.get(argument)
	if p == nil || p.kind == formNull {
		t.unread(n.place(), Templated, "has a policy that is not known before `terraform apply`: give `terraform show -json` of the state")
		return nil
	}
	return t.policy(p, FromTerraform)
}

func (t *terraformer) role(n, v *node, address string) {
	role := IAMRole{At: n.place(), Name: v.field("name"), ARN: v.field("arn"), Source: FromTerraform}
	role.Trust = t.policyOf(n, v, "assume_role_policy")
	for _, i := range v.get("inline_policy").all() {
		if p := t.policy(i.get("policy"), FromTerraform); p != nil {
			p.Name, p.Role = i.field("name"), role.Name
			role.Policies = append(role.Policies, *p)
		}
	}
	role.Attached = v.fields("managed_policy_arns")
	t.roles = append(t.roles, made{role, address})
}

func (t *terraformer) helmRelease(n, v *node) {
	name := v.field("chart").Text
	if _, last := cutLast(name, "/"); last != chartName {
		return
	}
	for _, values := range v.get("values").all() {
		t.nested(values, v.field("namespace"), v.field("name"))
	}
	for _, set := range []string{"set", "set_sensitive", "set_list"} {
		if len(v.get(set).all()) > 0 {
			t.unread(n.place(), Templated, "sets values of the chart one by one, which is not evaluated: give them in values")
			return
		}
	}
}
