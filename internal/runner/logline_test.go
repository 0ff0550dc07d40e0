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
	for _, text := range []string{little, big, little[:2]} {
		if l, err := runner.ReadLog(strings.NewReader(text)); !errors.Is(err, runner.ErrUTF16) {
			t.Errorf("%q: %v, %+v", text[:2], err, l)
		}
	}
}
