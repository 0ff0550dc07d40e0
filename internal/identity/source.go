package identity

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// Variables of EKS Pod Identity.
const (
	agentURI       = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	agentTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" //nolint:gosec // a name
	roleEnv        = "AWS_ROLE_ARN"
	tokenFileEnv   = "AWS_WEB_IDENTITY_TOKEN_FILE" //nolint:gosec // a name
	overwriteEnv   = "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"
)

// Variables by which a component says what a job is: the hidden job that it
// extends, and inputs.
const (
	extendsEnv      = "CI_AWS_EXTENDS"
	inputSourceEnv  = "CI_AWS_INPUT_SOURCE"
	inputAccountEnv = "CI_AWS_INPUT_EXPECT_SERVICE_ACCOUNT"
)

// detect picks the source: the one asked for, else the first that the pod has.
func detect(id *Identity) error {
	asked := id.req.Source
	if asked != Auto && asked != "" {
		return id.take(asked)
	}
	named := id.req.TokenFile.Known() && !id.req.IDTokenEnv.Known() // by a setting of ours
	switch {
	case !named && (id.req.IDTokenEnv.Known() || id.job.Get(IDTokenEnv) != ""):
		id.Why = id.IDTokenEnv() + " holds a GitLab ID token"
		id.Source = GitLab
	case id.tokenFile().Known():
		id.Why = "a token file, from " + id.tokenFile().From
		id.Source = IRSA
	case id.hasAgent():
		id.Why = "EKS Pod Identity set " + agentURI
		id.Source = PodIdentity
	default:
		return id.absent("no-identity")
	}
	return nil
}

// take accepts the source that was asked for, if the pod has it.
func (id *Identity) take(s Source) error {
	id.Source, id.Why = s, "asked for"
	switch s {
	case GitLab:
		if id.job.Get(id.IDTokenEnv()) == "" {
			return id.absent("id-token-missing")
		}
	case IRSA:
		if !id.tokenFile().Known() {
			return id.absent("irsa-missing")
		}
	case PodIdentity:
		if !id.hasAgent() {
			return id.absent("pod-identity-missing")
		}
	case Ambient:
		if key := id.ambientKeys(); !key.ID.Known() || key.Secret.Empty() {
			return id.absent("ambient-missing")
		}
	}
	return nil
}

func (id *Identity) absent(kase string) *Error {
	if strings.HasSuffix(id.Pod.Claims.Subject, ":default") && (kase == "no-identity" || kase == "irsa-missing") {
		kase = "default-service-account"
	}
	f := catalogue.Facts{"id-token-env": id.IDTokenEnv(), "file": WebhookTokenFile, "pod-sub": id.Pod.Claims.Subject}
	f.Say("no-pod", id.job.Get("KUBERNETES_SERVICE_HOST") == "" && id.Pod.Claims.Subject == "" && !id.Mounted() &&
		!id.job.Value(agentURI, agentTokenFile, roleEnv).Known())
	f.Say("no-pod-sub", id.Pod.Claims.Subject == "")
	f.Say("role-env", id.job.Get(roleEnv) != "")
	f.Say("overwrite", id.job.Get(overwriteEnv) != "")
	if extends := id.job.Get(extendsEnv); kase == "id-token-missing" && extends != "" {
		f["extends"], f["oidc-job"] = extends, oidcJob(extends)
	} else if kase == "id-token-missing" {
		f.Say("ready-job", id.job.Get(inputSourceEnv) == string(GitLab))
	}
	id.halves(f, kase == "ambient-missing")
	return &Error{Case: kase, Doing: "finding the job's identity", Facts: f, Evidence: id.podEvidence()}
}

// oidcJob is the hidden job that does with an ID token what this one does without;
// "" for one that has an ID token.
func oidcJob(extends string) string {
	prefix, profile := strings.CutSuffix(extends, "-profile")
	switch {
	case strings.HasSuffix(prefix, "-oidc"):
		return ""
	case profile:
		return prefix + "-oidc-profile"
	}
	return extends + "-oidc"
}

// halves says which variable of a pair is there without the other: that of the
// ambient keys, or that of Pod Identity.
func (id *Identity) halves(f catalogue.Facts, ambient bool) {
	one, other := agentURI, agentTokenFile
	first, second := id.job.Get(one) != "", id.job.Get(other) != ""
	if ambient {
		key := id.ambientKeys()
		one, other = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
		first, second = key.ID.Known(), !key.Secret.Empty()
		f.Say("has-id", first)
		f.Say("has-secret", second)
	}
	switch {
	case first == second:
		f["what"] = "neither is set"
		f.Say("neither", true)
	case first:
		f["half"], f["what"] = one, "just "+one+" is set"
	default:
		f["half"], f["what"] = other, "just "+other+" is set"
	}
}

func (id *Identity) podEvidence() []report.Value {
	if id.Pod.Claims.Subject == "" {
		return nil
	}
	return []report.Value{{Text: "sub " + id.Pod.Claims.Subject, From: id.Pod.From.From}}
}

// IDTokenEnv is the variable that holds the GitLab ID token, if there is one.
func (id *Identity) IDTokenEnv() string {
	if id.req.IDTokenEnv.Known() {
		return id.req.IDTokenEnv.Text
	}
	return IDTokenEnv
}

func (id *Identity) hasAgent() bool {
	return id.job.Get(agentURI) != "" && id.job.Get(agentTokenFile) != ""
}

// mounted is the source of a token whose file no variable names.
const mounted = "the path where the EKS webhook mounts it"

// tokenFile is the file of the IRSA token: the one asked for, the one that the
// webhook's variable names, or the one that it mounts all the same in a
// container that had AWS_ROLE_ARN before.
func (id *Identity) tokenFile() report.Value {
	if file := id.req.TokenFile.Or(id.job.Value(tokenFileEnv)); file.Known() {
		return file
	}
	path := id.job.Path(WebhookTokenFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return report.Value{}
	}
	return report.Value{Text: path, From: mounted}
}

// loadToken reads the token of the source.
func loadToken(id *Identity) error {
	switch id.Source {
	case GitLab:
		name := id.IDTokenEnv()
		if id.job.Get(name) == "" {
			return id.absent("id-token-missing")
		}
		token, err := parseToken([]byte(id.job.Get(name)), report.Value{Text: name, From: name})
		id.Token = token
		return err
	case IRSA:
		file := id.tokenFile()
		if file.From == mounted && id.job.Get(roleEnv) != "" {
			id.warn("AWS_ROLE_ARN was set before the EKS webhook looked, so it did not set " + tokenFileEnv +
				"; the mounted token is used all the same: rename AWS_ROLE_ARN in the job's variables to CI_AWS_ROLE_ARN")
		}
		token, err := readToken(file.Text, file.From)
		id.Token = token
		return err
	case PodIdentity:
		token, err := readToken(id.job.Get(agentTokenFile), agentTokenFile)
		id.Token = token
		return asAgentToken(err)
	}
	return nil
}

func (id *Identity) warn(text string) { id.Warnings = append(id.Warnings, text) }

// ambientKeys are the keys of the environment.
func (id *Identity) ambientKeys() Keys {
	return Keys{
		ID:     id.job.Value("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
		Secret: report.NewSecret(id.job.Value("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY").Text),
		Token:  report.NewSecret(id.job.Get("AWS_SESSION_TOKEN")),
	}
}

func ownUID() string { return strconv.Itoa(os.Getuid()) }
