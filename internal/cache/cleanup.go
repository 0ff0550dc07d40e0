package cache

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// cleanupTime is how long what was stored is being removed, also where the time
// of the whole check is up, or a signal has ended it.
const cleanupTime = 10 * time.Second

// track is an object that a step stores, from before its first call on. Until
// the call is answered nobody knows what of it there is.
type track struct {
	key      string
	inParts  bool
	untold   bool     // a call was not answered: there may be more
	present  bool     // there is an object
	versions []string // of it, in a bucket with versions
	uploads  []string // their ids, of parts that make no object yet
}

// track begins to watch over an object.
func (k *checker) track(key string) *track {
	t := &track{key: key, untold: true}
	k.tracks = append(k.tracks, t)
	return t
}

// stored notes how a call ended that makes an object, or a mark.
func (t *track) stored(a about, err error) {
	t.untold = err != nil && answerOf(err).Code == ""
	t.present = err == nil
	if err == nil && a.VersionID != "" {
		t.versions = append(t.versions, a.VersionID)
	}
}

// begun notes how the call ended that begins an upload in parts.
func (t *track) begun(id string, err error) {
	t.inParts = true
	t.untold = err != nil && answerOf(err).Code == ""
	if err == nil {
		t.uploads = append(t.uploads, id)
	}
}

// completed notes how the call ended that makes an object of the parts. Asked
// once more since its answer was lost, S3 may say that there is no such upload.
func (t *track) completed(a about, err error) {
	t.stored(a, err)
	t.untold = err != nil
	if err == nil {
		t.uploads = nil
	}
}

// leftover is what could not be removed.
type leftover struct {
	key, version, upload string
	mark                 bool // the version is a mark that only hides the object
}

func (l leftover) String() string {
	switch {
	case l.upload != "":
		return "upload " + catalogue.Quote(l.upload) + " of " + catalogue.Quote(l.key)
	case l.mark:
		return "delete marker " + catalogue.Quote(l.version) + " of " + catalogue.Quote(l.key)
	case l.version != "":
		return "version " + catalogue.Quote(l.version) + " of " + catalogue.Quote(l.key)
	}
	return catalogue.Quote(l.key)
}

// sentence names leftovers within a sentence; those beyond the first few are
// counted.
func sentence(left []leftover) string {
	const most = 2
	var names []string
	for _, l := range left[:min(len(left), most)] {
		names = append(names, l.String())
	}
	if more := len(left) - most; more > 0 {
		names = append(names, strconv.Itoa(more)+" more")
	}
	return strings.Join(names, " and ")
}

// removal is what was removed, what was not, and why not.
type removal struct {
	gone    int
	left    []leftover
	refused error  // the first refusal
	action  string // that was refused
	broken  error  // the first other error
}

func (r *removal) note(l leftover, action string, err error) {
	switch {
	case err == nil, answerOf(err).Status == http.StatusNotFound: // the upload, or all of the bucket
		r.gone++
		return
	case isDenied(err) && r.refused == nil:
		r.refused, r.action = err, action
	case !isDenied(err) && r.broken == nil:
		r.broken = err
	}
	r.left = append(r.left, l)
}

// remove takes away all that the steps have stored, as far as S3 lets it. It
// has time of its own, whatever has ended the check.
func (k *checker) remove(ctx context.Context) removal {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	var r removal
	for _, t := range k.tracks {
		k.removeTrack(ctx, t, &r)
	}
	k.tracks = nil
	return r
}

