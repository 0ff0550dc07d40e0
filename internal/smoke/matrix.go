package smoke

import (
	"cmp"
	"errors"
	"slices"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// The states of a field of the matrix that no reader gave.
const (
	NoAnswer = "no answer" // was asked for, and no usable result has it
	Implied  = "implied"   // was not run, and follows: see Matrix.implied
	NotRun   = "not run"   // was not run, and follows from nothing
)

// File is a result file that was read, or why that could not be.
type File struct {
	Path   string
	Result Result
	Err    error
}

// Field is what is known of one writer and one reader.
type Field struct {
	State  string // a verdict, NoAnswer, Implied or NotRun
	cell   *Cell
	result Result // the cell's
}

// Matrix is what all readers got of all writers.
type Matrix struct {
	Pipeline string
	Fleets   []string
	fields   [][]Field        // by writer, then reader
	problems []report.Finding // of results as a whole
}

// Join puts results together. With a plan its fleets are the matrix, and what it
// asks for and no result has is NoAnswer; without one the results say which
// fleets there are, and a writer that is no reader gives NoAnswer about the first.
// Where pipeline is "", the first result says it; results of
// another are left out and told. Of two results for one field the worse counts.
func Join(plan *Plan, pipeline string, files []File) Matrix {
	m := Matrix{Pipeline: pipeline}
	if plan != nil {
		for _, f := range plan.Fleets {
			m.Fleets = append(m.Fleets, f.String())
		}
	}
	var usable []Result
	for _, f := range files {
		if f, bad := m.unusable(f, plan != nil); bad {
			m.problems = append(m.problems, f)
			continue
		}
		m.Pipeline = cmp.Or(m.Pipeline, f.Result.Pipeline)
		usable = append(usable, f.Result)
		if f.Result.FallbackKey != "" {
			m.problems = append(m.problems, f.Result.fallback())
		}
		if plan == nil {
			m.meet(f.Result)
		}
	}
	m.fields = make([][]Field, len(m.Fleets))
	for w := range m.fields {
		m.fields[w] = make([]Field, len(m.Fleets))
		for r := range m.fields[w] {
			m.fields[w][r].State = NotRun
			if plan != nil && plan.Reads(r, w) {
				m.fields[w][r].State = NoAnswer
			}
		}
	}
	readers := map[int]bool{}
	for _, r := range usable {
		m.put(r)
		readers[indexOf(m.Fleets, r.Reader.Fleet)] = true
	}
	for r := range m.Fleets {
		if plan == nil && !readers[r] {
			m.fields[0][r].State = NoAnswer
		}
	}
	m.imply()
	return m
}

// unusable is the finding of a file that cannot be joined.
func (m *Matrix) unusable(f File, planned bool) (report.Finding, bool) {
	facts := catalogue.Facts{"file": f.Path, "pipeline": m.Pipeline, "found": f.Result.Pipeline}
	other := false
	strange := func(fleet string) bool { return planned && indexOf(m.Fleets, fleet) < 0 }
	switch {
	case f.Err != nil:
		facts["why"] = f.Err.Error()
	case m.Pipeline != "" && f.Result.Pipeline != m.Pipeline:
		return catalogue.Find("smoke-result-other").Finding(facts, nil), true
	case CheckFleet(f.Result.Reader.Fleet) != nil:
		facts["why"] = "it does not say on which fleet its job ran"
	case strange(f.Result.Reader.Fleet):
		facts["why"] = "its fleet " + short(f.Result.Reader.Fleet) + " is none that was asked for"
		other = true
	case slices.ContainsFunc(f.Result.Cells, func(c Cell) bool { return strange(c.Writer) }):
		facts["why"] = "one of its writers is none that was asked for"
		other = true
	case !planned && len(m.Fleets) > MaxFleets:
		facts["why"] = "there are more fleets than a plan can have"
	default:
		return report.Finding{}, false
	}
	newer, missing := errors.As(f.Err, new(*schemaError)), errors.As(f.Err, new(*missingFile))
	facts.Say("other-schema", newer)
	facts.Say("no-file", missing)
	facts.Say("other-fleet", other)
	facts.Say("no-result", !newer && !missing && !other)
	return catalogue.Find("smoke-result-unusable").Finding(facts, nil), true
}

// meet adds the fleets of a result.
func (m *Matrix) meet(r Result) {
	fleets := []string{r.Reader.Fleet}
	for _, c := range r.Cells {
		fleets = append(fleets, c.Writer)
	}
	for _, f := range fleets {
		if indexOf(m.Fleets, f) < 0 {
			m.Fleets = append(m.Fleets, f)
		}
	}
}

func (m *Matrix) put(r Result) {
	reader := indexOf(m.Fleets, r.Reader.Fleet)
	for _, c := range r.Cells {
		c = c.proven(r.Reader)
		at := &m.fields[indexOf(m.Fleets, c.Writer)][reader]
		if at.cell != nil && at.cell.Verdict != Hit {
			continue
		}
		*at = Field{State: string(c.Verdict), cell: &c, result: r}
	}
}

// imply marks what follows from other fields. Where some fleet reads what the
// writer stores, and the reader reads what that fleet stores, all of them store and
// look in one place: writer and reader, be they one fleet, were compared by way of it.
func (m *Matrix) imply() {
	hit := func(w, r int) bool { return m.fields[w][r].State == string(Hit) }
	for w := range m.fields {
		for r := range m.fields[w] {
			if m.fields[w][r].State != NotRun {
				continue
			}
			for by := range m.Fleets {
				if hit(w, by) && hit(by, r) {
					m.fields[w][r].State = Implied
					break
				}
			}
		}
	}
}

// Report has a finding for each field that a reader was asked for, by readers,
// and one for each file that could not be used.
func (m Matrix) Report() report.Report {
	var groups []report.Group
	if len(m.problems) > 0 {
		groups = append(groups, report.Group{ID: "results", Title: "the results", Findings: m.problems})
	}
	var found, doubts []report.Finding
	missed := false
	for r, reader := range m.Fleets {
		for w, writer := range m.Fleets {
			field := m.fields[w][r]
			switch {
			case field.cell != nil:
				c := *field.cell
				c.Writer, field.result.Reader.Fleet = writer, reader
				found = append(found, c.finding(field.result, missed))
				doubts = append(doubts, c.doubts(field.result)...)
				missed = missed || c.Verdict == Miss && !c.Leftover
			case field.State == NoAnswer:
				f := catalogue.Find("smoke-no-answer").Finding(catalogue.Facts{"reader": who(reader), "writer": writer}, nil)
				f.Title = titleOf(reader, writer)
				found = append(found, f)
			}
		}
	}
	if all := slices.Concat(found, doubts); len(all) > 0 {
		groups = append(groups, report.Group{ID: "matrix", Title: "what each fleet got", Findings: all})
	}
	return report.Report{Groups: groups}
}

// FieldJSON is a field in the JSON of smoke report.
type FieldJSON struct {
	Writer string `json:"writer"`
	Reader string `json:"reader"`
	State  string `json:"state"`
}

// MatrixJSON stands under "matrix" in the JSON of smoke report. Fields are by
// writer, then reader.
type MatrixJSON struct {
	Pipeline string      `json:"pipeline"`
	Fleets   []string    `json:"fleets"`
	Fields   []FieldJSON `json:"fields"`
}

// JSON is the matrix with clean texts.
func (m Matrix) JSON() MatrixJSON {
	out := MatrixJSON{Pipeline: report.Clean(m.Pipeline), Fleets: []string{}, Fields: []FieldJSON{}}
	for _, f := range m.Fleets {
		out.Fleets = append(out.Fleets, report.Clean(f))
	}
	for w := range m.fields {
		for r, field := range m.fields[w] {
			out.Fields = append(out.Fields, FieldJSON{out.Fleets[w], out.Fleets[r], field.State})
		}
	}
	return out
}
