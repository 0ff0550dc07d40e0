package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// request is what a command line and an environment ask for.
func request(t *testing.T, args, environ []string) identity.Request {
	t.Helper()
	var req identity.Request
	app := &cli.App{
		Writer: io.Discard, ErrWriter: io.Discard, DisableSliceFlagSeparator: true,
		Commands: []*cli.Command{{Name: "x", Flags: append(commonFlags(), identityFlags()...), Action: func(c *cli.Context) error {
			var err error
			req, err = settings{c: c, job: job.Read(environ, "")}.request()
			return err
		}}},
	}
	if err := app.RunContext(t.Context(), append([]string{"ci-aws", "x"}, args...)); err != nil {
		t.Fatalf("%q %q: %v", args, environ, err)
	}
	return req
}

// TestEveryFlagHasItsVariableAndItsInput asks for each setting by flag, by variable
// and by a component's input: the same comes out, a flag outranks its variable, and
// that the input.
func TestEveryFlagHasItsVariableAndItsInput(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(policy, []byte(`{"Version": "2012-10-17"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	samples := map[string]struct{ value, other string }{
		"role-arn": {"arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"},
		"chain-role-arn": {
			"arn:aws:iam::123456789012:role/a,external-id=x,y", "arn:aws:iam::123456789012:role/b",
		},
		"source": {"irsa", "gitlab"}, "token-file": {"/a", "/b"}, "id-token-env": {"A", "B"}, "region": {"eu-west-1", "eu-west-2"},
		"endpoint-url": {"http://localhost:1", "http://localhost:2"}, "duration": {"30m", "40m"}, "session-name": {"aa", "bb"},
		"session-policy": {policy, policy}, "session-policy-arn": {"arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"},
		"session-tag": {"a=b", "c=d"}, "allowed-account": {"123456789012,210987654321", "999999999999"}, "wait": {"1m", "2m"},
		"expect-service-account": {"gitlab-jobs", "gitlab/gitlab-jobs"},
	}
	plain := request(t, nil, nil)
	sources := cmp.FilterPath(func(p cmp.Path) bool {
		name := p.Last().String()
		return name == ".From" || name == ".DurationSet" || name == ".AccountsSet"
	}, cmp.Ignore())
	for _, f := range identityFlags() {
		name := f.Names()[0]
		if name == "allow-endpoint-host" {
			byVariable := request(t, nil, []string{variable(name) + "=sts.example.com", "CI_AWS_INPUT_ALLOW_ENDPOINT_HOST=sts.example.com"})
			if diff := cmp.Diff(plain, byVariable); diff != "" {
				t.Errorf("a variable allows a host:\n%s", diff)
			}
			continue
		}
		sample, ok := samples[name]
		if !ok {
			t.Errorf("--%s has no sample", name)
			continue
		}
		byFlag := request(t, []string{"--" + name, sample.value}, nil)
		byVariable := request(t, nil, []string{variable(name) + "=" + sample.value})
		inputName := inputPrefix + strings.TrimPrefix(variable(name), "CI_AWS_")
		byInput := request(t, nil, []string{inputName + "=" + sample.value, variable(name) + "="})
		outranked := request(t, nil, []string{variable(name) + "=" + sample.value, inputName + "=" + sample.other})
		both := request(t, []string{"--" + name, sample.value}, []string{variable(name) + "=" + sample.other})
		if cmp.Equal(plain, byFlag) {
			t.Errorf("--%s changes nothing", name)
		}
		if diff := cmp.Diff(byFlag, byVariable, sources); diff != "" {
			t.Errorf("--%s and %s differ:\n%s", name, variable(name), diff)
		}
		if diff := cmp.Diff(byFlag, byInput, sources); diff != "" {
			t.Errorf("--%s and %s differ:\n%s", name, inputName, diff)
		}
		if diff := cmp.Diff(byVariable, outranked); diff != "" {
			t.Errorf("%s outranks %s:\n%s", inputName, variable(name), diff)
		}
		if diff := cmp.Diff(byFlag, both); diff != "" {
			t.Errorf("%s outranks --%s:\n%s", variable(name), name, diff)
		}
	}
}

func TestSettingsAreReadAsTheyAreMeant(t *testing.T) {
	got := request(t, []string{"--duration", "3600", "--chain-role-arn", "a", "--chain-role-arn", "b,external-id=x=1"},
		[]string{"CI_AWS_ALLOWED_ACCOUNT=123456789012, 210987654321", "CI_AWS_REGION="})
	want := identity.Request{
		Source: identity.Auto, Duration: time.Hour, DurationSet: "--duration", Timeout: defaultTimeout,
		Chain: []identity.Step{
			{Role: report.Value{Text: "a", From: "--chain-role-arn"}},
			{Role: report.Value{Text: "b", From: "--chain-role-arn"}, ExternalID: "x=1"},
		},
		Accounts: []string{"123456789012", "210987654321"}, AccountsSet: "CI_AWS_ALLOWED_ACCOUNT",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
