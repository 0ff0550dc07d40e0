package testpipelines_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// testVersion is no version that this project will have.
const testVersion = "999.8.7"

func TestRelease(t *testing.T) {
	project := clone(t)
	before := project.git(t, "rev-parse", "HEAD")

	t.Run("it refuses what is no release, and leaves everything as it was", func(t *testing.T) {
		for _, tt := range []struct {
			name, version string
			prepare, undo string // shell
			code          int
			want          string
		}{
			{"no version", "", "", "", 1, `error: "" is not a version`},
			{"a v before it", "v1.2.3", "", "", 1, `error: "v1.2.3" is not a version`},
			{"two numbers", "1.2", "", "", 1, `error: "1.2" is not a version`},
			{"a leading zero", "1.02.3", "", "", 1, `error: "1.02.3" is not a version`},
			{"another pre-release", "1.2.3-rc.1", "", "", 1, `error: "1.2.3-rc.1" is not a version`},
			{"a second line", "1.2.3\n4", "", "", 1, "is not a version"},
			{"a changed file", testVersion, "echo >>README.md", "git checkout --quiet README.md", 1, "error: the work tree has changes"},
			{"a new file", testVersion, "echo >new.go", "rm new.go", 1, "error: the work tree has changes"},
			{"a version that exists", testVersion, "git tag " + testVersion, "git tag --delete " + testVersion, 1, "error: the tag " + testVersion + " exists"},
			{
				"nothing to say in the CHANGELOG", testVersion,
				`printf '# Changelog\n\n## Unreleased\n\n## 0.0.1 - 2020-01-01\n\n- First.\n' >CHANGELOG.md && git commit --quiet --all --message changelog`,
				"git reset --quiet --hard HEAD~1", 1, `error: CHANGELOG.md has no entries under "## Unreleased"`,
			},
			{
				"a version that is not above the last", testVersion,
				`sed -i '0,/^## Unreleased/s//## Unreleased\n\n- More.\n\n## 1000.0.0 - 2020-01-01\n/' CHANGELOG.md && git commit --quiet --all --message changelog`,
				"git reset --quiet --hard HEAD~1", 1, "error: " + testVersion + " is not above 1000.0.0, which CHANGELOG.md has as released",
			},
			{
				"a page that names two versions", testVersion,
				`sed -i 's|/whoami@[0-9.]*|/whoami@0.0.9|' docs/setup.md && git commit --quiet --all --message page`,
				"git reset --quiet --hard HEAD~1", 1, "error: README.md, docs/setup.md or docs/security.md does not fit this version",
			},
			{
				"a page that includes none", testVersion,
				`sed -i 's|/ci-aws/ci-aws@[0-9.]*|/ci-aws/ci-aws@main|' README.md && git commit --quiet --all --message page`,
				"git reset --quiet --hard HEAD~1", 1, "error: README.md includes no version of the component",
			},
			{
				"nobody who commits", testVersion, "git config user.useConfigOnly true && git config --unset user.email",
				"git config user.email ci-aws@example.test", 1, "error: git does not know who commits\nrelease: hint: git config user.name",
			},
			{
				"code that does not compile", testVersion,
				"echo 'package cli; func' >internal/cli/broken.go && git add --all && git commit --quiet --message broken",
				"git reset --quiet --hard HEAD~1", 2, "internal/cli/broken.go",
			},
		} {
			t.Run(tt.name, func(t *testing.T) {
				project.sh(t, 0, tt.prepare)
				head, status := project.git(t, "rev-parse", "HEAD"), project.git(t, "status", "--porcelain")
				text := project.sh(t, tt.code, `sh scripts/release.sh "$VERSION"`, "VERSION="+tt.version)
				if !strings.Contains(text, tt.want) {
					t.Errorf("it said %q, wanted %q", text, tt.want)
				}
				after := []string{project.git(t, "rev-parse", "HEAD"), project.git(t, "status", "--porcelain"), project.git(t, "worktree", "list", "--porcelain")}
				if after[0] != head || after[1] != status || strings.Count(after[2], "worktree ") != 1 {
					t.Errorf("the project was changed: %q", after)
				}
				project.sh(t, 0, tt.undo)
			})
		}
		if head := project.git(t, "rev-parse", "HEAD"); head != before {
			t.Fatalf("HEAD is %s", head)
		}
	})

	t.Run("a signal while it works leaves nothing behind", func(t *testing.T) {
		dir := t.TempDir()
		// This make ends the release from within.
		make := "#!/bin/sh\nkill -s \"$SIGNAL\" \"$(cat '" + dir + "/pid')\"\n"
		if err := os.WriteFile(filepath.Join(dir, "make"), []byte(make), 0o700); err != nil {
			t.Fatal(err)
		}
		for signal, code := range map[string]int{"HUP": 129, "INT": 130, "TERM": 143} {
			project.sh(t, code, `echo $$ >"$DIR/pid"; exec sh scripts/release.sh `+testVersion,
				"DIR="+dir, "TMPDIR="+dir, "SIGNAL="+signal, "PATH="+dir+":"+os.Getenv("PATH"))
			after := []string{
				project.git(t, "rev-parse", "HEAD"), project.git(t, "status", "--porcelain"),
				project.git(t, "worktree", "list", "--porcelain"), project.sh(t, 0, `ls "$DIR"`, "DIR="+dir),
			}
			if after[0] != before || after[1] != "" || strings.Count(after[2], "worktree ") != 1 || after[3] != "make\npid" {
				t.Errorf("%s left: %q", signal, after)
			}
		}
	})

	t.Run("it commits version, sums, templates and CHANGELOG, and says what is left to do", func(t *testing.T) {
		said := project.sh(t, 0, "sh scripts/release.sh "+testVersion, "SOURCE_DATE_EPOCH=1790000000")
		for _, want := range []string{`git tag --annotate --message "ci-aws ` + testVersion + `" ` + testVersion + "\n", "git push origin HEAD " + testVersion + "\n"} {
			if !strings.Contains(said, want) {
				t.Errorf("it said %q, wanted %q", said, want)
			}
		}
		got := []string{
			project.git(t, "log", "--format=%s", before+".."), project.git(t, "status", "--porcelain"), project.git(t, "tag"),
			project.sh(t, 0, "grep '^const Version' internal/cli/version.go"), project.sh(t, 0, "grep -m 1 '^## ' CHANGELOG.md"),
			project.sh(t, 0, "cut -c 67- templates/src/sums"),
		}
		want := []string{"release " + testVersion, "", "", `const Version = "` + testVersion + `"`, "## " + testVersion + " - 2026-09-21", "ci-aws-linux-amd64\nci-aws-linux-arm64"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		project.sh(t, 0, "go run ./templates/gen -check && go run ./docs/gen -check")
	})

	t.Run("its pages name that version and no other, and no longer say that nothing is released", func(t *testing.T) {
		project.sh(t, 0, "go test -run '^TestThePagesNameOneVersionTheLastOrTheNext$' ./testpipelines")
		old := pageVersion(t)
		for _, page := range []string{"README.md", "docs/setup.md", "docs/security.md"} {
			was, is := read(t, "../"+page), read(t, filepath.Join(project.dir, page))
			if strings.Contains(is, old) || strings.Contains(is, "released yet") {
				t.Errorf("%s still names %s, or says that nothing is released yet", page, old)
			}
			// Nothing else has changed.
			was = regexp.MustCompile(`(?m)^(\*\*)?Nothing is released yet(.+\n)+\n`).ReplaceAllString(was, "")
			if diff := cmp.Diff(strings.ReplaceAll(was, old, testVersion), is); diff != "" {
				t.Errorf("%s (-want +got):\n%s", page, diff)
			}
		}
	})

	t.Run("asked again it says what is left to do", func(t *testing.T) {
		text := project.sh(t, 1, "sh scripts/release.sh "+testVersion)
		want := "release: error: " + testVersion + " is committed already\nrelease: hint: tag it: git tag --annotate --message \"ci-aws " + testVersion + "\" " + testVersion
		if text != want {
			t.Errorf("it said %q, wanted %q", text, want)
		}
	})

	t.Run("the same commit gives the same binaries in another folder", func(t *testing.T) {
		project.sh(t, 0, "make -s binaries && cd dist && sha256sum --quiet --check ../templates/src/sums")
	})

	t.Run("a job whose image has only busybox runs the binary that it downloads", func(t *testing.T) {
		if runtime.GOOS+runtime.GOARCH != "linuxamd64" {
			t.Skip("the release's binary for linux/amd64 does not run here")
		}
		cloud := startCloud(t)
		run := runRelease(t, project, http.FileServer(http.Dir(filepath.Join(project.dir, "dist"))), podEnv(t, cloud))
		want := pipeline{Code: 0, Jobs: map[string]string{"deploy": "PASS"}}
		if diff := cmp.Diff(want, run, cmpopts.IgnoreUnexported(pipeline{})); diff != "" {
			t.Fatalf("pipeline (-want +got):\n%s\n%s", diff, run.all)
		}
		run.wantLines(t, "deploy", "/ci-aws_"+testVersion+"_", "system:serviceaccount:gitlab:gitlab-jobs")
		if got := cloud.Calls("AssumeRoleWithWebIdentity"); got != 2 {
			t.Errorf("%d calls of AssumeRoleWithWebIdentity, wanted one by env and one by whoami", got)
		}
	})

	t.Run("a byte changed in the served binary fails the job before it runs", func(t *testing.T) {
		cloud := startCloud(t)
		binary, err := os.ReadFile(filepath.Join(project.dir, "dist", "ci-aws-linux-"+runtime.GOARCH))
		if err != nil {
			t.Fatal(err)
		}
		binary[len(binary)/2] ^= 1
		served := 0
		run := runRelease(t, project, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			served++
			_, _ = w.Write(binary)
		}), podEnv(t, cloud))
		want := pipeline{Code: 1, Jobs: map[string]string{"deploy": "FAIL"}}
		if diff := cmp.Diff(want, run, cmpopts.IgnoreUnexported(pipeline{})); diff != "" {
			t.Fatalf("pipeline (-want +got):\n%s\n%s", diff, run.all)
		}
		run.wantLines(t, "deploy", "ci-aws: error: ", "sha256 is ", "it was not run")
		if calls := cloud.Calls("AssumeRoleWithWebIdentity"); calls != 0 || served != 1 {
			t.Errorf("%d calls to STS, wanted none; served %d times, wanted once", calls, served)
		}
	})

	testTag(t, project)

	t.Run("VERSION=x.y.z-dev begins the next one", func(t *testing.T) {
		project.sh(t, 0, "sh scripts/release.sh 999.9.0-dev")
		got := []string{
			project.git(t, "log", "--format=%s", before+".."), project.git(t, "status", "--porcelain"),
			project.sh(t, 0, "grep '^const Version' internal/cli/version.go"), project.sh(t, 0, "grep -m 2 '^## ' CHANGELOG.md"),
			project.sh(t, 0, "cat templates/src/sums"),
		}
		want := []string{"begin 999.9.0-dev\nrelease " + testVersion, "", `const Version = "999.9.0-dev"`, "## Unreleased\n## " + testVersion + " - 2026-09-21", ""}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		project.sh(t, 0, "go run ./templates/gen -check && go run ./docs/gen -check")
		for version, want := range map[string]string{
			"999.9.0-dev": "999.9.0-dev is begun already", testVersion + "-dev": testVersion + "-dev is not above " + testVersion,
			"999.8.0": "999.8.0 is not above " + testVersion,
		} {
			if text := project.sh(t, 1, "sh scripts/release.sh "+version); !strings.Contains(text, "error: "+want) {
				t.Errorf("%s after that says %q, wanted %q", version, text, want)
			}
		}
	})
}

