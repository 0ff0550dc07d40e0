// Command bench measures what is promised of the speed and size of ci-aws,
// each beside something that the same machine does in the same minutes,
// so that a slow or busy machine makes no difference to the ratio. It prints a
// table, writes it into docs/performance.md, and fails where a bound is missed.
//
//	go run ./testpipelines/bench [-runs N] [-write=false]
//
// It runs at the root of the module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args, environ []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	runs := flags.Int("runs", 200, "how often each program is timed")
	write := flags.Bool("write", true, "put the table into "+page)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *runs < 1 || flags.NArg() > 0 {
		return errors.New("want: bench [-runs N] [-write=false], N being 1 or more")
	}
	l, err := newLab(ctx, environ)
	if err != nil {
		return err
	}
	defer l.close()
	r, err := l.measure(ctx, *runs)
	if err != nil {
		return err
	}
	fmt.Fprint(out, r.markdown())
	if *write {
		if err := r.writeTo(page); err != nil {
			return err
		}
	}
	if missed := r.missed(); len(missed) > 0 {
		return fmt.Errorf("missed: %s", strings.Join(missed, "; "))
	}
	return nil
}
