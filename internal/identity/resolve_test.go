package identity_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// resolveCase resolves the reference pod after edit, and returns the case of
// its error, "" for none, and the error's text.
func resolveCase(t *testing.T, edit func(*world)) (kase, text string, id identity.Identity) {
	t.Helper()
	w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
	edit(w)
	id, err := w.resolve()
	var e *identity.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("error %v is not one of package identity", err)
	}
	if e == nil {
		return "", "", id
	}
	return e.Case, e.Error(), id
}

func jwt(header, body string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(header)) + "." + enc([]byte(body)) + ".c2lnbmF0dXJl"
}

const rs256 = `{"alg":"RS256","kid":"k"}`

func TestABadTokenIsNamedAndNeverShown(t *testing.T) {
	tests := []struct{ name, content, want, says string }{
		{"an empty file", "", "token-malformed", "it is empty"},
		{"only white space", " \n\n", "token-malformed", "it is empty"},
		{"binary", "\x00\x01\xff\xfeplanted", "token-malformed", "binary data"},
		{"10 MB", strings.Repeat("planted-", 10<<17), "token-unreadable", "larger than 20000 bytes"},
		{"two lines", jwt(rs256, `{}`) + "\n" + jwt(rs256, `{}`), "token-malformed", "it has 2 lines"},
		{"a variable that was not expanded", "$ID_TOKEN", "token-malformed", "starts with $"},
		{"one part", "planted-secret", "token-malformed", "1 part, not 3"},
		{"five parts", "a.b.c.d.e", "token-malformed", "5 parts, not 3"},
		{"bad base64", "e30.pl@nted.c2ln", "token-malformed", "body is not base64url"},
		{"not JSON", jwt(rs256, "planted-not-json"), "token-malformed", "body is not JSON"},
		{"JSON that is a list", jwt(rs256, `["planted"]`), "token-malformed", "body is not a JSON object"},
		{"JSON that is null", jwt(rs256, `null`), "token-malformed", "body is not a JSON object"},
		{"a header that is a number", jwt("1", `{}`), "token-malformed", "header is not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kase, text, _ := resolveCase(t, func(w *world) { w.file("token", tt.content) })
			if kase != tt.want || !strings.Contains(text, tt.says) {
				t.Errorf("case %q: %s", kase, text)
			}
			if strings.Contains(text, "planted") {
				t.Errorf("the token is shown: %s", text)
			}
		})
	}
}

