package render

import (
	"cmp"
	"errors"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// Description is a set-up. Each value has the place that it came from:
// "ci-aws.yaml:3:10", "--account", "the token". What nobody gave is not known,
// until Complete fills it in.
type Description struct {
	Account, Partition, Region report.Value
	Issuer, Audience           report.Value
	CreateProvider             report.Value
	Namespace                  report.Value
	Runner                     Runner
	Jobs                       []Job
	Cache                      Cache
	Fleets                     []Fleet
	GitLabURL, ChartVersion    report.Value
	Component, Image           report.Value
	ComponentVersion           report.Value
}

// Runner is the runner manager's side: its service account and its role.
type Runner struct{ ServiceAccount, Role, MadeBy report.Value }

// Job is a service account for job pods and its role.
type Job struct {
	ServiceAccount, Role report.Value
	PolicyARNs           []report.Value
	Statements           []Statement
	at                   string // where the entry stands
}

// Statement is a statement of a job role's permission policy.
type Statement struct {
	Effect             report.Value
	Actions, Resources []report.Value
	at                 string
}

// Cache is the runners' cache in S3. Without a bucket there is none.
type Cache struct {
	Bucket, Path, Region, Shared report.Value
	KMSKey, Role                 report.Value
	CreateBucket, ExpireDays     report.Value
}

// Fleet is the tags that select runners.
type Fleet struct {
	Tags []report.Value
	at   string
}

// The values of runner.made-by.
const (
	byManifest = "manifest"
	byChart    = "chart"
)

// Error says which setting cannot be used, and why.
type Error struct {
	From    string // "ci-aws.yaml:3:10", "--account"
	Problem string // a predicate about the setting, clean
}

func (e *Error) Error() string { return "reading " + e.From + ": " + e.Problem }

// Flag reports whether the setting came from the command line.
func (e *Error) Flag() bool { return strings.HasPrefix(e.From, "--") }

// MissingError is a key that has no default and that nobody gave.
type MissingError struct{ Key Key }

func (e *MissingError) Error() string { return e.Key.Name + " is not given" }

const fromDefault = "the default"

// Complete checks each value and their agreement, and fills in the defaults. Its
// error joins all that is wrong, in the order of the keys.
func (d Description) Complete() (Description, error) {
	var problems []error
	for _, k := range bindings() {
		problems = append(problems, k.problems(&d)...)
	}
	for i := range d.Jobs {
		for _, k := range jobBindings() {
			problems = append(problems, k.problems(&d.Jobs[i])...)
		}
		for j := range d.Jobs[i].Statements {
			for _, k := range statementBindings() {
				problems = append(problems, k.problems(&d.Jobs[i].Statements[j])...)
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return d, err
	}
	d = d.filled()
	if err := errors.Join(d.disagreements()...); err != nil {
		return d, err
	}
	return d, nil
}

func (d Description) filled() Description {
	fill := func(v *report.Value, text string) {
		if !v.Known() && text != "" {
			*v = report.Value{Text: text, From: fromDefault}
		}
	}
	fill(&d.Region, regionOf(d.Issuer.Text))
	fill(&d.Partition, iam.PartitionOfRegion(d.Region.Text))
	for _, k := range bindings() {
		if k.one != nil && k.fixed != "" && (!strings.HasPrefix(k.Name, "cache.") || d.Cache.Bucket.Known()) {
			fill(k.one(&d), k.fixed)
		}
	}
	fill(&d.Runner.Role, rolePrefix+d.Runner.ServiceAccount.Text)
	if d.Cache.Bucket.Known() {
		fill(&d.Cache.Region, d.Region.Text)
	}
	jobs := make([]Job, len(d.Jobs))
	for i, j := range d.Jobs {
		fill(&j.Role, rolePrefix+j.ServiceAccount.Text)
		jobs[i] = j
	}
	d.Jobs = jobs
	return d
}

// rolePrefix stands before a service account's name in the name of its role,
// where none is given.
const rolePrefix = "k8s-irsa-"

// regionOf is the region in the issuer of an EKS cluster, else "".
// https://docs.aws.amazon.com/eks/latest/userguide/enable-iam-roles-for-service-accounts.html
func regionOf(issuer string) string {
	labels := strings.Split(iam.ProviderName(issuer), ".")
	if len(labels) > 3 && labels[0] == "oidc" && strings.HasPrefix(labels[1], "eks") {
		return labels[2]
	}
	return ""
}

func (d Description) byChart() bool { return d.Runner.MadeBy.Text == byChart }

func (d Description) hasCache() bool { return d.Cache.Bucket.Known() }

func yes(v report.Value) bool { return v.Text == "true" }

// roleARN is the ARN of a role of this account, without a path.
func (d Description) roleARN(name string) string {
	return iam.RoleARN{Partition: d.Partition.Text, Account: d.Account.Text, Name: name}.String()
}

// providerARN is the ARN of the issuer's provider in this account.
func (d Description) providerARN() string {
	return iam.ProviderARN(d.Partition.Text, d.Account.Text, d.Issuer.Text)
}

// trust is the trust policy for one service account.
func (d Description) trust(account string) iam.Trust {
	return iam.Trust{
		Partition: d.Partition.Text, Account: d.Account.Text, Issuer: d.Issuer.Text,
		Subject: "system:serviceaccount:" + d.Namespace.Text + ":" + account, Audience: d.Audience.Text,
	}
}

// access is what the cache's signer may do in its bucket: no more than a cache
// needs. https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnerscaches3-section
func (d Description) access() iam.CacheAccess {
	return iam.CacheAccess{Partition: d.Partition.Text, Bucket: d.Cache.Bucket.Text, Prefix: d.Cache.Path.Text, Write: true, KMSKey: d.Cache.KMSKey.Text}
}

// runnerGrants are the permissions of the runner manager's role; none without a
// cache.
func (d Description) runnerGrants() []iam.Grant {
	switch {
	case !d.hasCache():
		return nil
	case d.Cache.Role.Known():
		return []iam.Grant{iam.MayAssume(d.roleARN(d.Cache.Role.Text))}
	}
	return d.access().Grants()
}

func (j Job) grants() []iam.Grant {
	var all []iam.Grant
	for _, s := range j.Statements {
		all = append(all, iam.Grant{Effect: s.Effect.Text, Actions: texts(s.Actions), Resources: texts(s.Resources)})
	}
	return all
}

func texts(values []report.Value) []string {
	var all []string
	for _, v := range values {
		all = append(all, v.Text)
	}
	return all
}

// accounts are the service accounts of job pods.
func (d Description) accounts() []string {
	var all []string
	for _, j := range d.Jobs {
		all = append(all, j.ServiceAccount.Text)
	}
	return all
}

func (d Description) smokeFleets() []smoke.Fleet {
	var all []smoke.Fleet
	for _, f := range d.Fleets {
		all = append(all, smoke.Fleet{Tags: texts(f.Tags)})
	}
	return all
}

// from names where a value came from, or a default's key.
func from(v report.Value, key string) string {
	if v.From == fromDefault {
		return key
	}
	return cmp.Or(v.From, key)
}
