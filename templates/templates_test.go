// Package templates_test holds the components to GitLab's rules for them, above
// all to those that gitlab-ci-local does not check.
package templates_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// An input is one entry of spec: inputs:.
// https://docs.gitlab.com/ci/inputs/
type input struct {
	Description string `yaml:"description"`
	Type        string `yaml:"type"`
	Default     any    `yaml:"default"`
	Regex       string `yaml:"regex"`
	Options     []any  `yaml:"options"`
}

type template struct {
	inputs map[string]input
	body   map[string]map[string]any // by job
	text   string
}

// load reads a template and refuses keys of spec that the oldest GitLab we
// support does not know.
func load(t *testing.T, path string) template {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var head struct {
		Spec struct {
			Inputs map[string]input `yaml:"inputs"`
		} `yaml:"spec"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&head); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	result := template{inputs: head.Spec.Inputs, text: string(text)}
	if err := decoder.Decode(&result.body); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return result
}

// all are the templates by the name that an include gives them, and component.yml.
func all(t *testing.T) map[string]template {
	t.Helper()
	paths, err := filepath.Glob("*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	templates := map[string]template{"component.yml": load(t, "../component.yml")}
	for _, path := range paths {
		templates[strings.TrimSuffix(path, ".yml")] = load(t, path)
	}
	return templates
}

func TestEveryInputIsDescribedUsedAndSafe(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for file, template := range all(t) {
		for key, in := range template.inputs {
			if !name.MatchString(key) {
				t.Errorf("%s: input %q is not in kebab-case", file, key)
			}
			if in.Description == "" {
				t.Errorf("%s: input %q has no description", file, key)
			}
			if !strings.Contains(template.text, "$[[ inputs."+key+" ]]") {
				t.Errorf("%s: input %q is not used", file, key)
			}
			pattern, err := regexp.Compile(in.Regex) // Go's syntax is RE2's, as GitLab's is
			if err != nil {
				t.Errorf("%s: input %q: %v", file, key, err)
				continue
			}
			if text, ok := in.Default.(string); ok && !pattern.MatchString(text) {
				t.Errorf("%s: input %q: its default %q does not match its regex", file, key, text)
			}
		}
		for _, use := range regexp.MustCompile(`\$\[\[.*?]]`).FindAllString(template.text, -1) {
			key := strings.TrimSuffix(strings.TrimPrefix(use, "$[[ inputs."), " ]]")
			if _, ok := template.inputs[key]; !ok {
				t.Errorf("%s: %s names no input", file, use)
			}
		}
	}
}

func TestTheRegexOfAnInputAdmitsVariablesAndNothingThatAShellRuns(t *testing.T) {
	refused := []string{
		"$(touch x)", "`touch x`", "a b", "arn:aws:iam::123456789012:role/a'b", `arn:aws:iam::123456789012:role/"`,
		"arn:aws:iam::123456789012:role/a\nb", "eu-central-1\n", "eu-central-1;id", "${", "${A", "$", "$1", "$A$(id)", "x",
	}
	accepted := map[string][]string{
		"role-arn": {
			"", "$DEPLOY_ROLE", "${DEPLOY_ROLE}", "arn:aws:iam::123456789012:role/deploy", "arn:aws-cn:iam::123456789012:role/a/b/deploy+x=y,z.@_-",
			"arn:aws:iam::$ACCOUNT:role/deploy", "arn:aws:iam::${ACCOUNT}:role/${CI_PROJECT_NAME}", "arn:minio:iam:eu-central-1::role/x",
		},
		"region": {"", "eu-central-1", "us-gov-west-1", "us-iso-east-1", "ap-southeast-10", "$REGION", "${AWS_REGION}"},
		"size":   {"1MiB", "64KiB", "4096", "1GiB"},
	}
	judged := map[string]int{}
	for file, template := range all(t) {
		for key, good := range accepted {
			in, ok := template.inputs[key]
			if !ok {
				continue
			}
			judged[key]++
			judge(t, file+": "+key, in.Regex, good, refused)
		}
	}
	if diff := cmp.Diff(map[string]int{"role-arn": 3, "region": 3, "size": 1}, judged); diff != "" {
		t.Errorf("templates with the input (-want +got):\n%s", diff)
	}
}

