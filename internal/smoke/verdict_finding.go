package smoke

import (
	"strconv"
	"strings"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Report is the result as findings: no fallback, then a finding for each fleet,
// then what a hit in that folder does not prove.
func (r Result) Report(dir string) report.Report {
	found := []report.Finding{r.fallback()}
	missed := false
	for _, c := range r.Cells {
		found = append(found, c.finding(r, missed))
		missed = missed || c.Verdict == Miss && !c.Leftover
	}
	for _, c := range r.Cells {
		found = append(found, c.doubts(r)...)
	}
	found = append(found, catalogue.Find("smoke-local").Finding(catalogue.Facts{"dir": dir}, nil))
	return report.Report{Groups: []report.Group{{ID: "smoke", Title: "what " + who(r.Reader.Fleet) + " got", Findings: found}}}
}

// fallback is whether another cache can stand in for the reader's.
func (r Result) fallback() report.Finding {
	if r.FallbackKey == "" {
		return catalogue.Holds("smoke-no-fallback")
	}
	return catalogue.Find("smoke-fallback-key").Finding(catalogue.Facts{"key": r.FallbackKey, "reader": who(r.Reader.Fleet)}, nil)
}

// who names a reader's fleet in a sentence.
func who(fleet string) string {
	if fleet == "" {
		return "this job"
	}
	return catalogue.Quote(fleet)
}

// titleOf is the healthy fact of one cell.
func titleOf(reader, writer string) string {
	return who(reader) + " gets what " + catalogue.Quote(writer) + " stored"
}

// finding is the verdict of a cell. The causes of a miss are given in full, but
// for one that follows another: they are the same.
func (c Cell) finding(r Result, follows bool) report.Finding {
	f := catalogue.Facts{
		"reader": who(r.Reader.Fleet), "writer": c.Writer, "pipeline": r.Pipeline, "found": c.Pipeline,
		"job": "its writer", "why": c.Why, "files": c.names(),
	}
	if c.By.Job != "" {
		f["job"] = "job " + catalogue.Quote(c.By.Job)
	}
	f.Say("two-fleets", !sameFleet(r.Reader.Fleet, c.Writer))
	f.Say("more-tags", holdsFleet(r.Reader.Fleet, c.Writer))
	f["what"] = catalogue.Quote(r.Reader.Runner)
	var found report.Finding
	switch {
	case c.Verdict == Hit:
		found = catalogue.Holds("smoke-hit", c.evidence()...)
	case c.Leftover:
		found = catalogue.Find("smoke-leftover").Finding(f, c.evidence())
	case c.Verdict == Miss && follows:
		found = catalogue.Find("smoke-miss").Finding(f, nil)
		found.Hints = found.Hints[:1]
	case c.Verdict == Miss:
		found = catalogue.Find("smoke-miss").AllCauses(f, nil)
	case c.oneRunner():
		found = catalogue.Find("smoke-one-runner").Finding(f, c.evidence())
	case c.Verdict == Unproven:
		found = catalogue.Find("smoke-seems-old").Finding(f, c.evidence())
	default:
		found = catalogue.Find("smoke-"+string(c.Verdict)).Finding(f, c.evidence())
	}
	found.Title = titleOf(r.Reader.Fleet, c.Writer)
	found.Took = time.Duration(c.Seconds * float64(time.Second))
	return found
}

// names lists the files of a cell, as people read it.
func (c Cell) names() string {
	var all []string
	for _, f := range c.Files {
		all = append(all, catalogue.Quote(f))
	}
	text := strings.Join(all, ", ")
	if c.More > 0 {
		text += " and " + strconv.Itoa(c.More) + " more"
	}
	return text
}

func (c Cell) evidence() []report.Value {
	if c.Pipeline == "" {
		return nil // nothing was found that a manifest speaks for
	}
	text := "stored by job " + orUnknown(c.By.Job) + " on runner " + orUnknown(c.By.Runner)
	if c.Verdict == Hit {
		text = SizeText(c.Bytes) + ", " + text
	}
	return []report.Value{{Text: text, From: "its manifest"}}
}

func orUnknown(s string) string {
	if s == "" {
		return "(not known)"
	}
	return s
}

// doubts is what a hit does not prove.
func (c Cell) doubts(r Result) []report.Finding {
	var found []report.Finding
	if c.Verdict == Miss && !c.Leftover && len(c.Files) > 0 {
		found = append(found, catalogue.Find("smoke-whose").Finding(catalogue.Facts{"writer": c.Writer, "files": c.names(), "why": c.Why}, nil))
	}
	if c.Untold {
		found = append(found, catalogue.Find("smoke-untold").Finding(catalogue.Facts{"writer": c.Writer, "why": c.Why}, nil))
	}
	if c.Verdict != Hit || sameFleet(r.Reader.Fleet, c.Writer) || r.Reader.Fleet == "" {
		return found
	}
	if c.By.Host == "" || c.By.Host != r.Reader.Host {
		return found
	}
	return append(found, catalogue.Find("smoke-together").Finding(catalogue.Facts{"writer": c.Writer, "host": c.By.Host}, nil))
}
