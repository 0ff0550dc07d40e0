package cache

import (
	"cmp"
	"strings"
)

// denial is S3's sentence of a refusal, taken apart. What it does not say is empty.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
type denial struct {
	principal string // the caller's ARN
	action    string // s3:GetObject
	resource  string // an ARN
	kind      string // of the policy: identity-based, session, permissions boundary, …
	explicit  bool   // by a Deny
	policy    string // the policy's ARN, at the end of newer answers
}

// parseDenial reads `User: ARN is not authorized to perform: ACTION on resource:
// "ARN" because no KIND policy allows the ACTION action`, or `… with an explicit
// deny in a KIND policy: ARN`. It is false for all other texts.
func parseDenial(message string) (denial, bool) {
	var d denial
	_, rest, ok := strings.Cut(message, "User: ")
	if !ok {
		return d, false
	}
	if d.principal, rest, ok = strings.Cut(rest, " is not authorized to perform: "); !ok {
		return denial{}, false
	}
	d.action, rest, _ = strings.Cut(rest, " ")
	if after, ok := strings.CutPrefix(rest, "on resource: "); ok {
		d.resource, rest = quoted(after)
	}
	if _, after, ok := strings.Cut(rest, "with an explicit deny in "); ok {
		d.explicit = true
		kind, policy, _ := strings.Cut(after, ": ")
		d.policy = strings.TrimRight(strings.TrimSpace(policy), ".")
		d.kind = kindOf(kind)
	} else if _, after, ok := strings.Cut(rest, "because no "); ok {
		kind, _, _ := strings.Cut(after, " allows ")
		d.kind = kindOf(kind)
	}
	return d, true
}

// reason is what was refused and by what, without who asked for which object. A
// refusal that names no action is of the one that was asked for.
func (d denial) reason(action string) denial {
	return denial{action: cmp.Or(d.action, action), kind: d.kind, explicit: d.explicit, policy: d.policy}
}

// quoted takes a text in quotes off the front, or else one word.
func quoted(s string) (text, rest string) {
	if after, ok := strings.CutPrefix(s, `"`); ok {
		text, rest, _ = strings.Cut(after, `" `)
		return strings.TrimSuffix(text, `"`), rest
	}
	text, rest, _ = strings.Cut(s, " ")
	return text, rest
}

// kindOf finds the kind of a policy in AWS's words for it, articles and all.
func kindOf(words string) string {
	for _, kind := range []string{
		"identity-based", "resource-based", "session", "permissions boundary", "service control", "resource control", "VPC endpoint",
	} {
		if strings.Contains(words, kind) {
			return kind
		}
	}
	return ""
}

// words names a kind of policy as it stands in a sentence.
func kindWords(kind string) string {
	switch kind {
	case "":
		return "a policy"
	case "permissions boundary":
		return "a permissions boundary"
	case "identity-based":
		return "an identity-based policy"
	}
	return "a " + kind + " policy"
}
