package testpipelines_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestEveryDirectDependencyHasItsReason(t *testing.T) {
	text, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	table := strings.ReplaceAll(string(text), "`…/", "`github.com/aws/aws-sdk-go-v2/")
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1)
	if len(direct) < 5 {
		t.Fatalf("only %d direct dependencies in go.mod", len(direct))
	}
	for _, module := range direct {
		if !regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(module[1]) + "` \\| .+ \\|$").MatchString(table) {
			t.Errorf("CONTRIBUTING.md does not say why %s is there", module[1])
		}
	}
}

func TestEveryTargetIsExplained(t *testing.T) {
	_, targets, _ := strings.Cut(read(t, "../Makefile"), ".PHONY: ")
	targets, _, _ = strings.Cut(targets, "\n")
	page := read(t, "../CONTRIBUTING.md")
	if len(strings.Fields(targets)) < 5 {
		t.Fatalf("targets of the Makefile: %q", targets)
	}
	for target := range strings.FieldsSeq(targets) {
		if !regexp.MustCompile("(?m)^\\| (`[^|]*`, )?`make " + target + "[ `]").MatchString(page) {
			t.Errorf("CONTRIBUTING.md does not say what make %s is for", target)
		}
	}
}
