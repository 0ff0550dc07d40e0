package cache_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestAHealthyBucketGivesNothingButOK(t *testing.T) {
	versions := []func(*world){
		func(*world) {},
		func(w *world) { w.bucket.Prefix = value("", "") },
		func(w *world) { w.bucket.Prefix = value("a/ü b+c/$(x)/", "Path") },
		func(w *world) { w.addBucket(awsfake.BucketSpec{Versioned: true}) },
		func(w *world) { w.addBucket(awsfake.BucketSpec{KMSKey: keyARN}) },
		func(w *world) {
			w.addBucket(awsfake.BucketSpec{Account: "210987654321", Policy: `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":"s3:*","Resource":"*"}}`})
		},
		func(w *world) { w.who = cache.Caller{} },
		func(w *world) {
			w.addBucket(awsfake.BucketSpec{Region: "us-gov-west-1"})
			w.bucket.Region, w.bucket.EndpointURL = value("us-gov-west-1", "BucketLocation"), value(w.cloud.S3URLIn("us-gov-west-1"), "ServerAddress")
		},
	}
	for i, edit := range versions {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			w := newWorld(t, allowAll)
			edit(w)
			if got := states(w.probe()); got != allOK {
				t.Error(got)
			}
			if reads := w.cloud.Received(""); len(reads) != 1 || reads[0].Action != "GetObject" {
				t.Errorf("%d calls: a healthy bucket is asked once", len(reads))
			}
		})
	}
}

func TestTheFindingsOfAHealthyBucketSayWhatWasSeen(t *testing.T) {
	w := newWorld(t)
	got := w.probe()
	for i := range got {
		got[i].Took = 0
	}
	host := strings.TrimPrefix(w.cloud.S3URL(), "http://")
	ok := func(id, title string, evidence ...report.Value) report.Finding {
		return report.Finding{ID: id, Status: report.OK, Title: title, Evidence: evidence, Doc: "docs/checks.md#" + id}
	}
	want := []report.Finding{
		ok("bucket-name", "the bucket's name and the prefix are ones that S3 takes", w.bucket.Name),
		ok("s3-reachable", "S3 can be reached and answers", value(host, "--endpoint-url")),
		ok("s3-signature", "S3 takes the credentials and the clock"),
		ok("bucket-exists", "the bucket exists"),
		ok("bucket-region", "calls go to the bucket's own region", w.bucket.Region),
		ok("bucket-readable", "the role can read objects of the bucket",
			value("bucket "+awsfake.Bucket, "--bucket"), value("prefix runners-all", "--prefix"), value("region eu-central-1", "--region"),
			value("endpoint "+w.cloud.S3URL(), "--endpoint-url"), value("caller "+userARN, "STS")),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheTimeIsThatOfTheFindingWhichTheCallsEndedWith(t *testing.T) {
	for want, edit := range map[string]func(*world){
		"bucket-readable": func(*world) {},
		"bucket-exists":   func(w *world) { w.bucket.Name = value("nowhere-1", "--bucket") },
		"bucket-region":   func(w *world) { w.addBucket(awsfake.BucketSpec{Region: "us-west-2"}) },
		"s3-signature":    func(w *world) { w.inject(awsfake.Fault{Vector: "expired-token"}) },
		"s3-reachable":    func(w *world) { w.inject(awsfake.Fault{Cut: true}) },
	} {
		w := newWorld(t)
		edit(w)
		var timed []string
		for _, f := range w.probe() {
			if f.Took > 0 {
				timed = append(timed, f.ID)
			}
		}
		if diff := cmp.Diff([]string{want}, timed); diff != "" {
			t.Error(diff)
		}
	}
}

func TestARegionThatIsNotConfiguredIsFoundOut(t *testing.T) {
	w := newWorld(t)
	w.bucket.Region, w.cfg.Region = value("", ""), "us-east-1"
	w.bucket.CallRegion = value("us-east-1", "the default")
	all := w.probe()
	if states(all) != allOK || all[4].Evidence[0] != value("eu-central-1", "S3") {
		t.Errorf("%s: %v", states(all), all[4])
	}
}

func TestARegionThatSomethingElseNamesIsAWarning(t *testing.T) {
	for _, tt := range []struct {
		name         string
		bucket, call report.Value
		want, cause  string
	}{
		{"the bucket's", value("", ""), value("eu-central-1", "AWS_REGION"), allOK, ""},
		{"another", value("", ""), value("us-west-2", "AWS_REGION"), "ok ok ok ok warn ok", `the bucket "b-1" is in region "eu-central-1", where S3 sent the calls on to; AWS_REGION says "us-west-2"`},
		{"another, and the bucket's is configured", value("eu-central-1", "BucketLocation"), value("us-west-2", "AWS_REGION"), allOK, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, allowAll)
			w.addBucket(awsfake.BucketSpec{})
			w.bucket.Region, w.bucket.CallRegion = tt.bucket, tt.call
			all := w.probe()
			if got := states(all); got != tt.want || all[4].Cause != tt.cause {
				t.Errorf("%s: %s\nwant %s: %s", got, all[4].Cause, tt.want, tt.cause)
			}
			if tt.cause != "" && !strings.Contains(all[4].Fix(), `give "eu-central-1" with --region`) {
				t.Error(all[4].Fix())
			}
		})
	}
}

