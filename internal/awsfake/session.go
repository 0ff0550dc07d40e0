package awsfake

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// session is a set of keys and who they stand for.
type session struct {
	keyID, secret, token string
	expires              time.Time // zero: never
	partition, account   string
	arn, userID          string
	role                 string       // ARN; empty for a user's keys
	user                 []iam.Policy // permission policies of a user
	narrow               []iam.Policy // session policies; nil: none were given
}

// AddUser gives the long-lived keys of an IAM user, which has these permission policies.
func (c *Cloud) AddUser(account, name string, policies ...string) (aws.Credentials, error) {
	s := session{
		keyID: "AKIA" + rand.Text()[:16], secret: random(30), partition: c.partition(), account: account,
		arn: "arn:" + c.partition() + ":iam::" + account + ":user/" + name, userID: "AIDA" + rand.Text()[:17],
	}
	for _, text := range policies {
		p, err := iam.ParsePolicy([]byte(text))
		if err != nil {
			return aws.Credentials{}, fmt.Errorf("policy of user %q: %w", name, err)
		}
		s.user = append(s.user, p)
	}
	c.keep(s)
	return aws.Credentials{AccessKeyID: s.keyID, SecretAccessKey: s.secret, AccountID: account}, nil
}

// ExpireSessions ends all sessions now.
func (c *Cloud) ExpireSessions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, s := range c.sessions {
		if s.token != "" {
			s.expires = c.now().Add(-time.Second)
			c.sessions[id] = s
		}
	}
}

// newSession makes keys for a session of a role.
func (c *Cloud) newSession(r iam.RoleARN, name string, length time.Duration, narrow []iam.Policy) session {
	if c.sessionLength > 0 {
		length = c.sessionLength
	}
	s := session{
		keyID:     "ASIA" + rand.Text()[:16],
		secret:    random(30),
		token:     random(600),
		expires:   c.now().Add(length).UTC().Truncate(time.Second),
		partition: r.Partition,
		account:   r.Account,
		arn:       iam.AssumedRole{Partition: r.Partition, Account: r.Account, Role: r.Name, Session: name}.String(),
		userID:    "AROA" + strings.ToUpper(strings.ReplaceAll(uid(r.String()), "-", ""))[:17] + ":" + name,
		role:      r.String(),
		narrow:    narrow,
	}
	c.keep(s)
	return s
}

func (c *Cloud) keep(s session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[s.keyID] = s
}

func (c *Cloud) session(keyID string) (session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.sessions[keyID]
	return s, ok
}

// anonymous is who called without a signature.
func (s session) anonymous() bool { return s.keyID == "" }

// names gives what a policy's Principal may call this caller. The account's
// names stand apart: they only let the account's own policies decide.
func (s session) names() (own, account []iam.Principal) {
	if s.anonymous() {
		return []iam.Principal{{Type: "AWS", Name: "*"}, {Type: "*", Name: "*"}}, nil
	}
	own = []iam.Principal{{Type: "AWS", Name: s.arn}}
	if s.role != "" {
		own = append(own, iam.Principal{Type: "AWS", Name: s.role})
	}
	return own, []iam.Principal{
		{Type: "AWS", Name: s.account},
		{Type: "AWS", Name: "arn:" + s.partition + ":iam::" + s.account + ":root"},
	}
}

// context gives the condition keys that every signed call has.
func (s session) context() map[string][]string {
	if s.anonymous() {
		return map[string][]string{
			"aws:PrincipalArn": nil, "aws:PrincipalAccount": nil, "aws:userid": {"anonymous"}, "aws:SecureTransport": {"false"},
		}
	}
	principal := s.arn
	if s.role != "" {
		principal = s.role
	}
	return map[string][]string{
		"aws:PrincipalArn":     {principal},
		"aws:PrincipalAccount": {s.account},
		"aws:userid":           {s.userID},
		"aws:SecureTransport":  {"false"},
	}
}

// policiesOf gives the permission policies of the caller as they are now.
func (c *Cloud) policiesOf(s session) []iam.Policy {
	if s.role == "" {
		return s.user
	}
	r, _ := c.role(s.role)
	return r.policies
}

// permit judges a call by the caller's permission and session policies, and
// says why it is refused in AWS's words, or "".
func (c *Cloud) permit(s session, r iam.Request) string {
	switch iam.Evaluate(c.policiesOf(s), r).Decision {
	case iam.Denied:
		return "with an explicit deny in an identity-based policy"
	case iam.Allowed:
	default:
		return noIdentityPolicy(r.Action)
	}
	if s.narrow == nil {
		return ""
	}
	switch iam.Evaluate(s.narrow, r).Decision {
	case iam.Denied:
		return "with an explicit deny in a session policy"
	case iam.Allowed:
		return ""
	default:
		return "because no session policy allows the " + r.Action + " action"
	}
}

func noIdentityPolicy(action string) string {
	return "because no identity-based policy allows the " + action + " action"
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails, by its contract
	return base64.StdEncoding.EncodeToString(b)
}
