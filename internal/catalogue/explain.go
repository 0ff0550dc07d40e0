package catalogue

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Stage is a part of a diagnosis and what is checked in it.
type Stage struct {
	ID, Title string
	Checks    []Check
}

// Check is a healthy fact and every way in which it can fail.
type Check struct {
	ID, Title string
	Cases     []Case
}

// Stages are all checks in the order of a diagnosis, each once: where its first
// case stands.
func Stages() []Stage {
	stages := []struct {
		id, title string
		cases     []Case
	}{
		{"pod", "what the job brings", local},
		{"agent", "EKS Pod Identity", agent},
		{"network", "the way to STS", network},
		{"exchange", "the exchange", web},
		{"signed", "signed calls", signed},
		{"job", "what was expected, and what else the job holds", pod},
		{"trust", "the trust policy", slices.Concat(trust, narrow)},
		{"runner", "the runner's configuration", runnerConfig},
		{"bucket", "the cache's bucket", slices.Concat(bucket, s3Network)},
		{"objects", "what a role can do with the cache's objects", slices.Concat(cacheCheck, cacheAccess)},
		{"cache-log", "what a job's log says of its caches", slices.Concat(cacheLog, cachePair)},
		{"smoke", "the cache between fleets", smoke},
		{"refs", "files that refer to each other", slices.Concat(refs(), refsCache())},
	}
	all := []Case{}
	for _, s := range stages {
		all = append(all, s.cases...)
	}
	var out []Stage
	seen := map[string]bool{}
	for _, s := range stages {
		stage := Stage{ID: s.id, Title: s.title}
		for _, c := range s.cases {
			if !seen[c.Check] {
				seen[c.Check] = true
				stage.Checks = append(stage.Checks, Check{c.Check, Title(c.Check), of(all, c.Check)})
			}
		}
		if len(stage.Checks) > 0 {
			out = append(out, stage)
		}
	}
	return out
}

// of are the cases of one check.
func of(all []Case, check string) []Case {
	return slices.DeleteFunc(slices.Clone(all), func(c Case) bool { return c.Check != check })
}

// Explain finds what an id names: a check with all its cases, or the check of a
// case with that case alone.
func Explain(id string) (Check, bool) {
	var one Check
	for _, s := range Stages() {
		for _, check := range s.Checks {
			if check.ID == id {
				return check, true
			}
			for _, c := range check.Cases {
				if c.ID == id {
					one = Check{check.ID, check.Title, []Case{c}}
				}
			}
		}
	}
	return one, one.ID != ""
}

// IDs are all that Explain finds: the ids of checks, then those of cases.
func IDs() []string {
	var checks, cases []string
	for _, s := range Stages() {
		for _, check := range s.Checks {
			checks = append(checks, check.ID)
			for _, c := range check.Cases {
				cases = append(cases, c.ID)
			}
		}
	}
	for _, id := range cases {
		if !slices.Contains(checks, id) {
			checks = append(checks, id)
		}
	}
	return checks
}

// Template is a text of the catalogue for a reader who has no case at hand:
// every fact stands as <fact>.
func Template(text string) string {
	return placeholder().ReplaceAllStringFunc(text, func(m string) string { return "<" + m[1:len(m)-1] + ">" })
}

// Severity is the state that the case gives its check.
func (c Case) Severity() report.Status { return cmp.Or(c.Status, report.Fail) }

// String words an answer: the code, the operation, the part of the text that
// tells it from others. It is "" for what no service says.
func (a Answer) String() string {
	if len(a.Code) == 0 {
		return ""
	}
	s := strings.Join(a.Code, " or ")
	if a.Op != "" {
		s += ", to " + a.Op
	}
	if a.Text != "" {
		s += `, with "` + a.Text + `" in its text`
	}
	return s
}

// Condition words when a cause is given at all, "" for always.
func (c Cause) Condition() string {
	if c.When == "" {
		return ""
	}
	return words(c.When)
}

// Likelier words when a cause comes before the others, "" for never.
func (c Cause) Likelier() string {
	if c.First == "" {
		return ""
	}
	return words(c.First)
}
