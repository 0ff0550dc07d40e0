package testpipelines_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// fenced are the blocks of a page in one language.
func fenced(t *testing.T, file, language string) []string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(page, -1) {
		blocks = append(blocks, string(m[1]))
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", file, language)
	}
	return blocks
}

// document is what this test asks of a manifest, of Helm values or of a job.
type document struct {
	Kind     string
	Metadata struct {
		Name, Namespace string
		Annotations     map[string]string
	}
	Spec struct {
		ServiceAccountName string `yaml:"serviceAccountName"`
		Volumes            []struct {
			ConfigMap struct {
				Name  string
				Items []struct{ Key, Path string }
			} `yaml:"configMap"`
		}
	}
	ServiceAccount struct {
		Name        string
		Annotations map[string]string
	} `yaml:"serviceAccount"`
	Runners struct{ Config string }
	Doctor  struct {
		Script    []string
		Artifacts struct{ Reports map[string]string }
	}
}

func setupDocuments(t *testing.T) []document {
	t.Helper()
	var all []document
	for _, block := range fenced(t, "../docs/setup.md", "yaml") {
		d := yaml.NewDecoder(bytes.NewReader([]byte(block)))
		for {
			var doc document
			err := d.Decode(&doc)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in\n%s", err, block)
			}
			all = append(all, doc)
		}
	}
	return all
}

func TestTheSetUpPageNamesTheSameThingsEverywhere(t *testing.T) {
	roles := map[string]string{} // by the service account that names it
	var used, jobs []string
	for _, d := range setupDocuments(t) {
		name, annotations := d.ServiceAccount.Name, d.ServiceAccount.Annotations
		switch {
		case d.Kind == "ServiceAccount":
			name, annotations = d.Metadata.Name, d.Metadata.Annotations
		case d.Kind == "Pod":
			used = append(used, d.Spec.ServiceAccountName)
			if got := d.Spec.Volumes[0].ConfigMap.Items[0].Key; got != "config.template.toml" {
				t.Errorf("the pod mounts %q of the chart's ConfigMap", got)
			}
		case name != "" && annotations == nil:
			used = append(used, name)
		}
		if role := annotations["eks.amazonaws.com/role-arn"]; role != "" {
			roles[name] = role
		}
		if d.Runners.Config != "" {
			jobs = append(jobs, healthy(t, d.Runners.Config).JobAccount().Name.Text)
		}
		if d.Doctor.Script != nil {
			want := map[string]string{"junit": "doctor.xml", "annotations": "doctor.json"}
			if diff := cmp.Diff(want, d.Doctor.Artifacts.Reports); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
		}
	}
	want := map[string]string{
		"gitlab-jobs":          "arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs",
		"gitlab-runner":        "arn:aws:iam::123456789012:role/k8s-irsa-gitlab-runner",
		"gitlab-runner-common": "arn:aws:iam::123456789012:role/k8s-irsa-gitlab-runner-common",
	}
	if diff := cmp.Diff(want, roles); diff != "" {
		t.Errorf("roles by service account (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gitlab-runner-common", "gitlab-runner-common"}, used); diff != "" {
		t.Errorf("service accounts that are used (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gitlab-jobs"}, jobs); diff != "" {
		t.Errorf("service accounts of jobs (-want +got):\n%s", diff)
	}
}

// healthy reads a runner's configuration in which nothing is to be found.
func healthy(t *testing.T, text string) runner.Runner {
	t.Helper()
	config, err := runner.Read("docs/setup.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := config.Pick("")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings() {
		if slices.Contains([]report.Status{report.Fail, report.Warn, report.Unknown}, f.Status) {
			t.Errorf("%s %s: %s", f.Status, f.ID, f.Cause)
		}
	}
	return r
}

func TestTheSetUpPagesTOMLIsHealthy(t *testing.T) {
	for _, block := range fenced(t, "../docs/setup.md", "toml") {
		account := healthy(t, block).JobAccount()
		if account.Name.Text != "gitlab-jobs" || !account.Allows("gitlab-deploy") || account.Allows("gitlab-deploy-prod") {
			t.Errorf("jobs get %v", account)
		}
	}
}