func (k *checker) removeTrack(ctx context.Context, t *track, r *removal) {
	k.find(ctx, t)
	for _, id := range t.uploads {
		r.note(leftover{key: t.key, upload: id}, "s3:AbortMultipartUpload", k.c.abortUpload(ctx, t.key, id))
	}
	hidden := false
	for _, version := range t.versions {
		_, err := k.c.deleteObject(ctx, t.key, version)
		r.note(leftover{key: t.key, version: version}, "s3:DeleteObjectVersion", err)
		if !isDenied(err) || hidden {
			continue
		}
		// What is hidden at least is in no list, and lifecycle rules for versions
		// that are not current get at it.
		if a, err := k.c.deleteObject(ctx, t.key, ""); err == nil && a.VersionID != "" {
			hidden = true
			r.left = append(r.left, leftover{key: t.key, version: a.VersionID, mark: true})
		}
	}
	if len(t.versions) > 0 || !t.present && !t.untold {
		return
	}
	a, err := k.c.deleteObject(ctx, t.key, "")
	if err == nil && a.VersionID != "" {
		r.left = append(r.left, leftover{key: t.key, version: a.VersionID, mark: true}) // what is under it is only hidden
		return
	}
	r.note(leftover{key: t.key}, "s3:DeleteObject", err)
}

// find asks what there is of an object beyond what the answers told: a call that
// was tried again has more than one effect. Where S3 does not say, nothing
// changes.
func (k *checker) find(ctx context.Context, t *track) {
	if t.inParts {
		if p, err := k.c.listUploads(ctx, t.key, nil); err == nil {
			t.uploads = nil
			for _, e := range p.Entries {
				t.uploads = append(t.uploads, e.UploadID)
			}
		}
	}
	if !t.untold && len(t.versions) == 0 {
		return
	}
	p, err := k.c.listVersions(ctx, t.key, nil)
	if err != nil {
		return
	}
	t.untold, t.present, t.versions = false, len(p.Entries) > 0, nil
	for _, e := range p.Entries {
		if e.VersionID != "null" {
			t.versions = append(t.versions, e.VersionID)
		}
	}
}

// removed makes the finding of a removal; false where there was nothing to
// remove.
func (k *checker) removed(r removal) (report.Finding, bool) {
	if len(r.left) == 0 {
		if r.gone == 0 {
			return report.Finding{}, false
		}
		return catalogue.Holds(checkDelete, report.Value{Text: catalogue.Count(r.gone, "object"), From: "DeleteObject"}), true
	}
	f := k.facts()
	f["action"], f["folder"], f["leftovers"] = r.action, k.prefix()+folder, k.redact.Redact(sentence(r.left))
	f["scope"] = k.scope(true)
	if r.refused != nil {
		_, told, d := k.refusal(r.refused)
		for _, fact := range []string{"caller", "role", "account", "action"} {
			if d.action != "" {
				f[fact] = told[fact]
			}
		}
		f.Say("versioned", r.action == "s3:DeleteObjectVersion")
		return k.leaves("delete-denied", f, r.left), true
	}
	f["why"] = "no answer"
	if answer := answerOf(r.broken); answer.Status != 0 {
		f["why"] = "S3 says " + cmp.Or(k.redact.Redact(answer.Code), http.StatusText(answer.Status))
	}
	return k.leaves("leftovers", f, r.left), true
}

// leaves is the finding of what is left: each as a fact, with the command that
// deletes it.
func (k *checker) leaves(kase string, f catalogue.Facts, left []leftover) report.Finding {
	found := k.finding(kase, checkDelete, f, k.commands(left)...)
	for _, l := range left {
		found.Evidence = append(found.Evidence, report.Value{Text: k.redact.Redact(l.String()), From: "left in the bucket"})
	}
	return found
}

// commands delete by hand what is left.
func (k *checker) commands(left []leftover) []report.Snippet {
	var lines []string
	for _, l := range left {
		verb, more := "delete-object", ""
		switch {
		case l.upload != "":
			verb, more = "abort-multipart-upload", " --upload-id "+report.ShellWord(l.upload)
		case l.version != "":
			more = " --version-id " + report.ShellWord(l.version)
		}
		lines = append(lines, "aws s3api "+verb+" --bucket "+report.ShellWord(k.b.Name.Text)+" --key "+report.ShellWord(l.key)+more)
	}
	return []report.Snippet{{For: "what deletes it, as a role that may", Text: k.redact.Redact(strings.Join(lines, "\n"))}}
}
