package doctor

import (
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
		go a.ask(ctx, byID)
	}
	var groups []report.Group
	for _, t := range titles {
		g := report.Group{ID: t.id, Title: t.title}
		for _, a := range answers {
			if a.check.group == t.id {
				g.Findings = append(g.Findings, a.wait(ctx, timeout)...)
			}
		}
		if len(g.Findings) > 0 {
			groups = append(groups, g)
		}
	}
	return report.Report{Groups: once(groups)}
}

func (a *answer) ask(ctx context.Context, all map[string]*answer) {
	defer close(a.done)
	defer func() {
		if recover() != nil { // its value may hold anything
			a.findings = []report.Finding{open(a.check.id, catalogue.Facts{"what": "ci-aws has a defect here, please report it"})}
		}
	}()
	for _, need := range a.check.needs {
		before, asked := all[need]
		if !asked {
			continue
		}
		<-before.done
		if failed, found := before.failed(); found {
			a.findings = []report.Finding{catalogue.Waits(a.check.id, failed)}
			return
		}
	}
	began := time.Now()
	found := a.check.run(ctx)
	for i := range found {
		if found[i].Took == 0 {
			found[i].Took = time.Since(began)
		}
	}
	a.findings = found
}

// failed names the finding because of which others wait, the root of it.
func (a *answer) failed() (string, bool) {
	for _, f := range a.findings {
		if f.Bad() {
			return f.ID, true
		}
	}
	for _, f := range a.findings {
		if root, waits := waitsFor(f); waits {
			return root, true
		}
	}
	return "", false
}

// waitsFor is what a skipped finding waits for.
func waitsFor(f report.Finding) (string, bool) {
	if f.Status != report.Skip {
		return "", false
	}
	return f.Cause[len("waits for "):], true
}

// grace is how long a check may take to notice that its time is over.
const grace = 250 * time.Millisecond

// wait gives the findings, or says why there are none.
func (a *answer) wait(ctx context.Context, timeout time.Duration) []report.Finding {
	select {
	case <-a.done:
	case <-ctx.Done():
		select {
		case <-a.done:
		case <-time.After(grace):
			return []report.Finding{unfinished(ctx, a.check.id, timeout)}
		}
	}
	for i, f := range a.findings {
		if f.ID == "" { // it was interrupted
			a.findings[i] = unfinished(ctx, a.check.id, timeout)
		}
	}
	return a.findings
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

// once leaves one finding for each id: what failed, wherever it was found, in the
// place where the question was asked first.
func once(groups []report.Group) []report.Group {
	worst := map[string]report.Finding{}
	for _, g := range groups {
		for _, f := range g.Findings {
			if before, seen := worst[f.ID]; !seen || f.Bad() || !before.Bad() && f.Status == report.Warn {
				worst[f.ID] = f
			}
		}
	}
	for i, g := range groups {
		var left []report.Finding
		for _, f := range g.Findings {
			if kept, ok := worst[f.ID]; ok {
				left = append(left, kept)
				delete(worst, f.ID)
			}
		}
		groups[i].Findings = left
	}
	return slices.DeleteFunc(groups, func(g report.Group) bool { return len(g.Findings) == 0 })
}
