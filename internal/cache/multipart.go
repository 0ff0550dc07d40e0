package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of the object that is sent in parts, in bytes. All parts but the
// last have 5 MiB or more, and two are wanted.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	MinSize     = 6 << 20
	MaxSize     = 1 << 30
	DefaultSize = 8 << 20
)

const (
	leastPart = 5 << 20
	usualPart = 8 << 20
	parallel  = 5 // parts on their way at once
	readTries = 3 // for a part whose answer is cut
)

// Transfer is how fast an object went to S3 in parts and came back. What was not
// done is nil.
type Transfer struct {
	Bytes    int64 `json:"bytes"`
	Parts    int   `json:"parts"`
	Parallel int   `json:"parallel"` // parts on their way at once, at most
	Up       *Rate `json:"up"`
	Down     *Rate `json:"down"`
}

// Rate is how long a transfer took, and what that is in 2^20 bytes a second.
type Rate struct {
	Seconds      float64 `json:"seconds"`
	MiBPerSecond float64 `json:"mib_per_second"`
}

func rate(bytes int64, took time.Duration) *Rate {
	seconds := max(took, time.Microsecond).Seconds()
	return &Rate{round(seconds, 1e6), round(float64(bytes)/(1<<20)/seconds, 10)}
}

// round keeps as many decimal places as unit, a power of ten, has zeros.
func round(x, unit float64) float64 { return float64(int64(x*unit+0.5)) / unit }

// String is the rate as people read it.
func (r *Rate) String() string { return fmt.Sprintf("%.1f MiB/s", r.MiBPerSecond) }

// split gives the parts of an object, all of one size but the last.
func split(size int64) []span {
	part := int64(usualPart)
	if size <= part {
		part = leastPart
	}
	var parts []span
	for at := int64(0); at < size; at += part {
		parts = append(parts, span{at, min(part, size-at)})
	}
	return parts
}

// inParallel calls do for 0 to n-1, a few at a time, and gives the first error;
// it ends the others.
func inParallel(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		next atomic.Int64
		all  sync.WaitGroup
	)
	for range min(parallel, n) {
		all.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// send stores the content as an object in parts. What it may leave is tracked.
func (k *checker) send(ctx context.Context, key string, parts []span) error {
	up := k.track(key)
	id, err := up.c.createUpload(ctx, key, k.encryption())
	up.begun(id, err)
	if err != nil {
		return err
	}
	etags := make([]string, len(parts))
	err = inParallel(ctx, len(parts), func(ctx context.Context, i int) error {
		a, err := k.c.uploadPart(ctx, key, id, i+1, k.data.section(parts[i]))
		etags[i] = a.ETag
		return err
	})
	if err != nil {
		return err
	}
	a, err := up.c.completeUpload(ctx, key, id, etags)
	up.completed(a, err)
	return err
}

// fetch gets an object in parts and compares each with the content.
func (k *checker) fetch(ctx context.Context, key string, parts []span) error {
	return inParallel(ctx, len(parts), func(ctx context.Context, i int) error { return k.fetchPart(ctx, key, parts[i]) })
}

// fetchPart asks anew for a part whose answer is cut.
func (k *checker) fetchPart(ctx context.Context, key string, part span) error {
	for try := 1; ; try++ {
		o, err := k.c.getObject(ctx, key, part)
		if err != nil {
			return err
		}
		err = k.data.compare(o.Body, part)
		_ = o.Body.Close() // all that is of interest was read
		if other := (*differs)(nil); err == nil || errors.As(err, &other) {
			return err
		}
		if try == readTries || ctx.Err() != nil {
			return &unanswered{op: "GetObject", err: err}
		}
	}
}
