package smoke

import (
	"fmt"
	"strings"
	"unicode"
)

// Child is what the jobs of the child pipeline are given besides their fleets.
// An empty field is left to the runner, or to ci-aws.
type Child struct {
	Image string // with a shell and ci-aws in PATH
	Size  string // of what each fleet writes
	Files string // how many files that is
}

// Folder is where the jobs of a plan have the folders of their slots. It is
// relative to the job's working directory, since a cache's paths are.
const Folder = "ci-aws-smoke"

// YAML is the child pipeline. What people chose stands in it as quoted data; job
// names, keys, paths and scripts are made of numbers.
//
// No job needs the repository, and a workspace that a runner uses again may hold
// the writer's files, which would be found there though the cache was empty. So
// the strategy is "empty" (GitLab Runner 17.3), which makes the workspace anew;
// "none" keeps it. https://docs.gitlab.com/ci/runners/configure_runners/#git-strategy
//
// Readers run after red writers too, else one fleet would hide the others.
func (p Plan) YAML(c Child) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", p.Summary())
	b.WriteString(`# Made by ci-aws smoke plan.
workflow:
  rules:
    - when: always
stages: [write, read, report]
variables:
  GIT_STRATEGY: empty
  CI_AWS_TIMEOUT: 10m
`)
	yamlVariable(&b, 1, "CI_AWS_SIZE", c.Size)
	yamlVariable(&b, 1, "CI_AWS_FILES", c.Files)
	if c.Image != "" {
		fmt.Fprintf(&b, "default:\n  image: %s\n", yamlQuote(c.Image))
	}
	b.WriteString(`.read:
  stage: read
  when: always
  dependencies: []
  artifacts:
    when: always
    expire_in: 1 day
    paths: [ci-aws-smoke-*.json]
`)
	for i, f := range p.Fleets {
		writerJob(&b, i, f)
	}
	for _, r := range p.Readers {
		p.readerJob(&b, r)
	}
	p.reportJob(&b)
	return b.String()
}

// Summary says in a sentence or two what the plan runs, with a warning if that is
// much.
func (p Plan) Summary() string {
	how := "each reads the first's cache, and the first reads all"
	if p.Full {
		how = "each reads all caches"
	}
	text := fmt.Sprintf("%d jobs: %d fleets write, %s.", p.Jobs(), len(p.Fleets), how)
	if p.Jobs() > ManyJobs {
		text += fmt.Sprintf(" Warning: more than %d jobs, and an instance may limit those of a pipeline.", ManyJobs)
	}
	return text
}

func writerJob(b *strings.Builder, i int, f Fleet) {
	fmt.Fprintf(b, "write-%s:\n  stage: write\n", Slot(i))
	yamlTags(b, f)
	b.WriteString("  variables:\n")
	yamlVariable(b, 2, "CI_AWS_FLEET", f.String())
	b.WriteString("  cache:\n")
	yamlCache(b, i, "push")
	fmt.Fprintf(b, "  script:\n    - ci-aws smoke write --dir %s/%s\n", Folder, Slot(i))
}

func (p Plan) readerJob(b *strings.Builder, r Reader) {
	fmt.Fprintf(b, "%s:\n  extends: .read\n", r.name())
	yamlTags(b, p.Fleets[r.Fleet])
	b.WriteString("  variables:\n")
	yamlVariable(b, 2, "CI_AWS_FLEET", p.Fleets[r.Fleet].String())
	for _, w := range r.Writers {
		yamlVariable(b, 2, "EXPECT_"+Slot(w), p.Fleets[w].String())
	}
	b.WriteString("  cache:\n")
	for _, w := range r.Writers {
		yamlCache(b, w, "pull")
	}
	fmt.Fprintf(b, "  script:\n    - ci-aws smoke read --dir %s", Folder)
	for _, w := range r.Writers {
		fmt.Fprintf(b, ` --expect "$EXPECT_%s"`, Slot(w))
	}
	fmt.Fprintf(b, " --output json --file ci-aws-smoke-%s.json\n", r.name())
}

func (p Plan) reportJob(b *strings.Builder) {
	b.WriteString("report:\n  stage: report\n  when: always\n")
	yamlTags(b, p.Fleets[0])
	b.WriteString("  variables:\n")
	yamlVariable(b, 2, "CI_AWS_FLEETS", FleetsText(p.Fleets))
	if p.Full {
		yamlVariable(b, 2, "CI_AWS_FULL", "true")
	}
	b.WriteString(`  script:
    - set -- ci-aws-smoke-read-*.json
    - test -e "$1" || set --
    - ci-aws smoke report --output junit --file ci-aws-smoke.xml "$@" >/dev/null || true
    - ci-aws smoke report --output html --file ci-aws-smoke.html "$@"
  artifacts:
    when: always
    expire_in: 1 week
    paths: [ci-aws-smoke.html, ci-aws-smoke.xml]
    reports:
      junit: ci-aws-smoke.xml
`)
}

func yamlTags(b *strings.Builder, f Fleet) {
	b.WriteString("  tags:\n")
	for _, tag := range f.Tags {
		fmt.Fprintf(b, "    - %s\n", yamlQuote(tag))
	}
}

func yamlCache(b *strings.Builder, i int, policy string) {
	fmt.Fprintf(b, "    - key: ci-aws-smoke-$CI_PIPELINE_ID-%s\n      paths: [%s/%s/]\n      policy: %s\n", Slot(i), Folder, Slot(i), policy)
}

// yamlVariable writes a variable whose value GitLab takes as it stands, if it has one.
func yamlVariable(b *strings.Builder, indent int, name, value string) {
	if value != "" {
		fmt.Fprintf(b, "%s%s: {value: %s, expand: false}\n", strings.Repeat("  ", indent), name, yamlQuote(value))
	}
}

// yamlQuote writes a text as a double-quoted scalar of YAML, in which nothing but
// what is printable stands for itself. The text is UTF-8.
// https://yaml.org/spec/1.2.2/#57-escaped-characters
func yamlQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteString(`\` + string(r))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
