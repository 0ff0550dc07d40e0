package cli

import "github.com/urfave/cli/v2"

// Our flags have one name each and say it themselves: urfave/cli cuts it out of
// Name by a regular expression, and asks as often as the square of the flags.
type (
	textFlag struct{ *cli.StringFlag }
	listFlag struct{ *cli.StringSliceFlag }
	boolFlag struct{ *cli.BoolFlag }
)

func (f textFlag) Names() []string { return []string{f.Name} }
func (f listFlag) Names() []string { return []string{f.Name} }
func (f boolFlag) Names() []string { return []string{f.Name} }

func text(name, usage string) cli.Flag {
	return textFlag{&cli.StringFlag{Name: name, Usage: usage}}
}

func list(name, usage string) cli.Flag {
	return listFlag{&cli.StringSliceFlag{Name: name, Usage: usage}}
}

func toggle(name, usage string) cli.Flag {
	return boolFlag{&cli.BoolFlag{Name: name, Usage: usage}}
}
