package testpipelines_test

import (
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// testTag runs what the pipeline of a tag runs, in a project whose last commit is the release of testVersion.
func testTag(t *testing.T, project repository) {
	t.Helper()
	const image = "registry.example.test/group/ci-aws"
	env := []string{"CI_COMMIT_TAG=" + testVersion, "CI_REGISTRY_IMAGE=" + image, "CI_PROJECT_URL=https://gitlab.example.test/group/ci-aws", "CI_PROJECT_PATH=group/ci-aws"}
	refuses := func(script, harm, undo, want string, env []string) func(*testing.T) {
		return func(t *testing.T) {
			project.sh(t, 0, harm)
			if text := project.sh(t, 1, "sh scripts/"+script, env...); !strings.Contains(text, want) {
				t.Errorf("it said %q, wanted %q", text, want)
			}
			project.sh(t, 0, undo)
		}
	}
	const reset = "git checkout --quiet ."
	for _, tt := range []struct {
		name, harm, want string
		env              []string
	}{
		{"another tag than the version", "", "error: the tag is 1.0.0, and the code's version is " + testVersion, append([]string{env[1]}, "CI_COMMIT_TAG=1.0.0")},
		{"a template that was edited beside intact sums", "sed -i 's/it was not run/it was run/' templates/ci-aws.yml", "error: what the tag holds is not what its sources make", env},
		{
			"another binary than the templates'", "sed -i 's/^..../beef/' templates/src/sums && make -s docs",
			"error: the binaries built here are not those whose sums the templates of " + testVersion + " hold", env,
		},
		{
			"code that was changed after the release", "echo 'func init() { println() }' >>cmd/ci-aws/main.go",
			"error: the binaries built here are not those whose sums the templates of " + testVersion + " hold", env,
		},
	} {
		t.Run("the pipeline of a tag refuses "+tt.name, refuses("release-tag.sh", tt.harm, reset, tt.want, tt.env))
	}

	t.Run("the pipeline of a tag", func(t *testing.T) {
		parts.Program(t, "apt-get")
		parts.Program(t, "dpkg-deb")
		said := project.sh(t, 0, "sh scripts/release-tag.sh", env...)
		for _, want := range []string{
			"release: sums, templates and toolchain (go", "dist/image/scratch: index sha256:", "dist/image/busybox: index sha256:",
			"linux/arm64/v8: usr/local/bin/ci-aws, bin/busybox: static, by their ELF headers; user 65532:65532",
		} {
			if !strings.Contains(said, want) {
				t.Errorf("it did not say %q:\n%s", want, said)
			}
		}
		notes := project.sh(t, 0, "cd dist && cat notes.md && sha256sum --quiet --check SHA256SUMS && grep linux SHA256SUMS | cmp - ../templates/src/sums")
		for _, want := range []string{
			"| `" + image + ":" + testVersion + "` |", "| `" + image + ":" + testVersion + "-busybox` |",
			"  - component: $CI_SERVER_FQDN/group/ci-aws/ci-aws@" + testVersion + "\n",
			"](https://gitlab.example.test/group/ci-aws/-/blob/" + testVersion + "/docs/security.md#how-to-verify-a-download)",
		} {
			if !strings.Contains(notes, want) {
				t.Errorf("the notes do not have %q:\n%s", want, notes)
			}
		}
		if status := project.git(t, "status", "--porcelain"); status != "" {
			t.Errorf("it changed %s", status)
		}

		const swap = "mv dist/image/scratch dist/image/x && mv dist/image/busybox dist/image/scratch && mv dist/image/x dist/image/busybox"
		for _, tt := range []struct{ name, harm, undo, want string }{
			{"an image under the other's name", swap, swap, `dist/image/scratch: is named "` + testVersion + `-busybox", wanted "` + testVersion + `"`},
			{
				"an image of another binary",
				"cp dist/ci-aws-linux-arm64 kept && echo >>dist/ci-aws-linux-arm64 && cp dist/SHA256SUMS templates/src/sums kept.d/ && " +
					"(cd dist && sha256sum ci-aws* >SHA256SUMS) && grep linux dist/SHA256SUMS >templates/src/sums && make -s docs",
				"mv kept dist/ci-aws-linux-arm64 && mv kept.d/SHA256SUMS dist/ && rm -r kept.d && " + reset,
				"linux/arm64/v8: usr/local/bin/ci-aws is not the binary of the release",
			},
			{"another toolchain", "sed -i 's/^TOOLCHAIN := .*/TOOLCHAIN := go1.26.1/' Makefile", reset, ", not by go1.26.1"},
			{"a changed file", "echo >>dist/ci-aws.cdx.json", "sed -i '$d' dist/ci-aws.cdx.json", "ci-aws.cdx.json: FAILED"},
			{"notes of another image", "sed -i 's/sha256:..../sha256:beef/' dist/notes.md", ":", "error: the notes do not name sha256:"},
		} {
			if strings.Contains(tt.harm, "kept.d") {
				tt.harm = "mkdir kept.d && " + tt.harm
			}
			t.Run("its check refuses "+tt.name, refuses("release-check.sh", tt.harm, tt.undo, tt.want, nil))
		}
	})
}
