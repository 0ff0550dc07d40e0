// Package doctor finds the one reference that is wrong: it runs checks in the
// order of a diagnosis, each a fact with the change that mends it. Checks that
// do not depend on each other run at the same time; one that depends on a failed
// one waits for it, so that the first failing finding is the root cause.
package doctor

import (
	"context"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// Options are what is asked of a diagnosis beside the identity itself.
type Options struct {
	AsRunner bool            // the pod has the runner manager's service account
	Runner   *runner.Runner  // of the config.toml; nil where none was given, or it could not be read
	Config   *report.Finding // why it could not; nil where it could
	Bucket   cache.Bucket    // to be probed; none without a name
	Expect   Expectations
	Timeout  time.Duration // of the whole
	Metadata string        // the URL of the node's metadata service; "" for AWS's
}

// Expectations are facts that were told; an unknown one expects nothing.
type Expectations struct {
	Role           report.Value // an ARN or a role's name
	Account        report.Value // 12 digits
	ServiceAccount report.Value // namespace/name, or name of whatever namespace
}

// Result is a diagnosis. Secrets are those that it came upon, to be kept out of
// every output.
type Result struct {
	Report   report.Report
	Identity identity.Identity
	Secrets  []report.Secret
}

// Run makes the diagnosis. Where ctx or the timeout ends it, the checks that had
// not come to an end are unknown.
func Run(ctx context.Context, j job.Job, req identity.Request, o Options) Result {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	req.Attempts, req.Wait = attempts, 0
	e := &exam{job: j, req: req, o: o}
	e.id, e.survey = identity.Examine(ctx, j, req)
	r := e.settled(run(ctx, e.checks(), o.Timeout))
	secrets := []report.Secret{e.id.Token.Raw, e.id.Pod.Raw}
	e.mu.Lock()
	defer e.mu.Unlock()
	return Result{r, e.id, append(secrets, e.session.Keys.Secret, e.session.Keys.Token)}
}

// attempts is how often one question is asked: once more after a transient answer.
const attempts = 2

// checks are those of this diagnosis, in its order.
func (e *exam) checks() []check { return only(e.applies, e.all()) }

func (e *exam) all() []check {
	exchange := e.exchangeCheck()
	return []check{
		{group: "pod", id: "runner-config", run: local(e.runnerConfig)},
		{group: "pod", id: "service-account-expected", run: local(e.serviceAccountExpected), mild: true},
		{group: "identity", id: "identity-present", run: local(e.identityPresent)},
		{group: "identity", id: "webhook-injection", needs: ids("identity-present"), run: local(e.webhookInjection)},
		{group: "identity", id: "aws-settings", run: local(e.awsSettings)},
		{group: "identity", id: "endpoint-allowed", run: local(e.endpointAllowed)},
		{group: "token", id: "token-readable", needs: ids("identity-present"), run: local(e.tokenReadable)},
		{group: "token", id: "token-is-jwt", needs: ids("token-readable"), run: local(e.tokenIsJWT)},
		{group: "token", id: "token-audience", needs: ids("token-is-jwt"), run: local(e.tokenAudience)},
		{group: "token", id: "token-fresh", needs: ids("token-is-jwt"), run: local(e.tokenFresh)},
		{group: "role", id: "role-arn", needs: ids("identity-present", "token-is-jwt"), run: local(e.roleARN)},
		{group: "role", id: "role-expected", needs: ids("role-arn"), run: local(e.roleExpected)},
		{group: "role", id: "account-expected", needs: ids("role-arn"), run: local(e.accountExpected)},
		{group: "role", id: "role-account", needs: ids("role-arn"), run: local(e.roleAccount)},
		{group: "role", id: "region-known", needs: ids("identity-present", "token-is-jwt"), run: local(e.regionKnown)},
		{group: "role", id: "role-partition", needs: ids("role-arn", "region-known"), run: local(e.rolePartition)},
		{group: "role", id: "session-name", run: local(e.sessionName)},
		{group: "role", id: "session-duration", run: local(e.sessionDuration)},
		{group: "sts", id: "sts-reachable", needs: ids("identity-present", "aws-settings", "endpoint-allowed", "region-known"), run: e.reachable},
		{group: "sts", id: exchange, needs: ids(
			"token-is-jwt", "token-audience", "role-arn", "role-expected", "account-expected", "role-account", "role-partition",
			"session-name", "session-duration", "sts-reachable", "service-account-expected", "identity-present",
		), run: e.exchange},
		{group: "sts", id: "identity-expected", needs: ids(exchange), run: e.identityExpected},
		{group: "others", id: "keys-in-environment", run: local(e.keysInEnvironment)},
		{group: "others", id: "session-name-heeded", run: local(e.sessionNameHeeded)},
		{group: "others", id: "profile-heeded", run: e.profileHeeded},
		{group: "others", id: "agent-heeded", run: local(e.agentHeeded)},
		{group: "others", id: "node-unused", run: e.nodeUnused},
		{group: "bucket", id: "bucket-readable", needs: ids(exchange, "identity-expected"), run: e.bucket},
	}
}

// applies reports whether a check has a question here.
func (e *exam) applies(id string) bool {
	expect := e.o.Expect
	hasToken := e.id.Source != identity.Ambient
	switch id {
	case "service-account-expected":
		return expect.ServiceAccount.Known() || e.o.AsRunner || e.o.Runner != nil || e.job.Get(overwrite) != ""
	case "runner-config":
		return e.o.Runner != nil || e.o.Config != nil
	case "webhook-injection":
		return e.id.Source == identity.IRSA
	case "token-readable", "token-is-jwt", "token-audience", "token-fresh":
		return hasToken
	case "role-arn", "role-partition":
		return hasToken && e.id.Source != identity.PodIdentity || e.id.Role.Known() || len(e.id.Chain) > 0
	case "role-expected":
		return expect.Role.Known() && e.id.FinalRole().Known()
	case "account-expected":
		return expect.Account.Known() && e.id.FinalRole().Known()
	case "role-account":
		return len(e.req.Accounts) > 0
	case "session-name", "session-duration":
		return e.id.SessionName().Known() || e.survey.Session != nil
	case "session-name-heeded":
		return e.job.Get(sessionNameEnv) != ""
	case "node-unused":
		return e.mayFallBack()
	case "bucket-readable":
		return e.o.Bucket.Name.Known()
	}
	return true
}

// titles are the stages of a diagnosis, in order.
var titles = []struct{ id, title string }{
	{"pod", "the pod"},
	{"identity", "the identity"},
	{"token", "the token"},
	{"role", "the role"},
	{"sts", "STS"},
	{"others", "what other tools in this job would use"},
	{"bucket", "the bucket"},
}
