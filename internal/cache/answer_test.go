package cache_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// row is a broken set-up: how the fake is made to give an answer, the first
// finding that must come of it, and words of its cause and its fix.
type row struct {
	name   string
	vector string // the answer of vectors/s3-answers.json that it is about
	policy string // of the role; empty: the reference's
	edit   func(*world)
	id     string // of the case
	check  string
	states string
	cause  string
	fix    []string
}

const (
	allOK     = "ok ok ok ok ok ok"
	unread    = "ok ok ok ok ok fail"
	getOnly   = `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`
	listOnly  = `{"Statement":{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}}`
	objectARN = "arn:aws:s3:::" + awsfake.Bucket + "/runners-all/"
)

func replay(vector string) func(*world) {
	return func(w *world) { w.inject(awsfake.Fault{Action: "GetObject", Vector: vector}) }
}

// says makes S3 give an answer with a text that no vector has.
func says(text string) func(*world) {
	return func(w *world) {
		w.inject(awsfake.Fault{
			Action: "GetObject", Status: http.StatusForbidden, Type: "application/xml",
			Body: "<Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::123456789012:assumed-role/ci/s is not authorized to perform: " + text + "</Message></Error>",
		})
	}
}

func coded(status int, code string) func(*world) {
	return func(w *world) {
		w.inject(awsfake.Fault{Status: status, Type: "application/xml", Body: "<Error><Code>" + code + "</Code><Message>m</Message></Error>"})
	}
}

// answered makes S3 answer a read with an error, which may name a region.
func answered(status int, code, message, region string) func(*world) {
	if region != "" {
		region = "<Region>" + region + "</Region>"
	}
	return func(w *world) {
		w.inject(awsfake.Fault{
			Action: "GetObject", Status: status, Type: "application/xml",
			Body: "<Error><Code>" + code + "</Code><Message>" + message + "</Message>" + region + "</Error>",
		})
	}
}

// accelerated asks AWS itself for its host for fast transfers, and for something
// that does not go with it.
func accelerated(with string) func(*world) {
	return func(w *world) {
		w.bucket.EndpointURL, w.bucket.Accelerate = value("", ""), value("true", "config.toml:6:1")
		if with == "PathStyle" {
			w.bucket.PathStyle = value("true", "config.toml:7:1")
		}
	}
}

