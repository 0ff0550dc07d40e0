package cli

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

const smokePlanDescription = `Prints a child pipeline in which fleets of runners write caches and read each other's.
A fleet is the tags that select it, with commas between. All read the first fleet's
cache, and the first reads all; with --full every fleet reads every other's. The jobs
need an image with a shell and ci-aws in PATH.

   ci-aws smoke plan --fleet fargate-small --fleet cluster,kubernetes --image registry.example.com/with-ci-aws:1
   ci-aws smoke plan --fleets 'fargate-small; cluster,kubernetes' --full --size 10MiB --image registry.example.com/with-ci-aws:1`

func smokePlanCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "print the child pipeline that tests the cache", Description: smokePlanDescription,
		Flags: append([]cli.Flag{
			listFlag("fleet", "test the fleet that `TAGS` select; repeatable, 2 to 50"),
			stringFlag("fleets", "test the fleets `TAGS;TAGS…`, in place of --fleet"),
			boolFlag("full", "let every fleet read every cache, up to 8 fleets"),
			stringFlag("image", "run the jobs in `IMAGE` (the runner's own)"),
			stringFlag("size", "let each file have `SIZE` (1MiB)"),
			stringFlag("files", "let each fleet write `N` files (10)"),
		}, commonFlags()...),
		Action: action(io, t, func(_ context.Context, s settings) error {
			return smokePlanOptions{s}.run(io, t)
		}),
	}
}

type smokePlanOptions struct{ settings settings }

func (o smokePlanOptions) run(io IO, t *talk) error {
	if err := noArgs(o.settings.c); err != nil {
		return err
	}
	o.settings.warnOfOutranked(t)
	plan, err := o.settings.smokePlan()
	if err != nil {
		return err
	}
	child, err := o.child(t)
	if err != nil {
		return err
	}
	if plan.Jobs() > smoke.ManyJobs {
		t.warn(fmt.Sprintf("the pipeline has %d jobs, more than %d", plan.Jobs(), smoke.ManyJobs))
	}
	_, err = fmt.Fprint(io.Out, plan.YAML(child))
	return writeFailed(err)
}

// smokePlan is the plan of --fleet or --fleets, and --full.
func (s settings) smokePlan() (smoke.Plan, error) {
	full, err := s.yes("full")
	if err != nil {
		return smoke.Plan{}, err
	}
	fleets, from, err := s.fleets()
	if err != nil {
		return smoke.Plan{}, err
	}
	plan, err := smoke.NewPlan(fleets, full)
	if err != nil {
		return smoke.Plan{}, wrong(from, "%v", err)
	}
	return plan, nil
}

// fleets are those of --fleet, else of --fleets or its variable, with the setting
// that they came from.
func (s settings) fleets() ([]smoke.Fleet, report.Value, error) {
	all, err := s.value("fleets")
	if err != nil {
		return nil, all, err
	}
	if !s.c.IsSet("fleet") {
		if !all.Known() {
			return nil, all, &hintedError{
				usagef("no fleet is given"),
				[]string{`name two fleets or more by the tags of their runners: --fleet fargate-small --fleet cluster,kubernetes`},
			}
		}
		fleets, err := smoke.ParseFleets(all.Text)
		if err != nil {
			err = wrong(all, "%v", err)
		}
		return fleets, all, err
	}
	if s.c.IsSet("fleets") {
		return nil, all, usagef("reading --fleets: --fleet is given too, and one of them is enough")
	}
	each, err := s.values("fleet")
	var fleets []smoke.Fleet
	for _, v := range each {
		f, err := smoke.ParseFleet(v.Text)
		if err != nil {
			return nil, v, wrong(v, "%v", err)
		}
		fleets = append(fleets, f)
	}
	return fleets, report.Value{From: "--fleet"}, err
}

// child reads what the jobs are given.
func (o smokePlanOptions) child(t *talk) (smoke.Child, error) {
	image, err := o.settings.value("image")
	if err != nil {
		return smoke.Child{}, err
	}
	// What the child's writers would refuse is refused here. Of their content only
	// size and number are known.
	_, size, files, err := o.settings.sized(smoke.Content{Pipeline: "1", Fleet: "any", Size: smoke.DefaultSize, Files: smoke.DefaultFiles})
	if err != nil {
		return smoke.Child{}, err
	}
	if strings.ContainsFunc(image.Text, func(r rune) bool { return r == utf8.RuneError || r <= ' ' || !unicode.IsPrint(r) }) {
		return smoke.Child{}, wrong(image, "%q is not the name of an image", report.Clean(image.Text))
	}
	if !image.Known() {
		t.warn("no --image is given: the jobs run in the image that each runner has by default, and that must have ci-aws in PATH")
	}
	return smoke.Child{Image: image.Text, Size: size.Text, Files: files.Text}, nil
}
