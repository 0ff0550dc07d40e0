package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// policies compares the policies of terraform/ and of iam/ in an output folder:
// what Terraform would send, with every template in it expanded, is what stands
// in JSON.
func policies(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "iam", "*.json"))
	if err != nil {
		return err
	}
	inJSON, inHCL := map[string]int{}, map[string]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := count(inJSON, text); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	if files, err = filepath.Glob(filepath.Join(dir, "terraform", "*.tf")); err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := evaluate(file, text, inHCL); err != nil {
			return err
		}
	}
	if !maps.Equal(inJSON, inHCL) {
		return fmt.Errorf("%s: the policies differ: iam has\n%s\nterraform has\n%s", dir, list(inJSON), list(inHCL))
	}
	return nil
}

func list(counts map[string]int) string { return strings.Join(slices.Sorted(maps.Keys(counts)), "\n") }

// count adds a document, its members in order and without white space.
func count(counts map[string]int, document []byte) error {
	var v any
	d := json.NewDecoder(bytes.NewReader(document))
	if err := d.Decode(&v); err != nil {
		return err
	}
	text, err := json.Marshal(v)
	counts[string(text)]++
	return err
}

func evaluate(file string, text []byte, counts map[string]int) error {
	parsed, diags := hclsyntax.ParseConfig(text, file, hcl.InitialPos)
	if diags.HasErrors() {
		return diags
	}
	with := &hcl.EvalContext{Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}}
	for _, block := range parsed.Body.(*hclsyntax.Body).Blocks {
		for _, name := range []string{"assume_role_policy", "policy"} {
			attribute, ok := block.Body.Attributes[name]
			if !ok {
				continue
			}
			value, diags := attribute.Expr.Value(with)
			if diags.HasErrors() {
				return diags
			}
			if value.Type() != cty.String {
				return fmt.Errorf("%s: %s is no text", file, name)
			}
			if err := count(counts, []byte(value.AsString())); err != nil {
				return fmt.Errorf("%s: %s: %w", file, name, err)
			}
		}
	}
	return nil
}
