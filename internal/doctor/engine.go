package doctor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// check is one question. Its findings are its own, under its id, and those of
// questions that it answers on the way, before it.
type check struct {
	group, id string
	needs     []string // what has to hold first; those that are not asked count as holding
	run       func(context.Context) []report.Finding
	mild      bool // that it is unknown keeps no other check waiting
}

func ids(ids ...string) []string { return ids }

// local is a check that makes no call.
func local(run func() []report.Finding) func(context.Context) []report.Finding {
	return func(context.Context) []report.Finding { return run() }
}

// only leaves out the checks that have no question.
func only(applies func(string) bool, all []check) []check {
	return slices.DeleteFunc(all, func(c check) bool { return !applies(c.id) })
}

// answer is what a check found, once done is closed.
type answer struct {
	check    check
	findings []report.Finding
	done     chan struct{}
}

// run asks all that can be asked at the same time, and puts the answers in order.
func run(ctx context.Context, checks []check, timeout time.Duration) report.Report {
	answers := make([]*answer, len(checks))
	byID := map[string]*answer{}
	for i, c := range checks {
		answers[i] = &answer{check: c, done: make(chan struct{})}
		byID[c.id] = answers[i]
	}
	for _, a := range answers {
		go a.ask(ctx, byID, timeout)
	}
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { close(over) }) })
	defer stop()
	var groups []report.Group
	for _, t := range titles {
		g := report.Group{ID: t.id, Title: t.title}
		for _, a := range answers {
			if a.check.group == t.id {
				g.Findings = append(g.Findings, a.wait(ctx, over, timeout)...)
			}
		}
		groups = append(groups, g)
	}
	return report.Report{Groups: once(groups)}
}

func (a *answer) ask(ctx context.Context, all map[string]*answer, timeout time.Duration) {
	defer close(a.done)
	defer func() {
		if recover() != nil { // its value may hold anything
			a.findings = one(open(a.check.id, catalogue.Facts{"what": "ci-aws has a defect here, please report it"}))
		}
	}()
	for _, need := range a.check.needs {
		before, asked := all[need]
		if !asked {
			continue
		}
		<-before.done
		if failed, found := before.failed(); found {
			a.findings = one(catalogue.Waits(a.check.id, failed))
			return
		}
	}
	began := time.Now()
	found := a.check.run(ctx)
	for i := range found {
		if found[i].ID == "" { // it was interrupted
			found[i] = unfinished(ctx, a.check.id, timeout)
		}
		found[i].Took = cmp.Or(found[i].Took, time.Since(began))
	}
	a.findings = found
}

// failed names the finding because of which others wait, the root of it.
func (a *answer) failed() (string, bool) {
	for _, f := range a.findings {
		if f.Status == report.Fail || f.Status == report.Unknown && !a.check.mild {
			return f.ID, true
		}
	}
	for _, f := range a.findings {
		if f.Status == report.Skip {
			return f.Waits, true
		}
	}
	return "", false
}

// grace is how long the checks may take to notice that the time is over.
const grace = 250 * time.Millisecond

// wait gives the findings, or says why there are none.
func (a *answer) wait(ctx context.Context, over <-chan struct{}, timeout time.Duration) []report.Finding {
	select {
	case <-a.done:
		return a.findings
	case <-over:
	}
	select {
	case <-a.done:
		return a.findings
	default:
		return one(unfinished(ctx, a.check.id, timeout))
	}
}

// interrupted is the finding of a check whose context ended.
var interrupted = report.Finding{}

func unfinished(ctx context.Context, id string, timeout time.Duration) report.Finding {
	facts := catalogue.Facts{"what": "it was interrupted"}
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		facts["what"] = "the " + identity.ShortDuration(timeout) + " of --timeout were over"
		facts.Say("late", true)
	}
	return open(id, facts)
}

// open is the finding of a check that did not come to its end.
func open(id string, facts catalogue.Facts) report.Finding {
	facts["check"] = "not finished"
	f := catalogue.Find("unfinished").Finding(facts, nil)
	f.ID, f.Title, f.Doc = id, catalogue.Title(id), catalogue.Doc(id)
	return f
}

// once leaves one finding for what holds. What does not is kept, however often,
// in the place where its question was asked first, the worst first.
func once(groups []report.Group) []report.Group {
	byID := map[string][]report.Finding{}
	for _, g := range groups {
		for _, f := range g.Findings {
			byID[f.ID] = append(byID[f.ID], f)
		}
	}
	for i, g := range groups {
		var left []report.Finding
		for _, f := range g.Findings {
			left = append(left, kept(byID[f.ID])...)
			delete(byID, f.ID)
		}
		groups[i].Findings = left
	}
	return slices.DeleteFunc(groups, func(g report.Group) bool { return len(g.Findings) == 0 })
}

// ranks are the states, the worst first.
var ranks = []report.Status{report.Fail, report.Unknown, report.Warn, report.Note, report.OK, report.Skip}

func kept(of []report.Finding) []report.Finding {
	slices.SortStableFunc(of, func(a, b report.Finding) int {
		return cmp.Compare(slices.Index(ranks, a.Status), slices.Index(ranks, b.Status))
	})
	n := len(of)
	for n > 1 && slices.Index(ranks, of[n-1].Status) > slices.Index(ranks, report.Warn) {
		n--
	}
	return of[:n]
}
