package cli

import "github.com/urfave/cli/v2"

// Our flags have one name each and say it themselves: urfave/cli cuts it out of
// Name by a regular expression, and asks as often as the square of the flags.
type (
	stringNamed struct{ *cli.StringFlag }
	listNamed   struct{ *cli.StringSliceFlag }
	boolNamed   struct{ *cli.BoolFlag }
)

func (f stringNamed) Names() []string { return []string{f.Name} }
func (f listNamed) Names() []string   { return []string{f.Name} }
func (f boolNamed) Names() []string   { return []string{f.Name} }

// A list is shown in help as any flag; its usage says that it can be repeated.
func (listNamed) IsSliceFlag() bool { return false }
func (f listNamed) String() string  { return cli.FlagStringer(f) }

func stringFlag(name, usage string) cli.Flag {
	return stringNamed{&cli.StringFlag{Name: name, Usage: usage}}
}

func listFlag(name, usage string) cli.Flag {
	return listNamed{&cli.StringSliceFlag{Name: name, Usage: usage}}
}

func boolFlag(name, usage string) cli.Flag {
	return boolNamed{&cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}}
}
