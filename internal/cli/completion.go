package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

const completionDescription = `Prints the completion of a shell: commands and flags.

   source <(ci-aws completion bash)
   ci-aws completion fish > ~/.config/fish/completions/ci-aws.fish`

// The shells ask the program itself what fits, by a hidden flag of urfave/cli.
const bashCompletion = `_ci_aws() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  local words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  if [[ $cur == -* ]]; then words+=("$cur"); fi
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _ci_aws ci-aws
`

const zshCompletion = `#compdef ci-aws
_ci_aws() {
  local -a fits
  local cur=${words[CURRENT]}
  local -a line=("${(@)words[1,CURRENT-1]}")
  if [[ $cur == -* ]]; then line+=("$cur"); fi
  fits=("${(@f)$("${line[@]}" --generate-bash-completion 2>/dev/null)}")
  compadd -- $fits || _files
}
compdef _ci_aws ci-aws
`

func completionCommand(io IO, _ *talk) *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the completion of a shell", Description: completionDescription,
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			text, err := completion(c)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(io.Out, text)
			return writeFailed(err)
		},
	}
}

func completion(c *cli.Context) (string, error) {
	shells := strings.Join(c.Args().Slice(), " ")
	switch shells {
	case "bash":
		return bashCompletion, nil
	case "zsh":
		return zshCompletion, nil
	case "fish":
		return c.App.ToFishCompletion()
	}
	return "", usagef("completion: unknown shell %q: want bash, zsh or fish", report.Clean(shells))
}
