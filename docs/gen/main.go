// Command gen writes docs/commands.md, docs/checks.md, docs/matrix.svg and the schema of
// ci-aws.yaml from the code. With -check it writes nothing and fails where a file is not what it would write.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"gitlab.com/ci-aws/ci-aws/internal/cli"
	"gitlab.com/ci-aws/ci-aws/internal/render"
)

func main() {
	check := flag.Bool("check", false, "fail where a file is not current, write nothing")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "docs/gen:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	checked, err := checks(os.DirFS(setups))
	if err != nil {
		return err
	}
	drawn, err := picture()
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range []struct{ path, text string }{
		{"docs/commands.md", cli.Reference()},
		{"docs/checks.md", checked},
		{"docs/matrix.svg", drawn},
		{render.SchemaFile, render.Schema()},
	} {
		errs = append(errs, write(file.path, file.text, check))
	}
	return errors.Join(errs...)
}

// write writes a file or, where it is only checked, compares it.
func write(path, want string, check bool) error {
	if !check {
		return os.WriteFile(path, []byte(want), 0o644) //nolint:gosec // a file of the repository, read by all
	}
	got, err := os.ReadFile(path) //nolint:gosec // one of the paths above
	if err != nil {
		return err
	}
	if string(got) != want {
		return errors.New(path + " is not current: run make docs")
	}
	return nil
}
