package refs

import (
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// reader takes the objects out of one file.
type reader struct {
	set       Set
	page      *page
	templates masked // of the file
	twice     []twice
	merged    int // members that merge keys copied
	nodes     int // values of JSON
	objects   int // Kubernetes objects and resources that were looked at
}

// twice is a key that stands two times.
type twice struct {
	page     *page
	lost, at int
}

// The bounds of one file, far above what a real one has.
const (
	maxObjects = 20_000 // objects in lists, which aliases can multiply
	maxTwice   = 10     // duplicate keys that are named
	maxNested  = 4      // lists of Kubernetes objects in lists
	fewMembers = 16     // up to which they are compared one by one
)

// put adds a member; of two with one name the later counts.
func (r *reader) put(n *node, m member) {
	if i, found := n.find(m.name); found {
		if len(r.twice) < maxTwice {
			r.twice = append(r.twice, twice{m.page, n.members[i].at, m.at})
		}
		n.members[i] = m
		return
	}
	if n.index != nil {
		n.index[m.name] = len(n.members)
	}
	n.members = append(n.members, m)
}

// more counts one more object and reports whether it is still to be looked at.
func (r *reader) more(n *node) bool {
	r.objects++
	if r.objects == maxObjects {
		r.limit(n.place(), "has more objects than are read")
	}
	return r.objects < maxObjects
}

func (r *reader) unread(at report.Place, k Kind, reason string) {
	r.set.Unread = append(r.set.Unread, Unread{at, k, reason})
}

func (r *reader) limit(at report.Place, reason string) { r.unread(at, Skipped, reason) }

func (r *reader) broken(p *page, e *syntaxError) {
	kind, what := Broken, e.what
	if len(r.templates.at) > 0 {
		kind, what = Templated, "is a template that cannot be read before Helm renders it: give what `helm template` prints"
	}
	r.unread(p.place(e.at), kind, what)
}
