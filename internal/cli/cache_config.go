package cli

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// readConfig reads the configuration. One that cannot be read is a finding.
func (o *cacheCheckOptions) readConfig(file, name, bucket report.Value, req identity.Request) error {
	if name.Known() && !file.Known() {
		return wrong(name, "it names a runner of a file, and --config names none")
	}
	if !file.Known() {
		return nil
	}
	r, err := readRunner(file.Text, name.Text)
	if err != nil {
		o.config = []report.Finding{runner.ErrorFinding(file.Text, err)}
		return nil
	}
	o.runner = &r
	o.trial.Bucket, o.trial.Encryption = bucketOf(r, false), encryptionOf(r)
	o.config = slices.DeleteFunc(r.Findings(), func(f report.Finding) bool { return !strings.HasPrefix(f.ID, "runner-cache") })
	if r.Cache.UsesS3() && bucket.Or(o.trial.Bucket.Name).Known() {
		o.config = append(o.config, o.taken(req)...)
	}
	if !bucket.Known() && !o.trial.Bucket.Name.Known() && !slices.ContainsFunc(o.config, report.Finding.Bad) {
		o.config = nothingToTry(r, o.config)
	}
	return nil
}

// nothingToTry makes a failure of what the configuration says by itself, that its
// caches go to no bucket of S3, or not yet to one.
func nothingToTry(r runner.Runner, said []report.Finding) []report.Finding {
	value, key := r.Cache.S3.BucketName, "BucketName"
	if r.Cache.Type.Templated() {
		value, key = r.Cache.Type, "Type"
	}
	at, kase := value.At, "place-templated"
	f := catalogue.Facts{"key": key, "value": value.Text, "where": at.String()}
	var rest []report.Finding
	for _, s := range said {
		if s.ID != "runner-cache" || s.Status != report.Note {
			rest = append(rest, s)
			continue
		}
		kase, f["why"], at = "nothing-to-try", s.Cause, s.Where[0]
	}
	found := catalogue.Find(kase).Finding(f, nil)
	found.Where = []report.Place{at}
	return append(rest, found)
}

// taken says what of the configuration decides who reaches the cache, and is not
// taken over: keys are never read, and a role is not assumed unasked.
func (o *cacheCheckOptions) taken(req identity.Request) []report.Finding {
	s3 := o.runner.Cache.S3
	var found []report.Finding
	add := func(kase string, f catalogue.Facts, at report.Place) {
		c := catalogue.Find(kase).Finding(f, nil)
		c.Where = []report.Place{at}
		found = append(found, c)
	}
	if s3.Authentication() == runner.AccessKey && s3.AccessKey.Set {
		at := s3.AccessKey.At
		f := catalogue.Facts{"keys-from": at.String()}
		f.Say("ambient", req.Source == identity.Ambient)
		f.Say("not-ambient", req.Source != identity.Ambient)
		add("keys-not-taken", f, at)
	}
	role := placed(s3.Role())
	own := identity.Step{Role: req.Role.Or(o.settings.job.Value("AWS_ROLE_ARN"))}
	asked := slices.ContainsFunc(append([]identity.Step{own}, req.Chain...), func(s identity.Step) bool { return s.Role.Text == role.Text })
	if role.Known() && !asked {
		add("role-not-taken", catalogue.Facts{"role": role.Text, "role-from": role.From}, s3.Role().At)
	}
	if len(found) == 0 {
		found = append(found, catalogue.Holds("cache-taken"))
	}
	return found
}

// encryptionOf is the cache's encryption by S3's name for it. For a kind that it
// does not know the runner asks for none.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cacheconfig/cacheconfig.go
func encryptionOf(r runner.Runner) report.Value {
	v := placed(r.Cache.S3.ServerSideEncryption)
	switch strings.ToUpper(v.Text) {
	case "S3", "AES256":
		v.Text = "AES256"
	case "KMS", "AWS:KMS":
		v.Text = "aws:kms"
	case "DSSE-KMS", "AWS:KMS:DSSE":
		v.Text = "aws:kms:dsse"
	default:
		return report.Value{}
	}
	return v
}

// bucketOf is the cache's bucket as a runner's configuration has it.
func bucketOf(r runner.Runner, write bool) cache.Bucket {
	if !r.Cache.UsesS3() {
		return cache.Bucket{}
	}
	s3 := r.Cache.S3
	b := cache.Bucket{
		Name: placed(s3.BucketName), Prefix: placed(r.Cache.Path), Region: placed(s3.BucketLocation),
		KMSKey: placed(s3.ServerSideEncryptionKeyID), Write: write,
	}
	b.EndpointURL, b.PathStyle = placed(s3.Endpoint()), placed(s3.ByPath())
	b.DualStack, b.Accelerate = placed(s3.TwoStacks()), placed(s3.Accelerated())
	for v, set := range map[*report.Value]runner.Value{&b.PathStyle: s3.PathStyle, &b.DualStack: s3.DualStack} {
		if v.Known() && !set.Known() {
			v.From = "the runner's default"
		}
	}
	return b
}

// placed is a value of the file with its place; one that Helm puts in later is
// not known.
func placed(v runner.Value) report.Value {
	if !v.Known() || v.Templated() {
		return report.Value{}
	}
	return report.Value{Text: v.Text, From: v.At.String()}
}
