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
	"strings"
	"time"
)

// blockSize is what is made, written and compared at once, in bytes.
const blockSize = 256 << 10

// Write stores content in a folder, which it makes where it is missing, and the
// manifest last, so that a manifest always stands beside all of its files. What an
// earlier call left there is replaced. After a failure nothing of ours is left.
func Write(ctx context.Context, dir string, c Content, by Origin, now time.Time) (Manifest, error) {
	if err := c.Check(); err != nil {
		return Manifest{}, err
	}
	// The runner's helper, which stores the cache, is another user.
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // see above
		return Manifest{}, fmt.Errorf("making the folder %q: %w", dir, bare(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Manifest{}, fmt.Errorf("opening the folder %q: %w", dir, bare(err))
	}
	defer func() { _ = root.Close() }() // nothing is written through it
	if err := clearFolder(root); err != nil {
		return Manifest{}, fmt.Errorf("clearing %q: %w", dir, err)
	}
	m := Manifest{Content: c, By: by, Written: now.UTC()}
	if err := m.write(ctx, root); err != nil {
		return Manifest{}, fmt.Errorf("writing %q: %w", dir, errors.Join(err, clearFolder(root)))
	}
	return m, nil
}

func (m *Manifest) write(ctx context.Context, root *os.Root) error {
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
	return nil
}

// clearFolder removes what a writer leaves, the manifest first, and nothing else.
func clearFolder(root *os.Root) error {
	names := []string{ManifestName, unfinished}
	dir, err := root.Open(".")
	if err != nil {
		return bare(err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		return bare(err)
	}
	for _, e := range entries {
		if isFileName(e.Name()) {
			names = append(names, e.Name())
		}
	}
	for _, name := range names {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the file %s: %w", name, bare(err))
		}
	}
	return nil
}

// maxEntries is how many entries of a folder are looked at.
const maxEntries = 10_000

// unfinished is the manifest while it is written.
const unfinished = ManifestName + ".new"

// writeFile makes a file that was not there before; a link in its place is not
// followed.
func writeFile(ctx context.Context, root *os.Root, name string, from io.Reader) (FileEntry, error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return FileEntry{}, err
	}
	sum := sha256.New()
	_, err = io.CopyBuffer(onlyWriter{io.MultiWriter(f, sum)}, cancelled{ctx, from}, make([]byte, blockSize))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return FileEntry{}, err
	}
	fi, err := root.Lstat(name)
	if err != nil {
		return FileEntry{}, err
	}
	inode, at := changed(fi)
	return FileEntry{name, hex.EncodeToString(sum.Sum(nil)), inode, at}, nil
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
