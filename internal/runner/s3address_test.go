package runner_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTheHostIsTheOneThatTheRunnerCalls has the endpoint, whether the bucket is in
// the path, DualStack and Accelerate, as the runner's own code has them.
func TestTheHostIsTheOneThatTheRunnerCalls(t *testing.T) {
	type host struct{ Endpoint, ByPath, TwoStacks, Accelerated string }
	for _, tt := range []struct {
		name, settings string
		want           host
	}{
		{"nothing is set", "", host{TwoStacks: "true"}},
		{"AWS's own by name", `ServerAddress = "s3.amazonaws.com"`, host{TwoStacks: "true"}},
		{"AWS's own by name and port", `ServerAddress = "s3.amazonaws.com:443"`, host{TwoStacks: "true"}},
		{"AWS's own in clear", "ServerAddress = \"s3.amazonaws.com\"\nInsecure = true", host{Endpoint: "http://s3.amazonaws.com", ByPath: "false"}},
		{"one stack", "DualStack = false", host{TwoStacks: "false"}},
		{"two stacks", "DualStack = true", host{TwoStacks: "true"}},
		{"accelerated", "Accelerate = true", host{TwoStacks: "true", Accelerated: "true"}},
		{"by path", "PathStyle = true", host{ByPath: "true", TwoStacks: "true"}},
		{"a region's", `ServerAddress = "s3.eu-west-1.amazonaws.com"`, host{Endpoint: "https://s3.eu-west-1.amazonaws.com", ByPath: "false"}},
		{"a region's, and a bucket with a dot", "ServerAddress = \"s3.eu-west-1.amazonaws.com\"\nBucketName = \"a.b\"", host{Endpoint: "https://s3.eu-west-1.amazonaws.com", ByPath: "true"}},
		{"an endpoint of a VPC", `ServerAddress = "bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"`, host{Endpoint: "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com", ByPath: "false"}},
		{"China's", `ServerAddress = "s3.cn-north-1.amazonaws.com.cn"`, host{Endpoint: "https://s3.cn-north-1.amazonaws.com.cn", ByPath: "false"}},
		{"Google's", `ServerAddress = "storage.googleapis.com"`, host{Endpoint: "https://storage.googleapis.com", ByPath: "false"}},
		{"another", `ServerAddress = "minio.example.com"`, host{Endpoint: "https://minio.example.com", ByPath: "true"}},
		{"another, with what is AWS's alone", "ServerAddress = \"minio:9000\"\nDualStack = true\nAccelerate = true", host{Endpoint: "https://minio:9000", ByPath: "true"}},
		{"another, by host", "ServerAddress = \"minio:9000\"\nPathStyle = false", host{Endpoint: "https://minio:9000", ByPath: "false"}},
		{"another, in clear", "ServerAddress = \"minio:80\"\nInsecure = true", host{Endpoint: "http://minio", ByPath: "true"}},
		{"another at the port of the other scheme", "ServerAddress = \"minio:443\"\nInsecure = true", host{Endpoint: "http://minio:443", ByPath: "true"}},
		{"an address of IPv6", `ServerAddress = "[::1]:443"`, host{Endpoint: "https://[::1]:443", ByPath: "true"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := only(t, "[[runners]]\n[runners.cache]\nType = \"s3\"\n[runners.cache.s3]\n"+tt.settings+"\n").Cache.S3
			got := host{s.Endpoint().Text, s.ByPath().Text, s.TwoStacks().Text, s.Accelerated().Text}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
