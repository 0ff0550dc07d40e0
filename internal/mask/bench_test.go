package mask

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	volume  = 1 << 20
)

// randomText returns n letters of base64, which is what keys and tokens are made of.
func randomText(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a benchmark has to repeat itself
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[r.IntN(len(letters))]
	}
	return string(text)
}

func randomBytes(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // as above
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32()) //nolint:gosec // the low byte is wanted
	}
	return data
}

// sessions returns the secrets of n sessions: secret key and session token, the tokens beginning alike as AWS's do.
func sessions(n int) []string {
	var secrets []string
	for i := range n {
		seed := uint64(i) * 2 //nolint:gosec // small
		secrets = append(secrets, randomText(seed, 40), "IQoJb3JpZ2luX2Vj"+randomText(seed+1, 984))
	}
	return secrets
}

// repeat returns volume bytes of unit after unit.
func repeat(unit string) []byte {
	return []byte(strings.Repeat(unit, volume/len(unit)+1)[:volume])
}

// load is something for a Writer to do.
type load struct {
	name    string
	secrets []string
	data    []byte
}

func randomLoads() []load {
	return []load{
		{"1 secret in bytes", sessions(1)[:1], randomBytes(100, volume)},
		{"2 secrets in bytes", sessions(1), randomBytes(101, volume)},
		{"4 secrets in bytes", sessions(2), randomBytes(102, volume)},
		{"2 secrets in text", sessions(1), []byte(randomText(103, volume))},
		{"4 secrets in text", sessions(2), []byte(randomText(104, volume))},
	}
}

// adversarialLoads are those in which a search that starts over after a near miss takes quadratic time.
func adversarialLoads() []load {
	a39, a999 := strings.Repeat("a", 39), strings.Repeat("a", 999)
	period := strings.Repeat("ab", 499) + "ac"
	key, token := sessions(1)[0], sessions(1)[1]
	return []load{
		{"a… for 39 a and b", []string{a39 + "b"}, repeat("a")},
		{"a… for 999 a and b", []string{a999 + "b", key}, repeat("a")},
		{"a… for b and 999 a", []string{"b" + a999, a999 + "b"}, repeat("a")},
		{"ab… for a period of two", []string{period, token}, repeat("ab")},
		{"all of a token but its end", []string{key, token}, repeat(token[:999])},
		{"all of a key but its end", []string{key, token}, repeat(key[:39])},
		{"the common beginning of tokens", sessions(2), repeat("IQoJb3JpZ2luX2Vj")},
		{"nothing but the secret", []string{key, token}, repeat(key)},
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, l := range append(randomLoads(), adversarialLoads()...) {
		for _, cut := range []int{32 << 10, 1} {
			b.Run(fmt.Sprintf("%s/by %d", l.name, cut), func(b *testing.B) {
				b.SetBytes(int64(len(l.data)))
				for b.Loop() {
					l.time(b, cut)
				}
			})
		}
	}
}
