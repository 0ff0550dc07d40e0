package identity

import (
	"strings"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// maxSession is how long a session name may be; two characters are the least.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
const maxSession = 64

// sessionLetters are what a session name is made of.
const sessionLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-"

func isSessionName(s string) bool {
	return len(s) >= 2 && len(s) <= maxSession && strings.Trim(s, sessionLetters) == ""
}

// sessionPart puts a hyphen in place of whatever cannot stand in a session name.
func sessionPart(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !strings.ContainsRune(sessionLetters, r) }), "-")
}

// nameSession takes the session name that was asked for, or makes one that
// tells the project and the job in CloudTrail.
func nameSession(id *Identity) error {
	id.Session = id.req.SessionName
	if !id.Session.Known() {
		id.Session = jobSession(id.job.Name())
	}
	if isSessionName(id.Session.Text) {
		return nil
	}
	return &Error{Case: "session-name", Doing: "naming the session", Usage: fromFlag(id.Session), Facts: id.facts()}
}

// SessionName is the name that the exchange will give the session; unknown where
// the source has a session already.
func (id *Identity) SessionName() report.Value {
	if len(id.Chain) == 0 && (id.Source == PodIdentity || id.Source == Ambient) {
		return report.Value{}
	}
	return id.Session
}

// jobSession is "<project>-<job id>", cut without losing the job id.
func jobSession(n job.Name) report.Value {
	tail := sessionPart(n.ID.Text)
	project := strings.Trim(sessionPart(n.Project.Text), "-")
	if tail == "" && project == "" {
		return report.Value{Text: "ci-aws", From: "outside of a GitLab job"}
	}
	if tail == "" {
		return report.Value{Text: cut(project+"-ci-aws", maxSession), From: n.Project.From}
	}
	if project == "" {
		project = "job"
	}
	tail = cut(tail, maxSession/2)
	head := strings.TrimRight(cut(project, maxSession-1-len(tail)), "-")
	return report.Value{Text: head + "-" + tail, From: strings.TrimPrefix(n.Project.From+" and "+n.ID.From, " and ")}
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

func (id *Identity) duration() time.Duration {
	if id.req.Duration == 0 {
		return DefaultDuration
	}
	return id.req.Duration
}

func (id *Identity) durationFrom() string {
	if id.req.DurationSet == "" {
		return "the default"
	}
	return id.req.DurationSet
}

func (id *Identity) policyFrom() string {
	if id.req.Policy.Known() {
		return id.req.Policy.From
	}
	return "no session policy"
}

// ShortDuration writes 1h0m0s as 1h.
func ShortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
