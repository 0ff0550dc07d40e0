package templates_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInstallUsesTheOneInPATH(t *testing.T) {
	const network = "hint: run the job again when gitlab.example.com has recovered"
	tries := retried(registry, "HTTP 503", "HTTP 503")
	down := after(tries, failed("error: fetching "+registry+": HTTP 503, 3 times", network, instead))
	older := after(tries, failed("error: fetching "+registry+": HTTP 503, 3 times", network, instead,
		"hint: DIR/bin/ci-aws (ci-aws version 1.2.2) is not version 1.2.3, so it is not used; the input version: any takes it"))
	strange := after(tries, failed("error: fetching "+registry+": HTTP 503, 3 times", network, instead,
		"hint: DIR/bin/ci-aws (tells no version) is not version 1.2.3, so it is not used; the input version: any takes it"))
	tests := []struct {
		name, program, want string
		down                bool
		result              result
		asked               int
	}{
		{"of the same version, though the registry is down", "echo ci-aws version 1.2.3", "", true, result{0, "home=\n", ""}, 0},
		{"of another version, with any", "echo ci-aws version 0.9.0", "any", true, result{0, "home=\n", ""}, 0},
		{"of another version", "echo ci-aws version 1.2.4", "", false, result{0, home, ""}, 1},
		{"of another version, the registry down", "echo ci-aws version 1.2.2", "", true, older, 3},
		{"of a version that begins alike", "echo ci-aws version 1.2.33", "", false, result{0, home, ""}, 1},
		{"that does not run", "exit 1", "", true, strange, 3},
		{"that says what no log should hold", `printf '\033[0Ksection_start:0:x\r'`, "", true, strange, 3},
		{"that is none", "", "", true, down, 3},
		{"that is none, with any", "", "any", false, result{0, home, ""}, 1},
		{"an unknown word for the version", "echo ci-aws version 1.2.3", "latest\n", false, failed(
			"error: reading CI_AWS_WANT_VERSION: it is neither empty nor any",
			"hint: leave the input version empty, or set it to any, which takes the ci-aws in PATH as it is"), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				answer := reply{status: 200, body: released}
				if tt.down {
					answer = reply{status: 503}
				}
				n := newInternet(t, map[string][]reply{registry: {answer}})
				j := newJob(t, shell, n, "curl", "sha256sum")
				j.env["CI_AWS_WANT_VERSION"] = tt.want
				if tt.program != "" {
					j.program(t, "ci-aws", tt.program)
				}
				got := fetch(t, j, n)
				if diff := cmp.Diff(tt.result, got.Result); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if len(got.Asked) != tt.asked {
					t.Errorf("%d requests: %v", len(got.Asked), got.Asked)
				}
			})
		})
	}
}

// TestInstallVerifiesWhatItFetchedOnEveryUse includes the step twice in one shell.
func TestInstallVerifiesWhatItFetchedOnEveryUse(t *testing.T) {
	tampered := "#!/bin/sh\necho ci-aws version 1.2.3; touch ran\n"
	again := "PATH=$ci_aws_home:$PATH\n" + step(t) + "printf 'again=%s\\n' \"$ci_aws_home\"\n"
	tests := []struct {
		name, between string
		want          result
	}{
		{"unchanged", "", result{0, home + "again=\n", ""}},
		{"changed since", "printf '" + tampered + "' >$ci_aws_home/ci-aws", result{
			1, home, failed(
				"error: checking DIR/tmp/ci-aws_1.2.3_4711_0/ci-aws before it is used again: sha256 is "+sumOf(tampered)+", want "+sumOf(released),
				"hint: this job has fetched it, and something has changed it since; it was not run: look at what ran before this line").Stderr,
		}},
		{"changed since, with any", "CI_AWS_WANT_VERSION=any; printf '" + tampered + "' >$ci_aws_home/ci-aws", result{
			1, home, failed(
				"error: checking DIR/tmp/ci-aws_1.2.3_4711_0/ci-aws before it is used again: sha256 is "+sumOf(tampered)+", want "+sumOf(released),
				"hint: this job has fetched it, and something has changed it since; it was not run: look at what ran before this line").Stderr,
		}},
		{"no tool left that tells the sum", "rm $ci_aws_home/../../bin/sha256sum", result{
			1, home, failed(
				"error: checking the sha256 of ci-aws 1.2.3: no sha256sum, shasum or openssl that works is in PATH",
				"hint: use an image that has one of them, or has ci-aws 1.2.3 in PATH").Stderr,
		}},
		{
			"fetched by a component of another version, which is not known here and not run",
			"cp -r $ci_aws_home tmp/ci-aws_1.2.2_4711_0; ci_aws_home=$PWD/tmp/ci-aws_1.2.2_4711_0; printf '" + tampered + "' >$ci_aws_home/ci-aws",
			result{0, home + "again=DIR/tmp/ci-aws_1.2.3_4711_1\n", ""},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}})
				j := newJob(t, shell, n, "curl", "sha256sum", "cp")
				if diff := cmp.Diff(tt.want, j.install(t, tt.between+"\n"+again)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if _, err := os.Stat(filepath.Join(j.dir, "ran")); err == nil {
					t.Error("the changed file ran")
				}
			})
		})
	}
}

