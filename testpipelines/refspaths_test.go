package testpipelines_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// TestDoctorWithRefsPaths has what render wrote in the folder deploy.
func TestDoctorWithRefsPaths(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	const accounts = "deploy/kubernetes/service-accounts.yaml"
	both := map[string][]string{"ci-aws doctor": nil, "ci-aws refs": nil}
	for _, tt := range []struct {
		name   string
		from   string // a text in the file accounts
		to     string
		sub    string // of the trust policy
		more   string // $MORE
		result string
		says   string
		bad    map[string][]string // annotations, by report
	}{
		{name: "all is well", result: "PASS", says: "checks hold", bad: both},
		{
			name: "a slip in a file", from: "role/k8s-irsa-gitlab-jobs", to: "role/k8s-irsa-gitlab-job", result: "FAIL",
			says: "refs-role: ", bad: map[string][]string{"ci-aws doctor": nil, "ci-aws refs": {"fail: refs-role"}},
		},
		{
			name: "a trust policy of another service account", sub: "system:serviceaccount:gitlab:gitlab-runner", result: "FAIL",
			says: "checks hold", bad: map[string][]string{"ci-aws doctor": {"fail: role-trusts-token"}, "ci-aws refs": nil},
		},
		{name: "a variable that names a file twice", more: accounts + " " + accounts, result: "PASS", says: "checks hold", bad: both},
		{name: "a pattern", more: "deploy/*", result: "FAIL", says: `reading "deploy/*": no such file`},
		{name: "a flag", more: "--closed", result: "FAIL", says: `reading "--closed": no such file`},
		{name: "stdin", more: "-", result: "FAIL", says: `reading "./-": no such file`},
		{name: "a command", more: hostile[0], result: "FAIL", says: `reading "$(touch": no such file`},
		{name: "a command in back-quotes", more: hostile[1], result: "FAIL", says: "reading \"`touch\": no such file"},
		{name: "a command after a quote", more: hostile[3], result: "FAIL", says: `reading "\";": no such file`},
		{name: "a command after a line", more: hostile[4], result: "FAIL", says: `reading "x": no such file`},
		{name: "a command after a semicolon", more: hostile[5], result: "FAIL", says: `reading ";": no such file`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cloud := startCloud(t)
			if tt.sub != "" {
				trust := cloud.ClusterTrust()
				trust.Subject = tt.sub
				if err := cloud.SetTrust(awsfake.JobRole, trust.JSON()); err != nil {
					t.Fatal(err)
				}
			}
			project := consumerProject(t, map[string]string{"refs-paths": ".", "../templates": "templates", "../internal/render/testdata/long/out": "deploy"})
			spoil(t, filepath.Join(project, accounts), tt.from, tt.to)
			pipelineFile := filepath.Join(project, ".gitlab-ci.yml")
			quoted, err := json.Marshal(tt.more)
			if err != nil {
				t.Fatal(err)
			}
			if tt.more != "" {
				spoil(t, pipelineFile, "deploy .gitlab-ci.yml\n", "deploy .gitlab-ci.yml ${MORE}\n\nvariables:\n  MORE: "+string(quoted)+"\n")
			}
			home := t.TempDir()
			run := runProject(t, project, bin, append(podEnv(t, cloud), "HOME="+home))
			if diff := cmp.Diff(map[string]string{"ci-aws-doctor": tt.result}, run.Jobs); diff != "" {
				t.Fatalf("jobs (-want +got):\n%s\n%s", diff, run.all)
			}
			run.wantLines(t, "ci-aws-doctor", tt.says)
			wantNotRun(t, project, home)
			if tt.bad != nil {
				dir := filepath.Join(project, ".gitlab-ci-local", "builds", "ci-aws-doctor")
				if diff := cmp.Diff(tt.bad, linked(t, filepath.Join(dir, "ci-aws-doctor*.json"))); diff != "" {
					t.Errorf("annotations (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"ci-aws doctor", "ci-aws refs"}, suites(t, dir)); diff != "" {
					t.Errorf("suites (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// spoil replaces a text of a file, which has it; "" is no text.
func spoil(t *testing.T, file, from, to string) {
	t.Helper()
	if from == "" {
		return
	}
	text, err := os.ReadFile(file)
	if err == nil && !strings.Contains(string(text), from) {
		t.Fatalf("no %q in %s", from, file)
	}
	if err == nil {
		err = os.WriteFile(file, []byte(strings.ReplaceAll(string(text), from, to)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// linked are the labels of the annotations in all files of a pattern, by list.
// GitLab keeps one list of a name for a job, so none may be in two files.
func linked(t *testing.T, pattern string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, file := range files {
		var lists map[string][]struct {
			Link struct {
				Label string `json:"label"`
			} `json:"external_link"`
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &lists)
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, list := range lists {
			if _, twice := all[name]; twice {
				t.Errorf("%q is in two files", name)
			}
			all[name] = nil
			for _, a := range list {
				all[name] = append(all[name], a.Link.Label)
			}
		}
	}
	return all
}

// suites are the commands that the test suites in both JUnit files name.
func suites(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	for _, name := range []string{"ci-aws-doctor.xml", "ci-aws-doctor-refs.xml"} {
		var file struct {
			Suites []struct {
				Name string `xml:"name,attr"`
			} `xml:"testsuite"`
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = xml.Unmarshal(text, &file)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range file.Suites {
			command, _, _ := strings.Cut(s.Name, ".")
			if !slices.Contains(names, command) {
				names = append(names, command)
			}
		}
	}
	return names
}
