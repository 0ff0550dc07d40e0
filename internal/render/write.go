package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// State is what writing does with a file.
type State string

// The states of a file of a plan.
const (
	New       State = "new"
	Changed   State = "changed"
	Unchanged State = "unchanged"
	Edited    State = "edited" // by hand, or not of ours: only force overwrites it
)

// Planned is one file, and what is there in its place.
type Planned struct {
	File
	State State
	Old   string // "" for a new one
}

// Plan is what writing would do in an output folder.
type Plan struct {
	Dir   string
	Files []Planned
	// Stale are files that an earlier call wrote there and this one would not.
	// They are left alone.
	Stale []string
}

// EditedError names files that were edited by hand, or that something else wrote.
type EditedError struct {
	Dir   string
	Paths []string
}

func (e *EditedError) Error() string {
	return fmt.Sprintf("writing into %q: edited by hand, or not written by ci-aws: %s", report.Clean(e.Dir), strings.Join(e.Paths, ", "))
}

// Compare reads what is in an output folder, which need not be there.
func Compare(dir string, files []File) (Plan, error) {
	p := Plan{Dir: dir}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		for _, f := range files {
			p.Files = append(p.Files, Planned{f, New, ""})
		}
		return p, nil
	}
	if err != nil {
		return p, failed("reading", dir, err)
	}
	defer func() { _ = root.Close() }()
	sums, known := map[string]string{}, true
	for _, f := range files {
		old, there, err := readFile(root, f.Path)
		if err != nil {
			return p, failed("reading", path.Join(dir, f.Path), err)
		}
		if f.Path == Manifest && there {
			sums, known = sumsOf(old)
		}
		p.Files = append(p.Files, Planned{f, stateOf(f, old, there, sums, known), old})
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		if !slices.ContainsFunc(files, func(f File) bool { return f.Path == name }) && fs.ValidPath(name) {
			if _, there, err := readFile(root, name); there && err == nil {
				p.Stale = append(p.Stale, name)
			}
		}
	}
	return p, nil
}

func stateOf(f File, old string, there bool, sums map[string]string, known bool) State {
	switch {
	case !there:
		return New
	case old == f.Text:
		return Unchanged
	case f.Path == Manifest && known, f.Path != Manifest && untouched(f.Path, old, sums):
		return Changed
	}
	return Edited
}

// readFile reads a regular file that links do not lead out of the folder.
func readFile(root *os.Root, name string) (text string, there bool, err error) {
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, err
	case !info.Mode().IsRegular():
		return "", false, errors.New("it is not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err == nil && len(raw) > MaxBytes {
		err = fmt.Errorf("it is larger than %d bytes", MaxBytes)
	}
	return string(raw), true, err
}

// sumsOf reads a manifest; what it says of no file is nothing.
func sumsOf(text string) (map[string]string, bool) {
	var m manifest
	if json.Unmarshal([]byte(text), &m) != nil || m.Schema != 1 {
		return nil, false
	}
	return m.Files, true
}

// Differs reports whether anything would be written.
func (p Plan) Differs() bool {
	return slices.ContainsFunc(p.Files, func(f Planned) bool { return f.State != Unchanged })
}

// Write writes the files that are new or changed, all or none: without force it
// is an EditedError where one was edited by hand, before the first is written.
// Each is replaced as a whole; those that are as they should be are not touched.
func (p Plan) Write(force bool) error {
	var edited []string
	for _, f := range p.Files {
		if f.State == Edited {
			edited = append(edited, f.Path)
		}
	}
	if len(edited) > 0 && !force {
		return &EditedError{p.Dir, edited}
	}
	if err := os.MkdirAll(p.Dir, 0o755); err != nil { //nolint:gosec // files to be read and committed by a team
		return failed("making", p.Dir, err)
	}
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return failed("writing into", p.Dir, err)
	}
	defer func() { _ = root.Close() }()
	return p.replace(root)
}

// replace writes all texts beside their places first, so that a full disk leaves
// every file as it was.
func (p Plan) replace(root *os.Root) (err error) {
	var written []string
	defer func() {
		for _, name := range written {
			_ = root.Remove(name + temporary)
		}
	}()
	for _, f := range p.Files {
		if f.State == Unchanged {
			continue
		}
		if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil { //nolint:gosec // as above
			return failed("making", path.Dir(path.Join(p.Dir, f.Path)), err)
		}
		written = append(written, f.Path)
		if err := root.WriteFile(f.Path+temporary, []byte(f.Text), 0o644); err != nil {
			return failed("writing", path.Join(p.Dir, f.Path), err)
		}
	}
	// The manifest comes last: where this stops half-way, what it lists is still there.
	slices.Reverse(written)
	for len(written) > 0 {
		name := written[0]
		if err := root.Rename(name+temporary, name); err != nil {
			return failed("writing", path.Join(p.Dir, name), err)
		}
		written = written[1:]
	}
	return nil
}

const temporary = ".ci-aws-new"

// failed words a file's error without the path that the system's repeats.
func failed(doing, name string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		err = le.Err
	}
	return fmt.Errorf("%s %q: %w", doing, report.Clean(name), err)
}
