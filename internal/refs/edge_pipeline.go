package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// scoped is a variable and where in a pipeline it is set.
type scoped struct {
	Variable
	what string
}

// variables are those of all pipelines and their jobs.
func (c *checker) variables() []scoped {
	var all []scoped
	for _, p := range c.Pipelines {
		for _, v := range p.Variables {
			all = append(all, scoped{v, "variables of the pipeline"})
		}
		for _, j := range p.Jobs {
			for _, v := range j.Variables {
				all = append(all, scoped{v, "variables of the job " + quote(j.Name.Text)})
			}
		}
	}
	return all
}

// inputs are the inputs of that name of every include of a component.
func (c *checker) inputs(name string) []end {
	var all []end
	for _, p := range c.Pipelines {
		for _, i := range p.Includes {
			in, _ := i.Input(name)
			for _, v := range in.Values {
				if usable(v) {
					all = append(all, whole("the input "+name+" of "+report.Clean(i.Component), v))
				}
			}
		}
	}
	return all
}

const overwriteVariable = "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"

// overwrites are the service accounts that jobs ask for.
func (c *checker) overwrites() []end {
	all := c.inputs("service-account")
	for _, v := range c.variables() {
		if v.Name.Text == overwriteVariable && usable(v.Value) {
			all = append(all, whole(overwriteVariable+" in "+v.what, v.Value))
		}
	}
	return all
}

func (c *checker) collectOverwrites() {
	for _, e := range c.overwrites() {
		c.name(&accountRef{kind: byJobs, what: e.what, namespace: end{what: e.what}, name: e})
	}
}

// pipelineRoles are the roles that jobs ask for.
func (c *checker) pipelineRoles() []*roleRef {
	var all []*roleRef
	for _, name := range []string{"role-arn", "chain-role-arn"} {
		for _, e := range c.inputs(name) {
			all = append(all, &roleRef{what: e.what, text: e.text, asked: name == "role-arn"})
		}
	}
	for _, v := range c.variables() {
		if v.Name.Text == "CI_AWS_ROLE_ARN" || v.Name.Text == "AWS_ROLE_ARN" {
			all = append(all, &roleRef{what: v.Name.Text + " in " + v.what, text: v.Value, asked: true})
		}
	}
	return all
}

// pipelineRegions are the regions that jobs call.
func (c *checker) pipelineRegions() []end {
	all := c.inputs("region")
	for _, v := range c.variables() {
		if slices.Contains([]string{"CI_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"}, v.Name.Text) && usable(v.Value) {
			all = append(all, whole(v.Name.Text+" in "+v.what, v.Value))
		}
	}
	return all
}

// pipelines looks at what .gitlab-ci.yml sets for AWS and for the runner.
func (c *checker) pipelines() []report.Finding {
	vars := c.variables()
	all := judged("refs-variables", len(c.Pipelines), "pipeline", c.harmful(vars)...)
	asked := c.overwrites()
	if len(c.Runners) > 0 {
		all = append(all, judged("refs-overwrite", len(asked), "service account that jobs ask for", c.refused(asked)...)...)
	}
	all = append(all, c.allowedAccounts()...)
	return append(all, c.idTokens()...)
}

// harmful are variables that keep the job from its role.
func (c *checker) harmful(vars []scoped) []report.Finding {
	var all []report.Finding
	for _, v := range vars {
		f := catalogue.Facts{"name": v.Name.Text, "scope": v.what, "where": v.Name.At.String(), "meant": v.Meant}
		e := end{what: v.what, text: v.Name, part: v.Name.Text}
		kase := ""
		switch v.Name.Text {
		case "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE":
			kase = "refs-variable-identity"
		case "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY":
			kase = "refs-variable-keys"
		}
		switch {
		case v.Meant != "":
			all = append(all, c.found("refs-variable-slip", f, []end{e}, c.patch([]end{e}, v.Meant)...))
		case kase != "" && v.Set:
			all = append(all, c.found(kase, f, []end{e}))
		}
	}
	return all
}

