package identity

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// stsHost are the hosts of STS itself: public, FIPS and dual-stack endpoints,
// and interface endpoints of a VPC. Other hosts below amazonaws.com can belong
// to anybody.
// https://docs.aws.amazon.com/general/latest/gr/sts.html
var stsHost = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(sts(-fips)?(\.[a-z]{2,}(-[a-z]+)+-[0-9]+)?\.(amazonaws\.com(\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)` +
		`|[a-z0-9-]+\.sts\.[a-z0-9-]+\.vpce\.amazonaws\.com(\.cn)?)$`)
})

// agentHosts are where the Pod Identity agent and the ECS agent listen.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
var agentHosts = []netip.Addr{
	netip.MustParseAddr("169.254.170.23"), netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("169.254.170.2"),
}

// overridden is the STS endpoint that was asked for in place of AWS's own.
func overridden(j job.Job, req Request) report.Value {
	if req.Endpoint.Known() || j.True("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return req.Endpoint
	}
	return j.Value("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL")
}

// checkEndpoint decides where the token may go: to https or loopback, and to a
// host that is not STS's only if the command line allows that host.
func checkEndpoint(id *Identity) error {
	if at := overridden(id.job, id.req); at.Known() {
		host, err := id.allowed(at)
		if err != nil {
			return err
		}
		id.Endpoint = at
		id.warnEndpoint("STS", host, at)
	}
	if id.agent().Known() {
		return id.checkAgent()
	}
	return nil
}

func (id *Identity) warnEndpoint(service, host string, from report.Value) {
	if loopback(host) || !stsHost().MatchString(host) {
		id.Foreign = append(id.Foreign, service+" is "+catalogue.Quote(from.Text)+" ("+from.From+"), not AWS's own endpoint")
	}
}

// s3Host are the hosts of S3 itself, and its interface endpoints of a VPC.
// https://docs.aws.amazon.com/general/latest/gr/s3.html
var s3Host = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(s3([.-](dualstack|fips|accelerate))*([.-][a-z]{2,}(-[a-z]+)+-[0-9]+)?\.amazonaws\.com(\.cn)?` +
		`|bucket\.vpce-[a-z0-9-]+\.s3\.[a-z0-9-]+\.vpce\.amazonaws\.com(\.cn)?)$`)
})

// CheckS3 decides whether a session's token may go to an endpoint of S3, by the
// rules that hold for the endpoint of STS.
func (id *Identity) CheckS3(endpoint report.Value) error {
	if u, what := parseEndpoint(endpoint.Text); what == "" && u.Scheme == "https" && s3Host().MatchString(strings.ToLower(u.Hostname())) {
		return nil
	}
	_, err := id.allowed(endpoint)
	return err
}

// allowed checks one endpoint and returns its host.
func (id *Identity) allowed(endpoint report.Value) (string, error) {
	u, what := parseEndpoint(endpoint.Text)
	fail := func(kase string) error {
		return &Error{Case: kase, Doing: "checking the endpoint", Usage: fromFlag(endpoint), Facts: catalogue.Facts{
			"endpoint": withoutUser(endpoint.Text), "endpoint-from": endpoint.From, "what": what, "host": hostOf(u),
		}}
	}
	switch {
	case what != "":
		return "", fail("endpoint-malformed")
	case loopback(u.Hostname()):
		return u.Hostname(), nil
	case u.Scheme != "https":
		return "", fail("endpoint-insecure")
	case stsHost().MatchString(strings.ToLower(u.Hostname())) || id.hostAllowed(u):
		return strings.ToLower(u.Hostname()), nil
	}
	return "", fail("endpoint-foreign")
}

func (id *Identity) hostAllowed(u *url.URL) bool {
	for _, h := range id.req.AllowHosts {
		if strings.EqualFold(h, u.Host) || strings.EqualFold(h, u.Hostname()) {
			return true
		}
	}
	return false
}

// agent is where Pod Identity gives credentials; unknown for another source.
func (id *Identity) agent() report.Value {
	if id.Source != PodIdentity {
		return report.Value{}
	}
	return id.job.Value(agentURI)
}

// checkAgent decides whether the Pod Identity token may go where the
// environment says.
func (id *Identity) checkAgent() error {
	at := id.agent()
	u, what := parseEndpoint(at.Text)
	if what == "" && u.Scheme == "http" {
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
			if slices.Contains(agentHosts, addr) {
				return nil
			}
		}
	}
	if what != "" || u.Scheme != "https" && !loopback(u.Hostname()) {
		return &Error{Case: "agent-host", Doing: "checking the Pod Identity agent", Facts: catalogue.Facts{"endpoint": withoutUser(at.Text)}}
	}
	host, err := id.allowed(at)
	if err == nil {
		id.warnEndpoint("the Pod Identity agent", host, at)
	}
	return err
}

// parseEndpoint reads an endpoint; what says what is wrong with it, or is "".
func parseEndpoint(s string) (u *url.URL, what string) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return &url.URL{}, "it cannot be parsed"
	case u.Scheme != "http" && u.Scheme != "https":
		return u, "its scheme is neither https nor http"
	case u.Hostname() == "":
		return u, "it has no host"
	case u.User != nil:
		return u, "it has a user before the host"
	case u.RawQuery != "" || u.Fragment != "":
		return u, "it has a query or a fragment"
	}
	return u, ""
}

// withoutUser is an endpoint as it can be shown: its user and its query may hold
// a password.
func withoutUser(endpoint string) string {
	shown, _, _ := strings.Cut(endpoint, "?")
	scheme, rest, ok := strings.Cut(shown, "://")
	if !ok {
		scheme, rest = "", shown
	} else {
		scheme += "://"
	}
	return scheme + rest[strings.LastIndex(rest, "@")+1:]
}

func hostOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Hostname()
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
