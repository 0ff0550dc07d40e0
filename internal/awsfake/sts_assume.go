package awsfake

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// Leeway is how long past exp STS still accepts a token.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
const Leeway = 5 * time.Minute

// MaxTokenAge is how long after iat the fake accepts a token. AWS documents no
// figure; a day is the longest life of a projected service account token.
const MaxTokenAge = 24*time.Hour + Leeway

type webIdentityAnswer struct {
	XMLName     xml.Name       `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleWithWebIdentityResponse"`
	Subject     string         `xml:"AssumeRoleWithWebIdentityResult>SubjectFromWebIdentityToken"`
	Audience    string         `xml:"AssumeRoleWithWebIdentityResult>Audience"`
	User        assumedUser    `xml:"AssumeRoleWithWebIdentityResult>AssumedRoleUser"`
	Credentials stsCredentials `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	Provider    string         `xml:"AssumeRoleWithWebIdentityResult>Provider"`
	Packed      *int           `xml:"AssumeRoleWithWebIdentityResult>PackedPolicySize"`
	RequestID   string         `xml:"ResponseMetadata>RequestId"`
}

type assumeRoleAnswer struct {
	XMLName     xml.Name       `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
	User        assumedUser    `xml:"AssumeRoleResult>AssumedRoleUser"`
	Credentials stsCredentials `xml:"AssumeRoleResult>Credentials"`
	Packed      *int           `xml:"AssumeRoleResult>PackedPolicySize"`
	RequestID   string         `xml:"ResponseMetadata>RequestId"`
}

// assumeRoleWithWebIdentity checks in AWS's order: an answer implies that all
// checks before its own have passed.
func (c *Cloud) assumeRoleWithWebIdentity(form url.Values) (any, *refusal) {
	token := form.Get("WebIdentityToken")
	a, refused := parseAsked(form, &token)
	if refused != nil {
		return nil, refused
	}
	arn, err := iam.ParseRoleARN(a.arn)
	if err != nil {
		return nil, c.refuse("arn-invalid")
	}
	id, refused := c.identify(token, arn)
	if refused != nil {
		return nil, refused
	}
	r, ok := c.role(a.arn)
	if !ok || r.trust.Evaluate(id.request(arn, a)).Decision != iam.Allowed {
		return nil, c.refuse("trust-denied")
	}
	if a.length > r.maxSession {
		return nil, c.refuse("duration-max")
	}
	narrow, refused := c.narrow(a)
	if refused != nil {
		return nil, refused
	}
	s := c.newSession(arn, a.name, a.length, narrow)
	return webIdentityAnswer{
		Subject: id.subject, Audience: id.audience[0], Provider: id.issuer,
		User: s.assumed(), Credentials: s.credentials(), Packed: a.packed(), RequestID: uid(s.keyID),
	}, nil
}

// identity is what STS reads in a token.
type identity struct {
	issuer   string
	subject  string
	audience []string // of the :aud key: azp where the token has one
	other    []string // of the :oaud key: aud where the token has azp
	amr      []string
}

// identify checks a token against the provider in the role's account.
func (c *Cloud) identify(token string, arn iam.RoleARN) (identity, *refusal) {
	claims, ok := unverified(token)
	if !ok {
		return identity{}, c.refuse("not-a-jwt")
	}
	id := identity{audience: list(claims["aud"]), amr: list(claims["amr"])}
	id.issuer, _ = claims["iss"].(string)
	id.subject, _ = claims["sub"].(string)
	if id.issuer == "" {
		return identity{}, c.missing("iss")
	}
	c.mu.Lock()
	clients, ok := c.providers[iam.ProviderARN(arn.Partition, arn.Account, id.issuer)]
	c.mu.Unlock()
	if !ok {
		return identity{}, c.refuse("no-provider", "No OpenIDConnect provider found in your account for "+id.issuer)
	}
	switch c.verify(id.issuer, token) {
	case noKey:
		return identity{}, c.refuse("no-verification-key")
	case forged:
		// The text of the modeled error; that of a real answer is not recorded.
		return identity{}, c.refuse("not-a-jwt", "The web identity token that was passed could not be validated by AWS. Get a new identity token from the identity provider and then retry the request.")
	case genuine:
	}
	if len(id.audience) == 0 {
		return identity{}, c.missing("aud")
	}
	if azp := list(claims["azp"]); len(azp) > 0 {
		id.other, id.audience = id.audience, azp
	}
	if !slices.ContainsFunc(id.audience, func(aud string) bool { return slices.Contains(clients, aud) }) {
		return identity{}, c.refuse("wrong-audience")
	}
	if id.subject == "" {
		return identity{}, c.missing("sub")
	}
	return id, c.checkTimes(claims)
}

