package trust

import (
	"cmp"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// field is one part of a text that has parts, and the check that it belongs to.
// What is only punctuation between the fields has its own check.
type field struct{ text, check string }

// arnFields are the parts of a provider's ARN.
func (r Request) arnFields() []field {
	return []field{
		{"arn:", "trust-principal"},
		{r.Partition, "trust-partition"},
		{":iam::", "trust-principal"},
		{r.Account.Text, "trust-account"},
		{":oidc-provider/", "trust-principal"},
		{r.provider(), "trust-provider"},
	}
}

// subjectFields are the parts of a subject: of a service account's the
// namespace and the name; any other is one field.
func subjectFields(subject string) []field {
	namespace, account, ok := splitAccount(subject)
	if !ok {
		return []field{{subject, "trust-subject"}}
	}
	return []field{
		{serviceAccounts, "trust-subject"},
		{namespace, "trust-namespace"},
		{":", "trust-subject"},
		{account, "trust-service-account"},
	}
}

// splitAccount takes system:serviceaccount:NAMESPACE:NAME apart.
func splitAccount(subject string) (namespace, account string, ok bool) {
	rest, ok := strings.CutPrefix(subject, serviceAccounts)
	if !ok {
		return "", "", false
	}
	namespace, account, ok = strings.Cut(rest, ":")
	return namespace, account, ok && namespace != "" && account != "" && !strings.Contains(account, ":")
}

// blame gives the check of the field of want in which got differs. Where what
// differs could be of a field or of the punctuation beside it, it is the field's;
// where it reaches over several fields it is the punctuation's check.
func blame(got string, want []field) string {
	var b strings.Builder
	for _, f := range want {
		b.WriteString(f.text)
	}
	whole := b.String()
	before, behind := common(got, whole), commonEnd(got, whole)
	// Where nothing of whole is lost, got has more in it, at one place from..to.
	from, to, more := before, len(whole)-behind, before+behind >= len(whole)
	if more {
		from, to = to, from
	}
	blamed, start, end := "", 0, 0
	for i, f := range want {
		start, end = end, end+len(f.text)
		between := len(want) > 1 && i%2 == 0
		hit := from < end && to > start || more && from <= end && to >= start
		if between || !hit {
			continue
		}
		if blamed != "" && !more {
			return want[0].check
		}
		blamed = cmp.Or(blamed, f.check)
	}
	return cmp.Or(blamed, want[0].check)
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonEnd(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// provider is a Federated principal taken apart.
type provider struct{ partition, account, name string }

// parseProvider reads arn:PARTITION:iam::ACCOUNT:oidc-provider/NAME.
func parseProvider(arn string) (provider, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || parts[3] != "" {
		return provider{}, false
	}
	name, ok := strings.CutPrefix(parts[5], "oidc-provider/")
	return provider{parts[1], parts[4], name}, ok
}

// isEKS reports whether a provider's name is that of an EKS cluster.
func isEKS(name string) bool {
	return strings.HasPrefix(name, "oidc.eks") && strings.Contains(name, ".amazonaws.com")
}

// clusterID is what stands behind /id/ in a cluster's name.
func clusterID(name string) (host, id string, ok bool) { return strings.Cut(name, "/id/") }

// difference names how a provider's name, as it stands in a principal or in a
// key, differs from the token's: "scheme", "path", "slash", "cluster", or "" for
// any other way.
func difference(got, want string) string {
	host, id, eks := clusterID(want)
	gotHost, _, gotEKS := clusterID(got)
	switch {
	case got == want:
		return ""
	case strings.Contains(got, "://") && iam.ProviderName(got) == want:
		return "scheme"
	case got == want+"/" || want == got+"/":
		return "slash"
	case eks && isEKS(want) && (got == host+"/"+id || got == host || got == host+id || got == host+":"+id):
		return "path"
	case eks && gotEKS && isEKS(want) && host == gotHost:
		return "cluster"
	}
	return ""
}
