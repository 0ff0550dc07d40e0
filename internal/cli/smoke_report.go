package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

const smokeReportDescription = `Joins the results of readers, the JSON of ci-aws smoke read, into a matrix of which
fleet got what which fleet stored. With the fleets of the plan, what no result tells
is "no answer" and never a pass; without them, a writer that is no reader is "no answer".
What was not run is "implied" where some fleet got what the writer stored, and the
reader got what that fleet stored; else "not run".
--output is text, json, junit or html: one page with a picture, and no script.

   ci-aws smoke report --fleets 'fargate-small; cluster,kubernetes' ci-aws-smoke-read-*.json
   ci-aws smoke report --output html --file ci-aws-smoke.html ci-aws-smoke-read-*.json`

func smokeReportCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "report", Usage: "join the readers' results into a matrix", Description: smokeReportDescription,
		ArgsUsage: "RESULT.json…",
		Flags: append([]cli.Flag{
			listFlag("fleet", "expect answers about the fleet that `TAGS` select; repeatable, as for plan"),
			stringFlag("fleets", "expect answers about the fleets `TAGS;TAGS…`, as for plan"),
			boolFlag("full", "expect an answer of every fleet about every fleet, as for plan"),
			stringFlag("pipeline", "leave out results of other pipelines than `ID` (CI_PIPELINE_ID, else that of the first result)"),
			stringFlag("file", "write JSON, JUnit or HTML into `FILE`, and the text to stdout"),
		}, commonFlags()...),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return smokeReportOptions{s}.run(ctx, io, t)
		}),
	}
}

type smokeReportOptions struct{ settings settings }

func (o smokeReportOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	form, err := s.reportForm("html")
	if err != nil {
		return err
	}
	plan, err := o.plan()
	if err != nil {
		return err
	}
	paths := s.c.Args().Slice()
	if len(paths) == 0 && plan == nil {
		return usagef("smoke report: want a RESULT.json of ci-aws smoke read, or the fleets of the plan")
	}
	pipeline, err := s.value("pipeline")
	if err != nil {
		return err
	}
	var files []smoke.File
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		result, err := smoke.ReadResult(path)
		files = append(files, smoke.File{Path: path, Result: result, Err: err})
	}
	m := smoke.Join(plan, pipeline.Or(s.job.Value("CI_PIPELINE_ID")).Text, files)
	form.before = m.Text()
	form.html = m.HTML
	form.siblings = []report.Sibling{{Key: "matrix", Value: m.JSON()}}
	return form.write(io, t, s.job, m.Report(), "ci-aws smoke report")
}

// plan is what the pipeline asked for; nil where no fleets are given.
func (o smokeReportOptions) plan() (*smoke.Plan, error) {
	s := o.settings
	all, err := s.value("fleets")
	if err != nil {
		return nil, err
	}
	if !s.c.IsSet("fleet") && !all.Known() {
		return nil, nil
	}
	plan, err := s.smokePlan()
	if err != nil {
		return nil, err
	}
	return &plan, nil
}

// smokeFields are what docs/commands.md says of the JSON.
const smokeFields = `
## The JSON of smoke

` + "`smoke read` writes `schema` (1), `verdict` and `findings` as doctor does, and `smoke`: `pipeline`,\n`reader` (`fleet`, `job`, `runner`, `host`), `fallback_key` (CACHE_FALLBACK_KEY of its job) and\n`cells`, one for each fleet that was expected: `writer` (the fleet), `verdict` (`hit`, `miss`,\n`stale`, `corrupt`, `partial`, `not proven` or `unreadable`), `files` (that are corrupt, missing or unreadable, the first five) and\n`more` (how many others), `why`, `leftover` (of a miss: the writer's own files lie there),\n`untold` (of a hit: whether they lie there cannot be told), `pipeline` and `by` (`job`, `runner`,\n`host`) as the manifest says, `bytes` that were compared, and `seconds`.\n\n`smoke report` writes the same and `matrix`: `pipeline`, `fleets`, and `fields` (`writer`, `reader`,\n`state`: a verdict, `no answer`, `implied` or `not run`), by writer, then by reader.\n\n`manifest.json` has `schema` (1), `fleet`, `pipeline`, `job`, `runner`, `host`, `written`, `size` of\neach file in bytes, and `files` (`name`, `sha256`, `inode`, and `changed`: when the kernel last\nchanged it; `born`: when it was made; `modified`: when its bytes were; no program sets the first two).\n"
