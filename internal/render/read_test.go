package render_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/render"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const needed = "account: '123456789012'\nissuer: https://oidc.eks.eu-central-1.amazonaws.com/id/AB\n"

func TestErrorsOfAFileHaveTheirPlace(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a key that is near another", "acount: 1\n", `f.yaml:1:1: unknown key "acount": did you mean "account"?`},
		{"a key that is near none", needed + "zzzz: 1\n", `f.yaml:3:1: unknown key "zzzz": want one of account, partition, region, issuer, audience, create-provider, namespace, runner, jobs, cache, fleets, gitlab-url, chart-version, component, image`},
		{"a key within another", "cache: {buket: x}\n", `f.yaml:1:9: unknown key "buket": did you mean "bucket"?`},
		{"a key of a job", "jobs:\n  - {rolle: x}\n", `f.yaml:2:6: unknown key "rolle": did you mean "role"?`},
		{"a key of a statement", "jobs: [{service-account: a, statements: [{action: [x]}]}]\n", `f.yaml:1:43: unknown key "action": did you mean "actions"?`},
		{"a key that stands there twice", "account: 1\nregion: x\naccount: 2\n", `f.yaml:3:1: "account" stands there twice: in line 1 too`},
		{"a key twice within another", "cache:\n  path: a\n  path: b\n", `f.yaml:3:3: "path" stands there twice: in line 2 too`},
		{"a control character in a key", `"a\u001b[2J": 1`, `f.yaml:1:1: unknown key "a\\x1b[2J": want one of account, partition, region, issuer, audience, create-provider, namespace, runner, jobs, cache, fleets, gitlab-url, chart-version, component, image`},
		{"a list for a text", "account: [1]\n", "f.yaml:1:10: it is not one value"},
		{"a text for a list", "fleets: x\n", "f.yaml:1:9: it is not a list"},
		{"a text for keys", "cache: x\n", "f.yaml:1:8: cache holds keys of its own"},
		{"a text for a job", "jobs: [x]\n", "f.yaml:1:8: it is not a list of keys and values"},
		{"nothing for a text", "account:\n", "f.yaml:1:9: it is empty: leave the key out, or give it a value"},
		{"an alias", "account: &a '1'\nregion: *a\n", "f.yaml:1:10: anchors and aliases are not read: write the value out\nreading f.yaml:2:9: anchors and aliases are not read: write the value out"},
		{"a merge key", "cache:\n  <<: {bucket: x}\n", "f.yaml:2:3: it is no plain key"},
		{"a tag", "account: !!binary MTIz\n", "f.yaml:1:10: tags are not read: write the plain value"},
		{"a second document", "account: '1'\n---\nregion: x\n", "f.yaml:2:1: it has a second document, and one is read"},
		{"a list", "- a\n", "f.yaml:1:1: it is not a list of keys and values"},
		{"a tab, and no line of the file", "cache:\n\tbucket: hunter2\n", "f.yaml:2:1: it is not YAML: look at this line and the one above it"},
		{"an open quote, and no line of the file", "account: 'hunter2\n", "f.yaml:2:1: it is not YAML: look at this line and the one above it"},
		{"no UTF-8", "account: x\nregion: \xff\n", "f.yaml:2: it is not UTF-8"},
		{"a comma in a tag", "fleets: [['a,b'], [c]]\n", `f.yaml:1:11: the tag "a,b" has a comma, a quote or a backslash`},
		{"a dollar in a tag", "fleets: [[$X], [c]]\n", `f.yaml:1:11: the fleet "$X" has the tag "$X": GitLab expands what follows a $ in a tag`},
		{"too many items", "jobs: [" + strings.Repeat("{},", 501) + "]\n", "f.yaml:1:7: it has more than 500 items"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := render.Read("f.yaml", []byte(tt.in))
			if got := fmt.Sprint(err); got != "reading "+tt.want {
				t.Errorf("%s\nwant reading %s", got, tt.want)
			}
		})
	}
}

