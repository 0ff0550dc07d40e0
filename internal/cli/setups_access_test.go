package cli_test

import (
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// accessSetups are what `cache check` says of whose access it proves, and of the
// runner's configuration that it takes its bucket from.
func accessSetups() []setup {
	role := s3Setting(`RoleARN = "arn:aws:iam::123456789012:role/cache"`)
	keys := s3Setting(`AuthenticationType = "access-key"`, `AccessKey = "AKIAIOSFODNN7EXAMPLE"`, `SecretKey = "wJalrXUtnFEMI/K7MDENG"`)
	ambient := func(p *place) { keys(p); p.ambient() }
	config := func(old, new string) func(*place) { return func(p *place) { p.config(old, new) } }
	const typeS3, bucket = `    Type = "s3"`, `"` + awsfake.Bucket + `"`
	rows := []setup{
		{kase: "role-not-taken", name: "a role for caches", edit: role, lead: "give its ARN to --chain-role-arn"},
		{kase: "keys-not-taken", name: "keys for caches", edit: keys, lead: "--source ambient", not: []string{"AKIA"}},
		{kase: "keys-not-taken", name: "keys for caches, and keys in the job", edit: ambient, lead: "compare AccessKey with the id", not: []string{"AKIAIOSFODNN7EXAMPLE", "--source"}},
		{kase: "nothing-to-try", name: "a cache of Google's", edit: config(typeS3, `    Type = "gcs"`), lead: "with --runner, or the bucket with --bucket"},
		{kase: "nothing-to-try", name: "no cache", edit: func(p *place) { p.file("config.toml", strings.Split(healthyConfig, "  [runners.cache]")[0]) }, lead: "with --runner, or the bucket with --bucket"},
		{kase: "place-templated", name: "the template of a configuration", edit: config(bucket, `"{{ .Values.bucket }}"`), lead: "the file that the runner manager reads"},
		{kase: "place-templated", name: "a template of its type", edit: config(typeS3, `    Type = "{{ .Values.type }}"`), lead: "the file that the runner manager reads"},
		{kase: "access-of-check", name: "a bucket where all holds", edit: config(bucket, bucket), lead: "runner manager's service account", fix: []string{"ci-aws smoke", "cache-smoke"}},
		{kase: "access-beside-role", name: "the cache has a role", edit: role, lead: "give its ARN to --chain-role-arn", fix: []string{"ci-aws smoke"}},
		{kase: "access-beside-keys", name: "the cache has keys", edit: keys, lead: "--source ambient", fix: []string{"ci-aws smoke"}, not: []string{"AKIA"}},
		{kase: "access-of-keys", name: "the cache has keys, and so has the job", edit: ambient, lead: "compare AccessKey with the id", fix: []string{"ci-aws smoke"}, not: []string{"AKIAIOSFODNN7EXAMPLE"}},
		{kase: "access-unproved", name: "a bucket that is not there", edit: config(bucket, `"nowhere-1"`), lead: "comes after bucket-exists", fix: []string{"ci-aws smoke"}},
	}
	for i := range rows {
		rows[i].args = []string{"cache", "check", "--config", "config.toml"}
	}
	return rows
}
