package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/near"
)

// ci reads a pipeline. It reports whether n is one.
func (r *reader) ci(n *node) bool {
	if !isPipeline(n) {
		return false
	}
	p := Pipeline{At: n.place(), Variables: variables(r.referred(n, n.get("variables"))), Default: idTokens(n.get("default", "id_tokens"))}
	for _, rule := range n.get("workflow", "rules").all() {
		p.Variables = append(p.Variables, variables(rule.get("variables"))...)
	}
	for _, i := range n.get("include").all() {
		if include, ours := include(i); ours {
			p.Includes = append(p.Includes, include)
		}
	}
	for _, m := range n.members {
		if m.value.isObject() && !slices.Contains(globalKeywords(), m.name) {
			p.Jobs = append(p.Jobs, r.job(n, m))
		}
	}
	r.set.Pipelines = append(r.set.Pipelines, p)
	return true
}

// globalKeywords are the keys of a pipeline that are no jobs.
// https://docs.gitlab.com/ci/yaml/#global-keywords
func globalKeywords() []string {
	return []string{"default", "include", "stages", "variables", "workflow", "spec", "image", "services", "cache", "before_script", "after_script", "types"}
}

// isPipeline goes by a job, by stages, by an include as only GitLab has it, or by
// variables that matter.
func isPipeline(n *node) bool {
	if !n.isObject() || n.has("apiVersion") || n.has("kind") {
		return false
	}
	if n.has("jobs") && (n.has("on") || n.has("true")) {
		return false // a workflow of GitHub
	}
	if s := n.get("stages"); s != nil && s.kind == formList {
		return true
	}
	for _, m := range n.members {
		if !m.value.isObject() {
			continue
		}
		if slices.ContainsFunc([]string{"script", "trigger", "extends", "id_tokens", "before_script"}, m.value.has) {
			return true
		}
	}
	for _, i := range n.get("include").all() {
		if slices.ContainsFunc([]string{"component", "local", "project", "remote", "template"}, i.has) {
			return true
		}
		if i.kind == formScalar && (strings.HasSuffix(i.text, ".yml") || strings.HasSuffix(i.text, ".yaml")) {
			return true
		}
	}
	return len(variables(n.get("variables"))) > 0
}

func (r *reader) job(root *node, m member) Job {
	v := m.value
	j := Job{
		Name: m.word(), Extends: v.fields("extends"), Tags: v.fields("tags"),
		Variables: variables(r.referred(root, v.get("variables"))), IDTokens: idTokens(r.referred(root, v.get("id_tokens"))),
	}
	for _, rule := range v.get("rules").all() {
		j.Variables = append(j.Variables, variables(rule.get("variables"))...)
	}
	for _, matrix := range v.get("parallel", "matrix").all() {
		j.Variables = append(j.Variables, variables(matrix)...)
	}
	return j
}

// referred follows a !reference, which is a list where a mapping belongs, to what
// it names. One that leads out of the file is noted.
// https://docs.gitlab.com/ci/yaml/yaml_optimization/#reference-tags
func (r *reader) referred(root, n *node) *node {
	if n == nil || n.kind != formList {
		return n
	}
	to := root
	for _, name := range scalars(n) {
		to = to.get(name.Text)
	}
	if !to.isObject() || to == root {
		r.unread(n.place(), Templated, "refers to what this file does not have, so it is not evaluated")
		return nil
	}
	return to
}

// shownVariables are those whose values are names, and secretVariables those whose values
// are secrets.
func shownVariables() []string {
	return []string{
		"KUBERNETES_SERVICE_ACCOUNT_OVERWRITE", "KUBERNETES_NAMESPACE_OVERWRITE",
		"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE",
		"CI_AWS_ROLE_ARN", "CI_AWS_CHAIN_ROLE_ARN", "CI_AWS_REGION", "CI_AWS_SOURCE", "CI_AWS_AUDIENCE", "CI_AWS_ALLOWED_ACCOUNTS",
	}
}

