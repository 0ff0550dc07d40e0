package cli_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

// only gives the job role a permission policy of its own for these actions on
// objects, beside s3:ListBucket and s3:GetObject.
func only(actions string) func(*place) {
	const bucket = "arn:aws:s3:::" + awsfake.Bucket
	return permitted(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "` + bucket +
		`"}, {"Effect": "Allow", "Action": [` + actions + `], "Resource": "` + bucket + `/*"}]}`)
}

// s3Setting writes a configuration with more lines in [runners.cache.s3].
func s3Setting(lines ...string) func(*place) {
	const section = "    [runners.cache.s3]\n"
	return func(p *place) { p.config(section, section+"      "+strings.Join(lines, "\n      ")+"\n") }
}

// listed is what S3 says of a folder without objects.
const listed = `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`

// noReason is how S3 refuses across accounts.
var noReason = awsfake.Fault{Vector: "bare-denied"}

// refusing lets S3 refuse a call without a reason.
func refusing(action string) func(*place) {
	return func(p *place) {
		f := noReason
		f.Action = action
		p.inject(f)
	}
}

// cacheSetups are what `cache check` finds that S3 does not say in one answer.
func cacheSetups() []setup {
	public := func(actions string) func(*place) {
		return func(p *place) {
			const bucket = "arn:aws:s3:::" + awsfake.Bucket
			check(p.t, p.cloud.SetBucketPolicy(awsfake.Bucket, `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": [`+actions+`], "Resource": ["`+bucket+`", "`+bucket+`/*"]}]}`))
		}
	}
	rows := []setup{
		{
			kase: "put-denied", name: "a role that may only read", edit: only(`"s3:GetObject"`),
			lead: "allow s3:PutObject on", fix: []string{"--expect read", `"s3:PutObject"`, "aws_iam_role_policy"},
		},
		{kase: "put-denied", name: "no reason", edit: refusing("PutObject"), fix: []string{"S3 gives no reason"}},
		{
			kase: "encryption-other", name: "a server that does not heed --sse", args: []string{"--sse", "aws:kms"},
			edit: func(p *place) { p.answer("PutObject", http.StatusOK, "") }, lead: "set the bucket's default encryption, or leave out --sse",
		},
		{
			kase: "head-alone-denied", name: "a proxy that refuses HEAD",
			edit: func(p *place) {
				p.inject(awsfake.Fault{Action: "HeadObject", Status: http.StatusForbidden, Type: "text/html"})
			}, lead: "in NO_PROXY",
		},
		{
			kase: "get-denied", name: "a role that may only write", check: "object-head",
			edit: func(p *place) {
				only(`"s3:PutObject", "s3:DeleteObject"`)(p)
				// The object that is not there is told of all the same.
				p.inject(awsfake.Fault{Action: "GetObject", Vector: "no-key", Times: 1})
			},
			lead: "allow s3:GetObject on",
		},
		{
			kase: "object-differs", name: "an object of the same size in its place", args: []string{"--size", "6MiB"},
			edit: func(p *place) {
				p.inject(awsfake.Fault{Action: "GetObject", Vector: "no-key", Times: 1})
				p.inject(awsfake.Fault{Action: "GetObject", Status: http.StatusOK, Body: "something else"})
			}, lead: "in NO_PROXY",
		},
		{kase: "nothing-to-read", name: "an empty cache", args: []string{"--expect", "read"}, edit: only(`"s3:GetObject"`), lead: "after a job has stored one"},
		{kase: "multipart-denied", name: "no reason", edit: refusing("CreateMultipartUpload"), lead: "allow kms:Decrypt on that key", not: []string{"s3:PutObject"}},
		{
			kase: "transfer-timeout", name: "S3 stops answering", args: []string{"--timeout", "4s"},
			edit: func(p *place) { p.inject(awsfake.Fault{Action: "UploadPart", Delay: time.Hour}) }, lead: "give --timeout more time",
		},
		{kase: "list-denied", name: "no reason", edit: refusing("ListObjectsV2"), lead: "allow s3:ListBucket on the bucket's own ARN"},
		{kase: "list-lacks", name: "a list that is late", edit: func(p *place) { p.answer("ListObjectsV2", http.StatusOK, listed) }, lead: "correct AWS_ENDPOINT_URL_S3"},
		{kase: "world-readable", name: "everybody may read", edit: public(`"s3:GetObject"`), lead: "aws s3api put-public-access-block"},
		{
			kase: "world-readable", name: "everybody may read and list, and the role may not write", args: []string{"--expect", "read"},
			edit: func(p *place) { only(`"s3:GetObject"`)(p); public(`"s3:GetObject", "s3:ListBucket"`)(p) }, lead: "aws s3api put-public-access-block",
		},
		{kase: "world-listable", name: "everybody may list", edit: public(`"s3:ListBucket"`), lead: "aws s3api put-public-access-block"},
		{kase: "unsigned-unclear", name: "S3 asks for fewer calls", args: []string{"--expect", "none"}, edit: func(p *place) {
			permitted("")(p)
			p.inject(awsfake.Fault{Action: "ListObjectsV2", Vector: "bare-denied", Times: 1})
			p.answer("ListObjectsV2", http.StatusBadRequest, s3Error("ThrottlingException", "Rate exceeded"))
		}, lead: "run the check again"},
		{kase: "unsigned-untold", name: "a role without access", args: []string{"--expect", "none"}, edit: permitted(""), lead: "as the role that fills the cache"},
		{kase: "delete-denied", name: "no s3:DeleteObject", edit: only(`"s3:GetObject", "s3:PutObject"`), lead: "allow s3:DeleteObject on", fix: []string{"aws s3api delete-object --bucket"}},
		{
			kase: "leftovers", name: "S3 has trouble when it comes to deleting", edit: func(p *place) {
				p.env["AWS_MAX_ATTEMPTS"] = "1"
				p.answer("DeleteObject", http.StatusInternalServerError, s3Error("InternalError", "no"))
			}, lead: "delete it by hand", fix: []string{"aws s3api delete-object --bucket"},
		},
		{kase: "get-allowed", name: "a job role that reaches the cache", args: []string{"--expect", "none"}, edit: only(`"s3:GetObject"`), lead: "take it out of the role's policies"},
		{
			kase: "get-hidden", name: "a role that may get objects, and not list", args: []string{"--expect", "none"},
			edit: s3Says(403, "AccessDenied", `User: arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711 is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::`+
				awsfake.Bucket+`" because no identity-based policy allows the s3:ListBucket action`), lead: "take it out of the role's policies", fix: []string{"say so: --expect read,"},
		},
		{
			kase: "get-untold", name: "S3 gives no reason", args: []string{"--expect", "none"}, edit: func(p *place) {
				permitted("")(p)
				refusing("GetObject")(p)
			}, lead: "aws s3api get-object --bucket",
		},
		{
			kase: "head-allowed", name: "a proxy that answers HEAD", args: []string{"--expect", "none"}, edit: func(p *place) {
				permitted("")(p)
				p.inject(awsfake.Fault{Action: "HeadObject", Status: http.StatusNotFound})
			}, lead: "take it out of the role's policies",
		},
		{kase: "list-allowed", name: "s3:ListBucket alone", args: []string{"--expect", "none"}, edit: permitted(allow("s3:ListBucket", "*")), lead: "take it out of the role's policies"},
		{kase: "put-allowed", name: "a role that writes, and should read", args: []string{"--expect", "read"}, lead: "take it out of the role's policies"},
		{
			kase: "multipart-allowed", name: "uploads in parts are let through", args: []string{"--expect", "none"}, edit: func(p *place) {
				permitted("")(p)
				p.answer("CreateMultipartUpload", http.StatusOK, "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
			}, lead: "take it out of the role's policies",
		},
		{kase: "delete-allowed", name: "s3:DeleteObject alone", args: []string{"--expect", "none"}, edit: permitted(allow("s3:DeleteObject", "*")), lead: "take it out of the role's policies"},
		{
			kase: "place-untold", name: "a server that judges the caller first", args: []string{"--expect", "none"}, edit: permitted(""), lead: "compare --bucket with",
		},
	}
	for i := range rows {
		rows[i].args = append([]string{"cache", "check", "--bucket", awsfake.Bucket, "--prefix", "runners-all"}, rows[i].args...)
	}
	return rows
}

// flagsOf are the flags that a command's help shows.
func flagsOf(t *testing.T, command []string) []string {
	t.Helper()
	var help strings.Builder
	args := slices.Concat([]string{"ci-aws"}, command, []string{"--help"})
	if code := cli.Run(t.Context(), args, cli.IO{In: strings.NewReader(""), Out: &help, Err: &help, Now: time.Now}); code != 0 {
		t.Fatalf("%q: exit code %d", args, code)
	}
	var flags []string
	for _, m := range regexp.MustCompile(`(?m)^\s+(--[a-z0-9-]+)`).FindAllStringSubmatch(help.String(), -1) {
		flags = append(flags, m[1])
	}
	return flags
}

// TestAHintNamesOnlyFlagsThatItsCommandHas takes each case with the commands that
// give it. Flags of other programs, and of other commands by their name, do not
// count.
func TestAHintNamesOnlyFlagsThatItsCommandHas(t *testing.T) {
	others := regexp.MustCompile(`\b(aws|ci-aws|openssl|kubectl|helm|git) [^);,:?]*`)
	flag := regexp.MustCompile(`--[a-z0-9-]+`)
	flags := map[string][]string{"doctor": flagsOf(t, []string{"doctor"}), "cache check": flagsOf(t, []string{"cache", "check"})}
	looked := 0
	look := func(command string, rows []setup) {
		for _, row := range rows {
			for _, cause := range catalogue.Find(row.kase).Causes {
				for _, named := range flag.FindAllString(others.ReplaceAllString(cause.Why+": "+cause.Fix, ""), -1) {
					looked++
					if !slices.Contains(flags[command], named) {
						t.Errorf("%s of %s names %s, which it has not: %s", row.kase, command, named, cause.Fix)
					}
				}
			}
		}
	}
	look("cache check", slices.Concat(cacheSetups(), accessSetups(), bucketSetups(), s3WaySetups(), stsSetups(), signedSetups(), waySetups()))
	look("doctor", slices.Concat(bucketSetups(), s3WaySetups()))
	if looked < 10 {
		t.Errorf("%d flags were looked at", looked)
	}
}
