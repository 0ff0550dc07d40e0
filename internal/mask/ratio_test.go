package mask

import (
	"bytes"
	"io"
	"math"
	"slices"
	"testing"
	"time"
)

const (
	// leastOfIndex is the least rate on random input, by the rate of bytes.Index for one of the secrets.
	leastOfIndex = 1.0 / 10
	// leastOfRandom is the least rate on adversarial input, by the highest on random input that is cut alike: the
	// price of a call, which single bytes show, is the same for all input.
	leastOfRandom = 1.0 / 20
)

// BenchmarkRatios fails when a Writer is too slow: it measures all loads in turn, so that they meet the same machine,
// and compares the best times. One round is too few to trust; the default -benchtime gives enough.
func BenchmarkRatios(b *testing.B) {
	random, adversarial := randomLoads(), adversarialLoads()
	index := fill(len(random))
	best := map[int][2][]time.Duration{}
	cutting := []int{32 << 10, 1}
	for _, cut := range cutting {
		best[cut] = [2][]time.Duration{fill(len(random)), fill(len(adversarial))}
	}
	for b.Loop() {
		for i, l := range random {
			index[i] = min(index[i], l.index(b))
		}
		for _, cut := range cutting {
			for i, loads := range [][]load{random, adversarial} {
				for j, l := range loads {
					best[cut][i][j] = min(best[cut][i][j], l.time(b, cut))
				}
			}
		}
	}
	worst := math.Inf(1)
	for i, l := range random {
		ratio := float64(index[i]) / float64(best[cutting[0]][0][i])
		worst = min(worst, ratio)
		if ratio < leastOfIndex {
			b.Errorf("%s: 1/%.1f of the rate of bytes.Index, want at least 1/%.0f", l.name, 1/ratio, 1/leastOfIndex)
		}
	}
	b.ReportMetric(worst, "of-index")
	for i, unit := range []string{"of-random", "of-random-by-bytes"} {
		worst := math.Inf(1)
		fastest := slices.Min(best[cutting[i]][0])
		for j, l := range adversarial {
			ratio := float64(fastest) / float64(best[cutting[i]][1][j])
			worst = min(worst, ratio)
			if ratio < leastOfRandom {
				b.Errorf("%s by %d: 1/%.1f of the rate on random input, want at least 1/%.0f", l.name, cutting[i], 1/ratio, 1/leastOfRandom)
			}
		}
		b.ReportMetric(worst, unit)
	}
}

// fill returns n times that any measured time is better than.
func fill(n int) []time.Duration {
	return slices.Repeat([]time.Duration{math.MaxInt64}, n)
}

// index is the time of bytes.Index over the data, for a secret that is not in it.
func (l load) index(b *testing.B) time.Duration {
	secret := []byte(l.secrets[0])
	start := time.Now()
	if i := bytes.Index(l.data, secret); i >= 0 {
		b.Fatalf("the secret is in the data at %d", i)
	}
	return time.Since(start)
}

// time is the time of a Writer for the data in pieces of cut bytes.
func (l load) time(b *testing.B, cut int) time.Duration {
	w := New(l.secrets...).Writer(io.Discard)
	start := time.Now()
	for piece := range slices.Chunk(l.data, cut) {
		if _, err := w.Write(piece); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
