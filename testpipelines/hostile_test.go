package testpipelines_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// hostile values make a file if a shell runs them, in whatever quotes.
var hostile = []string{
	"$(touch pwned)",
	"`touch pwned`",
	"'; touch pwned; '",
	"\"; touch pwned; \"",
	"x\ntouch pwned\n",
	"; touch pwned #",
}

// A component is one of ours, as GitLab reads it.
type component struct {
	Inputs map[string]struct {
		Type, Regex string
		Default     any
	}
	Variables map[string]string // of .ci-aws
}

func readComponent(t *testing.T, path string) component {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var head struct {
		Spec struct {
			Inputs map[string]struct {
				Type, Regex string
				Default     any
			}
		}
	}
	var body map[string]struct{ Variables map[string]string }
	decoder := yaml.NewDecoder(file)
	if err := errors.Join(decoder.Decode(&head), decoder.Decode(&body)); err != nil {
		t.Fatal(err)
	}
	return component{head.Spec.Inputs, body[".$[[ inputs.job-prefix ]]"].Variables}
}

// variablesOf are the variables of .ci-aws that hold an input, sorted.
func (c component) variablesOf(input string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.Variables)) {
		if c.Variables[name] == "$[[ inputs."+input+" ]]" {
			names = append(names, name)
		}
	}
	return names
}

// hostileProject is testpipelines/hostile-inputs with a job for each of these
// inputs, each value and each delivery. It gives the input and the value by job.
func hostileProject(t *testing.T, inputs, deliveries []string) (dir string, input, value map[string]string) {
	t.Helper()
	text, err := os.ReadFile("hostile-inputs/.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	added := map[string]any{}
	input, value = map[string]string{}, map[string]string{}
	for _, name := range inputs {
		variable := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if !strings.Contains(string(text), "      "+name+": $"+variable+"\n") {
			t.Fatalf("testpipelines/hostile-inputs does not give the input %s", name)
		}
		for i, text := range hostile {
			for _, delivery := range deliveries {
				job := fmt.Sprintf("%s-%s-%d", delivery, name, i)
				added[job] = map[string]any{"extends": "." + delivery, "variables": map[string]string{variable: text}}
				input[job], value[job] = name, text
			}
		}
	}
	more, err := yaml.Marshal(added)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".gitlab-ci.yml"), append(text, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, input, value
}

func TestNoValueOfAnInputIsRun(t *testing.T) {
	t.Parallel()
	ours := readComponent(t, "../templates/ci-aws.yml")
	var atRunTime, ofTheProgram []string // inputs that are variables of a job; those that tell which program
	for _, name := range slices.Sorted(maps.Keys(ours.Inputs)) {
		switch {
		case name == "job-prefix" || name == "audience": // no variable of a job
		case strings.HasPrefix(name, "binary-"):
			ofTheProgram = append(ofTheProgram, name)
		default:
			atRunTime = append(atRunTime, name)
		}
	}
	bin := builtPrograms(t)
	onlyProbe := t.TempDir()
	if err := os.Symlink(filepath.Join(bin, "sdkprobe"), filepath.Join(onlyProbe, "sdkprobe")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, bin, templates string
		inputs, deliveries   []string
		asItShouldBe         string
	}{
		{"a setting", bin, "../templates", atRunTime, []string{"exported", "by-profile"}, "PASS"},
		{"where the program is, with no program in PATH", onlyProbe, releasedTemplates(t), ofTheProgram, []string{"exported"}, "FAIL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, input, value := hostileProject(t, tt.inputs, tt.deliveries)
			seen, home := t.TempDir(), t.TempDir()
			cloud := startCloud(t)
			// No GitLab is there to download from.
			env := append(podEnv(t, cloud), offered(t), "SEEN="+seen, "HOME="+home, "CI_API_V4_URL=http://127.0.0.1:1/api/v4")
			run := runPipelineOf(t, dir, tt.templates, tt.bin, env)

			want := map[string]string{"exported-as-it-should-be": tt.asItShouldBe, "by-profile-as-it-should-be": tt.asItShouldBe}
			for job := range value {
				want[job] = "FAIL"
			}
			if diff := cmp.Diff(want, run.Jobs); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			for job, text := range value {
				if !strings.Contains(run.logs[job], "ci-aws: error: ") {
					t.Errorf("the log of %s names no error:\n%s", job, run.logs[job])
				}
				if diff := cmp.Diff(ours.variablesOf(input[job]), namesOf(t, filepath.Join(seen, job), text)); diff != "" {
					t.Errorf("variables of %s that hold its value (-want +got):\n%s", job, diff)
				}
			}
			wantNotRun(t, run.project, home, seen)
		})
	}
}