func TestPrefixesThatMakeNoKeysAreRefusedBeforeAnyCall(t *testing.T) {
	for _, tt := range []struct{ prefix, what string }{
		{"", ""},
		{"runners-all", ""},
		{"a/b/", ""},
		{"a b/ü+%", ""},
		{"..a/b..", ""},
		{"a" + strings.Repeat("/bcdefgh", 121), ""},
		{"a" + strings.Repeat("/bcdefgh", 123), "a key of this check would have 1033 bytes, and S3 takes 1024"},
		{"../x", `a part of it is "." or ".."`},
		{"a/./b", `a part of it is "." or ".."`},
		{"a/..", `a part of it is "." or ".."`},
		{"a//b", "it has two slashes in a row"},
		{"a\xff", "it is not UTF-8"},
	} {
		t.Run(tt.prefix, func(t *testing.T) {
			w := newWorld(t)
			w.bucket.Prefix = value(tt.prefix, "Path")
			f := w.probeOnly()[0]
			if (f.Status == report.OK) != (tt.what == "") || !strings.Contains(f.Cause, tt.what) {
				t.Errorf("%s %s", f.Status, f.Cause)
			}
			if got := len(w.cloud.Received("")); (got == 0) != (tt.what != "") {
				t.Errorf("%d calls", got)
			}
		})
	}
}

func TestARegionThatIsAHostIsNotCalled(t *testing.T) {
	w := newWorld(t)
	w.bucket.Region = value("", "")
	w.inject(awsfake.Fault{Status: http.StatusBadRequest, Type: "application/xml", Body: `<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'x' is wrong; expecting 'evil.example.com/'</Message></Error>`})
	w.probeOnly()
	if got := len(w.cloud.Received("GetObject")); got != 1 {
		t.Errorf("%d calls", got)
	}
}

// probeOnly is probe for an answer that leaves a gap.
func (w *world) probeOnly() []report.Finding {
	return cache.Probe(w.t.Context(), w.cfg, w.bucket, w.who)
}

func TestTheEnvironmentsEndpointsAreUsedPathStyle(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  func(url string) map[string]string
		from string
	}{
		{"S3's own", func(url string) map[string]string {
			return map[string]string{"AWS_ENDPOINT_URL_S3": url, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
		}, "AWS_ENDPOINT_URL_S3"},
		{"all services'", func(url string) map[string]string { return map[string]string{"AWS_ENDPOINT_URL": url} }, "AWS_ENDPOINT_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			for name, v := range tt.env(w.cloud.S3URL()) {
				t.Setenv(name, v)
			}
			env, err := config.NewEnvConfig()
			if err != nil {
				t.Fatal(err)
			}
			w.cfg.ConfigSources, w.bucket.EndpointURL = []any{env}, value("", "")
			all := w.probe()
			if states(all) != allOK || all[1].Evidence[0].From != tt.from {
				t.Errorf("%s: %v", states(all), all[1])
			}
			call := w.cloud.Received("GetObject")[0]
			if !strings.HasPrefix(call.Path, "/"+awsfake.Bucket+"/runners-all/ci-aws-check/") || call.Header.Get("X-Amz-Checksum-Mode") != "" {
				t.Errorf("%s with checksum mode %q", call.Path, call.Header.Get("X-Amz-Checksum-Mode"))
			}
		})
	}
}

