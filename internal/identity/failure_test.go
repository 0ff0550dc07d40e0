package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestEachKindOfSilenceHasItsCase(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	tests := []struct {
		name string
		err  error
		op   string
		at   string // an endpoint in place of AWS's own
		want string
	}{
		{"no route to AWS", refused, "", "", "sts-unreachable"},
		{"no name", &net.DNSError{Err: "no such host"}, "", "", "sts-dns"},
		{"no answer in time", context.DeadlineExceeded, "", "", "timeout"},
		{"cut", io.ErrUnexpectedEOF, "", "", "sts-cut"},
		{"reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, "", "", "sts-cut"},
		{"a proxy that is down", &net.OpError{Op: "proxyconnect", Err: refused}, "", "", "proxy-down"},
		{"a proxy without a name", &net.OpError{Op: "proxyconnect", Err: &net.DNSError{Err: "no such host"}}, "", "", "proxy-down"},
		{"an endpoint that is down", refused, "", "http://localhost:1", "endpoint-down"},
		{"an endpoint that is silent", context.DeadlineExceeded, "", "http://localhost:1", "endpoint-down"},
		{"an agent that is down", refused, catalogue.AgentOp, "", "agent-unreachable"},
		{"something else", errors.New("x"), "", "", "sts-unreachable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := &Identity{job: job.Read([]string{"HTTPS_PROXY=http://user:planted@proxy.example.com:3128"}, "")}
			if tt.at != "" {
				id.Endpoint = report.Value{Text: tt.at, From: "AWS_ENDPOINT_URL_STS"}
			}
			e := &Error{Facts: catalogue.Facts{"timeout": "30s"}}
			id.silent(e, tt.op, fmt.Errorf("wrapped: %w", tt.err))
			if e.Case != tt.want || !e.NoVerdict {
				t.Errorf("case %q (no verdict: %v), want %q", e.Case, e.NoVerdict, tt.want)
			}
			if tt.want == "proxy-down" && (e.Facts["proxy"] != "proxy.example.com:3128" || e.Facts["proxy-from"] != "HTTPS_PROXY") {
				t.Errorf("proxy %q (%s)", e.Facts["proxy"], e.Facts["proxy-from"])
			}
		})
	}
}