func TestReleaseDryRun(t *testing.T) {
	parts.Program(t, "apt-get")
	parts.Program(t, "dpkg-deb")
	project := clone(t)
	project.sh(t, 0, "echo '// A change that is not committed is released too.' >>cmd/ci-aws/main.go")
	said := project.sh(t, 0, "sh scripts/release-dry-run.sh "+testVersion, "SOURCE_DATE_EPOCH=1790000000")
	for _, want := range []string{
		"release: built twice, in two folders: ", "all the same",
		"dist/image/scratch: index sha256:", "dist/image/busybox: index sha256:", " is valid",
		"linux/arm64/v8: usr/local/bin/ci-aws, bin/busybox: static, by their ELF headers; user 65532:65532",
		"release: linux/arm64 and darwin/arm64 were not run",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it did not say %q:\n%s", want, said)
		}
	}
	if ran := strings.Contains(said, "release: ran in scratch, linux/amd64: ci-aws version "+testVersion); ran == strings.Contains(said, "the images were not run") {
		t.Errorf("it neither ran the image nor said that it did not:\n%s", said)
	}
	if status := project.git(t, "status", "--porcelain"); status != "M cmd/ci-aws/main.go" {
		t.Errorf("the tree was changed: %q", status)
	}
	got := project.sh(t, 0, "cd dist && find . -maxdepth 2 ! -type d | LC_ALL=C sort && cut -c 67- SHA256SUMS && sha256sum --quiet --check SHA256SUMS")
	want := `./SHA256SUMS
./ci-aws-darwin-arm64
./ci-aws-linux-amd64
./ci-aws-linux-arm64
./ci-aws.cdx.json
./component.yml
./notes.md
./templates/cache-smoke.yml
./templates/ci-aws.yml
./templates/doctor.yml
./templates/whoami.yml
ci-aws-darwin-arm64
ci-aws-linux-amd64
ci-aws-linux-arm64
ci-aws.cdx.json`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dist (-want +got):\n%s", diff)
	}

	t.Run("the SBOM has a fixed time and serial number, and names the version", func(t *testing.T) {
		type component struct{ Name, Version string }
		type evidence struct {
			Licenses []struct{ License struct{ ID string } }
		}
		var got struct {
			SerialNumber string
			Metadata     struct {
				Timestamp string
				Component struct {
					component
					evidence
				}
			}
			Components []struct {
				component
				Evidence evidence
			}
		}
		text, err := os.ReadFile(filepath.Join(project.dir, "dist", "ci-aws.cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		modules := map[string]bool{}
		for _, c := range got.Components {
			modules[c.Name] = true
			if l := c.Evidence.Licenses; c.Name != "std" && (len(l) == 0 || l[0].License.ID == "") {
				t.Errorf("%s has no licence", c.Name)
			}
		}
		if l := got.Metadata.Component.Licenses; len(l) != 1 || l[0].License.ID != "MIT" {
			t.Errorf("ci-aws has the licences %v", l)
		}
		if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(got.SerialNumber) ||
			got.Metadata.Timestamp != "2026-09-21T00:00:00Z" || got.Metadata.Component.component != (component{"gitlab.com/ci-aws/ci-aws", testVersion}) ||
			!modules["std"] || !modules["github.com/aws/aws-sdk-go-v2"] || modules["github.com/google/go-containerregistry"] {
			t.Errorf("%+v", got)
		}
	})

	t.Run("the notes hold the changes and the digests of the images", func(t *testing.T) {
		notes := project.sh(t, 0, "cat dist/notes.md")
		for _, variant := range []string{"scratch", "busybox"} {
			_, rest, _ := strings.Cut(said, "dist/image/"+variant+": index ")
			digest, _, _ := strings.Cut(rest, " ")
			if !strings.Contains(notes, "`"+digest+"`") {
				t.Errorf("no digest %q of %s in\n%s", digest, variant, notes)
			}
		}
		if !strings.HasPrefix(notes, "- ") || strings.Contains(notes, "Unreleased") || strings.Contains(notes, "\n\n\n") {
			t.Errorf("notes:\n%s", notes)
		}
		for _, want := range []string{
			"  - component: $CI_SERVER_FQDN/ci-aws/ci-aws/ci-aws@" + testVersion + "\n", "\nsha256sum --check --ignore-missing SHA256SUMS\n",
			"](https://snapshot.debian.org/package/busybox/1%3A1.", "  ci-aws-darwin-arm64\n",
		} {
			if !strings.Contains(notes, want) {
				t.Errorf("no %q in\n%s", want, notes)
			}
		}
		links := regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(notes, -1)
		for _, link := range links {
			if !strings.HasPrefix(link[1], "https://") {
				t.Errorf("a link to %s leads nowhere from the page of a release", link[1])
			}
		}
	})

	t.Run("the upload", func(t *testing.T) {
		testUpload(t, project)
	})

	t.Run("it refuses binaries that differ by folder", func(t *testing.T) {
		project.sh(t, 0, `sed -i -e "s/-ldflags '-s -w'/-ldflags '-s -w -buildid=\$(CURDIR)'/" -e 's/^PLATFORMS := .*/PLATFORMS := linux-amd64 linux-arm64/' Makefile`)
		said := project.sh(t, 1, "sh scripts/release-dry-run.sh "+testVersion)
		if !strings.Contains(said, "error: the binaries of two folders differ in the files above") || !strings.Contains(said, "  dist/ci-aws-linux-amd64\n") {
			t.Errorf("it said %s", said)
		}
	})
}

func TestReleaseRan(t *testing.T) {
	parts.Program(t, "curl")
	answer, status := "", http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("JOB-TOKEN") != "token" || r.URL.Path != "/projects/7/pipelines/12/jobs" || r.URL.Query().Get("scope[]") != "success" {
			t.Errorf("asked %s with %v", r.URL, r.Header)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	project := repository{".."}
	for _, tt := range []struct {
		name, answer string
		status, code int
		want         string
	}{
		{"both ran", `[{"id":1,"status":"success","name":"one"},{"id":2,"name":"two"}]`, http.StatusOK, 0, "two ran and succeeded"},
		{"one did not", `[{"id":1,"name":"one"},{"id":2,"name":"two-more"}]`, http.StatusOK, 1, "error: not in this pipeline, or not successful: two"},
		{"no jobs", `[]`, http.StatusOK, 1, "not successful: one two"},
		{"an instance that refuses", `{"message":"403 Forbidden"}`, http.StatusForbidden, 1, "error: this instance does not tell a job of the jobs in its pipeline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, status = tt.answer, tt.status
			text := project.sh(t, tt.code, "sh scripts/release-ran.sh one two", "CI_JOB_TOKEN=token", "CI_API_V4_URL="+server.URL, "CI_PROJECT_ID=7", "CI_PIPELINE_ID=12")
			if !strings.Contains(text, tt.want) {
				t.Errorf("it said %q, wanted %q", text, tt.want)
			}
		})
	}
}

func TestTheImageTool(t *testing.T) {
	repository{".."}.sh(t, 0, "go test -C tools/image ./...")
}

func TestOneToolchainBuildsTheRelease(t *testing.T) {
	text := repository{".."}.sh(t, 0, `sed -n 's/^TOOLCHAIN := go//p' Makefile; grep -ho 'golang:[0-9.]*' .gitlab-ci.yml scripts/*.sh | sort -u | cut -d : -f 2; grep '^go ' go.mod tools/image/go.mod | cut -d ' ' -f 2 | sort -u`)
	lines := strings.Split(text, "\n")
	if len(lines) != 3 || lines[0] != lines[1] || !strings.HasPrefix(lines[0], strings.TrimSuffix(lines[2], "0")) {
		t.Errorf("Makefile, the image in .gitlab-ci.yml and the go of both go.mod: %q", lines)
	}
}
