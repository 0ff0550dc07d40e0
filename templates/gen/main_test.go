package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestComponentIsCurrent(t *testing.T) {
	if err := run("../..", true); err != nil {
		t.Error(err)
	}
}

func TestAStaleComponentIsNotedAndWrittenAnew(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, "templates", "ci-aws.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write("# one\nspec:\n---\n.ci-aws: {}\n")
	if err := run(root, false); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true); err != nil {
		t.Errorf("what was just written is not current: %v", err)
	}

	write("# two\nspec:\n---\n.ci-aws: {}\n")
	if err := run(root, true); err == nil {
		t.Error("a changed template leaves component.yml current")
	}
	if err := run(root, false); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "component.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := header + "# two\nspec:\n---\n.ci-aws: {}\n"; string(got) != want {
		t.Errorf("component.yml is %q, want %q", got, want)
	}
}
