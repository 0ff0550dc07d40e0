package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// event is a line of go test -json.
// https://pkg.go.dev/cmd/test2json
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// counter counts tests and subtests, shows the output of those that fail, and
// keeps the reason of those that were skipped.
type counter struct {
	out            io.Writer
	passed, failed int
	skipped        map[string]int   // by reason
	pending        map[event]string // output so far, by package and test
	broken         map[string]bool  // packages with a failed test
}

func newCounter(out io.Writer) *counter {
	return &counter{out: out, skipped: map[string]int{}, pending: map[event]string{}, broken: map[string]bool{}}
}

// line takes one line of go test -json; what is not an event is shown as it is.
func (c *counter) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		fmt.Fprintf(c.out, "%s", line)
		return
	}
	key := event{Package: e.Package, Test: e.Test}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(c.out, e.Output)
	case e.Action == "output":
		c.pending[key] += e.Output
	case e.Test == "" && (e.Action == "pass" || e.Action == "fail"):
		c.endPackage(key, e.Action == "fail")
	case e.Action == "pass":
		c.passed++
		delete(c.pending, key)
	case e.Action == "fail":
		c.failed++
		c.broken[e.Package] = true
		c.show(key)
	case e.Action == "skip" && e.Test != "":
		c.skipped[reason(c.pending[key])]++
		delete(c.pending, key)
	}
}

// endPackage prints the package's line. A package that fails without a failed
// test (it does not build, it panics) counts as one failure.
func (c *counter) endPackage(key event, failed bool) {
	if !failed {
		for line := range strings.Lines(c.pending[key]) {
			if strings.HasPrefix(line, "ok") {
				fmt.Fprint(c.out, line)
			}
		}
		delete(c.pending, key)
		return
	}
	for _, unfinished := range slices.SortedFunc(maps.Keys(c.pending), func(a, b event) int { return strings.Compare(a.Test, b.Test) }) {
		if unfinished.Package == key.Package {
			c.show(unfinished)
		}
	}
	if !c.broken[key.Package] {
		c.failed++
	}
}

// show prints what a test or package has said, but for go test's own markers.
func (c *counter) show(key event) {
	for line := range strings.Lines(c.pending[key]) {
		if !strings.HasPrefix(line, "=== ") && line != "FAIL\n" {
			fmt.Fprint(c.out, line)
		}
	}
	delete(c.pending, key)
}

var skipLine = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: (.*)$`)

// reason is the last thing that a skipped test logged.
func reason(output string) string {
	logged := skipLine.FindAllStringSubmatch(output, -1)
	if len(logged) == 0 {
		return "no reason given"
	}
	return logged[len(logged)-1][1]
}

// close prints the sums and returns the exit code: 1 when a test failed or none
// ran, when go test itself did not succeed, and in CI when a test was skipped
// for another reason than parts.NotAtHand.
func (c *counter) close(ok, ci bool) int {
	skipped, avoidable := 0, false
	var reasons []string
	for _, why := range slices.Sorted(maps.Keys(c.skipped)) {
		skipped += c.skipped[why]
		avoidable = avoidable || !strings.HasPrefix(why, parts.NotAtHand)
		reasons = append(reasons, fmt.Sprintf("%s: %d", why, c.skipped[why]))
	}
	counts := fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, skipped)
	if skipped > 0 {
		fmt.Fprintf(c.out, "ci-aws: %s (%s)\n", counts, strings.Join(reasons, "; "))
		if ci && avoidable {
			fmt.Fprintln(c.out, "runtests: in CI a skipped test is a failure")
			ok = false
		}
	}
	fmt.Fprintln(c.out, counts)
	if !ok || c.failed > 0 || c.passed == 0 {
		return 1
	}
	return 0
}
