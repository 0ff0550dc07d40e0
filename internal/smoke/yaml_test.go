package smoke_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

var updatePlans = flag.Bool("update-plans", false, "rewrite the plans of testdata")

var child = smoke.Child{Image: "registry.example.com/with-ci-aws:1", Size: "1MiB", Files: "10"}

func TestThePlansAreAsRecorded(t *testing.T) {
	reference, err := smoke.ParseFleets("fargate-small;cluster,kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]smoke.Plan{
		"2": newPlan(t, reference, false), "3": newPlan(t, fleets(3), false),
		"8-full": newPlan(t, fleets(8), true), "50": newPlan(t, fleets(50), false),
	} {
		file := filepath.Join("testdata", "plan-"+name+".yml")
		if *updatePlans {
			if err := os.WriteFile(file, []byte(p.YAML(child)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), p.YAML(child)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestThePlanSaysItsJobsFirstAndWarnsOfMany(t *testing.T) {
	tests := []struct {
		fleets int
		full   bool
		want   string
	}{
		{2, false, "# 5 jobs: 2 fleets write, each reads the first's cache, and the first reads all."},
		{8, true, "# 25 jobs: 8 fleets write, each reads all caches."},
		{44, false, "# 99 jobs: 44 fleets write, each reads the first's cache, and the first reads all."},
		{50, false, "# 113 jobs: 50 fleets write, each reads the first's cache, and the first reads all. Warning: more than 100 jobs, and an instance may limit those of a pipeline."},
	}
	for _, tt := range tests {
		first, _, _ := strings.Cut(newPlan(t, fleets(tt.fleets), tt.full).YAML(child), "\n")
		if first != tt.want {
			t.Errorf("first line %q, want %q", first, tt.want)
		}
	}
}

// pipeline is all that a plan may hold: an unknown key is an error.
type pipeline struct {
	Workflow struct {
		Rules []struct{ When string }
	}
	Stages    []string
	Variables map[string]any
	Default   struct{ Image string }
	Read      job            `yaml:".read"`
	Jobs      map[string]job `yaml:",inline"`
}

type job struct {
	Stage, When, Extends string
	Tags                 []string
	Variables            map[string]variable
	Dependencies         []string
	Cache                []cache
	Script               []string
	Artifacts            artifacts
}

type variable struct {
	Value  string
	Expand *bool
}

type cache struct {
	Key, Policy string
	Paths       []string
}

type artifacts struct {
	When     string
	ExpireIn string `yaml:"expire_in"`
	Paths    []string
	Reports  map[string]string
}

func parse(t testing.TB, text string) pipeline {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	var p pipeline
	if err := d.Decode(&p); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p
}

var (
	jobName  = regexp.MustCompile(`^((write|read)-[0-9]{2}(-[0-9]+)?|report)$`)
	cacheKey = regexp.MustCompile(`^ci-aws-smoke-\$CI_PIPELINE_ID-[0-9]{2}$`)
)

// problems are the rules of GitLab, and of a cache test that can be believed,
// which a pipeline breaks.
func problems(plan smoke.Plan, p pipeline) (all []string) {
	bad := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(p.Workflow.Rules) != 1 || p.Workflow.Rules[0].When != "always" {
		bad("workflow %v", p.Workflow)
	}
	if !slices.Equal(p.Stages, []string{"write", "read", "report"}) || p.Variables["GIT_STRATEGY"] != "empty" {
		bad("stages %v, variables %v", p.Stages, p.Variables)
	}
	if len(p.Jobs) != plan.Jobs() {
		bad("%d jobs, want %d", len(p.Jobs), plan.Jobs())
	}
	if p.Read.Dependencies == nil || len(p.Read.Dependencies) > 0 {
		bad("readers download artifacts of %v", p.Read.Dependencies)
	}
	for key, v := range p.Variables {
		if text, ok := v.(map[string]any); ok && text["expand"] != false {
			bad("%s is expanded", key)
		}
	}
	written := map[string]string{} // folder by key
	var results []string
	for name, j := range p.Jobs {
		if j.Extends == ".read" {
			j.Stage, j.When, j.Artifacts = p.Read.Stage, p.Read.When, p.Read.Artifacts
			results = append(results, "ci-aws-smoke-"+name+".json")
		}
		if !jobName.MatchString(name) || !strings.HasPrefix(name, j.Stage) {
			bad("job %q in stage %q", name, j.Stage)
		}
		if len(j.Tags) == 0 || len(j.Script) == 0 || len(j.Cache) > smoke.MaxCaches {
			bad("%s: tags %v, %d caches, script %q", name, j.Tags, len(j.Cache), j.Script)
		}
		if j.Stage != "write" && (j.When != "always" || j.Artifacts.When != "always" || j.Artifacts.ExpireIn == "") {
			bad("%s: when %q, artifacts %v", name, j.When, j.Artifacts)
		}
		for key, v := range j.Variables {
			if v.Expand == nil || *v.Expand {
				bad("%s: %s is expanded", name, key)
			}
		}
		for _, c := range j.Cache {
			if !cacheKey.MatchString(c.Key) || len(c.Paths) != 1 {
				bad("%s: cache %v", name, c)
				continue
			}
			if want := map[string]string{"write": "push", "read": "pull"}[j.Stage]; c.Policy != want {
				bad("%s: policy %q", name, c.Policy)
			}
			if j.Stage == "write" {
				if _, twice := written[c.Key]; twice {
					bad("%s: %s is written twice", name, c.Key)
				}
				written[c.Key] = c.Paths[0]
			}
		}
	}
	for name, j := range p.Jobs {
		for _, c := range j.Cache {
			if written[c.Key] != c.Paths[0] {
				bad("%s: %s is in %s and was written in %q", name, c.Key, c.Paths[0], written[c.Key])
			}
		}
	}
	for _, r := range results {
		if ok, err := filepath.Match(p.Read.Artifacts.Paths[0], r); !ok || err != nil {
			bad("%s is no artifact", r)
		}
	}
	return all
}

func TestEveryPlanKeepsTheRulesOfGitLab(t *testing.T) {
	for n := smoke.MinFleets; n <= smoke.MaxFleets; n++ {
		for _, full := range []bool{false, true} {
			if full && n > smoke.MaxFullFleets {
				continue
			}
			plan := newPlan(t, fleets(n), full)
			p := parse(t, plan.YAML(child))
			if got := problems(plan, p); len(got) > 0 {
				t.Errorf("%d fleets, full %v:\n%s", n, full, strings.Join(got, "\n"))
			}
			if got := told(p); !slices.EqualFunc(got, plan.Fleets, func(a, b smoke.Fleet) bool { return slices.Equal(a.Tags, b.Tags) }) {
				t.Errorf("%d fleets: the jobs have the tags %v", n, got)
			}
		}
	}
}

// told are the fleets as the writers' tags and variables have them, and nil where
// those differ.
func told(p pipeline) []smoke.Fleet {
	var all []smoke.Fleet
	for i := 0; ; i++ {
		j, ok := p.Jobs["write-"+smoke.Slot(i)]
		if !ok {
			break
		}
		f := smoke.Fleet{Tags: j.Tags}
		if j.Variables["CI_AWS_FLEET"].Value != f.String() {
			return nil
		}
		all = append(all, f)
	}
	if p.Jobs["report"].Variables["CI_AWS_FLEETS"].Value != smoke.FleetsText(all) {
		return nil
	}
	return all
}

func TestABrokenPlanIsNoticed(t *testing.T) {
	plan := newPlan(t, fleets(5), false)
	good := plan.YAML(child)
	for _, edit := range [][2]string{
		{"when: always\nstages", "when: never\nstages"},
		{"GIT_STRATEGY: empty", "GIT_STRATEGY: none"},
		{"dependencies: []", "dependencies: [write-01]"},
		{"    when: always\n    expire_in: 1 day", "    expire_in: 1 day"},
		{"policy: push", "policy: pull-push"},
		{"key: ci-aws-smoke-$CI_PIPELINE_ID-02", "key: ci-aws-smoke-02"},
		{"key: ci-aws-smoke-$CI_PIPELINE_ID-03", "key: ci-aws-smoke-$CI_PIPELINE_ID-02"},
		{"expand: false", "expand: true"},
		{"read-02:", "read-2:"},
		{"paths: [ci-aws-smoke-*.json]", "paths: [smoke-*.json]"},
	} {
		broken := strings.Replace(good, edit[0], edit[1], 1)
		if broken == good {
			t.Errorf("the plan has no %q", edit[0])
			continue
		}
		if len(problems(plan, parse(t, broken))) == 0 {
			t.Errorf("nothing is wrong with %q", edit[1])
		}
	}
}

func FuzzPlan(f *testing.F) {
	for _, seed := range []string{
		"fargate-small;cluster,kubernetes", `"a": [b];'c'`, "a\nb;c", "$(id);a", "🚀;\u202e;\ufeff", "- a;? b;# c;{{d}};*e;&f;!!g", "a: b;\\n;`id`", "\xff;a", "~;null;true;0x1;1e3;=;<<", "\u2028;\u0085a;\U000e0001",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := smoke.ParseFleets(text)
		if err != nil {
			return
		}
		plan, err := smoke.NewPlan(all, len(all)%2 == 0)
		if err != nil {
			return
		}
		p := parse(t, plan.YAML(smoke.Child{}))
		if diff := cmp.Diff(all, told(p)); diff != "" {
			t.Errorf("fleets (-want +got):\n%s", diff)
		}
		if got := problems(plan, p); len(got) > 0 {
			t.Error(got)
		}
		var tags []string
		for _, f := range told(p) {
			tags = append(tags, f.Tags...)
		}
		given := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' })
		for i, tag := range given {
			given[i] = strings.TrimSpace(tag)
		}
		given = slices.DeleteFunc(given, func(tag string) bool { return tag == "" })
		if diff := cmp.Diff(given, tags); diff != "" || strings.Contains(text, "$") {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkPlanOf50Fleets(b *testing.B) {
	text := smoke.FleetsText(fleets(50))
	for b.Loop() {
		all, err := smoke.ParseFleets(text)
		if err != nil {
			b.Fatal(err)
		}
		if newPlan(b, all, false).YAML(child) == "" {
			b.Fatal("no plan")
		}
	}
}
