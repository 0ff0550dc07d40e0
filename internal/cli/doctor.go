package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/doctor"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

const doctorDescription = `Checks, in the order of a diagnosis, all that lies between this pod and its role:
environment, token, claims, role, STS, the exchange, what other tools in the job
would use, and a bucket. The first line that failed names the wrong reference, with
the change that mends it. Checks that need no network run without one.

   ci-aws doctor
   ci-aws doctor --expect-role k8s-irsa-gitlab-jobs --expect-service-account gitlab/gitlab-jobs
   ci-aws doctor --as runner --config config.toml --output junit --file doctor.xml`

func doctorCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "which reference is wrong, and the change that mends it", Description: doctorDescription,
		Flags: withCommon(
			stringFlag("as", "the pod is a `KIND`: job, or runner for the runner manager (job)"),
			stringFlag("config", "read the runner's configuration `FILE` (config.toml)"),
			stringFlag("runner", "take the runner `NAME` of that file"),
			stringFlag("bucket", "see whether the bucket `NAME` can be read"),
			stringFlag("prefix", "look below `PREFIX` in the bucket"),
			stringFlag("expect-role", "fail unless the role is `ROLE`, an ARN or a name"),
			stringFlag("expect-account", "fail unless the role is in account `ID`"),
			stringFlag("file", "write JSON or JUnit into `FILE`, and the text to stdout"),
			stringFlag("annotations", "write links to the failed checks into `FILE`, as artifacts:reports:annotations takes them"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return doctorOptions{s}.run(ctx, io, t)
		}),
	}
}

type doctorOptions struct{ settings settings }

func (o doctorOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	if err := noArgs(s.c); err != nil {
		return err
	}
	if s.c.IsSet("wait") {
		return usagef("doctor asks once and does not wait: leave out --wait")
	}
	out, err := s.reportForm()
	if err != nil {
		return err
	}
	s.warnOfOutranked(t)
	req, err := s.request()
	var options doctor.Options
	if err == nil {
		options, err = o.options(req)
	}
	if setting, ok := errors.AsType[*settingError](err); ok && !setting.flag {
		return out.write(io, t, s.job, wrongSetting(setting), "ci-aws doctor")
	}
	if err != nil {
		return err
	}
	if io.Ready != nil {
		<-io.Ready
	}
	result := doctor.Run(ctx, s.job, req, options)
	t.redact.Add(result.Secrets...)
	return out.write(io, t, s.job, result.Report, "ci-aws doctor")
}

// wrongSetting is the report of a job whose settings do not say what to check.
func wrongSetting(e *settingError) report.Report {
	f := catalogue.Find("setting-wrong").Finding(catalogue.Facts{"what": e.Error(), "fix": e.hint()}, nil)
	return report.Report{Groups: []report.Group{{ID: "settings", Title: "the settings", Findings: []report.Finding{f}}}}
}

func (o doctorOptions) options(req identity.Request) (doctor.Options, error) {
	s := o.settings
	d := doctor.Options{Timeout: req.Timeout}
	as, err := s.value("as")
	if err != nil {
		return d, err
	}
	switch as.Text {
	case "", "job":
	case "runner":
		d.AsRunner = true
	default:
		return d, wrong(as, "unknown kind %q: want job or runner", report.Clean(as.Text))
	}
	if d.Expect, err = s.expectations(req); err != nil {
		return d, err
	}
	return d, o.runner(&d)
}

// maxConfig is how large a config.toml may be, in bytes.
const maxConfig = 1 << 20

// runner reads the runner's configuration, and takes the bucket that a flag or
// the configuration names. A file that cannot be read is a finding, so that the
// other checks still run.
func (o doctorOptions) runner(d *doctor.Options) error {
	s := o.settings
	var values [4]report.Value
	for i, flag := range []string{"config", "runner", "bucket", "prefix"} {
		v, err := s.value(flag)
		if err != nil {
			return err
		}
		values[i] = v
	}
	file, name := values[0], values[1]
	d.Bucket.Name, d.Bucket.Prefix = values[2], values[3]
	if name.Known() && !file.Known() {
		return wrong(name, "it names a runner of a file, and --config names none")
	}
	if d.Bucket.Prefix.Known() && !d.Bucket.Name.Known() && !file.Known() {
		return wrong(d.Bucket.Prefix, "it is a place in a bucket, and --bucket names none")
	}
	if !file.Known() {
		return nil
	}
	found, err := readRunner(file.Text, name.Text)
	if err != nil {
		f := runner.ErrorFinding(file.Text, err)
		d.Config = &f
		return nil
	}
	d.Runner = &found
	if !d.Bucket.Name.Known() {
		d.Bucket = bucketOf(found, d.AsRunner)
	}
	return nil
}

func readRunner(file, name string) (runner.Runner, error) {
	raw, err := identity.ReadFile(file, maxConfig)
	if err != nil {
		return runner.Runner{}, err
	}
	config, err := runner.Read(file, raw)
	if err != nil {
		return runner.Runner{}, err
	}
	return config.Pick(name)
}

func (s settings) expectations(req identity.Request) (e doctor.Expectations, err error) {
	e.ServiceAccount = req.ServiceAccount
	for flag, at := range map[string]*report.Value{"expect-role": &e.Role, "expect-account": &e.Account} {
		v, verr := s.value(flag)
		if verr != nil {
			err = verr
		}
		*at = v
	}
	if err != nil {
		return e, err
	}
	if v := e.Account; v.Known() && !isAccountID(v.Text) {
		return e, wrong(v, "%q is not an account id of 12 digits", report.Clean(v.Text))
	}
	return e, nil
}
