package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

const (
	stsEndpoints = "https://docs.aws.amazon.com/general/latest/gr/sts.html"
	commonErrors = "https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html"
	proxies      = "https://github.com/awsdocs/amazon-eks-user-guide/issues/872"
)

// network are the failures of the way to STS; there is no code to recognise.
var network = []Case{
	{
		ID: "sts-dns", Check: "sts-reachable", Status: report.Unknown,
		Problem: "the name {host} (<endpoint-from>) does not resolve",
		Causes: []Cause{
			{Why: "the pod's DNS does not resolve names outside the cluster", Fix: "let the cluster's DNS forward such names, or add an STS interface endpoint with private DNS to the VPC", Tell: "getent hosts gitlab.com fails in the job, too"},
			{Why: "the region {region} (<region-from>) has a typo", Fix: "correct <region-from>", Tell: "other names resolve in the job, and {region} is not in the list of regions"},
		},
		Sources: []string{stsEndpoints},
	},
	{
		ID: "sts-unreachable", Check: "sts-reachable", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) cannot be reached",
		Causes: []Cause{
			{Why: "the subnet has no route to STS", Fix: "add an STS interface endpoint with private DNS to the VPC, or a NAT gateway", Tell: "getent hosts {host} gives a public address, and the subnet has neither NAT nor internet gateway"},
			{Why: "a proxy is needed or stands in the way", Fix: "check HTTPS_PROXY and NO_PROXY in the job's variables", Tell: "curl -sv https://{host} in the job shows whether it takes the proxy, and how far it gets"},
		},
		Sources: []string{"https://github.com/kubernetes-sigs/external-dns/issues/1470"},
	},
	{
		ID: "sts-tls", Check: "sts-reachable", Status: report.Unknown,
		Problem: "the TLS certificate of {host} (<endpoint-from>) is not trusted",
		Causes: []Cause{
			{Why: "a proxy signs with its own CA, or the image has no CA certificates", Fix: "set AWS_CA_BUNDLE to a file that holds the CA, or install ca-certificates in the image"},
		},
		Sources: []string{sdkConfig, "https://github.com/aws/rolesanywhere-credential-helper/issues/121"},
	},
	{
		ID: "sts-no-tls", Check: "sts-reachable", Status: report.Unknown,
		Problem: "what answers at {host} (<endpoint-from>) does not speak TLS",
		Causes: []Cause{
			{Why: "the scheme or the port of the endpoint is wrong, or a proxy answers", Fix: "correct the endpoint, and check HTTPS_PROXY"},
		},
		Sources: []string{sdkEndpoints},
	},
	{
		ID: "sts-fault", Check: "sts-answers", Status: report.Unknown,
		Problem: "STS in {region} failed by a fault of its own, <calls> in a row",
		Causes: []Cause{
			{Why: "AWS has trouble in the region", Fix: "start the job again, and look at https://health.aws.amazon.com"},
		},
		Sources: []string{commonErrors},
	},
	{
		ID: "endpoint-foreign-answer", Check: "sts-answers", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) answered with HTTP status <status>, and not as STS does",
		Causes: []Cause{
			{Why: "<endpoint-from> names a server that is not STS", Fix: "correct <endpoint-from>, or remove it"},
		},
		Sources: []string{sdkEndpoints},
	},
	{
		ID: "proxy-refused", Check: "sts-reachable", Status: report.Unknown,
		Problem: "the proxy {proxy} (<proxy-from>) refused the way to {host} with HTTP status <status>",
		Causes: []Cause{
			{Why: "the proxy does not let this job out", Fix: "let it pass {host}, put user and password into <proxy-from>, or name {host} in NO_PROXY"},
		},
		Sources: []string{proxies},
	},
	{
		ID: "sts-html", Check: "sts-answers", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) answered with HTTP status <status>, and not as STS does",
		Causes: []Cause{
			{Why: "a proxy, a captive portal or another server answered in place of STS", Fix: "check HTTPS_PROXY and the endpoint settings"},
		},
		Sources: []string{proxies},
	},
	{
		ID: "timeout", Check: "sts-reachable", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) gave no answer within <timeout>",
		Causes: []Cause{
			{Why: "the subnet has no route to STS, and packets are dropped", Fix: "add an STS interface endpoint with private DNS to the VPC, or a NAT gateway", Tell: "getent hosts {host} gives a public address, and the subnet has neither NAT nor internet gateway"},
			{Why: "a proxy is needed or stands in the way", Fix: "check HTTPS_PROXY and NO_PROXY in the job's variables", Tell: "curl -sv https://{host} in the job shows whether it takes the proxy, and how far it gets"},
		},
		Sources: []string{"https://github.com/kubernetes-sigs/aws-ebs-csi-driver/issues/609"},
	},
	{
		ID: "sts-cut", Check: "sts-answers", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) closed the connection before it had answered",
		Causes: []Cause{
			{Why: "a proxy or a firewall cuts the connection", Fix: "check HTTPS_PROXY and NO_PROXY in the job's variables, and the rules of the network"},
		},
		Sources: []string{proxies},
	},
	{
		ID: "endpoint-down", Check: "sts-reachable", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) <what>",
		Causes: []Cause{
			{Why: "<endpoint-from> sends the calls to {host}, in place of AWS's own endpoint", Fix: "correct <endpoint-from>, or remove it"},
		},
		Sources: []string{sdkEndpoints},
	},
	{
		ID: "proxy-down", Check: "sts-reachable", Status: report.Unknown,
		Problem: "the proxy {proxy} (<proxy-from>) cannot be reached",
		Causes: []Cause{
			{Why: "<proxy-from> has a typo, or the pod has no way to the proxy", Fix: "correct it in the job's variables, or name {host} in NO_PROXY"},
		},
		Sources: []string{proxies},
	},
	{
		ID: "agent-refused", Check: "agent-answers", Status: report.Unknown,
		Problem: "the Pod Identity agent at {host} answered with HTTP status <status>",
		Causes: []Cause{
			{Why: "the agent has no credentials for this pod, or something else answers there", Fix: "look at the agent's log on the node (kubectl logs -n kube-system ds/eks-pod-identity-agent)"},
		},
		Sources: []string{agentDocs},
	},
	{
		ID: "agent-unreachable", Check: "agent-answers", Status: report.Unknown,
		Problem: "the Pod Identity agent at {host} gives no answer",
		Causes: []Cause{
			{Why: "the agent does not run on this node (Fargate has none)", Fix: "install the add-on eks-pod-identity-agent, or use IRSA"},
		},
		Sources: []string{agentDocs},
	},
	{
		ID: "answered-no", Check: "sts-answers",
		Problem: "STS refused <op> for {role}",
		Causes: []Cause{
			{Why: "ci-aws does not know this answer", Fix: "compare what the token says (issuer {issuer}, sub {sub}, aud {aud}, expiry <exp>) with what the service expects"},
		},
		Sources: []string{commonErrors},
	},
}
