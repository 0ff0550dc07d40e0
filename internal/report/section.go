package report

import (
	"fmt"
	"strings"
	"time"
)

// LogSection is a folded section of GitLab's job log: its header on one line,
// and the lines that a click shows. The name is made of a-z, 0-9, _, . and -.
// Header and lines are cleaned, so that nothing in them ends the section or
// starts one. GitLab shows the time between began and ended beside the header.
// https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
func LogSection(name, header string, lines []string, began, ended time.Time) string {
	var b strings.Builder
	startSection(&b, name+"[collapsed=true]", Clean(header), began)
	for _, l := range lines {
		b.WriteString(Clean(l) + "\n")
	}
	endSection(&b, name, ended)
	return b.String()
}

func startSection(b *strings.Builder, name, header string, at time.Time) {
	fmt.Fprintf(b, "\x1b[0Ksection_start:%d:%s\r\x1b[0K%s\n", at.Unix(), name, header)
}

func endSection(b *strings.Builder, name string, at time.Time) {
	fmt.Fprintf(b, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", at.Unix(), name)
}