func TestNamesThatS3DoesNotTakeAreRefusedBeforeAnyCall(t *testing.T) {
	for _, tt := range []struct{ name, region, what, fix string }{
		{"", "eu-central-1", "it is empty", "typo"},
		{"ab", "eu-central-1", "it has 2 characters, not 3 to 63", "typo"},
		{strings.Repeat("a", 64), "eu-central-1", "it has 64 characters", "typo"},
		{"My-Cache", "eu-central-1", "character 1 is the capital M", "typo"},
		{"my_cache", "eu-central-1", "character 3 (U+005F) is none of", "typo"},
		{"my-cache\n", "eu-central-1", "character 9 (U+000A) is none of", "typo"},
		{"$CACHE_BUCKET", "eu-central-1", "character 1 (U+0024) is none of", "not expanded"},
		{"my-cache/runners", "eu-central-1", "character 9 is a slash", "Path in [runners.cache]"},
		{"s3://my-cache", "eu-central-1", "it has a scheme", "leave out the scheme"},
		{"arn:aws:s3:::my-cache", "eu-central-1", "it starts with arn:", "behind arn:aws:s3:::"},
		{"192.168.5.4", "eu-central-1", "it is an IP address", "typo"},
		{"-cache", "eu-central-1", "it does not start and end", "typo"},
		{"cache.", "eu-central-1", "it does not start and end", "typo"},
		{"my..cache", "eu-central-1", "two dots in a row", "typo"},
		{"my-cache", "eu-central-1", "", ""},
		{"my.cache-1", "eu-central-1", "", ""},
		{"cache-x5r4w1kzzs6eu8m2hfuq1aqi6dkueuse2-s3alias", "eu-central-1", "", ""},
		{"My_Old_Cache", "us-east-1", "", ""},
	} {
		t.Run(tt.name+" "+tt.region, func(t *testing.T) {
			w := newWorld(t)
			w.bucket.Name, w.bucket.Region = value(tt.name, "BucketName"), value(tt.region, "BucketLocation")
			f := w.probeOnly()[0]
			if (f.Status == report.OK) != (tt.what == "") || !strings.Contains(f.Cause, tt.what) || !strings.Contains(f.Fix(), tt.fix) {
				t.Errorf("%s %s\n%s", f.Status, f.Cause, f.Fix())
			}
			if got := len(w.cloud.Received("")); (got == 0) != (tt.what != "") {
				t.Errorf("%d calls", got)
			}
		})
	}
}

func TestNoSecretOfAnAnswerIsShown(t *testing.T) {
	w := newWorld(t)
	keys := aws.Credentials{AccessKeyID: "AKIAPLANTED", SecretAccessKey: "planted-secret-access-key", SessionToken: "planted-session-token"}
	w.use(keys)
	for _, text := range []string{
		keys.SessionToken + " is disabled", "User: " + keys.SecretAccessKey + " is not authorized to perform: " + keys.SessionToken + ` on resource: "` + keys.SessionToken + `" with an explicit deny in a session policy: ` + keys.SecretAccessKey,
		"arn:" + keys.SecretAccessKey + " is disabled.",
	} {
		for _, code := range []string{"AccessDenied", "KMS.DisabledException", keys.SecretAccessKey} {
			w.cloud.ClearFaults()
			w.inject(awsfake.Fault{Status: http.StatusForbidden, Type: "application/xml", Body: "<Error><Code>" + code + "</Code><Message>" + text + "</Message></Error>"})
			out, err := json.Marshal(w.probeOnly())
			if err != nil || strings.Contains(string(out), "planted") {
				t.Errorf("%v: %s", err, out)
			}
		}
	}
}

func TestNoSecretIsTakenForARegion(t *testing.T) {
	const secret = "planted-secret-access-key"
	for _, known := range []string{"", "eu-central-1"} {
		for _, answer := range []string{
			"<Code>AuthorizationHeaderMalformed</Code><Message>the region 'x' is wrong; expecting '" + secret + "'</Message>",
			"<Code>PermanentRedirect</Code><Region>" + secret + "</Region>",
		} {
			w := newWorld(t)
			w.use(aws.Credentials{AccessKeyID: "AKIAPLANTED", SecretAccessKey: secret})
			w.bucket.Region = value(known, "--region")
			w.inject(awsfake.Fault{Status: http.StatusBadRequest, Type: "application/xml", Body: "<Error>" + answer + "</Error>"})
			out, err := json.Marshal(w.probeOnly())
			if err != nil || strings.Contains(string(out), secret) {
				t.Errorf("%v: %s", err, out)
			}
		}
	}
}

func TestAHostileAnswerIsCleaned(t *testing.T) {
	w := newWorld(t)
	w.inject(awsfake.Fault{Status: http.StatusForbidden, Type: "application/xml", Body: "<Error><Code>AccessDenied</Code><Message>User: a\u202e\u009b section_start:1:x is not authorized to perform: s3:\u0085x on resource: \"" + `${path.root}&quot;` + "\" because no identity-based policy allows it</Message></Error>"})
	for _, f := range w.probeOnly() {
		text := f.Cause + f.Fix()
		if strings.ContainsAny(text, "\u202e\u009b\u0085") || strings.Contains(text, "section_start:") {
			t.Errorf("%q", text)
		}
	}
}
