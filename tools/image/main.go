// Command image makes the container images of a release and brings them to a
// registry. An image is an OCI layout on disk, made of files alone: no daemon,
// no base image, and the same bytes each time.
//
//	image layout   -binaries DIR -parts DIR [-busybox] -version VERSION LAYOUT
//	image check    -binaries DIR [-busybox] -version VERSION LAYOUT
//	image digest   LAYOUT
//	image export   -platform linux/amd64 LAYOUT
//	image pushable LAYOUT REFERENCE
//	image push     LAYOUT REFERENCE
//
// Layout writes the image for linux/amd64 and linux/arm64 under one index. The
// binaries are DIR/ci-aws-linux-ARCH, the parts what scripts/image-parts.sh
// lays down; with -busybox the image has a shell. Check says what is wrong with
// a layout; digest prints what a registry will call it; export writes the files
// of one platform to stdout as a tar; push takes the user and password of the
// registry from CI_REGISTRY_USER and CI_REGISTRY_PASSWORD; pushable only looks
// whether the reference is free, or is this image already.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // main
	err := run(ctx, os.Args[1:], os.Stdout, os.Getenv)                                     //nolint:forbidigo // main
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "image: error:", err)
		os.Exit(1) //nolint:forbidigo // main
	}
}

func run(ctx context.Context, args []string, out io.Writer, getenv func(string) string) error {
	if len(args) == 0 {
		return errors.New("wants layout, check, digest, export, pushable or push")
	}
	var c contents
	var platform string
	flags := flag.NewFlagSet("image "+args[0], flag.ContinueOnError)
	flags.StringVar(&c.Binaries, "binaries", "", "folder of ci-aws-linux-amd64 and ci-aws-linux-arm64")
	flags.StringVar(&c.Parts, "parts", "", "folder of the CA certificates and of busybox")
	flags.BoolVar(&c.Busybox, "busybox", false, "the image with a shell")
	flags.StringVar(&c.Version, "version", "", "version of the release")
	flags.StringVar(&platform, "platform", "linux/amd64", "platform to export")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	operands := map[string]int{"layout": 1, "check": 1, "digest": 1, "export": 1, "pushable": 2, "push": 2}
	wanted, known := operands[args[0]]
	if !known {
		return fmt.Errorf("no command %q", args[0])
	}
	if flags.NArg() != wanted {
		return fmt.Errorf("%s wants %d operands and has %d", args[0], wanted, flags.NArg())
	}
	switch path := flags.Arg(0); args[0] {
	case "layout":
		return writeLayout(path, c)
	case "check":
		return check(path, c, out)
	case "digest":
		return printDigest(path, out)
	case "export":
		return export(path, platform, out)
	case "pushable":
		_, err := pushable(ctx, path, flags.Arg(1), out, getenv)
		return err
	default:
		return push(ctx, path, flags.Arg(1), out, getenv)
	}
}
