package templates_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// hostile are values that no input with a regex admits. What stands for INPUT is
// a value that the input does admit.
var hostile = []string{
	"INPUT\n", "INPUT\nscript: x", "INPUT\r", "INPUT\x00", `INPUT"`, `"INPUT`, "INPUT`id`", "INPUT$(id)", "$(touch x)", "`touch x`",
	`INPUT\`, "$INPUT(x)", "\n", "\"",
}

// references are how a value names a CI/CD variable.
var references = []string{"$NAME", "${NAME}", "$_n4me"}

// halves are what looks like the name of a variable and is none.
var halves = []string{"$", "$1", "${", "${}", "${NAME", "${1}", "$NAME$(id)", "${NAME}`id`", "${NAME:-x}", "$$(id)"}

// An inputCase says what the regex of an input admits and refuses.
type inputCase struct {
	name             string
	in               string // the template whose input it is, where templates differ
	accepts, refuses []string
	noVariable       bool // since GitLab does not expand one there
}

var inputCases = []inputCase{
	{
		name: "role-arn",
		accepts: []string{
			"", "arn:aws:iam::123456789012:role/deploy", "arn:aws-cn:iam::123456789012:role/a/b/deploy+x=y,z.@_-", "arn:aws:iam::$ACCOUNT:role/deploy",
			"arn:aws:iam::${ACCOUNT}:role/${CI_PROJECT_NAME}", "arn:minio:iam:eu-central-1::role/x",
		},
		refuses: []string{"x", "deploy", "arn:", "arn:aws:iam::123456789012:role/a b", "arn:aws:iam::123456789012:role/a'b", "arn:aws:iam::1:role/a;id", " arn:aws:iam::1:role/a"},
	},
	{
		name: "chain-role-arn",
		accepts: []string{
			"", "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/a,external-id=x-1", "$ROLE,external-id=${ID}",
			"arn:aws:iam::123456789012:role/a arn:aws:iam::210987654321:role/b,external-id=x $C",
		},
		refuses: []string{"x", "arn:aws:iam::1:role/a;id", "arn:aws:iam::1:role/a  arn:aws:iam::1:role/b", " ", "arn:aws:iam::1:role/a ", "arn:aws:iam::1:role/a b", "arn:aws:iam::1:role/'a'"},
	},
	{
		name:    "region",
		accepts: []string{"", "eu-central-1", "us-gov-west-1", "us-iso-east-1", "ap-southeast-10"},
		refuses: []string{"x", "EU-CENTRAL-1", "eu-central-1a", "eu central 1", "eu-central-1;id", "frankfurt"},
	},
	{
		name:    "allowed-accounts",
		accepts: []string{"", "123456789012", "123456789012,210987654321", "123456789012,$OTHER", "${A},${B}", "012345678901"},
		refuses: []string{"x", "12345678901", "1234567890123", "123456789012,", ",123456789012", "123456789012, 210987654321", "123456789012;210987654321", "*"},
	},
	{
		name: "source", in: "ci-aws",
		accepts: []string{"", "auto", "irsa", "pod-identity", "gitlab", "ambient"},
		refuses: []string{"x", "IRSA", "irsa gitlab", "env", "irsa;id"},
	},
	{
		name: "source", in: "component.yml",
		accepts: []string{"", "auto", "irsa", "pod-identity", "gitlab", "ambient"},
		refuses: []string{"x", "IRSA", "irsa gitlab", "env", "irsa;id"},
	},
	{
		name: "source", in: "whoami", // which asks for no ID token
		accepts: []string{"", "auto", "irsa", "pod-identity", "ambient"},
		refuses: []string{"x", "gitlab", "env", "irsa;id"},
	},
	{
		name: "source", in: "doctor",
		accepts: []string{"", "auto", "irsa", "pod-identity", "ambient"},
		refuses: []string{"x", "gitlab", "env", "irsa;id"},
	},
	{
		name: "audience",
		accepts: []string{
			"$CI_SERVER_URL", "https://gitlab.example.com", "https://gitlab.example.com:8443/sub", "sts.amazonaws.com", "aws", "urn:example:aws", "${HOST}/x",
			"1e3", "yes", "null", "0755", "~", "1_000", "-1", "=", "@x", "12:30:45", "0x1F", "2026-11-24", "true", ".5", "-", "a:",
		},
		refuses: []string{"", "a b", "a'b", "a;b", "*a", "&a", "!x", "#x", "a #x", "a: b", "- x", "[a]", "{a}", "|", ">"},
	},
	{
		name:    "duration",
		accepts: []string{"", "1h", "90m", "3600", "1h30m", "0755"},
		refuses: []string{"x", "1 h", "-1h", "1d", "1h;id", "h"},
	},
	{
		name:    "service-account",
		accepts: []string{"", "gitlab-jobs", "a", "ns.account", "$ACCOUNT", "gitlab-${CI_PROJECT_NAME}", "yes", "null", "1e3", "0755", "0x1f", "on"},
		refuses: []string{"gitlab/gitlab-jobs", "Jobs", "-a", ".a", "a b", "a;b", "a'", "*", "#x"},
	},
	{
		name:       "job-prefix",
		accepts:    []string{"ci-aws", "A1", "deploy_prod", "1e3", "yes", "null", "0755"},
		refuses:    []string{"", "-a", "_a", ".a", "a b", "a:b", "a/b", "a'b", "a;b", "#x", "*a"},
		noVariable: true,
	},
	{
		name:    "version",
		accepts: []string{"", "any"},
		refuses: []string{"x", "1.2.3", "any;id", "latest"},
	},
	{
		name:    "binary-project",
		accepts: []string{"", "ci-aws/ci-aws", "group/sub.group/my_project", "$CI_PROJECT_ROOT_NAMESPACE/ci-aws", "12", "1e3", "0755"},
		refuses: []string{"a b", "/a", "a/", "a//b", "a;b", "a'b", "https://x/y", "a%2Fb", "../a b", "#x"},
	},
	{
		name: "binary-url",
		accepts: []string{
			"", "https://mirror.example.com/ci-aws", "http://mirror:8080/a/b/", "$MIRROR/ci-aws", "https://${HOST}/x", "https://$USER:$WORD@host/x", "https://host/x?a=b&c=%20",
		},
		refuses: []string{"x", "ftp://host/x", "host/x", "https://host/a b", "https://host/a'b", "https://host/a;b", "https://host/a|b", "file:///etc"},
	},
	{
		name: "stage",
		accepts: []string{
			"test", ".pre", "build and push", "🚀", "a:b", "a #x", "#x", "a: b", "*a", "&a", "!x", "- x", "1e3", "yes", "null", "0755", "~", "[a]", "{a: b}", "|", ">", "%x", "@x", "?", "a,b", " x ",
		},
		refuses:    []string{"", "a'b", "$NAME"},
		noVariable: true,
	},
	{
		name: "image",
		accepts: []string{
			"alpine:3.22", "registry.example.com:5000/tools/with-ci-aws:1", "a@sha256:0123456789abcdef", "$CI_REGISTRY/ci-aws/ci-aws:1.2.3-busybox", "${CI_REGISTRY_IMAGE}/x:$TAG",
			"1e3", "yes", "null", "0755",
		},
		refuses: []string{"", "a b", "a'b", "a;b", "-a", "/a", "*a", "#x", "[a]"},
	},
	{
		name:    "expect-role",
		accepts: []string{"", "k8s-irsa-gitlab-jobs", "arn:aws:iam::123456789012:role/a/b", "arn:aws:iam::$ACCOUNT:role/x", "1e3", "yes", "null", "0755", "=x", "@x", "-"},
		refuses: []string{"a b", "a'b", "a;b", "*", "#x", "a*", "!x"},
	},
	{
		name:    "expect-account",
		accepts: []string{"", "123456789012", "012345678901"},
		refuses: []string{"x", "12345678901", "1234567890123", "123456789012,210987654321"},
	},
	{
		name: "refs-paths",
		accepts: []string{
			"", ".", "deploy", "./deploy/values.yaml .gitlab-ci.yml", "a/b-c_d+e=f,g@h:i", "$FOLDER/values.yaml ${OTHER}", "/etc/x ../y", "1e3 yes null", "0755", "a-- b-",
		},
		refuses: []string{" ", "a  b", " a", "a ", "a\tb", "-", "--closed", "a --closed", "a -", "a'b", "a;id", "a|b", "a&b", "a>b", "a*", "?", "[a]", "{a,b}", "~/a", "~", "(a)", "a#b", "!x"},
	},
	{
		// Tags hold spaces and apostrophes, and GitLab expands a variable in tags
		// where the child pipeline has none of that name.
		name:       "fleets",
		accepts:    []string{"fargate-small;cluster,kubernetes", "big runner; 🚀", "it's: #1; x", "a", "- x", "*a", "1e3", "yes", "null", "0755", "&a;!x", "#x"},
		refuses:    []string{"", "$A;b", "${A}", `a\;b`, "a\tb"},
		noVariable: true,
	},
	{
		name:    "size",
		accepts: []string{"1MiB", "64KiB", "4096", "1GiB"},
		refuses: []string{"", "0", "x", "1 MiB", "1MB", "1MiB;id", "010"},
	},
}

func TestTheRegexOfEveryInputAdmitsWhatItShouldAndNothingThatAShellRuns(t *testing.T) {
	of, templates := map[string]input{}, all(t)
	for _, template := range templates {
		maps.Copy(of, template.inputs)
	}
	var texts []string
	for key, in := range of {
		if in.Type == "" {
			texts = append(texts, key)
		}
	}
	var judged []string
	for _, tt := range inputCases {
		judged = append(judged, tt.name)
		t.Run(tt.in+" "+tt.name, func(t *testing.T) {
			in := of[tt.name]
			if tt.in != "" {
				in = templates[tt.in].inputs[tt.name]
			}
			pattern := regexp.MustCompile(in.Regex)
			some := tt.accepts[len(tt.accepts)-1]
			accepts, refuses := tt.accepts, slices.Concat(tt.refuses, halves)
			if tt.noVariable {
				refuses = append(refuses, references...)
			} else {
				accepts = append(accepts, references...)
			}
			for _, text := range hostile {
				refuses = append(refuses, strings.ReplaceAll(text, "INPUT", some))
			}
			for _, text := range accepts {
				if !pattern.MatchString(text) {
					t.Errorf("refuses %q", text)
				}
			}
			for _, text := range refuses {
				if pattern.MatchString(text) {
					t.Errorf("accepts %q", text)
				}
			}
		})
	}
	slices.Sort(texts)
	slices.Sort(judged)
	judged = slices.Compact(judged)
	if diff := cmp.Diff(texts, judged); diff != "" {
		t.Errorf("inputs with a regex, and those that have a case here (-want +got):\n%s", diff)
	}
}

// script is a script of several lines.
var script = regexp.MustCompile(`(\n    - (?:&[a-z]+ )?\|\n)(?:(?: {6}.*)?\n)+`)

// interpolate does as GitLab does, which puts values into the text before it
// reads it as YAML, lists as JSON.
func interpolate(t *testing.T, template template, given map[string]string) map[string]map[string]any {
	t.Helper()
	_, text, _ := strings.Cut(template.text, "\n---\n")
	text = script.ReplaceAllString(text, "${1}      x\n") // no input goes there, and it is long
	text = regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) ]]`).ReplaceAllStringFunc(text, func(use string) string {
		key := strings.TrimSuffix(strings.TrimPrefix(use, "$[[ inputs."), " ]]")
		if value, ok := given[key]; ok {
			return value
		}
		switch value := template.inputs[key].Default.(type) {
		case []any:
			list, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			return string(list)
		case nil:
			return ""
		default:
			return fmt.Sprint(value)
		}
	})
	var body map[string]map[string]any
	if err := yaml.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("%q makes no YAML: %v", given, err)
	}
	return body
}

