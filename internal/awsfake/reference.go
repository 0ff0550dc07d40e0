package awsfake

import (
	"errors"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// The names of the reference set-up: one EKS cluster, jobs whose service
// account names the job role, and the runner's cache bucket.
const (
	Account        = "123456789012"
	Region         = "eu-central-1"
	ClusterIssuer  = "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
	GitLabIssuer   = "https://gitlab.example.com"
	Namespace      = "gitlab"
	ServiceAccount = "gitlab-jobs"
	ProjectPath    = "group/project"
	Bucket         = "my-super-duper-gitlab-runner-cache"

	JobRole    = "arn:aws:iam::123456789012:role/k8s-irsa-gitlab-jobs" // for the service account's token
	GitLabRole = "arn:aws:iam::123456789012:role/gitlab-oidc-jobs"     // for GitLab's ID token
	PodRole    = "arn:aws:iam::123456789012:role/pod-identity-jobs"    // for Pod Identity
	DeployRole = "arn:aws:iam::123456789012:role/deploy"               // trusts the other three, for chaining
)

// BucketPolicy is the permission policy that lets a role use the bucket and
// the deploy role, and nothing else.
const BucketPolicy = `{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
   "Resource": "arn:aws:s3:::my-super-duper-gitlab-runner-cache"},
  {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
   "Resource": "arn:aws:s3:::my-super-duper-gitlab-runner-cache/*"},
  {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "arn:aws:iam::123456789012:role/deploy"}]}`

const deployTrust = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
  "Principal": {"AWS": ["` + JobRole + `", "` + GitLabRole + `", "` + PodRole + `"]},
  "Action": ["sts:AssumeRole", "sts:TagSession"]}]}`

const podTrust = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
  "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]}`

// ClusterTrust is what the job role has to trust.
func (c *Cloud) ClusterTrust() iam.Trust {
	return iam.Trust{
		Partition: "aws", Account: Account, Issuer: c.cluster.Name(), Audience: STSAudience,
		Subject: "system:serviceaccount:" + Namespace + ":" + ServiceAccount,
	}
}

// GitLabTrust is what the role for GitLab's ID tokens has to trust.
func (c *Cloud) GitLabTrust() iam.Trust {
	return iam.Trust{
		Partition: "aws", Account: Account, Issuer: c.gitlab.Name(), Audience: c.gitlab.Name(),
		Subject: "project_path:" + ProjectPath + ":ref_type:branch:ref:main",
	}
}

// AddReference adds the providers, roles, the Pod Identity association and the
// bucket of the reference set-up, in which everything works.
func (c *Cloud) AddReference() error {
	c.AddProvider(Account, c.cluster.Name(), STSAudience)
	c.AddProvider(Account, c.gitlab.Name(), c.gitlab.Name())
	c.Associate(Namespace, ServiceAccount, PodRole)
	policies := []string{BucketPolicy}
	return errors.Join(
		c.AddRole(Role{ARN: JobRole, Trust: c.ClusterTrust().JSON(), Policies: policies}),
		c.AddRole(Role{ARN: GitLabRole, Trust: c.GitLabTrust().JSON(), Policies: policies}),
		c.AddRole(Role{ARN: PodRole, Trust: podTrust, Policies: policies}),
		c.AddRole(Role{ARN: DeployRole, Trust: deployTrust, Policies: policies}),
		c.AddBucket(BucketSpec{Name: Bucket, Region: Region, Account: Account}),
	)
}
