package cli_test

import (
	"io"
	"net"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// callsAtLeast asserts a number of calls: calls-at-least ACTION N.
func callsAtLeast(ts *testscript.TestScript, _ bool, args []string) {
	least, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := cloudOf(ts).Calls(args[0]); got < least {
		ts.Fatalf("%d calls of %s, want at least %d", got, args[0], least)
	}
}

// denyOnce lets STS refuse the next exchange, and none after it.
func denyOnce(ts *testscript.TestScript, _ bool, _ []string) {
	cloudOf(ts).ClearFaults()
	ts.Check(cloudOf(ts).Inject(awsfake.Fault{Action: "AssumeRoleWithWebIdentity", Vector: "trust-denied", Times: 1}))
}

// noFault lets the cloud answer as it should.
func noFault(ts *testscript.TestScript, _ bool, _ []string) { cloudOf(ts).ClearFaults() }

// spoilAction lets one action answer with an error: action ACTION KIND.
func spoilAction(ts *testscript.TestScript, _ bool, args []string) {
	code := map[string]string{"access-denied": "AccessDenied", "invalid-action": "InvalidAction"}[args[1]]
	cloudOf(ts).ClearFaults()
	ts.Check(cloudOf(ts).Inject(awsfake.Fault{
		Action: args[0], Status: 400, Type: "text/xml",
		Body: "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>no</Message></Error></ErrorResponse>",
	}))
}

// garbage puts a server in place of STS that sends more than an answer.
func garbage(ts *testscript.TestScript, _ bool, _ []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with the script
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 64<<10)
			_, _ = conn.Read(buffer)
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\nno")
			_, _ = io.WriteString(conn, "AWS_SECRET_ACCESS_KEY=PLANTED section_start:1:x")
		}
	}()
	ts.Setenv("AWS_ENDPOINT_URL_STS", "http://"+listener.Addr().String())
}

// hostileToken gives the pod a token whose subject wants to be more than text.
func hostileToken(ts *testscript.TestScript, _ bool, _ []string) {
	token, err := cloudOf(ts).Issuer().MintClaims(map[string]any{
		"sub": "x\x1b[31m\u202e\u009bsection_start:1:x\r\"; touch pwned", "aud": []string{"sts.amazonaws.com"},
		"exp": 4102444800, "iat": 1795445509,
	})
	ts.Check(err)
	cloudOf(ts).ClearFaults()
	ts.Check(cloudOf(ts).Inject(awsfake.Fault{Vector: "trust-denied"}))
	ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(token), 0o600))
}
