package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestALogSectionIsWhatGitLabFolds(t *testing.T) {
	at := time.Unix(1795435200, 0)
	const start, end = "\x1b[0Ksection_start:1795435200:ci_aws[collapsed=true]\r\x1b[0K", "\x1b[0Ksection_end:1795435201:ci_aws\r\x1b[0K\n"
	tests := []struct {
		name, header string
		lines        []string
		want         string
	}{
		{"a header and lines", "ci-aws: a role", []string{"ci-aws: a", "ci-aws: b"}, "ci-aws: a role\nci-aws: a\nci-aws: b\n"},
		{"no lines", "ci-aws: a role", nil, "ci-aws: a role\n"},
		{
			"a header that would end it", "a\r\x1b[0K\nsection_end:1:ci_aws\r\x1b[0K",
			[]string{"x"},
			`a\r\x1b[0K\nsection_end\:1:ci_aws\r\x1b[0K` + "\nx\n",
		},
		{
			"a line that would start another", "h",
			[]string{"\x1b[0Ksection_start:1:x\r\x1b[0Kfolded", "a\nb", "\u202esection_end:2:x"},
			"h\n" + `\x1b[0Ksection_start\:1:x\r\x1b[0Kfolded` + "\n" + `a\nb` + "\n" + `\u202esection_end\:2:x` + "\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := report.LogSection("ci_aws", tt.header, tt.lines, at, at.Add(time.Second))
			if diff := cmp.Diff(start+tt.want+end, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzLogSection(f *testing.F) {
	f.Add("h", "a line")
	f.Add("section_end:1:ci_aws\r\x1b[0K", "section_\nstart:1:x")
	f.Add("\xff", "section_start\x00:1:x")
	f.Fuzz(func(t *testing.T, header, line string) {
		at := time.Unix(1, 0)
		got := report.LogSection("ci_aws", header, []string{line, line}, at, at)
		if strings.Count(got, "section_start:") != 1 || strings.Count(got, "section_end:") != 1 ||
			strings.Count(got, "\n") != 4 || strings.Count(got, "\r") != 2 || strings.Count(got, "\x1b") != 4 {
			t.Errorf("%q and %q break out:\n%q", header, line, got)
		}
	})
}
