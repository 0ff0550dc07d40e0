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
	"time"
)

// clockSlack is how far GitLab's clock and a runner's may be apart before files
// are taken for older than the job.
const clockSlack = time.Minute

// compare holds what stands in a slot against the content that its fleet stores
// in this pipeline.
func (r Reading) compare(ctx context.Context, root *os.Root, s slot) (Cell, error) {
	m := s.manifest
	cell := Cell{Writer: m.Content.Fleet, Verdict: Hit, Files: []string{}, Pipeline: m.Content.Pipeline, By: m.By}
	if m.Content.Pipeline != r.Pipeline {
		cell.Verdict = Stale
		return cell, nil
	}
	var missing, wrong []string
	var old age
	for i, entry := range m.Files {
		path := slotPath(s.name, entry.Name)
		n, problem, err := compareFile(ctx, root, path, entry, m.Content, i+1)
		cell.Bytes += n
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, path)
		case err != nil:
			return cell, err
		case problem != "":
			wrong = append(wrong, path)
			if cell.Why == "" {
				cell.Why = problem
			}
		default:
			old.look(root, path, entry, r.Started)
		}
	}
	switch {
	case len(wrong) > 0:
		cell.Verdict = Corrupt
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
// in problem what differs; err is fs.ErrNotExist for a file that is not there, or
// that of the context.
func compareFile(ctx context.Context, root *os.Root, path string, entry FileEntry, c Content, n int) (read int64, problem string, err error) {
	f, size, err := openPlain(root, path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", fs.ErrNotExist
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

// age tells files that a cache gave from those that were there before.
//
// A file with the inode and the time of change that its writer noted is the
// writer's own: extracting a cache makes files anew, and only the kernel sets that
// time. So is one that was last changed before this job began, where the clocks
// agree within clockSlack. What was copied, or had its owner changed, a moment
// before the cache was restored cannot be told from a cache's file.
type age struct{ path, leftover, doubt string }

// byClock is how a leftover is worded that the clocks alone tell.
const byClock = "last changed at "

func (a *age) look(root *os.Root, path string, entry FileEntry, started time.Time) {
	if a.leftover != "" {
		return
	}
	fi, err := root.Lstat(path)
	if err != nil {
		return
	}
	inode, at := changed(fi)
	switch {
	case at.IsZero():
		a.doubt = "this system does not tell when a file was changed"
	case inode == entry.Inode && at.Equal(entry.Changed):
		a.path, a.leftover = path, "it is the very file that the writer made; no cache was extracted over it"
	case started.IsZero():
		if a.doubt == "" && entry.Changed.IsZero() {
			a.doubt = "neither the manifest nor CI_JOB_STARTED_AT tells how old the files may be"
		}
	case at.Add(clockSlack).Before(started):
		a.path, a.leftover = path, fmt.Sprintf(byClock+"%s, and this job began at %s", at.Format(time.RFC3339), started.UTC().Format(time.RFC3339))
	case at.Before(started):
		a.doubt = fmt.Sprintf("files were last changed %s before this job began, as far as the clocks agree", started.Sub(at).Round(time.Second))
	}
}

func (a *age) apply(c *Cell) {
	switch {
	case a.leftover != "":
		c.Verdict, c.Leftover, c.Why = Miss, true, a.leftover
		c.name(a.path)
	case a.doubt != "":
		c.Untold, c.Why = true, a.doubt
	}
}
