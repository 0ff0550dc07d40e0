// Command gen writes docs/commands.md from the code. With -check it writes
// nothing and fails where the file is not what it would write.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

const path = "docs/commands.md"

func main() {
	check := flag.Bool("check", false, "fail where docs/commands.md is not current, write nothing")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "docs/gen:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	want := cli.Reference()
	if !check {
		return os.WriteFile(path, []byte(want), 0o644) //nolint:gosec // a file of the repository, read by all
	}
	got, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if string(got) != want {
		return errors.New(path + " is not current: run make docs")
	}
	return nil
}
