package smoke

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// Result is what one reader got. As JSON it stands under "smoke" beside the
// findings of smoke read.
type Result struct {
	Pipeline    string `json:"pipeline"`
	Reader      Side   `json:"reader"`
	FallbackKey string `json:"fallback_key"` // CACHE_FALLBACK_KEY of the reader's job
	Cells       []Cell `json:"cells"`        // in the order in which fleets were expected
}

// MarshalJSON keeps every text as it is, and yet fit for a job's log.
func (r Result) MarshalJSON() ([]byte, error) {
	type plain Result
	raw, err := json.Marshal(plain(r))
	return safeJSON(raw), err
}

// Side is a job and the fleet that it ran on.
type Side struct {
	Fleet string `json:"fleet"`
	Origin
}

// Bounds of a result file.
const (
	maxResult = 4 << 20 // bytes
	maxCells  = 200
)

// missingFile is a result that is not there.
type missingFile struct{ path string }

func (e *missingFile) Error() string {
	if strings.ContainsAny(e.path, "*?[") {
		return "no file fits this pattern"
	}
	return "there is no such file"
}

// ReadResult reads the file of a result.
func ReadResult(path string) (Result, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return Result{}, &missingFile{path}
	}
	if err != nil {
		return Result{}, bare(err)
	}
	defer func() { _ = root.Close() }() // nothing is written through it
	f, size, err := openPlain(root, filepath.Base(path))
	if errors.Is(err, fs.ErrNotExist) {
		return Result{}, &missingFile{path}
	}
	if err != nil {
		return Result{}, bare(err)
	}
	defer f.Close()
	if size > maxResult {
		return Result{}, fmt.Errorf("it is larger than %s", SizeText(maxResult))
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxResult))
	if err != nil {
		return Result{}, bare(err)
	}
	return ParseResult(raw)
}

// ParseResult reads the JSON of smoke read, schema 1. A verdict that it does not
// know makes the whole result unusable. Its errors show nothing of the text but
// numbers.
func ParseResult(raw []byte) (Result, error) {
	var in struct {
		Schema   int             `json:"schema"`
		Verdict  json.RawMessage `json:"verdict"`
		Findings json.RawMessage `json:"findings"`
		Smoke    *Result         `json:"smoke"`
	}
	if err := decode(raw, &in, &in.Schema); err != nil {
		return Result{}, err
	}
	if in.Smoke == nil {
		return Result{}, errors.New(`it has no "smoke": it is not what smoke read --output json writes`)
	}
	r := *in.Smoke
	if err := CheckPipeline(r.Pipeline); err != nil {
		return Result{}, errors.New("its pipeline is none")
	}
	if len(r.Cells) == 0 || len(r.Cells) > maxCells {
		return Result{}, fmt.Errorf("it has %d verdicts: want 1 to %d", len(r.Cells), maxCells)
	}
	for i, c := range r.Cells {
		switch {
		case CheckFleet(c.Writer) != nil:
			return Result{}, fmt.Errorf("its verdict %d names no fleet", i+1)
		case !c.Verdict.known():
			return Result{}, fmt.Errorf("its verdict %d is none that this program knows", i+1)
		case c.Bytes < 0 || c.More < 0 || len(c.Files) > maxNamed:
			return Result{}, fmt.Errorf("its verdict %d has numbers that cannot be", i+1)
		}
	}
	return r, nil
}

// FleetText is the fleet of a text: its tags without white space round them, as
// Fleet.String has them. Unlike ParseFleet it refuses nothing.
func FleetText(text string) string { return strings.Join(tagsOf(text), ",") }

func tagsOf(text string) []string {
	tags := strings.Split(text, ",")
	for i, t := range tags {
		tags[i] = strings.TrimFunc(t, unicode.IsSpace)
	}
	return tags
}

// sameFleet reports whether two texts name one fleet; the order of tags is of no
// account, as it is to GitLab.
func sameFleet(a, b string) bool {
	return a == b || Fleet{tagsOf(a)}.same(Fleet{tagsOf(b)})
}

// holdsFleet reports whether a has every tag of the fleet b, and more.
func holdsFleet(a, b string) bool {
	tags, wanted := tagsOf(a), tagsOf(b)
	return len(tags) > len(wanted) && !slices.ContainsFunc(wanted, func(t string) bool { return !slices.Contains(tags, t) })
}

// indexOf finds a fleet; it is -1 for none.
func indexOf(fleets []string, fleet string) int {
	return slices.IndexFunc(fleets, func(f string) bool { return sameFleet(f, fleet) })
}
