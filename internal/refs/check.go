package refs

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Options are how a set is judged.
type Options struct {
	// Closed says that the files are all there is: a name that none of them
	// defines is then wrong, and not only noted.
	Closed bool
}

// Result is what a set says of itself.
type Result struct {
	Report report.Report
	Graph  Graph
}

// Check compares every name in the files with every other that has to be the
// same. A finding has the places of both ends; where one name stands in fewer
// places than the other, it is taken for the slip and comes first, and where
// three places or more take part there is a patch for it. Set-ups side by side, as
// staging/ and prod/, are judged each by itself.
func Check(s Set, o Options) Result {
	files := []report.Group{{ID: "files", Title: "the files", Findings: (&checker{Set: s, closed: o.Closed}).files()}}
	all := s.environments()
	if len(all) == 0 {
		r := check(s, o)
		r.Report.Groups = filled(slices.Concat(files, r.Report.Groups))
		return r
	}
	var results []Result
	for _, e := range all {
		results = append(results, check(e.Set, o))
	}
	groups, graph := together(all, results)
	return Result{report.Report{Groups: filled(slices.Concat(files, groups))}, graph}
}

// check judges files that are one set-up.
func check(s Set, o Options) Result {
	c := &checker{Set: s, closed: o.Closed, told: map[string]bool{}, byKind: map[namedBy]bool{}}
	c.collect()
	groups := []report.Group{
		{ID: "accounts", Title: "service accounts", Findings: c.serviceAccounts()},
		{ID: "roles", Title: "roles and whom they trust", Findings: c.rolesAndTrust()},
		{ID: "runner", Title: "the runner", Findings: c.runnerConfigs()},
		{ID: "cache", Title: "the cache", Findings: c.caches()},
		{ID: "pipelines", Title: "pipelines", Findings: c.pipelines()},
		{ID: "ends", Title: "names that no file defines, or none uses", Findings: c.loose()},
	}
	return Result{report.Report{Groups: filled(groups)}, c.graph()}
}

// filled leaves out the groups that have no finding.
func filled(groups []report.Group) []report.Group {
	return slices.DeleteFunc(groups, func(g report.Group) bool { return len(g.Findings) == 0 })
}

type checker struct {
	Set
	closed bool

	accounts    []*account
	accountRefs []*accountRef
	roles       []*role
	roleRefs    []*roleRef
	arns        []arnEnd
	issuers     []issuerEnd

	byKind map[namedBy]bool
	told   map[string]bool // what was said already, by a key of its own
}

// once reports whether nothing was said under this key before.
func (c *checker) once(key string) bool {
	if c.told[key] {
		return false
	}
	c.told[key] = true
	return true
}

// collect takes the names and their places out of the set.
func (c *checker) collect() {
	c.collectAccounts()
	c.collectRoles()
	c.collectIssuers()
}

// end is one place that names something.
type end struct {
	what string // in words of ours, foreign names in quotes
	text Text
	part string // what of the text is the name
	from int    // where in the text the part starts, in bytes
}

// whole is an end of which the whole text is the name.
func whole(what string, t Text) end { return end{what: what, text: t, part: t.Text} }

// side is a name and the ends that have it.
type side struct {
	name string
	ends []end
	more int // counts for as many places more: what no file says, and is so by a rule
}

// decisive outweighs all places.
const decisive = 1 << 20

func (s side) weight() int { return len(s.ends) + s.more }

// maxEnds is how many ends of the side that is right are listed.
const maxEnds = 5

// differ makes the finding of a name that stands in two forms. The form that
// fewer places have is {got}, else that of the first side, and comes first; what
// is to be written is {want}.
func (c *checker) differ(kase string, a, b side, f catalogue.Facts) report.Finding {
	a.ends, b.ends = distinct(a.ends), distinct(b.ends)
	if b.weight() < a.weight() {
		a, b = b, a
	}
	if f == nil {
		f = catalogue.Facts{}
	}
	sure := b.weight() > a.weight()
	f["got"], f["want"] = a.name, b.name
	f["what"], f["where"] = a.ends[0].what, places(a.ends)
	f["other"], f["other-where"] = b.ends[0].what, places(b.ends)
	if n := len(b.ends); n > 1 {
		f["other"] += " and " + catalogue.Count(n-1, "other place")
	}
	f["slip"] = near.Slip(a.name, b.name)
	f.Say("outvoted", sure)
	f.Say("even", !sure)
	ends := slices.Concat(a.ends, b.ends[:min(len(b.ends), maxEnds)])
	var paste []report.Snippet
	if sure {
		paste = c.patch(a.ends, b.name)
	}
	return c.found(kase, f, ends, paste...)
}

// found makes a finding with the places of its ends.
func (c *checker) found(kase string, f catalogue.Facts, ends []end, paste ...report.Snippet) report.Finding {
	var evidence []report.Value
	var where []report.Place
	for _, e := range ends {
		from := e.what
		if e.text.At.File != "" {
			from += ", " + e.text.At.String()
			if !slices.Contains(where, e.text.At) {
				where = append(where, e.text.At)
			}
		}
		evidence = append(evidence, report.Value{Text: cmp.Or(e.text.Text, "not set"), From: from})
	}
	found := catalogue.Find(kase).Finding(f, evidence, paste...)
	found.Where = where
	return found
}

// distinct leaves one of the ends that are the same place.
func distinct(ends []end) []end {
	var out []end
	for _, e := range ends {
		if !slices.ContainsFunc(out, func(o end) bool { return o.text.At == e.text.At && o.what == e.what }) {
			out = append(out, e)
		}
	}
	return out
}

// places names the places of ends in a sentence.
func places(ends []end) string {
	var all []string
	for _, e := range ends {
		if e.text.At.File != "" && len(all) < maxEnds {
			all = append(all, e.text.At.String())
		}
	}
	return strings.Join(slices.Compact(all), ", ")
}

// judged gives what was found or, where n things were looked at and nothing was
// found, that the check holds.
func judged(check string, n int, thing string, found ...report.Finding) []report.Finding {
	if len(found) == 0 && n > 0 {
		return []report.Finding{catalogue.Holds(check, report.Value{Text: catalogue.Count(n, thing)})}
	}
	return found
}

func quote(s string) string { return catalogue.Quote(s) }

// usable reports whether a text says something by itself: it is known, and
// neither a template nor a variable stands in it.
func usable(t Text) bool {
	return t.Known() && !t.Templated() && !strings.ContainsAny(t.Text, "$")
}
