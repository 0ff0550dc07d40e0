package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// component is what the page of inputs says of a template.
type component struct {
	name   string
	about  string // its first comment
	inputs []input
}

type input struct {
	name        string
	variables   []string  // those of a job that outrank it
	Description string    `yaml:"description"`
	Type        string    `yaml:"type"`
	Default     yaml.Node `yaml:"default"`
	Regex       string    `yaml:"regex"`
}

// readComponent reads the comment and the spec of a template.
func readComponent(name, text string) (component, error) {
	c := component{name: name}
	comment, _, _ := strings.Cut(text, "spec:\n")
	for line := range strings.Lines(comment) {
		about, ok := strings.CutPrefix(line, "# ")
		if !ok {
			return c, fmt.Errorf("%s/%s.yml: want a comment, then spec", source, name)
		}
		c.about += about
	}
	var head struct {
		Spec struct {
			Inputs yaml.Node `yaml:"inputs"`
		} `yaml:"spec"`
	}
	if err := yaml.NewDecoder(strings.NewReader(text)).Decode(&head); err != nil {
		return c, fmt.Errorf("%s/%s.yml: %w", source, name, err)
	}
	fields := head.Spec.Inputs.Content
	if c.about == "" || len(fields) == 0 {
		return c, fmt.Errorf("%s/%s.yml: want a comment, then spec with inputs", source, name)
	}
	for pair := range slices.Chunk(fields, 2) {
		in := input{name: pair[0].Value}
		if err := pair[1].Decode(&in); err != nil {
			return c, fmt.Errorf("%s/%s.yml: input %s: %w", source, name, in.name, err)
		}
		in.variables = variablesOf(text, in.name)
		c.inputs = append(c.inputs, in)
	}
	return c, nil
}

