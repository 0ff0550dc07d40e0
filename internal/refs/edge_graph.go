package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Graph is what the files name and how they refer to each other.
type Graph struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// Node is one thing that has a name. Its texts are clean.
type Node struct {
	Kind    string       `json:"kind"` // pipeline, runner, service account, role, trust policy, provider, bucket, Role
	Name    string       `json:"name"`
	At      report.Place `json:"where"`   // where it is defined, else where it is named first
	Defined bool         `json:"defined"` // some file defines it, or nothing has to
}

// State is what is known of an edge.
type State string

// The states of an edge.
const (
	Holds State = "ok"
	Wrong State = "wrong" // the two ends do not agree
	Open  State = "open"  // the other end is in none of the files
)

// Edge says that one node names another.
type Edge struct {
	From  int          `json:"from"` // indices of nodes
	To    int          `json:"to"`
	Label string       `json:"label"` // a verb: "takes", "trusts"
	State State        `json:"state"`
	At    report.Place `json:"where"` // of the name
	back  bool         // leads back to what the tree has shown
}

// grapher makes each node once.
type grapher struct {
	Graph
	known map[string]int // by kind and name
}

func (g *grapher) node(kind, name string, at report.Place, defined bool) int {
	key := kind + "\x00" + name
	i, ok := g.known[key]
	if !ok {
		i = len(g.Nodes)
		g.known[key] = i
		g.Nodes = append(g.Nodes, Node{report.Clean(kind), report.Clean(name), at, defined})
	}
	if defined && !g.Nodes[i].Defined {
		g.Nodes[i].Defined, g.Nodes[i].At = true, at
	}
	return i
}

func (g *grapher) edge(from, to int, label string, s State, at report.Place, back bool) {
	e := Edge{from, to, label, s, at, back}
	same := func(o Edge) bool { return o.From == e.From && o.To == e.To && o.Label == e.Label }
	if i := slices.IndexFunc(g.Edges, same); i < 0 {
		g.Edges = append(g.Edges, e)
	} else if s == Wrong {
		g.Edges[i].State = s
	}
}

// graph is made after all was judged.
func (c *checker) graph() Graph {
	g := &grapher{Graph: Graph{[]Node{}, []Edge{}}, known: map[string]int{}}
	for _, a := range c.accounts {
		g.node("service account", a.shown(), a.where(), true)
	}
	for _, e := range c.issuers {
		if e.defined {
			g.node("provider", e.name, e.text.At, true)
		}
	}
	c.graphPipelines(g)
	c.graphRunners(g)
	for _, r := range c.roleRefs {
		if r.account != nil {
			from := g.node("service account", r.account.shown(), r.account.where(), true)
			to, state := c.roleNode(g, r)
			if r.found != nil && r.found.trust != nil && !r.found.admits(r.account) {
				state = Wrong
			}
			g.edge(from, to, "takes", state, r.text.At, false)
		}
	}
	c.graphTrust(g)
	c.graphBindings(g)
	c.graphBuckets(g)
	return g.Graph
}

// where is the place of its name, else of its definition.
func (a account) where() report.Place {
	if a.name.Known() {
		return a.name.At
	}
	return a.at
}

// shown names an account in the graph.
func (a account) shown() string {
	if a.name.Known() {
		return a.id()
	}
	return "(made by the chart)"
}

// roleNode is the node of the role that a place names.
func (c *checker) roleNode(g *grapher, r *roleRef) (int, State) {
	switch {
	case r.found != nil:
		return g.node("role", r.found.name, r.found.at, true), Holds
	case r.meant != nil, c.toldName("role", r.arn.Name):
		return g.node("role", r.arn.Name, r.text.At, false), Wrong
	}
	for _, d := range c.roles {
		if r.account != nil && d.name == "" && len(d.subjects) > 0 && d.admits(r.account) {
			to := g.node("role", r.arn.Name, r.text.At, false)
			g.edge(to, g.node("trust policy", d.at.File, d.at, true), "may have the", Open, d.at, false)
			return to, Open
		}
	}
	return g.node("role", r.arn.Name, r.text.At, false), Open
}

// accountNode is the node of the account that a place names.
func (c *checker) accountNode(g *grapher, r *accountRef) (int, State) {
	switch {
	case len(r.found) > 0:
		return g.node("service account", r.found[0].shown(), r.found[0].where(), true), Holds
	case r.meant != nil, c.toldName("account", r.id()):
		return g.node("service account", r.id(), r.name.text.At, false), Wrong
	}
	return g.node("service account", r.id(), r.name.text.At, r.name.part == "default"), Open
}

