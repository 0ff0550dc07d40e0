package smoke

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fleet is the runners that one set of tags selects.
type Fleet struct{ Tags []string }

// String is the fleet as people write it, and as results name it: its tags with
// commas between.
func (f Fleet) String() string { return strings.Join(f.Tags, ",") }

// same reports whether two fleets are one to GitLab, which knows no order of
// tags.
func (f Fleet) same(g Fleet) bool {
	return slices.Equal(slices.Sorted(slices.Values(f.Tags)), slices.Sorted(slices.Values(g.Tags)))
}

// Twice is the first fleet that stands before, with its tags in any order.
func Twice(fleets []Fleet) (Fleet, bool) {
	for i, f := range fleets {
		if slices.ContainsFunc(fleets[:i], f.same) {
			return f, true
		}
	}
	return Fleet{}, false
}

// FleetError is a text that names no fleet a job can ask for.
type FleetError struct{ Text, Problem string }

func (e *FleetError) Error() string {
	return "the fleet " + short(e.Text) + " " + e.Problem
}

const (
	// maxTags is how many tags GitLab lets a job have.
	// https://docs.gitlab.com/ci/yaml/#tags
	maxTags = 49
	// maxTag bounds a tag, in characters, as the column of its name does.
	maxTag = 255
)

// ParseFleet reads tags with commas between. White space round a tag is none of
// its own. A tag with "$" is refused, since GitLab would expand it, and so is one
// with ";", which stands between fleets. https://docs.gitlab.com/ci/yaml/#tags
func ParseFleet(text string) (Fleet, error) {
	if problem := problemOf(text); problem != "" {
		return Fleet{}, &FleetError{text, problem}
	}
	return Fleet{tagsOf(text)}, nil
}

func problemOf(text string) string {
	if !utf8.ValidString(text) {
		return "is not UTF-8"
	}
	tags := tagsOf(text)
	switch {
	case len(tags) > maxTags:
		return fmt.Sprintf("has more than %d tags, the most that GitLab takes", maxTags)
	case len(strings.Join(tags, ",")) > maxFleet:
		return fmt.Sprintf("has more than %d bytes", maxFleet)
	}
	for i, tag := range tags {
		what := ""
		switch {
		case tag == "":
			return "has an empty tag: want tags with commas between"
		case strings.Contains(tag, "$"):
			what = ": GitLab expands what follows a $ in a tag"
		case strings.Contains(tag, ";"):
			what = ": a semicolon stands between fleets"
		case strings.ContainsFunc(tag, unicode.IsControl):
			what = ", with a control character in it"
		case utf8.RuneCountInString(tag) > maxTag:
			what = fmt.Sprintf(", which is longer than %d characters", maxTag)
		case slices.Contains(tags[:i], tag):
			what = " twice"
		}
		if what != "" {
			return "has the tag " + short(tag) + what
		}
	}
	return ""
}

// ParseFleets reads fleets with semicolons between. One at the end is of no
// account.
func ParseFleets(text string) ([]Fleet, error) {
	var fleets []Fleet
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(text), ";"), ";") {
		f, err := ParseFleet(part)
		if err != nil {
			return nil, err
		}
		fleets = append(fleets, f)
	}
	return fleets, nil
}

// FleetsText is what ParseFleets reads the fleets from.
func FleetsText(fleets []Fleet) string {
	var all []string
	for _, f := range fleets {
		all = append(all, f.String())
	}
	return strings.Join(all, ";")
}
