package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Token is a token that was read: the secret itself, what it says, and the
// setting and the file or variable that it came from.
type Token struct {
	Raw    report.Secret
	Claims Claims
	From   report.Value // the file or variable, and the setting that names it
}

// Known reports whether there is a token.
func (t Token) Known() bool { return !t.Raw.Empty() }

// rotation is how long the kubelet may leave a gap while it swaps the links
// that lead to the token.
// https://github.com/aws/amazon-eks-pod-identity-webhook/issues/34
const rotation = 100 * time.Millisecond

// readToken reads a token file through its links and trims the white space
// around the token. A file that is not there is looked for once more.
func readToken(path, from string) (Token, error) {
	at := report.Value{Text: path, From: from}
	raw, err := ReadFile(path, maxToken)
	if errors.Is(err, fs.ErrNotExist) {
		time.Sleep(rotation)
		raw, err = ReadFile(path, maxToken)
	}
	if err != nil {
		return Token{From: at}, tokenFileError(at, err)
	}
	return parseToken(raw, at)
}

// readPodToken reads the pod's ordinary token, where there is one, for what it
// tells of the pod; the zero Token where there is none.
func readPodToken(path string) Token {
	raw, err := ReadFile(path, maxToken)
	if err != nil {
		return Token{}
	}
	t, err := parseToken(raw, report.Value{Text: path, From: "the pod's own service-account token"})
	if err != nil {
		return Token{}
	}
	return t
}

// ReadFile reads a small file that a setting names. What is not a regular file,
// and so could keep the reader waiting, or is larger than most bytes is an
// error. Errors do not repeat the path.
func ReadFile(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path) //nolint:gosec // the path is the user's setting
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(raw)) > most {
		err = fmt.Errorf("it is larger than %d bytes", most)
	}
	return raw, withoutPath(err)
}

func withoutPath(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

func tokenFileError(at report.Value, err error) error {
	e := &Error{Case: "token-unreadable", Doing: "reading the token", Facts: catalogue.Facts{
		"file": at.Text, "file-from": at.From, "what": err.Error(),
	}}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Case = "token-missing"
	case errors.Is(err, fs.ErrPermission):
		e.Case = "token-permission"
		e.Facts["uid"] = ownUID()
		e.Facts["mode"], e.Facts["owner"] = modeAndOwner(at.Text)
	}
	return e
}

// parseToken checks that the bytes are one JWT and decodes its claims.
func parseToken(raw []byte, at report.Value) (Token, error) {
	raw = bytes.TrimSpace(raw)
	t := Token{From: at}
	claims, err := Decode(string(raw))
	if err != nil {
		return t, &Error{Case: "token-malformed", Doing: "reading the token", Facts: catalogue.Facts{
			"file": at.Text, "file-from": at.From, "what": err.Error(),
		}}
	}
	t.Raw, t.Claims = report.NewSecret(string(raw)), claims
	return t, nil
}

// asAgentToken words a missing token file as one of Pod Identity.
func asAgentToken(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Case == "token-missing" {
		e.Case = "agent-token-missing"
	}
	return err
}
