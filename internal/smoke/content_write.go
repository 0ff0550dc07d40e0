package smoke

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// blockSize is what is made, written and compared at once, in bytes.
const blockSize = 256 << 10

// ForeignError is a file in a writer's folder that no writer made.
type ForeignError struct{ Name string }

func (e *ForeignError) Error() string { return "the folder holds a " + e.Name + " that is not ours" }

// Write stores content in a folder, which it makes where it is missing, and the
// manifest last, so that a manifest always stands beside all of its files. What an
// earlier call left there is replaced, as its manifest lists it; where another file
// is in the way nothing is removed, and the error is a *ForeignError. After a
// failure nothing of ours is left. Every user may read what is written.
func Write(ctx context.Context, dir string, c Content, by Origin, now time.Time) (Manifest, error) {
	if err := c.Check(); err != nil {
		return Manifest{}, err
	}
	if err := makeFolder(dir); err != nil {
		return Manifest{}, fmt.Errorf("making the folder %q: %w", dir, bare(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Manifest{}, fmt.Errorf("opening the folder %q: %w", dir, bare(err))
	}
	defer func() { _ = root.Close() }() // nothing is written through it
	old, err := ours(root, c.Files)
	if err == nil {
		err = remove(root, old)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("clearing %q: %w", dir, err)
	}
	m := Manifest{Content: c, By: by, Written: now.UTC()}
	if err := m.write(ctx, root); err != nil {
		return Manifest{}, fmt.Errorf("writing %q: %w", dir, errors.Join(err, remove(root, names(c.Files))))
	}
	return m, nil
}

// makeFolder makes a folder, and those above it that are missing. The runner's
// helper, which stores the cache, is another user.
func makeFolder(dir string) error {
	var made []string
	for path := filepath.Clean(dir); ; path = filepath.Dir(path) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			break
		}
		made = append(made, path)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // see above
		return err
	}
	for _, path := range made {
		if err := os.Chmod(path, 0o755); err != nil { //nolint:gosec // see above
			return err
		}
	}
	return nil
}

// names are all files of a writer, in the order in which they are removed.
func names(files int) []string {
	all := []string{ManifestName, unfinished}
	for n := range files {
		all = append(all, fileName(n+1))
	}
	return append(all, begun)
}

// ours lists the files of an earlier writer: those that its manifest names, or the
// one that it began. It looks at all before anything is removed, and refuses what
// stands in the way of as many new files and is none of these.
func ours(root *os.Root, files int) ([]string, error) {
	var old []string
	for _, name := range []string{begun, ManifestName} {
		m, err := readManifest(root, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("the file %s: %w", name, bare(err))
		case err == nil:
			old = append(old, names(m.Content.Files)...)
		case !slices.Contains(old, name):
			return nil, &ForeignError{name}
		}
	}
	for _, name := range slices.Concat(names(files), old) {
		fi, err := root.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("the file %s: %w", name, bare(err))
		case fi.IsDir() || !slices.Contains(old, name):
			return nil, &ForeignError{name}
		}
	}
	return old, nil
}

func readManifest(root *os.Root, name string) (Manifest, error) {
	f, size, err := openPlain(root, name)
	if err != nil {
		return Manifest{}, err
	}
	defer f.Close()
	if size > maxManifest {
		return Manifest{}, fmt.Errorf("it is larger than %s", SizeText(maxManifest))
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return Manifest{}, err
	}
	return parseManifest(raw)
}

func remove(root *os.Root, names []string) error {
	for _, name := range names {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the file %s: %w", name, bare(err))
		}
	}
	return nil
}

func (m *Manifest) write(ctx context.Context, root *os.Root) error {
	plan := *m
	for n := 1; n <= m.Content.Files; n++ {
		plan.Files = append(plan.Files, FileEntry{Name: fileName(n)})
	}
	if _, err := writeFile(ctx, root, begun, strings.NewReader(string(plan.JSON()))); err != nil {
		return fmt.Errorf("file %s: %w", begun, bare(err))
	}
	for n := 1; n <= m.Content.Files; n++ {
		entry, err := writeFile(ctx, root, fileName(n), m.Content.open(n))
		if err != nil {
			return fmt.Errorf("file %s: %w", fileName(n), bare(err))
		}
		m.Files = append(m.Files, entry)
	}
	if _, err := writeFile(ctx, root, unfinished, strings.NewReader(string(m.JSON()))); err != nil {
		return fmt.Errorf("file %s: %w", ManifestName, bare(err))
	}
	if err := root.Rename(unfinished, ManifestName); err != nil {
		return fmt.Errorf("file %s: %w", ManifestName, bare(err))
	}
	return remove(root, []string{begun})
}

// maxEntries is how many entries of a folder are looked at.
const maxEntries = 10_000

const (
	// unfinished is the manifest while it is written.
	unfinished = ManifestName + ".new"
	// begun is a manifest without sums. It stands there while a writer writes, and
	// says of one that was killed which files are its.
	begun = ManifestName + ".begun"
)

// writeFile makes a file that was not there before; a link in its place is not
// followed.
func writeFile(ctx context.Context, root *os.Root, name string, from io.Reader) (FileEntry, error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return FileEntry{}, err
	}
	sum := sha256.New()
	_, err = io.CopyBuffer(onlyWriter{io.MultiWriter(f, sum)}, cancelled{ctx, from}, make([]byte, blockSize))
	if err == nil {
		err = f.Chmod(0o644) // whatever the umask
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return FileEntry{}, err
	}
	var s stamp
	if err := s.read(root, name); err != nil {
		return FileEntry{}, err
	}
	return s.entry(name, hex.EncodeToString(sum.Sum(nil))), nil
}

// onlyWriter keeps io.CopyBuffer to the buffer that it was given.
type onlyWriter struct{ io.Writer }

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// bare takes the path from a file error, where it stands already.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		return le.Err
	}
	return err
}

// slotPath is a file of a slot as people see it.
func slotPath(slot, name string) string { return filepath.ToSlash(filepath.Join(slot, name)) }
