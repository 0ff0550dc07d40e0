package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

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

// smokeHints are what to do about a file's error. That a call was interrupted, or
// had no more time, is no fault of the folder's.
func smokeHints(err error, hint string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
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
