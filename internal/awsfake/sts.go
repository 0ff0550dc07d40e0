package awsfake

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// stsForm gives the parameters of a call in the query protocol, which stand in
// the query or in the body.
func stsForm(r *http.Request, body []byte) (url.Values, error) {
	form := r.URL.Query()
	if r.Method == http.MethodPost {
		posted, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, fmt.Errorf("reading the body: %w", err)
		}
		maps.Copy(form, posted)
	}
	return form, nil
}

func stsAction(r *http.Request, body []byte) string {
	form, err := stsForm(r, body)
	if err != nil {
		return ""
	}
	return form.Get("Action")
}

func (c *Cloud) serveSTS(w http.ResponseWriter, r *http.Request, body []byte) {
	document, refused := c.answerSTS(r, body)
	if refused != nil {
		refused.write(w, r, "sts")
		return
	}
	writeXML(w, r, http.StatusOK, document)
}

func (c *Cloud) answerSTS(r *http.Request, body []byte) (any, *refusal) {
	form, err := stsForm(r, body)
	if err != nil || form.Get("Version") != "2011-06-15" {
		return nil, &refusal{status: http.StatusBadRequest, code: "InvalidAction", message: "Could not find operation " + form.Get("Action") + " for version " + form.Get("Version")}
	}
	if form.Get("Action") == "AssumeRoleWithWebIdentity" {
		return c.assumeRoleWithWebIdentity(form)
	}
	caller, refused := c.authenticateSTS(r, body)
	if refused != nil {
		return nil, refused
	}
	switch form.Get("Action") {
	case "AssumeRole":
		return c.assumeRole(form, caller)
	case "GetCallerIdentity":
		return callerIdentity{ARN: caller.arn, UserID: caller.userID, Account: caller.account, RequestID: uid(caller.arn)}, nil
	}
	return nil, &refusal{status: http.StatusBadRequest, code: "InvalidAction", message: "Could not find operation " + form.Get("Action") + " for version 2011-06-15"}
}

// stsSkew is how far the clock of a signed STS call may be off.
const stsSkew = 5 * time.Minute

func (c *Cloud) authenticateSTS(r *http.Request, body []byte) (session, *refusal) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return session{}, &refusal{status: http.StatusForbidden, code: "MissingAuthenticationToken", message: "Request is missing Authentication Token"}
	}
	mismatch := c.refuse("clock-skew", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	s, ok := parseSignature(header)
	if !ok {
		return session{}, &refusal{status: http.StatusBadRequest, code: "IncompleteSignature", message: "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters."}
	}
	keys, ok := c.session(s.keyID)
	if !ok || !sameToken(r, keys) {
		return session{}, c.refuse("invalid-key")
	}
	now := c.now().UTC()
	if !keys.expires.IsZero() && !now.Before(keys.expires) {
		return session{}, &refusal{status: http.StatusForbidden, code: "ExpiredToken", message: "The security token included in the request is expired"}
	}
	at, err := time.Parse(amzDate, r.Header.Get("X-Amz-Date"))
	switch {
	case err != nil || !s.coversAll(r.Header):
		return session{}, mismatch
	case s.service != "sts":
		return session{}, c.refuse("clock-skew", "Credential should be scoped to correct service: 'sts'. ")
	case at.Before(now.Add(-stsSkew)):
		return session{}, c.refuse("clock-skew", fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			at.Format(amzDate), now.Add(-stsSkew).Format(amzDate), now.Format(amzDate)))
	case at.After(now.Add(stsSkew)):
		return session{}, c.refuse("clock-skew", fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			at.Format(amzDate), now.Add(stsSkew).Format(amzDate), now.Format(amzDate)))
	case !s.matches(r, keys, hexSHA256(body), at):
		return session{}, mismatch
	}
	return keys, nil
}

// asked is what AssumeRole and AssumeRoleWithWebIdentity have in common.
type asked struct {
	arn        string
	name       string
	length     time.Duration
	policy     string
	policyARNs []string
	tags       map[string]string
	size       int // of policies and tags together, in characters
}

