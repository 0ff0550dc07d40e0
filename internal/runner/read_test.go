package runner_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

const file = "etc/config.toml"

func place(line, column int) report.Place {
	return report.Place{File: file, Line: line, Column: column}
}

func read(t *testing.T, document string) runner.Config {
	t.Helper()
	c, err := runner.Read(file, []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func only(t *testing.T, document string) runner.Runner {
	t.Helper()
	r, err := read(t, document).Pick("")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadGivesEverySettingWithItsPlace(t *testing.T) {
	v := func(text string, line, column int) runner.Value {
		return runner.Value{Text: text, At: place(line, column)}
	}
	none := func(line, column int) runner.Value { return runner.Value{At: place(line, column)} }
	want := runner.Config{File: file, Runners: []runner.Runner{{
		At: place(9, 1), Name: v("gitlab-runner-5c8b7d9f4-x2k9q", 10, 10), URL: v("https://gitlab.example.com", 11, 9),
		Executor: v("kubernetes", 16, 14), Token: runner.Hidden{Set: true, At: place(13, 11)},
		Kubernetes: runner.Kubernetes{
			At: place(27, 3), Namespace: v("gitlab", 31, 17), NamespaceOverwriteAllowed: none(32, 35),
			ServiceAccount: none(27, 3), ServiceAccountOverwriteAllowed: none(33, 41), AutomountServiceAccountToken: none(27, 3),
			BearerToken: runner.Hidden{At: place(27, 3)},
			PodSecurityContext: runner.PodSecurityContext{
				At: place(36, 5), FSGroup: v("65533", 37, 18), RunAsUser: v("1000", 38, 21), RunAsGroup: none(36, 5),
			},
		},
		Cache: runner.Cache{
			At: place(17, 3), Type: v("s3", 18, 12), Path: v("runners-all", 19, 12), Shared: v("true", 20, 14), MaxUploadedArchiveSize: v("0", 21, 30),
			S3: runner.S3{
				At: place(22, 5), ServerAddress: none(23, 23), BucketName: v("my-super-duper-gitlab-runner-cache", 24, 20),
				BucketLocation: v("eu-central-1", 25, 24), Insecure: v("false", 26, 18),
				AccessKey: runner.Hidden{At: place(22, 5)}, SecretKey: runner.Hidden{At: place(22, 5)}, SessionToken: runner.Hidden{At: place(22, 5)},
				AuthenticationType: none(22, 5), ServerSideEncryption: none(22, 5), ServerSideEncryptionKeyID: none(22, 5), DualStack: none(22, 5),
				PathStyle: none(22, 5), Accelerate: none(22, 5), RoleARN: none(22, 5), UploadRoleARN: none(22, 5),
				AssumeRoleMaxConcurrency: none(22, 5), DisableAssumeRoleCredentialsCaching: none(22, 5),
			},
		},
	}}}
	if diff := cmp.Diff(want, read(t, testdata(t, "short.toml"))); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

func TestReadTakesEveryFormOfTOML(t *testing.T) {
	tests := []struct {
		name, in string
		want     runner.Value // of service_account
	}{
		{"a section", "[[runners]]\n[runners.kubernetes]\nservice_account = \"a\"", runner.Value{Text: "a", At: place(3, 19)}},
		{"dotted keys", "[[runners]]\nkubernetes.service_account = \"a\"", runner.Value{Text: "a", At: place(2, 30)}},
		{"quoted keys", "[[\"runners\"]]\n[runners.'kubernetes']\n\"service_account\" = \"a\"", runner.Value{Text: "a", At: place(3, 21)}},
		{"an inline table", "[[runners]]\nkubernetes = {image = \"i\", service_account = \"a\"}", runner.Value{Text: "a", At: place(2, 46)}},
		{"a list of inline tables", "runners = [{kubernetes = {service_account = \"a\"}}]", runner.Value{Text: "a", At: place(1, 45)}},
		{"single quotes", "[[runners]]\n[runners.kubernetes]\nservice_account = 'a\\b'", runner.Value{Text: `a\b`, At: place(3, 19)}},
		{"three quotes", "[[runners]]\n[runners.kubernetes]\nservice_account = \"\"\"\na\"\"\"", runner.Value{Text: "a", At: place(3, 19)}},
		{"three single quotes", "[[runners]]\n[runners.kubernetes]\nservice_account = '''a'''", runner.Value{Text: "a", At: place(3, 19)}},
		{"escapes", "[[runners]]\n[runners.kubernetes]\nservice_account = \"\\u0061\\t\"", runner.Value{Text: "a\t", At: place(3, 19)}},
		{"a byte order mark", "\uFEFF[[runners]]\n[runners.kubernetes]\nservice_account = \"a\"", runner.Value{Text: "a", At: place(3, 19)}},
		{"carriage returns", "[[runners]]\r\n[runners.kubernetes]\r\nservice_account = \"a\"\r\n", runner.Value{Text: "a", At: place(3, 19)}},
		{"tabs, each one column", "[[runners]]\n\t[runners.kubernetes]\n\t\tservice_account\t=\t\"a\"", runner.Value{Text: "a", At: place(3, 21)}},
		{"columns are characters", "[[runners]]\nkubernetes = {image = \"日本\", service_account = \"a\"}", runner.Value{Text: "a", At: place(2, 47)}},
		{"comments", "# x\n[[runners]] # y\n[runners.kubernetes] # z\nservice_account = \"a\" # \"b\"", runner.Value{Text: "a", At: place(4, 19)}},
		{"another letter case", "[[runners]]\n[runners.kubernetes]\nService_Account = \"a\"", runner.Value{Text: "a", At: place(3, 19)}},
		{"the exact letter case first", "[[runners]]\n[runners.kubernetes]\nSERVICE_ACCOUNT = \"b\"\nservice_account = \"a\"", runner.Value{Text: "a", At: place(4, 19)}},
		{"a section in two parts", "[[runners]]\n[runners.kubernetes.volumes]\n[runners.kubernetes]\nservice_account = \"a\"", runner.Value{Text: "a", At: place(4, 19)}},
		{"unset, with the section's place", "[[runners]]\n [ runners . kubernetes ]\n", runner.Value{At: place(2, 2)}},
		{"no section, with the runner's place", "\n[[runners]]\n", runner.Value{At: place(2, 1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, only(t, tt.in).Kubernetes.ServiceAccount); diff != "" {
				t.Errorf("service_account (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASectionBelongsToTheRunnerAboveIt(t *testing.T) {
	c := read(t, "[[runners]]\nname='a'\n[runners.kubernetes]\nservice_account='x'\n[[runners]]\nname='b'\n[runners.kubernetes]\nservice_account='y'\n[runners.cache.s3]\nBucketName='z'\n")
	var got []string
	for _, r := range c.Runners {
		got = append(got, r.Name.Text+" "+r.Kubernetes.ServiceAccount.Text+" "+r.Cache.S3.BucketName.Text)
	}
	if diff := cmp.Diff([]string{"a x ", "b y z"}, got); diff != "" {
		t.Error(diff)
	}
}

const planted = "glrt-planted0planted0planted"

func TestABrokenFileIsNamedByItsPlaceAlone(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"no quotes", "[[runners]]\ntoken = " + planted, "line 2, column 9: the value is neither a text in quotes nor a number, true or false"},
		{"one quote", "[[runners]]\ntoken = \"" + planted + "\nx = 1", "line 2, column 38: the text is not closed by its quote before the line ends"},
		{"one quote at the end", "[[runners]]\ntoken = \"" + planted, "line 2, column 37: the text is not closed by its quote"},
		{"no equals sign", "[[runners]]\ntoken " + planted, "line 2, column 7: the key is not followed by an equals sign"},
		{"a second value", "[[runners]]\ntoken = \"\" " + planted, "line 2, column 12: something follows the value on its line"},
		{"a bracket is missing", "[[runners]\ntoken = \"" + planted + "\"", "line 1, column 10: the name of the section is not closed by its brackets"},
		{"a list is not closed", "[[runners]]\ntags = [\"" + planted + "\"", "line 2, column 38: the list or table is not closed"},
		{"YAML", "runners:\n- token: " + planted, "line 1, column 8: the key is not followed by an equals sign"},
		{"a key twice", "[[runners]]\ntoken = \"x\"\ntoken = \"" + planted + "\"", "line 3, column 1: the same key or section stands in line 2 already"},
		{"a key twice in one line", "[[runners]]\nkubernetes = {bearer_token = \"x\", bearer_token = \"" + planted + "\"}", "line 2, column 35: the same key or section stands in line 2 already"},
		{"a section twice", "[[runners]]\n[runners.cache]\n[runners.cache]\n", "line 3, column 1: the same key or section stands in line 2 already"},
		{"a section of a value", "[[runners]]\ncache = \"" + planted + "\"\n[runners.cache]\n", "line 3, column 1: the same key or section stands in line 2 already"},
		{"a section under a value", "[[runners]]\ncache = \"x\"\n[runners.cache.s3]\n", "line 3, column 1: the same key or section stands in line 2 already"},
		{"an inline table goes on", "[[runners]]\ncache = {}\ncache.Type = \"s3\"\n", "line 3, column 1: the same key or section stands in line 2 already"},
		{"[runners]", "[runners]\ntoken = \"" + planted + "\"", "line 1, column 1: runners is no list of sections: a runner starts with [[runners]], in two brackets"},
		{"no [[runners]] above", "[runners.kubernetes]\nprivileged = true", "line 1, column 1: runners is no list of sections: a runner starts with [[runners]], in two brackets"},
		{"a number for a text", "[[runners]]\n[runners.kubernetes]\nservice_account = 5", "line 3, column 19: service_account is not a text in quotes"},
		{"a text for a switch", "[[runners]]\n[runners.cache]\nShared = \"true\"", "line 3, column 10: Shared is not true or false"},
		{"a text for a number", "[[runners]]\n[runners.kubernetes.pod_security_context]\nfs_group = \"1\"", "line 3, column 12: fs_group is not a whole number"},
		{"a list for a section", "[[runners]]\n[[runners.cache]]\n", "line 2, column 1: cache is not a section"},
		{"a text for a list", "[[runners]]\nenvironment = \"" + planted + "\"", "line 2, column 15: environment is not a list of texts in quotes"},
		{"a section for a list", "[[runners]]\n[runners.environment]\n", "line 2, column 1: environment is not a list of texts in quotes"},
		{"sections for a list", "[[runners]]\n[[runners.environment]]\n", "line 2, column 1: environment is not a list of texts in quotes"},
		{"a number in a list of texts", "[[runners]]\nenvironment = [\"A=" + planted + "\",\n 1]", "line 3, column 2: an entry of environment is not a text in quotes"},
		{"a section in a list of texts", "[[runners]]\nenvironment = [{}]", "line 2, column 16: an entry of environment is not a text in quotes"},
		{"not UTF-8", "[[runners]]\nname = \"\xff\"", "line 2, column 9: a character is not UTF-8"},
		{"UTF-16", "\xff\xfe[\x00", "line 1, column 1: the text is UTF-16, not UTF-8"},
		{"a NUL byte", "[[runners]]\n\x00", "line 2, column 1: no key can start so"},
		{"10001 lists", "[[runners]]\nx = " + strings.Repeat("[", 10001), "line 2, column 10005: lists and tables are nested too deeply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := runner.Read(file, []byte(tt.in))
			if _, ok := errors.AsType[*runner.SyntaxError](err); !ok {
				t.Fatalf("Read = %v, want a SyntaxError", err)
			}
			if got, want := err.Error(), `reading "etc/config.toml": `+tt.want; got != want {
				t.Errorf("Read:\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestAnEmptyFileHasNoRunner(t *testing.T) {
	for _, in := range []string{"", "\n", "\uFEFF", "concurrent = 10\n[session_server]\nsession_timeout = 1800\n", "runners = []"} {
		c, err := runner.Read(file, []byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.Pick(""); err == nil || err.Error() != `"etc/config.toml" has no [[runners]] section` {
			t.Errorf("Pick of %q: %v", in, err)
		}
	}
}

func TestOlderSpellingsAreRead(t *testing.T) {
	r := only(t, `[[runners]]
  [runners.cache]
    Type = "s3"
    ServerAddress = "s3.amazonaws.com"
    AccessKey = "AKIAPLANTEDPLANTED00"
    SecretKey = "`+planted+`"
    BucketName = "old"
    BucketLocation = "eu-west-1"
    Insecure = false
    [runners.cache.s3]
      BucketName = "new"
      UploadRoleARN = "arn:aws:iam::123456789012:role/upload"
`)
	s := r.Cache.S3
	got := []any{s.ServerAddress.Text, s.AccessKey, s.SecretKey, s.BucketName, s.BucketLocation.Text, s.Insecure.Text, s.Role().Text, len(r.Cache.Flat), r.Cache.Flat[3]}
	want := []any{
		"s3.amazonaws.com",
		runner.Hidden{Set: true, At: place(5, 17)},
		runner.Hidden{Set: true, At: place(6, 17)},
		runner.Value{Text: "new", At: place(11, 20)},
		"eu-west-1", "false", "arn:aws:iam::123456789012:role/upload", 6,
		runner.Value{Text: "BucketName", At: place(7, 5)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOfTheEnvironmentOnlyNamesAreKept(t *testing.T) {
	got := only(t, `[[runners]]
  environment = ["A=b=c", 'B=', "no equals sign", """
C=d""",
    "A=e"]
`).Environment
	want := []runner.Variable{
		{Name: "A", Set: true, At: place(2, 18)},
		{Name: "B", At: place(2, 27)},
		{Name: "C", Set: true, At: place(2, 51)},
		{Name: "A", Set: true, At: place(4, 5)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSecretsAreInNothingThatTheFileGives(t *testing.T) {
	document := `[[runners]]
name = "a"
url = "https://user:` + planted + `@gitlab.example.com/"
token = "` + planted + `"
environment = ["X=` + planted + `", "AWS_ROLE_ARN=` + planted + `", "AWS_ACCESS_KEY_ID=` + planted + `", "AWS_SECRET_ACCESS_KEY=` + planted + `", "AWS_PROFILE=` + planted + `", "` + planted + `"]
[runners.kubernetes]
bearer_token = "` + planted + `"
[runners.cache]
Type = "s3"
AccessKey = "` + planted + `"
SecretKey = "` + planted + `"
[runners.cache.s3]
AccessKey = "` + planted + `"
SecretKey = "` + planted + `"
SessionToken = "` + planted + `"
AuthenticationType = "access-key"
`
	c := read(t, document)
	r := c.Runners[0]
	asJSON, err := json.Marshal([]any{c, r.Findings()})
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%+v %#v %s", c, r.Findings(), asJSON); strings.Contains(all, planted) {
		t.Errorf("the secret shows in %s", all)
	}
	if got := r.URL.Text; got != "https://gitlab.example.com/" {
		t.Errorf("url = %s", got)
	}
	// Whatever the break, and wherever: the error does not show it either.
	for i := range len(document) {
		for _, in := range []string{document[:i], document[:i] + "\n=" + document[i:], document[:i] + "\"" + document[i:], document[:i] + document[i+1:]} {
			if _, err := runner.Read(file, []byte(in)); err != nil && strings.Contains(err.Error(), "planted") {
				t.Fatalf("the secret shows in %v", err)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"short.toml", "long.toml"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{"", "runners = [{}]", "[[runners]]\ncache.s3.BucketName = '''x'''", "[[runners]]\n[[runners.cache.s3]]", "a.b.c=1\n[a]\nb.d=2", "[[runners]]\nenvironment = ['A=b', [1], {}]", "[[a]]\n[a.b]\n[[a]]\n[a.b]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		before := string(document)
		c, err := runner.Read(file, document)
		if string(document) != before {
			t.Fatal("Read changed its argument")
		}
		var broken *runner.SyntaxError
		if err != nil && !errors.As(err, &broken) {
			t.Fatalf("Read = %v, not a SyntaxError", err)
		}
		lines := strings.Count(before, "\n") + 1
		check := func(p report.Place) {
			if p != (report.Place{}) && (p.File != file || p.Line < 1 || p.Line > lines || p.Column < 1) {
				t.Fatalf("%v is no place of %q", p, before)
			}
		}
		if broken != nil {
			check(broken.At)
			runner.ErrorFinding(file, err)
		}
		for _, r := range c.Runners {
			for _, finding := range r.Findings() {
				for _, p := range finding.Where {
					check(p)
				}
			}
		}
	})
}
