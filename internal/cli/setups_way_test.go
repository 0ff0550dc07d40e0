package cli_test

import (
	"net"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

const stsName = "sts.eu-central-1.amazonaws.com"

// waySetups are broken between the pod and STS.
func waySetups() []setup {
	return []setup{
		{
			kase: "sts-dns", name: "a region that is none", edit: func(p *place) {
				p.unset("AWS_ENDPOINT_URL_STS")
				p.env["AWS_REGION"] = "xx-nowhere-1"
			},
			lead: "resolve names outside the cluster", fix: []string{`region "xx-nowhere-1" (AWS_REGION) has a typo`},
		},
		{
			kase: "sts-unreachable", row: "P20", name: "no route to STS", edit: func(p *place) { p.socks(4) }, fix: []string{"add an STS interface endpoint with private DNS"},
		},
		{
			kase: "sts-unreachable", name: "the connection is refused", edit: func(p *place) { p.socks(5) }, fix: []string{"add an STS interface endpoint with private DNS"},
		},
		{
			kase: "sts-tls", row: "P21", name: "a proxy that signs with its own CA", edit: func(p *place) { p.network(network{}); p.unset("AWS_CA_BUNDLE") },
			lead: "set AWS_CA_BUNDLE",
		},
		{
			kase: "sts-no-tls", name: "http behind the proxy", edit: func(p *place) { p.network(network{serve: page("400 Bad Request")}) },
			lead: "check HTTPS_PROXY",
		},
		{
			kase: "sts-no-tls", name: "https to a port of http", edit: func(p *place) {
				p.env["AWS_ENDPOINT_URL_STS"] = "https" + strings.TrimPrefix(p.cloud.STSURL(), "http")
			},
			lead: "correct the endpoint",
		},
		{
			kase: "sts-fault", name: "STS has trouble", edit: func(p *place) {
				p.answer("AssumeRoleWithWebIdentity", 500, refusal("InternalFailure", "no"))
			},
			lead: "https://health.aws.amazon.com",
		},
		{
			kase: "endpoint-foreign-answer", name: "the endpoint is not STS", edit: func(p *place) { p.inject(awsfake.HTMLPage()) },
			lead: "correct AWS_ENDPOINT_URL_STS",
		},
		{
			kase: "proxy-refused", name: "the proxy lets nobody through", edit: func(p *place) { p.network(network{status: 403}) }, fix: []string{`"` + stsName + `" in NO_PROXY`},
		},
		{
			kase: "proxy-refused", name: "the proxy wants a password", edit: func(p *place) { p.network(network{status: 407}) },
		},
		{
			kase: "sts-html", name: "a proxy answers in place of STS", edit: func(p *place) {
				p.network(network{serve: p.behindTLS(stsName, page("200 OK"))})
			},
			lead: "check HTTPS_PROXY",
		},
		{
			kase: "sts-html", name: "a server behind the proxy has trouble", edit: func(p *place) {
				p.network(network{serve: p.behindTLS(stsName, page("503 Service Unavailable"))})
			},
		},
		{
			kase: "timeout", name: "packets are dropped", args: []string{"--timeout", "1s"}, edit: func(p *place) { p.network(network{serve: ignore}) },
			lead: "packets are dropped", fix: []string{"NAT gateway", "HTTPS_PROXY"},
		},
		{
			kase: "timeout", name: "STS does not answer", args: []string{"--timeout", "1s"}, edit: func(p *place) {
				p.network(network{serve: p.behindTLS(stsName, ignore)})
			},
		},
		{
			kase: "sts-cut", name: "the connection is cut after the call", edit: func(p *place) {
				p.network(network{})
				p.inject(awsfake.Fault{Cut: true})
			},
			lead: "the rules of the network",
		},
		{
			kase: "sts-cut", name: "the connection is cut by its name", edit: func(p *place) { p.network(network{serve: func(net.Conn) {}}) },
		},
		{
			kase: "endpoint-down", name: "nobody listens at the endpoint", edit: func(p *place) { p.env["AWS_ENDPOINT_URL_STS"] = "http://" + closed(p.t) },
			lead: "correct AWS_ENDPOINT_URL_STS",
		},
		{
			kase: "endpoint-down", name: "the endpoint does not answer", args: []string{"--timeout", "1s"}, edit: func(p *place) {
				p.env["AWS_ENDPOINT_URL_STS"] = "http://" + listen(p.t, ignore)
			},
			lead: "correct AWS_ENDPOINT_URL_STS",
		},
		{
			kase: "proxy-down", name: "nobody listens at the proxy", edit: func(p *place) {
				p.network(network{})
				p.env["HTTPS_PROXY"] = "http://" + closed(p.t)
			},
			fix: []string{`"` + stsName + `" in NO_PROXY`},
		},
	}
}

// socks puts the pod behind a proxy that lets nobody through.
func (p *place) socks(reason byte) {
	p.unset("AWS_ENDPOINT_URL_STS")
	p.env["HTTPS_PROXY"] = "socks5://" + listen(p.t, socks(reason))
}