// namesOf are our variables in an environment, as env -0 prints it, that have
// this value, sorted.
func namesOf(t *testing.T, path, value string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	var names []string
	for variable := range strings.SplitSeq(string(text), "\x00") {
		name, is, _ := strings.Cut(variable, "=")
		if is == value && (strings.HasPrefix(name, "CI_AWS_") || strings.HasPrefix(name, "KUBERNETES_")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// wantNotRun reports the files below the folders that a hostile value has made.
func wantNotRun(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.Name() == "pwned" {
				t.Errorf("a value was run: %s", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestAnAdmittedValueIsNotRunEither gives ready jobs those hostile values that a
// regex admits, as GitLab judges them: what stands in no script may have any
// character.
func TestAnAdmittedValueIsNotRunEither(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	admitted := map[string]bool{}
	for _, name := range []string{"ci-aws", "whoami", "doctor", "cache-smoke"} {
		for input, is := range readComponent(t, "../templates/"+name+".yml").Inputs {
			for _, value := range hostile {
				if (is.Type == "" || is.Type == "string") && regexp.MustCompile(is.Regex).MatchString(value) {
					admitted[name+" "+input+" "+value] = true
				}
			}
		}
	}
	tests := map[string]struct {
		include string // in a YAML text
		job     string
	}{
		"whoami stage ; touch pwned #":         {"whoami", "ci-aws-whoami"},
		"doctor stage ; touch pwned #":         {"doctor", "ci-aws-doctor"},
		"cache-smoke stage ; touch pwned #":    {"cache-smoke", "ci-aws-cache-smoke-plan"},
		"cache-smoke fleets ; touch pwned #":   {"cache-smoke", "ci-aws-cache-smoke-plan"},
		"cache-smoke fleets '; touch pwned; '": {"cache-smoke", "ci-aws-cache-smoke-plan"},
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(tests)), slices.Sorted(maps.Keys(admitted))); diff != "" {
		t.Fatalf("values that are admitted (-want +got):\n%s", diff)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input, value, _ := strings.Cut(strings.TrimPrefix(name, tt.include+" "), " ")
			inputs := map[string]string{"image": "alpine:3.22", input: value}
			stages := []string{"test"}
			if input == "stage" {
				stages = append(stages, value)
			}
			if tt.include == "cache-smoke" && input != "fleets" {
				inputs["fleets"] = "a; b"
			}
			text, err := yaml.Marshal(map[string]any{
				"stages":  stages,
				"include": []any{map[string]any{"component": "$CI_SERVER_FQDN/$CI_PROJECT_PATH/" + tt.include + "@$CI_COMMIT_SHA", "inputs": inputs}},
			})
			if err != nil {
				t.Fatal(err)
			}
			dir, home := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, ".gitlab-ci.yml"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			run := runPipeline(t, dir, bin, append(podEnv(t, startCloud(t)), "HOME="+home))
			if run.logs[tt.job] == "" {
				t.Errorf("%s did not run:\n%s", tt.job, run.all)
			}
			wantNotRun(t, run.project, home)
		})
	}
}