func TestValuesAreJudgedByTheRulesOfTheirService(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"an account", "account: 12345678901\nissuer: https://x.example\nregion: eu-central-1\n", `f.yaml:1:10: "12345678901" is not an account id: want 12 digits`},
		{"an issuer on http", "account: '123456789012'\nissuer: http://x.example\n", `f.yaml:2:9: "http://x.example" is not the URL of an issuer: want https://, a host without a port, a path without a slash at its end`},
		{"an issuer with a slash at its end", "account: '123456789012'\nissuer: https://x.example/\n", `f.yaml:2:9: "https://x.example/" is not the URL of an issuer: want https://, a host without a port, a path without a slash at its end`},
		{"an issuer with a port", "account: '123456789012'\nissuer: https://x.example:8443\n", `f.yaml:2:9: "https://x.example:8443" is not the URL of an issuer: want https://, a host without a port, a path without a slash at its end`},
		{"a partition of nobody", needed + "partition: aws-moon\n", `f.yaml:3:12: "aws-moon" is none of AWS's partitions`},
		{"the partition of another region", needed + "partition: aws-cn\n", `f.yaml:3:12: "aws-cn" is not the partition of region eu-central-1, which is aws`},
		{"a namespace", needed + "namespace: GitLab\n", `f.yaml:3:12: "GitLab" is not the name of a namespace: want lower-case letters, digits and dashes, up to 63`},
		{"a service account", needed + "runner: {service-account: a_b}\n", `f.yaml:3:27: "a_b" is not the name of a service account: want lower-case letters, digits, dashes and dots, no dash or dot at an end`},
		{"a role with a path", needed + "runner: {role: teams/ci}\n", `f.yaml:3:16: "teams/ci" is not the name of a role: want letters, digits and _+=,.@-, up to 64, no path`},
		{"a default role that is too long", needed + "runner: {service-account: " + strings.Repeat("a", 60) + "}\n", `runner.role: "k8s-irsa-` + strings.Repeat("a", 60) + `" is not the name of a role: want letters, digits and _+=,.@-, up to 64, no path`},
		{"a bucket in capitals", needed + "cache: {bucket: Cache}\n", `f.yaml:3:17: "Cache" is not the name of a bucket: want 3 to 63 lower-case letters, digits, dashes and dots`},
		{"a bucket like an address", needed + "cache: {bucket: 192.168.5.4}\n", `f.yaml:3:17: "192.168.5.4" is not the name of a bucket: no two dots in a row, no IP address`},
		{"a bucket that AWS keeps", needed + "cache: {bucket: x--ol-s3}\n", `f.yaml:3:17: "x--ol-s3" is not the name of a bucket: AWS keeps names that end in --ol-s3`},
		{"a path that Helm would run", needed + "cache: {bucket: abc, path: '{{ x }}'}\n", `f.yaml:3:28: "{{ x }}" is not a prefix for keys: want letters, digits and !_.-, with single slashes between`},
		{"a path that is resolved", needed + "cache: {bucket: abc, path: a/../b}\n", `f.yaml:3:28: "a/../b" has the part .., which the runner would resolve`},
		{"an alias for a KMS key", needed + "cache: {bucket: abc, kms-key: alias/x}\n", `f.yaml:3:31: "alias/x" is not the ARN of a KMS key: want arn:aws:kms:REGION:ACCOUNT:key/ID, no alias`},
		{"a KMS key of another region", needed + "cache: {bucket: abc, kms-key: 'arn:aws:kms:us-east-1:123456789012:key/1'}\n", `f.yaml:3:31: the key "arn:aws:kms:us-east-1:123456789012:key/1" is not in the bucket's region, eu-central-1`},
		{"a cache's key without a bucket", needed + "cache: {path: x}\n", "f.yaml:3:15: cache.path needs cache.bucket"},
		{"days", needed + "cache: {bucket: abc, expire-days: 0}\n", `f.yaml:3:35: "0" is not a number of days: want 1 to 36500`},
		{"yes for true", needed + "create-provider: yes\n", `f.yaml:3:18: "yes" is not one of the choices: want true or false`},
		{"a policy of another partition", needed + "jobs: [{service-account: a, policy-arns: ['arn:aws-cn:iam::aws:policy/x']}]\n", `f.yaml:3:43: "arn:aws-cn:iam::aws:policy/x" is not of the partition aws`},
		{"an action without a service", needed + "jobs: [{service-account: a, statements: [{actions: [Get], resources: ['*']}]}]\n", `f.yaml:3:53: "Get" is not an action: want one such as s3:GetObject`},
		{"a statement without resources", needed + "jobs: [{service-account: a, statements: [{actions: ['s3:*']}]}]\n", "f.yaml:3:42: the statement needs actions and resources"},
		{"a job without an account", needed + "jobs: [{role: a}]\n", "f.yaml:3:8: the job has no service-account"},
		{"the runner's account for jobs", needed + "jobs: [{service-account: gitlab-runner, role: x}]\n", `f.yaml:3:26: the service account "gitlab-runner" is that of runner.service-account already: each needs one of its own`},
		{"a role for two", needed + "jobs: [{service-account: a, role: X}, {service-account: b, role: x}]\n", `f.yaml:3:66: the role "x" is that of jobs[0] already: each needs one of its own`},
		{"one fleet", needed + "fleets: [[a]]\n", "f.yaml:3:10: one fleet is no test: want two or more"},
		{"a fleet twice", needed + "fleets: [[a, b], [b, a]]\n", `f.yaml:3:10: the fleet "b,a" stands there twice`},
		{"an image with a blank", needed + "image: a b\n", `f.yaml:3:8: "a b" is not the name of an image: want one such as registry.example.com/tools/aws:1`},
		{"an escape sequence", needed + `namespace: "\e[2J"` + "\n", `f.yaml:3:12: "\\x1b[2J" is not the name of a namespace: want lower-case letters, digits and dashes, up to 63`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := render.Read("f.yaml", []byte(tt.in))
			if err == nil {
				_, err = d.Complete()
			}
			if got := fmt.Sprint(err); got != "reading "+tt.want {
				t.Errorf("%s\nwant reading %s", got, tt.want)
			}
		})
	}
}