func (c *Cloud) missing(claim string) *refusal {
	return c.refuse("missing-audience", "Missing a required claim: "+claim)
}

// verify finds the issuer of that name; the keys of any other are out of reach.
func (c *Cloud) verify(issuer, token string) verdict {
	for _, i := range []*Issuer{c.cluster, c.gitlab} {
		if i.Name() == issuer {
			return i.verify(token)
		}
	}
	return noKey
}

func (c *Cloud) checkTimes(claims map[string]any) *refusal {
	exp, ok := claims["exp"].(float64)
	if !ok {
		return c.missing("exp")
	}
	iat, ok := claims["iat"].(float64)
	if !ok {
		return c.missing("iat")
	}
	now := c.now()
	if now.After(time.Unix(int64(exp), 0).Add(Leeway)) {
		return c.refuse("expired", fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time%d", now.Unix(), int64(exp)))
	}
	if age := now.Sub(time.Unix(int64(iat), 0)); age > MaxTokenAge {
		return c.refuse("too-old", fmt.Sprintf("Token too old: %d", int64(age.Seconds())))
	}
	return nil
}

// request is what the role's trust policy is asked. A token gives no keys but
// these: a condition on any other claim never matches.
func (id identity) request(arn iam.RoleARN, a asked) iam.Request {
	name := iam.ProviderName(id.issuer)
	return iam.Request{
		Principal: []iam.Principal{{Type: "Federated", Name: iam.ProviderARN(arn.Partition, arn.Account, id.issuer)}},
		Action:    iam.WebIdentityAction,
		Context: map[string][]string{
			name + ":aud":         id.audience,
			name + ":oaud":        id.other,
			name + ":sub":         {id.subject},
			name + ":amr":         id.amr,
			"sts:RoleSessionName": {a.name},
		},
	}
}

func list(claim any) []string {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// maxChained is the longest session of a role that a role's session assumed.
const maxChained = time.Hour

func (c *Cloud) assumeRole(form url.Values, caller session) (any, *refusal) {
	a, refused := parseAsked(form, nil)
	if refused != nil {
		return nil, refused
	}
	arn, err := iam.ParseRoleARN(a.arn)
	if err != nil {
		return nil, c.refuse("arn-invalid")
	}
	chained := caller.role != ""
	if chained && a.length > maxChained {
		return nil, c.refuse("duration-chained")
	}
	actions := []string{"sts:AssumeRole"}
	if len(a.tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	for _, action := range actions {
		if !c.mayAssume(caller, a, action, form.Get("ExternalId")) {
			return nil, &refusal{status: http.StatusForbidden, code: "AccessDenied", message: fmt.Sprintf(
				"User: %s is not authorized to perform: %s on resource: %s", caller.arn, action, a.arn)}
		}
	}
	if r, _ := c.role(a.arn); a.length > r.maxSession {
		return nil, c.refuse("duration-max")
	}
	narrow, refused := c.narrow(a)
	if refused != nil {
		return nil, refused
	}
	s := c.newSession(arn, a.name, a.length, narrow)
	return assumeRoleAnswer{User: s.assumed(), Credentials: s.credentials(), Packed: a.packed(), RequestID: uid(s.keyID)}, nil
}

// mayAssume holds AWS's rule: a trust policy that names the caller is enough
// within one account; one that names the caller's account leaves it to the
// caller's own policies, and across accounts both must allow. A deny always wins.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func (c *Cloud) mayAssume(caller session, a asked, action, externalID string) bool {
	r, ok := c.role(a.arn)
	if !ok {
		return false
	}
	own, account := caller.names()
	request := iam.Request{Principal: own, Action: action, Context: caller.context()}
	request.Context["sts:RoleSessionName"] = []string{a.name}
	request.Context["sts:ExternalId"] = nil
	request.Context["aws:TagKeys"] = nil
	if externalID != "" {
		request.Context["sts:ExternalId"] = []string{externalID}
	}
	for key, value := range a.tags {
		request.Context["aws:RequestTag/"+key] = []string{value}
		request.Context["aws:TagKeys"] = append(request.Context["aws:TagKeys"], key)
	}
	permission := request
	permission.Principal, permission.Resource = nil, a.arn
	denied := iam.Evaluate(c.policiesOf(caller), permission).Decision == iam.Denied
	allowed := c.permit(caller, permission) == ""
	byName := r.trust.Evaluate(request).Decision
	request.Principal = slices.Concat(own, account)
	byAccount := r.trust.Evaluate(request).Decision
	switch {
	case denied || byAccount != iam.Allowed:
		return false
	case byName == iam.Allowed && caller.account == r.arn.Account:
		return caller.narrow == nil || allowed
	}
	return allowed
}
