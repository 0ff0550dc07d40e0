// Command gen writes the components, templates/*.yml, from their sources and the script blocks in templates/src;
// component.yml, which is the hidden jobs for other kinds of include; and docs/inputs.md from what they say of their
// inputs. With -check it writes nothing and fails where a file is not what it would write.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const notice = "# Generated from templates/src/%s by \"make templates\": do not edit.\n"

const componentHead = `# ci-aws in one file, for include: project, remote or local; generated from templates/src/ci-aws.yml by "make
# templates": do not edit. It holds hidden jobs only. A ready job is one that extends them:
#
#   whoami:
#     extends: .ci-aws
#     script: [ci-aws whoami]
#
`

func main() {
	check := flag.Bool("check", false, "fail where a file is not current, write nothing")
	flag.Parse()
	if err := run(".", *check); err != nil {
		fmt.Fprintln(os.Stderr, "templates/gen:", err)
		os.Exit(1)
	}
}

// A file is one that is generated: its path from the root, and its text.
type file struct{ path, text string }

// run writes the generated files under root, or compares them.
func run(root string, check bool) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	errs := []error{strangers(root, files)}
	for _, f := range files {
		path := filepath.Join(root, f.path)
		if !check {
			errs = append(errs, os.WriteFile(path, []byte(f.text), 0o644)) //nolint:gosec // a file of the repository, read by all
			continue
		}
		if got, err := os.ReadFile(path); err != nil {
			errs = append(errs, err)
		} else if string(got) != f.text {
			errs = append(errs, errors.New(f.path+" is not current: run make templates"))
		}
	}
	return errors.Join(errs...)
}

// generate makes every file, in a fixed order.
func generate(root string) ([]file, error) {
	src, err := readSource(root)
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(root, source, "*.yml"))
	if err != nil {
		return nil, err
	}
	var files []file
	var components []component
	for _, path := range paths {
		name := filepath.Base(path)
		text, err := src.expand(name)
		if err != nil {
			return nil, err
		}
		c, err := readComponent(strings.TrimSuffix(name, ".yml"), text)
		if err != nil {
			return nil, err
		}
		components = append(components, c)
		files = append(files, file{"templates/" + name, fmt.Sprintf(notice, name) + text})
		if name == "ci-aws.yml" {
			files = append(files, file{"component.yml", componentHead + text})
		}
	}
	if !slices.ContainsFunc(components, func(c component) bool { return c.name == "ci-aws" }) {
		return nil, errors.New(source + " has no ci-aws.yml")
	}
	page, err := inputsPage(root, src.version, components)
	return append(files, file{"docs/inputs.md", page}), err
}

// strangers reports components that have no source: GitLab would offer them.
func strangers(root string, files []file) error {
	paths, err := filepath.Glob(filepath.Join(root, "templates", "*.yml"))
	errs := []error{err}
	for _, path := range paths {
		name := "templates/" + filepath.Base(path)
		if !slices.ContainsFunc(files, func(f file) bool { return f.path == name }) {
			errs = append(errs, errors.New(name+" has no source in "+source))
		}
	}
	return errors.Join(errs...)
}
