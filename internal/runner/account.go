package runner

import (
	"fmt"
	"regexp"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/near"
)

// PickError says why one runner could not be chosen.
type PickError struct {
	File    string
	Name    string   // the one that was asked for, or ""
	Runners []string // those there are: a name and a line, cleaned
	Near    string   // the name that Name is most likely a slip of
}

func (e *PickError) Error() string {
	there := strings.Join(e.Runners, ", ")
	switch {
	case len(e.Runners) == 0:
		return fmt.Sprintf("%q has no [[runners]] section", e.File)
	case e.Name == "":
		return fmt.Sprintf("%q has %d runners, so one has to be named: %s", e.File, len(e.Runners), there)
	case e.Near != "":
		return fmt.Sprintf("%q has no runner %s; did you mean %s?", e.File, quote(e.Name), quote(e.Near))
	}
	return fmt.Sprintf("%q has not one runner %s but these: %s", e.File, quote(e.Name), there)
}

// Pick gives the runner of that name, or the only one where name is "". The
// error is a *PickError.
func (c Config) Pick(name string) (Runner, error) {
	e := &PickError{File: c.File, Name: name}
	var fit []Runner
	var names []string
	for _, r := range c.Runners {
		if name == "" || r.Name.Text == name {
			fit = append(fit, r)
		}
		names = append(names, r.Name.Text)
		e.Runners = append(e.Runners, fmt.Sprintf("%s (line %d)", quote(r.Name.Text), r.At.Line))
	}
	if len(fit) == 1 {
		return fit[0], nil
	}
	if len(fit) == 0 && name != "" {
		e.Near = near.Of(name, names)
	}
	return Runner{}, e
}

// JobAccount is which Kubernetes service account job pods get.
type JobAccount struct {
	Name      Value // "default" where nothing names one
	Default   bool  // nothing names one
	Namespace Value // of job pods; not known where the file leaves it to a template or to the cluster
	Overwrite Value // the names that KUBERNETES_SERVICE_ACCOUNT_OVERWRITE may give; not known: the variable is ignored in silence
}

// JobAccount tells it from the configuration alone: the Kubernetes executor
// gives pods without service_account the account "default" of their namespace.
func (r Runner) JobAccount() JobAccount {
	k := r.Kubernetes
	a := JobAccount{Name: k.ServiceAccount, Namespace: k.Namespace, Overwrite: k.ServiceAccountOverwriteAllowed}
	if !a.Name.Known() {
		a.Name.Text, a.Default = "default", true
	}
	if a.Namespace.Templated() {
		a.Namespace.Text = ""
	}
	return a
}

// Allows reports whether a job may overwrite the account by this name.
func (a JobAccount) Allows(name string) bool {
	if !a.Overwrite.Known() {
		return false
	}
	re, err := regexp.Compile(a.Overwrite.Text)
	return err == nil && re.MatchString(name)
}
