package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/awsconfig"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const configureDescription = `Writes a profile whose credential_process is this program with the flags given
here, so that every AWS tool gets fresh credentials for as long as the job runs.
Everything else in the file stays as it is. With --isolate it prints, for eval, the
lines that take away what AWS tools put before a profile; the profile holds then
all that those variables said.

   ci-aws configure --role-arn arn:aws:iam::123456789012:role/deploy --region eu-central-1
   ci_aws_env=$(ci-aws configure --isolate --check) || exit $?; eval "$ci_aws_env"
   ci-aws configure --remove`

func configureCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "configure", Usage: "write an AWS profile that calls credential-process", Description: configureDescription,
		Flags: withCommon(
			boolFlag("no-store", "let the profile neither use nor keep stored credentials"),
			listFlag("profile", "write the profile `NAME`; repeatable (default)"),
			stringFlag("file", "write `FILE` (AWS_CONFIG_FILE, else ~/.aws/config)"),
			boolFlag("isolate", "print lines that name the file and unset what outranks its profile; a new file keeps the other profiles of the one that AWS tools read before"),
			boolFlag("check", "get credentials once before anything is written"),
			boolFlag("log-section", logSectionUsage),
			boolFlag("force", "replace a profile that configure did not write"),
			boolFlag("remove", "take out the profiles that configure wrote, or those of --profile"),
		),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return configureOptions{s, s.c.Bool("force"), s.c.Bool("remove"), s.c.Bool("isolate"), s.c.Bool("check")}.run(ctx, io, t)
		}),
	}
}

type configureOptions struct {
	settings                      settings
	force, remove, isolate, check bool
}

func (o configureOptions) run(ctx context.Context, io IO, t *talk) error {
	if err := noArgs(o.settings.c); err != nil {
		return err
	}
	asJSON, err := o.settings.asJSON()
	if err != nil {
		return err
	}
	if o.remove && (o.isolate || o.check) {
		return usagef("configure --remove writes no profile: leave out --isolate and --check")
	}
	if o.isolate || o.check {
		return o.tried(ctx, io, t, asJSON)
	}
	req, err := o.checked(t)
	if err != nil {
		return err
	}
	profiles, file, err := o.target()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, req.Timeout)
	defer cancel()
	if o.remove {
		names, err := remove(ctx, file, profiles)
		if err != nil {
			return err
		}
		return done(io, asJSON, "removed", names, file)
	}
	if err := o.write(ctx, file, nil, profiles, req.Region.Text, pins{}); err != nil {
		return err
	}
	o.outranked(profiles, t)
	t.heading("profile " + strings.Join(profiles, ", ") + " in " + file)
	return done(io, asJSON, "written", profiles, file)
}

// checked is the request of a profile that is used later, perhaps elsewhere: what
// is wrong with it by itself is an error.
func (o configureOptions) checked(t *talk) (identity.Request, error) {
	o.settings.warnOfOutranked(t)
	req, err := o.settings.request()
	if err != nil {
		return req, err
	}
	if err := identity.Check(o.settings.job, req); err != nil {
		return req, err
	}
	ownRole := req.Source == identity.IRSA || req.Source == identity.GitLab // whose --role-arn is not chained
	if len(req.Chain) == 0 && (ownRole || !req.Role.Known()) {
		return req, o.settings.unheeded(req.Source, t)
	}
	return req, nil
}

// target is which profiles are meant, in which file. To remove, none are all.
func (o configureOptions) target() (names []string, file string, err error) {
	profiles, err := o.profiles()
	if err != nil {
		return nil, "", err
	}
	if names = texts(profiles); len(names) == 0 && !o.remove {
		names = []string{"default"}
	}
	file, err = o.file()
	return names, file, err
}

// remove takes profiles out, and says so where there is none.
func remove(ctx context.Context, file string, names []string) ([]string, error) {
	removed, err := awsconfig.Remove(ctx, file, names)
	if err != nil {
		return nil, notEdited(err, "take that section out by hand: configure removes only what it wrote")
	}
	if len(removed) == 0 {
		return nil, &hintedError{
			fmt.Errorf("removing profiles from %q: none of ci-aws is there", file),
			[]string{"name the file by --file, or set AWS_CONFIG_FILE, as when the profile was written"},
		}
	}
	return removed, nil
}

// profiles are the names that were given, each once.
func (o configureOptions) profiles() ([]report.Value, error) {
	profiles, err := o.settings.values("profile")
	for i, p := range profiles {
		switch {
		case awsconfig.CheckName(p.Text) != nil:
			return nil, wrong(p, "%v", awsconfig.CheckName(p.Text))
		case slices.Contains(profiles[:i], p):
			return nil, wrong(p, "%q is given twice", report.Clean(p.Text))
		}
	}
	return profiles, err
}

// write puts the profiles into the file, which begins as kept where it is new.
func (o configureOptions) write(ctx context.Context, file string, kept []byte, names []string, region string, pinned pins) error {
	argv, err := o.commandLine(pinned)
	if err != nil {
		return err
	}
	var profiles []awsconfig.Profile
	for _, name := range names {
		profiles = append(profiles, awsconfig.Profile{Name: name, Command: argv, Region: region})
	}
	set := awsconfig.Set
	if o.isolate {
		set = func(ctx context.Context, path string, profiles []awsconfig.Profile, force bool) error {
			return awsconfig.SetKept(ctx, path, kept, profiles, force)
		}
	}
	return notEdited(set(ctx, file, profiles, o.force), "choose another name by --profile, or replace it with --force")
}

// notEdited adds what to do about a file that was not edited; foreign is for a
// profile of somebody else.
func notEdited(err error, foreign string) error {
	if err == nil {
		return nil
	}
	hint := "let --file name an AWS config file, or a new one, in a folder of your own"
	if _, ok := errors.AsType[*awsconfig.ForeignError](err); ok {
		hint = foreign
	}
	return &hintedError{err, []string{hint}}
}

// file is the AWS config file that is meant. A shell, and each line of a job's
// $GITLAB_ENV, takes its name: so it has no control characters.
func (o configureOptions) file() (string, error) {
	file, err := o.settings.value("file")
	if err != nil {
		return "", err
	}
	j := o.settings.job
	file = file.Or(j.Value("AWS_CONFIG_FILE"))
	path := file.Text
	if !file.Known() {
		if file = j.Value("HOME"); !file.Known() {
			return "", &hintedError{errors.New("finding the AWS config file: HOME is not set"), []string{"give --file, or set AWS_CONFIG_FILE"}}
		}
		path = filepath.Join(file.Text, ".aws", "config")
	}
	if strings.ContainsFunc(path, breaksLine) {
		return "", wrong(file, "\"%s\" holds a line break or another control character", report.Clean(file.Text))
	}
	return path, nil
}

// breaksLine is for what ends a line somewhere, or is no character of a text.
func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// filePaths are the flags whose value is a path: the profile is used from other
// folders than this one.
var filePaths = map[string]bool{"token-file": true, "session-policy": true}

// commandLine is credential-process of this very program with the flags that
// were given, and with what is pinned.
func (o configureOptions) commandLine(pinned pins) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	if _, err := awsconfig.CommandLine([]string{self}); err != nil {
		return nil, &hintedError{fmt.Errorf("writing the path of this program: %w", err), []string{"move ci-aws to a folder whose path has no other characters"}}
	}
	argv := []string{self, "credential-process"}
	noStore, err := o.settings.yes("no-store")
	if err != nil {
		return nil, err
	}
	if noStore {
		argv = append(argv, "--no-store")
	}
	if o.settings.c.IsSet("timeout") {
		argv = append(argv, "--timeout="+o.settings.c.String("timeout"))
	}
	for _, flag := range identityFlags() {
		name := flag.Names()[0]
		values, err := pinned.values(o.settings, name)
		if err != nil {
			return nil, err
		}
		args, err := arguments(self, name, values)
		if err != nil {
			return nil, err
		}
		argv = append(argv, args...)
	}
	return argv, nil
}

// arguments are a flag with its values, each time, or none where the file cannot
// carry one of them and the profile reads the same from the job's variable, or from
// the input.
func arguments(self, flag string, values []report.Value) ([]string, error) {
	var args []string
	for _, v := range values {
		if filePaths[flag] {
			path, err := filepath.Abs(v.Text)
			if err != nil {
				return nil, fmt.Errorf("finding the folder of %q: %w", v.Text, err)
			}
			v.Text = path
		}
		arg := "--" + flag + "=" + v.Text
		_, err := awsconfig.CommandLine([]string{self, arg})
		switch {
		case err == nil:
			args = append(args, arg)
		case v.From == variable(flag), strings.HasPrefix(v.From, ofInput):
			return nil, nil
		case fromFlag(v):
			return nil, usagef("configure: %v", err)
		default:
			return nil, &hintedError{
				fmt.Errorf("writing the profile: %w", err),
				[]string{"it comes from " + report.Clean(v.From) + ": give a value without such characters, or use ci-aws env in place of a profile"},
			}
		}
	}
	return args, nil
}

// outranked warns of what every SDK puts before these profiles.
func (o configureOptions) outranked(names []string, t *talk) {
	if problem, fix := o.outrankedByKeys(names); problem != "" {
		t.warn(problem + ": " + fix)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		if o.settings.job.Get(name) != "" {
			t.warn(name + " is set, and AWS tools put it before any profile: give configure --role-arn and --token-file, and then unset AWS_ACCESS_KEY_ID AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN")
			return
		}
	}
}

// outrankedByKeys says what stands in the credentials file under a name of ours,
// and what to change; "" where nothing does. AWS tools put keys there before the
// command of the config file.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
func (o configureOptions) outrankedByKeys(names []string) (problem, fix string) {
	j := o.settings.job
	file := j.Get("AWS_SHARED_CREDENTIALS_FILE")
	if file == "" && j.Get("HOME") != "" {
		file = filepath.Join(j.Get("HOME"), ".aws", "credentials")
	}
	const another = "let AWS_SHARED_CREDENTIALS_FILE name a file without them"
	text, err := awsconfig.Read(file)
	if info, missing := os.Stat(file); err != nil && missing == nil && info.Mode().IsRegular() && !errors.Is(err, fs.ErrPermission) {
		return fmt.Sprintf("whether %q has keys, which AWS tools put before a credential_process, is unknown: %v", file, bare(err)), "mend that file, or " + another
	}
	for _, name := range names {
		if awsconfig.HasKeys(text, name) {
			return fmt.Sprintf("profile %q has keys in %q, and AWS tools put them before its credential_process", name, file), "remove them there, or " + another
		}
	}
	return "", ""
}

func texts(values []report.Value) []string {
	var out []string
	for _, v := range values {
		out = append(out, v.Text)
	}
	return out
}

// done says which profiles were changed.
func done(io IO, asJSON bool, what string, profiles []string, file string) error {
	var text strings.Builder
	if asJSON {
		if profiles == nil {
			profiles = []string{}
		}
		text.WriteString(quote(map[string]any{"schema": 1, what: profiles, "file": report.Clean(file)}) + "\n")
	} else {
		for _, p := range profiles {
			fmt.Fprintf(&text, "profile %q %s in %s\n", p, what, report.Clean(file))
		}
	}
	_, err := fmt.Fprint(io.Out, text.String())
	return writeFailed(err)
}