func secretVariables() []string {
	return []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ACCESS_KEY", "AWS_SECRET_KEY"}
}

// variables are those of a mapping that matter.
func variables(n *node) []Variable {
	var all []Variable
	for _, m := range n.keys() {
		keep, meant := matters(m.name)
		if keep == keepNothing || m.value == nil {
			continue
		}
		value := m.value
		if value.isObject() { // value and description
			value = value.get("value")
		}
		v := Variable{Name: m.word(), Value: Text{At: m.value.place()}, Meant: meant}
		for _, one := range value.all() {
			v.Set = one.kind == formScalar && one.text != ""
			v.Value.At = one.place()
			if keep == keepValue && one.kind == formScalar {
				v.Value = one.word()
			}
			all = append(all, v)
		}
		if len(value.all()) == 0 {
			all = append(all, v)
		}
	}
	return all
}

type keep int

const (
	keepNothing keep = iota
	keepName
	keepValue
)

// matters tells whether a variable is kept, and which one it was meant for if it
// is a slip.
func matters(name string) (k keep, meant string) {
	switch {
	case slices.Contains(shownVariables(), name):
		return keepValue, ""
	case slices.Contains(secretVariables(), name):
		return keepName, ""
	case len(name) < len("AWS_REGION")-1:
		return keepNothing, ""
	}
	// A slip that may be of either is taken for that of a secret.
	for _, known := range secretVariables() {
		if near.Slip(name, known) != "" {
			return keepName, known
		}
	}
	for _, known := range shownVariables() {
		if near.Slip(name, known) != "" {
			return keepValue, known
		}
	}
	return keepNothing, ""
}

func idTokens(n *node) []IDToken {
	var all []IDToken
	for _, m := range n.keys() {
		if m.value.isObject() {
			all = append(all, IDToken{m.word(), m.value.fields("aud")})
		}
	}
	return all
}

// ownInputs are those of ci-aws's components. All of them are names.
func ownInputs() []string {
	return []string{
		"role-arn", "chain-role-arn", "region", "allowed-accounts", "source", "audience", "duration", "service-account",
		"job-prefix", "expect-role", "expect-account", "refs-paths", "fleets", "tags", "stage",
	}
}

// include reads an include and reports whether it is of one of our components:
// by its name in a project that is called ci-aws, or by the file that has the
// whole wiring.
func include(n *node) (Include, bool) {
	i := Include{At: n.place()}
	switch {
	case n.has("component"):
		i.Reference = n.field("component")
		path, _, _ := strings.Cut(i.Reference.Text, "@")
		project, name := cutLast(path, "/")
		if !strings.HasSuffix(project, "/ci-aws") || !slices.Contains([]string{"ci-aws", "whoami", "doctor", "cache-smoke", "audit"}, name) {
			return Include{}, false
		}
		i.Component = name
	default:
		file := n.field("file").Or(n.field("remote")).Or(n.field("local"))
		if n != nil && n.kind == formScalar {
			file = n.word()
		}
		if _, name := cutLast(publicAddress(file.Text), "/"); name != "component.yml" {
			return Include{}, false
		}
		if n.has("project") && !strings.HasSuffix(n.field("project").Text, "/ci-aws") {
			return Include{}, false
		}
		file.Text = publicAddress(file.Text)
		i.Reference, i.Component = file, "component.yml"
	}
	for _, m := range n.get("inputs").keys() {
		if slices.Contains(ownInputs(), m.name) {
			i.Inputs = append(i.Inputs, Input{m.word(), scalars(m.value)})
		}
	}
	return i, true
}

// publicAddress drops what may be a secret from an address: its user and its query.
func publicAddress(s string) string {
	s, _, _ = strings.Cut(s, "?")
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	host, path, _ := strings.Cut(rest, "/")
	_, host = cutLast(host, "@")
	return scheme + "://" + host + "/" + path
}
