package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// Set gives a key the values of its flag, in place of those that it has.
func (d *Description) Set(k Key, values []report.Value) error {
	switch k.Kind {
	case JobList:
		return d.setJobs(values)
	case FleetList:
		return d.setFleets(values)
	}
	all := bindings()
	at := slices.IndexFunc(all, func(b binding[Description]) bool { return b.Name == k.Name })
	if at < 0 || len(values) == 0 {
		return fmt.Errorf("%q is no key of a description, or has no value", k.Name)
	}
	*all[at].one(d) = values[len(values)-1]
	return nil
}

// setJobs reads ACCOUNT[=ROLE[,POLICY-ARN…]]. A role's name may have a comma or
// an equals sign in it; such a one has to stand in a file.
func (d *Description) setJobs(values []report.Value) error {
	d.Jobs = nil
	for _, v := range values {
		account, rest, _ := strings.Cut(v.Text, "=")
		parts := strings.Split(rest, ",")
		j := Job{ServiceAccount: report.Value{Text: account, From: v.From}, at: v.From}
		if parts[0] != "" {
			j.Role = report.Value{Text: parts[0], From: v.From}
		}
		for _, arn := range parts[1:] {
			j.PolicyARNs = append(j.PolicyARNs, report.Value{Text: arn, From: v.From})
		}
		d.Jobs = append(d.Jobs, j)
	}
	return nil
}

func (d *Description) setFleets(values []report.Value) error {
	d.Fleets = nil
	var all []error
	for _, v := range values {
		f, err := smoke.ParseFleet(v.Text)
		if err != nil {
			all = append(all, &Error{v.From, err.Error()})
			continue
		}
		fleet := Fleet{at: v.From}
		for _, tag := range f.Tags {
			if problem := tagProblem(tag); problem != "" {
				all = append(all, &Error{v.From, problem})
			}
			fleet.Tags = append(fleet.Tags, report.Value{Text: tag, From: v.From})
		}
		d.Fleets = append(d.Fleets, fleet)
	}
	return errors.Join(all...)
}

// Fill gives a key a value where it has none.
func (d *Description) Fill(name string, v report.Value) {
	for _, b := range bindings() {
		if b.Name == name && b.one != nil && !b.one(d).Known() {
			*b.one(d) = v
		}
	}
}
