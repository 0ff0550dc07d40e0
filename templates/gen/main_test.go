package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheGeneratedFilesAreCurrent(t *testing.T) {
	if err := run("../..", true); err != nil {
		t.Error(err)
	}
}

const spec = "spec:\n  inputs:\n    region:\n      description: Where.\n      default: \"\"\n      regex: ^(@VARIABLE@)?$\n---\n"

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// small is a project of one component.
func small() map[string]string {
	return map[string]string{
		"internal/cli/version.go":     "package cli\n\n// Version is it.\nconst Version = \"1.2.3\"\n",
		"templates/src/sums":          sum + "  ci-aws-linux-amd64\n" + sum + "  ci-aws-linux-arm64\n",
		"templates/src/ci-aws.yml":    "# Hidden.\n" + spec + ".ci-aws:\n  before_script:\n    - |\n      # first\n      @outer.sh@\n",
		"templates/src/outer.sh":      "#!/bin/sh\nif :; then\n\n  @inner.sh@\nfi\n",
		"templates/src/inner.sh":      "echo '@VERSION@ @SUM_LINUX_AMD64@'\ncat <<END\n$1 someone@example.com\nEND\n",
		"templates/src/unused.txt":    "@NOTHING@",
		"docs/inputs.md":              "old",
		"templates/ci-aws.yml":        "old",
		"testpipelines/x/.gitlab-ci":  "",
		"templates/src/sub/other.yml": "not at this level",
	}
}

