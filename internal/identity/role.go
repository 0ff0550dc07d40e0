package identity

import (
	"errors"
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
		id.Role = id.req.Role.Or(id.job.Value(roleEnv))
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
	return &Error{Case: "role-arn-malformed", Doing: "checking the role", Usage: fromFlag(role), Facts: catalogue.Facts{
		"role": role.Text, "role-from": role.From, "what": err.Error(),
	}}
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
	f.Say("injected", id.Role.From == roleEnv)
	f.Say("chosen", id.Role.From != roleEnv)
	f.Say("irsa", id.Source == IRSA)
	f.Say("gitlab", id.Source == GitLab)
	f.Say("ambient", id.Source == Ambient)
	f.Say("not-ambient", id.Source != Ambient)
	f.Say("waited", id.req.Wait > 0)
	f.Say("not-waited", id.req.Wait == 0)
	f.Say("insecure-issuer", strings.HasPrefix(c.Issuer, "http://"))
	return f
}
