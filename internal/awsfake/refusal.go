package awsfake

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"strconv"
)

// refusal is an error answer. A nil one is none.
type refusal struct {
	status  int
	code    string
	message string
	headers map[string]string
	region  string // S3 says where the bucket is
}

// refuse gives the answer of a vector, with another message where the vector's
// holds an example's values.
func (c *Cloud) refuse(id string, message ...string) *refusal {
	v := c.vectors[id]
	r := &refusal{status: v.HTTP, code: v.Code, message: v.Message, headers: v.Headers, region: v.Headers["x-amz-bucket-region"]}
	for _, m := range message {
		r.message = m
	}
	return r
}

// in gives the same refusal from a bucket in another region.
func (f *refusal) in(region string) *refusal {
	other := *f
	other.region = region
	if other.headers != nil {
		other.headers = maps.Clone(other.headers)
		other.headers["x-amz-bucket-region"] = region
	}
	return &other
}

type stsError struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

type s3Error struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	Region    string `xml:",omitempty"`
	Endpoint  string `xml:",omitempty"`
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

// write answers in the service's own form. The answer to a HEAD has no body.
func (f *refusal) write(w http.ResponseWriter, r *http.Request, service string) {
	id := uid(f.code + r.URL.Path)
	var document any
	switch service {
	case "pod-identity":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, "["+id+"]: ("+f.code+"): "+f.message+", fault: client\n") // the client may be gone
		return
	case "s3":
		e := s3Error{Code: f.code, Message: f.message, Resource: r.URL.Path, Region: f.region, RequestID: id, HostID: uid(id)}
		if f.code == "PermanentRedirect" {
			e.Region, e.Endpoint = "", "s3."+f.region+".amazonaws.com"
		}
		document = e
		w.Header().Set("X-Amz-Request-Id", id)
		w.Header().Set("X-Amz-Id-2", e.HostID)
	default:
		document = stsError{Type: "Sender", Code: f.code, Message: f.message, RequestID: id}
		w.Header().Set("X-Amzn-Requestid", id)
	}
	for name, value := range f.headers {
		w.Header().Set(name, value)
	}
	writeXML(w, r, f.status, document)
}

func writeXML(w http.ResponseWriter, r *http.Request, status int, document any) {
	text, err := xml.Marshal(document)
	if err != nil {
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "text/xml")
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}
	text = append([]byte(xml.Header), text...)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that went away needs no answer
}
