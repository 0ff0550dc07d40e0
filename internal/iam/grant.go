package iam

// Grant is one statement of a role's permission policy.
type Grant struct {
	Effect    string // Allow or Deny; empty means Allow
	Actions   []string
	Resources []string
}

type grantStatement struct {
	Effect           string
	Action, Resource []string
}

func grantStatements(grants []Grant) []grantStatement {
	var all []grantStatement
	for _, g := range grants {
		effect := g.Effect
		if effect == "" {
			effect = "Allow"
		}
		all = append(all, grantStatement{effect, g.Actions, g.Resources})
	}
	return all
}

// Grants gives the statements of the policy that JSON and Terraform write.
func (a CacheAccess) Grants() []Grant {
	var all []Grant
	for _, s := range a.statements() {
		all = append(all, Grant{Effect: s.Effect, Actions: s.Action, Resources: []string{s.Resource}})
	}
	return all
}

// PermissionJSON gives a permission policy, indented by two spaces, without a
// final newline.
func PermissionJSON(grants []Grant) string {
	return indented(struct {
		Version   string
		Statement []grantStatement
	}{Version, grantStatements(grants)})
}

// PermissionTerraform gives the same policy as the argument of a resource
// "aws_iam_role_policy", as `terraform fmt` leaves it, without a final newline.
func PermissionTerraform(grants []Grant) string {
	var statements []hclObject
	for _, s := range grantStatements(grants) {
		statements = append(statements, hclObject{{"Effect", s.Effect}, {"Action", s.Action}, {"Resource", s.Resource}})
	}
	policy := hclObject{{"Version", Version}, {"Statement", statements}}
	return "policy = jsonencode(" + policy.hcl(0) + ")"
}

// RoleTrust is a trust policy by which one role may assume another, with
// sts:AssumeRole.
type RoleTrust struct{ RoleARN string } // of the role that assumes

type roleTrustStatement struct {
	Effect    string
	Principal map[string]string
	Action    string
}

const assumeAction = "sts:AssumeRole"

// JSON gives the trust policy, indented by two spaces, without a final newline.
func (t RoleTrust) JSON() string {
	return indented(struct {
		Version   string
		Statement []roleTrustStatement
	}{Version, []roleTrustStatement{{"Allow", map[string]string{"AWS": t.RoleARN}, assumeAction}}})
}

// Terraform gives the same policy as the argument of a resource "aws_iam_role",
// as `terraform fmt` leaves it, without a final newline.
func (t RoleTrust) Terraform() string {
	policy := hclObject{
		{"Version", Version},
		{"Statement", []hclObject{{
			{"Effect", "Allow"},
			{"Principal", hclObject{{"AWS", t.RoleARN}}},
			{"Action", assumeAction},
		}}},
	}
	return "assume_role_policy = jsonencode(" + policy.hcl(0) + ")"
}

// MayAssume is the permission that the assuming role needs on its side.
func MayAssume(roleARN string) Grant {
	return Grant{Actions: []string{assumeAction}, Resources: []string{literalResource(roleARN)}}
}

// HCLString writes a text as a quoted string of Terraform's language that holds
// just this text.
func HCLString(s string) string { return hclString(s) }