func (c *checker) graphPipelines(g *grapher) {
	at := map[string]int{}
	for _, p := range c.Pipelines {
		at[p.At.File] = g.node("pipeline", p.At.File, p.At, true)
	}
	for _, r := range c.accountRefs {
		if from, ok := at[r.name.text.At.File]; ok && r.kind == byJobs {
			to, state := c.accountNode(g, r)
			g.edge(from, to, "asks for", state, r.name.text.At, false)
		}
	}
	for _, r := range c.roleRefs {
		if from, ok := at[r.text.At.File]; ok && r.account == nil {
			to, state := c.roleNode(g, r)
			g.edge(from, to, "asks for", state, r.text.At, false)
		}
	}
}

func (c *checker) graphRunners(g *grapher) {
	for i := range c.Runners {
		r := &c.Runners[i]
		name := r.Name.Text
		if name == "" {
			name = r.At.String()
		}
		from := g.node("runner", name, r.At, true)
		for _, a := range c.managersOf(i) {
			g.edge(from, g.node("service account", a.shown(), a.where(), true), "has a manager that runs as", Holds, a.at, false)
		}
		for _, ref := range c.accountRefs {
			if ref.kind == byJobs && ref.what == runnerWhat(r) && strings.HasPrefix(ref.name.what, "service_account of") {
				to, state := c.accountNode(g, ref)
				g.edge(from, to, "runs jobs as", state, ref.name.text.At, false)
			}
		}
		if s3 := r.Cache.S3; r.Cache.UsesS3() && usable(s3.BucketName) {
			state := Open
			switch {
			case c.toldBucket(s3.BucketName.Text):
				state = Wrong
			case len(c.bucketEnds()[s3.BucketName.Text]) > 0, slices.ContainsFunc(c.Buckets, func(b Bucket) bool { return b.Name.Text == s3.BucketName.Text }):
				state = Holds
			}
			g.edge(from, g.node("bucket", s3.BucketName.Text, s3.BucketName.At, state == Holds), "keeps caches in", state, s3.BucketName.At, false)
		}
	}
}

func (c *checker) graphTrust(g *grapher) {
	for _, d := range c.roles {
		var from int
		switch {
		case d.name != "":
			from = g.node("role", d.name, d.at, true)
		case d.trust != nil && slices.ContainsFunc(d.trust.Statements, forTokens):
			from = g.node("trust policy", d.at.File, d.at, true)
		default:
			continue
		}
		for _, s := range d.subjects {
			to, state := c.accountNode(g, s)
			g.edge(from, to, "trusts", state, s.name.text.At, true)
		}
		for _, e := range c.issuers {
			if e.role != d {
				continue
			}
			state := Holds
			if c.toldName("issuer", e.name) {
				state = Wrong
			}
			g.edge(from, g.node("provider", e.name, e.text.At, c.definedIssuer(e.name)), "takes tokens of", state, e.text.At, false)
		}
	}
}

func (c *checker) graphBindings(g *grapher) {
	for _, r := range c.accountRefs {
		if r.kind != byBinding {
			continue
		}
		to, state := c.accountNode(g, r)
		g.edge(g.node("binding", strings.TrimPrefix(r.what, "the "), r.name.text.At, true), to, "binds", state, r.name.text.At, true)
	}
	for _, b := range c.Bindings {
		state := Open
		switch {
		case c.bound(b):
			state = Holds
		case c.meantKubeRole(b) != nil:
			state = Wrong
		}
		name := report.Clean(b.Kind.Text) + " " + quote(b.Name.Text)
		g.edge(g.node("binding", name, b.At, true), g.node(b.RoleKind.Text, accountID(b.Namespace.Text, b.RoleName.Text), b.RoleName.At, state == Holds), "gives", state, b.RoleName.At, false)
	}
}

// graphBuckets joins roles with the buckets that their policies name.
func (c *checker) graphBuckets(g *grapher) {
	for _, p := range c.permissions() {
		if p.role == nil || p.role.name == "" {
			continue
		}
		for _, s := range p.Statements {
			for _, t := range s.Resources {
				if e, ok := bucketEnd("", t); ok && s.Effect.Text == "Allow" {
					state := Holds
					if c.toldBucket(e.part) {
						state = Wrong
					}
					g.edge(g.node("role", p.role.name, p.role.at, true), g.node("bucket", e.part, t.At, true), "may use", state, t.At, false)
				}
			}
		}
	}
}
