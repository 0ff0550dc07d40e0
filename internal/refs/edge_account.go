package refs

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// account is a service account that the files define.
type account struct {
	at          report.Place
	namespace   Text // not known where the file leaves it to the command line
	name        Text // not known where the chart makes it of the release's name
	annotations []Annotation
	pending     bool   // its role is not known before `terraform apply`
	chart       bool   // the chart of gitlab-runner makes it
	manager     bool   // of a runner manager
	jobs        bool   // of jobs: a runner or a job names it
	takes       string // the name in the ARN of its annotation
	space       end    // where its namespace stands, else where a trust policy says it
}

// The annotations that the EKS webhook reads.
// https://github.com/aws/amazon-eks-pod-identity-webhook#usage
const (
	annotations        = "eks.amazonaws.com/"
	roleAnnotation     = annotations + "role-arn"
	audienceAnnotation = annotations + "audience"
	webhookAudience    = "sts.amazonaws.com" // where no annotation says another
	subjects           = "system:serviceaccount:"
)

func knownAnnotations() []string {
	return []string{roleAnnotation, audienceAnnotation, annotations + "sts-regional-endpoints", annotations + "token-expiration"}
}

func (a account) annotation(key string) Text {
	t := Text{At: a.at}
	for _, n := range a.annotations {
		if n.Key.Text == key {
			t = n.Value
		}
	}
	return t
}

func (a account) role() Text { return a.annotation(roleAnnotation) }

// id is namespace/name, as far as it is known.
func (a account) id() string { return accountID(a.namespace.Text, a.name.Text) }

func accountID(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

func (a account) what() string {
	if !a.name.Known() {
		return "the service account that the chart makes"
	}
	return "the service account " + quote(a.id())
}

// kind is in which part of a set-up a service account is named.
type kind string

const (
	byTrust   kind = "trust"   // sub in a trust policy
	byJobs    kind = "jobs"    // the runner, or a job, for job pods
	byManager kind = "manager" // the chart, for the manager
	byBinding kind = "binding" // a RoleBinding
	byPod     kind = "pod"     // a manifest of a pod
)

// accountRef is a place that names a service account.
type accountRef struct {
	kind            kind
	what            string   // "the trust policy of the role …"
	namespace, name end      // a namespace without text is any
	role            *role    // of a trust policy whose role is known
	beside          []string // of a subject: the names of its binding and of what that gives
	found           []*account
	meant           *account
}

func (r accountRef) id() string { return accountID(r.namespace.part, r.name.part) }

func (r accountRef) fits(a *account) bool {
	return a.name.Known() && a.name.Text == r.name.part && agree(a.namespace.Text, r.namespace.part)
}

// agree reports whether two namespaces can be the same: one that is not known can
// be any.
func agree(a, b string) bool { return a == "" || b == "" || a == b }

// collectAccounts takes the service accounts and all places that name one.
func (c *checker) collectAccounts() {
	for _, a := range c.Accounts {
		if a.Name.Known() && !a.Name.Templated() {
			c.accounts = append(c.accounts, &account{at: a.At, namespace: plain(a.Namespace), name: a.Name, annotations: a.Annotations, pending: a.Pending})
		}
	}
	for _, m := range c.Managers {
		c.collectManager(m)
	}
	for _, w := range c.Workloads {
		if !usable(w.Account) {
			continue
		}
		k, what := byPod, "the "+report.Clean(w.Kind.Text)+" "+quote(w.Name.Text)
		if w.Manager {
			k = byManager
		}
		c.name(&accountRef{kind: k, what: what, namespace: whole(what, plain(w.Namespace)), name: whole("serviceAccountName of "+what, w.Account)})
	}
	for _, b := range c.Bindings {
		for _, s := range b.Subjects {
			if s.Kind.Text != "ServiceAccount" || !usable(s.Name) {
				continue
			}
			what := "the " + report.Clean(b.Kind.Text) + " " + quote(b.Name.Text)
			c.name(&accountRef{kind: byBinding, what: what, namespace: whole(what, plain(s.Namespace.Or(b.Namespace))), name: whole("a subject of "+what, s.Name), beside: []string{b.Name.Text, b.RoleName.Text}})
		}
	}
	for i := range c.Runners {
		c.collectRunner(&c.Runners[i])
	}
	c.collectOverwrites()
	for _, a := range c.accounts {
		a.takes = roleName(a.role().Text)
	}
}

func (c *checker) name(r *accountRef) {
	r.namespace.what = "the namespace of " + r.what
	c.accountRefs = append(c.accountRefs, r)
}

// plain is a text that says something, or none.
func plain(t Text) Text {
	if !usable(t) {
		t.Text = ""
	}
	return t
}

// collectManager takes the manager's account out of the chart's values: one that
// the chart makes, or the name of another.
func (c *checker) collectManager(m Manager) {
	name := plain(m.Name.Or(m.RBAC.ServiceAccountName))
	own := slices.Concat(m.Annotations, m.RBAC.Annotations)
	const what = "the gitlab-runner chart's values"
	made := name.Known() && slices.ContainsFunc(c.accounts, func(a *account) bool { return a.name.Text == name.Text })
	create := m.Create
	if !create.Known() {
		create = m.RBAC.Create
	}
	if create.Text != "false" && !made {
		c.accounts = append(c.accounts, &account{at: m.At, namespace: plain(m.Namespace), name: name, annotations: own, chart: true, manager: true})
		return
	}
	if name.Known() {
		c.name(&accountRef{kind: byManager, what: what, namespace: whole(what, plain(m.Namespace)), name: whole(what, name)})
	}
}

func (c *checker) collectRunner(r *Runner) {
	what := runnerWhat(r)
	namespace := whole(what, plain(r.Kubernetes.Namespace))
	if !namespace.text.Known() && !r.Kubernetes.Namespace.Known() {
		namespace = whole(what, plain(r.Namespace))
	}
	if name := r.Kubernetes.ServiceAccount; usable(name) {
		c.name(&accountRef{kind: byJobs, what: what, namespace: namespace, name: whole("service_account of "+what, name)})
	}
	allowed := r.Kubernetes.ServiceAccountOverwriteAllowed
	if !usable(Text{Text: strings.TrimSuffix(allowed.Text, "$"), At: allowed.At}) {
		return
	}
	for _, n := range listed(allowed.Text) {
		c.name(&accountRef{kind: byJobs, what: what, namespace: namespace, name: end{
			what: "service_account_overwrite_allowed of " + what, text: allowed, part: n, from: max(strings.Index(allowed.Text, n), 0),
		}})
	}
}

// runnerWhat names a runner.
func runnerWhat(r *Runner) string {
	if r.Name.Known() {
		return "the runner " + quote(r.Name.Text)
	}
	return "the runner at " + r.At.String()
}

var listForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\^(?:\((?:\?:)?([a-z0-9|-]+)\)|([a-z0-9-]+))\$$`)
})

// listed are the names of an allow-list that is written as names: ^a$, ^(a|b)$.
func listed(pattern string) []string {
	m := listForm().FindStringSubmatch(pattern)
	if m == nil {
		return nil
	}
	return strings.FieldsFunc(m[1]+m[2], func(r rune) bool { return r == '|' })
}
