package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

func TestAReportIsWrittenWhereItShouldAndReplacesNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.WriteFile(path("old"), []byte("an old report that is longer"), 0o600))
	check(os.WriteFile(path("target"), []byte("old"), 0o600))
	check(os.Symlink("target", path("link")))
	check(syscall.Mkfifo(path("fifo"), 0o600))
	write := func(name string) error { return writeFile(report.Value{Text: path(name), From: "--file"}, "new") }

	for name, holds := range map[string]string{"new": "new", "old": "old", "link": "target"} {
		check(write(name))
		text, err := os.ReadFile(path(holds))
		check(err)
		info, err := os.Stat(path(holds))
		check(err)
		if string(text) != "new" || info.Mode() != 0o644 {
			t.Errorf("%s: %q, %v", name, text, info.Mode())
		}
	}
	if info, err := os.Lstat(path("link")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v", err)
	}
	if err := write("fifo"); err == nil {
		t.Error("a pipe that nobody reads took a report")
	}
	if info, err := os.Lstat(path("fifo")); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe was replaced: %v", err)
	}
	if err := writeFile(report.Value{Text: os.DevNull, From: "--file"}, "new"); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Fatalf("%s was replaced: %v", os.DevNull, err)
	}
	if err := write("."); err == nil || !strings.Contains(err.Error(), "it is a folder") {
		t.Errorf("a folder: %v", err)
	}
	left, err := filepath.Glob(path(".ci-aws-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTheBucketIsTheOneThatTheRunnersConfigurationNames(t *testing.T) {
	const head = "[[runners]]\n[runners.cache]\nType = \"s3\"\nPath = \"p\"\n[runners.cache.s3]\nBucketName = \"b\"\nBucketLocation = \"eu-west-1\"\n"
	at := func(text, place string) report.Value { return report.Value{Text: text, From: "config.toml:" + place} }
	unasked := func(text string) report.Value { return report.Value{Text: text, From: "the runner's default"} }
	reference := cache.Bucket{Name: at("b", "6:14"), Prefix: at("p", "4:8"), Region: at("eu-west-1", "7:18"), DualStack: unasked("true")}
	with := func(edit func(*cache.Bucket)) cache.Bucket {
		b := reference
		edit(&b)
		return b
	}
	elsewhere := func(url string, byPath report.Value) cache.Bucket {
		return with(func(b *cache.Bucket) {
			b.EndpointURL, b.PathStyle, b.DualStack = at(url, "8:17"), byPath, report.Value{}
		})
	}
	tests := []struct {
		name, config string
		want         cache.Bucket
	}{
		{"AWS's own", head, reference},
		{"AWS's own, by name", head + `ServerAddress = "s3.amazonaws.com"`, reference},
		{"another", head + `ServerAddress = "minio:9000"`, elsewhere("https://minio:9000", unasked("true"))},
		{"another, in clear", head + "ServerAddress = \"minio:9000\"\nInsecure = true", elsewhere("http://minio:9000", unasked("true"))},
		{"another, by host", head + "ServerAddress = \"minio:9000\"\nPathStyle = false", elsewhere("https://minio:9000", at("false", "9:13"))},
		{"an endpoint of a VPC", head + `ServerAddress = "bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"`, elsewhere("https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com", unasked("false"))},
		{"one stack, by path, fast", head + "DualStack = false\nPathStyle = true\nAccelerate = true", with(func(b *cache.Bucket) {
			b.DualStack, b.PathStyle, b.Accelerate = at("false", "8:13"), at("true", "9:13"), at("true", "10:14")
		})},
		{"what Helm puts in later is not known", strings.Replace(head, `"b"`, `"{{ .Values.bucket }}"`, 1), with(func(b *cache.Bucket) { b.Name = report.Value{} })},
		{"no cache", "[[runners]]\n", cache.Bucket{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config, err := runner.Read("config.toml", []byte(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, bucketOf(config.Runners[0], false)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheEncryptionIsTheOneThatTheRunnerAsksFor(t *testing.T) {
	for kind, want := range map[string]string{
		"": "", "S3": "AES256", "aes256": "AES256", "KMS": "aws:kms", "aws:kms": "aws:kms", "AWS:KMS": "aws:kms",
		"DSSE-KMS": "aws:kms:dsse", "aws:kms:dsse": "aws:kms:dsse", "SSE-KMS": "", "{{ .Values.sse }}": "",
	} {
		r := runner.Runner{}
		r.Cache.S3.ServerSideEncryption = runner.Value{Text: kind}
		if got := encryptionOf(r).Text; got != want {
			t.Errorf("%q: %q, want %q", kind, got, want)
		}
	}
}