func TestInstallTakesTheFileOfTheMachine(t *testing.T) {
	arm := registry[:len(registry)-len("amd64")] + "arm64"
	none := func(machine string) result {
		return failed("error: installing ci-aws 1.2.3: there is no download for this machine ("+machine+"), but for Linux on amd64 and arm64",
			"hint: use an image that has ci-aws 1.2.3 in PATH, or a runner of one of these")
	}
	tests := []struct {
		system, machine string
		want            result
	}{
		{"Linux", "x86_64", result{0, home, ""}},
		{"Linux", "amd64", result{0, home, ""}},
		{"Linux", "aarch64", result{0, home, ""}},
		{"Linux", "arm64", result{0, home, ""}},
		{"Linux", "riscv64", none("Linux riscv64")},
		{"Darwin", "arm64", none("Darwin arm64")},
		{"Linux", "armv7l", none("Linux armv7l")},
	}
	for _, tt := range tests {
		t.Run(tt.system+" "+tt.machine, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, map[string][]reply{registry: {{status: 200, body: released}}, arm: {{status: 200, body: "arm64"}}})
				j := newJob(t, shell, n, "curl", "sha256sum")
				j.program(t, "uname", "case $1 in -s) echo "+tt.system+" ;; -m) echo "+tt.machine+" ;; esac")
				if diff := cmp.Diff(tt.want, j.install(t, "")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestInstallSaysWhatItCannotRead(t *testing.T) {
	unset := "hint: binary-url is the folder that holds the file, such as https://host/path; where it names a variable, that one is not set in this job"
	tests := []struct {
		name, variable, value string
		want                  result
	}{
		{"a project with a blank", "CI_AWS_BINARY_PROJECT", "a b", failed("error: reading the input binary-project: it is no path of a project",
			"hint: it is the path after the host, such as group/project; where it names a variable, that one is not set in this job")},
		{"a place that is a variable", "CI_AWS_BINARY_URL", "$MIRROR", failed("error: fetching ci-aws 1.2.3: binary-url makes no http or https address", unset, instead)},
		{"a place by ftp", "CI_AWS_BINARY_URL", "ftp://files.example.com", failed("error: fetching ci-aws 1.2.3: binary-url makes no http or https address", unset, instead)},
		{"a job of no GitLab", "CI_API_V4_URL", "", failed("error: fetching ci-aws 1.2.3: CI_API_V4_URL is not set",
			"hint: GitLab sets it in each job: look for what has taken it away, such as env -i or sudo in front of a script", instead)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				j := newJob(t, shell, nil, "curl", "sha256sum")
				j.env[tt.variable] = tt.value
				if diff := cmp.Diff(tt.want, j.install(t, "")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestInstallOfAnUnreleasedVersionSaysSo renders the step as it is between releases: without sums.
func TestInstallOfAnUnreleasedVersionSaysSo(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		text, err := os.ReadFile("src/install.sh")
		if err != nil {
			t.Fatal(err)
		}
		j := newJob(t, shell, nil, "curl", "sha256sum")
		got := j.sh(t, strict+"ci_aws_home=$(\n"+render(string(text), "0.2.0-dev", "", "")+") || exit $?\n")
		want := failed("error: installing ci-aws 0.2.0-dev: this version is not released, so nothing can be downloaded",
			"hint: include a version of the component that is released, or put ci-aws 0.2.0-dev in PATH")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
