package catalogue

// network are the failures of the way to STS; there is no code to recognise.
var network = []Case{
	{
		ID: "sts-dns", Check: "sts-reachable",
		Problem: "the name {host} (<endpoint-from>) does not resolve",
		Causes: []Cause{
			{"the region {region} (<region-from>) has a typo", "correct it"},
			{"the pod's DNS does not resolve names outside the cluster", "check it with getent hosts {host}"},
		},
	},
	{
		ID: "sts-unreachable", Check: "sts-reachable",
		Problem: "{host} (<endpoint-from>) cannot be reached",
		Causes: []Cause{
			{"the subnet has no route to STS", "add an STS interface endpoint with private DNS to the VPC, or a NAT gateway"},
			{"a proxy is needed or stands in the way", "check HTTPS_PROXY and NO_PROXY in the job's variables"},
		},
		Sources: []string{"https://github.com/kubernetes-sigs/external-dns/issues/1470"},
	},
	{
		ID: "sts-tls", Check: "sts-reachable",
		Problem: "the TLS certificate of {host} (<endpoint-from>) is not trusted",
		Causes: []Cause{
			{"a proxy signs with its own CA, or the image has no CA certificates", "set AWS_CA_BUNDLE to a file that holds the CA, or install ca-certificates in the image"},
		},
	},
	{
		ID: "sts-html", Check: "sts-answers",
		Problem: "{host} (<endpoint-from>) answered with HTTP status <status>, and not as STS does",
		Causes: []Cause{
			{"a proxy, a captive portal or another server answered in place of STS", "check HTTPS_PROXY and the endpoint settings"},
		},
	},
	{
		ID: "timeout", Check: "sts-reachable",
		Problem: "{host} (<endpoint-from>) gave no answer within <timeout>",
		Causes: []Cause{
			{"the subnet has no route to STS, and packets are dropped", "add an STS interface endpoint with private DNS to the VPC, or a NAT gateway"},
			{"a proxy is needed or stands in the way", "check HTTPS_PROXY and NO_PROXY in the job's variables"},
		},
		Sources: []string{"https://github.com/kubernetes-sigs/aws-ebs-csi-driver/issues/609"},
	},
	{
		ID: "agent-unreachable", Check: "agent-answers",
		Problem: "the Pod Identity agent at {host} gives no answer",
		Causes: []Cause{
			{"the agent does not run on this node (Fargate has none)", "install the add-on eks-pod-identity-agent, or use IRSA"},
		},
		Sources: []string{agentDocs},
	},
	{
		ID: "answered-no", Check: "sts-answers",
		Problem: "STS refused <op> for {role}",
		Causes: []Cause{
			{"ci-aws does not know this answer", "compare what the token says (issuer {issuer}, sub {sub}, aud {aud}, expiry <exp>) with what the service expects"},
		},
	},
}
