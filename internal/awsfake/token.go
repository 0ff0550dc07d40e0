package awsfake

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"
)

// Audiences that AWS's services want of a pod's token.
const (
	STSAudience         = "sts.amazonaws.com"
	PodIdentityAudience = "pods.eks.amazonaws.com"
)

// PodToken describes a service account's token as kube-apiserver issues it to a
// pod. The zero value is the projected token of the reference set-up's jobs.
type PodToken struct {
	Namespace      string
	ServiceAccount string
	Pod            string
	Node           string
	Audience       string        // empty: STSAudience
	Age            time.Duration // how long ago it was issued
	Lifetime       time.Duration // from issue to exp; zero: a day, or AutoMounted's year
	// AutoMounted gives the ordinary token that every pod has: its audience is
	// the API server and it lasts a year.
	AutoMounted bool
}

// Mint signs a pod's token.
func (i *Issuer) Mint(p PodToken) (string, error) {
	namespace := cmp.Or(p.Namespace, Namespace)
	account := cmp.Or(p.ServiceAccount, ServiceAccount)
	pod := cmp.Or(p.Pod, "runner-abc123-project-42-concurrent-0-xyz")
	node := cmp.Or(p.Node, "ip-10-0-1-23.eu-central-1.compute.internal")
	audience, lifetime := cmp.Or(p.Audience, STSAudience), cmp.Or(p.Lifetime, 24*time.Hour)
	issued := i.now().Add(-p.Age).Unix()
	about := map[string]any{
		"namespace":      namespace,
		"node":           map[string]any{"name": node, "uid": uid(node)},
		"pod":            map[string]any{"name": pod, "uid": uid(pod)},
		"serviceaccount": map[string]any{"name": account, "uid": uid(namespace + "/" + account)},
	}
	if p.AutoMounted {
		audience, lifetime = cmp.Or(p.Audience, "kubernetes"), cmp.Or(p.Lifetime, 365*24*time.Hour)
		about["warnafter"] = issued + 3607
	}
	return i.MintClaims(map[string]any{
		"aud":           []string{audience},
		"exp":           issued + int64(lifetime.Seconds()),
		"iat":           issued,
		"jti":           uid(rand.Text()),
		"kubernetes.io": about,
		"nbf":           issued,
		"sub":           "system:serviceaccount:" + namespace + ":" + account,
	})
}

// JobToken describes an ID token as GitLab gives it to a job by id_tokens:. The
// zero value is that of the reference set-up's job.
type JobToken struct {
	ProjectPath string        // empty: ProjectPath
	RefType     string        // branch or tag; empty: branch
	Ref         string        // empty: main
	Audience    string        // empty: the issuer itself
	Age         time.Duration // how long ago it was issued
	Lifetime    time.Duration // from issue to exp; zero: an hour
}

// MintJob signs a job's ID token.
// https://docs.gitlab.com/ci/secrets/id_token_authentication/
func (i *Issuer) MintJob(j JobToken) (string, error) {
	project, ref := cmp.Or(j.ProjectPath, ProjectPath), cmp.Or(j.Ref, "main")
	refType, path := cmp.Or(j.RefType, "branch"), "refs/heads/"+ref
	if refType == "tag" {
		path = "refs/tags/" + ref
	}
	issued := i.now().Add(-j.Age).Unix()
	const sha = "3f786850e387550fdab836ed7e6dc881de23001b"
	return i.MintClaims(map[string]any{
		"aud": cmp.Or(j.Audience, i.name), "sub": "project_path:" + project + ":ref_type:" + refType + ":ref:" + ref,
		"iat": issued, "nbf": issued - 5, "exp": issued + int64(cmp.Or(j.Lifetime, time.Hour).Seconds()),
		"jti":          uid(rand.Text()),
		"namespace_id": "72", "namespace_path": "group",
		"project_id": "42", "project_path": project, "project_visibility": "private",
		"user_id": "5", "user_login": "sample-user", "user_email": "sample-user@example.com", "user_access_level": "developer",
		"pipeline_id": "1212", "pipeline_source": "push", "job_id": "4711", "groups_direct": []string{"group"},
		"ref": ref, "ref_type": refType, "ref_path": path, "ref_protected": "true",
		"runner_id": 12, "runner_environment": "self-hosted", "sha": sha,
		"ci_config_ref_uri": ProjectPath + "//.gitlab-ci.yml@" + path, "ci_config_sha": sha,
	})
}

// uid gives a UUID that depends on the name only.
func uid(name string) string {
	h := sha256.Sum256([]byte(name))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