// TestTheRegexOfFleetsAdmitsAnyTagThatYAMLAndGitLabLeaveAsItIs: the input stands
// between double quotes, and a tag of GitLab's may hold spaces and quotes.
func TestTheRegexOfFleetsAdmitsAnyTagThatYAMLAndGitLabLeaveAsItIs(t *testing.T) {
	judge(t, "fleets", all(t)["cache-smoke"].inputs["fleets"].Regex,
		[]string{"fargate-small;cluster,kubernetes", "big runner; 🚀", "it's: #1; `x`", "a"},
		[]string{"", "$A;b", "$(id)", "${A}", `a";b`, `a\;b`, "a\nb", "a\rb", "a\tb", "a\x00b"})
}

func judge(t *testing.T, what, regex string, good, bad []string) {
	t.Helper()
	pattern := regexp.MustCompile(regex)
	for _, text := range good {
		if !pattern.MatchString(text) {
			t.Errorf("%s refuses %q", what, text)
		}
	}
	for _, text := range bad {
		if pattern.MatchString(text) {
			t.Errorf("%s accepts %q", what, text)
		}
	}
}

func TestAnInputReadsTheSameInEveryTemplate(t *testing.T) {
	seen := map[string]input{}
	for file, template := range all(t) {
		for key, in := range template.inputs {
			if first, ok := seen[key]; ok && (first.Regex != in.Regex || first.Description != in.Description) {
				t.Errorf("%s: input %q differs from another template's", file, key)
			}
			seen[key] = in
		}
	}
}

func TestNoTemplateTouchesWhatIsTheConsumers(t *testing.T) {
	hiddenMay := []string{"variables", "before_script", "id_tokens"}
	for file, template := range all(t) {
		for job, keys := range template.body {
			hidden := strings.HasPrefix(job, ".ci-aws")
			if !hidden && !strings.HasPrefix(job, "$[[ inputs.job-prefix ]]-") {
				t.Errorf("%s: %q is neither a hidden job of ours nor a job under the prefix: a global keyword or a fixed name", file, job)
			}
			for key, value := range keys {
				if hidden && !slices.Contains(hiddenMay, key) {
					t.Errorf("%s: %s holds %q, which overrides the consumer's default:", file, job, key)
				}
				if strings.HasSuffix(key, "script") && strings.Contains(flat(value), "$[[") {
					t.Errorf("%s: %s: an input goes into the text of %s", file, job, key)
				}
			}
		}
		for _, word := range []string{"!reference", "AWS_ROLE_ARN"} {
			if strings.Contains(strings.ReplaceAll(template.text, "CI_AWS_ROLE_ARN", ""), word) {
				t.Errorf("%s holds %s", file, word)
			}
		}
	}
}

// flat is a script as one text.
func flat(value any) string {
	lines, _ := value.([]any)
	var text strings.Builder
	for _, line := range lines {
		s, _ := line.(string)
		text.WriteString(s + "\n")
	}
	return text.String()
}

func TestTheChildOfCacheSmokeIsItsOwnPipelineAndItsColourTheParents(t *testing.T) {
	const plan = "$[[ inputs.job-prefix ]]-cache-smoke-plan"
	body := all(t)["cache-smoke"].body
	trigger := body["$[[ inputs.job-prefix ]]-cache-smoke"]
	want := map[string]any{
		"stage":   "$[[ inputs.stage ]]",
		"rules":   "$[[ inputs.rules ]]",
		"needs":   []any{plan},
		"inherit": map[string]any{"variables": false},
		"trigger": map[string]any{
			"include":  []any{map[string]any{"artifact": "ci-aws-smoke.yml", "job": plan}},
			"strategy": "depend",
			"forward":  map[string]any{"yaml_variables": false, "pipeline_variables": false},
		},
	}
	if diff := cmp.Diff(want, trigger); diff != "" {
		t.Errorf("trigger job (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"ci-aws smoke plan > ci-aws-smoke.yml"}, body[plan]["script"]); diff != "" {
		t.Errorf("script of the plan (-want +got):\n%s", diff)
	}
}
