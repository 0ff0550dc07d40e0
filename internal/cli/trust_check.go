package cli

import (
	"context"
	"errors"
	"fmt"
	goio "io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/iam"
	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
	"gitlab.com/ci-aws/ci-aws/internal/trust"
)

const trustCheckDescription = `Judges a trust policy against this job's token and role, statement by statement,
condition by condition, and warns of one that admits too much. FILE, or - for stdin,
holds a policy, or what aws iam get-role or terraform show -json prints. Exits with 1
where the policy does not admit the token, and with 3 where that cannot be told.

   ci-aws trust check trust.json
   terraform show -json | ci-aws trust check --role-arn arn:aws:iam::123456789012:role/ci -
   ci-aws trust check --sub system:serviceaccount:gitlab:gitlab-jobs --aud sts.amazonaws.com --issuer https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF --account 123456789012 trust.json`

func trustCheckCommand(io IO, t *talk) *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "say whether a trust policy admits this token, and why not", Description: trustCheckDescription,
		ArgsUsage: "FILE",
		Flags: withToken(append(
			trustFlags(),
			stringFlag("file", "write JSON or JUnit into `FILE`, and the text to stdout"),
			stringFlag("annotations", "write links to the failed checks into `FILE`, as artifacts:reports:annotations takes them"),
		)...),
		Action: action(io, t, func(ctx context.Context, s settings) error {
			return trustCheckOptions{s}.run(ctx, io, t)
		}),
	}
}

type trustCheckOptions struct{ settings settings }

func (o trustCheckOptions) run(ctx context.Context, io IO, t *talk) error {
	s := o.settings
	file, err := o.file()
	if err != nil {
		return err
	}
	out, err := s.reportForm()
	if err != nil {
		return err
	}
	asked, err := s.asked(ctx, t)
	if err != nil {
		return err
	}
	name := file
	if file == "-" {
		name = "stdin"
	}
	document, err := readTrust(ctx, io, file, asked.role)
	if err != nil {
		return unreadableTrust(name, asked.role, err)
	}
	r, err := asked.request(document.ARN)
	if err != nil {
		return err
	}
	warnOfIssuer(t, r.Issuer)
	result, err := trust.Check(document, name, r)
	if err != nil {
		if document.Base.Line > 0 {
			err = fmt.Errorf("the text at line %d, column %d: %w", document.Base.Line, document.Base.Column, err)
		}
		return unreadableTrust(name, asked.role, err)
	}
	out.before = statementsText(result.Statements)
	out.siblings = []report.Sibling{{Key: "statements", Value: result.Statements}}
	return out.write(io, t, s.job, result.Report, "ci-aws trust check")
}

func (o trustCheckOptions) file() (string, error) {
	args := o.settings.c.Args().Slice()
	switch {
	case len(args) == 0:
		return "", usagef("trust check: want a FILE, or - for stdin")
	case len(args) > 1:
		return "", &hintedError{usagef("trust check takes one FILE, and %q is too much", report.Clean(args[1])), []string{"flags stand before FILE"}}
	case args[0] == "":
		return "", usagef("trust check: the name of the FILE is empty")
	}
	return args[0], nil
}

// maxTrustFile bounds what is read, in bytes: a policy has 4096 characters at
// most, but a state of Terraform holds other things too.
const maxTrustFile = 16 << 20

func readTrust(ctx context.Context, io IO, file string, role report.Value) (iam.Document, error) {
	read := func() ([]byte, error) { return identity.ReadFile(file, maxTrustFile) }
	info, err := os.Stat(file)
	switch {
	case file == "-":
		read = func() ([]byte, error) { return readBounded(io.In) }
	case err == nil && info.Mode()&os.ModeNamedPipe != 0: // <(aws iam get-role …)
		read = func() ([]byte, error) {
			f, err := os.Open(file) //nolint:gosec // the path is the user's
			if err != nil {
				return nil, err
			}
			defer func() { _ = f.Close() }() // it was only read
			return readBounded(f)
		}
	}
	raw, err := unlessEnded(ctx, read)
	if err != nil {
		return iam.Document{}, bare(err)
	}
	all, err := iam.Documents(raw)
	if err != nil {
		return iam.Document{}, err
	}
	return iam.Choose(all, role.Text)
}

func readBounded(r goio.Reader) ([]byte, error) {
	raw, err := goio.ReadAll(goio.LimitReader(r, maxTrustFile+1))
	if err == nil && len(raw) > maxTrustFile {
		err = fmt.Errorf("it is larger than %d bytes", maxTrustFile)
	}
	return raw, err
}