// TestEveryValueStaysTheTextThatItIs puts each value that a regex admits where
// its input stands, and wants the very text back at each of these places.
func TestEveryValueStaysTheTextThatItIs(t *testing.T) {
	const mark = "MARKofTheInput"
	for file, template := range all(t) {
		for _, tt := range inputCases {
			if _, ok := template.inputs[tt.name]; !ok || tt.in != "" && tt.in != file {
				continue
			}
			want := interpolate(t, template, map[string]string{tt.name: mark})
			if !strings.Contains(fmt.Sprint(want), mark) {
				t.Errorf("%s: %s goes nowhere", file, tt.name)
			}
			values := tt.accepts
			if !tt.noVariable {
				values = append(values, references...)
			}
			for _, value := range values {
				want := replaced(want, mark, value)
				got := replaced(interpolate(t, template, map[string]string{tt.name: value}), mark, value)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s: %q (-want +got):\n%s", file, tt.name, value, diff)
				}
			}
		}
	}
}

// replaced is a tree of YAML with another text for each mark.
func replaced(tree any, mark, text string) any {
	switch tree := tree.(type) {
	case map[string]map[string]any:
		all := map[string]any{}
		for key, value := range tree {
			all[strings.ReplaceAll(key, mark, text)] = replaced(value, mark, text)
		}
		return all
	case map[string]any:
		all := map[string]any{}
		for key, value := range tree {
			all[strings.ReplaceAll(key, mark, text)] = replaced(value, mark, text)
		}
		return all
	case []any:
		var all []any
		for _, value := range tree {
			all = append(all, replaced(value, mark, text))
		}
		return all
	case string:
		return strings.ReplaceAll(tree, mark, text)
	}
	return tree
}

