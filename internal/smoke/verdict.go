package smoke

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

// Verdict is what a reader got of a fleet.
type Verdict string

// The verdicts of a reader. Only Hit is good.
const (
	Hit     Verdict = "hit"     // every byte that the writer stored for this pipeline
	Miss    Verdict = "miss"    // nothing, or what a writer left lying in the workspace
	Stale   Verdict = "stale"   // what another pipeline stored
	Corrupt Verdict = "corrupt" // files that hold something else; Files names them
	Partial Verdict = "partial" // not all files; Files names those that are missing

	Unproven   Verdict = "not proven" // every byte, and yet no proof of a cache between the two; Why says why
	Unreadable Verdict = "unreadable" // files that this job may not read; Files names them
)

func (v Verdict) known() bool {
	return slices.Contains([]Verdict{Hit, Miss, Stale, Corrupt, Partial, Unproven, Unreadable}, v)
}

// Cell is what one reader got of one writer's fleet.
type Cell struct {
	Writer   string   `json:"writer"` // the fleet
	Verdict  Verdict  `json:"verdict"`
	Files    []string `json:"files"`    // that are corrupt or missing, at most maxNamed
	More     int      `json:"more"`     // how many of them are not in Files
	Why      string   `json:"why"`      // in words of our own, "" where the verdict says all
	Leftover bool     `json:"leftover"` // of a Miss: the files are the writer's own, not a cache's
	Untold   bool     `json:"untold"`   // of a Hit: whether it is a leftover cannot be told, Why says why
	Pipeline string   `json:"pipeline"` // that stored what was found
	By       Origin   `json:"by"`       // who says to have stored it
	Bytes    int64    `json:"bytes"`    // that were compared
	Seconds  float64  `json:"seconds"`
}

// maxNamed is how many files a cell names.
const maxNamed = 5

func (c *Cell) name(file string) {
	if len(c.Files) == maxNamed {
		c.More++
		return
	}
	c.Files = append(c.Files, file)
}

// Reading is what a reader looks for.
type Reading struct {
	Dir         string   // holds a folder for each fleet, or is the one of the only fleet
	Expect      []string // the fleets
	Pipeline    string
	Fleet       string    // the reader's own, "" if not known
	By          Origin    // the reader's job
	FallbackKey string    // CACHE_FALLBACK_KEY of the reader's job
	Started     time.Time // CI_JOB_STARTED_AT, by GitLab's clock; zero if not known
	Now         func() time.Time
}

// slot is a folder in which a writer may have been.
type slot struct {
	name     string // "" is the folder itself
	manifest Manifest
	err      error // why the manifest cannot be used; nil with a manifest
	none     bool  // there is no manifest
	orphans  bool  // files of a writer stand there without one
}

// maxSlots is how many folders are looked at.
const maxSlots = 1000

// Read gives a verdict for each fleet that is expected, in that order. It follows
// no link below the folder. A folder that is missing gives misses, one that this job
// may not read is unreadable for all; one that cannot be read for another reason is
// an error, and so is a context that ends.
func Read(ctx context.Context, r Reading) (Result, error) {
	result := Result{Pipeline: r.Pipeline, Reader: Side{r.Fleet, r.By}, FallbackKey: r.FallbackKey, Cells: []Cell{}}
	if err := CheckPipeline(r.Pipeline); err != nil {
		return result, err
	}
	for _, fleet := range r.Expect {
		if err := CheckFleet(fleet); err != nil {
			return result, err
		}
	}
	root, err := os.OpenRoot(r.Dir)
	var slots []slot
	if err == nil {
		defer func() { _ = root.Close() }() // nothing is written through it
		slots, err = findSlots(root)
	}
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, fs.ErrPermission):
		for _, fleet := range r.Expect {
			result.Cells = append(result.Cells, Cell{Writer: fleet, Verdict: Unreadable, Files: []string{r.Dir}, Why: keptOut})
		}
		return result, nil
	default:
		return result, fmt.Errorf("opening the folder %q: %w", r.Dir, bare(err))
	}
	for _, fleet := range r.Expect {
		cell, err := r.judge(ctx, root, slots, fleet)
		if err != nil {
			return result, err
		}
		result.Cells = append(result.Cells, cell.proven(result.Reader))
	}
	doubtful(slots, result.Cells)
	return result, nil
}

