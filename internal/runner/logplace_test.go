package runner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAURLOfACacheIsTakenApart(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	tests := []struct {
		name, url, key string
		want           place
	}{
		{"dual-stack", "https://b.s3.dualstack.eu-central-1.amazonaws.com/all/project/42/k", "k", place{Bucket: "b", Path: "all", Project: "42", Key: "k"}},
		{"regional", "https://b.s3.eu-central-1.amazonaws.com/project/42/k", "k", place{Bucket: "b", Project: "42", Key: "k"}},
		{"old regional", "https://b.s3-eu-west-1.amazonaws.com/project/42/k", "k", place{Bucket: "b", Project: "42", Key: "k"}},
		{"China", "https://b.s3.cn-north-1.amazonaws.com.cn/project/42/k", "k", place{Bucket: "b", Project: "42", Key: "k"}},
		{"accelerated", "https://b.s3-accelerate.dualstack.amazonaws.com/project/42/k", "k", place{Bucket: "b", Project: "42", Key: "k"}},
		{"a dotted bucket of that name", "https://my.s3.cache.s3.eu-central-1.amazonaws.com/project/42/k", "k", place{Bucket: "my.s3.cache", Project: "42", Key: "k"}},
		{"path style", "https://s3.eu-central-1.amazonaws.com/b/runner/aCsCcYp6x/project/42/k", "k", place{Bucket: "b", Token: "aCsCcYp6x", Project: "42", Key: "k"}},
		{"GoCloud", "s3://b/all/runner/aCsCcYp6x/project/42/k", "k", place{Bucket: "b", Path: "all", Token: "aCsCcYp6x", Project: "42", Key: "k"}},
		{"MinIO", "http://127.0.0.1:5900/runner-cache/runners-all/runner/fargate-/project/42/smoke-777-protected", "smoke-777-protected", place{Bucket: "127.0.0.1:5900/runner-cache", Path: "runners-all", Token: "fargate-", Project: "42", Key: "smoke-777-protected"}},
		{"a key with slashes and blanks", "https://b.s3.eu-central-1.amazonaws.com/project/42/a%20b/project/7/k", "a b/project/7/k", place{Bucket: "b", Project: "42", Key: "a b/project/7/k"}},
		{"hashed", "https://b.s3.eu-central-1.amazonaws.com/project/42/" + hash, "k", place{Bucket: "b", Project: "42", Key: hash, Hashed: true}},
		{"hashed, with a shard", "https://b.s3.eu-central-1.amazonaws.com/project/42/ab/" + hash, "k", place{Bucket: "b", Project: "42", Key: hash, Hashed: true}},
		{"another key", "https://b.s3.eu-central-1.amazonaws.com/project/42/other", "k", place{Bucket: "b", Project: "42", Key: "other"}},
		{"the documented suffix", "https://b.s3.eu-central-1.amazonaws.com/project/42/k/cache.zip", "k", place{Bucket: "b", Project: "42", Key: "k"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := readPlace(tt.url, tt.key)
			if diff := cmp.Diff(tt.want, got); diff != "" || !ok {
				t.Errorf("%v %s", ok, diff)
			}
		})
	}
	for _, bad := range []string{"", "k", "://", "https://b.s3.eu-central-1.amazonaws.com/", "https://b.example.com/x/y/z", "https://b.s3.eu-central-1.amazonaws.com/project/abc/k", "http://[::1]:namedport/x"} {
		if p, ok := readPlace(bad, "k"); ok {
			t.Errorf("%q is taken for %+v", bad, p)
		}
	}
}