// TestTwoIncludesWithDifferentPrefixesShareNoName: GitLab merges jobs of one name.
func TestTwoIncludesWithDifferentPrefixesShareNoName(t *testing.T) {
	for file, template := range all(t) {
		seen := map[string]bool{}
		for _, prefix := range []string{"ci-aws", "deploy", "ci-aws2"} {
			body := interpolate(t, template, map[string]string{"job-prefix": prefix})
			if len(body) != len(template.body) {
				t.Errorf("%s: %d jobs with prefix %s, want %d", file, len(body), prefix, len(template.body))
			}
			for job, keys := range body {
				if seen[job] {
					t.Errorf("%s: %q is there of two includes", file, job)
				}
				seen[job] = true
				variables, _ := keys["variables"].(map[string]any)
				if extends := variables["CI_AWS_EXTENDS"]; strings.HasPrefix(job, ".") && extends != job {
					t.Errorf("%s: %s: CI_AWS_EXTENDS is %v", file, job, extends)
				}
			}
		}
	}
}

// TestAnEmptyInputTakesNothingAway: a variable of the job, as CI_AWS_REGION would
// be, outranks that of the top of the YAML even where it is empty.
func TestAnEmptyInputTakesNothingAway(t *testing.T) {
	for file, template := range all(t) {
		for job, keys := range template.body {
			variables, _ := keys["variables"].(map[string]any)
			for name := range variables {
				if strings.HasPrefix(name, "CI_AWS_") && !strings.HasPrefix(name, "CI_AWS_INPUT_") && name != "CI_AWS_EXTENDS" {
					t.Errorf("%s: %s sets %s, and what is at the top of the YAML is lost", file, job, name)
				}
			}
		}
	}
}

