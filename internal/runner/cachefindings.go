package runner

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// UsesS3 reports whether caches go to S3. "s3v2" is what the runner makes of
// "s3" by default.
func (c Cache) UsesS3() bool { return c.Type.Text == "s3" || c.Type.Text == "s3v2" }

// IsShared reports whether runners find each other's caches.
func (c Cache) IsShared() bool { return c.Shared.Text == "true" }

// The ways in which the manager authenticates to S3.
const (
	IAM       = "iam"        // by the role of its own pod
	AccessKey = "access-key" // by AccessKey and SecretKey
)

// Authentication is how the manager authenticates: by what AuthenticationType
// says in any letter case, else by keys only where ServerAddress, AccessKey and
// SecretKey are all given. A type that the runner does not know is as IAM.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cacheconfig/cacheconfig.go
func (s S3) Authentication() string {
	switch kind := strings.ToLower(s.AuthenticationType.Text); {
	case kind == AccessKey, kind == "" && s.ServerAddress.Known() && s.AccessKey.Set && s.SecretKey.Set:
		return AccessKey
	}
	return IAM
}

// AWS reports whether the bucket is one of AWS, not of another S3 server.
func (s S3) AWS() bool {
	host, _, _ := strings.Cut(s.ServerAddress.Text, ":")
	return host == "" || strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

// Role is the role that the manager assumes to upload, if any.
func (s S3) Role() Value { return s.RoleARN.Or(s.UploadRoleARN) }

func (r Runner) caches() []report.Finding {
	c := r.Cache
	f := catalogue.Facts{"type": c.Type.Text}
	switch {
	case c.UsesS3(), c.Type.Templated():
	case c.Type.Known() && slices.Contains([]string{"gcs", "gcsv2", "azure"}, c.Type.Text):
		return []report.Finding{r.find("cache-elsewhere", f, c.Type, "Type")}
	case c.Type.Known():
		return []report.Finding{r.find("cache-type-unknown", f, c.Type, "Type")}
	case c.S3.At != report.Place{} || len(c.Flat) > 0:
		return []report.Finding{r.find("cache-type-missing", f, Value{At: c.At}, "Type")}
	default:
		return []report.Finding{r.find("cache-none", f, Value{At: c.At}, "Type")}
	}
	found := []report.Finding{holds("runner-cache", "Type", c.Type), r.bucket(), r.authentication()}
	if role := c.S3.Role(); role.Known() {
		found = append(found, r.role(role))
	}
	if sse := c.S3.ServerSideEncryption; sse.Known() {
		found = append(found, r.encryption(sse))
	}
	return append(found, r.shared())
}

func (r Runner) bucket() report.Finding {
	s := r.Cache.S3
	name := s.BucketName
	f := catalogue.Facts{"bucket": name.Text}
	switch {
	case len(r.Cache.Flat) > 0:
		flat := r.Cache.Flat[0]
		f["key"] = flat.Text
		return r.find("cache-flat", f, flat, "key in [runners.cache]")
	case !name.Known():
		return r.find("cache-bucket-missing", f, name, "BucketName")
	case name.Templated():
	case strings.ContainsAny(name.Text, " \t\r\n") || strings.Contains(name.Text, "/") && !strings.HasPrefix(name.Text, "arn:"):
		return r.find("cache-bucket-name", f, name, "BucketName")
	case !s.BucketLocation.Known() && s.AWS():
		return r.find("cache-region-missing", f, s.BucketLocation, "BucketLocation")
	}
	return holds("runner-cache-bucket", "BucketName", name)
}

func (r Runner) authentication() report.Finding {
	s := r.Cache.S3
	kind := s.AuthenticationType
	f := catalogue.Facts{"type": kind.Text}
	f.Say("typed", kind.Known())
	f.Say("untyped", !kind.Known())
	keys := Value{At: s.AccessKey.At}
	if !s.AccessKey.Set {
		keys.At = s.SecretKey.At
	}
	keys.Text = "set"
	switch known := strings.EqualFold(kind.Text, IAM) || strings.EqualFold(kind.Text, AccessKey); {
	case kind.Templated():
	case kind.Known() && !known:
		return r.find("cache-auth-unknown", f, kind, "AuthenticationType")
	case s.Authentication() == AccessKey && (!s.AccessKey.Set || !s.SecretKey.Set):
		return r.find("cache-keys-missing", f, kind, "AuthenticationType")
	case s.Authentication() == AccessKey && s.AWS():
		return r.find("cache-static-keys", f, keys, "AccessKey and SecretKey")
	case s.Authentication() == IAM && (s.AccessKey.Set || s.SecretKey.Set):
		return r.find("cache-keys-ignored", f, keys, "AccessKey and SecretKey")
	}
	if !kind.Known() {
		return holds("runner-cache-auth", "AuthenticationType is not set", Value{s.Authentication(), kind.At})
	}
	return holds("runner-cache-auth", "AuthenticationType", kind)
}

func (r Runner) role(role Value) report.Finding {
	key := "RoleARN"
	if !r.Cache.S3.RoleARN.Known() {
		key = "UploadRoleARN"
	}
	f := catalogue.Facts{"role": role.Text, "key": key}
	switch {
	case role.Templated():
	case !strings.HasPrefix(role.Text, "arn:aws") && !r.Cache.S3.AWS():
	case !roleARN().MatchString(role.Text):
		return r.find("cache-role-malformed", f, role, key)
	}
	if key == "UploadRoleARN" {
		return r.find("cache-upload-role", f, role, key, report.Snippet{For: "in the runner's configuration", Text: RoleLines(role.Text)})
	}
	return holds("runner-cache-rolearn", key, role)
}

func (r Runner) encryption(sse Value) report.Finding {
	kinds := []string{"S3", "AES256", "KMS", "AWS:KMS", "DSSE-KMS", "AWS:KMS:DSSE"}
	if !sse.Templated() && !slices.Contains(kinds, strings.ToUpper(sse.Text)) {
		return r.find("cache-encryption-unknown", catalogue.Facts{"sse": sse.Text}, sse, "ServerSideEncryption")
	}
	return holds("runner-cache-encryption", "ServerSideEncryption", sse)
}

func (r Runner) shared() report.Finding {
	if r.Cache.IsShared() {
		return holds("runner-cache-shared", "Shared", r.Cache.Shared)
	}
	return r.find("cache-not-shared", catalogue.Facts{}, r.Cache.Shared, "Shared")
}

// roleARN is the form of a role's ARN, as far as the runner looks at it.
var roleARN = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+$`) })
