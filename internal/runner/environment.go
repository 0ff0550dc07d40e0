package runner

import (
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Variable is an entry of environment in [[runners]]: a name and its place. Of
// its value, which may be a secret, the package knows only whether it is empty.
type Variable struct {
	Name string
	Set  bool
	At   report.Place
}

// environment gives the variables that the runner sets in every job. It drops
// entries without an equals sign, as the runner does.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/common/config.go
func (d *decoder) environment(t *table) []Variable {
	i := t.find("environment")
	switch {
	case i == nil:
		return nil
	case !i.closed || i.kind != unstable.Array && i.kind != unstable.ArrayTable:
		d.refuse(i, "environment", "a list of texts in quotes")
	}
	var all []Variable
	for _, e := range i.elements {
		if e.kind != unstable.String {
			d.refuse(e, "an entry of environment", "a text in quotes")
			continue
		}
		if name, value, ok := strings.Cut(e.text, "="); ok {
			all = append(all, Variable{name, value != "", e.at})
		}
	}
	return all
}

// sets are the entries of environment with one of these names.
func (r Runner) sets(names ...string) []Variable {
	return slices.DeleteFunc(slices.Clone(r.Environment), func(v Variable) bool { return !slices.Contains(names, v.Name) })
}

func set(all []Variable) []Variable {
	return slices.DeleteFunc(slices.Clone(all), func(v Variable) bool { return !v.Set })
}

// disturbs finds what environment does to the AWS settings of job pods.
func (r Runner) disturbs() []report.Finding {
	ids, secrets := set(r.sets("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY")), set(r.sets("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"))
	keys := "environment-keys"
	if len(ids) == 0 || len(secrets) == 0 {
		keys = "environment-half-keys"
	}
	var found []report.Finding
	for _, k := range []struct {
		id        string
		variables []Variable
	}{
		// The webhook looks at names only, so that an empty one counts.
		{"environment-identity", r.sets("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")},
		{keys, append(ids, secrets...)},
		{"environment-profile", set(r.sets("AWS_PROFILE", "AWS_DEFAULT_PROFILE"))},
	} {
		if len(k.variables) > 0 {
			found = append(found, r.disturbed(k.id, k.variables))
		}
	}
	if len(found) == 0 {
		found = append(found, at(catalogue.Holds("runner-environment"), r.At))
	}
	return found
}

func (r Runner) disturbed(id string, variables []Variable) report.Finding {
	var names []string
	var facts []report.Value
	var places []report.Place
	for _, v := range variables {
		if !slices.Contains(names, v.Name) {
			names = append(names, v.Name)
		}
		facts = append(facts, report.Value{Text: v.Name, From: "environment in [[runners]], " + where(v.At)})
		places = append(places, v.At)
	}
	f := catalogue.Facts{"runner": r.Called(), "names": strings.Join(names, " and "), "where": where(variables[0].At)}
	return at(catalogue.Find(id).Finding(f, facts), places...)
}