// unlessEnded reads, and does not wait for who never writes once ctx has ended.
func unlessEnded(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type answer struct {
		raw []byte
		err error
	}
	done := make(chan answer, 1)
	go func() {
		raw, err := read()
		done <- answer{raw, err}
	}()
	select {
	case a := <-done:
		return a.raw, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// unreadableTrust says what to give instead.
func unreadableTrust(name string, role report.Value, err error) error {
	hints := []string{"give a trust policy, or what `aws iam get-role` or `terraform show -json` prints"}
	if choice, ok := errors.AsType[*iam.ChoiceError](err); ok {
		var roles []string
		for _, r := range choice.Roles {
			roles = append(roles, report.Clean(r))
		}
		hints = []string{"choose by --role-arn one of the roles that it holds: " + strings.Join(roles, ", ")}
		if choice.Other {
			hints, err = otherRole(role, choice.Roles, hints)
		}
	}
	return &hintedError{fmt.Errorf("reading the trust policy %q: %w", name, err), hints}
}

// otherRole names the role that is asked for, what asks for it, and the role of
// the file that it was most likely meant to be.
func otherRole(asked report.Value, held, choose []string) (hints []string, err error) {
	from, role := report.Clean(asked.From), catalogue.Quote(asked.Text)
	for _, h := range held {
		if arn, how := roleSlip(asked.Text, h); how != "" {
			hints = append(hints, "most likely "+from+" is wrong: "+how+": write "+catalogue.Quote(arn)+" there")
			break
		}
	}
	if len(held) > 1 {
		return append(hints, choose...), fmt.Errorf("none of the %d roles that it holds is %s, for which %s asks", len(held), role, from)
	}
	hint := "give the trust policy of " + role + ", or correct " + from
	if len(hints) > 0 {
		hint = "or this is the policy of another role: give that of " + role
	}
	return append(hints, hint), fmt.Errorf("it holds the role %s, and %s asks for %s", catalogue.Quote(held[0]), from, role)
}

// roleSlip gives the ARN of a role that a file holds, by ARN or by name, and how
// the one asked for differs from it where that looks like a slip.
func roleSlip(asked, held string) (arn, how string) {
	if !strings.HasPrefix(held, "arn:") {
		held = asked[:strings.LastIndexByte(asked, '/')+1] + held
	}
	a, errAsked := iam.ParseRoleARN(asked)
	h, errHeld := iam.ParseRoleARN(held)
	if errAsked == nil && errHeld == nil && a.Account != h.Account && strings.Replace(asked, a.Account, h.Account, 1) == held {
		return held, "its account is " + a.Account + ", and that of the role is " + h.Account
	}
	return held, near.Slip(asked, held)
}

// statementsText shows each element of each statement against the token.
func statementsText(all []trust.Statement) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "statement %d", s.Number)
		if s.Sid != "" {
			b.WriteString(" " + s.Sid)
		}
		fmt.Fprintf(&b, " (%s): %s\n", s.Where, verdictOf(s))
		for _, e := range s.Elements {
			writeElement(&b, e)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// verdictOf words what a statement does to the token.
func verdictOf(s trust.Statement) string {
	verb, not := "admits the token", "does not admit the token"
	if s.Effect == "Deny" {
		verb, not = "denies the token", "does not deny the token"
	}
	switch s.Applies {
	case iam.Yes:
		return verb
	case iam.No:
		return not
	}
	return "it cannot be told whether it " + verb
}

func writeElement(b *strings.Builder, e trust.Element) {
	name := e.Name
	if e.Key != "" {
		name = e.Operator + " " + e.Key
	}
	fmt.Fprintf(b, "  %-15s%s\n", map[iam.Truth]string{iam.Yes: "holds", iam.No: "does not hold", iam.Unknown: "unknown"}[e.Holds], name)
	const indent = "                 "
	fmt.Fprintf(b, "%sexpected %s\n", indent, listOf(e.Expected))
	fmt.Fprintf(b, "%sactual   %s\n", indent, listOf(e.Actual))
	for _, why := range e.Why {
		fmt.Fprintf(b, "%swhy      %s\n", indent, why)
	}
}

func listOf(texts []string) string {
	if len(texts) == 0 {
		return "nothing"
	}
	return strings.Join(texts, " or ")
}
