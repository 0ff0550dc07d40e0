package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/awsconfig"
	"gitlab.com/ci-aws/ci-aws/internal/export"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// outranking are the variables that SDKs read before any profile.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
var outranking = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCESS_KEY", "AWS_SECRET_KEY",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
}

// pins are settings that a profile holds, by flag, so that it means the same
// where their variables are gone. A known flag without values is left out.
type pins map[string][]report.Value

// pinnedOf is what the identity was found by: the source, and what that takes.
// The other settings of the job are pinned as they are.
func pinnedOf(id *identity.Identity, s settings) (pins, error) {
	p := pins{}
	for _, flag := range identityFlags() {
		name := flag.Names()[0]
		if noVariable[name] {
			continue
		}
		values, err := s.values(name)
		if err != nil {
			return nil, err
		}
		p[name] = values
	}
	p["source"] = []report.Value{{Text: string(id.Source), From: id.Why}}
	p["token-file"], p["id-token-env"] = nil, nil
	switch id.Source {
	case identity.IRSA:
		p["role-arn"], p["token-file"] = []report.Value{id.Role}, []report.Value{id.Token.From}
	case identity.GitLab:
		p["role-arn"], p["id-token-env"] = []report.Value{id.Role}, []report.Value{{Text: id.IDTokenEnv(), From: id.Why}}
	}
	if id.Region.Known() {
		p["region"] = []report.Value{id.Region}
	}
	return p, nil
}

// values are the pinned ones of a flag, else those that were given by the flag.
func (p pins) values(s settings, flag string) ([]report.Value, error) {
	if values, pinned := p[flag]; pinned || !s.c.IsSet(flag) {
		return values, nil
	}
	return s.values(flag)
}

// tried writes a profile for the identity that the job has now: with --check after
// one exchange, with --isolate so that nothing outranks it.
func (o configureOptions) tried(ctx context.Context, io IO, t *talk, asJSON bool) error {
	id, err := resolve(ctx, o.settings, t)
	if err != nil {
		return err
	}
	if o.isolate && id.Source == identity.Ambient {
		v, _ := o.settings.value("source")
		return wrong(v, "--isolate takes away the very keys that source ambient would use")
	}
	names, file, err := o.target()
	if err != nil {
		return err
	}
	pinned, kept, err := pins{}, []byte(nil), error(nil)
	if o.isolate {
		o.settings.warnOfConfigFile(t)
		if file, err = o.outside(file); err != nil {
			return err
		}
		if problem, fix := o.outrankedByKeys(names); problem != "" {
			return &hintedError{errors.New(problem), []string{fix}}
		}
		kept = o.kept(file, names, t)
		if pinned, err = pinnedOf(&id, o.settings); err != nil {
			return err
		}
	}
	ctx, cancel := withTimeout(ctx, id)
	defer cancel()
	var session identity.Session
	if o.check {
		if session, err = exchange(ctx, &id, t); err != nil {
			return err
		}
	}
	if err := o.write(ctx, file, kept, names, id.Region.Text, pinned); err != nil {
		return err
	}
	t.heading(about(&id, session) + ", renewed by profile " + strings.Join(names, ", "))
	if !o.isolate {
		o.outranked(names, t)
		return done(io, asJSON, "written", names, file)
	}
	return o.lines(io, asJSON, names, file, id.Region)
}

// outside gives the whole path of a file. One that nobody named, or that took the
// place of the component's, is not written into the project, from where it might
// get into a cache or an artifact.
func (o configureOptions) outside(file string) (string, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("finding the folder of %q: %w", file, err)
	}
	if strings.ContainsFunc(path, breaksLine) {
		return "", &hintedError{
			fmt.Errorf("writing the profile: the working directory \"%s\" holds a line break or another control character", report.Clean(filepath.Dir(path))),
			[]string{"let AWS_CONFIG_FILE or --file name the file by its whole path"},
		}
	}
	project := o.settings.job.Get("CI_PROJECT_DIR")
	below, err := filepath.Rel(project, path)
	if project == "" || err != nil || !filepath.IsLocal(below) {
		return path, nil
	}
	named := o.settings.job.Get("AWS_CONFIG_FILE") != ""
	switch {
	case named && o.settings.otherConfigFile():
		return "", &hintedError{
			fmt.Errorf("writing the profile: AWS_CONFIG_FILE names %q, in the project directory", path),
			[]string{"remove AWS_CONFIG_FILE from the job's variables and from GitLab's (Settings > CI/CD > Variables): the component names a file of its own"},
		}
	case !named && !o.settings.c.IsSet("file"):
		return "", &hintedError{
			fmt.Errorf("writing the profile: HOME is in the project directory, and %q would be too", path),
			[]string{"let AWS_CONFIG_FILE or --file name a file outside of it, or this one"},
		}
	}
	return path, nil
}

// kept is the text of the file that AWS tools would read if it were not for this
// one. What cannot be read is said, since its profiles are lost, and so are the
// keys that a new file does not take over; profiles of these names go whole.
func (o configureOptions) kept(file string, names []string, t *talk) []byte {
	j := o.settings.job
	from := j.Get("AWS_CONFIG_FILE")
	if path, err := filepath.Abs(from); from == "" || err != nil || path == file {
		if from = ""; j.Get("HOME") != "" {
			from = filepath.Join(j.Get("HOME"), ".aws", "config")
		}
	}
	if from == "" {
		return nil
	}
	text, err := awsconfig.Read(from)
	if err != nil {
		t.warn(fmt.Sprintf("the profiles of %q are not kept: %v", from, bare(err)))
	}
	for _, section := range awsconfig.Keys(text) {
		if !slices.Contains(names, strings.TrimPrefix(section, "profile ")) {
			t.warn(fmt.Sprintf("the keys of [%s] in %q are not copied: where the job needs them, let them stand in the file that AWS_SHARED_CREDENTIALS_FILE names, or in ~/.aws/credentials", section, from))
		}
	}
	return text
}

// lines prints what makes AWS tools use the profiles, in place of whatever they
// would use before.
func (o configureOptions) lines(io IO, asJSON bool, names []string, file string, region report.Value) error {
	set := []export.Var{{Name: "AWS_CONFIG_FILE", Value: file}}
	unset := slices.Concat(outranking, profiles)
	if region.Known() {
		set = append(set, export.Var{Name: "AWS_REGION", Value: region.Text}, export.Var{Name: "AWS_DEFAULT_REGION", Value: region.Text})
	}
	if !slices.Contains(names, "default") {
		set = append(set, export.Var{Name: "AWS_PROFILE", Value: names[0]})
		unset = slices.DeleteFunc(unset, func(name string) bool { return name == "AWS_PROFILE" })
	}
	if !asJSON {
		return writeFailed(export.Write(io.Out, export.Sh, set, unset))
	}
	values := map[string]string{}
	for _, v := range set {
		values[v.Name] = v.Value
	}
	_, err := fmt.Fprintln(io.Out, quote(map[string]any{"schema": 1, "written": names, "file": report.Clean(file), "set": values, "unset": unset}))
	return writeFailed(err)
}
