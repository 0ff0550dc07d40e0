package refs

import (
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// Text is a scalar as it is written and the place where it starts: for a name
// in quotes that of the quote, for one inside another text (TOML in Helm values,
// JSON in a string) its place in the file. Where the file does not have it, Text
// is empty and At is what it belongs to. A Go template or an input of a
// component that is not evaluated reads as "{{ }}", and Templated tells.
type Text = runner.Value

// Set is what the files hold, in the order of the arguments and, in a folder, of
// the names.
type Set struct {
	Accounts  []Account
	Roles     []IAMRole
	Trusts    []Policy // trust policies that no file gives to a role
	Policies  []Policy // permission policies that no role of the files has
	Providers []Provider
	Clusters  []Cluster
	Buckets   []Bucket
	KubeRoles []KubeRole
	Bindings  []KubeBinding
	Workloads []Workload
	Managers  []Manager
	Runners   []Runner
	Pipelines []Pipeline
	Unread    []Unread

	// Files is how many files gave an object, Others how many were opened and
	// hold nothing that this package knows.
	Files, Others int

	root  string                  // what the paths in patches are relative to; "" is the working directory
	lines map[report.Place]string // by file and line; the column is zero
}

// Line is the whole line of a file that t stands on, for a diff. It is known only
// where the line holds nothing but a key and t, so that no secret can be in it.
func (s Set) Line(t Text) (string, bool) {
	l, ok := s.lines[report.Place{File: t.At.File, Line: t.At.Line}]
	return l, ok
}

// Account is a Kubernetes ServiceAccount.
type Account struct {
	At        report.Place
	Namespace Text
	Name      Text
	// Annotations are those of EKS (eks.amazonaws.com/…) and those that look like
	// a slip of one, in the order of the file.
	Annotations []Annotation
	Pending     bool // a plan knows its annotation with the role only after `terraform apply`
	Automount   Text // automountServiceAccountToken: "true" or "false"
	Source      Source
}

// Annotation is a key of metadata.annotations and its value.
type Annotation struct{ Key, Value Text }

// Source is the kind of file that an object is from.
type Source string

// The kinds of files.
const (
	FromManifest  Source = "manifest"  // a Kubernetes manifest, or what kubectl prints
	FromHelm      Source = "helm"      // values of the gitlab-runner chart
	FromTOML      Source = "toml"      // config.toml
	FromCI        Source = "ci"        // .gitlab-ci.yml
	FromPolicy    Source = "policy"    // a policy by itself
	FromAWS       Source = "aws"       // what the aws command prints
	FromTerraform Source = "terraform" // terraform show -json: a plan or a state
)

// IAMRole is an IAM role.
type IAMRole struct {
	At     report.Place
	Name   Text
	ARN    Text    // not known in a plan of a role that is to be made
	Trust  *Policy // nil where the files do not have it
	Source Source
	// Policies are its permission policies, in line and attached, from all files.
	Policies []Policy
	// Attached are the ARNs of its managed policies, those in Policies included.
	Attached []Text
}

// Policy is a trust or permission policy.
type Policy struct {
	At     report.Place
	Name   Text // of an inline or managed policy
	ARN    Text // of a managed policy
	Role   Text // the name or ARN of the role that it is for, where the file says so
	Source Source
	// Policy is what internal/iam made of it, for evaluation. Its positions are
	// those of Document; Place gives the file's. It is empty where IAM would refuse
	// the policy, which Unread says.
	Policy iam.Policy
	// Document holds the policy's own text; its Base is zero. It has no text where
	// Policy is empty.
	Document   iam.Document
	Statements []Statement

	places map[iam.Position]report.Place // of all positions in Policy
}

// Place is the place in the file of a position in Policy, as internal/trust gives
// them too.
func (p Policy) Place(at iam.Position) report.Place {
	if place, known := p.places[at]; known {
		return place
	}
	return p.At
}

// Statement is one statement, with the place of every value.
type Statement struct {
	At           report.Place
	Sid          Text
	Effect       Text
	Principals   []Principal // of Principal and NotPrincipal
	NotPrincipal bool        // Principals are those of NotPrincipal
	Actions      []Text
	NotActions   []Text
	Resources    []Text
	NotResources []Text
	Conditions   []Condition
	PrincipalAt  report.Place // of the element's name; zero where there is none
	ConditionAt  report.Place // of the element's name; zero where there is none
	ActionAt     report.Place // of Action or NotAction
	ResourceAt   report.Place // of Resource or NotResource
}

// Principal is one name in a Principal element. Type is "AWS", "Federated",
// "Service", "CanonicalUser", or "*" where the element is that one string.
type Principal struct {
	Type string
	Name Text
}

// Condition is one operator on one key.
type Condition struct {
	Operator Text
	Key      Text // as written: oidc.eks.eu-central-1.amazonaws.com/id/…:sub
	Values   []Text
}

// Provider is an IAM OIDC provider. Either ARN or URL may be unknown.
type Provider struct {
	At        report.Place
	ARN       Text
	URL       Text // with or without https://, as written
	ClientIDs []Text
	Source    Source
}

// Cluster is an EKS cluster and the issuer of its tokens.
type Cluster struct {
	At     report.Place
	Name   Text
	ARN    Text
	Issuer Text
	Source Source
}

// Bucket is an S3 bucket.
type Bucket struct {
	At     report.Place
	Name   Text
	Region Text // not known where the file does not say
	Source Source
}

// KubeRole is a Kubernetes Role or ClusterRole.
type KubeRole struct {
	At        report.Place
	Kind      Text // Role, ClusterRole
	Namespace Text
	Name      Text
	Rules     []Rule
}

// Rule is what a KubeRole allows.
type Rule struct {
	At                                         report.Place
	APIGroups, Resources, ResourceNames, Verbs []Text
}

// KubeBinding is a RoleBinding or ClusterRoleBinding.
type KubeBinding struct {
	At        report.Place
	Kind      Text // RoleBinding, ClusterRoleBinding
	Namespace Text
	Name      Text
	RoleKind  Text // of roleRef: Role, ClusterRole
	RoleName  Text
	Subjects  []Subject
}

// Subject is one of those that a KubeBinding binds.
type Subject struct{ Kind, Namespace, Name Text }

// Workload is a pod, or what makes pods, with the account that it names.
type Workload struct {
	At        report.Place
	Kind      Text
	Namespace Text
	Name      Text
	Account   Text // serviceAccountName; not known where it is not named
	Manager   bool // it runs gitlab-runner itself: its account is the manager's
}

// Manager is the account of the runner manager as values of the gitlab-runner
// chart have it.
// https://docs.gitlab.com/runner/install/kubernetes_helm_chart_configuration/
type Manager struct {
	At          report.Place
	Create      Text         // serviceAccount.create: "true" or "false"
	Name        Text         // serviceAccount.name
	Annotations []Annotation // serviceAccount.annotations, chosen as in Account
	RBAC        RBAC
	Old         []OldKey // in the order of the file
	// Namespace is the one that the release goes to, where the file says so: a
	// HelmRelease, or terraform's helm_release.
	Namespace Text
	Release   Text  // the release's name, where the file says so
	Runners   []int // the indices in Set.Runners of those in the same values
}

// RBAC is the section rbac of the chart's values. The keys of accounts in it are
// the older way: serviceAccount replaced them with chart 0.66.0.
type RBAC struct {
	At                 report.Place // zero where there is no such section
	Create             Text
	ServiceAccountName Text
	Annotations        []Annotation // serviceAccountAnnotations
	ClusterWideAccess  Text
}

// OldKey is a key of the chart that newer charts ignore or warn of.
type OldKey struct {
	Key     Text   // the path: runners.serviceAccountName
	Value   Text   // where it names an account, a namespace or a place of the cache; never a secret
	Since   string // the chart's version that took it away, or deprecated it
	Removed bool   // the chart ignores it; otherwise it still works and is warned of
	Instead string // what took its place
}

// Runner is one [[runners]] section. Its places are those of the file, wherever
// in it the TOML stands.
type Runner struct {
	runner.Runner
	Source Source
	// Namespace is the one of the manager, where the file says so: that of the
	// ConfigMap, or of the release.
	Namespace Text
	// Partial: Go templates stood where they could have added or taken settings,
	// so that what is missing may be there.
	Partial bool
}

// Pipeline is a .gitlab-ci.yml or a file that one includes.
type Pipeline struct {
	At        report.Place
	Variables []Variable // of the whole pipeline
	Default   []IDToken  // id_tokens of default:
	Jobs      []Job      // hidden ones too
	Includes  []Include
}

// Job is a job of a pipeline.
type Job struct {
	Name      Text
	Extends   []Text
	Tags      []Text
	Variables []Variable
	IDTokens  []IDToken
}

// Variable is a CI/CD variable that has a meaning for AWS, the runner or ci-aws,
// or whose name looks like a slip of one that has. Text may name other variables
// ($NAME), which are not put in. Of a secret only Set is known.
type Variable struct {
	Name  Text
	Value Text   // empty for those that hold a secret
	Set   bool   // the value is not empty
	Meant string // the name that Name is a slip of; empty where it is one itself
}

// IDToken is an entry of id_tokens.
type IDToken struct {
	Name      Text
	Audiences []Text
}

// Include is an include of one of ci-aws's own components.
type Include struct {
	At        report.Place
	Reference Text   // as written: $CI_SERVER_FQDN/ci-aws/ci-aws/ci-aws@1, or the file of a project, or an address
	Component string // ci-aws, whoami, doctor, cache-smoke, audit; "component.yml" for the whole wiring
	Inputs    []Input
}

// Input is one input with a single value, or with a list of them.
type Input struct {
	Name   Text
	Values []Text
}

// Input gives the input of that name, and whether it is there.
func (i Include) Input(name string) (Input, bool) {
	for _, in := range i.Inputs {
		if in.Name.Text == name {
			return in, true
		}
	}
	return Input{}, false
}

// Unread is a file, or a part of one, that was not evaluated, and why.
type Unread struct {
	At     report.Place // line 0 is the whole file
	Kind   Kind
	Reason string // a predicate of ours: "is not YAML: a tab stands where blanks must"
}

// Kind is what kept a file or part from being evaluated.
type Kind string

// The kinds of Unread.
const (
	Broken    Kind = "broken"    // its syntax
	Templated Kind = "templated" // a template, or a value that is not known yet
	Pending   Kind = "pending"   // a value that Terraform knows only after apply
	Terraform Kind = "terraform" // Terraform's own language
	Duplicate Kind = "duplicate" // a key that stands a second time; the last one counts
	Refused   Kind = "refused"   // well-formed, but its owner would refuse it
	Skipped   Kind = "skipped"   // a limit, or an unreadable file
	Linked    Kind = "linked"    // a link in a folder
	Irregular Kind = "irregular" // a pipe, a socket, a device
	Binary    Kind = "binary"    // no text
	Described Kind = "described" // what other files are made from
	Nothing   Kind = "nothing"   // a file that was named, and holds nothing that is known
)
