package runner_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

func TestALogThatPowerShellWroteIsReadOrRefused(t *testing.T) {
	log := greeting("eks-1", "aCsCcYp6x") + restoring("Not downloading cache k due to policy")
	want := readLog(t, log)
	if diff := cmp.Diff(want, readLog(t, "\xef\xbb\xbf"+log)); diff != "" {
		t.Error(diff)
	}
	little, big := "\xff\xfe", "\xfe\xff"
	for _, r := range log {
		little += string([]byte{byte(r), 0})
		big += string([]byte{0, byte(r)})
	}
	for name, text := range map[string]string{
		"little-endian": little, "big-endian": big, "a mark alone": little[:2],
		"little-endian without a mark": little[2:], "big-endian without a mark": big[2:],
		"an emoji": "R\x00u\x00n\x00\x3d\xd8\x00\xde\x20\x00" + little[2:], "a line": little[2:30],
	} {
		if l, err := runner.ReadLog(strings.NewReader(text)); !errors.Is(err, runner.ErrUTF16) {
			t.Errorf("%s: %v, %+v", name, err, l)
		}
	}
	// Zeros in a log do not make it UTF-16.
	for _, text := range []string{strings.Repeat("\x00", 600) + "\n" + log, "a\x00\n" + log, "\x00" + log, "0\x00", "a\x00\n\x00"} {
		if _, err := runner.ReadLog(strings.NewReader(text)); err != nil {
			t.Errorf("%q: %v", text[:3], err)
		}
	}
}
