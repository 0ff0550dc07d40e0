package render_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gitlab.com/ci-aws/ci-aws/internal/render"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

var update = flag.Bool("update", false, "write testdata anew from what is rendered now")

// setUps are the descriptions of testdata: the reference set-up, long and short,
// and one that has every key.
var setUps = []string{"long", "short", "everything"}

// complete reads a description that nothing is wrong with.
func complete(t testing.TB, text string) render.Description {
	t.Helper()
	d, err := render.Read("ci-aws.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if d, err = d.Complete(); err != nil {
		t.Fatal(err)
	}
	return d
}

func described(t testing.TB, setUp string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", setUp, "ci-aws.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rendered gives the files of a set-up of testdata by their paths.
func rendered(t testing.TB, setUp string) map[string]string {
	t.Helper()
	return byPath(render.Files(complete(t, described(t, setUp)), "ci-aws.yaml"))
}

func byPath(files []render.File) map[string]string {
	all := map[string]string{}
	for _, f := range files {
		all[f.Path] = f.Text
	}
	return all
}

// node walks a YAML document: keys of mappings, numbers of lists.
type node struct{ any }

func documents(t testing.TB, text string) []node {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var all []node
	for {
		var v any
		if err := d.Decode(&v); err != nil {
			if err.Error() == "EOF" {
				return all
			}
			t.Fatalf("%v in %s", err, text)
		}
		if v != nil {
			all = append(all, node{v})
		}
	}
}

func (n node) at(path ...string) any {
	v := n.any
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func flagged(text string) []report.Value { return []report.Value{{Text: text, From: "--flag"}} }

func without(text, line string) string { return strings.Replace(text, line+"\n", "", 1) }