func TestTheShortestDescriptionNeedsAccountAndIssuer(t *testing.T) {
	d := complete(t, needed)
	got := []string{d.Region.Text, d.Partition.Text, d.Audience.Text, d.Namespace.Text, d.Runner.ServiceAccount.Text, d.Runner.Role.Text, d.Cache.Bucket.Text}
	want := []string{"eu-central-1", "aws", "sts.amazonaws.com", "gitlab", "gitlab-runner", "k8s-irsa-gitlab-runner", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for in, want := range map[string]string{
		"": "account is not given\nissuer is not given\nregion is not given",
		without(needed, "account: '123456789012'"):                      "account is not given",
		"account: '123456789012'\nissuer: https://gitlab.example.com\n": "region is not given",
	} {
		d, err := render.Read("f.yaml", []byte(in))
		if err == nil {
			_, err = d.Complete()
		}
		if fmt.Sprint(err) != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

// TestEachKeyIsAFlagToo gives the keys of the largest set-up by flags; jobs have no
// statements there.
func TestEachKeyIsAFlagToo(t *testing.T) {
	for _, setUp := range []string{"long", "short"} {
		file := complete(t, described(t, setUp))
		flags := map[string][]string{
			"account": {file.Account.Text}, "issuer": {file.Issuer.Text}, "cache.bucket": {file.Cache.Bucket.Text},
			"runner.service-account": {file.Runner.ServiceAccount.Text}, "runner.role": {file.Runner.Role.Text}, "runner.made-by": {file.Runner.MadeBy.Text},
		}
		if setUp == "long" {
			flags["cache.path"] = []string{"runners-all"}
			flags["jobs"] = []string{"gitlab-jobs=k8s-irsa-gitlab-jobs,arn:aws:iam::aws:policy/ReadOnlyAccess"}
			flags["fleets"] = []string{"fargate-small", "cluster,kubernetes"}
		}
		var d render.Description
		for _, k := range render.Keys() {
			var values []report.Value
			for _, text := range flags[k.Name] {
				values = append(values, flagged(text)...)
			}
			if len(values) > 0 {
				if err := d.Set(k, values); err != nil {
					t.Fatal(err)
				}
			}
		}
		d, err := d.Complete()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(byPath(render.Files(file, "x")), byPath(render.Files(d, "x"))); diff != "" {
			t.Errorf("%s (-file +flags):\n%s", setUp, diff)
		}
	}
}

func TestAFlagOutranksTheFileAndIsNamed(t *testing.T) {
	d, err := render.Read("f.yaml", []byte(needed))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range render.Keys() {
		if k.Name == "account" {
			if err := d.Set(k, []report.Value{{Text: "1", From: "--account"}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err = d.Complete()
	if got, want := fmt.Sprint(err), `reading --account: "1" is not an account id: want 12 digits`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTheCommentedFileCanBeUsedAsItIs(t *testing.T) {
	d := complete(t, render.Commented(render.Description{}))
	if d.Account.Text != "123456789012" || d.Runner.ServiceAccount.Text != "gitlab-runner-common" {
		t.Errorf("%+v", d)
	}
}

// TestEachExampleOfTheCommentedFileIsValid takes every comment mark away that
// stands before a key.
func TestEachExampleOfTheCommentedFileIsValid(t *testing.T) {
	key := regexp.MustCompile(`^( *)# ( *(- )?[a-z][a-z-]*:( .*)?|    #.*)$`)
	var lines []string
	for line := range strings.SplitSeq(render.Commented(render.Description{}), "\n") {
		if m := key.FindStringSubmatch(line); m != nil && !strings.HasPrefix(line, "# yaml-language-server:") {
			line = m[1] + m[2]
		}
		lines = append(lines, line)
	}
	d := complete(t, strings.Join(lines, "\n"))
	if len(d.Jobs) != 1 || len(d.Fleets) != 2 || !d.Cache.KMSKey.Known() || !d.Image.Known() {
		t.Errorf("%+v", d)
	}
}

func TestTheCommentedFileHasWhatIsKnown(t *testing.T) {
	var d render.Description
	d.Fill("account", flagged("210987654321")[0])
	d.Fill("namespace", flagged("on")[0])
	d.Fill("namespace", flagged("later")[0])
	d.Fill("issuer", flagged("https://x.example\n{{")[0])
	text := render.Commented(d)
	for _, want := range []string{"\naccount: \"210987654321\"\n", "\nnamespace: \"on\"\n", "\nissuer: \"https://x.example\\u000a{{\"\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// TestTheSchemaKnowsEachKeyAndWhatTheyHold walks the schema by the keys' names and
// tries each example on its pattern.
func TestTheSchemaKnowsEachKeyAndWhatTheyHold(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal([]byte(render.Schema()), &root); err != nil {
		t.Fatal(err)
	}
	for _, k := range render.Keys() {
		at := node{root}
		for name := range strings.SplitSeq(k.Name, ".") {
			if at.at("additionalProperties") != false {
				t.Errorf("%s: other keys are allowed", k.Name)
			}
			at = node{at.at("properties", name)}
		}
		if about, _ := at.at("description").(string); !strings.HasPrefix(about, k.What) {
			t.Errorf("%s: %q", k.Name, about)
		}
		if pattern, ok := at.at("pattern").(string); ok && !regexp.MustCompile(pattern).MatchString(strings.Trim(k.Example, `"`)) {
			t.Errorf("%s: the example %s does not match %s", k.Name, k.Example, pattern)
		}
	}
	item := node{node{root}.at("properties", "jobs", "items")}
	for _, k := range render.JobKeys() {
		if item.at("properties", k.Name) == nil {
			t.Errorf("jobs have no %s", k.Name)
		}
	}
	if got := item.at("required"); !cmp.Equal(got, []any{"service-account"}) {
		t.Errorf("required %v", got)
	}
}

func TestPartsAreFilesAndFoldersThatMakeOneText(t *testing.T) {
	all := files(t, "")
	names := render.Parts(all)
	for _, name := range names {
		if text, ok := render.Part(all, name); !ok || text == "" {
			t.Errorf("no part %s", name)
		}
	}
	for _, name := range []string{"iam", "terraform/", "", "nothing"} {
		if _, ok := render.Part(all, name); ok || slices.Contains(names, name) {
			t.Errorf("a part %q", name)
		}
	}
	text, _ := render.Part(all, "kubernetes")
	var kinds []string
	for _, doc := range documents(t, text) {
		kinds = append(kinds, doc.at("kind").(string))
	}
	if diff := cmp.Diff([]string{"Pod", "Pod", "Role", "RoleBinding", "ServiceAccount", "ServiceAccount"}, kinds); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzRead holds that a description is read in bounds or refused, with an error of
// one place a line and nothing in it that does not print; and that one which is
// complete renders to the same files twice, which can be read.
func FuzzRead(f *testing.F) {
	for _, setUp := range setUps {
		f.Add([]byte(described(f, setUp)))
	}
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"))
	f.Add([]byte("\ufeffaccount: '1'\r\n"))
	f.Add([]byte("account: 'x\n\tb: {\n"))
	place := regexp.MustCompile(`^(reading (f\.yaml(:[0-9]+){0,2}|jobs(\[[0-9]+\])?(\.role)?|[a-z.-]+): .+|[a-z.-]+ is not given)$`)
	f.Fuzz(func(t *testing.T, document []byte) {
		d, err := render.Read("f.yaml", document)
		if err == nil {
			d, err = d.Complete()
		}
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !place.MatchString(line) || report.Clean(line) != line && len(line) < report.MaxText {
					t.Errorf("%q", line)
				}
			}
			return
		}
		got := byPath(render.Files(d, "f.yaml"))
		if diff := cmp.Diff(got, byPath(render.Files(d, "f.yaml"))); diff != "" {
			t.Error(diff)
		}
		for name, text := range got {
			if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
				documents(t, text)
			}
			if report.CleanLines(text) != text && len(text) < report.MaxText {
				t.Errorf("%s: %q", name, text)
			}
		}
	})
}
