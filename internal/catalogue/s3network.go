package catalogue

import "gitlab.com/ci-aws/ci-aws/internal/report"

const s3Accelerate = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html"

// s3Network are the failures of the way to S3; but for one there is no code to
// recognise.
var s3Network = []Case{
	{
		ID: "s3-dns", Check: "s3-reachable", Status: report.Unknown,
		Problem: "the name {host} (<endpoint-from>) does not resolve",
		Causes: []Cause{
			stsAlone,
			{Why: "the region {region} (<region-from>) has a typo", Fix: "correct it", When: "default-endpoint", Tell: "is {region} in the output of aws ec2 describe-regions?"},
			{Why: "<endpoint-from> has a typo", Fix: "correct it", When: "endpoint", Tell: "does {host} resolve from another place?"},
			{Why: "the pod's DNS does not resolve names outside the cluster", Fix: "check it with getent hosts {host}", Tell: "does the pod resolve other names?"},
		},
	},
	{
		ID: "s3-unreachable", Check: "s3-reachable", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) cannot be reached: <said>",
		Causes: []Cause{
			stsAlone,
			{Why: "<endpoint-from> sends the calls to {host}, in place of AWS's own endpoint", Fix: "correct <endpoint-from>, or remove it", When: "endpoint", Tell: "is {host} meant to be asked in place of AWS?"},
			{Why: "the subnet has no route to S3", Fix: "add an S3 gateway endpoint to the VPC and to the subnet's route table, or a NAT gateway", When: "default-endpoint", Tell: "does the subnet's route table have a route to pl-… (S3) or to a NAT gateway?"},
			{Why: "the proxy that the environment names is down, or a proxy is needed", Fix: "check HTTPS_PROXY and NO_PROXY in the job's variables", First: "proxy", Tell: "is HTTPS_PROXY set, and does the proxy answer?"},
		},
		Sources: []string{"https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html"},
	},
	{
		ID: "s3-timeout", Check: "s3-reachable", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) gave no answer within <timeout>",
		Causes: []Cause{
			stsAlone,
			{Why: "the subnet has no route to S3, and packets are dropped", Fix: "add an S3 gateway endpoint to the VPC and to the subnet's route table, or a NAT gateway", When: "default-endpoint", Tell: "does the subnet's route table have a route to pl-… (S3) or to a NAT gateway?"},
			{Why: "{host} is slow, or a firewall drops what is sent to it", Fix: "check <endpoint-from>, and the rules of the network", When: "endpoint", Tell: "does {host} answer from another pod of the same namespace?"},
			{Why: "a proxy is needed or stands in the way", Fix: "check HTTPS_PROXY and NO_PROXY in the job's variables", Tell: "does env in the job show HTTPS_PROXY, and does NO_PROXY name {host}?"},
		},
		Sources: []string{"https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html"},
	},
	{
		ID: "s3-tls", Check: "s3-reachable", Status: report.Unknown,
		Problem: "the TLS certificate of {host} (<endpoint-from>) is not trusted",
		Causes: []Cause{
			{Why: "a proxy or the endpoint signs with its own CA, or the image has no CA certificates", Fix: "set AWS_CA_BUNDLE to a file that holds the CA, or install ca-certificates in the image", Tell: "who issued the certificate that openssl s_client -connect {host} shows?"},
			{Why: "the bucket's name {bucket} has a dot, which the certificate *.s3.… does not cover", Fix: "use a bucket without dots, or PathStyle = true in [runners.cache.s3]", When: "dotted", First: "dotted", Tell: "is the certificate one of Amazon's?"},
		},
		Sources: []string{s3Names},
	},
	{
		ID: "s3-no-tls", Check: "s3-reachable", Status: report.Unknown,
		Problem: "what answers at {host} (<endpoint-from>) does not speak TLS",
		Causes: []Cause{
			{Why: "the scheme or the port of the endpoint is wrong, or a proxy answers", Fix: "correct the endpoint (Insecure = true in [runners.cache.s3] means http), and check HTTPS_PROXY"},
		},
	},
	{
		ID: "s3-cut", Check: "s3-reachable", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) closed the connection before it had answered",
		Causes: []Cause{
			{Why: "a proxy or a firewall cuts the connection", Fix: "check HTTPS_PROXY and NO_PROXY in the job's variables, and the rules of the network"},
		},
	},
	{
		ID: "s3-foreign-answer", Check: "s3-reachable", Status: report.Unknown,
		Problem: "{host} (<endpoint-from>) answered with HTTP status <status>, and not as S3 does",
		Causes: []Cause{
			{Why: "<endpoint-from> names a server that is not S3", Fix: "correct <endpoint-from>, or remove it", When: "endpoint", Tell: "is {host} meant to be asked in place of AWS?"},
			{Why: "a proxy, a captive portal or another server answered in place of S3", Fix: "check HTTPS_PROXY and NO_PROXY in the job's variables", Tell: "does env in the job show HTTPS_PROXY, and does NO_PROXY name {host}?"},
		},
	},
	{
		ID: "s3-accelerate-unfit", Check: "s3-reachable",
		Problem: "Accelerate (<accelerate-from>) cannot be had for bucket {bucket}: <what>; the runner signs no URL, and caches are neither stored nor found",
		Causes: []Cause{
			{Why: "PathStyle is set too, and S3 Transfer Acceleration works only at a host of the bucket's own", Fix: "remove PathStyle = true or Accelerate = true from [runners.cache.s3]", When: "by-path"},
			{Why: "a FIPS endpoint is asked for too", Fix: "remove Accelerate = true from [runners.cache.s3], or AWS_USE_FIPS_ENDPOINT", When: "fips"},
			{Why: "S3 Transfer Acceleration has no host for it", Fix: "remove Accelerate = true from [runners.cache.s3]", When: "other"},
		},
		Sources: []string{s3Accelerate, runnerS3Code},
	},
	{
		ID: "s3-accelerate-off", Check: "s3-reachable",
		Answer:  Answer{Op: S3Op, Code: []string{"InvalidRequest"}, Text: "S3 Transfer Acceleration is "},
		Problem: "S3 Transfer Acceleration is not turned on for bucket {bucket}, and {host} (<endpoint-from>) is the host for it",
		Causes: []Cause{
			{Why: "Accelerate = true in [runners.cache.s3] asks for what is not turned on for the bucket", Fix: "turn it on (aws s3api put-bucket-accelerate-configuration --bucket <bucket> --accelerate-configuration Status=Enabled), or remove Accelerate from [runners.cache.s3]"},
		},
		Sources: []string{s3Accelerate, s3Errors, "https://github.com/aws/aws-cli/issues/8329"},
	},
	{
		ID: "s3-fault", Check: "s3-reachable", Status: report.Unknown,
		Problem: "S3 in {region} failed by a fault of its own (HTTP status <status>), after <calls>",
		Causes:  []Cause{{Why: "S3 has trouble in the region", Fix: "start the job again, and look at https://health.aws.amazon.com"}},
		Sources: []string{s3Errors},
	},
	{
		ID: "s3-interrupted", Check: "s3-reachable", Status: report.Unknown,
		Problem: "the call for bucket {bucket} was interrupted before S3 had answered",
		Causes:  []Cause{{Why: "the command was ended from outside", Fix: "run it again"}},
	},
	{
		ID: "s3-answered-no", Check: "bucket-readable",
		Problem: "S3 refused {resource} to <caller> with <code> (HTTP status <status>) and <words>",
		Causes:  []Cause{{Why: "ci-aws knows no more of this answer than what it says", Fix: "look for the code <code> in S3's list of errors, or in that of the server at {host}"}},
		Sources: []string{s3Errors},
	},
}
