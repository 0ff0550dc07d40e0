package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

const cacheCheckDescription = `Stores objects in the bucket of a cache, asks about them, gets them back and compares,
lists and deletes them, and says how fast. They are under PREFIX/ci-aws-check/ and are
removed whatever happens; what could not be removed is a warning that names it, and
changes no exit code: a cache does without s3:DeleteObject. A GET without credentials
has to be refused. --expect says what the role is to be able to do: what goes beyond
it is a failure.

It proves the access of the role that it runs with, which is not how a cache is
reached: the runner manager signs for that, or assumes a role. --config takes over what
[runners.cache] and [runners.cache.s3] say of the place: ServerAddress, Insecure,
PathStyle, DualStack and Accelerate too, but no keys and no role. Without --timeout it
takes 30s, and 1s more for each MiB above 30. As in every command --endpoint-url is the
place of STS; that of S3 is --s3-endpoint-url, or AWS_ENDPOINT_URL for both. The
variables of --size and --expect are CI_AWS_CACHE_SIZE and CI_AWS_CACHE_EXPECT.

   ci-aws cache check --bucket my-super-duper-gitlab-runner-cache --prefix runners-all
   ci-aws cache check --config config.toml --runner fargate-small --size 256MiB
   ci-aws cache check --bucket my-super-duper-gitlab-runner-cache --expect none`

func cacheCheckCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "store, get and delete objects in a cache's bucket", Description: cacheCheckDescription,
		Flags: withCommon(
			stringFlag("bucket", "try the bucket `NAME` (BucketName of --config)"),
			stringFlag("prefix", "store below `PREFIX` (Path of --config)"),
			stringFlag("s3-endpoint-url", "call S3 at `URL`, which --endpoint-url does not move (ServerAddress of --config, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)"),
			stringFlag("sse", "ask for encryption by `KIND`: AES256, aws:kms or aws:kms:dsse (ServerSideEncryption of --config, the bucket's default)"),
			stringFlag("kms-key-id", "encrypt with the KMS key `KEY`, an ARN, id or alias (ServerSideEncryptionKeyID of --config)"),
			stringFlag("expect", "the role is to have `ACCESS`: read-write, read or none (read-write)"),
			stringFlag("size", "send an object of `SIZE` in parts, 6MiB to 1GiB (8MiB)"),
			stringFlag("config", "take bucket, prefix, region, host and encryption from the runner's configuration `FILE` (config.toml)"),
			stringFlag("runner", "take the runner `NAME` of that file"),
			stringFlag("file", "write JSON or JUnit into `FILE`, and the text to stdout"),
			stringFlag("annotations", "write links to the failed checks into `FILE`, as artifacts:reports:annotations takes them"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return cacheCheckOptions{settings: s}.run(ctx, io, t)
		}),
	}
}

// cacheCheckFields documents what its JSON has beside the findings.
const cacheCheckFields = `
## The JSON of cache check

That of doctor, and ` + "`transfer`" + `: ` + "`bytes`" + ` of the object that went in parts, its number of ` + "`parts`" + `,
how many went at once (` + "`parallel`" + `), and ` + "`up`" + ` and ` + "`down`" + `, each with ` + "`seconds`" + ` and ` + "`mib_per_second`" + `.
What was not done is ` + "`null`" + `.
`

type cacheCheckOptions struct {
	settings settings
	trial    cache.Trial
	runner   *runner.Runner   // whose configuration was read; nil for none
	config   []report.Finding // what that says of its cache
	timeout  time.Duration
}

func (o cacheCheckOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	if err := noArgs(s.c); err != nil {
		return err
	}
	out, err := s.reportForm()
	if err != nil {
		return err
	}
	out.times = true
	out.siblings = []report.Sibling{{Key: "transfer", Value: (*cache.Transfer)(nil)}}
	req, r, err := o.prepare()
	if err != nil {
		return err
	}
	var done tested
	if o.trial.Bucket.Name.Known() {
		if done, err = o.check(ctx, req, t); err != nil {
			return err
		}
		out.siblings[0].Value = done.result.Transfer
	}
	r.Groups = append(r.Groups, done.groups...)
	r.Groups = append(r.Groups, o.access(r, done))
	return out.write(io, t, s.job, r, "ci-aws cache check")
}

