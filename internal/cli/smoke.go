package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

const smokeDescription = `Proves the runners' cache between fleets, a fleet being the runners that one set of
tags selects: what a job on one stores with write, a job on another looks for with
read, by its content and no line of a log.

   ci-aws smoke write --fleet fargate-small --dir ci-aws-smoke/01
   ci-aws smoke read --expect fargate-small --dir ci-aws-smoke`

func smokeCommand(io IO, t *talk) *cli.Command {
	below := []*cli.Command{
		smokeWriteCommand(io, t), smokeReadCommand(io, t), smokePlanCommand(io, t), smokeReportCommand(io, t), smokeLogCommand(io, t),
	}
	var names []string
	for _, c := range below {
		names = append(names, c.Name)
	}
	want := "want one of " + strings.Join(names, ", ")
	return &cli.Command{
		Name: "smoke", Usage: "test the cache between fleets of runners", Description: smokeDescription,
		Subcommands: below,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usagef("smoke: %s", want)
			}
			return usagef("smoke: unknown command %q: %s", report.Clean(c.Args().First()), want)
		},
	}
}

// smokeFlags are the flags that writer and reader share, each in their own words,
// and those that only one of them has.
func smokeFlags(fleet, dir, pipeline string, own ...cli.Flag) []cli.Flag {
	return slices.Concat([]cli.Flag{stringFlag("fleet", fleet), stringFlag("dir", dir), stringFlag("pipeline", pipeline)}, own, commonFlags())
}

// smokeSide is what writer and reader are both given.
type smokeSide struct {
	dir      report.Value
	pipeline string
	timeout  time.Duration
}

func (s settings) smokeSide() (o smokeSide, err error) {
	if err = noArgs(s.c); err != nil {
		return o, err
	}
	if o.timeout, _, err = s.duration("timeout", time.Millisecond, maxTimeout, defaultTimeout); err != nil {
		return o, err
	}
	if o.dir, err = s.value("dir"); err != nil {
		return o, err
	}
	if !o.dir.Known() {
		return o, usagef("no folder is given: give --dir, and let the job's cache hold it")
	}
	pipeline, err := s.pipeline()
	o.pipeline = pipeline.Text
	return o, err
}

// begin starts the time that a writer or a reader has.
func (o smokeSide) begin(ctx context.Context, io IO) (context.Context, context.CancelFunc) {
	if io.Ready != nil {
		<-io.Ready
	}
	return context.WithTimeout(ctx, o.timeout)
}

// sized is that content with the size and the number of files that are given, each
// with where it came from.
func (s settings) sized(c smoke.Content) (_ smoke.Content, size, files report.Value, err error) {
	if size, err = s.value("size"); err != nil {
		return c, size, files, err
	}
	if files, err = s.value("files"); err != nil {
		return c, size, files, err
	}
	if size.Known() {
		if c.Size, err = smoke.ParseSize(size.Text); err != nil {
			return c, size, files, wrong(size, "%v", err)
		}
	}
	if files.Known() {
		if c.Files, err = strconv.Atoi(files.Text); err != nil {
			return c, size, files, wrong(files, "%q is no number of files", report.Clean(files.Text))
		}
	}
	if err := c.Check(); err != nil {
		from := size.Or(files)
		if c.Files < 1 || c.Files > smoke.MaxFiles {
			from = files
		}
		return c, size, files, wrong(from, "%v", err)
	}
	return c, size, files, nil
}

// pipeline is the pipeline in which a smoke test runs, the child's where there is
// one.
func (s settings) pipeline() (report.Value, error) {
	v, err := s.value("pipeline")
	if err != nil {
		return v, err
	}
	if v = v.Or(s.job.Value("CI_PIPELINE_ID")); !v.Known() {
		return v, &hintedError{
			usagef("the pipeline is not known: CI_PIPELINE_ID is not set"),
			[]string{"run it in a GitLab job, or give one --pipeline to writer and reader"},
		}
	}
	if err := smoke.CheckPipeline(v.Text); err != nil {
		return v, wrong(v, "%v", err)
	}
	return v, nil
}

// fleet reads tags with commas between, as plan does.
func (s settings) fleet(v report.Value) (string, error) {
	f, err := smoke.ParseFleet(v.Text)
	if err != nil {
		return "", wrong(v, "%v", err)
	}
	return f.String(), nil
}

// smokeHints are what to do about a file's error. That a call had no more time is
// no fault of the folder's; what to do when it was interrupted is said by again.
func smokeHints(err error, hint, again string) error {
	switch {
	case errors.Is(err, context.Canceled):
		return &hintedError{err, []string{again}}
	case errors.Is(err, context.DeadlineExceeded):
		return err
	}
	if _, foreign := errors.AsType[*smoke.ForeignError](err); foreign {
		hint = "let --dir name a folder of its own, or move that file away: nothing was removed"
	}
	return &hintedError{err, []string{hint}}
}

// origin is this job as manifests and results name it.
func (s settings) origin() smoke.Origin {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return smoke.Origin{Job: s.job.Get("CI_JOB_ID"), Runner: s.job.Get("CI_RUNNER_ID"), Host: host}
}

// runnerTags are the tags of the runner that runs this job; "" if not known.
// GitLab gives them as a JSON list.
func (s settings) runnerTags() string {
	var tags []string
	if json.Unmarshal([]byte(s.job.Get("CI_RUNNER_TAGS")), &tags) != nil || smoke.CheckFleet(strings.Join(tags, ",")) != nil {
		return ""
	}
	return strings.Join(tags, ",")
}
