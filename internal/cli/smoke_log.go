package cli

import (
	"context"
	"errors"
	"fmt"
	goio "io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

const smokeLogDescription = `Says from a job's log what the runner did with each cache: where it looked, what
it found, stored or was denied. With two logs, of the job that stores a cache and of the
job that restores it, says what keeps them apart. FILE is the raw log, or - for stdin.
Exits with 1 where a cache is not what it should be, with 3 where the log does not tell.

   ci-aws smoke log job.log
   ci-aws smoke log writer.log reader.log
   curl --header "PRIVATE-TOKEN: $TOKEN" "$CI_API_V4_URL/projects/42/jobs/4711/trace" | ci-aws smoke log -`

func smokeLogCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "log", Usage: "say from job logs what became of the caches", Description: smokeLogDescription,
		ArgsUsage: "FILE | WRITER READER",
		Flags: slices.Concat([]cli.Flag{
			stringFlag("file", "write JSON or JUnit into `FILE`, and the text to stdout"),
			stringFlag("annotations", "write links to the failed checks into `FILE`, as artifacts:reports:annotations takes them"),
		}, commonFlags()),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return smokeLogOptions{s, s.c.Args().Slice()}.run(ctx, io, t)
		}),
	}
}

type smokeLogOptions struct {
	settings settings
	files    []string
}

func (o smokeLogOptions) run(ctx context.Context, io IO, t *talk) error {
	if err := o.check(); err != nil {
		return err
	}
	out, err := o.settings.reportForm()
	if err != nil {
		return err
	}
	if t.io.Ready != nil {
		<-t.io.Ready
	}
	logs := []runner.Log{}
	for _, file := range o.files {
		l, err := readJobLog(ctx, io, file)
		if err != nil {
			return err
		}
		logs = append(logs, l)
	}
	result := report.Report{Groups: []report.Group{{ID: "cache-log", Title: "the caches of " + logs[0].Name, Findings: logs[0].Findings()}}}
	if len(logs) == 2 {
		result.Groups = []report.Group{{
			ID: "cache-logs", Title: "the caches of " + logs[0].Name + " and " + logs[1].Name, Findings: runner.ComparePair(logs[0], logs[1]),
		}}
	}
	out.before = logsText(logs)
	out.siblings = []report.Sibling{{Key: "caches", Value: logsJSON(logs)}}
	return out.write(io, t, o.settings.job, result, "ci-aws smoke log")
}

func (o smokeLogOptions) check() error {
	switch n := len(o.files); {
	case n == 0:
		return usagef("smoke log: want a FILE, or - for stdin")
	case n > 2:
		return &hintedError{usagef("smoke log takes one log, or a writer's and a reader's, and %q is too much", report.Clean(o.files[2])), []string{"flags stand before FILE"}}
	case n == 2 && o.files[0] == "-" && o.files[1] == "-":
		return usagef("smoke log: both logs cannot come from stdin")
	case slices.Contains(o.files, ""):
		return usagef("smoke log: the name of the FILE is empty")
	}
	return nil
}

// readJobLog reads a log of any size.
func readJobLog(ctx context.Context, io IO, file string) (runner.Log, error) {
	name, in := "stdin", io.In
	if file != "-" {
		name = report.Clean(file)
		f, err := os.Open(file) //nolint:gosec // the user names it
		if err != nil {
			return runner.Log{}, unreadableLog(name, err)
		}
		defer f.Close()
		in = f
	}
	l, err := runner.ReadLog(untilDone{ctx, in})
	l.Name = name
	if err == nil {
		return l, nil
	}
	if ctx.Err() != nil {
		return l, ctx.Err()
	}
	return l, unreadableLog(name, err)
}

func unreadableLog(name string, err error) error {
	if errors.Is(err, runner.ErrUTF16) {
		return &hintedError{
			fmt.Errorf("reading the log %q: %w", name, err),
			[]string{"save it by curl --output FILE, or write it anew as UTF-8: Get-Content job.log | Set-Content -Encoding utf8 job-utf8.log"},
		}
	}
	return &hintedError{
		fmt.Errorf("reading the log %q: %w", name, bare(err)),
		[]string{"give the raw log of a job: Complete Raw on the job's page, or the API's projects/ID/jobs/ID/trace"},
	}
}

// untilDone stops reading when its context ends.
type untilDone struct {
	ctx context.Context // a Read has no parameter for it
	in  goio.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.in.Read(p)
}

