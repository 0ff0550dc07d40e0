package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

const (
	mostOfManager  = 1.25
	mostCacheCheck = 64 << 20 // bytes
	transferRuns   = 10
	transferSize   = 256 << 20 // bytes
	largestSize    = 1 << 30   // bytes
)

// transfer times cache check beside the SDK's transfer manager and the AWS CLI,
// each with as many bytes up and down, and finds its peak memory.
func (l *lab) transfer(ctx context.Context, runs int, r *result) error {
	program, err := parts.BuildMinIO(ctx, os.Stderr)
	if err != nil {
		return fmt.Errorf("building MinIO: %w", err)
	}
	return l.transferOf(ctx, program, min(runs, transferRuns), transferSize, largestSize, r)
}

func (l *lab) transferOf(ctx context.Context, minio string, runs int, size, largest int64, r *result) error {
	dir := filepath.Join(l.dir, "minio")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	server, err := startMinIO(ctx, minio, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	if err := l.buildTransfer(ctx); err != nil {
		return err
	}
	file := filepath.Join(dir, "file")
	if err := fill(file, size); err != nil {
		return err
	}
	env := slices.Concat(clean(os.Environ()), server.env, []string{"AWS_CONFIG_FILE=" + dir + "/none", "AWS_SHARED_CREDENTIALS_FILE=" + dir + "/none"})
	check := func(size int64) []string {
		return []string{l.bin("ci-aws"), "cache", "check", "--source", "ambient", "--bucket", server.bucket, "--size", strconv.FormatInt(size, 10)}
	}
	contenders := []contender{
		{check(size), env, "nothing of this check is left: 2 objects"},
		{[]string{l.bin("transfer"), file, server.bucket}, env, "transferred"},
	}
	version, err := contender{[]string{"aws", "--version"}, env, "aws-cli/"}.run(ctx)
	if installed := err == nil; installed {
		contenders = append(contenders, contender{[]string{"sh", "-euc", `aws s3 cp --quiet "$0" "$1"; aws s3 cp --quiet "$1" "$0.back"; aws s3 rm --quiet "$1"; echo copied`, file, "s3://" + server.bucket + "/cli"}, env, "copied"})
	}
	took, err := race(ctx, runs, contenders...)
	if err != nil {
		return err
	}
	ours := fmt.Sprintf("%s up and down to MinIO, %d runs: %s", mebibytes(size), runs, took[0])
	r.add("`ci-aws cache check`", ours, "the SDK's transfer manager: "+took[1].String(), took[0].by(took[1]), atMost(mostOfManager))
	if len(took) > 2 {
		name, _, _ := strings.Cut(version, " ")
		r.add("`ci-aws cache check`", ours, name+", two copies and a removal: "+took[2].String(), took[0].by(took[2]), atMost(mostOfManager))
	}
	text, err := contender{append([]string{l.bin("peak")}, check(largest)...), env, ""}.run(ctx)
	if err != nil {
		return err
	}
	peak, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return fmt.Errorf("reading the peak memory of cache check: %w", err)
	}
	r.add("`ci-aws cache check`, peak memory", "with "+mebibytes(largest)+": "+mebibytes(peak), mebibytes(mostCacheCheck), float64(peak)/mostCacheCheck, atMost(1))
	return nil
}

// buildTransfer builds the program with the SDK's transfer manager, whose module
// is its own.
func (l *lab) buildTransfer(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", l.bin("transfer"), ".")
	cmd.Dir = filepath.Join("testpipelines", "bench", "transfer")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building transfer: %w: %s", err, text)
	}
	return nil
}

// fill writes a file of noise.
func fill(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(f, rand.Reader, size)
	return err
}
