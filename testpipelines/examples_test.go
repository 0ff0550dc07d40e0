package testpipelines_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

// pages are what people read and copy from; docs/inputs.md is generated.
var pages = []string{"../README.md", "../docs/setup.md", "../docs/security.md"}

// named is how a page names a version of ours.
var named = regexp.MustCompile(`(?:\$CI_SERVER_FQDN/\S+@|git show |--branch |/ci-aws:|/ci-aws/|    rev: )([0-9]+\.[0-9]+\.[0-9]+|main)\b`)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// released are the versions that CHANGELOG.md has with a date, the last one first.
func released(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^## ([0-9.]+) - [0-9-]+$`).FindAllStringSubmatch(read(t, "../CHANGELOG.md"), -1) {
		all = append(all, m[1])
	}
	return all
}

// pageVersion is the one that README.md tells people to include.
func pageVersion(t *testing.T) string {
	t.Helper()
	m := named.FindStringSubmatch(read(t, "../README.md"))
	if m == nil {
		t.Fatal("README.md includes no version")
	}
	return m[1]
}

func TestThePagesNameOneVersionTheLastOrTheNext(t *testing.T) {
	version, last := pageVersion(t), released(t)
	may := []string{strings.TrimSuffix(cli.Version, "-dev")}
	if len(last) > 0 {
		may = append(may, last[0])
	}
	if !slices.Contains(may, version) {
		t.Errorf("README.md includes version %q, want one of %q", version, may)
	}
	for _, page := range pages {
		text := read(t, page)
		found := named.FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s names no version", page)
		}
		for _, m := range found {
			if m[1] != version {
				t.Errorf("%s: %q, and README.md includes %q", page, m[0], version)
			}
		}
		if len(last) > 0 && strings.Contains(text, "released yet") {
			t.Errorf("%s says that something is not released yet; %s is", page, last[0])
		}
	}
}

// asShown is the text of a test pipeline as a page shows it to a user.
func asShown(text, version string) string {
	return strings.NewReplacer(
		"$CI_PROJECT_PATH/", "ci-aws/ci-aws/",
		"@$CI_COMMIT_SHA", "@"+version,
		"sdkprobe roundtrip s3://my-super-duper-gitlab-runner-cache/hello", "aws s3 cp report.html s3://my-bucket/",
		"sdkprobe whoami", "aws sts get-caller-identity",
		"$RELEASE_URL", "https://my-bucket.s3.eu-central-1.amazonaws.com/ci-aws/"+version,
		"image: alpine:3.22\n      fleets:", "image: registry.example.com/tools/with-ci-aws:1\n      fleets:", // whose jobs install nothing
	).Replace(text)
}

// TestEveryExampleIsTheTextOfATestPipeline holds what the pages show of our
// components to what the tests of this folder run.
func TestEveryExampleIsTheTextOfATestPipeline(t *testing.T) {
	files, err := filepath.Glob("*/.gitlab-ci.yml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d test pipelines: %v", len(files), err)
	}
	version := pageVersion(t)
	var shown []string
	for _, file := range files {
		shown = append(shown, "\n"+asShown(read(t, file), version))
	}
	ours := regexp.MustCompile(`(?m)^include:|extends: \.|!reference `)
	for _, page := range []string{"../README.md", "../docs/setup.md"} {
		examples := 0
		for _, block := range fenced(t, page, "yaml") {
			if !ours.MatchString(block) {
				continue
			}
			examples++
			if !slices.ContainsFunc(shown, func(text string) bool { return strings.Contains(text, "\n"+block) }) {
				t.Errorf("%s shows what no test pipeline has:\n%s", page, block)
			}
		}
		if examples == 0 {
			t.Errorf("%s shows no component", page)
		}
	}
}

func TestTheThreeWays(t *testing.T) {
	t.Parallel()
	cloud := startCloud(t)
	// GitLab gives the ID token to the one job that asks for it.
	text := strings.Replace(read(t, "three-ways/.gitlab-ci.yml"), "    CI_AWS_ROLE_ARN:", "    CI_AWS_ID_TOKEN: "+idToken(t, cloud)+"\n    CI_AWS_ROLE_ARN:", 1)
	consumer := t.TempDir()
	if err := os.WriteFile(filepath.Join(consumer, ".gitlab-ci.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := runPipeline(t, consumer, builtPrograms(t), append(podEnv(t, cloud), offered(t)))
	run.want(t, 0, map[string]string{"build": "PASS", "integration": "PASS", "deploy": "PASS"}, map[string][]string{
		"build": {jobs + byEnv}, "integration": {jobs + byProfile, jobs + byProfile}, "deploy": {oidc + byEnv},
	})
}

// TestEveryLinkLeadsSomewhere follows the links within the repository, to the
// heading where one is named.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	for _, page := range append(slices.Clone(pages), "../CONTRIBUTING.md") {
		for _, m := range regexp.MustCompile(`\]\(([^):]*)\)`).FindAllStringSubmatch(read(t, page), -1) {
			file, heading, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			} else if heading != "" && !slices.Contains(anchors(read(t, target)), heading) {
				t.Errorf("%s links to %s: no such heading", page, m[1])
			}
		}
	}
}

// anchors are the headings of a page as links name them.
func anchors(page string) []string {
	page = regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(page, "")
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		text := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(text, " ", "-"))
	}
	return all
}
