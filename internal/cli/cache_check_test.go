package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// sized is what the check takes of --size and --timeout.
type sized struct {
	Size           int64
	Timeout        time.Duration
	Said, SaidFrom string
	Wrong          string
}

func TestTheTimeGrowsWithTheSizeUnlessItIsGiven(t *testing.T) {
	const mib = 1 << 20
	flag := func(name, text string) report.Value {
		if text == "" {
			return report.Value{}
		}
		return report.Value{Text: text, From: name}
	}
	tests := []struct {
		size, timeout string
		want          sized
	}{
		{"", "", sized{8 * mib, 30 * time.Second, "30s", "the default", ""}},
		{"6MiB", "", sized{6 * mib, 30 * time.Second, "30s", "the default", ""}},
		{"30MiB", "", sized{30 * mib, 30 * time.Second, "30s", "the default", ""}},
		{"256MiB", "", sized{256 * mib, 256 * time.Second, "4m16s", "the default", ""}},
		{"1GiB", "", sized{1024 * mib, 1024 * time.Second, "17m4s", "the default", ""}},
		{"1GiB", "40s", sized{1024 * mib, 40 * time.Second, "40s", "--timeout", ""}},
		{"16 mib", "", sized{16 * mib, 30 * time.Second, "30s", "the default", ""}},
		{"5MiB", "", sized{Wrong: `reading --size: "5MiB" is less than 6MiB: the object goes in two parts or more, and S3 takes none below 5MiB but the last`}},
		{"1025MiB", "", sized{Wrong: `reading --size: "1025MiB" is more than 1GiB, the most that is sent`}},
		{"99999999999GiB", "", sized{Wrong: `reading --size: "99999999999GiB" is not a size of up to 1GiB, such as 8MiB`}},
		{"8MB", "", sized{Wrong: `reading --size: "8MB" is not a size: write 8MiB`}},
		{"8 m", "", sized{Wrong: `reading --size: "8 m" is not a size: write 8MiB`}},
		{"1G", "", sized{Wrong: `reading --size: "1G" is not a size: write 1GiB`}},
		{"large", "", sized{Wrong: `reading --size: "large" is not a size of up to 1GiB, such as 8MiB`}},
		{"-8MiB", "", sized{Wrong: `reading --size: "-8MiB" is not a size of up to 1GiB, such as 8MiB`}},
		{"MB", "", sized{Wrong: `reading --size: "MB" is not a size of up to 1GiB, such as 8MiB`}},
	}
	for _, tt := range tests {
		t.Run(tt.size+" "+tt.timeout, func(t *testing.T) {
			timeout := defaultTimeout
			if tt.timeout != "" {
				timeout, _ = time.ParseDuration(tt.timeout)
			}
			var o cacheCheckOptions
			var got sized
			if err := o.readSize(flag("--size", tt.size), flag("--timeout", tt.timeout), timeout); err != nil {
				got.Wrong = err.Error()
			} else {
				got = sized{o.trial.Size, o.timeout, o.trial.Timeout.Text, o.trial.Timeout.From, ""}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