func rows() []row {
	onObject := `s3:GetObject on resource: "` + objectARN + `k" `
	return []row{
		{name: "a role that may read and list", vector: "no-key", states: allOK},
		{
			name: "no policy allows the read", vector: "no-identity-policy", policy: listOnly, id: "s3-not-allowed", check: "bucket-readable",
			states: unread, cause: "s3:GetObject", fix: []string{`"s3:GetObject"`, `"` + objectARN + `*"`, `resource "aws_iam_role_policy"`, roleName, "with its service account"},
		},
		{
			name: "a Deny in the bucket's policy", vector: "explicit-deny", id: "s3-denied-explicitly", check: "bucket-readable",
			edit: func(w *world) {
				w.addBucket(awsfake.BucketSpec{Policy: `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}}`})
			},
			states: unread, cause: "a resource-based policy refuses s3:GetObject", fix: []string{"aws s3api get-bucket-policy --bucket b-1", roleName},
		},
		{
			name: "a Deny in the role's policy", policy: `{"Statement":[` + statement("Allow") + `,` + statement("Deny") + `]}`,
			id: "s3-denied-explicitly", check: "bucket-readable", states: unread, cause: "an identity-based policy refuses s3:GetObject", fix: []string{"list-attached-role-policies"},
		},
		{
			name: "a Deny with the policy's ARN", edit: says(onObject + "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-1"),
			id: "s3-denied-explicitly", check: "bucket-readable", states: "ok ok ok ok ok fail", cause: "a service control policy",
			fix: []string{`"arn:aws:organizations::1:policy/o-1/service_control_policy/p-1"`, "owns the organization"},
		},
		{
			name: "a Deny in a VPC endpoint's policy", edit: says(onObject + "with an explicit deny in a VPC endpoint policy"),
			id: "s3-denied-explicitly", check: "bucket-readable", states: unread, cause: "a VPC endpoint policy", fix: []string{"describe-vpc-endpoints"},
		},
		{
			name: "a Deny in a session policy", edit: says(onObject + "with an explicit deny in a session policy"),
			id: "s3-denied-explicitly", check: "bucket-readable", states: unread, cause: "a session policy", fix: []string{"AssumeRole"},
		},
		{name: "a session policy", vector: "session-policy", edit: replay("session-policy"), id: "s3-session-policy", check: "bucket-readable", states: unread, cause: "s3:GetObject", fix: []string{"--session-policy", `"arn:aws:s3:::` + awsfake.Bucket + `/runners-all/*"`, `"s3:GetObject"`}},
		{
			name: "a session policy without a list", edit: says(`s3:ListBucket on resource: "arn:aws:s3:::b" because no session policy allows the s3:ListBucket action`),
			id: "s3-session-policy", check: "bucket-readable", states: unread, cause: "s3:ListBucket", fix: []string{"--session-policy", `"s3:ListBucket"`, "a session policy that allows it, as JSON"},
		},
		{
			name: "a session that the runner made", edit: func(w *world) {
				w.inject(awsfake.Fault{
					Action: "GetObject", Status: http.StatusForbidden, Type: "application/xml",
					Body: "<Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::123456789012:assumed-role/cache/gitlab-runner-cache-upload-1 is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::b\" because no session policy allows the s3:ListBucket action</Message></Error>",
				})
			}, id: "s3-session-policy", check: "bucket-readable", states: unread, cause: "gitlab-runner-cache-upload-1", fix: []string{"most likely the runner made this session with RoleARN"},
		},
		{name: "a permissions boundary", edit: says(onObject + "because no permissions boundary allows the s3:GetObject action"), id: "s3-limited", check: "bucket-readable", states: unread, cause: "permissions boundary of the role ci", fix: []string{"aws iam get-role"}},
		{name: "the organization", edit: says(onObject + "because no service control policy allows the s3:GetObject action"), id: "s3-organization", check: "bucket-readable", states: unread, cause: "account 123456789012", fix: []string{"owns the organization"}},
		{name: "a VPC endpoint", edit: says(onObject + "because no VPC endpoint policy allows the s3:GetObject action"), id: "s3-vpc-endpoint", check: "bucket-readable", states: unread, cause: "VPC endpoint", fix: []string{awsfake.Bucket}},
		{name: "no policy of the bucket", edit: says(onObject + "because no resource-based policy allows the s3:GetObject action"), id: "s3-no-resource-policy", check: "bucket-readable", states: unread, cause: awsfake.Bucket, fix: []string{"another account"}},
		{
			name: "the key's policy", vector: "kms", edit: func(w *world) { w.bucket.KMSKey = value(keyARN, "--kms-key-id"); replay("kms")(w) },
			id: "s3-kms-denied", check: "bucket-readable", states: unread, cause: "kms:GenerateDataKey", fix: []string{"key's policy", `"AWS": "arn:aws:iam::123456789012:role/ci"`, `"kms:GenerateDataKey"`, `"` + keyARN + `"`},
		},
		{
			name: "no permission for the key", edit: says("kms:Decrypt on resource: " + keyARN + " because no identity-based policy allows the kms:Decrypt action"),
			id: "s3-kms-denied", check: "bucket-readable", states: unread, cause: keyARN, fix: []string{"most likely the role ci has no permission for kms:Decrypt"},
		},
		{
			name: "another account's bucket", vector: "bare-denied", policy: allowAll, id: "s3-denied", check: "bucket-readable",
			edit:   func(w *world) { w.addBucket(awsfake.BucketSpec{Account: "210987654321"}) },
			states: unread, cause: "does not say why", fix: []string{"another account", roleName, "get-bucket-policy --bucket b-1", `"s3:ListBucket"`},
		},
		{name: "no reason, and a list is allowed", edit: replay("bare-denied"), id: "s3-denied", check: "bucket-readable", states: unread, cause: "does not say why", fix: []string{"most likely the policies of the role " + roleName + " lack s3:GetObject, or have it for another prefix", "or the bucket's policy"}},
		{
			name: "a role that may not list", vector: "bare-denied", policy: getOnly, id: "s3-list-denied", check: "bucket-readable", states: unread,
			cause: "every cache miss looks like a refusal", fix: []string{`"s3:ListBucket"`, `"Resource": "arn:aws:s3:::` + awsfake.Bucket + `"`, "it is about the bucket itself"},
		},
		{
			name: "an answer that names s3:ListBucket", edit: says(`s3:ListBucket on resource: "arn:aws:s3:::b" because no identity-based policy allows the s3:ListBucket action`),
			id: "s3-list-denied", check: "bucket-readable", states: unread, cause: "403 and not 404", fix: []string{`"s3:ListBucket"`},
		},
		{name: "no bucket", vector: "no-bucket", edit: func(w *world) { w.bucket.Name = value("nowhere-1", "--bucket") }, id: "bucket-missing", check: "bucket-exists", states: "ok ok skip fail skip skip", cause: `"nowhere-1" (--bucket)`, fix: []string{"correct --bucket", "partition"}},
		{
			name: "a bucket in another region", vector: "wrong-region-redirect", id: "bucket-region-redirect", check: "bucket-region", states: "ok ok skip ok fail skip",
			edit:  func(w *world) { w.addBucket(awsfake.BucketSpec{Region: "us-west-2"}) },
			cause: `in region "us-west-2", not in "eu-central-1" (--region)`, fix: []string{`give "us-west-2"`},
		},
		{
			name: "a call signed for another region", vector: "wrong-region-signature", id: "bucket-region-signature", check: "bucket-region", states: "ok ok skip ok fail skip",
			edit:  func(w *world) { w.bucket.Region = value("us-east-1", "AWS_REGION") },
			cause: `in region "eu-central-1", not in "us-east-1" (AWS_REGION)`, fix: []string{`give "eu-central-1"`, "AWS_REGION names"},
		},
		{
			name: "a bucket in another region, by the word for new buckets", edit: answered(http.StatusTemporaryRedirect, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint.", "us-west-2"),
			id: "bucket-region-redirect", check: "bucket-region", states: "ok ok skip ok fail skip", cause: `in region "us-west-2", not in "eu-central-1"`, fix: []string{`give "us-west-2"`},
		},
		{
			name: "a bucket that is new", edit: answered(http.StatusTemporaryRedirect, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint.", ""),
			id: "bucket-region-elsewhere", check: "bucket-region", states: "ok ok skip ok fail skip", cause: "and names no other region", fix: []string{"most likely the bucket was made a short while ago"},
		},
		{
			name: "a redirect to where the call went", edit: replay("wrong-region-redirect"),
			id: "bucket-region-elsewhere", check: "bucket-region", states: "ok ok skip ok fail skip", cause: "and names no other region", fix: []string{"what answers at"},
		},
		{
			name: "a bucket of a region that has to be enabled", edit: answered(http.StatusBadRequest, "IllegalLocationConstraintException", "The me-south-1 location constraint is incompatible for the region specific endpoint this request was sent to.", ""),
			id: "bucket-region-constraint", check: "bucket-region", states: "ok ok skip ok fail skip", cause: `in region "me-south-1", not in "eu-central-1"`, fix: []string{`give "me-south-1"`},
		},
		{
			name: "a bucket of us-east-1, asked elsewhere", edit: answered(http.StatusBadRequest, "IllegalLocationConstraintException", "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.", ""),
			id: "bucket-region-constraint", check: "bucket-region", states: "ok ok skip ok fail skip", cause: `in region "us-east-1", not in "eu-central-1"`, fix: []string{`give "us-east-1"`},
		},
		{
			name: "a constraint in other words", edit: answered(http.StatusBadRequest, "IllegalLocationConstraintException", "m", ""),
			id: "bucket-region-elsewhere", check: "bucket-region", states: "ok ok skip ok fail skip", cause: "and names no other region",
		},
		{
			name: "a bucket in another region that refuses", policy: listOnly, id: "bucket-region-redirect", check: "bucket-region", states: "ok ok ok ok fail fail",
			edit: func(w *world) {
				w.inject(awsfake.Fault{Action: "HeadBucket", Vector: "wrong-region-redirect"})
				w.bucket.Region = value("us-east-1", "--region")
				w.bucket.EndpointURL = value(w.cloud.S3URLIn("us-east-1"), "--endpoint-url")
				w.addBucket(awsfake.BucketSpec{Region: "us-east-1"})
			},
			cause: `in region "eu-central-1"`, fix: []string{`give "eu-central-1"`},
		},
		{name: "a session that ended", vector: "expired-token", edit: replay("expired-token"), id: "s3-keys-expired", check: "s3-signature", states: "ok ok fail skip skip skip", cause: userARN, fix: []string{"exec and credential-process renew them"}},
		{
			name: "a cut session token", vector: "invalid-token", id: "s3-token-invalid", check: "s3-signature", states: "ok ok fail skip skip skip", cause: userARN, fix: []string{"AWS_SESSION_TOKEN", "or it may be that"},
			edit: func(w *world) {
				keys, _ := w.cfg.Credentials.Retrieve(w.t.Context())
				keys.SessionToken = "planted-session-token"
				w.use(keys)
			},
		},
		{
			name: "a key of elsewhere", vector: "invalid-key-id", id: "s3-key-unknown", check: "s3-signature", states: "ok ok fail skip skip skip", cause: awsfake.Bucket, fix: []string{"AccessKey from [runners.cache.s3]", "--endpoint-url"},
			edit: func(w *world) {
				w.use(aws.Credentials{AccessKeyID: "AKIAELSEWHERE", SecretAccessKey: "planted-secret-access-key"})
			},
		},
		{
			name: "a wrong secret key", id: "s3-signature-wrong", check: "s3-signature", states: "ok ok fail skip skip skip", cause: "signature", fix: []string{"remove static keys"},
			edit: func(w *world) {
				keys, _ := w.cfg.Credentials.Retrieve(w.t.Context())
				keys.SecretAccessKey = "planted-secret-access-key"
				w.use(keys)
			},
		},
		{name: "a clock that is off", vector: "skew", edit: replay("skew"), id: "s3-clock-skew", check: "s3-signature", states: "ok ok fail skip skip skip", cause: "more than 15 minutes apart", fix: []string{"time synchronization"}},
		{name: "an expired URL", vector: "presigned-expired", edit: replay("presigned-expired"), id: "s3-url-expired", check: "bucket-readable", states: unread, cause: awsfake.Bucket, fix: []string{"it may be that the job waited longer"}},
		{name: "an archived object", vector: "archived", edit: replay("archived"), id: "s3-archived", check: "bucket-readable", states: unread, cause: "archived", fix: []string{"lifecycle rule"}},
		{name: "a disabled key", vector: "kms-disabled", edit: replay("kms-disabled"), id: "s3-kms-disabled", check: "bucket-readable", states: unread, cause: "key arn:aws:kms:eu-central-1:123456789012:key/x of bucket", fix: []string{"it may be that", "aws kms enable-key"}},
		{name: "too many calls", vector: "slow-down", edit: replay("slow-down"), id: "s3-throttled", check: "s3-reachable", states: "ok unknown skip skip skip skip", cause: "after 1 call", fix: []string{"AWS_MAX_ATTEMPTS"}},
		{name: "a fault of S3's", edit: coded(http.StatusInternalServerError, "InternalError"), id: "s3-fault", check: "s3-reachable", states: "ok unknown skip skip skip skip", cause: "500", fix: []string{"health.aws.amazon.com"}},
		{name: "an answer that nobody knows", edit: coded(http.StatusBadRequest, "SomethingNew"), id: "s3-answered-no", check: "bucket-readable", states: "ok ok ok skip skip fail", cause: `with SomethingNew (HTTP status 400) and "m"`, fix: []string{"S3's list of errors"}},
		{name: "a key that is not there", edit: func(w *world) {
			w.bucket.KMSKey = value("nosuch", "--kms-key-id")
			answered(http.StatusBadRequest, "KMS.NotFoundException", "Invalid keyId nosuch", "")(w)
		}, id: "s3-kms-missing", check: "bucket-readable", states: unread, cause: "the KMS key nosuch", fix: []string{"correct --kms-key-id"}},
		{
			name: "a key of the bucket's that is not there, as MinIO says it", edit: answered(http.StatusBadRequest, "kms:KeyNotFound", "m", ""),
			id: "s3-kms-missing", check: "bucket-readable", states: unread, cause: "does not find the KMS key", fix: []string{"get-bucket-encryption"},
		},
		{
			name: "a prefix that is no key's start", edit: func(w *world) { w.bucket.Prefix = value("../x", "Path") }, id: "bucket-prefix-invalid", check: "bucket-name",
			states: "fail skip skip skip skip skip", cause: `"../x" cannot be the prefix of a cache`, fix: []string{"--prefix, or Path in [runners.cache]"},
		},
		{name: "a name that cannot be one", edit: func(w *world) { w.bucket.Name = value("s3://my-cache/x", "BucketName") }, id: "bucket-name-invalid", check: "bucket-name", states: "fail skip skip skip skip skip", cause: `"s3://my-cache/x" (BucketName)`, fix: []string{"leave out the scheme"}},
		{
			name: "a caller that nobody knows", policy: listOnly, edit: func(w *world) { w.who = cache.Caller{}; says("s3:GetObject")(w) }, id: "s3-denied", check: "bucket-readable",
			states: unread, cause: "S3 refuses", fix: []string{"the role ci", `role = "ci"`},
		},
		{name: "a region that cannot be one", edit: func(w *world) { w.bucket.Region = value("eu central", "BucketLocation") }, id: "bucket-region-invalid", check: "bucket-region", states: "ok skip skip skip fail skip", cause: `"eu central" (BucketLocation)`, fix: []string{"eu-central-1"}},
		{
			name: "fast transfers, by path", edit: accelerated("PathStyle"), id: "s3-accelerate-unfit", check: "s3-reachable", states: "ok fail skip skip skip skip",
			cause: "PathStyle (config.toml:7:1) is true", fix: []string{"remove PathStyle = true or Accelerate = true"},
		},
		{
			name: "fast transfers to a name with a dot", edit: func(w *world) {
				accelerated("")(w)
				w.bucket.Name = value("my.cache", "BucketName")
			}, id: "s3-accelerate-unfit", check: "s3-reachable", states: "ok fail skip skip skip skip", cause: "its name cannot be part of a host's", fix: []string{"remove Accelerate = true"},
		},
		{
			name: "fast transfers to China", edit: func(w *world) {
				accelerated("")(w)
				w.bucket.Region = value("cn-north-1", "BucketLocation")
			}, id: "s3-accelerate-unfit", check: "s3-reachable", states: "ok fail skip skip skip skip", cause: `region "cn-north-1" is one of China's`, fix: []string{"remove Accelerate = true"},
		},
		{
			name: "fast transfers that are not turned on", edit: func(w *world) {
				w.inject(awsfake.Fault{Status: http.StatusBadRequest, Type: "application/xml", Body: "<Error><Code>InvalidRequest</Code><Message>S3 Transfer Acceleration is not configured on this bucket</Message></Error>"})
			}, id: "s3-accelerate-off", check: "s3-reachable", states: "ok fail skip skip skip skip", cause: "S3 Transfer Acceleration is not turned on", fix: []string{"aws s3api put-bucket-accelerate-configuration --bucket " + awsfake.Bucket},
		},
		{name: "no credentials", edit: func(w *world) { w.cfg.Credentials = none{} }, id: "s3-keys-missing", check: "s3-signature", states: "ok skip unknown skip skip skip", cause: awsfake.Bucket, fix: []string{"exchange"}},
	}
}

func statement(effect string) string {
	return `{"Effect":"` + effect + `","Action":"s3:GetObject","Resource":"*"}`
}

func TestEachAnswerOfS3IsNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, tt := range rows() {
		seen[tt.vector] = true
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.policy != "" {
				w = newWorld(t, tt.policy)
			}
			if tt.edit != nil {
				tt.edit(w)
			}
			all := w.probe()
			if got := states(all); got != tt.states {
				t.Errorf("states are %s, want %s", got, tt.states)
			}
			f := first(all)
			if f.ID != tt.check || !strings.Contains(f.Cause, tt.cause) {
				t.Errorf("%s: %s\nwant %s with %q", f.ID, f.Cause, tt.check, tt.cause)
			}
			for _, want := range tt.fix {
				if !strings.Contains(f.Fix(), want) {
					t.Errorf("the fix does not hold %q:\n%s", want, f.Fix())
				}
			}
			if tt.id != "" {
				if f.Title != catalogue.Title(catalogue.Find(tt.id).Check) || !shaped(f.Cause, catalogue.Find(tt.id).Problem) {
					t.Errorf("%q is not case %s", f.Cause, tt.id)
				}
			}
		})
	}
	vectors, err := awsfake.Vectors("s3")
	if err != nil || len(vectors) != 17 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		if !seen[v.ID] {
			t.Errorf("answer %s has no row", v.ID)
		}
	}
}

