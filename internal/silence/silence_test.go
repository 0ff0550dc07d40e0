package silence_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/silence"
)

func TestTheErrorOfACallTellsWhatStoodInTheWay(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   error
		want silence.Reason
		word string
	}{
		{"a name that nobody knows", &net.DNSError{Err: "no such host", Name: "x.example"}, silence.NoName, "no such host"},
		{"an end in the middle of the answer", io.ErrUnexpectedEOF, silence.Cut, ""},
		{"a reset", syscall.ECONNRESET, silence.Cut, ""},
		{"an end while the request was sent", &net.OpError{Op: "write", Err: syscall.EPIPE}, silence.Cut, ""},
		{"an end that was seen at once", &net.OpError{Op: "write", Err: net.ErrClosed}, silence.Cut, ""},
		{"nobody listens", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, silence.Unreachable, "connection refused"},
		{"the call's time was over", context.DeadlineExceeded, silence.Late, ""},
		{"something else", io.ErrShortWrite, silence.Unreachable, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, word := silence.Why(fmt.Errorf("calling: %w", tt.in))
			if got != tt.want || word != tt.word {
				t.Errorf("reason %d, %q, want %d, %q", got, word, tt.want, tt.word)
			}
		})
	}
}
