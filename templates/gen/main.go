// Command gen writes component.yml, the whole wiring in one file for projects
// that cannot include a component of the catalog, from the templates. With
// -check it writes nothing and fails where the file is not what it would write.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

const header = `# ci-aws for include: project, remote or local; generated from templates/ci-aws.yml by "make docs", do not edit.
`

func main() {
	check := flag.Bool("check", false, "fail where component.yml is not current, write nothing")
	flag.Parse()
	if err := run(".", *check); err != nil {
		fmt.Fprintln(os.Stderr, "templates/gen:", err)
		os.Exit(1)
	}
}

// run writes component.yml under root, or compares it.
func run(root string, check bool) error {
	template, err := os.ReadFile(filepath.Join(root, "templates", "ci-aws.yml"))
	if err != nil {
		return err
	}
	want, err := component(template)
	if err != nil {
		return err
	}
	path := filepath.Join(root, "component.yml")
	if !check {
		return os.WriteFile(path, want, 0o644) //nolint:gosec // a file of the repository, read by all
	}
	got, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("component.yml is not current: run make docs")
	}
	return nil
}

// component is the template of the hidden jobs under a first line that says
// what the file is.
func component(template []byte) ([]byte, error) {
	if !bytes.HasPrefix(template, []byte("#")) || !bytes.Contains(template, []byte("\nspec:\n")) {
		return nil, errors.New("templates/ci-aws.yml: wants a comment, then spec")
	}
	return append([]byte(header), template...), nil
}