func TestTokenFilesThatCannotBeRead(t *testing.T) {
	tests := []struct {
		name, want, says string
		edit             func(*world)
	}{
		{"a file that is not there", "token-missing", "does not exist", func(w *world) { w.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nofile" }},
		{"a folder", "token-unreadable", "it is a folder", func(w *world) { w.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = w.root }},
		{"a device", "token-unreadable", "it is not a regular file", func(w *world) { w.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = os.DevNull }},
		{"a link that leads nowhere", "token-missing", "does not exist", func(w *world) {
			link := filepath.Join(w.root, "link")
			if err := os.Symlink("nowhere", link); err != nil {
				w.t.Fatal(err)
			}
			w.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = link
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if kase, text, _ := resolveCase(t, tt.edit); kase != tt.want || !strings.Contains(text, tt.says) {
				t.Errorf("case %q: %s", kase, text)
			}
		})
	}
}

func TestATokenIsFollowedThroughLinksAndAwaitedDuringRotation(t *testing.T) {
	kase, text, id := resolveCase(t, func(w *world) {
		content, err := os.ReadFile(w.env["AWS_WEB_IDENTITY_TOKEN_FILE"])
		if err != nil {
			t.Fatal(err)
		}
		w.file("mount/..2026/token", string(content)+" \r\n")
		for link, target := range map[string]string{"..data": "..2026", "token": "..data/token"} {
			if err := os.Symlink(target, filepath.Join(w.root, "mount", link)); err != nil {
				t.Fatal(err)
			}
		}
		w.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = filepath.Join(w.root, "mount", "token")
		away := filepath.Join(w.root, "mount", "..2026")
		if err := os.Rename(away, away+"x"); err != nil {
			t.Fatal(err)
		}
		back := time.AfterFunc(20*time.Millisecond, func() { _ = os.Rename(away+"x", away) })
		t.Cleanup(func() { back.Stop() })
	})
	if kase != "" || id.Token.Claims.Subject != "system:serviceaccount:gitlab:gitlab-jobs" {
		t.Errorf("case %q: %s", kase, text)
	}
}

func TestClaimsAreReadLeniently(t *testing.T) {
	tests := []struct {
		name, body string
		want       identity.Claims
	}{
		{"aud as text, times as fractions", `{"aud":"a","exp":1795531909.75,"iat":1.795445509e9}`, identity.Claims{
			Audience: []string{"a"}, Expires: time.Unix(1795531909, 750e6).UTC(), Issued: time.Unix(1795445509, 0).UTC(),
		}},
		{"aud as list", `{"aud":["a","b"]}`, identity.Claims{Audience: []string{"a", "b"}}},
		{"no claim at all", `{}`, identity.Claims{}},
		{"claims of other types count as absent", `{"iss":1,"sub":null,"aud":{"a":1},"exp":"soon","kubernetes.io":{"namespace":[]}}`, identity.Claims{}},
		{"times that no calendar has", `{"exp":1e300,"iat":-5}`, identity.Claims{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := identity.Decode(jwt(`{"alg":"RS256"}`, tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if got.Expires.Sub(tt.want.Expires).Abs() > time.Microsecond || !got.Issued.Equal(tt.want.Issued) {
				t.Errorf("times %v and %v, want %v and %v", got.Expires, got.Issued, tt.want.Expires, tt.want.Issued)
			}
			if strings.Join(got.Audience, ",") != strings.Join(tt.want.Audience, ",") || got.Issuer != "" || got.Subject != "" || got.Namespace != "" {
				t.Errorf("claims = %+v", got)
			}
		})
	}
}

func TestRoleARNs(t *testing.T) {
	tests := []struct{ name, arn, says string }{
		{"a blank inside", "arn:aws:iam::123456789012:role/a b", `a b`},
		{"a line break at the end", "arn:aws:iam::123456789012:role/a\n", `\n`},
		{"11 digits", "arn:aws:iam::12345678901:role/a", "11 digits"},
		{"no account", "arn:aws:iam::::", "arn:aws:iam::::"},
		{"a user", "arn:aws:iam::123456789012:user/a", "user"},
		{"a name alone", "k8s-irsa", "k8s-irsa"},
		{"nothing but blanks", "  ", `"  "`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edit := func(from string) func(*world) {
				return func(w *world) {
					delete(w.env, "AWS_ENDPOINT_URL_STS")
					w.req.Role = value(tt.arn, from)
				}
			}
			kase, text, _ := resolveCase(t, edit("CI_AWS_ROLE_ARN"))
			if kase != "role-arn-malformed" || !strings.Contains(text, tt.says) {
				t.Errorf("case %q: %s", kase, text)
			}
		})
	}
}

func TestRolesOfOtherServicesPassWhereTheEndpointIsOverridden(t *testing.T) {
	const minio = "arn:minio:iam:eu-central-1::role/x"
	if kase, text, _ := resolveCase(t, func(w *world) { w.env["AWS_ROLE_ARN"] = minio }); kase != "" {
		t.Errorf("case %q: %s", kase, text)
	}
	for name, edit := range map[string]func(*world){
		"at AWS itself":       func(w *world) { w.env["AWS_ROLE_ARN"] = minio; delete(w.env, "AWS_ENDPOINT_URL_STS") },
		"with a blank inside": func(w *world) { w.env["AWS_ROLE_ARN"] = minio + " x" },
		"but not AWS's own":   func(w *world) { w.env["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/x" },
	} {
		if kase, _, _ := resolveCase(t, edit); kase != "role-arn-malformed" {
			t.Errorf("%s: case %q", name, kase)
		}
	}
}

func TestRegions(t *testing.T) {
	tests := []struct {
		name string
		edit func(*world)
		want report.Value
		kase string
	}{
		{"from the issuer", func(*world) {}, value("eu-central-1", "the token's issuer"), ""},
		{"AWS_REGION first", func(w *world) { w.env["AWS_REGION"], w.env["AWS_DEFAULT_REGION"] = "eu-west-1", "eu-west-2" }, value("eu-west-1", "AWS_REGION"), ""},
		{"then AWS_DEFAULT_REGION", func(w *world) { w.env["AWS_DEFAULT_REGION"] = "eu-west-2" }, value("eu-west-2", "AWS_DEFAULT_REGION"), ""},
		{"what was asked for before all", func(w *world) { w.env["AWS_REGION"] = "eu-west-1"; w.req.Region = value("eu-west-3", "--region") }, value("eu-west-3", "--region"), ""},
		{"a profile", func(w *world) {
			w.env["AWS_PROFILE"] = "p"
			w.env["AWS_CONFIG_FILE"] = w.file("config", "[profile p]\nregion = eu-north-1\n")
		}, value("eu-north-1", "profile p of AWS_PROFILE"), ""},
		{"a missing profile stops nobody", func(w *world) {
			w.env["AWS_PROFILE"] = "nope"
			w.env["AWS_CONFIG_FILE"] = w.file("config", "")
		}, value("eu-central-1", "the token's issuer"), ""},
		{"not a region", func(w *world) { w.env["AWS_REGION"] = "x.evil.example/" }, value("x.evil.example/", "AWS_REGION"), "region-malformed"},
		{"another partition", func(w *world) { w.env["AWS_REGION"] = "cn-north-1"; delete(w.env, "AWS_ENDPOINT_URL_STS") }, value("cn-north-1", "AWS_REGION"), "role-partition"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kase, text, id := resolveCase(t, tt.edit)
			if kase != tt.kase || id.Region != tt.want {
				t.Errorf("region = %v, want %v; case %q: %s", id.Region, tt.want, kase, text)
			}
		})
	}
}

func TestWhereATokenMayGo(t *testing.T) {
	tests := []struct{ name, url, allow, want string }{
		{"loopback", "http://127.0.0.1:9000", "", ""},
		{"loopback by name", "http://localhost:9000", "", ""},
		{"loopback of IPv6", "http://[::1]:9000", "", ""},
		{"STS itself", "https://sts.eu-central-1.amazonaws.com", "", ""},
		{"FIPS", "https://sts-fips.us-east-1.amazonaws.com", "", ""},
		{"China", "https://sts.cn-north-1.amazonaws.com.cn", "", ""},
		{"an interface endpoint", "https://vpce-0a1b-c2.sts.eu-central-1.vpce.amazonaws.com", "", ""},
		{"a foreign host", "https://sts.example.com", "", "endpoint-foreign"},
		{"a foreign host that is allowed", "https://sts.example.com", "sts.example.com", ""},
		{"another host than the one allowed", "https://sts.example.com.evil", "sts.example.com", "endpoint-foreign"},
		{"a host that only looks like AWS's", "https://sts.eu-central-1.amazonaws.com.evil.example", "", "endpoint-foreign"},
		{"an AWS host that anybody can have", "https://abc.execute-api.eu-central-1.amazonaws.com", "", "endpoint-foreign"},
		{"in clear", "http://sts.eu-central-1.amazonaws.com", "", "endpoint-insecure"},
		{"in clear and allowed", "http://sts.example.com", "sts.example.com", "endpoint-insecure"},
		{"loopback before an @", "https://127.0.0.1@evil.example", "", "endpoint-malformed"},
		{"no host", "https://", "", "endpoint-malformed"},
		{"no URL", "localhost:9000", "", "endpoint-malformed"},
		{"a query", "https://sts.eu-central-1.amazonaws.com/?x=1", "", "endpoint-malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kase, text, id := resolveCase(t, func(w *world) {
				w.env["AWS_ENDPOINT_URL_STS"] = tt.url
				if tt.allow != "" {
					w.req.AllowHosts = []string{tt.allow}
				}
			})
			if kase != tt.want {
				t.Errorf("case %q: %s", kase, text)
			}
			warned := strings.Contains(strings.Join(id.Foreign, "\n"), tt.url)
			if aws := strings.Contains(tt.name, "STS itself") || strings.Contains(tt.name, "FIPS") || strings.Contains(tt.name, "China") || strings.Contains(tt.name, "interface"); tt.want == "" && warned == aws {
				t.Errorf("host and source are said: %v; said %q", warned, id.Foreign)
			}
		})
	}
}

