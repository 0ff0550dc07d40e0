package testpipelines_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// releaseJob is all that a job of our own pipeline may have, once a tag is released.
type releaseJob struct {
	Extends   string
	Stage     string
	Image     string
	Rules     []map[string]string
	Variables map[string]string
	Needs     []string
	Script    []string
	Cache     any
	Artifacts struct {
		Paths    []string
		ExpireIn string `yaml:"expire_in"`
	}
	Release *struct {
		TagName     string `yaml:"tag_name"`
		Name        string
		Description string
		Assets      struct {
			Links []struct{ Name, URL string }
		}
	}
}

// UnmarshalYAML takes a script of one line too, and refuses a key that the test does not know.
func (j *releaseJob) UnmarshalYAML(node *yaml.Node) error {
	known := map[string]bool{"extends": true, "stage": true, "image": true, "rules": true, "variables": true, "needs": true, "script": true, "cache": true, "artifacts": true, "release": true}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if !known[key.Value] {
			return fmt.Errorf("line %d: %s", key.Line, key.Value)
		}
		if key.Value == "script" && value.Kind == yaml.ScalarNode {
			node.Content[i+1] = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}}
		}
	}
	type plain releaseJob
	return node.Decode((*plain)(j))
}

func TestTheJobsOfARelease(t *testing.T) {
	var all map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, "../.gitlab-ci.yml")), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]releaseJob{}
	for name, node := range all {
		if strings.HasPrefix(strings.TrimPrefix(name, "."), "release") {
			var j releaseJob
			if err := node.Decode(&j); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got[name] = j
		}
	}
	const version = "$CI_COMMIT_TAG =~ /^[0-9]+\\.[0-9]+\\.[0-9]+$/ && $CI_COMMIT_REF_PROTECTED "
	want := map[string]releaseJob{
		".release": {Rules: []map[string]string{{"if": version + `== "true"`}}},
		"release-unprotected": {Stage: "test", Rules: []map[string]string{{"if": version + `!= "true"`}}, Script: []string{
			`echo "release: error: the tag $CI_COMMIT_TAG is not protected, so nothing is released" >&2`,
			`echo "release: hint: Settings > Repository > Protected tags: protect *.*.*, then run a new pipeline for the tag" >&2`,
			"exit 1",
		}},
		"release-test":  {Extends: ".release", Stage: "test", Script: []string{"make lint", "make test"}},
		"release-build": {Extends: ".release", Stage: "build", Variables: map[string]string{"GIT_DEPTH": "1"}, Script: []string{"make release-tag"}},
		"release-upload": {Extends: ".release", Stage: "release", Needs: []string{"release-build"}, Script: []string{
			"sh scripts/image-push.sh check", "sh scripts/release-upload.sh", "sh scripts/image-push.sh",
		}},
		"release-publish": {
			Extends: ".release", Stage: "release", Needs: []string{"release-build", "release-upload"},
			Image: "registry.gitlab.com/gitlab-org/cli:v1.78.3", Script: []string{`echo "releasing $CI_COMMIT_TAG"`},
		},
	}
	build := want["release-build"]
	build.Artifacts.Paths, build.Artifacts.ExpireIn = []string{"dist/"}, "1 week"
	want["release-build"] = build
	publish := want["release-publish"]
	publish.Release = got["release-publish"].Release
	want["release-publish"] = publish
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}

	release := got["release-publish"].Release
	if release == nil {
		t.Fatal("no release: keyword, without which the Catalog publishes nothing")
	}
	if release.TagName != "$CI_COMMIT_TAG" || release.Description != "dist/notes.md" {
		t.Errorf("the release is of %q, with the notes in %q", release.TagName, release.Description)
	}
	links := map[string]string{}
	for _, link := range release.Assets.Links {
		links[link.Name] = link.URL
	}
	wantLinks := map[string]string{}
	for _, name := range uploaded {
		wantLinks[name] = "$CI_API_V4_URL/projects/$CI_PROJECT_ID/packages/generic/ci-aws/$CI_COMMIT_TAG/" + name
	}
	if diff := cmp.Diff(wantLinks, links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}

	// What all jobs get is no cache either.
	var common struct{ Default, Cache map[string]any }
	if err := yaml.Unmarshal([]byte(read(t, "../.gitlab-ci.yml")), &common); err != nil || common.Cache != nil || common.Default["cache"] != nil {
		t.Errorf("%v: a cache for every job: %v, %v", err, common.Cache, common.Default)
	}
}
