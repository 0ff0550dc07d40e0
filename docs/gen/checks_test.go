package main

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

func TestEachCheckHasOneAnchorAndEachCaseItsPlace(t *testing.T) {
	page, err := checks(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range catalogue.All() {
		if n := strings.Count(page, "\n## "+c.Check+"\n"); n != 1 {
			t.Errorf("%s has %d headings, want 1", c.Check, n)
		}
		if n := strings.Count(page, "\n**"+c.ID+"** ("); n != 1 {
			t.Errorf("the case %s stands %d times, want 1", c.ID, n)
		}
	}
}

func TestNoTextOfTheCatalogueIsTakenForMarkup(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"facts are no tags", "the role {role} (<role-from>)", `the role \<role> (\<role-from>)`},
		{"nor what stands in brackets a link", "[runners.kubernetes]", `\[runners.kubernetes\]`},
		{"code stays as it is", "add `id: { <name>: * }` to *", "add `id: { <name>: * }` to \\*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := markdown(tt.in); got != tt.want {
				t.Errorf("markdown(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
	page, err := checks(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	if tag := regexp.MustCompile("(?m)^[^`]*[^\\\\]<[a-z-]+>").FindString(page); tag != "" {
		t.Errorf("%q is a tag", tag)
	}
}

func TestATranscriptStandsBelowItsCase(t *testing.T) {
	page, err := checks(fstest.MapFS{"trust-denied.txt": {Data: []byte("fail ```\n\n")}})
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(page, "\n**trust-denied**")
	if within, _, _ := strings.Cut(after, "\n**"); !strings.Contains(within, "\n````console\nfail ```\n````\n") {
		t.Errorf("no transcript in\n%s", within)
	}
}
