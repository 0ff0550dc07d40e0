package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

// smokeRun runs a smoke test's command in this process. now is called when a writer
// is about to store, and when a reader begins with a fleet.
func smokeRun(ctx context.Context, now func() time.Time, args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	environ := []string{"CI_PIPELINE_ID=1212", "CI_JOB_ID=4712", "CI_RUNNER_ID=8", "CI_RUNNER_TAGS=[\"arm64\"]"}
	code = cli.Run(ctx, append([]string{"ci-aws", "smoke"}, args...), cli.IO{In: &bytes.Buffer{}, Out: &o, Err: &e, Environ: environ, Now: now})
	return o.String(), e.String(), code
}

func TestAnInterruptedSmokeTestHasNoVerdict(t *testing.T) {
	dir := t.TempDir()
	stored, began := filepath.Join(dir, "stored"), filepath.Join(dir, "began")
	if out, errs, code := smokeRun(t.Context(), time.Now, "write", "--fleet", "arm64", "--dir", filepath.Join(stored, "01"), "--size", "64"); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	type said struct {
		Out, Err string
		Code     int
	}
	tests := []struct {
		name string
		args []string
		want said
	}{
		{
			"a reader",
			[]string{"read", "--dir", stored, "--expect", "arm64", "--output", "json", "--file", filepath.Join(dir, "result.json")},
			said{"", "ci-aws: error: interrupted\nci-aws: hint: there is no verdict: start the reader's job again\n", 3},
		},
		{
			"a writer",
			[]string{"write", "--dir", began, "--fleet", "arm64"},
			said{"", "ci-aws: error: interrupted\nci-aws: hint: nothing of it is left: start the writer's job again\n", 3},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			var got said
			got.Out, got.Err, got.Code = smokeRun(ctx, func() time.Time { interrupt(); return time.Now() }, tt.args...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, path := range []string{filepath.Join(dir, "result.json"), filepath.Join(began, "manifest.json")} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
}