func TestWhereThePodIdentityTokenMayGo(t *testing.T) {
	tests := []struct{ url, want string }{
		{"http://169.254.170.23/v1/credentials", ""},
		{"http://[fd00:ec2::23]/v1/credentials", ""},
		{"http://169.254.170.2/v1/credentials", ""},
		{"http://127.0.0.1:1/v1/credentials", ""},
		{"http://10.0.0.1/v1/credentials", "agent-host"},
		{"http://169.254.169.254/v1/credentials", "agent-host"},
		{"ftp://169.254.170.23/", "agent-host"},
		{"nonsense", "agent-host"},
		{"https://agent.example.com/v1/credentials", "endpoint-foreign"},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			kase, text, _ := resolveCase(t, func(w *world) {
				w.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = tt.url
				w.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = w.env["AWS_WEB_IDENTITY_TOKEN_FILE"]
				w.req.Source = identity.PodIdentity
			})
			if kase != tt.want {
				t.Errorf("case %q: %s", kase, text)
			}
		})
	}
}

func TestSessionNamesTellTheJob(t *testing.T) {
	long := strings.Repeat("very-long-group-", 10)
	tests := []struct{ name, project, id, want string }{
		{"project and job", "group-project", "4711", "group-project-4711"},
		{"a long project keeps the job's id", long, "1234567890", "very-long-group-very-long-group-very-long-group-very-1234567890"},
		{"characters that STS does not take", "grün/projekt x", "4711", "gr-n-projekt-x-4711"},
		{"outside of GitLab", "", "", "ci-aws"},
		{"no job", "p", "", "p-ci-aws"},
		{"no project", "", "7", "job-7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kase, text, id := resolveCase(t, func(w *world) { w.env["CI_PROJECT_PATH_SLUG"], w.env["CI_JOB_ID"] = tt.project, tt.id })
			if kase != "" || id.Session.Text != tt.want {
				t.Errorf("session = %q, want %q; %s", id.Session.Text, tt.want, text)
			}
			if n := len(id.Session.Text); n < 2 || n > 64 {
				t.Errorf("%d characters", n)
			}
		})
	}
	for _, bad := range []string{"a", "a b", "feature/foo", strings.Repeat("x", 65), "ü-ü"} {
		if kase, _, _ := resolveCase(t, func(w *world) { w.req.SessionName = value(bad, "--session-name") }); kase != "session-name" {
			t.Errorf("%q passes", bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(jwt(rs256, `{"iss":"https://x","sub":"s","aud":["a"],"exp":1795531909}`))
	f.Add("a.b.c")
	f.Add(jwt(rs256, `{"aud":`+strings.Repeat("[", 500)+strings.Repeat("]", 500)+`}`))
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := identity.Decode(token)
		if err == nil {
			if claims.Expires.Year() > 9999 || strings.Count(token, ".") != 2 {
				t.Errorf("Decode(%q) = %+v", token, claims)
			}
			return
		}
		for part := range strings.SplitSeq(token, ".") {
			if len(part) > 12 && strings.Contains(err.Error(), part) {
				t.Errorf("the error %q holds a part of the token", err)
			}
		}
	})
}

func TestAShellThatLostItsRoleStillKnowsTheContainers(t *testing.T) {
	tests := []struct {
		name, started string
		role          report.Value
		kase          string
	}{
		{"the container was started with it", "KUBERNETES_SERVICE_HOST=10.100.0.1\x00AWS_ROLE_ARN=" + awsfake.JobRole, value(awsfake.JobRole, "AWS_ROLE_ARN when the container started"), ""},
		{"it was not", "KUBERNETES_SERVICE_HOST=10.100.0.1", report.Value{}, "role-missing"},
		{"it is no container of a pod", "AWS_ROLE_ARN=" + awsfake.JobRole, report.Value{}, "role-missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, awsfake.Config{}).irsa(awsfake.PodToken{})
			delete(w.env, "AWS_ROLE_ARN")
			w.file("proc/1/environ", tt.started)
			id, err := w.resolve()
			if id.Role != tt.role || identity.CaseOf(err) != tt.kase {
				t.Errorf("role %v, case %q; want %v, %q", id.Role, identity.CaseOf(err), tt.role, tt.kase)
			}
		})
	}
}
