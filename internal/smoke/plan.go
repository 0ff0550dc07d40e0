package smoke

import (
	"fmt"
	"slices"
	"strconv"
)

// Bounds of a plan.
const (
	MinFleets     = 2
	MaxFleets     = 50
	MaxFullFleets = 8
	// MaxCaches is how many caches GitLab lets a job have.
	// https://docs.gitlab.com/ci/caching/#use-multiple-caches
	MaxCaches = 4
	// ManyJobs is where a plan warns of its size.
	ManyJobs = 100
)

// Plan is who writes and who reads. Every fleet writes once.
type Plan struct {
	Fleets  []Fleet
	Full    bool // every fleet reads every fleet
	Readers []Reader
}

// Reader is a job that reads.
type Reader struct {
	Fleet   int   // whose job it is: an index of Fleets
	Writers []int // whose caches it reads, MaxCaches at most
	Part    int   // from 1, where its fleet has several such jobs; else 0
}

// NewPlan plans a star: all fleets read the first, and the first reads all. That
// every other pair would hit is implied, since the first fleet's bucket is
// theirs. A full plan reads every pair, itself too.
func NewPlan(fleets []Fleet, full bool) (Plan, error) {
	switch n := len(fleets); {
	case n < MinFleets:
		return Plan{}, &PlanError{fmt.Sprintf("%d fleet: want %d to %d", n, MinFleets, MaxFleets)}
	case full && n > MaxFullFleets:
		return Plan{}, &PlanError{fmt.Sprintf("%d fleets: a full plan takes %d to %d", n, MinFleets, MaxFullFleets)}
	case n > MaxFleets:
		return Plan{}, &PlanError{fmt.Sprintf("%d fleets: want %d to %d", n, MinFleets, MaxFleets)}
	}
	everyone := make([]int, len(fleets))
	for i := range fleets {
		everyone[i] = i
	}
	if f, twice := Twice(fleets); twice {
		return Plan{}, &PlanError{"the fleet " + short(f.String()) + " is given twice"}
	}
	p := Plan{Fleets: fleets, Full: full}
	for i := range fleets {
		writers := []int{0}
		if full || i == 0 {
			writers = everyone
		}
		part := 0
		for some := range slices.Chunk(writers, MaxCaches) {
			if len(writers) > MaxCaches {
				part++
			}
			p.Readers = append(p.Readers, Reader{Fleet: i, Writers: some, Part: part})
		}
	}
	return p, nil
}

// PlanError is a set of fleets that no plan can be made of.
type PlanError struct{ Problem string }

func (e *PlanError) Error() string { return e.Problem }

// Jobs is the number of jobs: writers, readers, and the report.
func (p Plan) Jobs() int { return len(p.Fleets) + len(p.Readers) + 1 }

// Reads reports whether the plan has a job of one fleet that reads another's
// cache, both being indices of Fleets.
func (p Plan) Reads(reader, writer int) bool {
	return slices.ContainsFunc(p.Readers, func(r Reader) bool {
		return r.Fleet == reader && slices.Contains(r.Writers, writer)
	})
}

// Slot is the number that jobs, keys and folders of a fleet have in place of its
// name: "01" for the first.
func Slot(fleet int) string { return fmt.Sprintf("%02d", fleet+1) }

// name is the reader's job: read-02, or read-01-3 where the fleet has several.
func (r Reader) name() string {
	name := "read-" + Slot(r.Fleet)
	if r.Part > 0 {
		name += "-" + strconv.Itoa(r.Part)
	}
	return name
}
