package render

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// rule is what a text must be. Pattern is read alike by Go and by a JSON schema.
type rule struct {
	what    string // "an account id"
	want    string // "12 digits"
	pattern string
	most    int                      // characters; 0 is no limit
	also    func(text string) string // a predicate about what the pattern cannot tell, or ""
}

// problem is a predicate about a text that the rule does not let pass, or "".
func (r rule) problem(text string) string {
	if !regexp.MustCompile(r.pattern).MatchString(text) {
		return fmt.Sprintf("%q is not %s: want %s", report.Clean(text), r.what, r.want)
	}
	if r.most > 0 && len(text) > r.most {
		return fmt.Sprintf("%q has %d characters, more than %d", report.Clean(text), len(text), r.most)
	}
	if r.also != nil {
		if why := r.also(text); why != "" {
			return fmt.Sprintf("%q %s", report.Clean(text), why)
		}
	}
	return ""
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func roleRule() rule {
	return rule{what: "the name of a role", want: "letters, digits and _+=,.@-, up to 64, no path", pattern: `^[A-Za-z0-9_+=,.@-]{1,64}$`}
}

func accountRule() rule {
	return rule{what: "an account id", want: "12 digits", pattern: `^[0-9]{12}$`}
}

func partitionRule() rule {
	return rule{what: "a partition of AWS", want: "aws, aws-cn, aws-us-gov or another of AWS's", pattern: `^aws(-[a-z]+)*$`, also: func(s string) string {
		if _, err := iam.ParseRoleARN("arn:" + s + ":iam::123456789012:role/x"); err != nil {
			return "is none of AWS's partitions"
		}
		return ""
	}}
}

func regionRule() rule {
	return rule{what: "a region", want: "one such as eu-central-1", pattern: `^[a-z]{2,}(-[a-z]+)+-[0-9]+$`, most: 32}
}

// IAM takes an https URL without query and port.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
func issuerRule() rule {
	return rule{
		what: "the URL of an issuer", want: "https://, a host without a port, a path without a slash at its end",
		pattern: `^https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[A-Za-z0-9._~-]+)*$`, most: 255,
	}
}

func audienceRule() rule {
	return rule{what: "an audience", want: "letters, digits and ._:/@+=-", pattern: `^[A-Za-z0-9._:/@+=-]+$`, most: 255}
}

// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
func namespaceRule() rule {
	return rule{what: "the name of a namespace", want: "lower-case letters, digits and dashes, up to 63", pattern: `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`}
}

func serviceAccountRule() rule {
	return rule{
		what: "the name of a service account", want: "lower-case letters, digits, dashes and dots, no dash or dot at an end",
		pattern: `^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`, most: 253,
	}
}

func policyARNRule() rule {
	return rule{what: "the ARN of a managed policy", want: "arn:aws:iam::ACCOUNT:policy/NAME", pattern: `^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9_+=,.@/-]+$`, most: 512}
}

func actionRule() rule {
	return rule{what: "an action", want: "one such as s3:GetObject", pattern: `^(\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$`, most: 128}
}

func resourceRule() rule {
	return rule{what: "a resource", want: "an ARN or *", pattern: `^(\*|arn:[!-~]+)$`, most: 2048}
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func bucketRule() rule {
	return rule{what: "the name of a bucket", want: "3 to 63 lower-case letters, digits, dashes and dots", pattern: `^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`, also: func(s string) string {
		if _, err := netip.ParseAddr(s); err == nil || strings.Contains(s, "..") {
			return "is not the name of a bucket: no two dots in a row, no IP address"
		}
		for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
			if strings.HasPrefix(s, prefix) {
				return "is not the name of a bucket: AWS keeps names that start with " + prefix
			}
		}
		for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
			if strings.HasSuffix(s, suffix) {
				return "is not the name of a bucket: AWS keeps names that end in " + suffix
			}
		}
		return ""
	}}
}

// pathRule takes the characters that are safe in keys, but for those that mean
// something in a policy, in a shell or to Helm.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
func pathRule() rule {
	return rule{what: "a prefix for keys", want: "letters, digits and !_.-, with single slashes between", pattern: `^[A-Za-z0-9!_.-]+(/[A-Za-z0-9!_.-]+)*$`, most: 512, also: func(s string) string {
		for part := range strings.SplitSeq(s, "/") {
			if part == "." || part == ".." {
				return "has the part " + part + ", which the runner would resolve"
			}
		}
		return ""
	}}
}

// A policy names a key by its ARN; an alias would not count.
// https://docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
func kmsKeyRule() rule {
	return rule{what: "the ARN of a KMS key", want: "arn:aws:kms:REGION:ACCOUNT:key/ID, no alias", pattern: `^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`, most: 256}
}

func urlRule() rule {
	return rule{what: "the URL of a GitLab instance", want: "https:// or http:// and a host", pattern: `^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?$`, most: 255}
}

func versionRule() rule {
	return rule{what: "a version of the chart", want: "one such as 0.80.1", pattern: `^[0-9]{1,4}\.[0-9]{1,4}(\.[0-9]{1,4})?$`}
}

func componentRule() rule {
	return rule{what: "the path of the component's project", want: "HOST/GROUP/PROJECT", pattern: `^(\$?[A-Za-z0-9_.:-]+)(/\$?[A-Za-z0-9_.-]+)+$`, most: 255}
}

func referenceRule() rule {
	return rule{what: "a version of the component", want: "a tag, a branch, a SHA or ~latest", pattern: `^~?[A-Za-z0-9][A-Za-z0-9._/-]*$`, most: 255}
}