// keptOut is how the system says that a job may not read a file.
const keptOut = "permission denied"

// proven is the cell of that reader: a hit where the runner that wrote for another
// fleet is the reader's own proves nothing between the two.
func (c Cell) proven(reader Side) Cell {
	if c.Verdict == Hit && reader.Fleet != "" && !sameFleet(reader.Fleet, c.Writer) && c.By.Runner != "" && c.By.Runner == reader.Runner {
		c.Verdict, c.Untold, c.Why = Unproven, false, ""
	}
	return c
}

// oneRunner reports whether that is why a cell proves nothing.
func (c Cell) oneRunner() bool { return c.Verdict == Unproven && c.Why == "" }

// findSlots looks at the folder and at the folders in it, in the order of their names.
func findSlots(root *os.Root) ([]slot, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	names := []string{"."}
	for _, e := range entries {
		if e.IsDir() && len(names) <= maxSlots {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	var slots []slot
	for _, name := range names {
		s := findSlot(root, name)
		if !s.none || s.orphans {
			slots = append(slots, s)
		}
	}
	return slots, nil
}

func findSlot(root *os.Root, name string) slot {
	s := slot{name: name}
	m, err := readManifest(root, slotPath(name, ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		s.none = true
		_, err := root.Lstat(slotPath(name, fileName(1)))
		s.orphans = err == nil
		return s
	}
	s.manifest, s.err = m, bare(err)
	return s
}

// openPlain opens a regular file, and neither follows a link nor waits for a pipe.
func openPlain(root *os.Root, path string) (*os.File, int64, error) {
	named, err := root.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !named.Mode().IsRegular() {
		return nil, 0, errors.New("it is not a regular file")
	}
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(named, opened) {
		err = errors.New("it was replaced while it was opened")
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, opened.Size(), nil
}

// judge looks at every slot that claims the fleet. Where several do, one that
// holds the fleet's content is enough: nobody can make that up for another fleet.
func (r Reading) judge(ctx context.Context, root *os.Root, slots []slot, fleet string) (Cell, error) {
	began := r.Now()
	var best *Cell
	for _, s := range slots {
		if s.none || s.err != nil || !sameFleet(s.manifest.Content.Fleet, fleet) {
			continue
		}
		cell, err := r.compare(ctx, root, s)
		if err != nil {
			return Cell{}, err
		}
		if best == nil || cell.Verdict == Hit {
			best = &cell
		}
		if cell.Verdict == Hit {
			break
		}
	}
	if best == nil {
		best = &Cell{Verdict: Miss, Files: []string{}}
	}
	best.Writer, best.Seconds = fleet, r.Now().Sub(began).Seconds()
	return *best, nil
}

// doubtful looks at folders that do not tell whose they are: a manifest that
// cannot be read, or files without one. Where no more fleets are missed than there
// are such folders, each may be one of theirs, and has its verdict. Where more are
// missed some surely are, and the folders are told beside the misses.
func doubtful(slots []slot, cells []Cell) {
	var all Cell
	bad := 0
	for _, s := range slots {
		verdict, why := Partial, "files of a writer stand there without their manifest; whose they are cannot be told"
		switch {
		case errors.Is(s.err, fs.ErrPermission):
			verdict, why = Unreadable, keptOut
		case s.err != nil:
			verdict, why = Corrupt, s.err.Error()+"; whose it is cannot be told"
		case !s.orphans:
			continue
		}
		bad++
		if all.Verdict != Corrupt && (all.Verdict == "" || verdict == Corrupt || verdict == Unreadable && all.Verdict == Partial) {
			all.Verdict, all.Why = verdict, why
		}
		all.name(slotPath(s.name, ManifestName))
	}
	missed := 0
	for _, c := range cells {
		if c.Verdict == Miss && c.Pipeline == "" {
			missed++
		}
	}
	for i := range cells {
		c := &cells[i]
		if bad == 0 || c.Verdict != Miss || c.Pipeline != "" {
			continue
		}
		c.Files, c.More, c.Why = slices.Clone(all.Files), all.More, all.Why
		if missed <= bad {
			c.Verdict = all.Verdict
		}
	}
}
