// Package render writes the references between GitLab's runners, Kubernetes and
// AWS from one description: the trust and permission policies, the service
// accounts, the values of the runner's Helm chart, the include of a pipeline. A
// name stands in the description once, so that the files cannot disagree.
//
// The description is ci-aws.yaml, or flags, or both. One table of keys (Keys)
// drives the reader, the flags, the JSON schema, the commented file and the
// docs. Every value is checked by the rules of the service that it is for, and
// encoded for the language that it is written in: a hostile one executes
// nothing. The package makes no call, and touches only the files that it is
// told to.
package render
