// Command sdkprobe is any user's tool: it takes its AWS identity from the
// default chain of the Go SDK and uses it.
//
//	sdkprobe whoami                   prints who the caller is, as JSON
//	sdkprobe outlive DURATION         the same, and again after that time
//	sdkprobe roundtrip s3://BUCKET/KEY writes an object, reads it back, deletes it
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sdkprobe: error:", err)
		os.Exit(1)
	}
}
