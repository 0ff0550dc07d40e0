package cache

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxAnswer, in bytes, is more than any answer of S3's holds that is not an object.
const maxAnswer = 1 << 20

// s3Error is an answer that is no success. Code and Message are as they came:
// they are cleaned and redacted before they are shown, and stand in no error's
// text. Without a Code the answer is not in S3's form: a proxy's page, or a cut one.
type s3Error struct {
	Op            string // GetObject
	Status        int    // of HTTP
	Code, Message string
	Region        string // of the bucket, where the answer names one that can be a region
	Header        http.Header
	seen          exchange
}

// Error names the call and the status.
func (e *s3Error) Error() string { return fmt.Sprintf("%s: HTTP status %d", e.Op, e.Status) }

// ErrorCode is for the SDK's retryers.
func (e *s3Error) ErrorCode() string { return e.Code }

// HTTPStatusCode is for the SDK's retryers.
func (e *s3Error) HTTPStatusCode() int { return e.Status }

// unanswered is a call that nobody answered, or not to the end.
type unanswered struct {
	op   string
	err  error
	seen exchange
}

// Error names the call and what the network said.
func (e *unanswered) Error() string { return e.op + ": " + e.err.Error() }

// Unwrap gives what the network said.
func (e *unanswered) Unwrap() error { return e.err }

// ConnectionError tells the SDK's retryers that another try may go better. A
// certificate stays as it is.
func (e *unanswered) ConnectionError() bool {
	id, _ := networkCase(e.err)
	return id != "s3-tls" && id != "s3-no-tls"
}

// refusal reads an answer that is no success, and leaves its body open.
func refusal(op string, resp *http.Response) error {
	e := &s3Error{Op: op, Status: resp.StatusCode, Region: plausible(resp.Header.Get(regionHeader)), Header: resp.Header}
	if resp.Request.Method == http.MethodHead {
		// An answer to HEAD has no body. The words of its status are what the
		// SDK takes for the code: Forbidden, NotFound.
		e.Code = strings.ReplaceAll(http.StatusText(resp.StatusCode), " ", "")
		return e
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return &unanswered{op: op, err: err}
	}
	e.parse(text)
	return e
}

// parse takes code, message and region out of an answer in S3's form, and
// nothing out of any other.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses
func (e *s3Error) parse(text []byte) {
	var answer struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
		Region  string
	}
	if xml.Unmarshal(text, &answer) != nil {
		return
	}
	e.Code, e.Message = strings.TrimSpace(answer.Code), strings.TrimSpace(answer.Message)
	if e.Region == "" {
		e.Region = plausible(strings.TrimSpace(answer.Region))
	}
}

// readXML reads a good answer into out, whose XMLName says what it has to be,
// and closes it.
func readXML(op string, resp *http.Response, out any) error {
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return &unanswered{op: op, err: err}
	}
	if xml.Unmarshal(text, out) == nil {
		return nil
	}
	e := &s3Error{Op: op, Status: resp.StatusCode, Header: resp.Header}
	if e.parse(text); e.Code != "" {
		// S3 begins a long answer before it knows how it ends. The SDK takes
		// such an end for a fault of S3's too.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
		e.Status = http.StatusInternalServerError
	}
	return e
}

// drop reads what is left of an answer that holds nothing of interest, so that
// its connection serves the next call.
func drop(op string, resp *http.Response) error {
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return &unanswered{op: op, err: err}
	}
	return nil
}

// answerOf is the answer that a call failed with; an empty one if it had none.
func answerOf(err error) *s3Error {
	if answer, ok := errors.AsType[*s3Error](err); ok {
		return answer
	}
	return &s3Error{}
}
