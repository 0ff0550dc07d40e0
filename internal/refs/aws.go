package refs

// aws reads what the aws command prints, and policies by themselves. It reports
// whether n is of that kind.
func (r *reader) aws(n *node) bool {
	switch {
	case n.has("Statement"):
		r.loose(r.policy(n, FromPolicy))
	case n.get("Role").isObject():
		r.role(n.get("Role"))
	case n.has("AssumeRolePolicyDocument"):
		r.role(n)
	case n.get("Roles") != nil && n.get("Roles").kind == formList:
		r.roles(n.get("Roles"))
	case n.has("RoleDetailList"):
		r.details(n)
	case n.has("PolicyDocument"): // get-role-policy
		r.rolePolicy(n)
	case n.get("PolicyVersion").has("Document"): // get-policy-version
		r.loose(r.policy(n.get("PolicyVersion", "Document"), FromAWS))
	case n.has("OpenIDConnectProviderList"):
		for _, p := range n.get("OpenIDConnectProviderList").all() {
			r.set.Providers = append(r.set.Providers, Provider{At: p.place(), ARN: p.field("Arn"), URL: p.field("Url"), Source: FromAWS})
		}
	case n.has("ClientIDList"): // get-open-id-connect-provider, which gives no ARN
		r.set.Providers = append(r.set.Providers, Provider{At: n.place(), ARN: Text{At: n.place()}, URL: n.field("Url"), ClientIDs: n.fields("ClientIDList"), Source: FromAWS})
	case n.get("cluster", "identity").isObject(): // eks describe-cluster
		c := n.get("cluster")
		r.set.Clusters = append(r.set.Clusters, Cluster{At: c.place(), Name: c.field("name"), ARN: c.field("arn"), Issuer: c.get("identity", "oidc").field("issuer"), Source: FromAWS})
	default:
		return false
	}
	return true
}

func (r *reader) roles(n *node) {
	for _, role := range n.all() {
		if role.isObject() && r.more(role) {
			r.role(role)
		}
	}
}

func (r *reader) role(n *node) {
	role := IAMRole{At: n.place(), Name: n.field("RoleName"), ARN: n.field("Arn"), Source: FromAWS}
	role.Trust = r.policy(n.get("AssumeRolePolicyDocument"), FromAWS)
	for _, p := range n.get("RolePolicyList").all() {
		if inline := r.policy(p.get("PolicyDocument"), FromAWS); inline != nil {
			inline.Name, inline.Role = p.field("PolicyName"), role.Name
			role.Policies = append(role.Policies, *inline)
		}
	}
	for _, p := range n.get("AttachedManagedPolicies").all() {
		if arn := p.field("PolicyArn"); arn.Known() {
			role.Attached = append(role.Attached, arn)
		}
	}
	r.addRole(role)
}

// addRole keeps a role, with its name in the documents that it has.
func (r *reader) addRole(role IAMRole) {
	if role.Trust != nil {
		role.Trust.Role = role.ARN.Or(role.Name)
		role.Trust.Document.Role, role.Trust.Document.ARN = role.Name.Text, role.ARN.Text
	}
	r.set.Roles = append(r.set.Roles, role)
}

func (r *reader) rolePolicy(n *node) {
	p := r.policy(n.get("PolicyDocument"), FromAWS)
	if p == nil {
		return
	}
	p.Name, p.Role = n.field("PolicyName"), n.field("RoleName")
	r.set.Policies = append(r.set.Policies, *p)
}

// details reads `aws iam get-account-authorization-details`.
func (r *reader) details(n *node) {
	r.roles(n.get("RoleDetailList"))
	for _, p := range n.get("Policies").all() {
		for _, v := range p.get("PolicyVersionList").all() {
			if v.flag("IsDefaultVersion").Text != "true" {
				continue
			}
			if managed := r.policy(v.get("Document"), FromAWS); managed != nil {
				managed.Name, managed.ARN = p.field("PolicyName"), p.field("Arn")
				r.set.Policies = append(r.set.Policies, *managed)
			}
		}
	}
}
