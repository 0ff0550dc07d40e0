package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/identity"
	"gitlab.com/ci-aws/ci-aws/internal/job"
)

// Reference is docs/commands.md: commands, flags, exit codes and the fields of
// whoami's JSON, as the code has them.
func Reference() string {
	app := newApp(IO{}, newTalk(IO{}), nil)
	var b strings.Builder
	b.WriteString("# Commands\n\nGenerated from the code by `make docs`.\n\n")
	all := everyCommand("", app.Commands)
	for _, c := range all {
		fmt.Fprintf(&b, "- [`ci-aws %s`](#ci-aws-%s): %s\n", c.path, strings.ReplaceAll(c.path, " ", "-"), c.Usage)
	}
	for _, c := range all {
		fmt.Fprintf(&b, "\n## ci-aws %s\n\n", c.path)
		writeDescription(&b, c.Description)
		if own := ownFlags(c.Command); len(own) > 0 {
			b.WriteString("\n")
			writeFlags(&b, c.path, own)
		}
	}
	b.WriteString("\n## Flags of every command\n\n")
	writeFlags(&b, "", commonFlags())
	b.WriteString("\n## Flags of every command that gets credentials\n\nA flag outranks its variable, that the component's input, and that AWS's own\nvariable. An empty variable is one that is not set; an empty flag is an error. The\nvariable of a repeatable flag holds its values with white space between them. With --token-file or CI_AWS_TOKEN_FILE the\nsource is IRSA, unless another is asked for.\n\n")
	writeFlags(&b, "", identityFlags())
	b.WriteString(otherReference)
	writeExitCodes(&b)
	writeFields(&b)
	b.WriteString(explainFields)
	b.WriteString(cacheCheckFields)
	b.WriteString(smokeFields)
	b.WriteString(smokeLogFields)
	b.WriteString(refsFields)
	writeRenderKeys(&b)
	return b.String()
}

const otherReference = `
## What goes where

stdout holds the product and nothing else; errors, hints and warnings go to
stderr. On failure stdout is empty, but for ` + "`whoami`" + `, which prints what it knows,
and for ` + "`env`" + `, which prints ` + "`false`" + ` (sh and fish) so that an eval of it fails. In a
GitLab job ` + "`env`" + ` and ` + "`credential-process`" + ` refuse to print into the job's log, and
` + "`env`" + ` refuses where CI_DEBUG_TRACE would. With
` + "`--output json`" + ` the product is JSON; messages stay text.

With masking the command's stdout and stderr are pipes, no terminal, and what a
background process prints later than half a second after the command's end is lost.
A masked secret is the very bytes of the secret key, of the session token, and of
the token of ` + "`--serve`" + `. What encodes them (base64, URL encoding, a line break in
between) is not masked.

` + "`credential-process`" + ` keeps what it got in a file below XDG_RUNTIME_DIR, else TMPDIR,
sealed by a key that is made from the token. That protects a file that escapes; it
does not protect against another process of the same user, which can read the
token as well.

` + "`configure`" + ` edits no file in a folder that others can write, but for a sticky one
such as /tmp. It keeps the file's mode, its owner, and every byte that is not its own.

` + "`configure --isolate`" + ` puts every setting that it found into the profile: the source, its
role, the place of the token and never the token itself, the region, and what flags
and CI_AWS_ variables say. So the profile means the same in after_script and in child
processes. A variable's value that an AWS config file cannot carry stays the
variable's. A file that does not exist yet begins as a copy of the one that AWS tools
would have read, without its sections of the same name and without any keys in it: a
warning names the profiles that lose theirs. Below a folder in which others can make
files, such as /tmp, its folder has to be the caller's own and closed to its group, and
no link, folder or file of another user may be on the way; elsewhere its folder may be
root's. Keys in the credentials file under a name of the profile's are an error.

With ` + "`--log-section`" + ` a success is one line in GitLab's job log: whose credentials, and
how long. What was said besides is behind it. A failure is never folded: its lines are
the last ones.

A component gives an input in CI_AWS_INPUT_ and what follows CI_AWS_ in the setting's
variable. That variable outranks it, wherever it is set, and where the two differ a
warning names both values. Messages call it by its name: the input role-arn.
`

// ownFlags are those that a command has for itself.
func ownFlags(c *cli.Command) []cli.Flag {
	shared := map[string]bool{"help": true}
	for _, f := range append(commonFlags(), identityFlags()...) {
		shared[f.Names()[0]] = true
	}
	var own []cli.Flag
	for _, f := range c.Flags {
		if !shared[f.Names()[0]] {
			own = append(own, f)
		}
	}
	return own
}

// writeDescription sets the examples of a description, which are indented, in a
// block of code.
func writeDescription(b *strings.Builder, text string) {
	inCode := false
	for line := range strings.SplitSeq(text, "\n") {
		code := strings.HasPrefix(line, "   ")
		if code != inCode && (code || line != "") {
			b.WriteString("```\n")
			inCode = code
		}
		b.WriteString(strings.TrimPrefix(line, "   ") + "\n")
	}
	if inCode {
		b.WriteString("```\n")
	}
}

// noVariable are the flags that no variable sets, of all commands or of one.
var noVariable = map[string]bool{
	"allow-endpoint-host": true, "version": true, "verify": true, "offline": true, "isolate": true, "unset": true,
	"trust show --format": true, "sub": true, "aud": true, "issuer": true, "account": true, "partition": true,
	"no-masking": true, "check": true, "serve": true, "profile": true, "file": true, "force": true, "remove": true, "smoke plan --fleet": true,
	"render": true, "render init": true, // all of them
}

func writeFlags(b *strings.Builder, command string, flags []cli.Flag) {
	b.WriteString("| flag | variable | |\n|---|---|---|\n")
	for _, f := range flags {
		name := f.Names()[0]
		placeholder, usage := unquote(f)
		env := "`" + variableOf(command, name) + "`"
		if noVariable[name] || noVariable[command] || noVariable[command+" --"+name] {
			env = ""
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", strings.TrimSpace("--"+name+" "+placeholder), env, usage)
	}
}

// unquote finds the placeholder that a flag's usage holds in back quotes.
func unquote(f cli.Flag) (placeholder, usage string) {
	usage = f.(cli.DocGenerationFlag).GetUsage()
	before, rest, ok := strings.Cut(usage, "`")
	if !ok {
		return "", usage
	}
	placeholder, after, _ := strings.Cut(rest, "`")
	return placeholder, before + placeholder + after
}

func writeExitCodes(b *strings.Builder) {
	b.WriteString("\n## Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, e := range exitMeanings {
		fmt.Fprintf(b, "| %s | %s |\n", e.code, e.meaning)
	}
}

func writeFields(b *strings.Builder) {
	b.WriteString("\n## The JSON of whoami\n\n`schema` (1), `verdict` (`ok`, `fail` or `unknown`), `warnings`, `findings`, and these\ngroups, whose values are `{\"text\", \"from\"}` or, where nobody tells them, `null`:\n\n")
	p := newPage(whoamiOptions{settings: settings{job: job.Job{}}}, &identity.Identity{}, identity.Session{}, nil)
	defer b.WriteString("\nA finding has `id`, `status` (`fail`, or `unknown` where nobody said no), `title` (the\nhealthy fact), `evidence` (a list of `{\"text\", \"from\"}`), `cause` and `fix`.\n")
	for _, g := range p.groups {
		var fields []string
		for _, r := range g.rows {
			fields = append(fields, "`"+r.name+"`")
		}
		fmt.Fprintf(b, "- `%s`: %s\n", g.name, strings.Join(fields, ", "))
	}
}
