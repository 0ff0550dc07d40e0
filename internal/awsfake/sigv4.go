package awsfake

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const amzDate = "20060102T150405Z"

// signature is the Authorization header of a signed call, taken apart.
type signature struct {
	keyID, day, region, service string
	signedHeaders               []string
	value                       string
}

// parseSignature reads AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=….
func parseSignature(header string) (signature, bool) {
	var s signature
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	if !ok {
		return s, false
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[4] != "aws4_request" || fields["SignedHeaders"] == "" || fields["Signature"] == "" {
		return s, false
	}
	return signature{
		keyID: scope[0], day: scope[1], region: scope[2], service: scope[3],
		signedHeaders: strings.Split(fields["SignedHeaders"], ";"), value: fields["Signature"],
	}, true
}

// coversAll says whether the signature covers the host and every x-amz- header,
// as AWS wants it.
func (s signature) coversAll(h http.Header) bool {
	for name := range h {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.signedHeaders, name) {
			return false
		}
	}
	return slices.Contains(s.signedHeaders, "host")
}

// matches signs the call again, over exactly the headers that it says it
// signed, with the SDK's own signer, and compares.
func (s signature) matches(r *http.Request, keys session, payloadHash string, at time.Time) bool {
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.RequestURI, nil)
	if err != nil {
		return false
	}
	for _, name := range s.signedHeaders {
		switch name {
		case "host", "x-amz-date", "x-amz-security-token":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	if err := sign(r.Context(), again, keys, payloadHash, s.service, s.region, at); err != nil {
		return false
	}
	want, ok := parseSignature(again.Header.Get("Authorization"))
	return ok && slices.Equal(want.signedHeaders, s.signedHeaders) && want.day == s.day &&
		subtle.ConstantTimeCompare([]byte(want.value), []byte(s.value)) == 1
}

func sign(ctx context.Context, r *http.Request, keys session, payloadHash, service, region string, at time.Time) error {
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	return signer.SignHTTP(ctx, aws.Credentials{
		AccessKeyID: keys.keyID, SecretAccessKey: keys.secret, SessionToken: keys.token,
	}, r, payloadHash, service, region, at)
}

// sameToken compares the session token of a call with the one of its key.
func sameToken(r *http.Request, keys session) bool {
	return subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Amz-Security-Token")), []byte(keys.token)) == 1
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
