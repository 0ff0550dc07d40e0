// Package refs reads the files of a set-up (trust policies, Kubernetes
// manifests, Helm values, runner configurations, pipelines, Terraform's JSON),
// takes the names out of them by which they refer to each other, and finds the
// name that does not match. It makes no call.
//
// A file is known by what is in it, not by its name. Read gives a Set: the
// objects of all files, each name with the place it stands at. Secrets are never
// in it: of a token, a key or a variable that is not on the list of names that
// matter there is nothing but whether it is set, and where.
package refs
