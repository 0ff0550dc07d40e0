package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

// Claims are what a token says. The signature is not checked: STS does that.
// Times are the zero time where the token does not give them.
type Claims struct {
	KeyID           string
	Issuer          string
	Subject         string
	Audience        []string
	AuthorizedParty string // azp, which STS takes for the audience where it stands
	Expires         time.Time
	Issued          time.Time
	Namespace       string
	ServiceAccount  string
	Pod             string
	Node            string
}

// STSAudience is the audience that STS compares with the provider's client ids:
// azp where the token has it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
func (c Claims) STSAudience() string {
	if c.AuthorizedParty != "" {
		return c.AuthorizedParty
	}
	return strings.Join(c.Audience, ", ")
}

// Decode reads the claims of a JWT. Its errors never hold a part of the token.
func Decode(token string) (Claims, error) {
	if err := shape(token); err != nil {
		return Claims{}, err
	}
	parts := strings.Split(token, ".")
	var header struct {
		KeyID text `json:"kid"`
	}
	if err := decodePart(parts[0], "header", &header); err != nil {
		return Claims{}, err
	}
	var body struct {
		Issuer          text       `json:"iss"`
		Subject         text       `json:"sub"`
		Audience        texts      `json:"aud"`
		AuthorizedParty text       `json:"azp"`
		Expires         unixTime   `json:"exp"`
		Issued          unixTime   `json:"iat"`
		Kubernetes      kubeClaims `json:"kubernetes.io"`
	}
	if err := decodePart(parts[1], "body", &body); err != nil {
		return Claims{}, err
	}
	c := Claims{
		KeyID: string(header.KeyID), Issuer: string(body.Issuer), Subject: string(body.Subject),
		Audience: body.Audience, AuthorizedParty: string(body.AuthorizedParty),
		Expires: time.Time(body.Expires), Issued: time.Time(body.Issued),
		Namespace: string(body.Kubernetes.Namespace), ServiceAccount: string(body.Kubernetes.ServiceAccount.Name),
		Pod: string(body.Kubernetes.Pod.Name), Node: string(body.Kubernetes.Node.Name),
	}
	return c, nil
}

func shape(token string) error {
	switch {
	case token == "":
		return errors.New("it is empty")
	case len(token) > maxToken:
		return fmt.Errorf("it has %d bytes, more than the %d that STS takes", len(token), maxToken)
	case strings.ContainsAny(token, "\r\n"):
		return fmt.Errorf("it has %d lines, not one", 1+strings.Count(strings.ReplaceAll(token, "\r\n", "\n"), "\n"))
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r == 0x7f || r == utf8.RuneError }):
		return errors.New("it holds blanks, control characters or binary data")
	case strings.HasPrefix(token, "$"):
		return errors.New("it starts with $, as a variable that was not expanded")
	}
	if n := strings.Count(token, ".") + 1; n != 3 {
		return fmt.Errorf("it has %s, not 3", catalogue.Count(n, "part"))
	}
	return nil
}

// decodePart decodes one part of a JWT. The texts of the decoders are not used:
// they quote their input.
func decodePart(part, name string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return fmt.Errorf("its %s is not base64url", name)
	}
	raw = bytes.TrimSpace(raw)
	if !json.Valid(raw) {
		return fmt.Errorf("its %s is not JSON", name)
	}
	if raw[0] != '{' {
		return fmt.Errorf("its %s is not a JSON object", name)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("its %s has claims of a wrong type", name)
	}
	return nil
}

type named struct {
	Name text `json:"name"`
}

// kubeClaims are those below kubernetes.io; of another type they are absent.
type kubeClaims struct{ kubernetes }

func (k *kubeClaims) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &k.kubernetes) != nil {
		k.kubernetes = kubernetes{}
	}
	return nil
}

type kubernetes struct {
	Namespace      text  `json:"namespace"`
	ServiceAccount named `json:"serviceaccount"`
	Pod            named `json:"pod"`
	Node           named `json:"node"`
}

// text is a claim that is text; one of another type counts as absent, since
// only STS decides what a token must hold.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*t = text(s)
	}
	return nil
}

// texts is a claim that is one text or a list of them.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var one text
	if json.Unmarshal(raw, &one) == nil && one != "" {
		*t = texts{string(one)}
		return nil
	}
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		*t = many
	}
	return nil
}

// unixTime is a NumericDate: seconds since 1970, with or without a fraction.
type unixTime time.Time

// lastSecond is the end of year 9999, the last that RFC 3339 can write.
const lastSecond = 253402300799

func (u *unixTime) UnmarshalJSON(raw []byte) error {
	var f float64
	if json.Unmarshal(raw, &f) == nil && f >= 0 && f <= lastSecond {
		whole, part := math.Modf(f)
		*u = unixTime(time.Unix(int64(whole), int64(part*1e9)).UTC())
	}
	return nil
}
