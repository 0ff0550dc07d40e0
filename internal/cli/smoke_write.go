package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

const smokeWriteDescription = `Stores files in a folder for the cache to keep, and a manifest.json last. Their
content follows from the pipeline, the fleet, the size and the number of files, so
that ci-aws smoke read can make it anew and compare. Files of an earlier call are
replaced, as the manifest lists them; where any other file is in the way nothing is
removed. The job's cache must hold the folder, with policy: push and
$CI_PIPELINE_ID in its key.

   ci-aws smoke write --fleet fargate-small --dir ci-aws-smoke/01
   ci-aws smoke write --fleet cluster,kubernetes --dir ci-aws-smoke/02 --size 64MiB --files 4`

func smokeWriteCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "write", Usage: "store what other fleets are to find in the cache", Description: smokeWriteDescription,
		Flags: smokeFlags(
			"write for the fleet that `TAGS` select, with commas between", "write into the folder `DIR`, which is made if it is missing", "write for the pipeline `ID` (CI_PIPELINE_ID)",
			stringFlag("size", "let each file have `SIZE` (1MiB)"),
			stringFlag("files", "write `N` files, up to 1000 (10)"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return smokeWriteOptions{s}.run(ctx, io, t)
		}),
	}
}

type smokeWriteOptions struct{ settings settings }

func (o smokeWriteOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	side, err := s.smokeSide()
	if err != nil {
		return err
	}
	asJSON, err := s.asJSON()
	if err != nil {
		return err
	}
	content, err := o.content(side)
	if err != nil {
		return err
	}
	ctx, cancel := side.begin(ctx, io)
	defer cancel()
	m, err := smoke.Write(ctx, side.dir.Text, content, s.origin(), io.Now())
	if err != nil {
		room := smoke.SizeText(content.Size * int64(content.Files))
		return smokeHints(err, "let "+side.dir.From+" name a folder that this job can write, with room for "+room, "nothing of it is left: start the writer's job again")
	}
	text := fmt.Sprintf("%s of %s for %s in pipeline %s\n", catalogue.Count(content.Files, "file"), smoke.SizeText(content.Size), catalogue.Quote(content.Fleet), content.Pipeline)
	if asJSON {
		text = string(m.JSON())
	}
	_, err = fmt.Fprint(io.Out, t.redact.Redact(text))
	return writeFailed(err)
}

func (o smokeWriteOptions) content(side smokeSide) (smoke.Content, error) {
	s := o.settings
	c := smoke.Content{Pipeline: side.pipeline, Size: smoke.DefaultSize, Files: smoke.DefaultFiles}
	fleet, err := s.value("fleet")
	if err != nil {
		return c, err
	}
	if !fleet.Known() {
		return c, usagef("no fleet is given: give --fleet, the tags of this job with commas between")
	}
	if c.Fleet, err = s.fleet(fleet); err != nil {
		return c, err
	}
	c, _, _, err = s.sized(c)
	return c, err
}
