package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// smokeReader makes the pod a reader's, on another runner than the writer's.
func (p *place) smokeReader() {
	p.env["CI_PIPELINE_ID"], p.env["CI_JOB_ID"], p.env["CI_RUNNER_ID"] = "1212", "4712", "8"
}

// smokeWritten lets a writer store files below the pod, in the folder of that
// name; where they are cached, a cache has made them anew.
func (p *place) smokeWritten(cached bool, args ...string) {
	p.t.Helper()
	p.env["CI_PIPELINE_ID"], p.env["CI_JOB_ID"], p.env["CI_RUNNER_ID"] = "1212", "4711", "7"
	dir := filepath.Join(p.root, "ci-aws-smoke", "01")
	if cached {
		dir = filepath.Join(p.root, "writer")
	}
	args = append([]string{"smoke", "write", "--fleet", "fargate-small", "--size", "64", "--files", "3", "--dir", dir}, args...)
	if out, errs, code := p.run(args...); code != 0 {
		p.t.Fatalf("%s%s", out, errs)
	}
	if cached {
		check(p.t, os.CopyFS(filepath.Join(p.root, "ci-aws-smoke", "01"), os.DirFS(dir)))
	}
	p.smokeReader()
}

// smokeSetups are caches that give a fleet something else than another stored.
func smokeSetups() []setup {
	read := []string{"smoke", "read", "--fleet", "cluster,kubernetes", "--expect", "fargate-small", "--dir", "ci-aws-smoke"}
	written := func(change func(*place), args ...string) func(*place) {
		return func(p *place) {
			p.smokeWritten(true, args...)
			if change != nil {
				change(p)
			}
		}
	}
	manifest := func(change func(string) string) func(*place) {
		return written(func(p *place) {
			path := filepath.Join(p.root, "ci-aws-smoke", "01", "manifest.json")
			raw, err := os.ReadFile(path)
			check(p.t, err)
			p.file("ci-aws-smoke/01/manifest.json", change(string(raw)))
		})
	}
	all := []setup{
		{kase: "smoke-miss", name: "nothing is found", edit: (*place).smokeReader, lead: "set Shared = true", fix: []string{"No URL provided", "FF_HASH_CACHE_KEYS", "-non_protected", "BucketName", "Path in [runners.cache]"}},
		{
			kase: "smoke-miss", name: "of its own fleet", edit: (*place).smokeReader, lead: "No URL provided",
			args: []string{"smoke", "read", "--fleet", "fargate-small", "--expect", "fargate-small", "--dir", "ci-aws-smoke"},
		},
		{kase: "smoke-leftover", name: "the writer's own files", edit: func(p *place) { p.smokeWritten(false) }, lead: "GIT_STRATEGY: empty", fix: []string{"ci-aws smoke log WRITER READER"}},
		{kase: "smoke-seems-old", name: "files older than the job by the clocks alone", edit: written(func(p *place) { p.env["CI_JOB_STARTED_AT"] = "2126-11-23T12:00:00Z" }), lead: "NTP", fix: []string{"GIT_STRATEGY: empty"}},
		{kase: "smoke-stale", name: "another pipeline's", edit: written(nil, "--pipeline", "1211"), lead: "write $CI_PIPELINE_ID into cache:key"},
		{kase: "smoke-corrupt", name: "a byte that differs", edit: written(func(p *place) {
			path := filepath.Join(p.root, "ci-aws-smoke", "01", "0002.bin")
			raw, err := os.ReadFile(path)
			check(p.t, err)
			raw[7] ^= 1
			p.file("ci-aws-smoke/01/0002.bin", string(raw))
		}), lead: "give each writer a key of its own"},
		{kase: "smoke-corrupt", name: "a manifest with a path in it", edit: manifest(func(s string) string { return strings.Replace(s, "0001.bin", "../../../etc/passwd", 1) }), lead: "give each writer a key of its own"},
		{kase: "smoke-partial", name: "a file too few", edit: written(func(p *place) { p.remove("ci-aws-smoke/01/0003.bin") }), lead: "cache:paths"},
		{kase: "smoke-fallback-key", name: "set in the job's variables", edit: written(func(p *place) { p.env["CACHE_FALLBACK_KEY"] = "main-protected" }), lead: "remove it from variables: in YAML"},
		{kase: "smoke-one-runner", name: "one runner for both fleets", edit: written(func(p *place) { p.env["CI_RUNNER_ID"] = "7" }), lead: "name each fleet by tags"},
		{kase: "smoke-one-runner", name: "a reader that does not name its fleet", edit: written(func(p *place) {
			p.env["CI_RUNNER_ID"], p.env["CI_RUNNER_TAGS"] = "7", `["arm64","fargate-small"]`
		}), args: slices.Concat(read[:2:2], read[4:]), lead: "name each fleet by tags", fix: []string{"CI_AWS_FLEET"}},
		{kase: "smoke-together", name: "one host", edit: written(nil), lead: "machines of their own"},
		{kase: "smoke-untold", name: "a manifest that tells no time", edit: manifest(func(s string) string {
			var out []string
			for line := range strings.SplitSeq(s, "\n") {
				if strings.Contains(line, `"changed"`) {
					line = `"changed": "0001-01-01T00:00:00Z",`
				}
				out = append(out, line)
			}
			return strings.Join(out, "\n")
		}), lead: "GIT_STRATEGY: empty"},
		{kase: "smoke-local", name: "any reader", edit: written(nil), lead: "Downloading cache from https://"},
	}
	for i := range all {
		if all[i].args == nil {
			all[i].args = read
		}
	}
	report := []string{"smoke", "report", "--fleets", "fargate-small;cluster,kubernetes"}
	result := func(args ...string) func(*place) {
		return func(p *place) {
			p.smokeWritten(true)
			for _, fleet := range []string{"fargate-small", "cluster,kubernetes"} {
				_, _, _ = p.run(append([]string{"smoke", "read", "--fleet", fleet, "--expect", "fargate-small", "--dir", "ci-aws-smoke", "--output", "json", "--file", filepath.Join(p.root, "read-"+fleet+".json")}, args...)...)
			}
		}
	}
	return append(
		all,
		setup{kase: "smoke-no-answer", name: "no result of the reader", edit: (*place).smokeReader, args: report, lead: "waits for a runner with these tags"},
		setup{kase: "smoke-no-answer", name: "a writer that is no reader, without the plan's fleets", edit: func(p *place) {
			result()(p)
		}, args: []string{"smoke", "report", "read-cluster,kubernetes.json"}, lead: "waits for a runner with these tags"},
		setup{
			kase: "smoke-unreadable", name: "files of another user, in a reader's result",
			edit: func(p *place) {
				result()(p)
				raw, err := os.ReadFile(filepath.Join(p.root, "read-cluster,kubernetes.json"))
				check(p.t, err)
				p.file("read-02.json", strings.NewReplacer(`"verdict": "hit"`, `"verdict": "unreadable"`, `"files": []`, `"files": ["01/0001.bin"]`).Replace(string(raw)))
			},
			args: []string{"smoke", "report", "read-fargate-small.json", "read-02.json"}, lead: "uid", fix: []string{"chmod a+rx"},
		},
		setup{kase: "smoke-whose", name: "two fleets missed beside one broken manifest", edit: manifest(func(s string) string { return s[:100] }), args: append(slices.Clip(read), "--expect", "arm"), lead: "misses first"},
		setup{kase: "smoke-result-unusable", name: "a file that is cut", edit: func(p *place) { p.smokeReader(); p.file("read-01.json", `{"schema": 1, "smoke": {"pip`) }, args: append(report[:4:4], "read-01.json"), lead: "start that reader's job again"},
		setup{kase: "smoke-result-unusable", name: "a pattern that fits no file", edit: (*place).smokeReader, args: append(report[:4:4], "nomatch-*.json"), lead: "keep them as artifacts"},
		setup{kase: "smoke-result-unusable", name: "a file of another version", edit: func(p *place) { p.smokeReader(); p.file("read-01.json", `{"schema": 2}`) }, args: append(report[:4:4], "read-01.json"), lead: "run all jobs of the pipeline in one image"},
		setup{
			kase: "smoke-result-unusable", name: "a result of a fleet that the plan does not have", edit: result(),
			args: []string{"smoke", "report", "--fleets", "fargate-small;arm64", "read-cluster,kubernetes.json"}, lead: "CI_AWS_FLEET",
		},
		setup{
			kase: "smoke-result-other", name: "an artifact of an earlier pipeline", edit: result("--pipeline", "1211"),
			args: append(report[:4:4], "read-fargate-small.json"), lead: "give the results of one pipeline only",
		},
	)
}
