package catalogue

// narrow is what a trust policy admits beside the token.
var narrow = []Case{
	{
		ID: "trust-no-sub", Check: "trust-narrow", Status: "warn",
		Problem: "statement <statement> has no condition that narrows sub: it admits every token of {issuer} with its audience",
		Causes:  []Cause{{Why: "whoever gets a token of this issuer gets the role", Fix: `add "StringEquals": {{want}: {sub}}`}},
		Sources: []string{eksTrust, gitlabTrust},
	},
	{
		ID: "trust-any-subject", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every token of {issuer}",
		Causes:  []Cause{{Why: "whoever gets a token of this issuer gets the role", Fix: "name what is meant: {sub}"}},
		Sources: []string{eksTrust, gitlabTrust},
	},
	{
		ID: "trust-any-service-account", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every service account of the cluster",
		Causes:  []Cause{{Why: "every pod that gets a token for this audience gets the role", Fix: "name what is meant: {sub}"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-any-in-namespace", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every service account of namespace {namespace}",
		Causes:  []Cause{{Why: "every pod of that namespace that gets a token for this audience gets the role, whichever its service account", Fix: "name what is meant: {sub}, unless that is intended"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-some-in-namespace", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every service account of namespace {namespace} whose name <fits>",
		Causes:  []Cause{{Why: "whoever can make a service account there gets the role", Fix: "name what is meant: {sub}, unless that is intended"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-any-namespace", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits service account {service-account} of every namespace",
		Causes:  []Cause{{Why: "whoever can make a service account of that name, in whichever namespace, gets the role", Fix: "name what is meant: {sub}"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-some-namespaces", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits service account {service-account} of every namespace whose name <namespace-fits>",
		Causes:  []Cause{{Why: "whoever can make a service account of that name in such a namespace gets the role", Fix: "name what is meant: {sub}, unless that is intended"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-some-service-accounts", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every service account whose name <fits>, of every namespace whose name <namespace-fits>",
		Causes:  []Cause{{Why: "whoever can make such a service account gets the role", Fix: "name what is meant: {sub}"}},
		Sources: []string{eksTrust},
	},
	{
		ID: "trust-some-subjects", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every token of {issuer} whose sub <fits>",
		Causes:  []Cause{{Why: "whoever gets such a token gets the role", Fix: "name what is meant: {sub}"}},
		Sources: []string{eksTrust, gitlabTrust},
	},
	{
		ID: "trust-any-project", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every project of the GitLab instance {issuer}",
		Causes:  []Cause{{Why: "whoever can run a job there gets the role", Fix: "name what is meant: {sub}"}},
		Sources: []string{gitlabTrust},
	},
	{
		ID: "trust-any-in-group", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every project of the GitLab group {group}",
		Causes:  []Cause{{Why: "whoever can run a job in a project of the group, or make one there, gets the role", Fix: "name what is meant: {sub}, unless that is intended"}},
		Sources: []string{gitlabTrust},
	},
	{
		ID: "trust-some-projects", Check: "trust-narrow", Status: "warn",
		Problem: "sub {got} in statement <statement> admits every project of the GitLab instance {issuer} whose path <fits>",
		Causes:  []Cause{{Why: "whoever can run a job in such a project, or make one, gets the role", Fix: "name what is meant: {sub}"}},
		Sources: []string{gitlabTrust},
	},
	{
		ID: "trust-any-ref", Check: "trust-narrow", Status: "note",
		Problem: "sub {got} in statement <statement> admits every <kind> of the project {project}",
		Causes:  []Cause{{Why: "whoever can push to the project gets the role", Fix: "name what is meant: {sub}, unless that is intended"}},
		Sources: []string{gitlabTrust},
	},
	{
		ID: "trust-some-refs", Check: "trust-narrow", Status: "note",
		Problem: "sub {got} in statement <statement> admits every <kind> of the project {project} whose name <fits>",
		Causes:  []Cause{{Why: "whoever can push such a <kind> to the project gets the role", Fix: "name what is meant: {sub}, unless that is intended"}},
		Sources: []string{gitlabTrust},
	},
	{
		ID: "trust-for-all-values", Check: "trust-narrow", Status: "warn",
		Problem: "<operator> on {key} in statement <statement> holds also for a token that does not have this key",
		Causes:  []Cause{{Why: "ForAllValues is true of no value at all", Fix: "write the operator without ForAllValues:, since the key has one value"}},
		Sources: []string{severalGuide},
	},
	{
		ID: "trust-like-anything", Check: "trust-narrow", Status: "warn",
		Problem: "<operator> {got} on {key} in statement <statement> holds for every value",
		Causes:  []Cause{{Why: "the condition narrows nothing", Fix: "name the value that is meant, or remove the condition"}},
		Sources: []string{operatorGuide},
	},
	{
		ID: "trust-anyone", Check: "trust-narrow", Status: "warn",
		Problem: "the principal of statement <statement> is {got}, which names nobody in particular",
		Causes:  []Cause{{Why: "only the conditions say who gets the role", Fix: `write "Principal": {"Federated": {want}}`}},
		Sources: []string{principalGuide},
	},
}
