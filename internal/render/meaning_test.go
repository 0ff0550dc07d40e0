package render_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/render"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

func TestEachRenderedFileCanBeReadByWhatItIsFor(t *testing.T) {
	for _, setUp := range setUps {
		for name, text := range rendered(t, setUp) {
			t.Run(setUp+"/"+name, func(t *testing.T) {
				switch {
				case name == render.Manifest:
					if !json.Valid([]byte(text)) {
						t.Errorf("not JSON: %s", text)
					}
				case path.Ext(name) == ".json":
					if _, err := iam.ParsePolicy([]byte(text)); err != nil {
						t.Error(err)
					}
				case path.Ext(name) == ".yaml" || path.Ext(name) == ".yml":
					if len(documents(t, text)) == 0 {
						t.Errorf("no document in %s", text)
					}
				case path.Ext(name) == ".sh":
					cmd := exec.CommandContext(t.Context(), "sh", "-n")
					cmd.Stdin = strings.NewReader(text)
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("%v: %s", err, out)
					}
				case path.Ext(name) != ".tf" && path.Ext(name) != ".md":
					t.Errorf("nothing reads it")
				}
			})
		}
	}
}

// TestTheRunnerReadsItsNames reads the configuration in the chart's values with
// the runner's own field names.
func TestTheRunnerReadsItsNames(t *testing.T) {
	type names struct{ Namespace, Account, Allowed, Type, Path, Shared, Bucket, Region, SSE, Key, Role string }
	for setUp, want := range map[string]names{
		"long": {
			"gitlab", "gitlab-jobs", "^gitlab-jobs$", "s3", "runners-all", "true",
			"my-super-duper-gitlab-runner-cache", "eu-central-1", "", "", "",
		},
		"short": {
			"gitlab", "", "", "s3", "", "true",
			"my-super-duper-gitlab-runner-cache", "eu-central-1", "", "", "",
		},
		"everything": {
			"ci", "jobs.a", `^(jobs\.a|jobs-a)$`, "s3", "team-a/runners", "false",
			"cache.example", "cn-northwest-1", "KMS", "arn:aws-cn:kms:cn-northwest-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			"arn:aws-cn:iam::210987654321:role/cache",
		},
	} {
		values := documents(t, rendered(t, setUp)["helm/values.yaml"])[0]
		c, err := runner.Read("config.toml", []byte(values.at("runners", "config").(string)))
		if err != nil || len(c.Runners) != 1 {
			t.Fatalf("%s: %d runners, %v", setUp, len(c.Runners), err)
		}
		r := c.Runners[0]
		if len(r.Slips) > 0 || len(r.Cache.Flat) > 0 || r.Cache.S3.AccessKey.Set || r.Cache.S3.SecretKey.Set {
			t.Errorf("%s: a slip or a key in %+v", setUp, r)
		}
		s3 := r.Cache.S3
		got := names{
			r.Kubernetes.Namespace.Text, r.Kubernetes.ServiceAccount.Text, r.Kubernetes.ServiceAccountOverwriteAllowed.Text,
			r.Cache.Type.Text, r.Cache.Path.Text, r.Cache.Shared.Text, s3.BucketName.Text, s3.BucketLocation.Text,
			s3.ServerSideEncryption.Text, s3.ServerSideEncryptionKeyID.Text, s3.RoleARN.Text,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", setUp, diff)
		}
	}
}

// TestRolesTrustWhatTheirServiceAccountsAre joins the two ends of each reference:
// the annotation names a role, and that role's policy admits this account's token.
func TestRolesTrustWhatTheirServiceAccountsAre(t *testing.T) {
	for _, setUp := range setUps {
		d, files := complete(t, described(t, setUp)), rendered(t, setUp)
		accounts := map[string]string{}
		for _, doc := range documents(t, files["kubernetes/service-accounts.yaml"]) {
			accounts[doc.at("metadata", "name").(string)] = doc.at("metadata", "annotations", "eks.amazonaws.com/role-arn").(string)
		}
		values := documents(t, files["helm/values.yaml"])[0]
		for _, at := range [][]string{{"serviceAccount", "annotations"}, {"rbac", "serviceAccountAnnotations"}} {
			if arn, ok := values.at(append(at, "eks.amazonaws.com/role-arn")...).(string); ok {
				accounts[d.Runner.ServiceAccount.Text] = arn
			}
		}
		if len(accounts) != 1+len(d.Jobs) {
			t.Errorf("%s: accounts %v", setUp, accounts)
		}
		for account, arn := range accounts {
			role, err := iam.ParseRoleARN(arn)
			if err != nil {
				t.Fatal(err)
			}
			policy, err := iam.ParsePolicy([]byte(files["iam/"+role.Name+".trust.json"]))
			if err != nil {
				t.Fatalf("%s: %v", role.Name, err)
			}
			for _, name := range []string{account, account + "x", "default"} {
				provider := iam.ProviderName(d.Issuer.Text)
				got := policy.Evaluate(iam.Request{
					Principal: []iam.Principal{{Type: "Federated", Name: iam.ProviderARN(role.Partition, role.Account, d.Issuer.Text)}},
					Action:    iam.WebIdentityAction,
					Context:   map[string][]string{provider + ":sub": {"system:serviceaccount:" + d.Namespace.Text + ":" + name}, provider + ":aud": {d.Audience.Text}},
				}).Decision
				if (got == iam.Allowed) != (name == account) {
					t.Errorf("%s: %s is %v to %s", setUp, name, got, role.Name)
				}
			}
		}
	}
}

