// Package iam knows IAM's own texts and rules: the ARNs of roles and of their
// sessions, trust policies that admit one token, and what a policy answers to
// a request. Evaluation gives a reason for every element of every statement,
// and says "unknown" where it cannot be sure: it never guesses.
//
// The package reads nothing but its arguments.
package iam
