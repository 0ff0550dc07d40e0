package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// contender is a command that is timed.
type contender struct {
	args []string
	env  []string
	want string // stands in its output: what ends early has not won
}

// run gives the command's output and the time from its start to its end.
func (c contender) run(ctx context.Context) (string, error) {
	out, _, err := c.spend(ctx)
	return out, err
}

// spent is what a run took: time by the clock, and of the processors.
type spent struct{ clock, cpu time.Duration }

// spend gives the command's output and what it took.
func (c contender) spend(ctx context.Context) (string, spent, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = c.env, &out, &errs
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		return "", spent{}, fmt.Errorf("running %q: %w: %s", c.args, err, errs.Bytes())
	}
	if !bytes.Contains(out.Bytes(), []byte(c.want)) {
		return "", spent{}, fmt.Errorf("running %q: no %q in its output", c.args, c.want)
	}
	return out.String(), spent{took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// times are the times of one contender, the least first.
type times []time.Duration

// race times all contenders in turn, A B A B …, so that whatever else the
// machine does meets all of them. A round before the first does not count.
func race(ctx context.Context, runs int, contenders ...contender) ([]times, error) {
	return compare(ctx, runs, func(s spent) time.Duration { return s.clock }, contenders)
}

// work is a race for the least time of the processors.
func work(ctx context.Context, runs int, contenders ...contender) ([]times, error) {
	return compare(ctx, runs, func(s spent) time.Duration { return s.cpu }, contenders)
}

func compare(ctx context.Context, runs int, of func(spent) time.Duration, contenders []contender) ([]times, error) {
	took := make([]times, len(contenders))
	for round := range runs + 1 {
		for i, c := range contenders {
			_, s, err := c.spend(ctx)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				took[i] = append(took[i], of(s))
			}
		}
	}
	for _, t := range took {
		slices.Sort(t)
	}
	return took, nil
}

// quantile is the time that a share q of the others does not exceed.
func (t times) quantile(q float64) time.Duration { return t[int(q*float64(len(t)-1)+0.5)] }

func (t times) median() time.Duration { return t.quantile(0.5) }

// String is the median, with the quartiles round it.
func (t times) String() string {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("%.1f ms (%.1f–%.1f)", ms(t.median()), ms(t.quantile(0.25)), ms(t.quantile(0.75)))
}

// by is how many times the median of other t's is.
func (t times) by(other times) float64 { return float64(t.median()) / float64(other.median()) }
