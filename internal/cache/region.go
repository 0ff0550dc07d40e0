package cache

import "strings"

const regionHeader = "X-Amz-Bucket-Region"

// rightRegion is the region that a refusal names as the bucket's, or "".
func rightRegion(err error) string {
	switch answer := answerOf(err); answer.Code {
	case "PermanentRedirect":
		return answer.Region
	case "AuthorizationHeaderMalformed":
		_, after, _ := strings.Cut(answer.Message, "expecting '")
		region, _, _ := strings.Cut(after, "'")
		return plausible(region)
	}
	return ""
}

// plausible lets through what can be a region and nothing that would change the
// host that calls go to.
func plausible(region string) string {
	if !isHostLabel(region) {
		return ""
	}
	return region
}

// isHostLabel says whether a region can be part of a host's name.
func isHostLabel(region string) bool {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}
	return region != "" && len(region) < 64 && !strings.ContainsFunc(region, other)
}