// TestTheVariablesOfTheHiddenJobs with every input given.
func TestTheVariablesOfTheHiddenJobs(t *testing.T) {
	given := map[string]string{
		"role-arn": "arn:aws:iam::123456789012:role/a", "chain-role-arn": "$CHAIN", "region": "eu-central-1", "allowed-accounts": "123456789012", "source": "irsa",
		"audience": "aws", "duration": "1h", "service-account": "gitlab-jobs", "job-prefix": "p", "version": "any", "binary-project": "a/b", "binary-url": "https://h/x",
	}
	settings := func(name string, more map[string]any) map[string]any {
		all := map[string]any{"CI_AWS_EXTENDS": name}
		for setting, value := range map[string]string{
			"ROLE_ARN": given["role-arn"], "CHAIN_ROLE_ARN": "$CHAIN", "REGION": "eu-central-1", "ALLOWED_ACCOUNT": "123456789012", "DURATION": "1h",
			"WANT_VERSION": "any", "BINARY_PROJECT": "a/b", "BINARY_URL": "https://h/x",
		} {
			all["CI_AWS_INPUT_"+setting] = value
		}
		maps.Copy(all, more)
		return all
	}
	gitlab := map[string]any{"CI_AWS_INPUT_SOURCE": "gitlab"}
	pod := map[string]any{
		"CI_AWS_INPUT_SOURCE": "irsa", "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE": "gitlab-jobs",
		"CI_AWS_INPUT_EXPECT_SERVICE_ACCOUNT": "gitlab-jobs",
	}
	profile := map[string]any{"AWS_CONFIG_FILE": "/tmp/ci-aws-$CI_JOB_ID/config", "CI_AWS_INPUT_CONFIG_FILE": "/tmp/ci-aws-$CI_JOB_ID/config", "AWS_SDK_LOAD_CONFIG": "1"}
	token := map[string]any{"CI_AWS_ID_TOKEN": map[string]any{"aud": "aws"}}
	want := map[string]map[string]any{
		".p":              {"variables": settings(".p", pod)},
		".p-oidc":         {"variables": settings(".p-oidc", gitlab), "id_tokens": token},
		".p-profile":      {"variables": settings(".p-profile", merged(pod, profile))},
		".p-oidc-profile": {"variables": settings(".p-oidc-profile", merged(gitlab, profile)), "id_tokens": token},
	}
	for _, file := range []string{"ci-aws", "component.yml"} {
		got := interpolate(t, all(t)[file], given)
		for _, keys := range got {
			delete(keys, "before_script")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func merged(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
