// Command peak runs a command and prints the most memory that it held at once,
// in bytes: the greatest resident set, which Linux also calls VmHWM. The
// command's own stdout is thrown away.
//
// It is a program of its own because a process starts with the peak of the one
// that it was forked from, and the bench, which holds a cloud, is large.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

func main() {
	bytes, err := peak(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "peak: error:", err)
		os.Exit(1)
	}
	fmt.Println(bytes)
}

func peak(ctx context.Context, args []string) (int64, error) {
	if len(args) == 0 {
		return 0, errors.New("want: peak COMMAND [ARG…]")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("running %q: %w", args, err)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("reading the command's usage: this platform tells none")
	}
	if runtime.GOOS == "darwin" {
		return usage.Maxrss, nil
	}
	return usage.Maxrss << 10, nil // all others count in KiB
}
