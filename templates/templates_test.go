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
}

type template struct {
	inputs map[string]input
	body   map[string]map[string]any // by job
	text   string
}

// load reads a template and refuses keys of spec that the oldest GitLab we
// support does not know, component: and rules: among them.
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
			if isText := in.Type == ""; isText != (in.Regex != "") {
				t.Errorf("%s: input %q: every text has a regex, and nothing else can have one", file, key)
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

func TestAnInputReadsTheSameInEveryTemplate(t *testing.T) {
	seen := map[string]input{}
	for file, template := range all(t) {
		for key, in := range template.inputs {
			kind := ""
			if key == "source" && (file == "ci-aws" || file == "component.yml") {
				kind = " of hidden jobs" // one of which can have an ID token
			}
			if first, ok := seen[key+kind]; ok && !cmp.Equal(first, in) {
				t.Errorf("%s: input %q differs from another template's", file, key)
			}
			seen[key+kind] = in
		}
	}
}

func TestNoTemplateTouchesWhatIsTheConsumers(t *testing.T) {
	hiddenMay := []string{"variables", "before_script", "id_tokens"}
	for file, template := range all(t) {
		for job, keys := range template.body {
			hidden := strings.HasPrefix(job, ".$[[ inputs.job-prefix ]]")
			if !hidden && !strings.HasPrefix(job, "$[[ inputs.job-prefix ]]-") {
				t.Errorf("%s: %q is neither a hidden job nor a job under the prefix: a global keyword or a fixed name", file, job)
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
	}
}

func TestTheTextOfATemplateHasNothingThatIsOfOneProjectOnly(t *testing.T) {
	for file, template := range all(t) {
		for what, pattern := range map[string]string{
			"!reference, which GitLab does not resolve beside inputs": `!reference`,
			"a nested include, which include: remote cannot have":     `(?m)^\s*-? *(local|component|project|remote):`,
			"the variable AWS_ROLE_ARN, which stops IRSA":             `(?m)^ *AWS_ROLE_ARN:`,
			"a function of inputs, which needs a newer GitLab":        `\$\[\[[^]]*\|`,
			"a host": `(https?://|@)[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+\.(com|org|io|net)\b`,
		} {
			if found := regexp.MustCompile(pattern).FindString(template.text); found != "" {
				t.Errorf("%s has %s: %q", file, what, found)
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

// TestTheHiddenJobsShareTheirScripts: two scripts each, the first alike in all,
// whose first lines are what a job's log shows of them.
func TestTheHiddenJobsShareTheirScripts(t *testing.T) {
	want := map[string][]string{
		"":              {"# ci-aws: find the program, or download it", "# ci-aws: export the credentials of this job's AWS role"},
		"-oidc":         {"# ci-aws: find the program, or download it", "# ci-aws: export the credentials of this job's AWS role"},
		"-profile":      {"# ci-aws: find the program, or download it", "# ci-aws: write an AWS profile that renews the credentials of this job's AWS role"},
		"-oidc-profile": {"# ci-aws: find the program, or download it", "# ci-aws: write an AWS profile that renews the credentials of this job's AWS role"},
	}
	for _, file := range []string{"ci-aws", "component.yml"} {
		got, installs := map[string][]string{}, map[string]bool{}
		body := all(t)[file].body
		for job, keys := range body {
			scripts, _ := keys["before_script"].([]any)
			for i, script := range scripts {
				first, _, _ := strings.Cut(script.(string), "\n")
				name := strings.TrimPrefix(job, ".$[[ inputs.job-prefix ]]")
				got[name] = append(got[name], first)
				installs[script.(string)] = installs[script.(string)] || i == 0
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: first lines of scripts (-want +got):\n%s", file, diff)
		}
		if len(installs) != 3 {
			t.Errorf("%s: %d different scripts, want one that installs, one that exports, one that writes a profile", file, len(installs))
		}
	}
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

func TestTheDoctorsReportsAreWhatItWrites(t *testing.T) {
	doctor := all(t)["doctor"].body["$[[ inputs.job-prefix ]]-doctor"]
	want := map[string]any{"junit": "ci-aws-doctor*.xml", "annotations": "ci-aws-doctor*.json"}
	artifacts, _ := doctor["artifacts"].(map[string]any)
	if diff := cmp.Diff(want, artifacts["reports"]); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	if artifacts["when"] != "always" {
		t.Errorf("reports are kept when: %v, and a failed doctor's are the ones that count", artifacts["when"])
	}
	written := regexp.MustCompile(` --(file|annotations) (\S+)`).FindAllStringSubmatch(flat(doctor["script"]), -1)
	var got []string
	for _, m := range written {
		report := map[string]string{"file": "junit", "annotations": "annotations"}[m[1]]
		if ok, err := filepath.Match(want[report].(string), m[2]); !ok || err != nil {
			t.Errorf("%s is not among the reports of %s: %v", m[2], report, err)
		}
		got = append(got, m[2])
	}
	if diff := cmp.Diff([]string{"ci-aws-doctor.xml", "ci-aws-doctor.json", "ci-aws-doctor-refs.xml", "ci-aws-doctor-refs.json"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
