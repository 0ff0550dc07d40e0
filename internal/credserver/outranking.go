package credserver

import (
	"os"
	"slices"
	"strings"
)

// Variable is an environment variable that decides whether an SDK asks a container-credentials endpoint.
type Variable struct {
	Name   string
	Value  string // to set; if empty the variable is to be absent, for botocore counts an empty one as set
	Reason string // what an SDK would do with the parent's value
}

// Outranking are the variables that the child of an endpoint must not get from its parent, because an SDK would take
// other credentials for them, or other parameters for the endpoint.
//
// The order of the SDKs, first that has something: environment keys, environment web identity, profile, container
// credentials, node role. In Go it is
// https://github.com/aws/aws-sdk-go-v2/blob/main/config/resolve_credentials.go (resolveCredentialChain); botocore puts
// the profile's role and web identity, its SSO, keys and process, and two old files in between, to the same effect:
// https://github.com/boto/botocore/blob/develop/botocore/credentials.py (create_credential_resolver).
//
// Profiles are the hard part. Without AWS_PROFILE every SDK still reads the profile [default], of files that are at
// their place in HOME when no variable names another. HOME has to stay, so both files are named: the null device,
// which all SDKs read as an empty file. Leaving them where their [default] holds no credentials was rejected: it means
// to parse as each SDK parses, and our own configure may have put a credential_process there. The price is that other
// settings of ~/.aws/config are lost to the child too, and that a profile that it asks for by name does not exist,
// which it says loudly. The region is given by AWS_REGION; the rest has variables of its own, which are left alone.
func Outranking() []Variable {
	const (
		keys     = "static keys outrank an endpoint"
		partner  = "belongs to keys that are taken away"
		profile  = "a profile outranks an endpoint"
		identity = "web identity outranks an endpoint"
	)
	return []Variable{
		{"AWS_ACCESS_KEY_ID", "", keys},
		{"AWS_SECRET_ACCESS_KEY", "", keys},
		{"AWS_ACCESS_KEY", "", keys + ": the older name, which Go, Java and Ruby read"},
		{"AWS_SECRET_KEY", "", keys + ": the older name, which Go, Java and Ruby read"},
		{"AMAZON_ACCESS_KEY_ID", "", keys + ": a name that Ruby reads"},
		{"AMAZON_SECRET_ACCESS_KEY", "", keys + ": a name that Ruby reads"},
		{"AWS_SESSION_TOKEN", "", partner},
		{"AWS_SECURITY_TOKEN", "", partner},
		{"AMAZON_SESSION_TOKEN", "", partner},
		{"AWS_CREDENTIAL_EXPIRATION", "", partner},
		{"AWS_WEB_IDENTITY_TOKEN_FILE", "", identity},
		{"AWS_ROLE_ARN", "", identity},
		{"AWS_ROLE_SESSION_NAME", "", identity},
		{"AWS_PROFILE", "", profile},
		{"AWS_DEFAULT_PROFILE", "", profile},
		{"AWS_CONFIG_FILE", os.DevNull, profile + ": [default], by keys, role, SSO, login or credential_process"},
		{"AWS_SHARED_CREDENTIALS_FILE", os.DevNull, profile + ": [default], by keys"},
		{"AWS_CREDENTIAL_FILE", "", "botocore takes keys from this file first"},
		{"BOTO_CONFIG", os.DevNull, "botocore takes keys from this file first, or from /etc/boto.cfg and ~/.boto"},
		{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "", "outranks the full URI"},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "", "names another endpoint"},
		{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "", "outranks the token, with that of EKS Pod Identity"},
		{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "", "is another endpoint's"},
	}
}

// Environ is environ for a child that is to use the endpoint: without what outranks it, and with its URI and token.
// The names of [Outranking] are the only ones it touches.
func (s *Server) Environ(environ []string) []string {
	table := Outranking()
	child := slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(table, func(v Variable) bool { return v.Name == name })
	})
	for _, v := range table {
		if v.Value != "" {
			child = append(child, v.Name+"="+v.Value)
		}
	}
	return append(child, "AWS_CONTAINER_CREDENTIALS_FULL_URI="+s.URI(), "AWS_CONTAINER_AUTHORIZATION_TOKEN="+s.Token())
}
