package runner_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// summary is a finding without the texts that the catalogue holds.
func summary(found []report.Finding) []string {
	var lines []string
	for _, f := range found {
		lines = append(lines, fmt.Sprintf("%s %s line %d", f.Status, f.ID, f.Where[0].Line))
	}
	return lines
}

func TestTheReferenceSetUpIsHealthy(t *testing.T) {
	tests := []struct {
		file string
		want []string
	}{
		{"short.toml", []string{
			"ok runner-keys line 9", "note runner-service-account line 27", "ok runner-overwrite line 33", "ok runner-environment line 9", "ok runner-cache line 18",
			"ok runner-cache-bucket line 24", "ok runner-cache-auth line 22", "ok runner-cache-shared line 20",
		}},
		{"long.toml", []string{
			"ok runner-keys line 1", "ok runner-service-account line 5", "ok runner-overwrite line 6", "ok runner-environment line 1", "ok runner-cache line 9",
			"ok runner-cache-bucket line 14", "ok runner-cache-auth line 12", "ok runner-cache-shared line 11",
		}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, summary(only(t, testdata(t, tt.file)).Findings())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.file, diff)
		}
	}
}

func TestWhatHoldsShowsItsSource(t *testing.T) {
	var got []string
	for _, f := range only(t, testdata(t, "long.toml")).Findings() {
		for _, e := range f.Evidence {
			got = append(got, e.String())
		}
	}
	want := []string{
		"gitlab-jobs (service_account, config.toml, line 5)", "^(gitlab-jobs|gitlab-deploy)$ (service_account_overwrite_allowed, config.toml, line 6)",
		"s3 (Type, config.toml, line 9)", "my-super-duper-gitlab-runner-cache (BucketName, config.toml, line 14)",
		"iam (AuthenticationType is not set, config.toml, line 12)", "true (Shared, config.toml, line 11)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// broken are changes of the long variant, each with the one finding that names it.
var broken = []struct {
	name, old, new string
	id             string // the case
	line           int
	cause          string
	fix            string // words that the fix has
}{
	{
		"a misspelt key", "service_account_overwrite_allowed", "serviceAccountOverwriteAllowed", "runner-key-slip", 6,
		`the runner ignores "serviceAccountOverwriteAllowed" in [runners.kubernetes] (config.toml, line 6), which is none of its keys there`,
		"service_account_overwrite_allowed in [runners.kubernetes] was most likely meant",
	},
	{
		"a key one section too high", "[[runners]]\n", "[[runners]]\n  service_account = \"gitlab-jobs\"\n", "runner-key-slip", 2,
		`the runner ignores "service_account" in [[runners]] (config.toml, line 2), which is none of its keys there`,
		"service_account in [runners.kubernetes] was most likely meant",
	},
	{
		"a misspelt key of the cache's server", `ServerAddress = ""`, `ServerAdress = "minio.example.com"`, "runner-key-lost", 13,
		`the runner ignores "ServerAdress" in [runners.cache.s3] (config.toml, line 13), and so has no ServerAddress in [runners.cache.s3]`,
		"write the key as ServerAddress in [runners.cache.s3]",
	},
	{
		"another executor", "[[runners]]\n", "[[runners]]\n  executor = \"docker\"\n", "runner-not-kubernetes", 2,
		`the runner in line 1 runs its jobs by the executor "docker" (config.toml, line 2), not in pods`, "ID tokens",
	},
	{
		"the subject for the name", `"gitlab-jobs"`, `"system:serviceaccount:gitlab:gitlab-jobs"`, "runner-account-name", 5,
		`service_account is "system:serviceaccount:gitlab:gitlab-jobs" (config.toml, line 5), which no Kubernetes service account can be called`,
		"    service_account = \"gitlab-jobs\"\n",
	},
	{
		"namespace and name", `"gitlab-jobs"`, `"gitlab/gitlab-jobs"`, "runner-account-name", 5,
		`service_account is "gitlab/gitlab-jobs" (config.toml, line 5), which no Kubernetes service account can be called`,
		"    service_account = \"gitlab-jobs\"\n",
	},
	{
		"no service account", `    service_account = "gitlab-jobs"` + "\n", "", "runner-default-account", 2,
		"the runner in line 1 names no service_account (config.toml, line 2), so its job pods run under the account default of their namespace",
		"    service_account = \"SERVICE-ACCOUNT\"\n",
	},
	{
		"a list that is no expression", `"^(gitlab-jobs|gitlab-deploy)$"`, `"gitlab-*("`, "overwrite-invalid", 6,
		`service_account_overwrite_allowed is "gitlab-*(" (config.toml, line 6), which is no regular expression of Go: missing closing )`,
		"^(one|other)$",
	},
	{
		"a list without anchors", `"^(gitlab-jobs|gitlab-deploy)$"`, `"gitlab-jobs|^gitlab-deploy$"`, "overwrite-unanchored", 6,
		`service_account_overwrite_allowed is "gitlab-jobs|^gitlab-deploy$" (config.toml, line 6), which also lets pass longer names that only contain a match`,
		`service_account_overwrite_allowed = "^(gitlab-jobs|gitlab-deploy)$"`,
	},
	{
		"an expression for some", `"^(gitlab-jobs|gitlab-deploy)$"`, `"gitlab-.*"`, "overwrite-pattern", 6,
		`service_account_overwrite_allowed is "gitlab-.*" (config.toml, line 6), which lets jobs take every service account that fits, not only some by name`,
		`service_account_overwrite_allowed = "^gitlab-jobs$"`,
	},
	{
		"an expression for some, with anchors", `"^(gitlab-jobs|gitlab-deploy)$"`, `"^(gitlab-.*)$"`, "overwrite-pattern", 6,
		`service_account_overwrite_allowed is "^(gitlab-.*)$" (config.toml, line 6), which lets jobs take every service account that fits, not only some by name`,
		`service_account_overwrite_allowed = "^gitlab-jobs$"`,
	},
	{
		"a list of everything", `"^(gitlab-jobs|gitlab-deploy)$"`, `"^.*$"`, "overwrite-anything", 6,
		`service_account_overwrite_allowed is "^.*$" (config.toml, line 6), which lets any job take any service account of the namespace`,
		`service_account_overwrite_allowed = "^gitlab-jobs$"`,
	},
	{
		"a role for every job", "[[runners]]\n", "[[runners]]\n  environment = [\"A=b\", \"AWS_ROLE_ARN=\",\n    \"AWS_WEB_IDENTITY_TOKEN_FILE=/t\"]\n", "environment-identity", 2,
		"`environment` of the runner in line 1 sets AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (config.toml, line 2) in the container of every job, and the EKS webhook then sets neither AWS_ROLE_ARN nor AWS_WEB_IDENTITY_TOKEN_FILE",
		"remove AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE from `environment` in [[runners]]",
	},
	{
		"keys for every job", "[[runners]]\n", "[[runners]]\n  environment = ['AWS_ACCESS_KEY_ID=x', 'AWS_SECRET_ACCESS_KEY=y']\n", "environment-keys", 2,
		"`environment` of the runner in line 1 sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (config.toml, line 2) in every job, so that every tool there uses that key and not the role",
		"deactivate the key in IAM",
	},
	{
		"half a key", "[[runners]]\n", "[[runners]]\n  environment = ['AWS_SECRET_ACCESS_KEY=y', 'AWS_ACCESS_KEY_ID=']\n", "environment-half-keys", 2,
		"`environment` of the runner in line 1 sets AWS_SECRET_ACCESS_KEY (config.toml, line 2) in every job, without the other half of the key",
		"remove AWS_SECRET_ACCESS_KEY from `environment` in [[runners]]",
	},
	{
		"a profile for every job", "[[runners]]\n", "[[runners]]\n  environment = ['AWS_PROFILE=ci']\n", "environment-profile", 2,
		"`environment` of the runner in line 1 sets AWS_PROFILE (config.toml, line 2) in every job", "ci-aws configure",
	},
	{
		"no type", `    Type = "s3"` + "\n", "", "cache-type-missing", 8,
		"the runner in line 1 has settings of S3 but no Type in [runners.cache] (config.toml, line 8)", `set Type = "s3"`,
	},
	{
		"an unknown type", `Type = "s3"`, `Type = "S3"`, "cache-type-unknown", 9,
		`Type in [runners.cache] is "S3" (config.toml, line 9), a cache that the runner does not have`, `set Type = "s3"`,
	},
	{
		"another cloud", `Type = "s3"`, `Type = "gcs"`, "cache-elsewhere", 9,
		`the caches of the runner in line 1 go to "gcs" (config.toml, line 9), not to S3`, `set Type = "s3"`,
	},
	{
		"settings of runner 11", "    [runners.cache.s3]\n", "", "cache-flat", 12,
		`"ServerAddress" stands in [runners.cache] (config.toml, line 12), where runners from 12.0 on do not look for it`, "move ServerAddress",
	},
	{
		"no bucket", `      BucketName = "my-super-duper-gitlab-runner-cache"` + "\n", "", "cache-bucket-missing", 12,
		"the runner in line 1 keeps its caches in S3 but names no bucket (config.toml, line 12)", "set BucketName",
	},
	{
		"a URL for a bucket", `"my-super-duper-gitlab-runner-cache"`, `"s3://my-bucket"`, "cache-bucket-name", 14,
		`BucketName is "s3://my-bucket" (config.toml, line 14), which cannot be the name of a bucket`, "give the name alone",
	},
	{
		"no region", `      BucketLocation = "eu-central-1"` + "\n", "", "cache-region-missing", 12,
		`BucketLocation is not set for the bucket "my-super-duper-gitlab-runner-cache" (config.toml, line 12)`, "set BucketLocation",
	},
	{
		"an authentication of nobody", "[runners.cache.s3]\n", "[runners.cache.s3]\n      AuthenticationType = \"irsa\"\n", "cache-auth-unknown", 13,
		`AuthenticationType is "irsa" (config.toml, line 13), which the runner does not know`, "set it to iam",
	},
	{
		"access-key without a key", "[runners.cache.s3]\n", "[runners.cache.s3]\n      AuthenticationType = \"Access-Key\"\n      AccessKey = \"x\"\n", "cache-keys-missing", 13,
		`AuthenticationType is "Access-Key" (config.toml, line 13), but AccessKey and SecretKey are not both set`, "remove AuthenticationType",
	},
	{
		"static keys", `ServerAddress = ""`, "ServerAddress = \"s3.amazonaws.com\"\n      AccessKey = \"x\"\n      SecretKey = \"y\"", "cache-static-keys", 14,
		"the caches of the runner in line 1 are signed with a stored AccessKey (config.toml, line 14), not with the manager's role", `set AuthenticationType = "iam"`,
	},
	{
		"keys without an address", "[runners.cache.s3]\n", "[runners.cache.s3]\n      AccessKey = \"x\"\n      SecretKey = \"y\"\n", "cache-keys-ignored", 13,
		"the runner in line 1 has a stored AccessKey or SecretKey (config.toml, line 13) that it does not use", `set AuthenticationType = "access-key"`,
	},
	{
		"keys beside iam", "[runners.cache.s3]\n", "[runners.cache.s3]\n      AuthenticationType = \"iam\"\n      SecretKey = \"y\"\n", "cache-keys-ignored", 14,
		"the runner in line 1 has a stored AccessKey or SecretKey (config.toml, line 14) that it does not use", `AuthenticationType is "iam"`,
	},
	{
		"a role as a guide has it", "[runners.cache.s3]\n", "[runners.cache.s3]\n      RoleARN = \"arn:aws:iam:::123456789012:role/cache\"\n", "cache-role-malformed", 13,
		`RoleARN is "arn:aws:iam:::123456789012:role/cache" (config.toml, line 13), which is not the ARN of a role`, "two colons after iam",
	},
	{
		"the older key of the role", "[runners.cache.s3]\n", "[runners.cache.s3]\n      UploadRoleARN = \"arn:aws:iam::123456789012:role/cache\"\n", "cache-upload-role", 13,
		`the cache's role "arn:aws:iam::123456789012:role/cache" is given as UploadRoleARN (config.toml, line 13), which is deprecated`,
		"    RoleARN = \"arn:aws:iam::123456789012:role/cache\"\n",
	},
	{
		"an encryption of nobody", "[runners.cache.s3]\n", "[runners.cache.s3]\n      ServerSideEncryption = \"AES-256\"\n", "cache-encryption-unknown", 13,
		`ServerSideEncryption is "AES-256" (config.toml, line 13), which the runner does not know`, "set it to S3, KMS or DSSE-KMS",
	},
	{
		"not shared", "Shared = true", "Shared = false", "cache-not-shared", 11,
		"the runner in line 1 keeps its caches for itself: Shared is not true (config.toml, line 11)", "set Shared = true",
	},
}

func TestEachSlipIsNamedAtItsLine(t *testing.T) {
	long := testdata(t, "long.toml")
	for _, tt := range broken {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.Replace(long, tt.old, tt.new, 1)
			if in == long {
				t.Fatal("nothing was changed")
			}
			c := catalogue.Find(tt.id)
			want := fmt.Sprintf("%s %s line %d: %s", c.Status, c.Check, tt.line, tt.cause)
			if c.Status == "" {
				want = "fail" + want
			}
			var got []string
			for _, f := range only(t, in).Findings() {
				if f.Status != report.OK {
					got = append(got, fmt.Sprintf("%s %s line %d: %s", f.Status, f.ID, f.Where[0].Line, f.Cause))
				}
				if f.ID == c.Check && f.Status != report.OK && !strings.Contains(f.Fix(), tt.fix) {
					t.Errorf("the fix has no %q:\n%s", tt.fix, f.Fix())
				}
			}
			if diff := cmp.Diff([]string{want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHarmlessSettingsRaiseNothing(t *testing.T) {
	long := testdata(t, "long.toml")
	tests := []struct{ name, old, new string }{
		{"the executor is named", "[[runners]]\n", "[[runners]]\n  executor = \"kubernetes\"\n"},
		{"one name as a list", `"^(gitlab-jobs|gitlab-deploy)$"`, `"^gitlab-jobs$"`},
		{"anchors in each branch", `"^(gitlab-jobs|gitlab-deploy)$"`, `"^gitlab-jobs$|^gitlab-deploy$"`},
		{"the text's own anchors", `"^(gitlab-jobs|gitlab-deploy)$"`, `'\A(?:gitlab\-jobs|team-1|team-2|a|ab)\z'`},
		{"a name with a dot", `"^(gitlab-jobs|gitlab-deploy)$"`, `'^(gitlab\.jobs|gitlab-deploy)$'`},
		{"a name in anchors of its own", `"^(gitlab-jobs|gitlab-deploy)$"`, `"^(^gitlab-jobs$|gitlab-deploy)$"`},
		{"variables that are none of AWS's", "[[runners]]\n", "[[runners]]\n  environment = [\"GIT_DEPTH=1\", \"AWS_REGION=eu-central-1\", \"CI_AWS_ROLE_ARN=x\", \"AWS_ROLE_ARN\", \"X=AWS_ROLE_ARN=y\", \"aws_profile=x\"]\n"},
		{"empty variables that only values make", "[[runners]]\n", "[[runners]]\n  environment = [\"AWS_PROFILE=\", \"AWS_ACCESS_KEY_ID=\", \"AWS_SECRET_ACCESS_KEY=\"]\n"},
		{"no variables", "[[runners]]\n", "[[runners]]\n  environment = []\n"},
		{"no overwrite", `    service_account_overwrite_allowed = "^(gitlab-jobs|gitlab-deploy)$"` + "\n", ""},
		{"Helm's templates", `"gitlab-jobs"`, `"{{ .Values.jobs }}"`},
		{"a bucket by its access point", `"my-super-duper-gitlab-runner-cache"`, `"arn:aws:s3:eu-central-1:123456789012:accesspoint/cache"`},
		{"another S3 server with keys", `ServerAddress = ""`, "ServerAddress = \"minio.example.com:9000\"\n      AccessKey = \"x\"\n      SecretKey = \"y\""},
		{"another S3 server without region", "ServerAddress = \"\"\n      BucketName = \"my-super-duper-gitlab-runner-cache\"\n      BucketLocation = \"eu-central-1\"", "ServerAddress = \"minio.example.com:9000\"\n      BucketName = \"cache\""},
		{"another S3 server's role", `ServerAddress = ""`, "ServerAddress = \"minio.example.com\"\n      RoleARN = \"arn:minio:iam:::role/x\""},
		{"iam", "[runners.cache.s3]\n", "[runners.cache.s3]\n      AuthenticationType = \"IAM\"\n"},
		{"a role", "[runners.cache.s3]\n", "[runners.cache.s3]\n      RoleARN = \"arn:aws-cn:iam::123456789012:role/ci/cache\"\n"},
		{"both keys of a role", "[runners.cache.s3]\n", "[runners.cache.s3]\n      RoleARN = \"arn:aws:iam::123456789012:role/a\"\n      UploadRoleARN = \"arn:aws:iam::123456789012:role/a\"\n"},
		{"encryption", "[runners.cache.s3]\n", "[runners.cache.s3]\n      ServerSideEncryption = \"aws:kms\"\n      ServerSideEncryptionKeyID = \"alias/x\"\n"},
		{"keys that are none of ours", "[runners.kubernetes]\n", "[runners.kubernetes]\n    pull_policy = \"always\"\n    node_selector_overwrite_allowed = \".*\"\n    poll_timeout = 600\n    helper_image = \"x\"\n    services_security_context = {}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.Replace(long, tt.old, tt.new, 1)
			if in == long {
				t.Fatal("nothing was changed")
			}
			for _, f := range only(t, in).Findings() {
				if f.Status != report.OK {
					t.Errorf("%s %s: %s", f.Status, f.ID, f.Cause)
				}
			}
		})
	}
}

func TestARunnerWithoutCacheIsNoFailure(t *testing.T) {
	want := []string{"ok runner-keys line 1", "note runner-service-account line 1", "ok runner-overwrite line 1", "ok runner-environment line 1", "note runner-cache line 1"}
	if diff := cmp.Diff(want, summary(only(t, "[[runners]]\n").Findings())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnErrorIsAFinding(t *testing.T) {
	_, syntax := runner.Read(file, []byte("[[runners]]\nx"))
	_, none := read(t, "").Pick("")
	two := read(t, "[[runners]]\nname='a-b'\n[[runners]]\n")
	_, many := two.Pick("")
	_, slip := two.Pick("a-c-b")
	_, other := two.Pick("windows")
	tests := []struct {
		name  string
		err   error
		cause string
		fix   string
		where report.Place
	}{
		{"syntax", fmt.Errorf("doctor: %w", syntax), `the runner's configuration "etc/config.toml" is broken at line 2, column 1: the key is not followed by an equals sign`, "correct that line", place(2, 1)},
		{"no runner", none, `the runner's configuration "etc/config.toml" has no [[runners]] section`, "config.template.toml", report.Place{File: file}},
		{"many", many, `the runner's configuration "etc/config.toml" has several runners, and none was named: "a-b" (line 1), "" (line 3)`, "give the name", report.Place{File: file}},
		{"a slip", slip, `the runner's configuration "etc/config.toml" has not one runner "a-c-b", but these: "a-b" (line 1), "" (line 3)`, "another runner's file", report.Place{File: file}},
		{"another", other, `the runner's configuration "etc/config.toml" has not one runner "windows", but these: "a-b" (line 1), "" (line 3)`, "another runner's file", report.Place{File: file}},
		{"denied", &fs.PathError{Op: "open", Path: file, Err: os.ErrPermission}, `the runner's configuration "etc/config.toml" cannot be read: permission denied`, "/home/gitlab-runner/.gitlab-runner/config.toml", report.Place{File: file}},
		{"anything else", errors.New("50 MB"), `the runner's configuration "etc/config.toml" cannot be read: 50 MB`, "the path is wrong", report.Place{File: file}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := runner.ErrorFinding(file, tt.err)
			want := report.Finding{ID: "runner-config", Status: report.Fail, Title: catalogue.Title("runner-config"), Cause: tt.cause, Where: []report.Place{tt.where}, Doc: catalogue.Doc("runner-config")}
			if !strings.Contains(f.Fix(), tt.fix) {
				t.Errorf("the fix has no %q:\n%s", tt.fix, f.Fix())
			}
			f.Hints = nil
			if diff := cmp.Diff(want, f); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryCaseOfTheRunnerHasItsRow(t *testing.T) {
	rows := map[string]bool{
		"cache-none": true, // TestARunnerWithoutCacheIsNoFailure
		// TestAnErrorIsAFinding
		"config-unreadable": true, "config-syntax": true, "config-no-runner": true, "config-many-runners": true, "config-no-such-runner": true,
	}
	for _, tt := range broken {
		rows[tt.id] = true
	}
	for _, c := range catalogue.All() {
		if strings.HasPrefix(c.Check, "runner-") && !rows[c.ID] {
			t.Errorf("%s has no row", c.ID)
		}
	}
}

// TestAMisspeltKeyFailsWhereItDecidesWhatJobsGet: the slip comes before what it
// leads to, and warns only where the setting stands elsewhere too.
func TestAMisspeltKeyFailsWhereItDecidesWhatJobsGet(t *testing.T) {
	const account = `    service_account = "gitlab-jobs"` + "\n"
	tests := []struct{ name, old, new, want string }{
		{"the service account", account, `    service_acount = "gitlab-jobs"` + "\n", "fail runner-keys line 5"},
		{"the service account twice", account, account + `    service_acount = "gitlab-jobs"` + "\n", "warn runner-keys line 6"},
		{"the service account, empty where it belongs", account, "    service_account = \"\"\n    service_acount = \"gitlab-jobs\"\n", "fail runner-keys line 6"},
		{"the namespace", "namespace =", "name_space =", "fail runner-keys line 3"},
		{"the bucket", "BucketName", "BuketName", "fail runner-keys line 14"},
		{"the region", "BucketLocation", "BucketLocaton", "fail runner-keys line 15"},
		{"the type", "Type =", "Tpye =", "fail runner-keys line 9"},
		{"who may overwrite", "service_account_overwrite_allowed", "service_account_overwrite_allowd", "warn runner-keys line 6"},
		{"the path", "Path =", "Pth =", "warn runner-keys line 10"},
	}
	long := testdata(t, "long.toml")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := summary(only(t, strings.Replace(long, tt.old, tt.new, 1)).Findings())[0]; got != tt.want {
				t.Errorf("first is %s, want %s", got, tt.want)
			}
		})
	}
	above := strings.Replace(strings.Replace(long, account, "", 1), "[[runners]]\n", "[[runners]]\n  service_account = \"gitlab-jobs\"\n", 1)
	if got := summary(only(t, above).Findings())[0]; got != "fail runner-keys line 2" {
		t.Errorf("one section too high: first is %s", got)
	}
}
