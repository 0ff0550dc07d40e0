package runner_test

import (
	"fmt"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/runner"
)

// TestAKeyMayLookLikeASecret has keys that hide would shorten: the runner's line
// would not be known, or two keys be one.
func TestAKeyMayLookLikeASecret(t *testing.T) {
	for _, key := range []string{"go-token=1", "secret:x", "a-credential=b/c", "password=", "who?", "k:token"} {
		t.Run(key, func(t *testing.T) {
			const folder = "https://b.s3.eu-central-1.amazonaws.com/project/42/"
			l := readLog(t, restoring("Checking cache for "+key+"...", "Downloading cache from "+folder+strings.TrimSuffix(key, "?"), "Successfully extracted cache"))
			if len(l.Caches) != 1 || l.Caches[0].Key != key || l.Caches[0].Outcome != runner.Hit || l.Caches[0].URL != folder+strings.TrimSuffix(key, "?") {
				t.Errorf("%+v", l.Caches)
			}
		})
	}
}

func TestNoFieldOfALogHoldsASecret(t *testing.T) {
	for name, line := range map[string]string{
		"a header":               "X-Amz-Security-Token: PLANTED",
		"JSON":                   `{"SessionToken":"PLANTED","x":1}`,
		"a list in JSON":         `{"SessionToken":["PLANTED","PLANTED"],"x":1}`,
		"a header of two values": "map[X-Amz-Security-Token:[PLANTED PLANTED] X:[y]]",
		"an encoded URL":         "https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3DPLANTED",
		"a reason":               "Failed to extract cache k: X-Amz-Security-Token: PLANTED",
		"a reason named before":  "Failed to extract cache X-Amz-Security-Token: PLANTED",
		"no role":                "WARNING: Failed to obtain environment for cache k: SecretAccessKey: PLANTED",
		"a status":               "WARNING: received: 403 Forbidden X-Amz-Signature=PLANTED",
		"a URL of the transfer":  "Downloading cache from https://u:PLANTED@b/k?X-Amz-Signature=PLANTED",
		"its query, encoded":     "Downloading cache from https://b/k%3FX-Amz-Signature%3DPLANTED",
		"a key":                  "Checking cache for https://b/k?X-Amz-Signature=PLANTED...",
		"a key, encoded":         "Checking cache for k%3FX-Amz-Signature%3DPLANTED...",
		"a path that is missing": "Signature=PLANTED: no matching files",
	} {
		t.Run(name, func(t *testing.T) {
			for _, log := range []string{restoring("Checking cache for k...", line), saving("Creating cache k...", line), restoring(line)} {
				if l := readLog(t, log); strings.Contains(fmt.Sprintf("%+v", l), "PLANTED") {
					t.Errorf("%+v", l)
				}
			}
		})
	}
}