func project(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestAScriptStandsWhereItsNameStoodIndentedAlike(t *testing.T) {
	root := project(t, small())
	if err := run(root, false); err != nil {
		t.Fatal(err)
	}
	body := "# Hidden.\n" + strings.Replace(spec, "@VARIABLE@", reference, 1) + `.ci-aws:
  before_script:
    - |
      # first
      if :; then

        echo '1.2.3 ` + sum + `'
        cat <<END
        $1 someone@example.com
        END
      fi
`
	for name, want := range map[string]string{
		"templates/ci-aws.yml": "# Generated from templates/src/ci-aws.yml by \"make templates\": do not edit.\n" + body,
		"component.yml":        componentHead + body,
	} {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestACheckWritesNothingAndNamesEachFileThatIsNotCurrent(t *testing.T) {
	root := project(t, small())
	err := run(root, true)
	if err == nil {
		t.Fatal("files that were never written are current")
	}
	for _, part := range []string{"templates/ci-aws.yml is not current: run make templates", "component.yml", "docs/inputs.md is not current"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "component.yml")); err == nil {
		t.Error("a check wrote component.yml")
	}
	for range 2 { // and twice over the same comes out
		if err := run(root, false); err != nil {
			t.Fatal(err)
		}
		if err := run(root, true); err != nil {
			t.Errorf("what was just written is not current: %v", err)
		}
	}
}

func TestWhatCannotBeGeneratedIsNamed(t *testing.T) {
	tests := []struct {
		name, file, text string // in place of the project's own; no text: without the file
		want             string
	}{
		{"a missing script", "templates/src/inner.sh", "", "templates/src/ci-aws.yml:13: templates/src/outer.sh:4: open "},
		{"an unknown placeholder", "templates/src/inner.sh", ":\necho @SUM_PLAN9@\n", "templates/src/inner.sh:2: unknown placeholder @SUM_PLAN9@"},
		{"a script in the middle of a line", "templates/src/inner.sh", "echo @x.sh@\n", "templates/src/inner.sh:1: @x.sh@ must stand on a line of its own"},
		{"a script that takes itself in", "templates/src/inner.sh", "@outer.sh@\n", "templates/src/outer.sh takes itself in"},
		{"an input in a script", "templates/src/inner.sh", "echo $[[ inputs.region ]]\n", "templates/src/inner.sh:1: an input in a script's text"},
		{"no version", "internal/cli/version.go", "package cli\n", "internal/cli/version.go: no const Version"},
		{"a release without checksums", "templates/src/sums", "\n", "templates/src/sums: no checksum of ci-aws-linux-"},
		{"a checksum that is none", "templates/src/sums", sum[1:] + "  ci-aws-linux-amd64\n", "templates/src/sums:1: want \"<sha256>  ci-aws-<os>-<arch>\""},
		{"a checksum given twice", "templates/src/sums", sum + "  ci-aws-linux-amd64\n" + sum + "  ci-aws-linux-amd64\n", "templates/src/sums:2: ci-aws-linux-amd64 is there twice"},
		{"a component without a comment", "templates/src/ci-aws.yml", spec + ".ci-aws: {}\n", "templates/src/ci-aws.yml: want a comment, then spec"},
		{"a component without inputs", "templates/src/ci-aws.yml", "# Hidden.\nspec:\n---\n.ci-aws: {}\n", "templates/src/ci-aws.yml: want a comment, then spec with inputs"},
		{"a component without a source", "templates/left.yml", "x: {}\n", "templates/left.yml has no source in templates/src"},
		{"a test pipeline of something else", "testpipelines/shortest/.gitlab-ci.yml", "# Proves.\ninclude: []\n", "shortest/.gitlab-ci.yml does not include the component ci-aws"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := small()
			files[tt.file] = tt.text
			if tt.text == "" {
				delete(files, tt.file)
			}
			root := project(t, files)
			err := run(root, false)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAnUnreleasedVersionHasNoChecksums(t *testing.T) {
	files := small()
	files["internal/cli/version.go"] = "package cli\n\nconst Version = \"1.2.3-dev\"\n"
	files["templates/src/sums"] = ""
	root := project(t, files)
	if err := run(root, false); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "component.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "echo '1.2.3-dev '\n"; !strings.Contains(string(got), want) {
		t.Errorf("component.yml has no %q:\n%s", want, got)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "inputs.md"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"@1.2.3\n": true, "ref: 1.2.3\n": true, "**1.2.3 is not released yet.**": true, "@main": false, "ref: main": false, "1.2.3-dev": false} {
		if strings.Contains(string(page), text) != want {
			t.Errorf("docs/inputs.md has %q: %v, want %v", text, !want, want)
		}
	}
}

func TestAnInputNamesTheVariablesThatOutrankIt(t *testing.T) {
	const text = `    CI_AWS_INPUT_EXPECT_SERVICE_ACCOUNT: "$[[ inputs.service-account ]]"
    KUBERNETES_SERVICE_ACCOUNT_OVERWRITE: "$[[ inputs.service-account ]]"
    CI_AWS_INPUT_FULL: " $[[ inputs.full ]] "
  stage: "$[[ inputs.stage ]]"
    CI_AWS_INPUT_EXPECT_SERVICE_ACCOUNT: "$[[ inputs.service-account ]]"
`
	for input, want := range map[string][]string{
		"service-account": {"CI_AWS_EXPECT_SERVICE_ACCOUNT", "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"}, "full": {"CI_AWS_FULL"}, "stage": {}, "account": {},
	} {
		if diff := cmp.Diff(want, append([]string{}, variablesOf(text, input)...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", input, diff)
		}
	}
}

func TestTheExampleOfAnIncludeIsItsTestPipelinesOwnText(t *testing.T) {
	files := small()
	files["templates/src/doctor.yml"] = "# Ready.\n" + spec
	files["templates/src/whoami.yml"] = "# Ready too.\n" + spec
	files["testpipelines/shortest/.gitlab-ci.yml"] = "# Proves: it.\ninclude:\n  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/ci-aws@$CI_COMMIT_SHA\n\njob:\n  extends: .ci-aws\n"
	files["testpipelines/doctor/.gitlab-ci.yml"] = `# Proves: it.
include:
  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/ci-aws@$CI_COMMIT_SHA
  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/doctor@$CI_COMMIT_SHA
    inputs:
      region: eu-central-1
  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/whoami@$CI_COMMIT_SHA

job: {}
`
	root := project(t, files)
	if err := run(root, false); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs", "inputs.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := "| input | default | variable | |\n|---|---|---|---|\n| `region` |  |  | Where. |\n"
	include := "```yaml\ninclude:\n  - component: $CI_SERVER_FQDN/ci-aws/ci-aws/"
	want := inputsHead +
		"\n## ci-aws\n\nHidden.\n\n" + include + "ci-aws@1.2.3\n\njob:\n  extends: .ci-aws\n```\n\n" + row +
		strings.ReplaceAll(componentUse, "%[1]s", "1.2.3") +
		"\n## doctor\n\nReady.\n\n" + include + "doctor@1.2.3\n    inputs:\n      region: eu-central-1\n```\n\n" + row +
		"\n## whoami\n\nReady too.\n\n" + include + "whoami@1.2.3\n```\n\n" + row +
		patternsHead + "region            ^(" + reference + ")?$\n```\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/inputs.md (-want +got):\n%s", diff)
	}
}
