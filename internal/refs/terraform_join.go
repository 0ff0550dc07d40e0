package refs

import (
	"slices"
	"strings"
)

// references collects from a plan's configuration what arguments refer to.
func (t *terraformer) references(module *node, prefix string) {
	if t.refers == nil {
		t.refers = map[string]string{}
	}
	if strings.Count(prefix, "module.") > maxModules {
		return
	}
	for _, res := range module.get("resources").all() {
		for _, argument := range []string{"role", "policy_arn"} {
			for _, to := range res.get("expressions", argument).fields("references") {
				// "aws_iam_role.a.name" stands beside "aws_iam_role.a".
				if strings.HasPrefix(to.Text, "aws_iam_") && strings.Count(to.Text, ".") == 1 {
					t.refers[prefix+res.field("address").Text+"#"+argument] = prefix + to.Text
				}
			}
		}
	}
	for _, call := range module.get("module_calls").keys() {
		t.references(call.value.get("module"), prefix+"module."+call.name+".")
	}
}

// changes collects from a plan which service accounts get the ARN of a role that
// is not known yet.
func (t *terraformer) changes(all *node) {
	for _, c := range all.all() {
		unknown := c.get("change", "after_unknown")
		annotations := unknown.get("metadata").first().get("annotations")
		if annotations.isObject() {
			annotations = annotations.get(roleAnnotation)
		}
		if annotations == nil || annotations.text != "true" {
			continue
		}
		if t.pending == nil {
			t.pending = map[string]bool{}
		}
		t.pending[c.field("address").Text] = true
	}
}

// target is the only resource of the file that an argument refers to. Of several
// by count or for_each it is the one with the same key.
func (t *terraformer) target(address, argument string, all []string) string {
	to := t.refers[unkeyed(address)+"#"+argument]
	if to == "" {
		return ""
	}
	var fit, same []string
	for _, a := range all {
		if unkeyed(a) != to {
			continue
		}
		fit = append(fit, a)
		if instance(a) == instance(address) {
			same = append(same, a)
		}
	}
	switch {
	case len(fit) == 1:
		return fit[0]
	case len(same) == 1:
		return same[0]
	}
	return ""
}

// join gives each role the policies of the file that are for it.
func (t *terraformer) join() {
	var roles, managed []string
	for _, m := range t.roles {
		roles = append(roles, m.address)
	}
	for key := range t.managed {
		if a, ok := strings.CutPrefix(key, "@"); ok {
			managed = append(managed, a)
		}
	}
	used := map[*Policy]bool{}
	for _, a := range t.policies {
		if m := t.find(a.policy.Role, t.target(a.address, "role", roles)); m != nil {
			a.policy.Role = m.role.Name
			m.role.Policies = append(m.role.Policies, *a.policy)
			continue
		}
		t.set.Policies = append(t.set.Policies, *a.policy)
	}
	for _, l := range t.links {
		m := t.find(l.role, t.target(l.address, "role", roles))
		p := t.managed[l.arn.Text]
		if !l.arn.Known() {
			p = t.managed["@"+t.target(l.address, "policy_arn", managed)]
		}
		switch {
		case m == nil && p != nil:
			one := *p
			one.Role, used[p] = l.role, true
			t.set.Policies = append(t.set.Policies, one)
		case m != nil:
			if l.arn.Known() {
				m.role.Attached = append(m.role.Attached, l.arn)
			}
			if p != nil {
				one := *p
				one.Role, used[p] = m.role.Name, true
				m.role.Policies = append(m.role.Policies, one)
			}
		}
	}
	for _, m := range t.roles {
		t.addRole(m.role)
	}
	slices.Sort(managed)
	for _, a := range managed {
		if p := t.managed["@"+a]; !used[p] {
			t.set.Policies = append(t.set.Policies, *p)
		}
	}
}

// find gives the role of a name or, where a plan does not know it, of an address.
func (t *terraformer) find(name Text, address string) *made {
	for i := range t.roles {
		m := &t.roles[i]
		if name.Known() && (m.role.Name.Text == name.Text || m.role.ARN.Text == name.Text) || !name.Known() && address != "" && m.address == address {
			return m
		}
	}
	return nil
}

// instance gives the keys of count and for_each in an address.
func instance(address string) string {
	var b strings.Builder
	for rest := address; ; {
		_, after, ok := strings.Cut(rest, "[")
		if !ok {
			return b.String()
		}
		key, behind, _ := strings.Cut(after, "]")
		b.WriteString(key + ",")
		rest = behind
	}
}

// unkeyed is an address without the keys of count and for_each.
func unkeyed(address string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for _, c := range address {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
			continue
		case c == ']':
			depth--
			continue
		}
		if depth == 0 && c != '"' {
			b.WriteRune(c)
		}
	}
	return b.String()
}
