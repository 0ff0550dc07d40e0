package catalogue

// words says in which set-up a fact is known that chooses between causes.
func words(fact string) string {
	for _, f := range chooses() {
		if f.fact == fact {
			return f.words
		}
	}
	return "where " + fact + " is known"
}

func chooses() []struct{ fact, words string } {
	return []struct{ fact, words string }{
		{"account-unconfirmed", "where nothing says which account is expected"},
		{"ambient", "with keys of the environment (ambient)"},
		{"anyone", "where its principal may be anybody"},
		{"arn", "where it is an ARN"},
		{"aud-default", "where aud is what the EKS webhook asks for"},
		{"aud-other", "where aud is not what the EKS webhook asks for"},
		{"chosen", "where a setting names the role"},
		{"decides-later", "where a condition or an action decides"},
		{"default", "where the account is called default"},
		{"default-account", "where the pod runs under the default service account"},
		{"default-endpoint", "with AWS's own endpoint"},
		{"dotted", "where the bucket's name has a dot"},
		{"eks-issuer", "where the issuer is an EKS cluster"},
		{"endpoint", "where a setting names the endpoint"},
		{"exp-ahead", "where exp is still to come by the clock of this machine"},
		{"gitlab", "with a GitLab ID token"},
		{"half", "where just one of the two variables is set"},
		{"has-id", "where AWS_ACCESS_KEY_ID is set"},
		{"has-secret", "where AWS_SECRET_ACCESS_KEY is set"},
		{"identity-based", "where the answer speaks of identity-based policies"},
		{"injected", "where AWS_ROLE_ARN names the role"},
		{"insecure-issuer", "where the issuer is http"},
		{"irsa", "with IRSA"},
		{"issuer-region", "where the issuer names the region of its cluster"},
		{"kubernetes", "with the token of a service account"},
		{"late", "where the time was up"},
		{"list", "where the denied action is s3:ListBucket"},
		{"list-refused", "where listing the bucket is refused, too"},
		{"near", "where another name is near"},
		{"neither", "where none of the two variables is set"},
		{"no-issuer-region", "where the issuer names no region"},
		{"no-pod-sub", "where nothing tells the pod's service account"},
		{"no-slip", "where the two have little in common"},
		{"not-ambient", "unless the keys are those of the environment (ambient)"},
		{"not-waited", "without --wait"},
		{"of-role", "where the answer speaks of identity-based policies or of a permissions boundary"},
		{"organization", "where the answer speaks of a policy of the organization"},
		{"other", "where it is none of these"},
		{"other-account", "where none of these holds"},
		{"other-issuer", "with the token of another issuer"},
		{"other-namespace", "where only the namespace differs"},
		{"overwrite", "where KUBERNETES_SERVICE_ACCOUNT_OVERWRITE is set"},
		{"own-issuer", "where the issuer is not an EKS cluster"},
		{"own-keys", "where the job has exported temporary keys"},
		{"path", "where it holds a slash"},
		{"pod-identity", "with EKS Pod Identity"},
		{"pod-sub", "where the pod's own token tells its service account"},
		{"policy", "where the answer names the policy"},
		{"proxy", "where a proxy is set"},
		{"resource", "where it has a Resource"},
		{"resource-based", "where the answer speaks of resource-based policies"},
		{"role-env", "where AWS_ROLE_ARN is set"},
		{"role-from", "where a role ARN is given"},
		{"role-overridden", "where AWS_ROLE_ARN is not what the container started with"},
		{"session", "where the answer speaks of session policies"},
		{"slip", "where the two differ by little"},
		{"swapped", "where namespace and name have changed places"},
		{"trimmed", "where white space or quotes stand round the ARN"},
		{"typed", "where AuthenticationType is set"},
		{"typo", "where it is something else"},
		{"unexpanded", "where it is a variable that was not expanded"},
		{"untyped", "where AuthenticationType is not set"},
		{"url", "where it is a URL"},
		{"vpc-endpoint", "where the answer speaks of VPC endpoint policies"},
		{"waited", "after --wait"},
	}
}
