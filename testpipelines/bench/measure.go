package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// The bounds. That of the size is the Makefile's.
const (
	mostOfMinimal = 1.25
	mostOfVersion = 1.5
	mostMemory    = 25 << 20 // bytes
	mostDoctor    = 30 << 20 // bytes
	mostOfWhoami  = 5.0
	leastOfIndex  = 1.0 / 10
	leastOfRandom = 1.0 / 20
)

// cliRuns is how often the AWS CLI runs: it takes the time of a hundred of ours.
const cliRuns = 10

const export = "export AWS_ACCESS_KEY_ID="

// measure measures everything.
func (l *lab) measure(ctx context.Context, runs int) (result, error) {
	r := result{facts: []string{
		fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()),
		fmt.Sprintf("times are medians of %d interleaved runs, with the quartiles in parentheses", runs),
	}}
	for _, figure := range []func(context.Context, int, *result) error{l.exchange, l.awsCLI, l.stored, l.doctor, l.memory, l.refs, l.transfer, masking, size} {
		if err := figure(ctx, runs, &r); err != nil {
			return result{}, err
		}
	}
	return r, nil
}

// exchange times env beside the minimal program and the bare request.
func (l *lab) exchange(ctx context.Context, runs int, r *result) error {
	took, err := race(ctx, runs,
		l.program(export, "ci-aws", "env"), l.program(export, "minimal"), l.program("<AccessKeyId>", "post"))
	if err != nil {
		return err
	}
	ours, minimal, post := took[0], took[1], took[2]
	r.add("`ci-aws env`, no store", ours.String(), "minimal program with the SDK: "+minimal.String(), ours.by(minimal), atMost(mostOfMinimal))
	r.add("`ci-aws env`, no store", ours.String(), "bare HTTP POST: "+post.String(), ours.by(post), beside)
	return nil
}

// awsCLI times env beside the AWS CLI, where one is installed.
func (l *lab) awsCLI(ctx context.Context, runs int, r *result) error {
	env := slices.Concat(l.env, []string{"AWS_CONFIG_FILE=" + l.dir + "/none", "AWS_SHARED_CREDENTIALS_FILE=" + l.dir + "/none"})
	version, err := contender{[]string{"aws", "--version"}, env, "aws-cli/"}.run(ctx)
	if err != nil {
		r.facts = append(r.facts, "the AWS CLI was not on this machine")
		return ctx.Err()
	}
	runs = min(runs, cliRuns)
	took, err := race(ctx, runs, l.program(export, "ci-aws", "env"), contender{[]string{
		"aws", "sts", "assume-role-with-web-identity", "--role-arn", awsfake.JobRole,
		"--role-session-name", "bench", "--web-identity-token", "file://" + l.token,
	}, env, "AccessKeyId"})
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(version, " ")
	r.add("`ci-aws env`, no store", took[0].String(), fmt.Sprintf("%s, %d runs of each: %s", name, runs, took[1]), took[0].by(took[1]), beside)
	return nil
}

// stored times credential-process when it answers from the store, beside a
// start of the program.
func (l *lab) stored(ctx context.Context, runs int, r *result) error {
	stored := l.program(`"AccessKeyId"`, "ci-aws", "credential-process")
	if _, err := stored.run(ctx); err != nil {
		return err
	}
	const action = "AssumeRoleWithWebIdentity"
	before := l.cloud.Calls(action)
	took, err := race(ctx, runs, stored, l.program("ci-aws", "ci-aws", "--version"))
	if err != nil {
		return err
	}
	if n := l.cloud.Calls(action) - before; n > 0 {
		return fmt.Errorf("timing the store: %d answers did not come from it", n)
	}
	r.add("`ci-aws credential-process`, stored", took[0].String(), "`ci-aws --version`: "+took[1].String(), took[0].by(took[1]), atMost(mostOfVersion))
	return nil
}

