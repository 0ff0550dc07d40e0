package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
)

// goPackage is what go list tells of a package of this module.
type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	TestGoFiles  []string
	XTestGoFiles []string
}

func listPackages(ctx context.Context) ([]goPackage, error) {
	text, err := exec.CommandContext(ctx, "go", "list", "-json", "./...").Output()
	if err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("listing the packages: %w", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p goPackage
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("reading go list: %w", err)
		}
		packages = append(packages, p)
	}
}

// starters are the packages by which a Go program starts another.
var starters = []string{"os/exec", "github.com/rogpeppe/go-internal/testscript"}

// split sorts the packages that have tests into those that start no process, by
// themselves or by a package of this module, and those that may.
func split(packages []goPackage) (cacheable, starting []string) {
	byPath := map[string]goPackage{}
	for _, p := range packages {
		byPath[p.ImportPath] = p
	}
	known := map[string]bool{}
	var starts func(imports []string) bool
	starts = func(imports []string) bool {
		for _, path := range imports {
			if slices.Contains(starters, path) {
				return true
			}
			p, ours := byPath[path]
			if !ours {
				continue
			}
			if _, seen := known[path]; !seen {
				known[path] = starts(p.Imports)
			}
			if known[path] {
				return true
			}
		}
		return false
	}
	for _, p := range packages {
		if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			continue
		}
		if starts(slices.Concat(p.Imports, p.TestImports, p.XTestImports)) {
			starting = append(starting, p.ImportPath)
		} else {
			cacheable = append(cacheable, p.ImportPath)
		}
	}
	return cacheable, starting
}
