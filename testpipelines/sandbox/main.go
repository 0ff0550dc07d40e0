// Command sandbox runs a command as a job pod on EKS would, against AWS's
// issuers, STS, S3 and Pod Identity agent as package awsfake plays them on
// loopback. Nothing leaves the machine.
//
//	sandbox [flags] [--] COMMAND [ARG…]
//
// Everything is as it should be unless a flag breaks it. Its exit code is the
// command's own, 128+n after a signal, 126 or 127 when the command could not be
// run, 125 for its own failures.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}, os.Environ()))
}
