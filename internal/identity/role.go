package identity

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// chooseRole finds the role that belongs to the source. Role and token come from
// one source: AWS_ROLE_ARN is the webhook's and counts for IRSA only; Pod
// Identity and ambient keys have a role, so that a role asked for is chained.
func chooseRole(id *Identity) error {
	switch id.Source {
	case IRSA:
		id.Role = id.req.Role.Or(id.job.Value(roleEnv)).Or(id.startedRole())
		if !id.Role.Known() {
			return &Error{Case: "role-missing", Doing: "finding the role", Facts: id.facts()}
		}
	case GitLab:
		id.Role = id.req.Role
		if !id.Role.Known() {
			return &Error{Case: "role-missing-gitlab", Doing: "finding the role", Facts: id.facts()}
		}
	case PodIdentity, Ambient:
		if id.req.Role.Known() {
			id.Chain = append([]Step{{Role: id.req.Role}}, id.Chain...)
		}
	}
	if id.Role.Known() {
		if err := id.checkRole(id.Role); err != nil {
			return err
		}
	}
	for _, step := range id.Chain {
		if err := id.checkRole(step.Role); err != nil {
			return err
		}
	}
	return nil
}

// checkRole refuses what cannot be a role's ARN. Services that only speak as
// STS have ARNs of their own, so that other shapes pass where the endpoint is
// overridden.
func (id *Identity) checkRole(role report.Value) error {
	_, err := iam.ParseRoleARN(role.Text)
	foreign := !strings.HasPrefix(role.Text, "arn:aws") && overridden(id.job, id.req).Known()
	switch {
	case strings.HasPrefix(role.Text, "$"):
		err = errors.New("it is a variable that was not expanded")
	case err == nil || foreign && !strings.ContainsFunc(role.Text, blankOrControl):
		return nil
	}
	f := catalogue.Facts{"role": role.Text, "role-from": role.From, "what": err.Error()}
	trimmed := strings.Trim(role.Text, " \t\r\n\"'")
	if _, terr := iam.ParseRoleARN(trimmed); terr == nil {
		f["trimmed"] = trimmed
	}
	f.Say("unexpanded", strings.HasPrefix(role.Text, "$"))
	f.Say("typo", f["unexpanded"]+f["trimmed"] == "")
	return &Error{Case: "role-arn-malformed", Doing: "checking the role", Usage: fromFlag(role), Facts: f}
}

func blankOrControl(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// fromFlag reports whether a value stood on the command line, so that a wrong
// one is a usage error.
func fromFlag(v report.Value) bool { return strings.HasPrefix(v.From, "--") }

// FinalRole is the ARN of the role whose credentials the exchange ends with;
// unknown where the source has a role that it does not name.
func (id *Identity) FinalRole() report.Value {
	if n := len(id.Chain); n > 0 {
		return id.Chain[n-1].Role
	}
	return id.Role
}

// startedRole is the role that the container was started with, for a shell that
// env --isolate took it out of.
func (id *Identity) startedRole() report.Value {
	started, ok := id.job.Started()
	role := started.Value(roleEnv)
	if !ok || !role.Known() {
		return report.Value{}
	}
	return report.Value{Text: role.Text, From: "AWS_ROLE_ARN when the container started"}
}

// webhookAudiences are what the EKS webhook asks for unless an annotation says
// otherwise, in China too.
// https://github.com/aws/amazon-eks-pod-identity-webhook
func webhookAudiences() []string { return []string{"sts.amazonaws.com", "sts.amazonaws.com.cn"} }

// Overridden is the AWS_ROLE_ARN that the container was started with, where the
// one that counts now is another: a variable of GitLab's UI took its place.
func (id *Identity) Overridden() (report.Value, bool) {
	started, ok := id.job.Started()
	if !ok || id.Role.From != roleEnv {
		return report.Value{}, false
	}
	v := started.Value(roleEnv)
	return v, v.Known() && v.Text != id.Role.Text
}

// facts are what every failure of this identity can name.
func (id *Identity) facts() catalogue.Facts {
	c := id.Token.Claims
	f := catalogue.Facts{
		"sub": c.Subject, "issuer": c.Issuer, "aud": c.STSAudience(), "kid": c.KeyID,
		"exp": timeText(c.Expires), "iat": timeText(c.Issued),
		"file": id.Token.From.Text, "file-from": id.Token.From.From,
		"now": timeText(id.now()), "role": id.Role.Text, "role-from": id.Role.From, "region": id.Region.Text, "region-from": id.Region.From,
		"session": id.Session.Text, "session-from": id.Session.From, "duration": ShortDuration(id.duration()),
		"duration-from": id.durationFrom(), "policy-from": id.policyFrom(),
	}
	if arn, err := iam.ParseRoleARN(id.Role.Text); err == nil {
		f["account"] = arn.Account
	}
	started, overridden := id.Overridden()
	f["started-role"] = started.Text
	f.Say("role-overridden", overridden)
	f.Say("injected", id.Role.From == roleEnv && !overridden)
	f.Say("aud-other", id.Source == IRSA && !slices.Contains(webhookAudiences(), c.STSAudience()))
	f.Say("default-account", c.Default())
	_, _, own := id.job.OwnKeys()
	f.Say("own-keys", own)
	f.Say("chosen", id.Role.From != roleEnv)
	f.Say("eks-issuer", eksIssuer().MatchString(c.Issuer))
	f.Say("own-issuer", !eksIssuer().MatchString(c.Issuer))
	f.Say("exp-ahead", c.Expires.After(id.now()))
	if m := eksIssuer().FindStringSubmatch(c.Issuer); m != nil {
		f["issuer-region"] = m[1]
	}
	f.Say("no-issuer-region", f["issuer-region"] == "")
	f.Say("account-unconfirmed", len(id.req.Accounts) == 0)
	f.Say("irsa", id.Source == IRSA)
	f.Say("gitlab", id.Source == GitLab)
	f.Say("pod-identity", id.Source == PodIdentity)
	f.Say("ambient", id.Source == Ambient)
	f.Say("not-ambient", id.Source != Ambient)
	f.Say("waited", id.req.Wait > 0)
	f.Say("not-waited", id.req.Wait == 0)
	f.Say("insecure-issuer", strings.HasPrefix(c.Issuer, "http://"))
	return f
}