func TestWhatOpensACacheIsHidden(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "WARNING: file does not exist", "WARNING: file does not exist"},
		{"a query", `error=Get "https://b/k?X-Amz-Signature=S&x=y": EOF`, `error=Get "https://b/k?[hidden]": EOF`},
		{"a query without pairs", "https://b/k?S", "https://b/k?[hidden]"},
		{"a fragment", "https://b/k#S", "https://b/k#[hidden]"},
		{"a user", "https://u:S@b/k", "https://[hidden]@b/k"},
		{"a part of a query", "cut&X-Amz-Signature=S&a=b", "cut&X-Amz-Signature=[hidden]"},
		{"a key in the environment", "AWS_SECRET_ACCESS_KEY=S done", "AWS_SECRET_ACCESS_KEY=[hidden] done"},
		{"a session", "AWS_SESSION_TOKEN=S", "AWS_SESSION_TOKEN=[hidden]"},
		{"a question", "does it exist? yes", "does it exist? yes"},
		{"a header", "X-Amz-Security-Token: S x", "X-Amz-Security-Token: [hidden] x"},
		{"a header without a blank", "X-Amz-Security-Token:S", "X-Amz-Security-Token:[hidden]"},
		{"a header as Go prints it", "map[X-Amz-Security-Token:[S]]", "map[X-Amz-Security-Token:[hidden]"},
		{"a header of two values", "map[X-Amz-Security-Token:[S S] X:[y]]", "map[X-Amz-Security-Token:[hidden] [hidden]] X:[y]]"},
		{"a header of two values, last", "map[X-Amz-Security-Token:[S S S]] y", "map[X-Amz-Security-Token:[hidden] [hidden] [hidden]]] y"},
		{"a header of a bracket", "Token: [S S]S y", "Token: [hidden] [hidden] y"},
		{"a header with its scheme in a list", "map[Authorization:[Bearer S]]", "map[Authorization:[hidden] [hidden]]]"},
		{"a header with its scheme", "Authorization: AWS4-HMAC-SHA256 Credential=A/x, Signature=S", "Authorization: [hidden] [hidden] Signature=[hidden]"},
		{"JSON", `{"SessionToken":"S S","x":"y"}`, `{"SessionToken":"[hidden]","x":"y"}`},
		{"JSON with blanks", `"SecretAccessKey" : "S" y`, `"SecretAccessKey" : "[hidden]" y`},
		{"JSON in JSON", `{\"SessionToken\":\"S\"}`, `{\"SessionToken\":\"[hidden]"}`},
		{"JSON with a list", `"X-Amz-Security-Token":["S"]`, `"X-Amz-Security-Token":["[hidden]"]`},
		{"JSON with a list of two", `"X-Amz-Security-Token":["S","S"],"x":["y"]`, `"X-Amz-Security-Token":["[hidden]","[hidden]"],"x":["y"]`},
		{"JSON with a list and blanks", `"tokens": [ "S S", "S" ] y`, `"tokens": [ "[hidden]", "[hidden]" ] y`},
		{"a list without quotes", "tokens: [ S S ] y", "tokens: [ [hidden] [hidden] ] y"},
		{"JSON with a list of lists", `"Token":[["S"],["S","S"]] y`, `"Token":[["[hidden]"],["[hidden]","[hidden]"]] y`},
		{"JSON with a list that is cut", `"Token":["S","S`, `"Token":["[hidden]","[hidden]`},
		{"JSON with a list that does not end", `"Token":["S" "S" S S`, `"Token":["[hidden]" "[hidden]" [hidden] [hidden]`},
		{"JSON with an empty list", `"Token":[],"x":"y"`, `"Token":[],"x":"y"`},
		{"JSON with an object", `"password":{"a":"S","b":["S"]},"x":"y"`, `"password":{"[hidden]":"[hidden]","[hidden]":["[hidden]"]},"x":"y"`},
		{"JSON in JSON with a list", `{\"Token\":[\"S\",\"S\"]} y`, `{\"Token\":[\"[hidden]",\"[hidden]"]} y`},
		{"JSON that is cut", `"SessionToken":"S S`, `"SessionToken":"[hidden]`},
		{"JSON without a value", `"SessionToken":"","x":"y"`, `"SessionToken":"","x":"y"`},
		{"an encoded URL", "https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3DS", "https://b/k?[hidden]"},
		{"a URL encoded twice", "https%253A%252F%252Fb%252Fk%253FX-Amz-Signature%253DS", "https://b/k?[hidden]"},
		{"a text encoded without end", "a%2525252525253DS", "[hidden]"},
		{"an encoded slash", `key "a%2fb" sanitized`, `key "a%2fb" sanitized`},
		{"a broken encoding", "100%: done, 5%zz", "100%: done, 5%zz"},
		{"the code of an error", "ExpiredToken: it has expired", "ExpiredToken: it has expired"},
		{"a word of an error", "the provided token has expired", "the provided token has expired"},
		{"letters that change their length in lower case", "\u212a\u212aX-AMZ-Signature=S", "\u212a\u212aX-AMZ-Signature=[hidden]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hide(tt.in); got != tt.want {
				t.Errorf("hide(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}
