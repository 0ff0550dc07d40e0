package cli_test

import (
	"crypto/tls"
	"net"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// s3Error is an error as S3 writes it.
func s3Error(code, message string) string {
	return "<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>"
}

// s3Says lets S3 refuse an object with a text.
func s3Says(status int, code, message string) func(*place) {
	return func(p *place) { p.answer("GetObject", status, s3Error(code, message)) }
}

// s3Denies lets S3 refuse an object with a reason at its end.
func s3Denies(reason string) func(*place) {
	return s3Says(403, "AccessDenied", `User: arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711 is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::`+
		awsfake.Bucket+`/x" `+reason)
}

func s3Replayed(vector string) func(*place) { return replayed("GetObject", vector) }

// permitted gives the job role a permission policy in place of its own.
func permitted(policy string) func(*place) {
	return func(p *place) {
		r := awsfake.Role{ARN: awsfake.JobRole, Trust: p.cloud.ClusterTrust().JSON()}
		if policy != "" {
			r.Policies = []string{policy}
		}
		check(p.t, p.cloud.AddRole(r))
	}
}

func allow(action, resource string) string {
	return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "` + action + `", "Resource": "` + resource + `"}]}`
}

// bucketSetups are broken between a role and its bucket: what S3 says.
func bucketSetups() []setup {
	const objects = "arn:aws:s3:::" + awsfake.Bucket + "/*"
	probe := []string{"--bucket", awsfake.Bucket}
	rows := []setup{
		{
			kase: "bucket-name-invalid", name: "a URL", args: []string{"--bucket", "s3://cache/path"}, lead: "leave out the scheme",
		},
		{kase: "bucket-name-invalid", name: "an ARN", args: []string{"--bucket", "arn:aws:s3:::cache"}, lead: "what stands behind arn:aws:s3:::"},
		{kase: "bucket-name-invalid", name: "a path", args: []string{"--bucket", "cache/path"}, lead: "as the prefix"},
		{kase: "bucket-name-invalid", name: "a variable that was not expanded", args: []string{"--bucket", "$BUCKET"}, lead: "correct --bucket"},
		{kase: "bucket-prefix-invalid", name: "a prefix that leaves the cache", args: []string{"--bucket", "cache", "--prefix", "../x"}, lead: "correct --prefix, or Path in [runners.cache]"},
		{
			kase: "bucket-missing", row: "s3 no-bucket", name: "a name that nobody has", args: []string{"--bucket", "my-super-duper-gitlab-runner-cach"},
			lead: "correct --bucket, or create the bucket",
		},
		{
			kase: "bucket-region-redirect", row: "s3 wrong-region-redirect", name: "the configuration names another region", args: []string{"--config", "config.toml"},
			edit: func(p *place) {
				p.config("eu-central-1", "eu-west-1")
				p.env["AWS_ENDPOINT_URL_S3"] = p.cloud.S3URLIn("eu-west-1")
			},
			lead: `give "eu-central-1" there`,
		},
		{
			kase: "bucket-region-signature", row: "s3 wrong-region-signature", name: "the call is signed for another region", args: []string{"--config", "config.toml"},
			edit: func(p *place) { p.config("eu-central-1", "us-east-1") }, lead: `give "eu-central-1" there`,
		},
		{
			kase: "bucket-region-constraint", name: "a region that has to be enabled", args: []string{"--config", "config.toml"},
			edit: func(p *place) {
				p.config()
				s3Says(400, "IllegalLocationConstraintException", "The me-south-1 location constraint is incompatible for the region specific endpoint this request was sent to.")(p)
			}, lead: `give "me-south-1" there`,
		},
		{
			kase: "bucket-region-elsewhere", name: "a bucket that was made a moment ago", edit: s3Says(307, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint."),
			lead: "run the check again in a few minutes",
		},
		{kase: "bucket-region-elsewhere", name: "the region that was asked", edit: s3Replayed("wrong-region-redirect"), lead: "correct AWS_ENDPOINT_URL_S3, or remove it", not: []string{"<", "{"}},
		{
			kase: "bucket-region-found", name: "AWS_REGION is another one", edit: func(p *place) {
				p.env["AWS_REGION"] = "us-west-2"
			}, lead: `give "eu-central-1" with --region`,
		},
		{
			kase: "bucket-region-invalid", name: "a blank in the region", args: []string{"--config", "config.toml"},
			edit: func(p *place) { p.config("eu-central-1", "eu central 1") }, lead: "a region is written as eu-central-1 is",
		},
		{kase: "s3-keys-expired", row: "s3 expired-token", name: "the session has ended", edit: s3Replayed("expired-token"), lead: "get new ones: exec and credential-process"},
		{kase: "s3-token-invalid", row: "s3 invalid-token", name: "the token is of another session", edit: s3Replayed("invalid-token"), lead: "take all three variables from one exchange"},
		{kase: "s3-key-unknown", row: "s3 invalid-key-id", name: "an endpoint with keys of its own", edit: s3Replayed("invalid-key-id"), lead: "is not AWS's and has keys of its own"},
		{kase: "s3-signature-wrong", name: "the secret is of another key", edit: s3Says(403, "SignatureDoesNotMatch", "no"), lead: "does not belong to the access key", fix: []string{"NO_PROXY"}},
		{kase: "s3-clock-skew", row: "s3 skew", name: "the clock is wrong", edit: s3Replayed("skew"), lead: "mend time synchronization", not: []string{"<"}},
		{
			kase: "s3-denied-explicitly", row: "s3 explicit-deny", name: "a Deny in the bucket's policy", edit: func(p *place) {
				check(p.t, p.cloud.SetBucketPolicy(awsfake.Bucket, `{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "`+objects+`"}]}`))
			},
			lead: "aws s3api get-bucket-policy", fix: []string{"make an exception for the role k8s-irsa-gitlab-jobs"},
		},
		{
			kase: "s3-denied-explicitly", name: "a policy that the answer names", edit: s3Denies("with an explicit deny in a service control policy: arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1"),
			lead: "arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1", fix: []string{"for an exception for the account 123456789012"},
		},
		{kase: "s3-denied-explicitly", name: "a VPC endpoint's policy", edit: s3Denies("with an explicit deny in a VPC endpoint policy"), lead: "aws ec2 describe-vpc-endpoints"},
		{
			kase: "s3-session-policy", row: "s3 session-policy", name: "a session policy for something else", edit: func(p *place) {
				p.env["CI_AWS_SESSION_POLICY"] = p.file("policy.json", allow("s3:GetObject", "arn:aws:s3:::other/*"))
			},
			fix: []string{"to widen those changes nothing", "a session policy that allows it, as JSON", `"s3:GetObject"`, objects}, not: []string{"RoleARN"},
		},
		{kase: "s3-limited", name: "a permissions boundary", edit: s3Denies("because no permissions boundary allows the s3:GetObject action"), lead: "to the boundary"},
		{kase: "s3-organization", name: "a service control policy", edit: s3Denies("because no service control policy allows the s3:GetObject action"), lead: "who owns the organization to allow s3:GetObject"},
		{kase: "s3-vpc-endpoint", name: "an endpoint for certain buckets", edit: s3Denies("because no VPC endpoint policy allows the s3:GetObject action"), lead: `add bucket "` + awsfake.Bucket + `" to the endpoint's policy`},
		{
			kase: "s3-kms-denied", row: "s3 kms", name: "the key's policy", edit: s3Replayed("kms"),
			lead: "add a statement to the key's policy that allows it kms:Decrypt and kms:GenerateDataKey", fix: []string{`"kms:GenerateDataKey"`, `"arn:aws:iam::123456789012:role/ci"`},
		},
		{
			kase: "s3-list-denied", name: "no s3:ListBucket", edit: permitted(allow("s3:GetObject", objects)),
			lead: "allow s3:ListBucket on the bucket's own ARN", fix: []string{`"s3:ListBucket"`, `"arn:aws:s3:::` + awsfake.Bucket + `"`, "aws_iam_role_policy"},
		},
		{kase: "s3-no-resource-policy", name: "a bucket policy that does not name the role", edit: s3Denies("because no resource-based policy allows the s3:GetObject action"), lead: "let the owner add the role's ARN as principal"},
		{
			kase: "s3-not-allowed", row: "s3 no-identity-policy", name: "a role without a policy", edit: permitted(""),
			lead: "let it allow s3:GetObject, and compare the Resource lines", fix: []string{objects, "s3:GetObject", "in a pod with its service account"},
		},
		{kase: "s3-url-expired", row: "s3 presigned-expired", name: "a URL of an hour ago", edit: s3Replayed("presigned-expired"), lead: "raise the job's timeout"},
		{
			kase: "s3-denied", row: "s3 bare-denied", name: "a bucket of another account", args: []string{"--bucket", "cache-of-others"}, edit: func(p *place) {
				check(p.t, p.cloud.AddBucket(awsfake.BucketSpec{Name: "cache-of-others", Region: awsfake.Region, Account: "210987654321"}))
			},
			lead: "let the bucket's owner name the role k8s-irsa-gitlab-jobs",
		},
		{kase: "s3-archived", row: "s3 archived", name: "a lifecycle rule", edit: s3Replayed("archived"), lead: "let the rule expire cache objects instead"},
		{kase: "s3-kms-disabled", row: "s3 kms-disabled", name: "the key was disabled", edit: s3Replayed("kms-disabled"), lead: "aws kms enable-key"},
		{kase: "s3-kms-missing", name: "a key that is not there", edit: s3Says(400, "KMS.NotFoundException", "Invalid keyId"), lead: "aws s3api get-bucket-encryption"},
		{kase: "s3-throttled", row: "s3 slow-down", name: "many jobs at once", edit: s3Replayed("slow-down"), lead: "start the job again"},
		{
			kase: "s3-accelerate-unfit", name: "Accelerate and PathStyle", args: []string{"--config", "config.toml"}, edit: func(p *place) {
				p.unset("AWS_ENDPOINT_URL_S3")
				s3Setting("Accelerate = true", "PathStyle = true")(p)
			}, lead: "remove PathStyle = true or Accelerate = true",
		},
		{kase: "s3-answered-no", name: "a code that is not known", edit: s3Says(409, "SomethingNew", "no"), lead: "look for the code SomethingNew"},
	}
	for i := range rows {
		if rows[i].args == nil {
			rows[i].args = probe
		}
	}
	return rows
}

