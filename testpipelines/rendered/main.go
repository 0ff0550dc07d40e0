// Command rendered judges what ci-aws render wrote into the folders that it is
// given, by the libraries of those whom it is for: Terraform's formatter, parser
// and evaluation, and the API types of Kubernetes, strictly. It prints a line for each
// thing that is wrong, and one with what it read. Its module is its own, since
// nothing of that belongs to ci-aws.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	var errs []error
	read := map[string]int{}
	for _, dir := range os.Args[1:] {
		errs = append(errs, policies(dir))
		errs = append(errs, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			switch {
			case filepath.Ext(path) == ".tf":
				read["HCL"]++
				errs = append(errs, terraform(path, text))
			case filepath.Base(filepath.Dir(path)) == "kubernetes":
				n, err := manifests(text)
				read["Kubernetes"] += n
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", path, err))
				}
			}
			return nil
		}))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Printf("%d files of HCL, %d objects of Kubernetes\n", read["HCL"], read["Kubernetes"])
}

// terraform parses a file and compares it with what the formatter makes of it.
func terraform(path string, text []byte) error {
	if _, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos); diags.HasErrors() {
		return diags
	}
	if formatted := hclwrite.Format(text); !bytes.Equal(formatted, text) {
		return fmt.Errorf("%s: terraform fmt changes it to\n%s", path, formatted)
	}
	return nil
}

// manifests decodes each document into its API type; a field that the type does
// not have is an error, and so is one that stands there twice.
func manifests(text []byte) (int, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(core.AddToScheme(scheme), rbac.AddToScheme(scheme)); err != nil {
		return 0, err
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	n := 0
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if onlyComments(document) {
			continue
		}
		if _, _, err := decoder.Decode(document, nil, nil); err != nil {
			return n, err
		}
		n++
	}
}

func onlyComments(document []byte) bool {
	for line := range strings.Lines(string(document)) {
		if line = strings.TrimSpace(line); line != "" && line != "---" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}
