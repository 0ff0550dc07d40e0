// Package runner knows a gitlab-runner's configuration: config.toml, or the
// same text as the Helm chart's runners.config holds it, with the place of
// every value; what in it keeps job pods from their service account or caches
// from their bucket; and the lines that mend it.
//
// Secrets are never kept: of a token or a key the package knows only whether it
// is set, and where. It reads nothing but its arguments.
package runner

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Value is a setting and its place. Where the file does not have it, Text is
// empty and At is the section that it belongs to.
type Value struct {
	Text string
	At   report.Place
}

// Known reports whether the file gives a value. An empty string is none, as it
// is for the runner.
func (v Value) Known() bool { return v.Text != "" }

// Templated reports whether Helm puts in the value later, so that it says
// nothing yet.
func (v Value) Templated() bool { return strings.Contains(v.Text, "{{") }

// Or is v, or w where only w is known.
func (v Value) Or(w Value) Value {
	if !v.Known() && w.Known() {
		return w
	}
	return v
}

// Hidden is a secret setting: where it stands, never what it is.
type Hidden struct {
	Set bool
	At  report.Place
}

// Config is a configuration as it is written: nothing is filled in.
type Config struct {
	File    string
	Runners []Runner
}

// Runner is one [[runners]] section.
type Runner struct {
	At       report.Place
	Name     Value
	URL      Value
	Executor Value
	Token    Hidden
	// Environment is what the runner sets in the container of every job.
	Environment []Variable
	Kubernetes  Kubernetes
	Cache       Cache
	Slips       []Slip
}

// Kubernetes is [runners.kubernetes].
// https://docs.gitlab.com/runner/executors/kubernetes/#configuration-settings
type Kubernetes struct {
	At                             report.Place
	Namespace                      Value
	NamespaceOverwriteAllowed      Value // a regular expression
	ServiceAccount                 Value // of job pods
	ServiceAccountOverwriteAllowed Value // a regular expression; empty is none
	AutomountServiceAccountToken   Value // "true" or "false"; of the Kubernetes API token only
	BearerToken                    Hidden
	PodSecurityContext             PodSecurityContext
}

// PodSecurityContext is [runners.kubernetes.pod_security_context], in numbers.
type PodSecurityContext struct {
	At                             report.Place
	FSGroup, RunAsUser, RunAsGroup Value
}

// Cache is [runners.cache].
type Cache struct {
	At                     report.Place
	Type                   Value
	Path                   Value
	Shared                 Value // "true" or "false"
	MaxUploadedArchiveSize Value // bytes
	S3                     S3
	// Flat are the settings of S3 that stand in [runners.cache] itself, as they
	// did up to runner 11; newer ones ignore them. Text is the key. Their values
	// are in S3 where that section does not have the key.
	Flat []Value
}

// S3 is [runners.cache.s3]. At is zero where there is no such section.
// https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnerscaches3-section
type S3 struct {
	At                                  report.Place
	ServerAddress                       Value // host, or host:port; empty is AWS
	AccessKey, SecretKey, SessionToken  Hidden
	BucketName                          Value
	BucketLocation                      Value // region
	Insecure                            Value
	AuthenticationType                  Value
	ServerSideEncryption                Value
	ServerSideEncryptionKeyID           Value
	DualStack                           Value // "true" or "false"; empty is true
	PathStyle                           Value // "true" or "false"; empty is by the address
	Accelerate                          Value
	RoleARN                             Value // assumed for both directions
	UploadRoleARN                       Value // the older key: for uploads only
	AssumeRoleMaxConcurrency            Value
	DisableAssumeRoleCredentialsCaching Value
}

// Slip is a key that the runner ignores and that was most likely meant for
// another.
type Slip struct {
	Key     Value  // its name and place
	Section string // where it stands: "[runners.kubernetes]"
	Meant   string // where it should: "service_account in [runners.kubernetes]"
	// Lost: the setting that was meant is nowhere else, and it decides which
	// account job pods get or where caches are.
	Lost bool
}

// Called names the runner in a sentence of ours.
func (r Runner) Called() string {
	if r.Name.Known() {
		return "the runner " + quote(r.Name.Text)
	}
	return "the runner in line " + strconv.Itoa(r.At.Line)
}

// where names a place in a sentence: "config.toml, line 12".
func where(p report.Place) string {
	return path.Base(cmp.Or(p.File, "config.toml")) + ", line " + strconv.Itoa(p.Line)
}
