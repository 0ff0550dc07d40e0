package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
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
		Flags: append([]cli.Flag{
			stringFlag("fleet", "write for the fleet that `TAGS` select, with commas between"),
			stringFlag("dir", "write into the folder `DIR`, which is made if it is missing"),
			stringFlag("size", "let each file have `SIZE` (1MiB)"),
			stringFlag("files", "write `N` files, up to 1000 (10)"),
			stringFlag("pipeline", "write for the pipeline `ID` (CI_PIPELINE_ID)"),
		}, commonFlags()...),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return smokeWriteOptions{s}.run(ctx, io, t)
		}),
	}
}

type smokeWriteOptions struct{ settings settings }

func (o smokeWriteOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	if err := noArgs(s.c); err != nil {
		return err
	}
	asJSON, err := s.asJSON()
	if err != nil {
		return err
	}
	timeout, _, err := s.duration("timeout", time.Millisecond, maxTimeout, defaultTimeout)
	if err != nil {
		return err
	}
	dir, err := s.folder()
	if err != nil {
		return err
	}
	content, err := o.content()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if io.Ready != nil {
		<-io.Ready
	}
	m, err := smoke.Write(ctx, dir.Text, content, s.origin(), io.Now())
	if err != nil {
		return smokeHints(err, "let "+dir.From+" name a folder that this job can write, with room for "+smoke.SizeText(content.Size*int64(content.Files)))
	}
	text := fmt.Sprintf("%s of %s for %s in pipeline %s\n", catalogue.Count(content.Files, "file"), smoke.SizeText(content.Size), catalogue.Quote(content.Fleet), content.Pipeline)
	if asJSON {
		text = string(m.JSON())
	}
	_, err = fmt.Fprint(io.Out, t.redact.Redact(text))
	return writeFailed(err)
}

// folder is --dir.
func (s settings) folder() (report.Value, error) {
	dir, err := s.value("dir")
	if err == nil && !dir.Known() {
		err = usagef("no folder is given: give --dir, and let the job's cache hold it")
	}
	return dir, err
}

func (o smokeWriteOptions) content() (c smoke.Content, err error) {
	s := o.settings
	c = smoke.Content{Size: smoke.DefaultSize, Files: smoke.DefaultFiles}
	pipeline, err := s.pipeline()
	if err != nil {
		return c, err
	}
	fleet, err := s.value("fleet")
	if err != nil {
		return c, err
	}
	if !fleet.Known() {
		return c, usagef("no fleet is given: give --fleet, the tags of this job with commas between")
	}
	c.Pipeline = pipeline.Text
	if c.Fleet, err = s.fleet(fleet); err != nil {
		return c, err
	}
	size, err := s.value("size")
	if err != nil {
		return c, err
	}
	files, err := s.value("files")
	if err != nil {
		return c, err
	}
	if size.Known() {
		if c.Size, err = smoke.ParseSize(size.Text); err != nil {
			return c, wrong(size, "%v", err)
		}
	}
	if files.Known() {
		if c.Files, err = strconv.Atoi(files.Text); err != nil {
			return c, wrong(files, "%q is no number of files", report.Clean(files.Text))
		}
	}
	if err := c.Check(); err != nil {
		if c.Files < 1 || c.Files > smoke.MaxFiles {
			size = files
		}
		return c, wrong(size.Or(files), "%v", err)
	}
	return c, nil
}
