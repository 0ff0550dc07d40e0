package credserver

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"time"
)

// document is the answer that SDKs read.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
type document struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      string // RFC 3339, UTC; botocore requires it
	AccountID       string `json:"AccountId,omitempty"`
}

// refusal is an error as SDKs read it.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// unlimited is the expiration that is told for credentials that have none: the SDK asks again then, and is told more.
const unlimited = time.Hour

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch given := r.Header.Get("Authorization"); {
	case r.Host != s.host:
		refuse(w, http.StatusMisdirectedRequest, "WrongHost", "this endpoint answers under its own address only")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "WrongMethod", "this endpoint answers GET only")
	case !same(r.RequestURI, s.path):
		refuse(w, http.StatusNotFound, "WrongPath", "there is nothing here")
	case given == "":
		refuse(w, http.StatusUnauthorized, "NoToken", "the request has no Authorization header")
	case !same(given, s.token):
		refuse(w, http.StatusForbidden, "WrongToken", "the Authorization header is not this endpoint's token")
	default:
		s.serve(w, r)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c, err := s.cache.get(r.Context())
	if err != nil {
		refuse(w, http.StatusInternalServerError, "NoCredentials", err.Error())
		return
	}
	expires := c.Expires
	if expires.IsZero() {
		expires = s.cache.config.Now().Add(unlimited)
	}
	reply(w, http.StatusOK, document{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, Token: c.SessionToken,
		Expiration: expires.UTC().Format(time.RFC3339), AccountID: c.AccountID,
	})
}

// same compares in a time that does not tell where the two differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func refuse(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, refusal{Code: code, Message: message})
}

func reply(w http.ResponseWriter, status int, body any) {
	// Only now, for the credentials may have taken their time; and on both sides, for a body may be announced that
	// never comes.
	deadline := time.Now().Add(wireTimeout)
	control := http.NewResponseController(w)
	_, _ = control.SetReadDeadline(deadline), control.SetWriteDeadline(deadline)

	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails only if the client is gone
}
