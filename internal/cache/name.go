package cache

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

// invalidName says what keeps a text from being a bucket's name, and of what
// kind the slip is (url, arn, path, other); "" where nothing does. Names that
// AWS keeps for itself pass: an access point's alias stands where a bucket's
// name does.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func invalidName(name, region string) (what, kind string) {
	longest := 63
	// Buckets made in us-east-1 before March 2018 have laxer names.
	old := region == firstRegion
	if old {
		longest = 255
	}
	switch {
	case name == "":
		return "it is empty", "other"
	case strings.Contains(name, "://"):
		return "it has a scheme", "url"
	case strings.HasPrefix(name, "arn:"):
		return "it starts with arn:", "arn"
	}
	for i, r := range []rune(name) {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '-':
		case old && ('A' <= r && r <= 'Z' || r == '_'):
		case r == '/':
			return fmt.Sprintf("character %d is a slash", i+1), "path"
		case 'A' <= r && r <= 'Z':
			return fmt.Sprintf("character %d is the capital %c", i+1, r), "other"
		default:
			return fmt.Sprintf("character %d (%U) is none of a-z, 0-9, dot and hyphen", i+1, r), "other"
		}
	}
	switch _, err := netip.ParseAddr(name); {
	case len(name) < 3 || len(name) > longest:
		return fmt.Sprintf("it has %s, not 3 to %d", catalogue.Count(len(name), "character"), longest), "other"
	case err == nil:
		return "it is an IP address", "other"
	case !old && (!alphanumeric(name[0]) || !alphanumeric(name[len(name)-1])):
		return "it does not start and end with a letter or a digit", "other"
	case strings.Contains(name, ".."):
		return "it has two dots in a row", "other"
	}
	return "", ""
}

// longestKey is how many bytes a key has at most.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const longestKey = 1024

// invalidPrefix says what keeps a text from being the start of a check's keys; ""
// where nothing does. The runner, which joins the parts of a key as those of a
// path, would store elsewhere than such a prefix says.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cache.go
func invalidPrefix(prefix string) string {
	all := len(join(prefix, folder+rand.Text())) + len("/nothing")
	parts := strings.Split(strings.TrimRight(prefix, "/"), "/")
	switch {
	case !utf8.ValidString(prefix):
		return "it is not UTF-8"
	case slices.Contains(parts, ".") || slices.Contains(parts, ".."):
		return `a part of it is "." or "..", which others than S3 take for folders`
	case len(parts) > 1 && slices.Contains(parts[1:], ""):
		return "it has two slashes in a row, of which the runner leaves one"
	case all > longestKey:
		return fmt.Sprintf("a key of this check would have %d bytes, and S3 takes %d", all, longestKey)
	}
	return ""
}

func alphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
