package templates_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const home = "home=DIR/tmp/ci-aws_1.2.3_4711_0\n"

var installed = []string{"drwx------ ci-aws_1.2.3_4711_0", "-rwx------ ci-aws_1.2.3_4711_0/ci-aws"}

// A fetching is all that can be seen of one run of the step.
type fetching struct {
	Result result
	Asked  []request
	Slept  string
	Files  []string
}

func fetch(t *testing.T, j *job, n *internet) fetching {
	t.Helper()
	got := j.install(t, "")
	n.mu.Lock()
	defer n.mu.Unlock()
	return fetching{got, n.requests, strings.ReplaceAll(j.file("slept"), "\n", " "), j.files(t)}
}

// retried is what the step says before it tries again, of each try that failed so.
func retried(url string, words ...string) string {
	var b strings.Builder
	for i, w := range words {
		fmt.Fprintf(&b, "ci-aws: fetching %s: %s: try %d of 3\n", url, w, i+2)
	}
	return b.String()
}

// after is the result of a step that said something before.
func after(said string, r result) result { return result{r.Code, r.Stdout, said + r.Stderr} }

// wordsOfATool are a downloader's own, which differ by its version, where it is tried again.
var wordsOfATool = regexp.MustCompile(`(?m)^(ci-aws: fetching [^ ]+: )[^H\n].*(: try)`)

// failed is the result of a step that says so.
func failed(lines ...string) result {
	return result{1, "", "ci-aws: " + strings.Join(lines, "\nci-aws: ") + "\n"}
}

const (
	instead    = "hint: use an image that has ci-aws 1.2.3 in PATH, or name another place by the input binary-url"
	elsewhere  = "hint: put ci-aws-linux-amd64 of version 1.2.3 into the package registry of a project on this GitLab, and name that by the input binary-project (now ci-aws/ci-aws)"
	letIn      = "hint: or let this project in: in the project that has it, Settings > CI/CD > Job token permissions"
	basic      = "Basic Z2l0bGFiLWNpLXRva2VuOmdsY2J0LTY0X3BsNG50ZWQuSk9CfnRva2Vu" // gitlab-ci-token:jobToken
	objects    = "https://files.example.com/bucket/ci-aws?X-Amz-Signature=pl4nted"
	lookAtPage = "hint: what came is not ci-aws-linux-amd64 of version 1.2.3: cut short, a page to sign in, or another build; it was not run"
)

func TestInstallFetchesWhatIsReleasedAndNothingElse(t *testing.T) {
	asked := func(urls ...string) []request {
		var list []request
		for _, url := range urls {
			list = append(list, request{URL: url})
		}
		return list
	}
	good := reply{status: 200, body: released}
	short := released[:20]
	again := func(status int) []reply { return []reply{{status: status}} }
	tests := []struct {
		name    string
		replies map[string][]reply
		want    fetching
	}{
		{"the file of the release", map[string][]reply{registry: {good}}, fetching{result{0, home, ""}, asked(registry), "", installed}},
		{"500, then 200", map[string][]reply{registry: {{status: 500}, good}}, fetching{result{0, home, retried(registry, "HTTP 500")}, asked(registry, registry), "1 ", installed}},
		{"429, 503, then 200", map[string][]reply{registry: {{status: 429}, {status: 503}, good}}, fetching{result{0, home, retried(registry, "HTTP 429", "HTTP 503")}, asked(registry, registry, registry), "1 2 ", installed}},
		{"a broken connection, then 200", map[string][]reply{registry: {{status: 200, body: released, cut: true}, good}}, fetching{result{0, home, retried(registry, "WORDS")}, asked(registry, registry), "1 ", installed}},
		{"a redirect to where objects are", map[string][]reply{registry: {{status: 302, location: objects}}, objects: {good}}, fetching{result{0, home, ""}, asked(registry, objects), "", installed}},
		{
			"a relative redirect",
			map[string][]reply{registry: {{status: 307, location: "/a"}}, "https://gitlab.example.com/a": {good}},
			fetching{result{0, home, ""}, asked(registry, "https://gitlab.example.com/a"), "", installed},
		},
		{
			"503 for ever",
			map[string][]reply{registry: again(503)},
			fetching{after(retried(registry, "HTTP 503", "HTTP 503"), failed("error: fetching "+registry+": HTTP 503, 3 times", "hint: run the job again when gitlab.example.com has recovered", instead)), asked(registry, registry, registry), "1 2 ", nil},
		},
		{
			"410",
			map[string][]reply{registry: again(410)},
			fetching{failed("error: fetching "+registry+": HTTP 410", instead), asked(registry), "", nil},
		},
		{
			"403 behind a redirect is named without its query",
			map[string][]reply{registry: {{status: 302, location: objects}}, objects: again(400)},
			fetching{failed("error: fetching "+registry+", redirected to https://files.example.com/bucket/ci-aws: HTTP 400", instead), asked(registry, objects), "", nil},
		},
		{
			"a redirect without end",
			map[string][]reply{registry: {{status: 302, location: registry}}},
			fetching{failed("error: fetching "+registry+": more than 5 redirects", instead), asked(registry, registry, registry, registry, registry, registry), "", nil},
		},
		{
			"a redirect to a file of the image",
			map[string][]reply{registry: {{status: 302, location: "file:///bin/sh"}}},
			fetching{failed("error: fetching "+registry+": redirected to what is no http or https address", instead), asked(registry), "", nil},
		},
		{
			"another file",
			map[string][]reply{registry: {{status: 200, body: "#!/bin/sh\ntouch ran\n"}}},
			fetching{failed("error: fetching "+registry+": sha256 is "+sumOf("#!/bin/sh\ntouch ran\n")+", want "+sumOf(released), lookAtPage, "hint: put the file of the release there, or "+instead[6:]), asked(registry), "", nil},
		},
		{
			"the file cut short by who stored it",
			map[string][]reply{registry: {{status: 200, body: short, unknown: true}}},
			fetching{failed("error: fetching "+registry+": sha256 is "+sumOf(short)+", want "+sumOf(released), lookAtPage, "hint: put the file of the release there, or "+instead[6:]), asked(registry), "", nil},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inEveryShell(t, func(t *testing.T, shell []string) {
				n := newInternet(t, tt.replies)
				j := newJob(t, shell, n, "curl", "sha256sum")
				got := fetch(t, j, n)
				got.Result.Stderr = wordsOfATool.ReplaceAllString(got.Result.Stderr, "${1}WORDS$2")
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if j.file("ran") != "" {
					t.Error("what was downloaded ran")
				}
			})
		})
	}
}
