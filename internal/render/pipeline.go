package render

import (
	"fmt"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// pipeline is the include: of a project that uses the roles, with a job for each
// of them that proves it, and the smoke test of the fleets. It is "" where there
// is neither.
func pipeline(d Description) string {
	if len(d.Jobs) == 0 && len(d.Fleets) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("include:\n")
	prefixes := jobPrefixes(d.accounts())
	for i, j := range d.Jobs {
		writeInclude(&b, d, "ci-aws",
			pair{"job-prefix", prefixes[i]},
			pair{"service-account", j.ServiceAccount.Text},
			pair{"role-arn", d.roleARN(j.Role.Text)},
			pair{"region", d.Region.Text},
			pair{"allowed-accounts", d.Account.Text},
		)
	}
	if len(d.Fleets) > 0 {
		inputs := []pair{{"fleets", smoke.FleetsText(d.smokeFleets())}}
		if d.Image.Known() {
			inputs = append(inputs, pair{"image", d.Image.Text})
		}
		if len(d.Jobs) > 0 && prefixes[0] != smokePrefix {
			inputs = append(inputs, pair{"job-prefix", smokePrefix})
		}
		writeInclude(&b, d, "cache-smoke", inputs...)
	}
	for i, j := range d.Jobs {
		b.WriteString("\n" + identityJob(d, j, prefixes[i]))
	}
	return b.String()
}

const smokePrefix = "ci-aws"

func writeInclude(b *strings.Builder, d Description, component string, inputs ...pair) {
	fmt.Fprintf(b, "  - component: %s\n    inputs:\n", yamlText(d.Component.Text+"/"+component+"@"+d.ComponentVersion.Text))
	for _, in := range inputs {
		fmt.Fprintf(b, "      %s: %s\n", in.name, yamlText(in.value))
	}
}

// jobPrefixes are the component's job-prefix for each service account: the first
// has the component's own, so that its jobs extend .ci-aws.
func jobPrefixes(accounts []string) []string {
	var names []string
	for i, account := range accounts {
		name := smokePrefix
		if i > 0 {
			name += "-" + account
		}
		names = append(names, name)
	}
	return unique(names, func(r rune) rune {
		if r == '.' {
			return '-'
		}
		return r
	})
}

func identityJob(d Description, j Job, prefix string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s-identity:\n  extends: .%s\n", prefix, prefix)
	if d.Image.Known() {
		fmt.Fprintf(&b, "  image: %s\n", yamlText(d.Image.Text))
	}
	if len(d.Fleets) > 0 {
		b.WriteString("  tags:\n")
		for _, tag := range d.Fleets[0].Tags {
			fmt.Fprintf(&b, "    - %s\n", yamlText(tag.Text))
		}
	}
	fmt.Fprintf(&b, "  script:\n    - %s\n", yamlText(strings.TrimSuffix(doctorCommand(d, j.ServiceAccount.Text, j.Role.Text), "\n")))
	return b.String()
}

// doctorCommand looks at a pod from inside, and expects what was described.
func doctorCommand(d Description, account, role string, more ...string) string {
	words := append([]string{"ci-aws", "doctor"}, more...)
	words = append(words, "--expect-service-account="+d.Namespace.Text+"/"+account, "--expect-role="+role, "--expect-account="+d.Account.Text)
	for i, w := range words {
		words[i] = report.ShellWord(w)
	}
	return strings.Join(words, " ") + "\n"
}
