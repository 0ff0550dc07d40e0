package refs

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

var updateCheck = flag.Bool("update-check", false, "record what the checks make of testdata/guides and of the graphs")

// first is the first place of a finding.
func first(f report.Finding) string {
	if len(f.Where) == 0 {
		return "nowhere"
	}
	return f.Where[0].String()
}

// TestShapesOfTheRealWorldAreJudged has set-ups as public guides and issues show
// them, each with what fails or warns and where first.
func TestShapesOfTheRealWorldAreJudged(t *testing.T) {
	all, err := filepath.Glob("testdata/guides/*.txtar")
	if err != nil || len(all) < 10 {
		t.Fatal(len(all), err)
	}
	for _, file := range all {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files, want := map[string]string{}, ""
			var kept []txtar.File
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				files[f.Name] = string(f.Data)
				kept = append(kept, f)
			}
			var got strings.Builder
			for _, f := range Check(setOf(t, files), Options{}).Report.Findings() {
				if f.Bad() || f.Status == report.Warn {
					fmt.Fprintf(&got, "%s %s at %s: %s\n", f.Status, f.ID, first(f), f.Cause)
				}
			}
			if *updateCheck {
				archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got.String())})
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got.String()); diff != "" || want == "" && !strings.Contains(file, "manager_annotated") {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestTheReferenceSetUpPasses(t *testing.T) {
	for _, dir := range []string{"short", "long", "jobs"} {
		t.Run(dir, func(t *testing.T) {
			for _, closed := range []bool{false, true} {
				if said := bad(Check(setOf(t, folder(t, filepath.Join("testdata", dir))), Options{Closed: closed})); said != nil {
					t.Errorf("closed %v: %s", closed, strings.Join(said, "\n"))
				}
			}
		})
	}
}

// TestEachSlipFailsAtItsLine breaks the reference set-up for jobs in one place.
func TestEachSlipFailsAtItsLine(t *testing.T) {
	const issuer = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
	tests := []struct {
		name, file, from, to string
		check, at            string
	}{
		{"sub: service account", "jobs-role.json", ":gitlab:gitlab-jobs", ":gitlab:gitlab-job", "refs-service-account", "jobs-role.json:18:108"},
		{"sub: namespace", "jobs-role.json", ":gitlab:gitlab-jobs", ":gitlab-jobs:gitlab-jobs", "refs-service-account", "jobs-role.json:18:108"},
		{"sub: the prefix is missing", "jobs-role.json", "system:serviceaccount:", "", "trust-subject", "jobs-role.json:18:29"},
		{"sub: a wildcard under StringEquals", "jobs-role.json", ":gitlab:gitlab-jobs", ":gitlab:gitlab-*", "trust-service-account", "jobs-role.json:18:29"},
		{"aud", "jobs-role.json", `"sts.amazonaws.com"`, `"sts.amazon.com"`, "refs-audience", "jobs-role.json:17:108"},
		{"principal: account", "jobs-role.json", "123456789012:oidc", "123456789021:oidc", "refs-aws-account", "jobs-role.json:12:38"},
		{"principal: cluster", "jobs-role.json", "oidc-provider/" + issuer, "oidc-provider/" + strings.Replace(issuer, "0123", "0132", 1), "refs-issuer", "jobs-role.json:12:38"},
		{"key: cluster", "jobs-role.json", issuer + ":sub", strings.Replace(issuer, "0123", "0132", 1) + ":sub", "refs-issuer", "jobs-role.json:18:29"},
		{"key: scheme", "jobs-role.json", issuer + ":sub", "https://" + issuer + ":sub", "trust-key", "jobs-role.json:18:29"},
		{"action", "jobs-role.json", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRole", "trust-action", "jobs-role.json:14:21"},
		{"role: name", "jobs-role.json", "role/k8s-irsa-gitlab-jobs", "role/k8s-irsa-gitlab-job", "refs-role", "jobs-role.json:5:16"},
		{"annotation: role", "jobs.yaml", "role/k8s-irsa-gitlab-jobs", "role/k8s-irsa-gitlab-jobs2", "refs-role", "jobs.yaml:7:33"},
		{"annotation: account", "jobs.yaml", "123456789012", "123456789102", "refs-aws-account", "jobs.yaml:7:33"},
		{"annotation: partition", "jobs.yaml", "arn:aws:", "arn:aws-us-gov:", "refs-aws-account", "jobs.yaml:7:33"},
		{"annotation: key", "jobs.yaml", "/role-arn", "/rolearn", "refs-annotation", "jobs.yaml:7:5"},
		{"annotation: no ARN", "jobs.yaml", "arn:aws:iam::123456789012:role/", "arn:aws:iam:123456789012:role/", "refs-role-arn", "jobs.yaml:7:33"},
		{"service account: name", "jobs.yaml", "  name: gitlab-jobs", "  name: gitlab-job", "refs-service-account", "jobs.yaml:4:9"},
		{"service account: namespace", "jobs.yaml", "  name: gitlab-jobs\n  namespace: gitlab", "  name: gitlab-jobs\n  namespace: gitlab-runner", "refs-service-account", "jobs.yaml:5:14"},
		{"provider: client id", "provider.json", "sts.amazonaws.com", "sts.amazonaws.com.cn", "refs-audience", "provider.json:4:9"},
		{"provider: URL", "provider.json", "ABCDEF0123", "ABCDEF0124", "refs-issuer", "provider.json:2:12"},
		{"runner: service_account", "values.yaml", `service_account = "gitlab-jobs"`, `service_account = "gitlab-job"`, "refs-service-account", "values.yaml:14:27"},
		{"runner: namespace", "values.yaml", `namespace = "gitlab"`, `namespace = "gitlab-runners"`, "refs-binding", "values.yaml:13:21"},
		{"runner: allow-list", "values.yaml", `"^gitlab-jobs$"`, `"^gitlab-job$"`, "refs-service-account", "values.yaml:15:45"},
		{"runner: bucket", "values.yaml", "super-duper", "super-dupper", "refs-bucket", "values.yaml:22:24"},
		{"runner: region", "values.yaml", "eu-central-1", "eu-centrl-1", "refs-region", "values.yaml:23:28"},
		{"runner: path", "values.yaml", `"runners-all"`, `"runners"`, "refs-cache-access", "runner-policy.json:18:29"},
		{"runner: Type", "values.yaml", `"s3"`, `"S3"`, "runner-cache", "values.yaml:17:16"},
		{"runner: an unanchored list", "values.yaml", `"^gitlab-jobs$"`, `"gitlab-jobs"`, "runner-overwrite", "values.yaml:15:45"},
		{"chart: the manager's account", "values.yaml", "name: gitlab-runner-common", "name: gitlab-runner-comon", "refs-service-account", "values.yaml:6:9"},
		{"manager: service account", "runner.yaml", "kind: ServiceAccount\nmetadata:\n  name: gitlab-runner-common", "kind: ServiceAccount\nmetadata:\n  name: gitlab-runner", "refs-service-account", "runner.yaml:4:9"},
		{"binding: roleRef", "runner.yaml", "kind: Role\n  name: gitlab-runner-common", "kind: Role\n  name: gitlab-runner", "refs-binding", "runner.yaml:28:9"},
		{"binding: subject", "runner.yaml", "  - kind: ServiceAccount\n    name: gitlab-runner-common", "  - kind: ServiceAccount\n    name: gitlab-runner", "refs-service-account", "runner.yaml:31:11"},
		{"Role: namespace", "runner.yaml", "kind: Role\nmetadata:\n  name: gitlab-runner-common\n  namespace: gitlab", "kind: Role\nmetadata:\n  name: gitlab-runner-common\n  namespace: gitlab-runner", "refs-binding", "runner.yaml:14:14"},
		{"policy: bucket", "runner-policy.json", "cache/runners", "caches/runners", "refs-bucket", "runner-policy.json:18:29"},
		{"policy: the role of jobs", "runner-policy.json", "k8s-irsa-gitlab-runner-common", "k8s-irsa-gitlab-jobs", "refs-cache-access", "runner-policy.json:4:23"},
		{"pipeline: role", ".gitlab-ci.yml", "gitlab-jobs\n      region", "gitlab-job\n      region", "refs-role", ".gitlab-ci.yml:4:17"},
		{"pipeline: service account", ".gitlab-ci.yml", "OVERWRITE: gitlab-jobs", "OVERWRITE: gitlab-job", "refs-service-account", ".gitlab-ci.yml:8:41"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := folder(t, "testdata/jobs")
			if !strings.Contains(files[tt.file], tt.from) {
				t.Fatalf("no %q in %s", tt.from, tt.file)
			}
			files[tt.file] = strings.Replace(files[tt.file], tt.from, tt.to, 1)
			var said []string
			for _, f := range Check(setOf(t, files), Options{}).Report.Findings() {
				if f.Bad() || f.Status == report.Warn {
					said = append(said, f.ID+" at "+first(f))
				}
			}
			if !slices.Contains(said, tt.check+" at "+tt.at) {
				t.Errorf("%q, want %s at %s", said, tt.check, tt.at)
			}
		})
	}
}

// TestADanglingEndIsANoteUnlessAllIsThere gives one of two files.
func TestADanglingEndIsANoteUnlessAllIsThere(t *testing.T) {
	files := folder(t, "testdata/long")
	delete(files, "runner-role.json")
	delete(files, "runner-policy.json")
	for closed, want := range map[bool]report.Status{false: report.OK, true: report.Fail} {
		r := Check(setOf(t, files), Options{Closed: closed}).Report
		if got := r.Verdict(); got != want {
			t.Errorf("closed %v: %s", closed, got)
		}
		var said []string
		for _, f := range r.Findings() {
			if f.ID == "refs-defined" && f.Status != report.OK {
				said = append(said, f.Cause)
			}
		}
		wants := []string{
			`the role "k8s-irsa-gitlab-runner-common" is named by the annotation of the service account "gitlab/gitlab-runner-common" (runner.yaml:7:33), and none of the files defines it`,
			`the bucket "my-super-duper-gitlab-runner-cache" is named by BucketName of the runner "eks-1" (values.yaml:20:24), and none of the files defines it`,
		}
		if diff := cmp.Diff(wants, said); diff != "" {
			t.Errorf("closed %v: %s", closed, diff)
		}
	}
}

// TestAPatchMendsTheSlip applies each patch by git, and looks at the set again.
func TestAPatchMendsTheSlip(t *testing.T) {
	files := folder(t, "testdata/jobs")
	n := 0
	for _, m := range mutants(files, setOf(t, files), referenceValues()) {
		for _, f := range Check(setOf(t, m.files), Options{}).Report.Findings() {
			for _, s := range f.Paste {
				if s.For != "the change, as a patch" {
					continue
				}
				n++
				if n%10 != 1 { // each tenth is enough for git
					continue
				}
				mended := apply(t, m.files, s.Text)
				if said := bad(Check(setOf(t, mended), Options{})); said != nil {
					t.Errorf("%q for %q at %s: the patch leaves %q\n%s", m.to, m.from, m.at, said, s.Text)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d patches", n)
	}
}

func apply(t *testing.T, files map[string]string, patch string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "git", "apply", "--unidiff-zero", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(patch)
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, patch)
	}
	return folder(t, dir)
}

// TestNoSecretIsInAnyOutput plants secrets where files hold them.
func TestNoSecretIsInAnyOutput(t *testing.T) {
	const secret = "PLANTED0wJalrXUtnFEMI"
	files := folder(t, "testdata/jobs")
	replace := func(file, from, to string) {
		if !strings.Contains(files[file], from) {
			t.Fatalf("no %q in %s", from, file)
		}
		files[file] = strings.Replace(files[file], from, to, 1)
	}
	replace("values.yaml", `ServerAddress = ""`, "AccessKey = \""+secret+"\"\n          SecretKey = \""+secret+"\"")
	replace("values.yaml", "gitlabUrl:", "runnerToken: "+secret+"\nrunnerRegistrationToken: "+secret+"\ngitlabUrl:")
	replace("values.yaml", `executor = "kubernetes"`, "executor = \"kubernetes\"\n      token = \""+secret+"\"\n      environment = [\"AWS_SECRET_ACCESS_KEY="+secret+"\", \"PASSWORD="+secret+"\"]")
	replace(".gitlab-ci.yml", "variables:\n", "variables:\n  AWS_ACCESS_KEY_ID: "+secret+"\n  AWS_SECRET_ACESS_KEY: "+secret+"\n  PASSWORD: "+secret+"\n")
	replace("jobs.yaml", "  annotations:\n", "  annotations:\n    password: "+secret+"\n")
	files["secret.yaml"] = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: gitlab}\nstringData: {eks.amazonaws.com/role-arn: " + secret + "}\n"
	files["broken.yaml"] = "kind: ServiceAccount\npassword: \"" + secret + "\nname: [x\n"
	files["broken.toml"] = "[[runners]]\n token = \"" + secret + "\n"
	files["broken.json"] = `{"Statement": "` + secret
	files["state.json"] = `{"format_version": "1.0", "values": {"outputs": {"key": {"value": "` + secret + `"}}, "root_module": {"resources": [{"type": "aws_iam_access_key", "values": {"secret": "` + secret + `"}}]}}}`
	for _, closed := range []bool{false, true} {
		r := Check(setOf(t, files), Options{Closed: closed})
		if r.Report.Verdict() != report.Fail {
			t.Error("nothing fails")
		}
		for form, text := range map[string]string{
			"text": r.Report.Text(report.TextOptions{}), "json": r.Report.JSON(report.Sibling{Key: "graph", Value: r.Graph}), "junit": r.Report.JUnit("refs"), "tree": r.Graph.Tree(), "mermaid": r.Graph.Mermaid(),
		} {
			if strings.Contains(text, "PLANTED") {
				t.Errorf("%s has a secret:\n%s", form, text)
			}
		}
	}
}
