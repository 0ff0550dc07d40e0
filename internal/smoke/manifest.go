// Package smoke is the test of the cache between fleets of runners. A writer on
// each fleet stores content that follows from the pipeline and the fleet alone; a
// reader on another fleet recomputes it and compares what its cache gave, byte by
// byte; a report joins the readers' results into a matrix. No verdict rests on a
// line of a job's log, nor on what a manifest claims.
package smoke

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

// ManifestName is the file that a writer leaves beside its content, last of all.
const ManifestName = "manifest.json"

// maxManifest is above what MaxFiles entries and the longest fleet need, in bytes.
const maxManifest = 1 << 20

// Origin is the job that wrote or read.
type Origin struct {
	Job    string `json:"job"`    // CI_JOB_ID
	Runner string `json:"runner"` // CI_RUNNER_ID
	Host   string `json:"host"`   // its host's name, of a pod the pod's
}

// Manifest is what a writer says of its content. A reader believes none of it: it
// says which content to expect, and that is recomputed.
type Manifest struct {
	Content Content
	By      Origin
	Written time.Time
	Files   []FileEntry
}

// FileEntry is one file as its writer left it. Inode and the times tell the
// writer's own file from one that came out of a cache: see age. Zero is not known.
type FileEntry struct {
	Name     string    `json:"name"`
	SHA256   string    `json:"sha256"`
	Inode    uint64    `json:"inode"`
	Changed  time.Time `json:"changed"`
	Born     time.Time `json:"born"`
	Modified time.Time `json:"modified"`
}

type manifestJSON struct {
	Schema   int         `json:"schema"`
	Fleet    string      `json:"fleet"`
	Pipeline string      `json:"pipeline"`
	Job      string      `json:"job"`
	Runner   string      `json:"runner"`
	Host     string      `json:"host"`
	Written  time.Time   `json:"written"`
	Size     int64       `json:"size"`
	Files    []FileEntry `json:"files"`
}

// JSON is the manifest as its file has it.
func (m Manifest) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(manifestJSON{ // strings, numbers and times of this century, which always encode
		1, m.Content.Fleet, m.Content.Pipeline, m.By.Job, m.By.Runner, m.By.Host, m.Written.UTC(), m.Content.Size, m.Files,
	})
	return safeJSON(b.Bytes())
}

// safeJSON escapes in JSON's own way what could leave its line, turn its reading
// or fold a job's log: such characters stand in strings only.
func safeJSON(raw []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(raw) {
		switch {
		case r == '\n' || unicode.IsPrint(r) && !unicode.Is(unicode.Bidi_Control, r):
			b.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	raw = bytes.ReplaceAll(b.Bytes(), []byte("section_start:"), []byte(`section_start\u003a`))
	return bytes.ReplaceAll(raw, []byte("section_end:"), []byte(`section_end\u003a`))
}

// parseManifest reads a manifest, which may hold anything. The names of its
// files must be those that a writer gives, in order. Its errors show nothing of
// the text but numbers.
func parseManifest(raw []byte) (Manifest, error) {
	var in manifestJSON
	if err := decode(raw, &in, &in.Schema); err != nil {
		return Manifest{}, err
	}
	m := Manifest{
		Content: Content{Pipeline: in.Pipeline, Fleet: in.Fleet, Size: in.Size, Files: len(in.Files)},
		By:      Origin{in.Job, in.Runner, in.Host}, Written: in.Written, Files: in.Files,
	}
	if err := m.Content.Check(); err != nil {
		return Manifest{}, err
	}
	for i, f := range in.Files {
		if f.Name != fileName(i+1) {
			return Manifest{}, fmt.Errorf("its file %d is not called %s", i+1, fileName(i+1))
		}
	}
	return m, nil
}

// decode reads one JSON object of schema 1, and nothing behind it. Its names are
// those of into, letter by letter, and none stands twice in one object.
func decode(raw []byte, into any, schema *int) error {
	if !utf8.Valid(raw) {
		return errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(into); err != nil {
		return undecodable(err, *schema)
	}
	if rest := bytes.TrimSpace(raw[d.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("something follows the JSON at byte %d", d.InputOffset())
	}
	if *schema != 1 {
		return otherSchema(*schema)
	}
	if err := checkNames(json.NewDecoder(bytes.NewReader(raw))); err != nil {
		return err
	}
	d = json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return errors.New("it has a name that this program does not know")
	}
	return nil
}

// checkNames refuses a name that stands twice in an object, and one of other than
// small letters: encoding/json takes both. It is given what it can read.
func checkNames(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') && t != json.Delim('[') {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if t == json.Delim('{') {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			switch {
			case seen[name]:
				return fmt.Errorf("a name stands twice in one object, at byte %d", d.InputOffset())
			case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_0123456789") != "":
				return errors.New("it has a name that this program does not know")
			}
			seen[name] = true
		}
		if err := checkNames(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// undecodable says in words of our own what JSON's reader says, which would quote
// the text.
func undecodable(err error, schema int) error {
	wrong, isType := errors.AsType[*json.UnmarshalTypeError](err)
	broken, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	case isSyntax:
		return fmt.Errorf("it is not JSON at byte %d", broken.Offset)
	case schema != 0 && schema != 1:
		return otherSchema(schema)
	case isType:
		return fmt.Errorf("the value at byte %d is of another kind than it must be", wrong.Offset)
	}
	return errors.New("one of its times is none")
}

// schemaError is a file of another version than this program's.
type schemaError struct{ schema int }

func (e *schemaError) Error() string {
	return fmt.Sprintf("it is of schema %d, and this program knows 1", e.schema)
}

func otherSchema(n int) error {
	if n == 0 {
		return errors.New("it has no schema")
	}
	return &schemaError{n}
}

// short is the begin of a foreign text, in quotes.
func short(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return catalogue.Quote(s)
}

// SizeText words a number of bytes: "10 MiB", "1000 bytes".
func SizeText(n int64) string {
	for _, u := range units {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + " " + u.name
		}
	}
	if n == 1 {
		return "1 byte"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

var units = [...]struct {
	name string
	size int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// ParseSize reads a number of bytes: 4096, 64KiB, 1MiB, 1 GiB.
func ParseSize(text string) (int64, error) {
	number, unit := text, int64(1)
	for _, u := range units {
		if before, ok := cutUnit(text, u.name); ok {
			number, unit = before, u.size
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > (1<<62)/unit {
		return 0, fmt.Errorf("%s is not a size such as 64KiB or 1MiB", short(text))
	}
	return n * unit, nil
}

func cutUnit(text, unit string) (string, bool) {
	if len(text) <= len(unit) || !strings.EqualFold(text[len(text)-len(unit):], unit) {
		return "", false
	}
	return strings.TrimSpace(text[:len(text)-len(unit)]), true
}