// logsText shows each cache of each log, and what the runner said that was not
// understood.
func logsText(logs []runner.Log) string {
	var b strings.Builder
	for _, l := range logs {
		b.WriteString(l.Name)
		if l.Runner != "" {
			b.WriteString(", runner " + report.Clean(l.Runner))
		}
		b.WriteByte('\n')
		for _, u := range l.Caches {
			fmt.Fprintf(&b, "  %-9s%-12s%s%s\n", direction(u), u.Outcome, report.Clean(u.Key), useText(u))
			writeSaid(&b, u.Lines)
		}
		writeSaid(&b, l.Lines)
		if l.Dropped > 0 {
			fmt.Fprintf(&b, "           and %s more that was not understood\n", catalogue.Count(l.Dropped, "line"))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func writeSaid(b *strings.Builder, lines []string) {
	for _, line := range lines {
		b.WriteString("           the runner said: " + line + "\n")
	}
}

func direction(u runner.CacheUse) string {
	switch {
	case u.Save:
		return "save"
	case u.Fallback:
		return "fallback"
	}
	return "restore"
}

// useText is what is known of a cache beside its key and outcome.
func useText(u runner.CacheUse) string {
	var parts []string
	if u.Timed && u.Asked() {
		took := "under 1s" // by the sections, whose times are whole seconds
		if u.Took > 0 {
			took = u.Took.Round(time.Millisecond).String()
		}
		parts = append(parts, "in "+took)
	}
	if u.Transfer != "" {
		parts = append(parts, u.Transfer)
	}
	if u.Retries > 0 {
		parts = append(parts, "retries: "+strconv.Itoa(u.Retries))
	}
	text := ""
	if len(parts) > 0 {
		text = " (" + strings.Join(parts, ", ") + ")"
	}
	if u.URL != "" {
		text += "\n           " + report.Clean(u.URL)
	}
	return text
}

// smokeLogFields are what docs/commands.md says of the JSON.
const smokeLogFields = `
## The JSON of smoke log

` + "`caches` has an entry for each cache of each log, in order: `log` and `runner`, `action` (`restore` or `save`),\n`key`, `fallback` (true where the key is a fallback of the one before), `outcome` (`hit`, `miss`, `uploaded`,\n`present` (on the server already), `up-to-date` (not uploaded: unchanged on the runner), `local`, `no-url`, `denied`, `too-large`, `empty`, `failed`, `policy`, `skipped` or `unknown`),\n`url` (without its query, or `null`), `transfer` (`presigned`, `gocloud` or `null`), `answer` (S3's status, or\n`null`), `retries`, `bytes` and `limit_bytes` (of an archive that is too large, or `null`), `began` and `ended` (RFC 3339,\nor `null`), `seconds` (or `null`) and `said` (lines of the runner that were not understood).\n"

type logCache struct {
	Log      string   `json:"log"`
	Runner   *string  `json:"runner"`
	Action   string   `json:"action"`
	Key      string   `json:"key"`
	Fallback bool     `json:"fallback"`
	Outcome  string   `json:"outcome"`
	URL      *string  `json:"url"`
	Transfer *string  `json:"transfer"`
	Answer   *string  `json:"answer"`
	Retries  int      `json:"retries"`
	Bytes    *int64   `json:"bytes"`
	Limit    *int64   `json:"limit_bytes"`
	Began    *string  `json:"began"`
	Ended    *string  `json:"ended"`
	Seconds  *float64 `json:"seconds"`
	Said     []string `json:"said"`
}

func logsJSON(logs []runner.Log) []logCache {
	all := []logCache{}
	for _, l := range logs {
		for _, u := range l.Caches {
			c := logCache{
				Log: l.Name, Runner: known(l.Runner), Action: "restore", Key: report.Clean(u.Key), Fallback: u.Fallback, Outcome: string(u.Outcome),
				URL: known(u.URL), Transfer: known(u.Transfer), Answer: known(u.Status), Retries: u.Retries,
				Began: instant(u.Began), Ended: instant(u.Ended), Said: append([]string{}, u.Lines...),
			}
			if u.Save {
				c.Action = "save"
			}
			if u.Outcome == runner.TooLarge {
				c.Bytes, c.Limit = &u.Size, &u.Limit
			}
			if u.Timed {
				seconds := u.Took.Seconds()
				c.Seconds = &seconds
			}
			all = append(all, c)
		}
	}
	return all
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	s = report.Clean(s)
	return &s
}

func instant(at time.Time) *string {
	if at.IsZero() {
		return nil
	}
	s := at.UTC().Format(time.RFC3339Nano)
	return &s
}
