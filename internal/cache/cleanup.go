package cache

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// What was stored is being removed for so long, also where the time of the whole
// check is up, or a signal has ended it; each call, with all its tries, has only
// a part of it, so that one which hangs leaves time for the others.
const (
	cleanupTime     = 10 * time.Second
	cleanupCallTime = 2500 * time.Millisecond
)

// track is an object that a step stores. It knows what the answers told, and
// whether there may be more: a call whose answer was lost, or that was tried
// again, may have had an effect that nobody told of.
type track struct {
	key        string
	c          client // makes the calls that store, so that their tries are counted
	calls      *counter
	present    bool     // there is an object
	versions   []string // of it, in a bucket with versions
	marks      []string // that hide it there
	uploads    []string // their ids, of parts that make no object yet
	lostObject bool     // there may be an object, or one version more
	lostMark   bool     // there may be a mark more, and nothing else
	lostUpload bool     // there may be an upload more
}

// counter counts the tries of calls, one call after the other.
type counter struct {
	aws.HTTPClient
	tries int
}

// Do is aws.HTTPClient's.
func (c *counter) Do(r *http.Request) (*http.Response, error) {
	c.tries++
	return c.HTTPClient.Do(r)
}

// track begins to watch over an object.
func (k *checker) track(key string) *track {
	t := &track{key: key, c: k.c, calls: &counter{HTTPClient: k.c.http}}
	t.c.http = t.calls
	k.tracks = append(k.tracks, t)
	return t
}

// lost says of a call that ended whether it may have done more than its answer
// tells.
func (t *track) lost(err error) bool {
	tries := t.calls.tries
	t.calls.tries = 0
	answer := answerOf(err)
	return tries > 1 || tries == 1 && err != nil && (answer.Code == "" || answer.Status == http.StatusInternalServerError)
}

// stored notes how a call ended that makes an object.
func (t *track) stored(a about, err error) {
	t.lostObject = t.lost(err)
	t.present = err == nil
	if err == nil && a.VersionID != "" && a.VersionID != nullVersion {
		t.versions = append(t.versions, a.VersionID)
	}
}

// begun notes how the call ended that begins an upload in parts.
func (t *track) begun(id string, err error) {
	t.lostUpload = t.lost(err)
	if err == nil {
		t.uploads = append(t.uploads, id)
	}
}

// completed notes how the call ended that makes an object of the parts. Asked
// once more since its answer was lost, S3 may say that there is no such upload.
func (t *track) completed(a about, err error) {
	t.stored(a, err)
	if err == nil {
		t.uploads = nil
	}
}

// marked notes how the call ended that deletes an object which is not there: a
// bucket with versions gets a mark by it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
func (t *track) marked(a about, err error) {
	t.lostMark = t.lost(err)
	if err != nil {
		return
	}
	if a.VersionID == "" {
		t.lostMark = false // the bucket keeps no versions
		return
	}
	t.marks = append(t.marks, a.VersionID)
}

// remove takes away all that the steps have stored, as far as S3 lets it. It
// has time of its own, whatever has ended the check.
func (k *checker) remove(ctx context.Context) removal {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	each := make([]cleaner, len(k.tracks))
	var all sync.WaitGroup
	for i, t := range k.tracks {
		each[i] = cleaner{checker: k, t: t}
		all.Go(func() { each[i].run(ctx) })
	}
	all.Wait()
	var r removal
	for _, c := range each {
		r.left = append(r.left, c.left...)
		if c.gone {
			r.gone++
		}
	}
	k.tracks = nil
	return r
}

// cleaner removes one object, with all that belongs to it.
type cleaner struct {
	*checker
	t       *track
	gone    bool // something was removed
	left    []leftover
	known   []string // versions, marks and uploads that were dealt with
	mark    string   // that was made, and hides what may be left
	whole   bool     // it was deleted without a version
	recheck bool     // that may have left a mark of which S3 does not tell
}

// run removes what the answers told, and only then asks for more: what is known
// goes even if S3 does not get to answer that.
func (c *cleaner) run(ctx context.Context) {
	for _, id := range c.t.uploads {
		c.abort(ctx, id)
	}
	for _, version := range c.t.versions {
		c.version(ctx, leftover{key: c.t.key, version: version})
	}
	for _, mark := range c.t.marks {
		c.version(ctx, leftover{key: c.t.key, version: mark, mark: true})
	}
	if c.t.present && len(c.t.versions) == 0 {
		c.t.lostObject = c.object(ctx)
	}
	if c.t.lostUpload {
		c.searchUploads(ctx)
	}
	if c.t.lostObject || c.t.lostMark || c.recheck {
		c.searchVersions(ctx)
	}
	switch {
	case c.mark != "" && c.left == nil:
		c.version(ctx, leftover{key: c.t.key, version: c.mark, mark: true})
	case c.mark != "":
		c.left = append(c.left, leftover{key: c.t.key, version: c.mark, mark: true})
	}
}

