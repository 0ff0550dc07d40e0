package cli

import (
	"fmt"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// A component gives a job its inputs as variables of their own, CI_AWS_INPUT_ and
// what follows CI_AWS_ in the variable of the same setting, which outranks it: so
// an input that was left empty takes nothing away.
const inputPrefix = "CI_AWS_INPUT_"

// ofInput is what the source of a value starts with that an input gave.
const ofInput = "the input "

// inputNames are the inputs that are not called as their variable is.
var inputNames = map[string]string{
	"CI_AWS_ALLOWED_ACCOUNT": "allowed-accounts", "CI_AWS_EXPECT_SERVICE_ACCOUNT": "service-account",
}

// input is what the component says of a setting, by its variable; unknown where it
// says nothing.
func (s settings) input(variable string) report.Value {
	setting := strings.TrimPrefix(variable, "CI_AWS_")
	name := inputNames[variable]
	if name == "" {
		name = strings.ToLower(strings.ReplaceAll(setting, "_", "-"))
	}
	from := ofInput + name
	// These jobs have no input of it.
	if extends := strings.TrimSuffix(s.job.Get("CI_AWS_EXTENDS"), "-profile"); name == "source" && strings.HasSuffix(extends, "-oidc") {
		from = "the hidden job " + extends
	}
	return report.Value{Text: s.job.Get(inputPrefix + setting), From: from}
}

// variableOrInput is what a variable says, else the component's input.
func (s settings) variableOrInput(variable string) report.Value {
	if v := s.job.Value(variable); v.Known() {
		return v
	}
	return s.input(variable)
}

// outranked are the inputs that say something else than a variable which outranks
// them, each as a warning with both values.
func (s settings) outranked() []string {
	var out []string
	for _, f := range s.c.Command.Flags {
		flag := f.Names()[0]
		if warning := s.override(s.variable(flag)); warning != "" && !s.c.IsSet(flag) {
			out = append(out, warning)
		}
	}
	return out
}

// override is the warning of one variable that says something else than the
// component's input; "" where it does not.
func (s settings) override(variable string) string {
	v, input := s.job.Value(variable), s.input(variable)
	if !v.Known() || !input.Known() || strings.TrimSpace(v.Text) == strings.TrimSpace(input.Text) {
		return ""
	}
	return variable + " is " + catalogue.Quote(v.Text) + ", and " + ofComponent(input.From) + " says " + catalogue.Quote(input.Text) + ": the variable outranks it"
}

// warnOfOutranked says each of them.
func (s settings) warnOfOutranked(t *talk) {
	for _, w := range s.outranked() {
		t.warn(w)
	}
}

// ofComponent is the source of an input, for who may never have heard of one.
func ofComponent(from string) string {
	if name, ok := strings.CutPrefix(from, ofInput); ok {
		return "the component's input " + name
	}
	return from
}

// ownConfigFile is the AWS config file that the profile jobs of the component
// name, which a variable AWS_CONFIG_FILE outranks; "" in any other job.
func (s settings) ownConfigFile() string { return s.job.Get(inputPrefix + "CONFIG_FILE") }

// otherConfigFile reports whether another AWS config file than the component's is
// written, by a variable that outranks its own.
func (s settings) otherConfigFile() bool {
	own := s.ownConfigFile()
	return own != "" && !s.c.IsSet("file") && s.job.Get("AWS_CONFIG_FILE") != own
}

// warnOfConfigFile says which file is written in place of the component's.
func (s settings) warnOfConfigFile(t *talk) {
	if !s.otherConfigFile() {
		return
	}
	is := "empty"
	if file := s.job.Get("AWS_CONFIG_FILE"); file != "" {
		is = catalogue.Quote(file)
	}
	t.warn(fmt.Sprintf("AWS_CONFIG_FILE is %s, and the component names %s: a variable of the job or a CI/CD variable outranks it: remove it", is, catalogue.Quote(s.ownConfigFile())))
}
