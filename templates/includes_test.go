package templates_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestEveryIncludeOfOursGivesOnlyInputsThatExist checks the consumers in
// testpipelines and this project's own pipeline: GitLab refuses an unknown
// input, gitlab-ci-local does not.
func TestEveryIncludeOfOursGivesOnlyInputsThatExist(t *testing.T) {
	paths, err := filepath.Glob("../testpipelines/*/.gitlab-ci.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no test pipelines: %v", err)
	}
	templates := all(t)
	for _, path := range append(paths, "../.gitlab-ci.yml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s: its first line does not say what it is for", path)
		}
		for _, problem := range includeProblems(t, text, templates) {
			t.Errorf("%s: %s", path, problem)
		}
	}
}

// TestWhatRenderWritesFitsTheInputs reads the pipelines that internal/render is
// compared with: an input that does not exist, or a value that its regex refuses,
// would be GitLab's to tell.
func TestWhatRenderWritesFitsTheInputs(t *testing.T) {
	paths, err := filepath.Glob("../internal/render/testdata/*/out/gitlab-ci.yml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("rendered pipelines: %q, %v", paths, err)
	}
	component := regexp.MustCompile(`\$CI_SERVER_FQDN/[^"@]+/([a-z-]+)@[^"]+`)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		here := component.ReplaceAll(text, []byte("$$CI_SERVER_FQDN/$$CI_PROJECT_PATH/$1@$$CI_COMMIT_SHA"))
		for _, problem := range includeProblems(t, here, all(t)) {
			t.Errorf("%s: %s", path, problem)
		}
	}
}

func includeProblems(t *testing.T, pipeline []byte, templates map[string]template) []string {
	t.Helper()
	var file struct {
		Include []struct {
			Component string         `yaml:"component"`
			Local     string         `yaml:"local"`
			Inputs    map[string]any `yaml:"inputs"`
		} `yaml:"include"`
	}
	if err := yaml.Unmarshal(pipeline, &file); err != nil {
		t.Fatal(err)
	}
	component := regexp.MustCompile(`^\$CI_SERVER_FQDN/\$CI_PROJECT_PATH/([a-z-]+)@\$CI_COMMIT_SHA$`)
	var problems []string
	if len(file.Include) == 0 {
		problems = append(problems, "includes nothing")
	}
	for _, include := range file.Include {
		name := strings.TrimPrefix(include.Local, "/") // component.yml, copied into a project
		if name == "" {
			match := component.FindStringSubmatch(include.Component)
			if match == nil {
				problems = append(problems, fmt.Sprintf("%q is not a component of this project at this commit", include.Component))
				continue
			}
			name = match[1]
		}
		template, ok := templates[name]
		if !ok {
			problems = append(problems, fmt.Sprintf("no component %q", name))
			continue
		}
		for key, value := range include.Inputs {
			if in, ok := template.inputs[key]; !ok {
				problems = append(problems, fmt.Sprintf("%s has no input %q", name, key))
			} else if err := in.accepts(value); err != nil {
				problems = append(problems, fmt.Sprintf("%s: %s: %v", name, key, err))
			}
		}
		for key, in := range template.inputs {
			if _, given := include.Inputs[key]; in.Default == nil && !given {
				problems = append(problems, fmt.Sprintf("%s wants the input %q", name, key))
			}
		}
	}
	return problems
}

// accepts is GitLab's judgement of a value for the input.
func (in input) accepts(value any) error {
	kind := "string"
	switch value.(type) {
	case []any:
		kind = "array"
	case bool:
		kind = "boolean"
	case int, float64:
		kind = "number"
	}
	if want := cmp.Or(in.Type, "string"); kind != want {
		return fmt.Errorf("%v is no %s", value, want)
	}
	if text, ok := value.(string); ok && !regexp.MustCompile(in.Regex).MatchString(text) {
		return fmt.Errorf("%q does not match %s", text, in.Regex)
	}
	return nil
}

func TestABadIncludeIsNoticed(t *testing.T) {
	const at = "include:\n  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/"
	tests := []struct{ name, in, want string }{
		{"an unknown input", at + "ci-aws@$CI_COMMIT_SHA\n    inputs: {role: x}\n", `ci-aws has no input "role"`},
		{"a missing input", at + "cache-smoke@$CI_COMMIT_SHA\n", `cache-smoke wants the input "fleets"`},
		{"an unknown input of the one file", "include:\n  - local: component.yml\n    inputs: {image: x}\n", `component.yml has no input "image"`},
		{"a value that the regex refuses", at + "ci-aws@$CI_COMMIT_SHA\n    inputs: {region: x y}\n", `ci-aws: region: "x y" does not match`},
		{"a text for an array", at + "whoami@$CI_COMMIT_SHA\n    inputs: {image: a, tags: b}\n", "whoami: tags: b is no array"},
		{"a text for a number", at + "cache-smoke@$CI_COMMIT_SHA\n    inputs: {image: a, fleets: b;c, files: ten}\n", "cache-smoke: files: ten is no number"},
		{"a text for a boolean", at + "cache-smoke@$CI_COMMIT_SHA\n    inputs: {image: a, fleets: b;c, full: \"true\"}\n", "cache-smoke: full: true is no boolean"},
		{"a fleet with a variable", at + "cache-smoke@$CI_COMMIT_SHA\n    inputs: {image: a, fleets: b;$c}\n", `cache-smoke: fleets: "b;$c" does not match`},
		{"an unknown component", at + "other@$CI_COMMIT_SHA\n", `no component "other"`},
		{"another commit", at + "ci-aws@main\n", "is not a component of this project at this commit"},
		{"no include", "job: {script: x}\n", "includes nothing"},
	}
	templates := all(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems := includeProblems(t, []byte(tt.in), templates)
			if len(problems) != 1 || !strings.Contains(problems[0], tt.want) {
				t.Errorf("problems: %s", gocmp.Diff([]string{tt.want}, problems))
			}
		})
	}
}