// note keeps what could not be removed; what is not there needs no removal.
func (c *cleaner) note(l leftover) {
	switch {
	case l.err == nil:
		c.gone = true
	case answerOf(l.err).Status == http.StatusNotFound:
		c.gone = c.gone || l.upload == "" && l.unsure == ""
	default:
		c.left = append(c.left, l)
	}
}

func (c *cleaner) abort(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, cleanupCallTime)
	defer cancel()
	c.known = append(c.known, id)
	c.note(leftover{key: c.t.key, upload: id, action: "s3:AbortMultipartUpload", err: c.c.abortUpload(ctx, c.t.key, id)})
}

func (c *cleaner) erase(ctx context.Context, version string) (about, error) {
	ctx, cancel := context.WithTimeout(ctx, cleanupCallTime)
	defer cancel()
	return c.c.deleteObject(ctx, c.t.key, version)
}

// version removes a version or a mark. A version that S3 keeps is hidden at
// least: then it is in no list, and lifecycle rules for versions that are not
// current get at it.
func (c *cleaner) version(ctx context.Context, l leftover) {
	c.known = append(c.known, l.version)
	_, l.err = c.erase(ctx, l.version)
	l.action = "s3:DeleteObjectVersion"
	c.note(l)
	if !isDenied(l.err) || l.mark || c.mark != "" {
		return
	}
	if a, err := c.erase(ctx, ""); err == nil && a.VersionID != "" {
		c.hide(a.VersionID)
	}
}

// hide notes a mark that was made.
func (c *cleaner) hide(mark string) {
	c.mark = mark
	c.known = append(c.known, mark)
}

// nullVersion is the version of all that a bucket stores while it keeps no
// versions, or keeps them no more.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html
const nullVersion = "null"

// object deletes an object of which no version is known, and says whether that
// only hides versions. A bucket that keeps versions no more puts a mark in its
// place, which goes again.
func (c *cleaner) object(ctx context.Context) (hides bool) {
	c.whole = true
	a, err := c.erase(ctx, "")
	switch {
	case err != nil:
		l := leftover{key: c.t.key, action: "s3:DeleteObject", err: err}
		if !c.t.present {
			l.unsure = unsureObject
		}
		c.note(l)
	case a.VersionID == nullVersion || a.VersionID == "" && a.Mark:
		c.version(ctx, leftover{key: c.t.key, version: nullVersion, mark: true})
	case a.VersionID != "":
		c.hide(a.VersionID)
		return true
	default:
		c.gone = true
		if c.c.endpoint.Known() {
			// S3 would have told of a mark, and MinIO does not.
			_, err := c.erase(ctx, nullVersion)
			c.recheck = isDenied(err)
		}
	}
	return false
}

func (c *cleaner) searchUploads(ctx context.Context) {
	listing, cancel := context.WithTimeout(ctx, cleanupCallTime)
	p, err := c.c.listUploads(listing, c.t.key, nil)
	cancel()
	if err != nil {
		c.note(leftover{key: c.t.key, unsure: unsureUpload, action: "s3:ListBucketMultipartUploads", err: err})
		return
	}
	for _, e := range p.Entries {
		if e.Key == c.t.key && !slices.Contains(c.known, e.UploadID) {
			c.abort(ctx, e.UploadID)
		}
	}
}

// searchVersions asks what there is of the object, marks too, and removes it.
func (c *cleaner) searchVersions(ctx context.Context) {
	listing, cancel := context.WithTimeout(ctx, cleanupCallTime)
	p, err := c.c.listVersions(listing, c.t.key, nil)
	cancel()
	if err != nil {
		c.unlisted(ctx, err)
		return
	}
	for _, e := range p.Entries {
		switch {
		case e.Key != c.t.key || slices.Contains(c.known, e.VersionID):
		case e.VersionID != nullVersion && e.VersionID != "" || e.Mark:
			c.version(ctx, leftover{key: c.t.key, version: e.VersionID, mark: e.Mark})
		case !c.whole:
			c.t.present = true
			c.object(ctx)
		}
	}
}

// unlisted is what to do where S3 does not say what there is. An object that is
// deleted without leaving a mark had no versions, and is gone.
func (c *cleaner) unlisted(ctx context.Context, err error) {
	l := leftover{key: c.t.key, action: "s3:ListBucketVersions", err: err}
	switch {
	case c.t.lostObject && len(c.t.versions) == 0 && !c.whole:
		if !c.object(ctx) {
			return
		}
		l.unsure = unsureVersion
	case c.t.lostObject:
		l.unsure = unsureVersion
	case c.t.lostMark:
		l.unsure = unsureMark
	default:
		return
	}
	c.note(l)
}
