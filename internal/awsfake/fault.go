package awsfake

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

//go:embed testdata/sts-answers.json testdata/s3-answers.json
var answers embed.FS

// Vector is one answer of AWS's, as it was seen.
type Vector struct {
	ID      string            `json:"id"`
	Service string            `json:"-"` // sts or s3
	HTTP    int               `json:"http"`
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Headers map[string]string `json:"headers"`
	Means   string            `json:"means"`
}

// Vectors gives every answer of a service ("sts" or "s3") that can be replayed,
// in the order of its file.
func Vectors(service string) ([]Vector, error) {
	text, err := answers.ReadFile("testdata/" + service + "-answers.json")
	if err != nil {
		return nil, fmt.Errorf("vectors of %q: %w", service, err)
	}
	var all []Vector
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("vectors of %q: %w", service, err)
	}
	for i := range all {
		all[i].Service = service
	}
	return all, nil
}

func loadVectors() (map[string]Vector, error) {
	byID := map[string]Vector{}
	for _, service := range []string{"sts", "s3"} {
		all, err := Vectors(service)
		if err != nil {
			return nil, err
		}
		for _, v := range all {
			byID[v.ID] = v
		}
	}
	return byID, nil
}

// Fault replaces or spoils answers.
type Fault struct {
	// Action is the call to spoil, by AWS's name of it (GetObject). Empty spoils
	// every call, or with a Vector every call of its service.
	Action string
	Times  int           // how many calls; zero: all of them
	Delay  time.Duration // wait first
	Cut    bool          // then close the connection without an answer
	Vector string        // or give the answer of this id
	Status int           // or give this status with Type and Body
	Type   string
	Body   string
}

// HTMLPage is the answer of a proxy that stands between the caller and AWS.
func HTMLPage() Fault {
	return Fault{Status: http.StatusOK, Type: "text/html", Body: "<!DOCTYPE html><html><body>Please log in to the proxy</body></html>"}
}

// Inject adds a fault. Where several match a call, the first added counts.
func (c *Cloud) Inject(f Fault) error {
	if _, ok := c.vectors[f.Vector]; f.Vector != "" && !ok {
		return fmt.Errorf("no vector %q", f.Vector)
	}
	if f.Times == 0 {
		f.Times = -1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
	return nil
}

// ClearFaults takes all faults away.
func (c *Cloud) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// Call is one call that arrived. It holds tokens and keys as they were sent.
type Call struct {
	Service string // sts, s3 or pod-identity
	Action  string
	Method  string
	Path    string
	Header  http.Header
	Form    url.Values // the parameters of an STS call
}

// Calls counts the calls of an action that arrived, spoilt ones too.
func (c *Cloud) Calls(action string) int { return len(c.Received(action)) }

// Received gives the calls of an action in their order; of all actions for "".
func (c *Cloud) Received(action string) []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.calls), func(call Call) bool {
		return action != "" && call.Action != action
	})
}

// maxBody is more than any test sends in one request.
const maxBody = 1 << 30

// gate reads and records each call, spoils it if it shall be spoilt, and else
// hands it on.
func (c *Cloud) gate(service string, action func(*http.Request, []byte) string,
	next func(http.ResponseWriter, *http.Request, []byte),
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		call := Call{Service: service, Action: action(r, body), Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone()}
		if service == "sts" {
			call.Form, _ = stsForm(r, body)
		}
		if f, ok := c.record(call); ok && c.spoil(w, r, service, f) {
			return
		}
		next(w, r, body)
	})
}

// record keeps the call and gives the fault that it is to meet.
func (c *Cloud) record(call Call) (Fault, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call)
	for _, f := range c.faults {
		wrongService := f.Action == "" && f.Vector != "" && c.vectors[f.Vector].Service != call.Service
		if f.Times == 0 || wrongService || f.Action != "" && f.Action != call.Action {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return *f, true
	}
	return Fault{}, false
}

// spoil says whether it gave an answer.
func (c *Cloud) spoil(w http.ResponseWriter, r *http.Request, service string, f Fault) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
		}
	}
	switch {
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Vector != "":
		c.refuse(f.Vector).write(w, r, service)
		return true
	case f.Status != 0:
		if f.Type != "" {
			w.Header().Set("Content-Type", f.Type)
		}
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body) // a client that went away needs no answer
		return true
	}
	return false
}
