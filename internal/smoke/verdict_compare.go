package smoke

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// compare holds what stands in a slot against the content that its fleet stores
// in this pipeline.
func (r Reading) compare(ctx context.Context, root *os.Root, s slot) (Cell, error) {
	m := s.manifest
	cell := Cell{Writer: m.Content.Fleet, Verdict: Hit, Files: []string{}, Pipeline: m.Content.Pipeline, By: m.By}
	if m.Content.Pipeline != r.Pipeline {
		cell.Verdict = Stale
		return cell, nil
	}
	var missing, wrong, kept []string
	sameHost := m.By.Host == r.By.Host
	var old age
	for i, entry := range m.Files {
		path := slotPath(s.name, entry.Name)
		n, problem, err := compareFile(ctx, root, path, entry, m.Content, i+1)
		cell.Bytes += n
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, path)
		case errors.Is(err, fs.ErrPermission):
			kept = append(kept, path)
		case err != nil:
			return cell, err
		case problem != "":
			wrong = append(wrong, path)
			if cell.Why == "" {
				cell.Why = problem
			}
		default:
			old.look(root, path, entry, sameHost, r.Started)
		}
	}
	switch {
	case len(wrong) > 0:
		cell.Verdict = Corrupt
	case len(kept) > 0:
		cell.Verdict, cell.Why, wrong = Unreadable, keptOut, kept
	case len(missing) > 0:
		cell.Verdict, wrong = Partial, missing
	default:
		old.apply(&cell)
	}
	for _, path := range wrong {
		cell.name(path)
	}
	return cell, nil
}

// compareFile reads a file and the bytes that it must hold side by side. It says
// in problem what differs; err is fs.ErrNotExist for a file that is not there,
// fs.ErrPermission for one that this job may not read, or that of the context.
func compareFile(ctx context.Context, root *os.Root, path string, entry FileEntry, c Content, n int) (read int64, problem string, err error) {
	f, size, err := openPlain(root, path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", fs.ErrNotExist
	}
	if errors.Is(err, fs.ErrPermission) {
		return 0, "", fs.ErrPermission
	}
	if err != nil {
		return 0, bare(err).Error(), nil
	}
	defer f.Close()
	if size != c.Size {
		return 0, fmt.Sprintf("it has %d bytes, not %d", size, c.Size), nil
	}
	want := c.open(n)
	sum := sha256.New()
	a, b := make([]byte, blockSize), make([]byte, blockSize)
	for read < c.Size {
		if err := ctx.Err(); err != nil {
			return read, "", err
		}
		k := int(min(blockSize, c.Size-read))
		if _, err := io.ReadFull(want, b[:k]); err != nil {
			return read, "", err
		}
		if _, err := io.ReadFull(f, a[:k]); err != nil {
			return read, fmt.Sprintf("it cannot be read at byte %d: %v", read, bare(err)), nil
		}
		if !bytes.Equal(a[:k], b[:k]) {
			return read, fmt.Sprintf("it differs from byte %d on", read+int64(firstDifference(a[:k], b[:k]))), nil
		}
		sum.Write(b[:k])
		read += int64(k)
	}
	if hex.EncodeToString(sum.Sum(nil)) != entry.SHA256 {
		return read, "its SHA-256 in the manifest is another", nil
	}
	return read, "", nil
}

func firstDifference(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}
