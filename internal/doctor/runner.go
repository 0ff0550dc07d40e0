package doctor

import (
	"context"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// runnerConfig gives what is wrong with the runner's configuration, and says
// which service account job pods will get.
func (e *exam) runnerConfig() []report.Finding {
	if e.o.Config != nil {
		return one(*e.o.Config)
	}
	return e.o.Runner.Findings()
}

// bucket proves what the role of this pod can do. It is not what reaches the
// cache, unless the pod has the manager's role.
func (e *exam) bucket(ctx context.Context) []report.Finding {
	e.mu.Lock()
	session := e.session
	e.mu.Unlock()
	if at := e.s3Endpoint(); at.Known() {
		if err := e.id.CheckS3(at); err != nil {
			f := e.failed(err)
			return []report.Finding{f, catalogue.Waits("bucket-readable", f.ID)}
		}
	}
	cfg, err := e.id.Config(session)
	if err != nil {
		return one(e.failed(err))
	}
	arn, _ := iam.ParseAssumedRole(session.ARN.Text)
	bucket := e.o.Bucket
	bucket.CallRegion = e.id.Region
	found := cache.Probe(ctx, cfg, bucket, cache.Caller{ARN: session.ARN.Text, Role: arn.Role, Account: session.Account.Text})
	if !e.o.AsRunner {
		found = append(found, catalogue.Find("access-of-job").Finding(catalogue.Facts{"arn": session.ARN.Text}, nil))
	}
	return found
}

// s3Endpoint is where S3 is in place of AWS's own; unknown where there is none.
func (e *exam) s3Endpoint() report.Value {
	if e.o.Bucket.EndpointURL.Known() || e.job.True("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return e.o.Bucket.EndpointURL
	}
	return e.job.Value("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
}

// mixedUp tells the manager's account from that of its jobs.
func (e *exam) mixedUp(who report.Value) (report.Finding, bool) {
	if !e.o.AsRunner {
		return report.Finding{}, false
	}
	inJob, shared := e.job.InGitLab(), false
	facts := catalogue.Facts{"who": who.Text, "job": e.job.Get("CI_JOB_ID")}
	var at []report.Place
	if e.o.Runner != nil {
		_, name, _ := strings.Cut(who.Text, "/")
		jobs := e.o.Runner.JobAccount().Name
		shared = jobs.Text == name
		facts["config"], at = jobs.At.String(), []report.Place{jobs.At}
	}
	kase := ""
	switch {
	case inJob && shared:
		kase = "account-of-jobs"
	case inJob:
		kase, at = "job-as-runner", nil
	case shared:
		kase = "account-shared"
	default:
		return report.Finding{}, false
	}
	f := catalogue.Find(kase).Finding(facts, []report.Value{who})
	f.Where = at
	return f, true
}
