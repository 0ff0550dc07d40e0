package catalogue

// agent are the failures of the EKS Pod Identity agent.
var agent = []Case{
	{
		ID: "agent-host", Check: "agent-allowed",
		Problem: "AWS_CONTAINER_CREDENTIALS_FULL_URI names {endpoint}, which is neither the EKS agent (169.254.170.23, fd00:ec2::23, 169.254.170.2), nor loopback, nor https",
		Causes:  []Cause{{Why: "something else than EKS set AWS_CONTAINER_CREDENTIALS_FULL_URI", Fix: "remove it from the job's variables and start a new job"}},
		Sources: []string{agentDocs},
	},
	{
		ID: "agent-token-missing", Check: "token-readable",
		Problem: "the Pod Identity token file {file} does not exist",
		Causes:  []Cause{{Why: "the pod was not made with an association, or AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE was set by hand", Fix: "remove that variable and start a new job"}},
		Sources: []string{agentDocs},
	},
	{
		ID: "agent-no-association", Check: "agent-answers",
		Answer:  Answer{Op: AgentOp, Code: []string{"ResourceNotFound"}},
		Problem: "EKS has no Pod Identity association for {sub}",
		Causes:  []Cause{{Why: "the association was deleted, or names another namespace or service account", Fix: "create it (aws eks create-pod-identity-association) and start a new job"}},
		Sources: []string{agentDocs},
	},
	{
		ID: "agent-denied", Check: "agent-answers",
		Answer:  Answer{Op: AgentOp, Code: []string{"AccessDenied"}},
		Problem: "EKS may not assume the role that is associated with {sub}",
		Causes: []Cause{
			{Why: "the role's trust policy does not name the service pods.eks.amazonaws.com with sts:AssumeRole and sts:TagSession", Fix: "add that statement", Unsure: true, Tell: "aws iam get-role shows AssumeRolePolicyDocument"},
			{Why: "the node's role lacks eks-auth:AssumeRoleForPodIdentity", Fix: "attach AmazonEKSWorkerNodeMinimalPolicy to the node's role", Tell: "pods of other service accounts on the same node get no credentials either"},
		},
		Sources: []string{agentDocs, "https://github.com/aws/eks-pod-identity-agent/issues/139", "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKSWorkerNodeMinimalPolicy.html"},
	},
	{
		ID: "agent-token", Check: "agent-answers",
		Answer:  Answer{Op: AgentOp, Code: []string{"ExpiredToken", "InvalidToken"}},
		Problem: "the Pod Identity agent does not take the token of {sub} in {file} (it expires at <exp>)",
		Causes:  []Cause{{Why: "the token is not renewed, or another file took its place", Fix: "start a new job; AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE must be the file that EKS mounts"}},
		Sources: []string{"https://github.com/boto/botocore/issues/3117"},
	},
}

// AgentOp is the operation of the Pod Identity agent, as Recognise wants it.
const AgentOp = "GetPodIdentityCredentials"

const agentDocs = "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"
