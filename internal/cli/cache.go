package cli

import (
	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const cacheDescription = `Proves what a role can do in the bucket of a runner's cache.

   ci-aws cache check --bucket my-super-duper-gitlab-runner-cache
   ci-aws cache check --config config.toml --runner fargate-small`

func cacheCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "cache", Usage: "what this role can do in the bucket of a cache", Description: cacheDescription,
		Subcommands: []*cli.Command{cacheCheckCommand(io, t)},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usagef("cache: want check")
			}
			return usagef("cache: unknown command %q: want check", report.Clean(c.Args().First()))
		},
	}
}
