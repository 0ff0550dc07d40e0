package smoke

import (
	"fmt"
	"os"
	"time"
)

// clockSlack is how far GitLab's clock and a runner's may be apart before files
// are taken for older than the job.
const clockSlack = time.Minute

// stamp is what the kernel notes of a file, by the clock of the machine that holds
// it. Programs set modified only. Zero is not known.
type stamp struct {
	inode    uint64
	changed  time.Time // in any way, by chmod and chown too
	born     time.Time // when it was made
	modified time.Time // its bytes
}

// entry is a file of a manifest with its stamp.
func (s stamp) entry(name, sum string) FileEntry {
	return FileEntry{name, sum, s.inode, s.changed, s.born, s.modified}
}

// read gives the stamp of a plain file.
func (s *stamp) read(root *os.Root, path string) error {
	f, _, err := openPlain(root, path)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err == nil {
		*s = stampOf(f, fi)
	}
	return err
}

// age tells files that a cache gave from those that were there before.
//
// A file with the inode and the time of change that its writer noted is the
// writer's own: extracting a cache makes files anew, and only the kernel sets that
// time. chmod and chown set it again, and leave the time of birth and that of the
// bytes. A file that was written over in place keeps its birth only, and whether a
// cache did that cannot be told. Clocks alone accuse nobody: they raise doubt where
// a file seems older than the job by more than clockSlack. What was copied cannot be
// told from a cache's file.
type age struct {
	path            string
	leftover, doubt string
	old             string // what the clocks alone say
}

// ownFile is a leftover that the kernel's notes prove.
const ownFile = "it is the very file that the writer made; no cache was extracted over it"

func (a *age) look(root *os.Root, path string, entry FileEntry, sameHost bool, started time.Time) {
	if a.leftover != "" {
		return
	}
	var now stamp
	if err := now.read(root, path); err != nil {
		return
	}
	sameInode := now.inode != 0 && now.inode == entry.Inode
	born := !now.born.IsZero() && !entry.Born.IsZero() // known, then and now
	switch {
	case now.changed.IsZero():
		a.doubt = "this system does not tell when a file was changed"
		return
	case sameInode && now.changed.Equal(entry.Changed):
		a.path, a.leftover = path, ownFile
		return
	case sameInode && born && now.born.Equal(entry.Born):
		if now.modified.Equal(entry.Modified) {
			a.path, a.leftover = path, ownFile
			return
		}
		a.doubt = "a file is the writer's own, and something wrote over it"
	case sameInode && !born && sameHost:
		a.doubt = "a file has the inode that its writer noted, and this system does not tell when it was made"
	case started.IsZero() && entry.Changed.IsZero() && a.doubt == "":
		a.doubt = "neither the manifest nor CI_JOB_STARTED_AT tells how old the files may be"
	}
	switch {
	case started.IsZero():
	case now.changed.Add(clockSlack).Before(started):
		why := fmt.Sprintf("last changed at %s, and this job began at %s", now.changed.Format(time.RFC3339), started.UTC().Format(time.RFC3339))
		switch {
		case sameInode && sameHost && !born:
			a.path, a.leftover = path, why
		case a.old == "":
			a.path, a.old = path, why
		}
	case now.changed.Before(started):
		a.doubt = fmt.Sprintf("files were last changed %s before this job began, as far as the clocks agree", started.Sub(now.changed).Round(time.Second))
	}
}

func (a *age) apply(c *Cell) {
	switch {
	case a.leftover != "":
		c.Verdict, c.Leftover, c.Why = Miss, true, a.leftover
		c.name(a.path)
	case a.old != "":
		c.Verdict, c.Why = Unproven, a.old
		c.name(a.path)
	case a.doubt != "":
		c.Untold, c.Why = true, a.doubt
	}
}
