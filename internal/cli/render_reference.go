package cli

import (
	"fmt"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/render"
)

const renderReference = `
## The file of render

YAML, read strictly: a key that is not known or stands there twice is an error, and so
are anchors, aliases, merge keys and tags. Each error has file, line and column.
` + "`" + render.SchemaFile + "`" + ` is its JSON schema, for editors. A flag outranks the file; the flag
of a key is its name with dashes for dots, that of ` + "`jobs`" + ` is ` + "`--job`" + `, that of ` + "`fleets`" + `
` + "`--fleet`" + `.

`

const renderFilesReference = `
The first line of each written file says that ci-aws wrote it, with the SHA-256 of the
rest; JSON takes no comments, so that the checksums of those files are in
` + "`" + render.Manifest + "`" + `, beside them. A file whose checksum differs was edited by hand: nothing is
written then, not to any file, unless ` + "`--force`" + ` is given. Files that the description asks
for no more are named, and left. ` + "`--diff`" + ` exits with 0 where nothing would change and with
1 where something would, as diff(1) does; what looks like a secret in a line that it takes
away is hidden. With ` + "`--output json`" + ` the product is ` + "`schema`" + ` (1) and ` + "`files`" + `, a list of
` + "`{\"path\", \"state\"}`" + `, the state one of ` + "`new`, `changed` and `unchanged`" + `.
`

// writeRenderKeys sets out the keys of a description.
func writeRenderKeys(b *strings.Builder) {
	b.WriteString(renderReference)
	table := func(title string, keys []render.Key) {
		fmt.Fprintf(b, "%s| key | holds | default | |\n|---|---|---|---|\n", title)
		for _, k := range keys {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Name, holds(k.Kind), k.Default, k.What)
		}
	}
	table("", render.Keys())
	table("\nAn entry of `jobs`:\n\n", render.JobKeys())
	table("\nAn entry of its `statements`:\n\n", render.StatementKeys())
	b.WriteString(renderFilesReference)
}

// holds is what a kind of key holds, in words.
func holds(k render.Kind) string {
	switch k {
	case render.Bool:
		return "true or false"
	case render.Number:
		return "a number"
	case render.Texts:
		return "a list of texts"
	case render.FleetList:
		return "a list of lists of tags"
	case render.JobList, render.Statements:
		return "a list"
	}
	return "text"
}