// parseAsked checks each parameter by itself, as STS does before anything else.
func parseAsked(form url.Values, token *string) (asked, *refusal) {
	a := asked{arn: form.Get("RoleArn"), name: form.Get("RoleSessionName"), policy: form.Get("Policy"), tags: map[string]string{}}
	var errs []string
	bad := func(value, field, rule string) {
		errs = append(errs, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, field, rule))
	}
	length := func(value, field string, low, high int) {
		if len(value) < low {
			bad(value, field, fmt.Sprintf("have length greater than or equal to %d", low))
		}
		if len(value) > high {
			bad(value, field, fmt.Sprintf("have length less than or equal to %d", high))
		}
	}
	length(a.arn, "roleArn", 20, 2048)
	length(a.name, "roleSessionName", 2, 64)
	if !regexp.MustCompile(`^[\w+=,.@-]*$`).MatchString(a.name) {
		bad(a.name, "roleSessionName", `satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	if token != nil && (len(*token) < 4 || len(*token) > 20000) {
		bad("", "webIdentityToken", "have length between 4 and 20000")
	}
	seconds := 3600
	if text := form.Get("DurationSeconds"); text != "" {
		n, err := strconv.Atoi(text)
		switch {
		case err != nil || n < 900:
			bad(text, "durationSeconds", "have value greater than or equal to 900")
		case n > 43200:
			bad(text, "durationSeconds", "have value less than or equal to 43200")
		}
		seconds = n
	}
	a.length = time.Duration(seconds) * time.Second
	a.size = len(a.policy)
	for i := 1; form.Has(fmt.Sprintf("PolicyArns.member.%d.arn", i)); i++ {
		arn := form.Get(fmt.Sprintf("PolicyArns.member.%d.arn", i))
		a.policyARNs, a.size = append(a.policyARNs, arn), a.size+len(arn)
	}
	for i := 1; form.Has(fmt.Sprintf("Tags.member.%d.Key", i)); i++ {
		key, value := form.Get(fmt.Sprintf("Tags.member.%d.Key", i)), form.Get(fmt.Sprintf("Tags.member.%d.Value", i))
		a.tags[key], a.size = value, a.size+len(key)+len(value)
	}
	switch len(errs) {
	case 0:
		return a, nil
	case 1:
		return a, invalid("1 validation error detected: " + errs[0])
	}
	return a, invalid(fmt.Sprintf("%d validation errors detected: %s", len(errs), strings.Join(errs, "; ")))
}

func invalid(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "ValidationError", message: message}
}

// packedLimit is how many characters session policies and tags may have
// together. AWS packs them first and does not say how.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const packedLimit = 2048

// narrow reads the session policies of a request.
func (c *Cloud) narrow(a asked) ([]iam.Policy, *refusal) {
	if a.size > packedLimit {
		return nil, c.refuse("policy-too-large", fmt.Sprintf("Packed size of session tags and policies consumes %d%% of allotted space", (a.size*100+packedLimit-1)/packedLimit))
	}
	var all []iam.Policy
	if a.policy != "" {
		p, err := iam.ParsePolicy([]byte(a.policy))
		if err != nil {
			return nil, c.refuse("policy-malformed")
		}
		all = append(all, p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, arn := range a.policyARNs {
		all = append(all, c.policies[arn])
	}
	return slices.Clip(all), nil
}

// packed is the answer's PackedPolicySize in percent, nil where nothing was packed.
func (a asked) packed() *int {
	if a.size == 0 {
		return nil
	}
	percent := (a.size*100 + packedLimit - 1) / packedLimit
	return &percent
}

type callerIdentity struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type stsCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumedUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	ARN           string `xml:"Arn"`
}

func (s session) credentials() stsCredentials {
	return stsCredentials{s.keyID, s.secret, s.token, s.expires.Format(time.RFC3339)}
}

func (s session) assumed() assumedUser { return assumedUser{s.userID, s.arn} }