// prepare reads what is to be tried, and gives what is to be said of that. A
// variable that cannot be used is a finding, and then there is nothing to try.
func (o *cacheCheckOptions) prepare() (req identity.Request, r report.Report, err error) {
	if req, err = o.settings.request(); err == nil {
		err = o.read(req)
	}
	if setting, ok := errors.AsType[*settingError](err); ok && !setting.flag {
		o.trial, o.runner = cache.Trial{}, nil
		return req, wrongSetting(setting), nil
	}
	if len(o.config) > 0 {
		r.Groups = append(r.Groups, report.Group{ID: "config", Title: "the runner's configuration", Findings: o.config})
	}
	return req, r, err
}

// check gets a session and tries the bucket with it. Where there is none, the
// finding says why, and the bucket waits for it.
func (o *cacheCheckOptions) check(ctx context.Context, req identity.Request, t *talk) (tested, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout+req.Wait)
	defer cancel()
	done, cfg, err := o.session(ctx, req, t)
	if f, ok := identity.Finding(err); ok && exitCode(err) != exitUsage {
		return tested{groups: []report.Group{
			{ID: "identity", Title: "the identity", Findings: []report.Finding{f}},
			{ID: "bucket", Title: "the bucket", Findings: []report.Finding{catalogue.Waits("bucket-readable", f.ID)}},
		}}, nil
	}
	if err != nil {
		return tested{}, err
	}
	done.result = cache.Check(ctx, cfg, o.trial, done.who)
	done.groups = []report.Group{
		{ID: "bucket", Title: "the bucket", Findings: done.result.Bucket},
		{ID: "objects", Title: "its objects, with --expect " + o.trial.Expect.Text, Findings: done.result.Objects},
	}
	return done, nil
}

// session gets the credentials, and whose they are where the service tells it.
func (o *cacheCheckOptions) session(ctx context.Context, req identity.Request, t *talk) (done tested, cfg aws.Config, err error) {
	id, err := resolve(ctx, o.settings, t)
	if err == nil {
		if at := o.s3Endpoint(); at.Known() {
			err = id.CheckS3(at)
		}
	}
	if err != nil {
		return done, cfg, err
	}
	session, err := exchange(ctx, &id, t)
	if err == nil && !session.ARN.Known() && !id.FinalRole().Known() {
		// A server in place of AWS's may not have the call, and S3 is asked all the same.
		caller, cerr := id.Caller(ctx, session)
		switch {
		case cerr == nil:
			session = caller
		case !id.Endpoint.Known():
			err = cerr
		}
	}
	if err != nil {
		return done, cfg, err
	}
	arn, _ := iam.ParseAssumedRole(session.ARN.Text)
	done.who = cache.Caller{ARN: session.ARN.Or(id.FinalRole()).Text, Role: arn.Role, Account: session.Account.Text}
	if len(id.Foreign) > 0 {
		done.who.STS = req.Endpoint
	}
	if id.Source == identity.Ambient && len(id.Chain) == 0 {
		done.key = session.Keys.ID
	}
	o.trial.Bucket.CallRegion = id.Region
	cfg, err = id.UnboundConfig(session)
	return done, cfg, err
}

