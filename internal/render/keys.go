package render

import (
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Kind is what a key holds.
type Kind int

// The kinds of keys.
const (
	Text       Kind = iota
	Bool            // true or false
	Number          // a number
	Texts           // a list of texts
	FleetList       // a list of lists of tags
	JobList         // a list of jobs
	Statements      // a list of statements
)

// Key is one setting of a description.
type Key struct {
	Name    string // in the file, with dots between: "cache.bucket"
	Flag    string // without its dashes; "" where there is none
	Kind    Kind
	Default string // in words; "" for none
	What    string // a phrase, for docs, schema and the commented file
	Usage   string // of the flag, its placeholder in back quotes
	Example string // YAML, for the commented file
	fixed   string // the default where it follows from no other key
	rule    rule
}

// binding joins a key with its place in a T.
type binding[T any] struct {
	Key
	one  func(*T) *report.Value   // Text, Bool and Number
	list func(*T) *[]report.Value // Texts
}

// known is the first value that a key has.
func (b binding[T]) known(t *T) report.Value {
	if b.one != nil {
		return *b.one(t)
	}
	return report.Value{}
}

// problems are what is wrong with the values that a key has.
func (b binding[T]) problems(t *T) []error {
	var values []report.Value
	switch {
	case b.one != nil && b.one(t).Known():
		values = []report.Value{*b.one(t)}
	case b.list != nil:
		values = *b.list(t)
	}
	var all []error
	for _, v := range values {
		if problem := b.rule.problem(v.Text); problem != "" {
			all = append(all, &Error{v.From, problem})
		}
	}
	return all
}

// Keys are those of a description, in the order of the commented file.
func Keys() []Key { return keysOf(bindings()) }

// JobKeys are those of an entry of jobs, StatementKeys those of an entry of its
// statements.
func JobKeys() []Key { return keysOf(jobBindings()) }

// StatementKeys are described with JobKeys.
func StatementKeys() []Key { return keysOf(statementBindings()) }

func keysOf[T any](all []binding[T]) []Key {
	var keys []Key
	for _, b := range all {
		keys = append(keys, b.Key)
	}
	return keys
}

func keyNamed(name string) Key {
	for _, k := range bindings() {
		if k.Name == name {
			return k.Key
		}
	}
	return Key{Name: name}
}

// text makes a key of one text, whose flag is its name with dashes for dots.
func text(name, what, usage, example string, r rule, one func(*Description) *report.Value) binding[Description] {
	return binding[Description]{Key: Key{Name: name, Flag: strings.ReplaceAll(name, ".", "-"), What: what, Usage: usage, Example: example, rule: r}, one: one}
}

func (b binding[T]) defaults(fixed string) binding[T] {
	b.fixed, b.Default = fixed, fixed
	return b
}

func (b binding[T]) follows(words string) binding[T] {
	b.Default = words
	return b
}

func (b binding[T]) kind(k Kind) binding[T] {
	b.Kind = k
	return b
}

// bindings is the one table of keys.
func bindings() []binding[Description] {
	type d = Description
	type v = report.Value
	yesOrNo := optionRule("true", "false")
	return []binding[d]{
		text("account", "the AWS account of the roles, 12 digits", "take the AWS account `ID` for the roles", `"123456789012"`, accountRule(), func(d *d) *v { return &d.Account }),
		text("partition", "the partition of AWS", "take `PARTITION`: aws, aws-cn, aws-us-gov …", "aws", partitionRule(), func(d *d) *v { return &d.Partition }).follows("that of the region"),
		text("region", "the region of the cluster, and of what is made", "take `REGION` for the cluster", "eu-central-1", regionRule(), func(d *d) *v { return &d.Region }).follows("that in the issuer of an EKS cluster"),
		text("issuer", "the issuer of the cluster's tokens: https, no slash at its end", "take `URL` for the issuer of the cluster's tokens", "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF", issuerRule(), func(d *d) *v { return &d.Issuer }),
		text("audience", "the audience of the tokens, a client id of the IAM OIDC provider", "take `AUDIENCE` for that of the tokens", "sts.amazonaws.com", audienceRule(), func(d *d) *v { return &d.Audience }).defaults("sts.amazonaws.com"),
		text("create-provider", "make the IAM OIDC provider too: an account has one for each issuer, so not where it is there already", "make the IAM OIDC provider too", "false", yesOrNo, func(d *d) *v { return &d.CreateProvider }).defaults("false").kind(Bool),
		text("namespace", "the Kubernetes namespace of the runner and of job pods", "take `NAMESPACE` for runner and job pods", "gitlab", namespaceRule(), func(d *d) *v { return &d.Namespace }).defaults("gitlab"),
		text("runner.service-account", "the runner manager's service account", "let the runner manager have the service account `NAME`", "gitlab-runner-common", serviceAccountRule(), func(d *d) *v { return &d.Runner.ServiceAccount }).defaults("gitlab-runner"),
		text("runner.role", "the runner manager's role, which signs the URLs of the cache", "let the runner manager have the role `NAME`", "k8s-irsa-gitlab-runner-common", roleRule(), func(d *d) *v { return &d.Runner.Role }).follows(rolePrefix + "SERVICE-ACCOUNT"),
		text("runner.made-by", "who makes the runner manager's service account and its Kubernetes Role: manifest (kubernetes/ does, and several runners can share it) or chart (the Helm chart does)", "let `WHO` make the runner's service account: manifest or chart", "manifest", optionRule(byManifest, byChart), func(d *d) *v { return &d.Runner.MadeBy }).defaults(byManifest),
		{Key: Key{Name: "jobs", Flag: "job", Kind: JobList, What: "service accounts for job pods, each with a role; the first is that of jobs that choose none", Usage: "add the service account and role `ACCOUNT[=ROLE[,POLICY-ARN…]]` for jobs; repeatable"}},
		text("cache.bucket", "the S3 bucket of the runners' cache; without it no cache is written", "keep the runners' cache in `BUCKET`", "my-super-duper-gitlab-runner-cache", bucketRule(), func(d *d) *v { return &d.Cache.Bucket }),
		text("cache.path", "what the keys of the cache start with, alike for all runners that share it", "let the keys of the cache start with `PREFIX`", "runners-all", pathRule(), func(d *d) *v { return &d.Cache.Path }).follows("nothing"),
		text("cache.region", "the region of the bucket", "take `REGION` for the bucket", "eu-central-1", regionRule(), func(d *d) *v { return &d.Cache.Region }).follows("that of the cluster"),
		text("cache.shared", "let runners share the cache", "let runners share the cache, true or false: `BOOL`", "true", yesOrNo, func(d *d) *v { return &d.Cache.Shared }).defaults("true").kind(Bool),
		text("cache.kms-key", "the ARN of the KMS key that encrypts the cache, in the bucket's region", "encrypt the cache with the KMS key `ARN`", "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", kmsKeyRule(), func(d *d) *v { return &d.Cache.KMSKey }).follows("S3's own key"),
		text("cache.role", "a role of the cache's own, which the runner's role assumes (RoleARN) in place of signing URLs: for archives above 5 GB", "let the runner assume the role `NAME` for the cache", "k8s-irsa-gitlab-cache", roleRule(), func(d *d) *v { return &d.Cache.Role }).follows("none: pre-signed URLs"),
		text("cache.create-bucket", "make the bucket too", "make the bucket too, true or false: `BOOL`", "true", yesOrNo, func(d *d) *v { return &d.Cache.CreateBucket }).defaults("true").kind(Bool),
		text("cache.expire-days", "delete what was stored so many days ago", "delete what was stored `DAYS` ago", "14", numberRule(), func(d *d) *v { return &d.Cache.ExpireDays }).defaults("14").kind(Number),
		{Key: Key{Name: "fleets", Flag: "fleet", Kind: FleetList, What: "two fleets or more that the smoke test compares, each the tags that select its runners", Usage: "test the fleet that `TAGS` select, with commas between; repeatable", Example: "[[fargate-small], [cluster, kubernetes]]"}},
		text("gitlab-url", "the URL of the GitLab instance", "take `URL` for the GitLab instance", "https://gitlab.example.com", urlRule(), func(d *d) *v { return &d.GitLabURL }).defaults("https://gitlab.com"),
		text("chart-version", "the version of the Helm chart gitlab-runner; below 0.66 its older keys are written", "write values for version `VERSION` of the Helm chart", `"0.80.0"`, versionRule(), func(d *d) *v { return &d.ChartVersion }).follows("a current one"),
		text("component.project", "where the CI/CD component of ci-aws is", "include the component of the project `HOST/PATH`", "$CI_SERVER_FQDN/ci-aws/ci-aws", componentRule(), func(d *d) *v { return &d.Component }).defaults("$CI_SERVER_FQDN/ci-aws/ci-aws"),
		text("component.version", "the version of the component", "include the component at `VERSION`", "main", referenceRule(), func(d *d) *v { return &d.ComponentVersion }).defaults("main"),
		text("image", "an image with a shell and ci-aws in PATH, for the jobs of gitlab-ci.yml", "run the jobs of gitlab-ci.yml in `IMAGE`", "registry.example.com/tools/with-ci-aws:1", imageRule(), func(d *d) *v { return &d.Image }).follows("the component's"),
	}
}

func jobBindings() []binding[Job] {
	type v = report.Value
	return []binding[Job]{
		{Key: Key{Name: "service-account", What: "the service account of the job's pod", Example: "gitlab-jobs", rule: serviceAccountRule()}, one: func(j *Job) *v { return &j.ServiceAccount }},
		{Key: Key{Name: "role", What: "its role", Default: rolePrefix + "SERVICE-ACCOUNT", Example: "k8s-irsa-gitlab-jobs", rule: roleRule()}, one: func(j *Job) *v { return &j.Role }},
		{Key: Key{Name: "policy-arns", Kind: Texts, What: "the ARNs of managed policies that the role gets", Example: `["arn:aws:iam::aws:policy/ReadOnlyAccess"]`, rule: policyARNRule()}, list: func(j *Job) *[]v { return &j.PolicyARNs }},
		{Key: Key{Name: "statements", Kind: Statements, What: "statements of a policy of the role's own"}},
	}
}

func statementBindings() []binding[Statement] {
	type v = report.Value
	return []binding[Statement]{
		{Key: Key{Name: "effect", What: "Allow or Deny", Default: "Allow", rule: optionRule("Allow", "Deny")}, one: func(s *Statement) *v { return &s.Effect }},
		{Key: Key{Name: "actions", Kind: Texts, What: "what may be done", Example: "[s3:GetObject]", rule: actionRule()}, list: func(s *Statement) *[]v { return &s.Actions }},
		{Key: Key{Name: "resources", Kind: Texts, What: "to what", Example: `["arn:aws:s3:::artifacts/*"]`, rule: resourceRule()}, list: func(s *Statement) *[]v { return &s.Resources }},
	}
}
