package cli

import (
	"context"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

const smokeReadDescription = `Says what this job's cache gave of each fleet that wrote: hit, miss, stale (of another
pipeline), corrupt or partial. It makes the content anew and compares every byte. DIR
holds a folder for each fleet, of any name. Exits with 1 unless all are hits, and
where CACHE_FALLBACK_KEY is set; with 3 where the worst is that a hit is not proven (one
runner ran both jobs, or the files seem older than the job by the clocks alone) or that
files are unreadable. Files that a writer left in the workspace are a miss where that can
be told: they have the inode and the time of change or of birth that their writer noted.
Files that something copied into the workspace cannot be told from a cache's.

   ci-aws smoke read --dir ci-aws-smoke --expect fargate-small --expect cluster,kubernetes
   ci-aws smoke read --dir ci-aws-smoke --expect fargate-small --output json --file result.json`

func smokeReadCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "read", Usage: "say what the cache gave of other fleets", Description: smokeReadDescription,
		Flags: smokeFlags(
			"call this job's own fleet `TAGS` (CI_RUNNER_TAGS)", "look in the folder `DIR`", "expect what the pipeline `ID` stored (CI_PIPELINE_ID)",
			listFlag("expect", "look for what the fleet of `TAGS` stored; repeatable, or with semicolons between fleets"),
			stringFlag("file", "write JSON or JUnit into `FILE`, and the text to stdout"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return smokeReadOptions{s}.run(ctx, io, t)
		}),
	}
}

type smokeReadOptions struct{ settings settings }

func (o smokeReadOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	side, err := s.smokeSide()
	if err != nil {
		return err
	}
	out, err := s.reportForm()
	if err != nil {
		return err
	}
	reading, err := o.reading(io, side)
	if err != nil {
		return err
	}
	ctx, cancel := side.begin(ctx, io)
	defer cancel()
	result, err := smoke.Read(ctx, reading)
	if err != nil {
		return smokeHints(err, "let --dir name the folder that this job's cache holds, as its cache:paths has it", "there is no verdict: start the reader's job again")
	}
	out.siblings = []report.Sibling{{Key: "smoke", Value: result}}
	return out.write(io, t, s.job, result.Report(reading.Dir), "ci-aws smoke read")
}

func (o smokeReadOptions) reading(io IO, side smokeSide) (r smoke.Reading, err error) {
	s := o.settings
	r = smoke.Reading{Dir: side.dir.Text, Pipeline: side.pipeline, Fleet: s.runnerTags(), By: s.origin(), FallbackKey: s.job.Get("CACHE_FALLBACK_KEY"), Now: io.Now}
	if r.Expect, err = o.expected(); err != nil {
		return r, err
	}
	own, err := s.value("fleet")
	if err != nil {
		return r, err
	}
	if own.Known() {
		if r.Fleet, err = s.fleet(own); err != nil {
			return r, err
		}
	}
	// GitLab writes it in this form; where it is another, the time is not known.
	if r.Started, err = time.Parse(time.RFC3339, s.job.Get("CI_JOB_STARTED_AT")); err != nil {
		r.Started = time.Time{}
	}
	return r, nil
}

// expected are the fleets of --expect; none stands twice. Tags hold spaces, so that the
// variable has semicolons between fleets, and no white space.
func (o smokeReadOptions) expected() ([]string, error) {
	s := o.settings
	values := []report.Value{s.job.Value(variable("expect"))}
	if s.c.IsSet("expect") {
		var err error
		if values, err = s.values("expect"); err != nil {
			return nil, err
		}
	}
	var fleets []smoke.Fleet
	for _, v := range values {
		for text := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(v.Text), ";"), ";") {
			if !v.Known() {
				return nil, usagef("no fleet is expected: give --expect, the tags of a fleet that wrote")
			}
			fleet, err := smoke.ParseFleet(text)
			if err != nil {
				return nil, wrong(v, "%v", err)
			}
			fleets = append(fleets, fleet)
		}
	}
	if twice, ok := smoke.Twice(fleets); ok {
		return nil, wrong(values[0], "the fleet %s is given twice", catalogue.Quote(twice.String()))
	}
	var texts []string
	for _, f := range fleets {
		texts = append(texts, f.String())
	}
	return texts, nil
}
