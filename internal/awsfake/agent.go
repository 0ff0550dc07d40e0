package awsfake

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// Associate ties a service account to a role, as an EKS Pod Identity
// association does.
func (c *Cloud) Associate(namespace, serviceAccount, roleARN string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.associations[namespace+":"+serviceAccount] = roleARN
}

// Dissociate undoes Associate.
func (c *Cloud) Dissociate(namespace, serviceAccount string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.associations, namespace+":"+serviceAccount)
}

func agentAction(*http.Request, []byte) string { return "AssumeRoleForPodIdentity" }

// serveAgent is the node's Pod Identity agent: GET /v1/credentials with the
// pod's token as it is, without "Bearer".
// https://github.com/aws/eks-pod-identity-agent
func (c *Cloud) serveAgent(w http.ResponseWriter, r *http.Request, _ []byte) {
	if r.Method != http.MethodGet || r.URL.Path != "/v1/credentials" {
		http.NotFound(w, r)
		return
	}
	s, refused := c.podSession(r.Header.Get("Authorization"))
	if refused != nil {
		refused.write(w, r, "pod-identity")
		return
	}
	writeJSON(w, map[string]string{
		"AccessKeyId": s.keyID, "SecretAccessKey": s.secret, "Token": s.token,
		"AccountId": s.account, "Expiration": s.expires.Format(time.RFC3339),
	})
}

// podSessionLength is what EKS asks for.
const podSessionLength = 6 * time.Hour

func (c *Cloud) podSession(token string) (session, *refusal) {
	if token == "" {
		return session{}, agentRefusal(http.StatusBadRequest, "InvalidTokenException", "Service account token cannot be empty")
	}
	claims, ok := unverified(token)
	if !ok {
		return session{}, agentRefusal(http.StatusBadRequest, "InvalidTokenException", "Service account token cannot be parsed")
	}
	audience := strings.Join(list(claims["aud"]), " ")
	if claims["iss"] != c.cluster.Name() || c.cluster.verify(token) != genuine || audience != PodIdentityAudience {
		return session{}, agentRefusal(http.StatusBadRequest, "InvalidTokenException", "The token included in the request is invalid")
	}
	now := c.now()
	if exp, _ := claims["exp"].(float64); !now.Before(time.Unix(int64(exp), 0)) {
		return session{}, agentRefusal(http.StatusBadRequest, "ExpiredTokenException", fmt.Sprintf(
			"The token included in the request is expired: current date/time %d must be before the expiration date/time %d", now.Unix(), int64(exp)))
	}
	about, _ := claims["kubernetes.io"].(map[string]any)
	pod, _ := about["pod"].(map[string]any)
	podName, _ := pod["name"].(string)
	subject, _ := claims["sub"].(string)
	c.mu.Lock()
	arn, ok := c.associations[strings.TrimPrefix(subject, "system:serviceaccount:")]
	r, exists := c.roles[arn]
	c.mu.Unlock()
	if !ok {
		return session{}, agentRefusal(http.StatusNotFound, "ResourceNotFoundException", "No association found for the service account")
	}
	for _, action := range []string{"sts:AssumeRole", "sts:TagSession"} {
		request := iam.Request{Principal: []iam.Principal{{Type: "Service", Name: "pods.eks.amazonaws.com"}}, Action: action}
		if !exists || r.trust.Evaluate(request).Decision != iam.Allowed {
			return session{}, agentRefusal(http.StatusForbidden, "AccessDeniedException",
				"Unauthorized Exception! EKS does not have permissions to assume the associated role.")
		}
	}
	return c.newSession(r.arn, "eks-"+podName[:min(len(podName), 60)], podSessionLength, nil), nil
}

func agentRefusal(status int, code, message string) *refusal {
	return &refusal{status: status, code: code, message: message}
}