// variablesOf are the variables that outrank an input, sorted: CI_AWS_X, where the
// jobs of a component have the input as CI_AWS_INPUT_X, and others that they set.
func variablesOf(text, input string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^    ([A-Z][A-Z0-9_]*): " ?\$\[\[ inputs\.`+input+` ]] ?"$`).FindAllStringSubmatch(text, -1) {
		all = append(all, strings.Replace(m[1], "CI_AWS_INPUT_", "CI_AWS_", 1))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const inputsHead = "# Inputs\n\nGenerated from the components by `make templates`.\n\n" +
	"Each input becomes a variable of the job, or a keyword of it, and never goes into the text of a script. A value may hold\n" +
	"CI/CD variables, as `$NAME` or `${NAME}`, where its pattern admits them; GitLab expands them when the job starts. An input\n" +
	"without a default must be given. What looks like a number, as an account id does, needs quotes.\n\n" +
	"Where the third column has a variable, that variable outranks the input, wherever it is set: at the top of the YAML, in the\n" +
	"job, or as a CI/CD variable in GitLab (project, group, schedule, pipeline). Among these GitLab's own order holds: a CI/CD\n" +
	"variable before the job's, the job's before the top's. An empty variable, or an empty input, takes nothing away. Where both\n" +
	"are given and differ the job's log warns, with both values: inputs are guard rails, not boundaries.\n" +
	"`KUBERNETES_SERVICE_ACCOUNT_OVERWRITE` is read by the runner and not by `ci-aws`, and there the order is GitLab's alone: the\n" +
	"component sets it in the job, so the input, empty or not, comes before the top of the YAML, and a variable of your job or a\n" +
	"CI/CD variable before the input.\n"

// notReleased is what a page says of a version that is still to come.
const notReleased = "\n**%[1]s is not released yet.** Until it is, name the SHA of a commit in place of `%[1]s`, and give ready jobs an `image`: the\n" +
	"default one exists from the first release on.\n"

const componentUse = "\n## component.yml\n\nThe hidden jobs of `ci-aws`, with the same inputs, in one file for a GitLab that has not got the components:\n\n" +
	"```yaml\ninclude:\n  - project: ci-aws/ci-aws\n    ref: %[1]s\n    file: component.yml\n```\n\n" +
	"With `remote:` or a copy in the project and `local:` it works alike.\n"

const patternsHead = "\n## Patterns\n\nWhat GitLab admits, in the syntax of RE2, before it expands variables:\n\n```\n"

// inputsPage is docs/inputs.md.
func inputsPage(root, version string, components []component) (string, error) {
	ref, dev := strings.CutSuffix(version, "-dev")
	var b strings.Builder
	b.WriteString(inputsHead)
	if dev {
		fmt.Fprintf(&b, notReleased, ref)
	}
	patterns := map[string]string{}
	slices.SortStableFunc(components, func(x, y component) int { return place(x) - place(y) })
	for _, c := range components {
		example, err := example(root, ref, c)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n```yaml\n%s```\n\n| input | default | variable | |\n|---|---|---|---|\n", c.name, c.about, example)
		for _, in := range c.inputs {
			value, err := in.defaultText()
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s |\n", in.name, in.typeText(), value, code(in.variables), strings.ReplaceAll(in.Description, "|", `\|`))
			if in.Regex != "" {
				patterns[in.name] = in.Regex
			}
		}
		if c.name == "ci-aws" {
			fmt.Fprintf(&b, componentUse, ref)
		}
	}
	b.WriteString(patternsHead)
	for _, name := range slices.Sorted(maps.Keys(patterns)) {
		fmt.Fprintf(&b, "%-17s %s\n", name, patterns[name])
	}
	b.WriteString("```\n")
	return b.String(), nil
}

// place puts ci-aws first, and leaves the others in the order of their names.
func place(c component) int {
	if c.name == "ci-aws" {
		return 0
	}
	return 1
}

// code are names as a cell of the table.
func code(names []string) string {
	var all []string
	for _, name := range names {
		all = append(all, "`"+name+"`")
	}
	return strings.Join(all, ", ")
}

func (in input) typeText() string {
	if in.Type == "" {
		return ""
	}
	return " (" + in.Type + ")"
}

// defaultText is the default as a cell of the table.
func (in input) defaultText() (string, error) {
	if in.Default.Kind == 0 {
		return "must be given", nil
	}
	var value any
	if err := in.Default.Decode(&value); err != nil {
		return "", err
	}
	switch v := value.(type) {
	case string:
		if v == "" {
			return "", nil
		}
		return "`" + v + "`", nil
	default:
		text, err := json.Marshal(v)
		return "`" + string(text) + "`", err
	}
}

// folders are the test pipelines of those components whose own name is not that of one.
var folders = map[string]string{"ci-aws": "shortest"}

// example is how a component is included: the text of its test pipeline where there is one.
func example(root, ref string, c component) (string, error) {
	folder := c.name
	if folders[c.name] != "" {
		folder = folders[c.name]
	}
	item := "  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/" + c.name + "@$CI_COMMIT_SHA\n"
	text := "include:\n" + item
	path := filepath.Join(root, "testpipelines", folder, ".gitlab-ci.yml")
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	default:
		before, after, ok := strings.Cut(string(raw), item)
		if !ok {
			return "", fmt.Errorf("%s does not include the component %s", path, c.name)
		}
		if folder == c.name {
			text += inputsOf(after)
		} else {
			_, text, _ = strings.Cut(before, "\ninclude:\n")
			text = "include:\n" + text + item + after
		}
	}
	return strings.NewReplacer(
		"$CI_PROJECT_PATH/", "ci-aws/ci-aws/",
		"@$CI_COMMIT_SHA", "@"+ref,
		"sdkprobe roundtrip s3://my-super-duper-gitlab-runner-cache/hello", "aws s3 cp report.html s3://my-bucket/",
		"image: alpine:3.22\n      fleets:", "image: registry.example.com/tools/with-ci-aws:1\n      fleets:", // whose jobs install nothing
	).Replace(text), nil
}

// inputsOf are the lines that belong to the item of include: before them.
func inputsOf(after string) string {
	var b strings.Builder
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "    ") {
			break
		}
		b.WriteString(line)
	}
	return b.String()
}
