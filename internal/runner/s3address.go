package runner

import (
	"net"
	"strings"
)

// Endpoint is the URL that the runner calls in place of AWS's own endpoint; it is
// not known where the runner leaves that to the SDK, as it does for
// s3.amazonaws.com too. At is the address's place.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/s3v2/s3.go
func (s S3) Endpoint() Value {
	address := s.ServerAddress
	if !address.Known() {
		return address
	}
	scheme, usual := "https", "443"
	if s.Insecure.Text == "true" {
		scheme, usual = "http", "80"
	}
	if host, port, err := net.SplitHostPort(address.Text); err == nil && port == usual && !strings.Contains(host, ":") {
		address.Text = host
	}
	address.Text = scheme + "://" + address.Text
	if address.Text == "https://s3.amazonaws.com" {
		address.Text = ""
	}
	return address
}

// ByPath is whether the bucket is named in the path of a URL, and not in its
// host: "true" or "false", where nothing is set too. It is not known where the
// runner leaves that to the SDK. What the runner does unasked has the address's
// place.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cacheconfig/cacheconfig.go
func (s S3) ByPath() Value {
	if s.PathStyle.Known() || !s.Endpoint().Known() {
		return s.PathStyle
	}
	host, _, _ := strings.Cut(s.ServerAddress.Text, ":")
	dotted := strings.Contains(s.BucketName.Text, ".") && s.Insecure.Text != "true"
	byPath := Value{"true", s.ServerAddress.At}
	if (s.AWS() || host == "storage.googleapis.com") && !dotted {
		byPath.Text = "false"
	}
	return byPath
}

// TwoStacks is whether a host of AWS's has to have IPv6 addresses too: "true",
// where nothing is set too, or "false". It is not known of other hosts, for which
// the runner does not heed DualStack.
func (s S3) TwoStacks() Value {
	switch {
	case s.Endpoint().Known():
		return Value{At: s.DualStack.At}
	case !s.DualStack.Known():
		return Value{"true", s.DualStack.At}
	}
	return s.DualStack
}

// Accelerated is Accelerate. It is not known of hosts that are not AWS's, for
// which the runner does not heed it.
func (s S3) Accelerated() Value {
	if s.Endpoint().Known() {
		return Value{At: s.Accelerate.At}
	}
	return s.Accelerate
}