// refused are the service accounts that jobs ask for and that no runner lets them
// take.
func (c *checker) refused(asked []end) []report.Finding {
	var all []report.Finding
	for _, e := range asked {
		var lists []end
		allowed, open := false, false
		for i := range c.Runners {
			r := &c.Runners[i]
			account := r.JobAccount()
			allowed = allowed || account.Allows(e.part) || account.Overwrite.Templated() || account.Name.Text == e.part && !account.Overwrite.Known()
			open = open || account.Overwrite.Known() || r.Partial
			if account.Overwrite.Known() {
				lists = append(lists, whole("service_account_overwrite_allowed of "+runnerWhat(r), account.Overwrite))
			}
		}
		f := catalogue.Facts{"got": e.part, "what": e.what, "where": e.text.At.String()}
		switch {
		case allowed, !open && c.Runners[0].Partial:
		case !open:
			f["runner"] = runnerWhat(&c.Runners[0])
			all = append(all, c.found("refs-overwrite-ignored", f, []end{e, {what: f["runner"], text: Text{At: c.Runners[0].Kubernetes.At}}}))
		case len(lists) > 0:
			f["want"], f["other-where"] = lists[0].part, places(lists)
			ends := append([]end{e}, lists...)
			if slices.ContainsFunc(c.accounts, func(a *account) bool { return a.name.Text == e.part }) {
				ends = append(lists, e) // the account is there, so that the list is the slip
			}
			all = append(all, c.found("refs-overwrite-refused", f, ends))
		}
	}
	return all
}

// allowedAccounts compares the accounts that a component allows with those of the
// roles.
func (c *checker) allowedAccounts() []report.Finding {
	var all []report.Finding
	asked := c.inputs("allowed-accounts")
	for _, e := range asked {
		for _, got := range strings.FieldsFunc(e.text.Text, func(r rune) bool { return r == ',' || r == ' ' }) {
			want := ""
			for _, a := range c.arns {
				if want != "" && a.account != want || a.account == got {
					want = ""
					break
				}
				want = a.account
			}
			if want != "" && !strings.Contains(e.text.Text, want) {
				got := side{name: got, ends: []end{{e.what, e.text, got, strings.Index(e.text.Text, got)}}}
				all = append(all, c.differ("refs-account-differs", got, c.ofAccount(want), nil))
			}
		}
	}
	return all
}

// idTokens compares the audiences of GitLab's ID tokens with those that the trust
// policies for GitLab take.
func (c *checker) idTokens() []report.Finding {
	taken := map[string][]end{}
	for _, d := range c.roles {
		for _, e := range c.principals(d) {
			if strings.HasPrefix(e.provider, "oidc.eks") {
				continue
			}
			for _, v := range d.audiences() {
				if usable(v) {
					taken[v.Text] = append(taken[v.Text], whole("aud in "+d.what(), v))
				}
			}
		}
	}
	for _, p := range c.Providers {
		if strings.Contains(iam.ProviderName(p.URL.Text)+p.ARN.Text, "oidc.eks") {
			continue
		}
		for _, v := range p.ClientIDs {
			if usable(v) {
				taken[v.Text] = append(taken[v.Text], whole("a client id of the provider", v))
			}
		}
	}
	asked := map[string][]end{}
	for _, p := range c.Pipelines {
		tokens := slices.Clone(p.Default)
		for _, j := range p.Jobs {
			tokens = append(tokens, j.IDTokens...)
		}
		for _, t := range tokens {
			for _, v := range t.Audiences {
				if usable(v) {
					asked[v.Text] = append(asked[v.Text], whole("aud of the ID token "+quote(t.Name.Text), v))
				}
			}
		}
	}
	var all []report.Finding
	n := 0
	for _, got := range sortedKeys(asked) {
		if len(taken) == 0 {
			continue
		}
		n += len(asked[got])
		if len(taken[got]) > 0 {
			continue
		}
		want := c.nearestAudience(got, taken, asked)
		if want == "" {
			continue
		}
		all = append(all, c.differ("refs-id-token-audience", side{name: got, ends: asked[got]}, side{name: want, ends: append(taken[want], asked[want]...)}, nil))
	}
	return judged("refs-id-token", n, "audience", all...)
}

// nearestAudience is the one that an ID token's was most likely meant to be: near
// to it, else the only one, which no other ID token has.
func (c *checker) nearestAudience(got string, taken, asked map[string][]end) string {
	free := ""
	for _, name := range sortedKeys(taken) {
		if slip(got, name, true) {
			return name
		}
		if len(asked[name]) == 0 {
			if free != "" {
				return ""
			}
			free = name
		}
	}
	return free
}
