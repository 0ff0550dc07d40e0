package runner

import (
	"strings"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// attempt is a use whose lines are still read, and what they have said.
type attempt struct {
	use                             CacheUse
	noURL, current, exists, bare    bool
	notFound, denied, noFile, large bool
	done, failed                    bool
	refused                         bool // a failure stands behind the last transfer
}

// cache takes a line of a cache's section.
func (p *logParser) cache(line string, at time.Time) {
	s := readWords(line)
	switch s.word {
	case unknownWord:
		p.keep(line)
		return
	case quietWord:
		p.touch(at)
		return
	case checkingWord, creatingWord, policyWord, skippingWord:
		p.begin(s, at)
		return
	case restartWord:
		p.close()
		p.restarts++
		return
	case roleWord:
		if p.now == nil || p.now.ended() {
			p.noRole = field(s.text)
			return
		}
	}
	if p.now == nil || p.now.use.Save != s.save && s.word != receivedWord && s.word != retryWord {
		p.keep(line)
		return
	}
	p.touch(at)
	p.now.take(s)
}

// Why a cache is Uncertain whose end the log has.
const (
	successAlone = "the log says that it worked, and nothing of the server"
	refusedLast  = "the log says that it worked, after a transfer that failed"
)

func (a *attempt) ended() bool { return a.done || a.failed }

// touch notes when a line of the use was written.
func (p *logParser) touch(at time.Time) {
	if p.now == nil || at.IsZero() || p.now.ended() {
		return
	}
	if p.now.use.Began.IsZero() {
		p.now.use.Began = at
	}
	p.now.use.Ended = at
}

// begin opens the next use. A key that is tried again, after the runner said so,
// is the same use.
func (p *logParser) begin(s said, at time.Time) {
	p.close()
	use := CacheUse{Save: s.save, Key: nameField(s.key), Fallback: s.text == "fallback", NoRole: p.noRole}
	p.noRole = ""
	if n := len(p.log.Caches); p.restarts > 0 {
		for i := p.first; i < n; i++ {
			if old := p.log.Caches[i]; old.Key == use.Key && !old.Save && !use.Save {
				use.Retries, use.Lines, use.Began = old.Retries+1, old.Lines, old.Began
				use.NoRole = old.NoRole
				p.log.Caches = append(p.log.Caches[:i], p.log.Caches[i+1:]...)
				break
			}
		}
	}
	p.now = &attempt{use: use}
	p.touch(at)
	switch s.word {
	case policyWord:
		p.now.use.Outcome = Policy
		p.close()
	case skippingWord:
		p.now.use.Fallback = false
		p.now.use.Outcome, p.now.use.Why = Skipped, field(s.text)
		p.close()
	}
}

// take notes what a line says.
func (a *attempt) take(s said) {
	u := &a.use
	if a.ended() {
		return
	}
	switch s.word {
	case transferWord, upToDateWord, existsWord:
		a.refused = false
	case retryWord, receivedWord, notFoundWord, noFileWord:
		a.refused = true
	}
	switch s.word {
	case presignedWord:
		u.Transfer = Presigned
	case goCloudWord:
		u.Transfer = GoCloud
	case transferWord:
		u.URL = nameField(bareURL(s.url))
	case upToDateWord:
		a.current = true
	case existsWord:
		a.exists = true
	case noURLWord:
		a.noURL = true
	case notFoundWord:
		a.notFound = true
	case receivedWord:
		u.Status, u.Code, u.Expected = field(s.text), field(s.code), s.expected
		a.denied = strings.HasPrefix(s.text, "403")
	case noFileWord:
		a.noFile = true
	case retryWord:
		u.Retries++
	case pathWord:
		if len(u.Bare) < maxKept {
			u.Bare = append(u.Bare, field(s.text))
		}
	case noFilesWord:
		a.bare = true
	case tooLargeWord:
		a.large, u.Size, u.Limit = true, s.size, s.limit
	case roleWord:
		u.NoRole = field(s.text)
	case doneWord:
		a.done = true
	case failedWord:
		a.failed = true
		u.Why = field(s.text)
	}
}

// close ends the use whose lines were read.
func (p *logParser) close() {
	if p.now == nil {
		return
	}
	u := p.now.use
	if u.Outcome == "" {
		u.Outcome = p.now.outcome()
	}
	if u.Outcome == Uncertain && p.now.done {
		u.Why = successAlone
		if p.now.refused && u.URL != "" {
			u.Why = refusedLast
		}
	}
	if u.Outcome == Hit || u.Outcome == Uploaded {
		u.Status, u.Code = "", "" // of a try before
	}
	if !u.Began.IsZero() {
		u.Took, u.Timed = u.Ended.Sub(u.Began), true
	}
	p.now = nil
	if len(p.log.Caches) == maxUses {
		p.log.Lost++
		return
	}
	p.log.Caches = append(p.log.Caches, u)
}

func (a *attempt) outcome() Outcome {
	switch {
	case !a.ended():
		return Uncertain
	case a.use.Save:
		return a.saved()
	}
	return a.restored()
}

// restored judges the end of a restore. A download by GoCloud passes over an
// object that is not there without a word.
func (a *attempt) restored() Outcome {
	u := a.use
	switch {
	case a.noURL && a.done:
		return Local
	case a.noURL:
		return NoURL
	case a.done && a.refused && (u.URL != "" || a.current):
		return Uncertain
	case a.done && (u.URL != "" || a.current):
		return Hit
	case a.done && u.Transfer != "":
		return Local
	case a.done:
		return Uncertain
	case a.notFound, a.noFile && u.Transfer == GoCloud && u.URL == "":
		return Miss
	case a.denied:
		return Denied
	}
	return Failed
}

func (a *attempt) saved() Outcome {
	switch {
	case a.denied && a.failed:
		return Denied
	case a.failed:
		return Failed
	case a.noURL:
		return NoURL
	case a.large:
		return TooLarge
	case a.bare:
		return Empty
	case a.refused:
		return Uncertain
	case a.use.URL != "":
		return Uploaded
	case a.exists:
		return Present
	case a.current:
		return UpToDate
	}
	return Uncertain
}

// keep holds a line that was not understood, with the use that it is about.
func (p *logParser) keep(line string) {
	if p.kept == maxKept {
		p.log.Dropped++
		return
	}
	p.kept++
	if line = report.Clean(hide(line)); p.now != nil {
		p.now.use.Lines = append(p.now.use.Lines, line)
		return
	}
	p.log.Lines = append(p.log.Lines, line)
}
