package runner

import (
	"errors"
	"io"
	"time"
)

// Outcome is what a job's log says of one cache. "Successfully extracted cache"
// and "Created cache" stand in the log of a purely local cache, too, and do not
// make a Hit or Uploaded by themselves.
type Outcome string

// The outcomes. The last is also that of a cache whose end the log does not say,
// or whose end says nothing of the shared cache server.
const (
	Hit       Outcome = "hit"        // restored from the shared cache server
	Local     Outcome = "local"      // restored from what lay on the runner already
	Miss      Outcome = "miss"       // the server does not have it
	Uploaded  Outcome = "uploaded"   // stored on the server
	Present   Outcome = "present"    // not stored, since the server has it already
	UpToDate  Outcome = "up-to-date" // not stored, since nothing has changed on the runner
	TooLarge  Outcome = "too-large"  // above MaxUploadedArchiveSize, and not stored
	Empty     Outcome = "empty"      // no file to store
	NoURL     Outcome = "no-url"     // the manager gave no URL: nothing was fetched or stored
	Denied    Outcome = "denied"     // the server answered 403
	Failed    Outcome = "failed"     // anything else that went wrong
	Policy    Outcome = "policy"     // not asked for: the cache's policy
	Skipped   Outcome = "skipped"    // not tried: Why
	Uncertain Outcome = "unknown"
)

// How an archive travels.
const (
	Presigned = "presigned" // the manager signs a URL with its own role
	GoCloud   = "gocloud"   // RoleARN: the helper has credentials of its own
)

// CacheUse is what the runner did with one cache in one direction. Its texts are
// foreign; what could open the cache to others (a URL's query) is not in them.
type CacheUse struct {
	Save     bool // else it was to be restored
	Key      string
	Fallback bool // the key is a fallback of the cache before
	Outcome  Outcome
	URL      string // without query; "" where the log has none
	Transfer string // Presigned, GoCloud, or "" where the log does not say
	Status   string // of S3's answer: "403 Forbidden"
	Code     string // of S3's answer: "AccessDenied"
	Expected bool   // the runner says itself that the 403 may be a miss
	Why      string // the runner's reason, where it gives one
	NoRole   string // why the manager has no credentials of RoleARN
	Retries  int
	Size     int64    // of an archive that is TooLarge, in bytes
	Limit    int64    // MaxUploadedArchiveSize, in bytes
	Bare     []string // paths that match no file
	Lines    []string // lines that were not understood, cleaned

	// Began and Ended are known from the lines' stamps, else from the section,
	// to a second; zero where the log has neither. Took is known where Timed is
	// set: not where several caches share a section without stamps.
	Began, Ended time.Time
	Took         time.Duration
	Timed        bool
}

// Asked reports whether the runner tried at all.
func (u CacheUse) Asked() bool { return u.Outcome != Policy && u.Outcome != Skipped }

// Log is what a job's log says of its caches.
type Log struct {
	Name    string     // what the reader calls it; ReadLog leaves it empty
	Runner  string     // the runner's name and short token, as the log has them
	Token   string     // the short token: what is not shared stands under it
	Caches  []CacheUse // in the order of the log
	Lines   []string   // of the caches' sections, between caches, not understood; cleaned
	Dropped int        // lines beyond those that are kept
	Lost    int        // caches beyond those that are kept
	Cut     bool       // the log reached GitLab's limit for its size
}

// What is kept of a log, whatever its size.
const (
	maxUses  = 128
	maxKept  = 40   // lines not understood
	maxField = 2048 // bytes of a text
)

// ErrUTF16 says that a log is in an encoding that no job's log has, and in which
// nothing of it could be found.
var ErrUTF16 = errors.New("it is UTF-16, as PowerShell's > writes it, and not UTF-8")

// ReadLog reads a job's log, as GitLab stores it or as its page shows it, in
// constant memory. An error is that of r, with what was read before it, or
// ErrUTF16.
func ReadLog(r io.Reader) (Log, error) {
	var p logParser
	lines := logLines{emit: p.line}
	err := lines.read(r)
	return p.finish(), err
}
