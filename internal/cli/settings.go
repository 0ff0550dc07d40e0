package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// variable is the variable of a flag: role-arn is CI_AWS_ROLE_ARN.
func variable(flag string) string {
	return "CI_AWS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// variableOf is the variable of a command's flag. CI_AWS_SIZE and CI_AWS_EXPECT
// are of the smoke test, whose jobs have them, and mean something else there.
func variableOf(command, flag string) string {
	if command == "cache check" && (flag == "size" || flag == "expect") {
		return variable("cache-" + flag)
	}
	return variable(flag)
}

// settings reads flags, of those that were not given the CI_AWS_* variables, and
// last what a component says by its inputs.
type settings struct {
	c   *cli.Context
	job job.Job
	now func() time.Time

	regionElse report.Value // where nothing else tells a region
}

// variable is that of a flag of the command that runs.
func (s settings) variable(flag string) string {
	return variableOf(strings.TrimPrefix(s.c.Command.HelpName, "ci-aws "), flag)
}

// value is one setting with its source.
func (s settings) value(flag string) (report.Value, error) {
	values, err := s.values(flag)
	if err != nil || len(values) == 0 {
		return report.Value{}, err
	}
	return values[len(values)-1], nil
}

// values are those of a flag that can be repeated; its variable, or else the
// component's input, holds them with white space between. A flag that was given but is empty is an error, since
// what it should have held would be ignored in silence. A setting for which the
// command has no flag does not concern it.
func (s settings) values(flag string) ([]report.Value, error) {
	if s.c.Value(flag) == nil {
		return nil, nil
	}
	if !s.c.IsSet(flag) {
		v := s.variableOrInput(s.variable(flag))
		texts := []string{v.Text}
		if s.repeatable(flag) && v.Known() {
			if texts = strings.Fields(v.Text); len(texts) == 0 {
				return nil, wrong(report.Value{From: v.From}, "it holds only white space")
			}
		}
		return withSource(v.From, texts), nil
	}
	texts := []string{s.c.String(flag)}
	if s.repeatable(flag) {
		texts = s.c.StringSlice(flag)
	}
	if slices.Contains(texts, "") {
		return nil, usagef("reading --%s: it is empty", flag)
	}
	return withSource("--"+flag, texts), nil
}

// yes is a setting that is on or off. A variable that says neither is an error.
func (s settings) yes(flag string) (bool, error) {
	if s.c.IsSet(flag) {
		return s.c.Bool(flag), nil
	}
	v := s.variableOrInput(s.variable(flag))
	switch strings.ToLower(strings.TrimSpace(v.Text)) {
	case "", "false", "0", "no", "off":
		return false, nil
	case "true", "1", "yes", "on":
		return true, nil
	}
	return false, wrong(v, "%q is neither true nor false", report.Clean(v.Text))
}

func (s settings) repeatable(flag string) bool {
	_, many := s.c.Value(flag).(cli.StringSlice)
	return many
}

func withSource(from string, texts []string) []report.Value {
	var out []report.Value
	for _, text := range texts {
		if text != "" {
			out = append(out, report.Value{Text: text, From: from})
		}
	}
	return out
}

func wrong(v report.Value, format string, args ...any) error {
	return &settingError{v, fmt.Sprintf(format, args...), fromFlag(v)}
}

func fromFlag(v report.Value) bool { return strings.HasPrefix(v.From, "--") }

// duration reads a time span as Go writes it, or a number of seconds.
func (s settings) duration(flag string, least, most, otherwise time.Duration) (time.Duration, string, error) {
	v, err := s.value(flag)
	if err != nil || !v.Known() {
		return otherwise, "", err
	}
	d, err := time.ParseDuration(v.Text)
	if n, atoi := strconv.Atoi(v.Text); atoi == nil && n < math.MaxInt/int(time.Second) {
		d, err = time.Duration(n)*time.Second, nil
	}
	switch {
	case err != nil:
		return 0, "", wrong(v, "%q is not a time span such as 1h, 90m or 3600", report.Clean(v.Text))
	case d < least || d > most:
		return 0, "", wrong(v, "%q is not between %s and %s", report.Clean(v.Text), identity.ShortDuration(least), identity.ShortDuration(most))
	}
	return d, v.From, nil
}

const (
	defaultTimeout = 30 * time.Second
	maxTimeout     = time.Hour
)

// request joins flags and variables into what identity wants.
func (s settings) request() (identity.Request, error) {
	var req identity.Request
	plain := map[string]*report.Value{
		"role-arn": &req.Role, "id-token-env": &req.IDTokenEnv, "region": &req.Region,
		"endpoint-url": &req.Endpoint, "session-name": &req.SessionName, "token-file": &req.TokenFile,
		"expect-service-account": &req.ServiceAccount,
	}
	var errs []error
	for _, flag := range []string{"role-arn", "id-token-env", "region", "endpoint-url", "session-name", "token-file", "expect-service-account"} {
		v, err := s.value(flag)
		*plain[flag] = v
		errs = append(errs, err)
	}
	var err error
	req.Duration, req.DurationSet, err = s.duration("duration", identity.MinDuration, identity.MaxDuration, 0)
	errs = append(errs, err)
	req.Wait, _, err = s.duration("wait", 0, maxTimeout, 0)
	errs = append(errs, err)
	req.Timeout, _, err = s.duration("timeout", time.Millisecond, maxTimeout, defaultTimeout)
	errs = append(errs, err, s.source(&req), s.chain(&req), s.accounts(&req), s.policy(&req), s.tags(&req))
	if req.IDTokenEnv.Known() && !isVariable(req.IDTokenEnv.Text) {
		errs = append(errs, wrong(req.IDTokenEnv, "%q is not the name of a variable", report.Clean(req.IDTokenEnv.Text)))
	}
	if v := req.ServiceAccount; v.Known() && !isAccountName(v.Text) {
		errs = append(errs, wrong(v, "%q is not NAME or NAMESPACE/NAME", report.Clean(v.Text)))
	}
	req.Now, req.RegionElse = s.now, s.regionElse
	req.AllowHosts = s.c.StringSlice("allow-endpoint-host")
	if slices.Contains(req.AllowHosts, "") {
		errs = append(errs, usagef("reading --allow-endpoint-host: it is empty"))
	}
	other := req.Source != identity.Auto && req.Source != identity.IRSA ||
		req.IDTokenEnv.Known() && (req.Source == identity.Auto || fromFlag(req.IDTokenEnv))
	if req.TokenFile.Known() && other {
		errs = append(errs, wrong(req.TokenFile, "a token file is for source irsa, and another was asked for"))
	}
	for _, err := range errs {
		if err != nil {
			return req, err
		}
	}
	return req, nil
}

func (s settings) source(req *identity.Request) error {
	v, err := s.value("source")
	if err != nil || !v.Known() {
		req.Source = identity.Auto
		return err
	}
	req.Source = identity.Source(v.Text)
	if !slices.Contains(identity.Sources(), req.Source) {
		return wrong(v, "unknown source %q: want auto, gitlab, irsa, pod-identity or ambient", report.Clean(v.Text))
	}
	return nil
}

// chain reads ARN[,external-id=X].
func (s settings) chain(req *identity.Request) error {
	values, err := s.values("chain-role-arn")
	for _, v := range values {
		arn, option, more := strings.Cut(v.Text, ",")
		id, ok := strings.CutPrefix(option, "external-id=")
		if more && (!ok || id == "") {
			return wrong(v, "%q is not ARN or ARN,external-id=X", report.Clean(v.Text))
		}
		req.Chain = append(req.Chain, identity.Step{Role: report.Value{Text: arn, From: v.From}, ExternalID: id})
	}
	return err
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
)

func isAccountID(s string) bool { return len(s) == 12 && strings.Trim(s, digits) == "" }

// isAccountName takes the name of a service account, or namespace and name.
func isAccountName(s string) bool {
	parts := strings.Split(s, "/")
	return len(parts) <= 2 && !slices.Contains(parts, "")
}

// isVariable reports whether a shell can have a variable of that name.
func isVariable(s string) bool {
	return s != "" && !strings.Contains(digits, s[:1]) && strings.Trim(s, letters+digits) == ""
}

// accounts reads account ids with commas between. A list that names none is an
// error: it would allow all.
func (s settings) accounts(req *identity.Request) error {
	values, err := s.values("allowed-account")
	for _, v := range values {
		req.AccountsSet = v.From
		ids := strings.FieldsFunc(v.Text, func(r rune) bool { return r == ',' || r == ' ' })
		for _, account := range ids {
			if !isAccountID(account) {
				return wrong(v, "%q is not an account id of 12 digits", report.Clean(account))
			}
		}
		if len(ids) == 0 {
			return wrong(v, "%q names no account", report.Clean(v.Text))
		}
		req.Accounts = append(req.Accounts, ids...)
	}
	return err
}

// policy reads the session policy and the managed ones.
func (s settings) policy(req *identity.Request) error {
	arns, err := s.values("session-policy-arn")
	if err != nil {
		return err
	}
	for _, v := range arns {
		if !strings.HasPrefix(v.Text, "arn:") || !strings.Contains(v.Text, ":policy/") {
			return wrong(v, "%q is not the ARN of a policy", report.Clean(v.Text))
		}
		req.PolicyARNs = append(req.PolicyARNs, v.Text)
	}
	file, err := s.value("session-policy")
	if err != nil || !file.Known() {
		return err
	}
	fail := func(err error) error {
		return &hintedError{
			fmt.Errorf("reading the session policy %q (%s): %w", file.Text, file.From, err),
			[]string{fmt.Sprintf("let %s name a file that holds one IAM policy, of %d characters at most", file.From, identity.MaxSessionPolicy)},
		}
	}
	raw, err := identity.ReadFile(file.Text, 4*identity.MaxSessionPolicy)
	if err != nil {
		return fail(err)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil || !strings.HasPrefix(compact.String(), "{") {
		return fail(errors.New("it is not a JSON object"))
	}
	if n := utf8.RuneCount(compact.Bytes()); n > identity.MaxSessionPolicy {
		return fail(fmt.Errorf("it has %d characters without white space", n))
	}
	req.Policy = report.Value{Text: compact.String(), From: file.Text}
	return nil
}

// bare takes the path from a file error, where it stands already.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// writeFailed says that the product could not be printed.
func writeFailed(err error) error {
	if err == nil {
		return nil
	}
	return &hintedError{
		fmt.Errorf("writing to stdout: %w", bare(err)),
		[]string{"look at where stdout goes: a full disk, or a program that no longer reads"},
	}
}

func (s settings) tags(req *identity.Request) error {
	values, err := s.values("session-tag")
	for _, v := range values {
		key, value, ok := strings.Cut(v.Text, "=")
		if !ok || key == "" {
			return wrong(v, "%q is not KEY=VALUE", report.Clean(v.Text))
		}
		req.Tags = append(req.Tags, identity.Tag{Key: key, Value: value})
	}
	return err
}
