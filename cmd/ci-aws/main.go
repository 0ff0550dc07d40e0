// Command ci-aws gives a GitLab job the credentials of its AWS role, and says
// which reference is wrong when it cannot.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

func main() {
	// A signal that is ignored stays so, for nohup and background jobs.
	ends := []os.Signal{syscall.SIGTERM, syscall.SIGQUIT}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			ends = append(ends, s)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	// Asking for signals takes a tenth of the time of the whole program, so it is done beside the rest.
	ready := make(chan struct{})
	go func() {
		ended, stop := signal.NotifyContext(ctx, ends...)
		close(ready)
		defer stop()
		<-ended.Done()
		cancel()
	}()
	os.Exit(cli.Run(ctx, os.Args, cli.IO{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Now: time.Now, Ready: ready,
	}))
}
