package cache

import (
	"cmp"
	"strings"
)

const regionHeader = "X-Amz-Bucket-Region"

// rightRegion is the region that a refusal names as the bucket's, or "".
func rightRegion(err error) string {
	switch answer := answerOf(err); answer.Code {
	case "PermanentRedirect", "TemporaryRedirect":
		return answer.Region
	case "IllegalLocationConstraintException":
		return cmp.Or(answer.Region, constrained(answer.Message))
	case "AuthorizationHeaderMalformed":
		_, after, _ := strings.Cut(answer.Message, "expecting '")
		region, _, _ := strings.Cut(after, "'")
		return plausible(region)
	}
	return ""
}

// constrained is the region of "The me-south-1 location constraint is incompatible
// for the region specific endpoint this request was sent to." A bucket of
// us-east-1 has none, and is "unspecified".
// https://github.com/prowler-cloud/prowler/pull/1155
// https://github.com/aws-solutions/instance-scheduler-on-aws/issues/90
func constrained(message string) string {
	before, _, ok := strings.Cut(strings.TrimPrefix(message, "The "), " location constraint is incompatible")
	switch {
	case !ok:
		return ""
	case before == "unspecified":
		return "us-east-1"
	}
	return plausible(before)
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