// s3WaySetups are broken between the pod and S3.
func s3WaySetups() []setup {
	at := func(url string) func(*place) {
		return func(p *place) { p.env["AWS_ENDPOINT_URL_S3"] = url }
	}
	serve := func(serve func(net.Conn)) func(*place) {
		return func(p *place) { p.env["AWS_ENDPOINT_URL_S3"] = "http://" + listen(p.t, serve) }
	}
	rows := []setup{
		{kase: "s3-dns", name: "a typo in the endpoint", args: []string{"--allow-endpoint-host", "s3.nowhere.invalid"}, edit: at("https://s3.nowhere.invalid"), lead: "AWS_ENDPOINT_URL_S3 has a typo"},
		{kase: "s3-unreachable", name: "nobody listens", edit: func(p *place) { at("http://" + closed(p.t))(p) }, lead: "correct AWS_ENDPOINT_URL_S3, or remove it"},
		{kase: "s3-timeout", name: "no answer", args: []string{"--timeout", "1s"}, edit: serve(ignore), fix: []string{"check AWS_ENDPOINT_URL_S3"}},
		{
			kase: "s3-tls", name: "a CA that nobody trusts", edit: func(p *place) {
				leaf, _ := certificate(p.t, "s3.example.com")
				at("https://" + listen(p.t, func(conn net.Conn) {
					_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS12}).Handshake() //nolint:noctx // ends with conn
				}))(p)
			},
			lead: "set AWS_CA_BUNDLE",
		},
		{kase: "s3-no-tls", name: "https to a port of http", edit: func(p *place) { at("https" + strings.TrimPrefix(p.cloud.S3URL(), "http"))(p) }, lead: "correct the endpoint (Insecure = true"},
		{kase: "s3-cut", name: "the connection is cut", edit: func(p *place) { p.inject(awsfake.Fault{Action: "GetObject", Cut: true}) }, lead: "NO_PROXY"},
		{kase: "s3-foreign-answer", name: "a server that is not S3", edit: serve(page("404 Not Found")), lead: "correct AWS_ENDPOINT_URL_S3, or remove it"},
		{kase: "s3-foreign-answer", name: "a page in place of the object", edit: serve(page("200 OK")), lead: "correct AWS_ENDPOINT_URL_S3, or remove it"},
		{
			kase: "s3-accelerate-off", name: "a bucket that takes no fast transfers", edit: s3Says(400, "InvalidRequest", "S3 Transfer Acceleration is not configured on this bucket"),
			lead: "aws s3api put-bucket-accelerate-configuration",
		},
		{kase: "s3-fault", name: "S3 has trouble", edit: s3Says(500, "InternalError", "no"), lead: "https://health.aws.amazon.com"},
		{kase: "s3-interrupted", name: "Ctrl-C while S3 does not answer", edit: func(p *place) {
			sts := p.env["AWS_ENDPOINT_URL_STS"]
			p.interrupted()
			p.env["AWS_ENDPOINT_URL_S3"], p.env["AWS_ENDPOINT_URL_STS"] = p.env["AWS_ENDPOINT_URL_STS"], sts
		}, lead: "run it again"},
	}
	for i := range rows {
		rows[i].args = append(rows[i].args, "--bucket", awsfake.Bucket)
	}
	return rows
}