// doctor compares what a diagnosis works with what whoami does.
func (l *lab) doctor(ctx context.Context, runs int, r *result) error {
	took, err := work(ctx, runs, l.program(" hold", "ci-aws", "doctor"), l.program("arn:aws:sts", "ci-aws", "whoami"))
	if err != nil {
		return err
	}
	r.add("`ci-aws doctor`, time of the processors", took[0].String(), "`ci-aws whoami`: "+took[1].String(), took[0].by(took[1]), atMost(mostOfWhoami))
	return nil
}

// memory finds the greatest peak of a few runs of each command.
func (l *lab) memory(ctx context.Context, runs int, r *result) error {
	runs = (runs + 9) / 10
	for _, command := range []string{"env", "credential-process", "credential-process --no-store", "whoami", "exec -- true", "doctor"} {
		var most int64
		for range runs {
			bytes, err := l.peak(ctx, strings.Fields(command)...)
			if err != nil {
				return err
			}
			most = max(most, bytes)
		}
		limit := int64(mostMemory)
		if command == "doctor" {
			limit = mostDoctor
		}
		r.add("`ci-aws "+command+"`, peak memory", mebibytes(most), mebibytes(limit), float64(most)/float64(limit), atMost(1))
	}
	r.facts = append(r.facts, fmt.Sprintf("peak memory is the greatest resident set that wait4 told of %d runs (Maxrss; VmHWM)", runs))
	return nil
}

// peak is the most memory that ci-aws held at once, in bytes.
func (l *lab) peak(ctx context.Context, args ...string) (int64, error) {
	text, err := l.program("", "peak", append([]string{l.bin("ci-aws")}, args...)...).run(ctx)
	if err != nil {
		return 0, err
	}
	bytes, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the peak memory of %q: %w", args, err)
	}
	return bytes, nil
}

var metric = regexp.MustCompile(`([0-9.e+-]+) (of-[a-z-]+)`)

// masking takes the ratios that the benchmark of internal/mask measures.
func masking(ctx context.Context, _ int, r *result) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkRatios$", "./internal/mask")
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("measuring internal/mask: %w: %s", err, text)
	}
	ratios := map[string]float64{}
	for _, m := range metric.FindAllSubmatch(text, -1) {
		if ratios[string(m[2])], err = strconv.ParseFloat(string(m[1]), 64); err != nil {
			return fmt.Errorf("measuring internal/mask: %w", err)
		}
	}
	const random = "random input by 32 KiB, slowest rate"
	for _, row := range []struct {
		unit, what, against string
		least               float64
	}{
		{"of-index", random, "`bytes.Index`", leastOfIndex},
		{"of-random", "adversarial input by 32 KiB, slowest rate", "random input by 32 KiB, fastest rate", leastOfRandom},
		{"of-random-by-bytes", "adversarial input by single bytes, slowest rate", "random input by single bytes, fastest rate", leastOfRandom},
	} {
		ratio, ok := ratios[row.unit]
		if !ok {
			return fmt.Errorf("measuring internal/mask: no %s in %q", row.unit, text)
		}
		r.add("masking of `exec`", row.what, row.against, ratio, atLeast(row.least))
	}
	return nil
}

var sizeLine = regexp.MustCompile(`linux/amd64: +(\d+) bytes gzipped, at most (\d+)`)

// size asks `make size`, which fails above its bound and has told it by then.
func size(ctx context.Context, _ int, r *result) error {
	text, err := exec.CommandContext(ctx, "make", "size").CombinedOutput()
	m := sizeLine.FindSubmatch(text)
	if m == nil {
		return fmt.Errorf("measuring the release binary: %w: %s", errors.Join(err, ctx.Err()), text)
	}
	bytes, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		return fmt.Errorf("measuring the release binary: %w", err)
	}
	most, err := strconv.ParseInt(string(m[2]), 10, 64)
	if err != nil {
		return fmt.Errorf("measuring the release binary: %w", err)
	}
	r.add("release binary for linux/amd64, gzipped", mebibytes(bytes), mebibytes(most), float64(bytes)/float64(most), atMost(1))
	return nil
}

func mebibytes(n int64) string { return fmt.Sprintf("%.2f MiB", float64(n)/(1<<20)) }
