// Command runtests runs all tests of the module and counts them. It is what
// "make test" ends in: failures as they happen, one line a package, and last
// how many tests passed, failed and were skipped, and why those were.
//
// Packages whose tests start no process may be answered from Go's test cache;
// the others run anew each time. In CI (CI=true) a skipped test is a failure:
// there, everything that the tests need has to be had.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Stdout, os.Getenv("CI") == "true")
	stop()
	os.Exit(code)
}

func run(ctx context.Context, out io.Writer, ci bool) int {
	if path, err := parts.BuildMinIO(ctx, out); err != nil {
		fmt.Fprintln(out, "runtests: building MinIO:", err)
	} else {
		fmt.Fprintln(out, "runtests: MinIO is", path)
	}

	packages, err := listPackages(ctx)
	if err != nil {
		fmt.Fprintln(out, "runtests:", err)
		return 1
	}
	cacheable, starting := split(packages)
	c := newCounter(out)
	ok := true
	for _, group := range []struct{ flags, packages []string }{{nil, cacheable}, {[]string{"-count=1"}, starting}} {
		if len(group.packages) == 0 {
			continue
		}
		if err := goTest(ctx, c, append(group.flags, group.packages...)); err != nil {
			ok = false
			if !errors.As(err, new(*exec.ExitError)) { // else go test has said it itself
				fmt.Fprintln(out, "runtests: go test:", err)
			}
		}
	}
	return c.close(ok, ci)
}

// goTest runs go test with args and feeds its events to c. A test that fails is
// an error too.
func goTest(ctx context.Context, c *counter, args []string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = c.out
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			c.line(line)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintln(c.out, "runtests: reading go test:", err)
			}
			return cmd.Wait()
		}
	}
}
