package doctor

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// keysInEnvironment finds keys that outrank the role in every SDK. Temporary ones
// that came with their end are the job's own, made by env in an earlier line.
func (e *exam) keysInEnvironment() []report.Finding {
	names, half := e.job.StaticKeys()
	if len(names) == 0 || e.id.Source == identity.Ambient {
		return holds("keys-in-environment")
	}
	facts := catalogue.Facts{"names": strings.Join(names, " and "), "where": e.setAt(names[0])}
	facts["key-id"] = e.job.Value("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY").Text
	if half {
		return one(catalogue.Find("half-keys").Finding(facts, []report.Value{{Text: names[0], From: "the environment"}}))
	}
	evidence := []report.Value{{Text: facts["key-id"], From: names[0]}}
	end, until, own := e.job.OwnKeys()
	started, known := e.job.Started()
	temporary := strings.HasPrefix(facts["key-id"], "ASIA") && e.job.Get("AWS_SESSION_TOKEN") != ""
	switch {
	case !own && temporary && known && started.Get(names[0]) == "":
		return holds("keys-in-environment", report.Value{Text: "temporary keys that the job exported", From: names[0]})
	case !own && temporary:
		return one(catalogue.Find("temporary-keys").Finding(facts, evidence))
	case !own:
		return one(catalogue.Find("static-keys").Finding(facts, evidence))
	case !end.After(e.now()):
		facts["until"] = until.Text
		return one(catalogue.Find("stale-keys").Finding(facts, append(evidence, until)))
	}
	return holds("keys-in-environment", report.Value{Text: "temporary keys until " + until.Text, From: until.From})
}

// sessionNameEnv names the session of the SDKs' own exchange.
const sessionNameEnv = "AWS_ROLE_SESSION_NAME"

func (e *exam) sessionNameHeeded() []report.Finding {
	name := e.job.Value(sessionNameEnv)
	if identity.IsSessionName(name.Text) || e.outranking() == "" {
		return holds("session-name-heeded", name)
	}
	return one(catalogue.Find("session-name-of-others").Finding(catalogue.Facts{"name": name.Text, "where": e.setAt(sessionNameEnv)}, []report.Value{name}))
}

func (e *exam) now() time.Time {
	if e.req.Now == nil {
		return time.Now()
	}
	return e.req.Now()
}

// outranking are the variables of a web identity, which SDKs take before profiles
// and credentials endpoints; "" where they are not both set.
func (e *exam) outranking() string {
	if e.job.Get("AWS_ROLE_ARN") == "" || e.job.Get("AWS_WEB_IDENTITY_TOKEN_FILE") == "" {
		return ""
	}
	return "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE"
}

func (e *exam) profileHeeded(ctx context.Context) []report.Finding {
	profile := e.job.Value("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
	if !profile.Known() {
		return holds("profile-heeded")
	}
	facts := catalogue.Facts{
		"profile": profile.Text, "profile-from": profile.From, "where": e.setAt(profile.From), "outranks": e.outranking(),
	}
	switch {
	case !e.id.HasProfile(ctx, profile.Text):
		return one(catalogue.Find("profile-missing").Finding(facts, []report.Value{profile}))
	case facts["outranks"] != "":
		return one(catalogue.Find("profile-outranked").Finding(facts, []report.Value{profile}))
	}
	return holds("profile-heeded", profile)
}

const (
	fullURI     = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	relativeURI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
)

// agentHeeded looks at the credentials endpoint of EKS Pod Identity and its like.
func (e *exam) agentHeeded() []report.Finding {
	uri := e.job.Value(relativeURI, fullURI)
	facts := catalogue.Facts{"variable": uri.From, "outranks": e.outranking()}
	switch {
	case !uri.Known():
		return holds("agent-heeded")
	case facts["outranks"] != "":
		return one(catalogue.Find("agent-outranked").Finding(facts, []report.Value{{Text: uri.From, From: "the environment"}}))
	}
	u, err := url.Parse(e.job.Get(fullURI))
	proxy := e.job.Value("HTTP_PROXY", "http_proxy")
	if err != nil || u.Scheme != "http" || !proxy.Known() || loopback(u.Hostname()) || e.unproxied(u.Hostname()) {
		return holds("agent-heeded")
	}
	facts["proxy-from"], facts["host"], facts["where"] = proxy.From, u.Hostname(), e.setAt(proxy.From)
	return one(catalogue.Find("agent-proxied").Finding(facts, []report.Value{{Text: u.Hostname(), From: fullURI}, e.job.Value("NO_PROXY", "no_proxy")}))
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// unproxied reports whether NO_PROXY names a host, alone or by its network.
func (e *exam) unproxied(host string) bool {
	list := e.job.Value("NO_PROXY", "no_proxy").Text
	return slices.ContainsFunc(strings.Split(list, ","), func(entry string) bool {
		entry = strings.Trim(strings.TrimSpace(entry), "[]")
		return entry == "*" || entry == host || inNetwork(entry, host)
	})
}

// mayFallBack reports whether SDKs in this job have nothing but the node's role.
func (e *exam) mayFallBack() bool {
	names, half := e.job.StaticKeys()
	return e.survey.Source != nil && (len(names) == 0 || half) && e.outranking() == "" &&
		!e.job.Value(relativeURI, fullURI, "AWS_PROFILE", "AWS_DEFAULT_PROFILE").Known() && !e.job.True("AWS_EC2_METADATA_DISABLED")
}

const (
	metadata   = "http://169.254.169.254"
	metaWait   = time.Second // a pod that may not reach it gets no answer at all
	maxMetaLen = 4096
)

// nodeUnused asks the node's metadata service which role it would give. It reads
// the role's name and no credentials.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
func (e *exam) nodeUnused(ctx context.Context) []report.Finding {
	ctx, cancel := context.WithTimeout(ctx, metaWait)
	defer cancel()
	base := strings.TrimRight(cmp.Or(e.o.Metadata, e.job.Get("AWS_EC2_METADATA_SERVICE_ENDPOINT"), metadata), "/")
	token := ask(ctx, http.MethodPut, base+"/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	role := ask(ctx, http.MethodGet, base+"/latest/meta-data/iam/security-credentials/", "X-aws-ec2-metadata-token", token)
	role, _, _ = strings.Cut(role, "\n")
	if role == "" {
		return holds("node-unused")
	}
	return one(catalogue.Find("node-behind").Finding(catalogue.Facts{"node-role": role}, []report.Value{{Text: role, From: base}}))
}

// ask gets the text of an answer, or "" where there is none.
func ask(ctx context.Context, method, at, name, value string) string {
	r, err := http.NewRequestWithContext(ctx, method, at, http.NoBody)
	if err != nil {
		return ""
	}
	if value != "" {
		r.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMetaLen))
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func inNetwork(network, host string) bool {
	prefix, err := netip.ParsePrefix(network)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && prefix.Contains(addr)
}