func imageRule() rule {
	return rule{what: "the name of an image", want: "one such as registry.example.com/tools/aws:1", pattern: `^([A-Za-z0-9]|\$[A-Za-z_])([A-Za-z0-9_./:@-]|\$[A-Za-z_])*$`, most: 512}
}

func optionRule(options ...string) rule {
	return rule{what: "one of the choices", want: strings.Join(options, " or "), pattern: "^(" + strings.Join(options, "|") + ")$"}
}

func numberRule() rule {
	return rule{what: "a number of days", want: "1 to 36500", pattern: `^([1-9][0-9]{0,3}|[12][0-9]{4}|3[0-5][0-9]{3}|36[0-4][0-9]{2}|36500)$`}
}

// disagreements are values that are right by themselves and not together.
func (d Description) disagreements() []error {
	var all []error
	wrong := func(v report.Value, key, format string, args ...any) {
		all = append(all, &Error{from(v, key), fmt.Sprintf(format, args...)})
	}
	missing := func(name string) { all = append(all, &MissingError{keyNamed(name)}) }
	if !d.Account.Known() {
		missing("account")
	}
	if !d.Issuer.Known() {
		missing("issuer")
	}
	switch want := iam.PartitionOfRegion(d.Region.Text); {
	case !d.Region.Known():
		missing("region")
	case d.Partition.Text != want:
		wrong(d.Partition, "partition", "%q is not the partition of region %s, which is %s", d.Partition.Text, d.Region.Text, want)
	}
	all = append(all, d.cacheDisagreements()...)
	all = append(all, d.nameDisagreements()...)
	for _, j := range d.Jobs {
		for _, p := range j.PolicyARNs {
			if !strings.HasPrefix(p.Text, "arn:"+d.Partition.Text+":") {
				wrong(p, "jobs", "%q is not of the partition %s", p.Text, d.Partition.Text)
			}
		}
		for _, s := range j.Statements {
			if len(s.Actions) == 0 || len(s.Resources) == 0 {
				all = append(all, &Error{s.at, "the statement needs actions and resources"})
			}
		}
	}
	if fleets := d.smokeFleets(); len(fleets) == 1 {
		all = append(all, &Error{d.Fleets[0].at, "one fleet is no test: want two or more"})
	} else if f, twice := smoke.Twice(fleets); twice {
		all = append(all, &Error{d.Fleets[0].at, fmt.Sprintf("the fleet %q stands there twice", report.Clean(f.String()))})
	}
	return all
}

func (d Description) cacheDisagreements() []error {
	c := d.Cache
	if !d.hasCache() {
		for _, k := range bindings() {
			if v := k.known(&d); strings.HasPrefix(k.Name, "cache.") && v.Known() {
				return []error{&Error{v.From, k.Name + " needs cache.bucket"}}
			}
		}
		return nil
	}
	var all []error
	if iam.PartitionOfRegion(c.Region.Text) != d.Partition.Text {
		all = append(all, &Error{from(c.Region, "cache.region"), fmt.Sprintf("%q is not a region of the partition %s", c.Region.Text, d.Partition.Text)})
	}
	if parts := strings.Split(c.KMSKey.Text, ":"); c.KMSKey.Known() && (parts[1] != d.Partition.Text || parts[3] != c.Region.Text) {
		all = append(all, &Error{c.KMSKey.From, fmt.Sprintf("the key %q is not in the bucket's region, %s", c.KMSKey.Text, c.Region.Text)})
	}
	return all
}

// nameDisagreements finds names that two things have. IAM tells role names
// apart without regard to case.
func (d Description) nameDisagreements() []error {
	var all []error
	type name struct {
		v    report.Value
		what string
	}
	twice := func(kind string, names []name) {
		for i, n := range names {
			j := slices.IndexFunc(names[:i], func(m name) bool { return strings.EqualFold(m.v.Text, n.v.Text) })
			if j >= 0 {
				all = append(all, &Error{from(n.v, n.what), fmt.Sprintf("the %s %q is that of %s already: each needs one of its own", kind, n.v.Text, names[j].what)})
			}
		}
	}
	accounts := []name{{d.Runner.ServiceAccount, "runner.service-account"}}
	roles := []name{{d.Runner.Role, "runner.role"}}
	if d.Cache.Role.Known() {
		roles = append(roles, name{d.Cache.Role, "cache.role"})
	}
	for i, j := range d.Jobs {
		if !j.ServiceAccount.Known() {
			all = append(all, &Error{j.at, "the job has no service-account"})
			continue
		}
		what := fmt.Sprintf("jobs[%d]", i)
		accounts, roles = append(accounts, name{j.ServiceAccount, what}), append(roles, name{j.Role, what})
		if problem := roleRule().problem(j.Role.Text); problem != "" {
			all = append(all, &Error{from(j.Role, what+".role"), problem})
		}
	}
	if problem := roleRule().problem(d.Runner.Role.Text); problem != "" {
		all = append(all, &Error{from(d.Runner.Role, "runner.role"), problem})
	}
	twice("service account", accounts)
	twice("role", roles)
	return all
}

// tagProblem is a predicate about a tag that no fleet can have, or "". Besides
// what a fleet itself refuses that is what the component's input does.
func tagProblem(tag string) string {
	if strings.ContainsAny(tag, ",\"\\`") {
		return fmt.Sprintf("the tag %q has a comma, a quote or a backslash", report.Clean(tag))
	}
	if _, err := smoke.ParseFleet(tag); err != nil {
		return err.Error()
	}
	return ""
}