// s3Endpoint is where S3 is in place of AWS's own; unknown where there is none.
func (o *cacheCheckOptions) s3Endpoint() report.Value {
	j := o.settings.job
	if at := o.trial.Bucket.EndpointURL; at.Known() || j.True("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return at
	}
	return j.Value("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
}

// read takes the trial from the runner's configuration, and from flags in place
// of what that says.
func (o *cacheCheckOptions) read(req identity.Request) error {
	given := map[string]report.Value{}
	for _, flag := range []string{"bucket", "prefix", "s3-endpoint-url", "sse", "kms-key-id", "expect", "size", "config", "runner", "timeout"} {
		v, err := o.settings.value(flag)
		if err != nil {
			return err
		}
		given[flag] = v
	}
	if err := o.readConfig(given["config"], given["runner"], given["bucket"], req); err != nil {
		return err
	}
	b := &o.trial.Bucket
	if given["s3-endpoint-url"].Known() {
		b.PathStyle, b.DualStack, b.Accelerate = report.Value{}, report.Value{}, report.Value{} // they are of the file's own address
	}
	for at, v := range map[*report.Value]report.Value{
		&b.Name: given["bucket"], &b.Prefix: given["prefix"], &b.Region: req.Region,
		&b.EndpointURL: given["s3-endpoint-url"], &b.KMSKey: given["kms-key-id"], &o.trial.Encryption: given["sse"],
	} {
		*at = v.Or(*at)
	}
	o.settings.regionElse = b.Region
	if own := req.Source == identity.Ambient && !req.Role.Known() && len(req.Chain) == 0; own && !b.Region.Known() {
		o.settings.regionElse = report.Value{Text: anyRegion, From: "the default"} // there are keys already, and S3 tells the bucket's
	}
	if !b.Name.Known() && len(o.config) == 0 {
		return usagef("cache check: want --bucket, or --config with a runner that has a cache")
	}
	if err := o.readEncryption(given["sse"], given["kms-key-id"]); err != nil {
		return err
	}
	if err := o.readExpect(given["expect"]); err != nil {
		return err
	}
	return o.readSize(given["size"], given["timeout"], req.Timeout)
}

// anyRegion is a region that can be asked where none is known.
const anyRegion = "us-east-1"

// readEncryption has seen what the runner's configuration says.
func (o *cacheCheckOptions) readEncryption(sse, key report.Value) error {
	switch {
	case sse.Known() && !slices.Contains([]string{"AES256", "aws:kms", "aws:kms:dsse"}, sse.Text):
		return wrong(sse, "unknown kind %q: want AES256, aws:kms or aws:kms:dsse", report.Clean(sse.Text))
	case o.trial.Encryption.Text == "AES256" && key.Known():
		return wrong(key, "a KMS key is for --sse aws:kms, and %s asks for AES256, which has none", o.trial.Encryption.From)
	case key.Known() && !o.trial.Encryption.Known():
		o.trial.Encryption = report.Value{Text: "aws:kms", From: key.From}
	}
	return nil
}

func (o *cacheCheckOptions) readExpect(v report.Value) error {
	o.trial.Expect = v.Or(report.Value{Text: string(cache.ReadWrite), From: "--expect"})
	if !slices.Contains([]cache.Expect{cache.ReadWrite, cache.Read, cache.None}, cache.Expect(o.trial.Expect.Text)) {
		return wrong(v, "unknown access %q: want read-write, read or none", report.Clean(v.Text))
	}
	return nil
}

// freeSize is what the usual timeout is enough for, in bytes; above it each MiB
// has a second more.
const freeSize = 30 << 20

func (o *cacheCheckOptions) readSize(size, given report.Value, timeout time.Duration) error {
	o.trial.Size = cache.DefaultSize
	if size.Known() {
		n, err := smoke.ParseSize(size.Text)
		switch shown := report.Clean(size.Text); {
		case err != nil && meantSize(size.Text) != "":
			return wrong(size, "%q is not a size: write %s", shown, meantSize(size.Text))
		case err != nil:
			return wrong(size, "%q is not a size of up to 1GiB, such as 8MiB", shown)
		case n < cache.MinSize:
			return wrong(size, "%q is less than 6MiB: the object goes in two parts or more, and S3 takes none below 5MiB but the last", shown)
		case n > cache.MaxSize:
			return wrong(size, "%q is more than 1GiB, the most that is sent", shown)
		}
		o.trial.Size = n
	}
	o.timeout, o.trial.Timeout = timeout, report.Value{From: given.From}
	if !given.Known() {
		o.timeout += time.Duration(max(o.trial.Size-freeSize, 0)>>20) * time.Second
		o.trial.Timeout.From = "the default"
	}
	o.trial.Timeout.Text = identity.ShortDuration(o.timeout)
	return nil
}

// meantSize is what was most likely meant by a size in another unit (8MB, 8M), or
// "".
func meantSize(text string) string {
	number := strings.TrimRight(text, "BKMGbkmg ")
	unit := strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(text[len(number):])), "B")
	if number == "" || strings.Trim(number, digits) != "" || len(unit) != 1 {
		return ""
	}
	return number + unit + "iB"
}
