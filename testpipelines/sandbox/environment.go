package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
)

// environment gives what a job pod has: the caller's environment without its
// AWS settings, what EKS injects, and GitLab's variables where there are none.
func (o options) environment(cloud *awsfake.Cloud, dir string, environ []string) ([]string, error) {
	env := jobVariables()
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "AWS_") {
			env[name] = value
		}
	}
	injected, err := o.injected(cloud, dir)
	if err != nil {
		return nil, err
	}
	maps.Copy(env, injected)
	maps.Copy(env, map[string]string{
		"AWS_REGION":                awsfake.Region,
		"AWS_DEFAULT_REGION":        awsfake.Region,
		"AWS_ENDPOINT_URL_STS":      cloud.STSURL(),
		"AWS_ENDPOINT_URL_S3":       cloud.S3URL(),
		"AWS_EC2_METADATA_DISABLED": "true", // the sandbox never leaves the machine
	})
	if o.gitlabToken {
		if env["CI_AWS_ID_TOKEN"], err = cloud.GitLab().MintJob(awsfake.JobToken{}); err != nil {
			return nil, err
		}
		if env["CI_AWS_ROLE_ARN"] == "" {
			env["CI_AWS_ROLE_ARN"] = awsfake.GitLabRole
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, name+"="+env[name])
	}
	return all, nil
}

// injected is what EKS's webhook puts into a pod.
func (o options) injected(cloud *awsfake.Cloud, dir string) (map[string]string, error) {
	pod := awsfake.PodToken{Audience: o.audience, Age: o.tokenAge}
	if o.podIdentity {
		pod.Audience = awsfake.PodIdentityAudience
		file, err := writeToken(cloud, pod, filepath.Join(dir, "pods.eks.amazonaws.com"), "eks-pod-identity-token")
		return map[string]string{
			"AWS_CONTAINER_CREDENTIALS_FULL_URI":     cloud.PodIdentityURL(),
			"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file,
		}, err
	}
	file, err := writeToken(cloud, pod, filepath.Join(dir, "eks.amazonaws.com"), "token")
	return map[string]string{
		"AWS_ROLE_ARN":                strings.Replace(awsfake.JobRole, awsfake.Account, o.account, 1),
		"AWS_WEB_IDENTITY_TOKEN_FILE": file,
		"AWS_STS_REGIONAL_ENDPOINTS":  "regional",
	}, err
}

// writeToken lays a token down as kubelet does: name → ..data/name, and ..data →
// a folder that a rotation replaces.
func writeToken(cloud *awsfake.Cloud, pod awsfake.PodToken, root, name string) (string, error) {
	token, err := cloud.Issuer().Mint(pod)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "serviceaccount")
	const version = "..2026_11_23_14_32_37.123456789"
	if err := os.MkdirAll(filepath.Join(dir, version), 0o700); err != nil {
		return "", fmt.Errorf("making the token's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, version, name), []byte(token), 0o600); err != nil {
		return "", fmt.Errorf("writing the token: %w", err)
	}
	if err := os.Symlink(version, filepath.Join(dir, "..data")); err != nil {
		return "", fmt.Errorf("linking the token: %w", err)
	}
	file := filepath.Join(dir, name)
	if err := os.Symlink(filepath.Join("..data", name), file); err != nil {
		return "", fmt.Errorf("linking the token: %w", err)
	}
	return file, nil
}

// jobVariables are GitLab's predefined variables of the job that the tokens name.
// https://docs.gitlab.com/ci/variables/predefined_variables/
func jobVariables() map[string]string {
	return map[string]string{
		"CI":                    "true",
		"GITLAB_CI":             "true",
		"CI_COMMIT_REF_NAME":    "main",
		"CI_COMMIT_SHA":         "3f786850e387550fdab836ed7e6dc881de23001b",
		"CI_JOB_ID":             "4711",
		"CI_JOB_NAME":           "deploy",
		"CI_JOB_STAGE":          "deploy",
		"CI_JOB_URL":            awsfake.GitLabIssuer + "/" + awsfake.ProjectPath + "/-/jobs/4711",
		"CI_PIPELINE_ID":        "1212",
		"CI_PIPELINE_SOURCE":    "push",
		"CI_PROJECT_ID":         "42",
		"CI_PROJECT_NAME":       "project",
		"CI_PROJECT_NAMESPACE":  "group",
		"CI_PROJECT_PATH":       awsfake.ProjectPath,
		"CI_PROJECT_PATH_SLUG":  "group-project",
		"CI_RUNNER_DESCRIPTION": "eks-runner",
		"CI_RUNNER_ID":          "12",
		"CI_RUNNER_TAGS":        `["cluster", "kubernetes"]`,
		"CI_SERVER_HOST":        "gitlab.example.com",
		"CI_SERVER_FQDN":        "gitlab.example.com",
		"CI_SERVER_URL":         awsfake.GitLabIssuer,
	}
}
