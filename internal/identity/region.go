package identity

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// eksIssuer is the issuer of an EKS cluster, which names the cluster's region.
// https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
var eksIssuer = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^https://oidc[.-]eks\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)/id/`)
})

// isRegion reports whether a text can stand in a host's name.
func isRegion(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return s != "" && len(s) <= 63 && s == strings.Trim(s, "-") && strings.Trim(s, letters+"-") == ""
}

// isAWSRegion reports whether a text has the form of AWS's regions: words, and a
// number at the end. The SDK's names of its global endpoints count.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
func isAWSRegion(s string) bool {
	parts := strings.Split(s, "-")
	last := parts[len(parts)-1]
	return len(parts) > 2 && last != "" && strings.Trim(last, "0123456789") == "" || strings.HasPrefix(s, "aws-") && last == "global"
}

// regionChooser gives chooseRegion its context, which reading a profile takes.
func regionChooser(ctx context.Context) func(*Identity) error {
	return func(id *Identity) error { return chooseRegion(ctx, id) }
}

// chooseRegion finds the region: what was asked for, AWS's variables, a profile,
// the token's issuer, what is to be taken else.
func chooseRegion(ctx context.Context, id *Identity) error {
	id.Region = id.req.Region.Or(id.job.Value("AWS_REGION", "AWS_DEFAULT_REGION"))
	if !id.Region.Known() {
		id.Region = id.profileRegion(ctx)
	}
	if !id.Region.Known() {
		if m := eksIssuer().FindStringSubmatch(id.Token.Claims.Issuer); m != nil {
			id.Region = report.Value{Text: m[1], From: "the token's issuer"}
		}
	}
	id.Region = id.Region.Or(id.req.RegionElse)
	switch {
	case !id.Region.Known():
		return &Error{Case: "region-missing", Doing: "finding the region", Facts: id.facts()}
	case !isRegion(id.Region.Text), !overridden(id.job, id.req).Known() && !isAWSRegion(id.Region.Text):
		return &Error{Case: "region-malformed", Doing: "finding the region", Usage: fromFlag(id.Region), Facts: id.facts()}
	}
	want := iam.PartitionOfRegion(id.Region.Text)
	for _, role := range id.roles() {
		if arn, err := iam.ParseRoleARN(role.Text); err == nil && want != "" && arn.Partition != want {
			f := id.facts()
			f["role"], f["partition"], f["region-partition"] = role.Text, arn.Partition, want
			return &Error{Case: "role-partition", Doing: "checking the role", Facts: f}
		}
	}
	return nil
}

func (id *Identity) roles() []report.Value {
	var out []report.Value
	if id.Role.Known() {
		out = append(out, id.Role)
	}
	return append(out, roles(id.Chain)...)
}

// profileRegion is the region of the profile that the environment names. A
// profile that is not there stops nobody: only other tools use it.
func (id *Identity) profileRegion(ctx context.Context) report.Value {
	profile := id.job.Value("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
	if !profile.Known() {
		return report.Value{}
	}
	shared, err := id.profile(ctx, profile.Text)
	if err != nil {
		id.warn(fmt.Sprintf("%s names the profile %s, which cannot be read; it is not used here, but other tools in this job stop at it", profile.From, catalogue.Quote(profile.Text)))
		return report.Value{}
	}
	if shared.Region == "" {
		return report.Value{}
	}
	return report.Value{Text: shared.Region, From: "profile " + profile.Text + " of " + profile.From}
}

func (id *Identity) profile(ctx context.Context, name string) (config.SharedConfig, error) {
	files := func(o *config.LoadSharedConfigOptions) {
		if f := id.job.Get("AWS_CONFIG_FILE"); f != "" {
			o.ConfigFiles = []string{f}
		}
		if f := id.job.Get("AWS_SHARED_CREDENTIALS_FILE"); f != "" {
			o.CredentialsFiles = []string{f}
		}
	}
	return config.LoadSharedConfigProfile(ctx, name, files)
}

// shadowed warns of settings that this program does not use, but that others in
// the job put before the role.
func shadowed(j job.Job, id Identity) []string {
	var out []string
	keys, half := j.StaticKeys()
	until, _, own := j.OwnKeys()
	switch {
	case id.Source == Ambient || len(keys) == 0 || own && until.After(id.now()):
	case half:
		out = append(out, keys[0]+" is set without its other half; it is not used, but other tools in this job may try it: remove it from the job's variables")
	default:
		out = append(out, keys[0]+" and its secret are set; they are not used here, but every other tool in this job prefers them to the role: remove them from the job's variables")
	}
	return out
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