// TestNoPermissionIsWiderThanTheCache looks at every statement that was not in
// the description itself.
func TestNoPermissionIsWiderThanTheCache(t *testing.T) {
	for _, setUp := range setUps {
		for name, text := range rendered(t, setUp) {
			if !strings.HasSuffix(name, ".policy.json") || strings.Contains(name, "jobs") {
				continue
			}
			p, err := iam.ParsePolicy([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range p.Statements {
				for _, action := range s.Action {
					if strings.Contains(action, "*") {
						t.Errorf("%s: %s", name, action)
					}
				}
				for _, resource := range s.Resource {
					if strings.Count(resource, "*") > 1 || strings.Contains(resource, "*") && !strings.HasSuffix(resource, "/*") {
						t.Errorf("%s: %s", name, resource)
					}
				}
			}
		}
	}
	for _, setUp := range []string{"long"} {
		for _, rule := range documents(t, rendered(t, setUp)["kubernetes/runner-role.yaml"])[0].at("rules").([]any) {
			for _, key := range []string{"resources", "verbs"} {
				if slices.Contains((node{rule}).at(key).([]any), any("*")) {
					t.Errorf("%s: %v", setUp, rule)
				}
			}
		}
	}
}

func TestValuesHaveTheOlderOrTheNewerKeysOfTheChartAndNeverBoth(t *testing.T) {
	type keys struct {
		Rbac, ServiceAccount []string
	}
	names := func(v any) []string {
		var all []string
		for name := range (node{v}).any.(map[string]any) {
			all = append(all, name)
		}
		slices.Sort(all)
		return all
	}
	for _, tt := range []struct {
		version, madeBy string
		want            keys
	}{
		{"", "manifest", keys{[]string{"create"}, []string{"create", "name"}}},
		{"", "chart", keys{[]string{"create", "rules"}, []string{"annotations", "create", "name"}}},
		{"0.66.0", "chart", keys{[]string{"create", "rules"}, []string{"annotations", "create", "name"}}},
		{"1.0", "manifest", keys{[]string{"create"}, []string{"create", "name"}}},
		{"0.65.2", "manifest", keys{[]string{"create", "serviceAccountName"}, nil}},
		{"0.65.2", "chart", keys{[]string{"create", "generatedServiceAccountName", "rules", "serviceAccountAnnotations"}, nil}},
	} {
		text := described(t, "long") + "chart-version: \"" + tt.version + "\"\n"
		if tt.version == "" {
			text = described(t, "long")
		}
		text = strings.Replace(text, "runner: {", "runner: {made-by: "+tt.madeBy+", ", 1)
		values := documents(t, byPath(render.Files(complete(t, text), "x"))["helm/values.yaml"])[0]
		got := keys{Rbac: names(values.at("rbac"))}
		if account := values.at("serviceAccount"); account != nil {
			got.ServiceAccount = names(account)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.version, tt.madeBy, diff)
		}
	}
}

// TestAHostileValueExecutesNothing runs the commands with an aws that writes down
// its arguments, below a folder in which a hostile value would make files.
func TestAHostileValueExecutesNothing(t *testing.T) {
	files := rendered(t, "everything")
	dir := t.TempDir()
	write(t, dir, "bin/aws", "#!/bin/sh\ncase $1 in sts) echo 210987654321 ;; *) for a; do printf '<%s>' \"$a\" >>\""+dir+"/said\"; done ;; esac\n")
	if err := os.Chmod(filepath.Join(dir, "bin", "aws"), 0o700); err != nil { //nolint:gosec // a program has to be one
		t.Fatal(err)
	}
	for name, text := range files {
		write(t, dir, "out/"+name, text)
	}
	cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "out", "iam", "commands.sh"))
	cmd.Env = []string{"PATH=" + filepath.Join(dir, "bin") + ":/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"<iam><create-role><--role-name=-starts-with-a-dash><--assume-role-policy-document=file://-starts-with-a-dash.trust.json>",
		"<iam><create-role><--role-name=Runner+1=a,b.c@d-e_f>",
		`<--lifecycle-configuration={"Rules":[{"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1},"Expiration":{"Days":30},"Filter":{},"ID":"expire","Status":"Enabled"}]}>`,
	} {
		if said := read(t, dir, "said"); !strings.Contains(said, want) {
			t.Errorf("no %s in %s", want, said)
		}
	}
	p, err := iam.ParsePolicy([]byte(files["iam/k8s-irsa-jobs-a.policy.json"]))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`arn:aws-cn:s3:::artifacts/${aws:PrincipalTag/team}/"$(touch${IFS}x)"` + "`touch${IFS}x`%{if}/*"}
	if diff := cmp.Diff(want, p.Statements[0].Resource); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	ci := documents(t, files["gitlab-ci.yml"])[0]
	include := ci.at("include").([]any)
	if got := (node{include[2]}).at("inputs", "fleets"); got != "tag with blank,yes;#1,{{ x }};- 'y': *z" {
		t.Errorf("fleets %q", got)
	}
	if got := fmt.Sprint(ci.at("ci-aws-identity", "tags")); got != "[tag with blank yes]" {
		t.Errorf("tags %s", got)
	}
}
