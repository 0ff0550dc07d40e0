package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheCountSaysWhatGoTestSaid(t *testing.T) {
	const (
		passes = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
		skips = `{"Action":"output","Package":"q","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"    b_test.go:3: fish not installed\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"q","Test":"TestB"}
{"Action":"skip","Package":"q","Test":"TestC"}
{"Action":"pass","Package":"q"}
{"Action":"skip","Package":"without-tests"}
`
		atHand = `{"Action":"output","Package":"v","Test":"TestF","Output":"    f_test.go:3: not at hand: terraform\n"}
{"Action":"skip","Package":"v","Test":"TestF"}
{"Action":"pass","Package":"v"}
`
		fails = `{"Action":"output","Package":"r","Test":"TestD","Output":"=== RUN   TestD\n"}
{"Action":"output","Package":"r","Test":"TestD","Output":"    d_test.go:9: wrong\n"}
{"Action":"fail","Package":"r","Test":"TestD"}
{"Action":"output","Package":"r","Output":"FAIL\n"}
{"Action":"output","Package":"r","Output":"FAIL\tr\t0.1s\n"}
{"Action":"fail","Package":"r"}
`
		broken = `{"Action":"build-output","ImportPath":"s","Output":"s.go:1: undefined: x\n"}
{"Action":"output","Package":"s","Output":"FAIL\ts [build failed]\n"}
{"Action":"fail","Package":"s"}
`
		panics = `{"Action":"output","Package":"u","Test":"TestE","Output":"panic: boom\n"}
{"Action":"output","Package":"u","Output":"FAIL\tu\t0.1s\n"}
{"Action":"fail","Package":"u"}
`
	)
	tests := []struct {
		name, in string
		ok, ci   bool
		want     string
		code     int
	}{
		{"one passes", passes, true, true, "ok  \tp\t0.1s\n1 passed, 0 failed, 0 skipped\n", 0},
		{
			"a skip is counted with its reason", passes + skips, true, false,
			"ok  \tp\t0.1s\nci-aws: 1 passed, 0 failed, 2 skipped (fish not installed: 1; no reason given: 1)\n1 passed, 0 failed, 2 skipped\n", 0,
		},
		{
			"in CI a skip fails", passes + skips, true, true,
			"ok  \tp\t0.1s\nci-aws: 1 passed, 0 failed, 2 skipped (fish not installed: 1; no reason given: 1)\n" +
				"runtests: in CI a skipped test is a failure\n1 passed, 0 failed, 2 skipped\n", 1,
		},
		{
			"what nobody can install is skipped in CI too", passes + atHand, true, true,
			"ok  \tp\t0.1s\nci-aws: 1 passed, 0 failed, 1 skipped (not at hand: terraform: 1)\n1 passed, 0 failed, 1 skipped\n", 0,
		},
		{"a failure is shown and counted", passes + fails, false, false, "ok  \tp\t0.1s\n    d_test.go:9: wrong\nFAIL\tr\t0.1s\n1 passed, 1 failed, 0 skipped\n", 1},
		{"a package that does not build is one failure", passes + broken, false, false, "ok  \tp\t0.1s\ns.go:1: undefined: x\nFAIL\ts [build failed]\n1 passed, 1 failed, 0 skipped\n", 1},
		{"a panic is one failure and is shown", passes + panics, false, false, "ok  \tp\t0.1s\nFAIL\tu\t0.1s\npanic: boom\n1 passed, 1 failed, 0 skipped\n", 1},
		{"go test that could not run is not green", passes, false, false, "ok  \tp\t0.1s\n1 passed, 0 failed, 0 skipped\n", 1},
		{"no test at all is not green", "", true, false, "0 passed, 0 failed, 0 skipped\n", 1},
		{"what is no event is shown", "go: something\n" + passes, true, false, "go: something\nok  \tp\t0.1s\n1 passed, 0 failed, 0 skipped\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			c := newCounter(&out)
			for line := range strings.Lines(tt.in) {
				c.line([]byte(line))
			}
			code := c.close(tt.ok, tt.ci)
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
		})
	}
}

func TestOnlyPackagesThatStartNoProcessMayBeCached(t *testing.T) {
	tested := []string{"x_test.go"}
	cacheable, starting := split([]goPackage{
		{ImportPath: "pure", Imports: []string{"fmt"}, TestGoFiles: tested, TestImports: []string{"testing"}},
		{ImportPath: "child", Imports: []string{"os/exec"}, TestGoFiles: tested},
		{ImportPath: "untested", Imports: []string{"child"}},
		{ImportPath: "by-another", Imports: []string{"fmt", "untested"}, XTestGoFiles: tested},
		{ImportPath: "by-its-tests", XTestGoFiles: tested, XTestImports: []string{"untested"}},
		{ImportPath: "by-a-script", TestGoFiles: tested, TestImports: []string{"github.com/rogpeppe/go-internal/testscript"}},
	})
	if diff := cmp.Diff([]string{"pure"}, cacheable); diff != "" {
		t.Errorf("cacheable (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"child", "by-another", "by-its-tests", "by-a-script"}, starting); diff != "" {
		t.Errorf("starting (-want +got):\n%s", diff)
	}
}
