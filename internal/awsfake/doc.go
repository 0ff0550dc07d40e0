// Package awsfake is the part of AWS that a job in an EKS pod meets, in one
// process and on loopback only: the cluster's and GitLab's token issuers, STS,
// S3 and the Pod Identity agent. It refuses what AWS refuses, in AWS's order
// and with AWS's words: who may do what comes from real trust and permission
// policies, judged by package iam, and every signed call is signed again by the
// SDK's own signer and compared.
//
// It is for tests and for the sandbox; it is never linked into the product.
// What arrives is kept in memory for tests to look at and is never logged.
package awsfake
