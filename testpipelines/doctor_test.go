package testpipelines_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// TestDoctor reads the reports as GitLab does: JUnit for the merge request's
// tests, annotations for the links on the job's page.
func TestDoctor(t *testing.T) {
	t.Parallel()
	bin := builtPrograms(t)
	for _, tt := range []struct {
		name, result, sub string
		code              int
		failed            []string // test cases
		links             int
	}{
		{"all is well", "PASS", "system:serviceaccount:gitlab:gitlab-jobs", 0, nil, 0},
		{"a trust policy of another service account", "FAIL", "system:serviceaccount:gitlab:gitlab-runner", 1, []string{"the role trusts this token"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cloud := startCloud(t)
			trust := cloud.ClusterTrust()
			trust.Subject = tt.sub
			if err := cloud.SetTrust(awsfake.JobRole, trust.JSON()); err != nil {
				t.Fatal(err)
			}
			run := runPipeline(t, "doctor", bin, podEnv(t, cloud))
			run.want(t, tt.code, map[string]string{"ci-aws-doctor": tt.result}, nil)
			dir := filepath.Join(run.project, ".gitlab-ci-local", "builds", "ci-aws-doctor")

			var suites struct {
				Suites []struct {
					Cases []struct {
						Name    string `xml:"name,attr"`
						Failure *struct {
							Text string `xml:",chardata"`
						} `xml:"failure"`
					} `xml:"testcase"`
				} `xml:"testsuite"`
			}
			text, err := os.ReadFile(filepath.Join(dir, "ci-aws-doctor.xml"))
			if err == nil {
				err = xml.Unmarshal(text, &suites)
			}
			if err != nil {
				t.Fatal(err)
			}
			cases, failed := 0, []string{}
			for _, suite := range suites.Suites {
				for _, c := range suite.Cases {
					cases++
					if c.Failure != nil {
						failed = append(failed, c.Name)
					}
				}
			}
			if cases < 10 || len(failed) != len(tt.failed) || len(failed) > 0 && !strings.Contains(failed[0], tt.failed[0]) {
				t.Errorf("%d test cases, of which failed %q, want %q", cases, failed, tt.failed)
			}

			// https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsannotations
			var annotations map[string][]struct {
				Link struct {
					Label string `json:"label"`
					URL   string `json:"url"`
				} `json:"external_link"`
			}
			text, err = os.ReadFile(filepath.Join(dir, "ci-aws-doctor.json"))
			if err == nil {
				err = json.Unmarshal(text, &annotations)
			}
			if err != nil {
				t.Fatal(err)
			}
			links := 0
			for _, all := range annotations {
				for _, a := range all {
					links++
					if a.Link.Label == "" || !strings.HasPrefix(a.Link.URL, "https://") {
						t.Errorf("no link: %+v", a)
					}
				}
			}
			if links != tt.links {
				t.Errorf("%d links, want %d: %s", links, tt.links, text)
			}
		})
	}
}