// shaped says whether a sentence was made from a case's problem: the words
// between its facts are in it, in their order.
func shaped(sentence, problem string) bool {
	for _, part := range strings.FieldsFunc(problem, func(r rune) bool { return strings.ContainsRune("{}<>", r) }) {
		if strings.Contains(part, " ") {
			_, after, ok := strings.Cut(sentence, part)
			if !ok {
				return false
			}
			sentence = after
		}
	}
	return true
}

func TestEveryCaseOfS3HasARow(t *testing.T) {
	rowed := map[string]bool{}
	for _, r := range rows() {
		rowed[r.id] = true
	}
	for _, id := range append(networkRows(), "bucket-region-found") { // which has a test of its own
		rowed[id] = true
	}
	for _, c := range catalogue.All() {
		if (strings.HasPrefix(c.ID, "s3-") || strings.HasPrefix(c.ID, "bucket-")) && !rowed[c.ID] {
			t.Errorf("case %s has no row", c.ID)
		}
	}
}

func TestThePastedStatementMendsTheRefusal(t *testing.T) {
	for _, policy := range []string{listOnly, getOnly, `{"Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`} {
		f := first(newWorld(t, policy).probe())
		var pasted string
		for _, s := range f.Paste {
			if strings.HasSuffix(s.For, "as JSON") {
				pasted = s.Text
			}
		}
		if _, err := iam.ParsePolicy([]byte(pasted)); err != nil {
			t.Fatalf("%v: %s", err, pasted)
		}
		if got := states(newWorld(t, policy, pasted).probe()); got != allOK {
			t.Errorf("with\n%s\nthe states are %s", pasted, got)
		}
	}
}
