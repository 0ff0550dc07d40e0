package runner

import (
	"slices"
	"strings"
	"time"
)

// The sections in which runners restore and save caches.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/common/executor.go
var cacheSections = []string{"restore_cache", "archive_cache", "archive_cache_on_failure"}

// logParser follows a log through its sections. Only what stands in those of the
// caches counts: a script may print anything.
type logParser struct {
	log      Log
	marked   bool      // the log has markers of sections; else its headings count
	section  string    // the section that is open
	opened   time.Time // when it was
	first    int       // the first use of this section
	greeted  bool      // the line before was "Running with gitlab-runner"
	kept     int
	now      *attempt      // the cache whose lines are read
	restarts int           // "Retrying cache extraction" before the next key
	noRole   string        // said before its cache
	span     time.Duration // of the section, where a heading says it
	spanned  bool
}

func (p *logParser) line(text string, at time.Time, whole bool) {
	for part := range strings.SplitSeq(text, "\r") {
		for {
			before, m, after, found := cutMarker(part)
			if before = strings.TrimSpace(plain(before)); before != "" && whole {
				p.words(before, at)
			}
			if !found {
				break
			}
			p.mark(m)
			part = after
		}
	}
}

// mark opens or closes a section. Sections that a script opens inside its own
// are the script's.
func (p *logParser) mark(m marker) {
	p.marked = true
	switch {
	case m.start && !ofScript(p.section):
		p.leave(m.at)
		p.section, p.opened, p.first = m.name, m.at, len(p.log.Caches)
	case !m.start && m.name == p.section:
		p.leave(m.at)
	}
}

func ofScript(section string) bool {
	return strings.HasPrefix(section, "step_") || section == "build_script" || section == "after_script"
}

// leave ends the section, and the cache in it.
func (p *logParser) leave(at time.Time) {
	p.close()
	p.bound(p.opened, at)
	p.section, p.opened = "", time.Time{}
	p.restarts, p.noRole = 0, ""
	p.span, p.spanned = 0, false
}

// bound gives the section's times to the uses that have none of their own.
func (p *logParser) bound(from, to time.Time) {
	uses := p.log.Caches[min(p.first, len(p.log.Caches)):]
	if p.spanned && len(uses) == 1 && !uses[0].Timed {
		uses[0].Took, uses[0].Timed = p.span, true
	}
	if from.IsZero() || to.Before(from) {
		return
	}
	for i := range uses {
		if uses[i].Began.IsZero() {
			uses[i].Began, uses[i].Ended = from, to
			if len(uses) == 1 {
				uses[i].Took, uses[i].Timed = to.Sub(from), true
			}
		}
	}
}

func (p *logParser) inCache() bool {
	return slices.Contains(cacheSections, p.section)
}

// words takes a line without markers and escape sequences.
func (p *logParser) words(line string, at time.Time) {
	greeted := p.greeted
	p.greeted = strings.HasPrefix(line, "Running with gitlab-runner")
	switch {
	case strings.HasPrefix(line, "Job's log exceeded limit of "):
		p.log.Cut = true
	case greeted && strings.HasPrefix(line, "on ") && p.section == "":
		p.runner(line)
	case !p.marked && p.heading(line):
	case p.inCache():
		p.cache(line, at)
	}
}

// runner reads "on NAME TOKEN, system ID: s_0123456789ab".
func (p *logParser) runner(line string) {
	name, _, _ := strings.Cut(line, ", system ID: ")
	fields := strings.Fields(name)[1:]
	if len(fields) > 0 {
		p.log.Token = field(fields[len(fields)-1])
		p.log.Runner = field(strings.Join(fields, " "))
	}
}

// heading follows a log that was copied from its page: markers are gone, and the
// time of a section, as 00:03, stands behind its heading or below it.
func (p *logParser) heading(line string) bool {
	if span, ok := clock(line); ok && p.inCache() {
		p.span, p.spanned = span, true
		return true
	}
	name, last := line, ""
	if i := strings.LastIndexByte(line, ' '); i >= 0 {
		if _, ok := clock(line[i+1:]); ok {
			name, last = strings.TrimSpace(line[:i]), line[i+1:]
		}
	}
	section := ""
	switch {
	case name == "Restoring cache":
		section = "restore_cache"
	case name == "Saving cache for successful job":
		section = "archive_cache"
	case name == "Saving cache for failed job":
		section = "archive_cache_on_failure"
	case !leads(name):
		return false
	}
	p.leave(time.Time{})
	p.section, p.first = section, len(p.log.Caches)
	p.span, p.spanned = clock(last)
	return true
}

// leads reports whether a line is the heading of a section without caches.
func leads(line string) bool {
	return slices.ContainsFunc([]string{
		"Preparing the ", "Preparing environment", "Getting source from Git repository", "Downloading artifacts",
		`Executing "`, "Running after_script", "Running after script", "Uploading artifacts for ", "Cleaning up ", "Job succeeded", "ERROR: Job failed",
	}, func(start string) bool { return strings.HasPrefix(line, start) })
}

// clock reads 00:03 or 1:02:03.
func clock(s string) (time.Duration, bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return 0, false
	}
	var all time.Duration
	for _, part := range parts {
		n, ok := number(part)
		if !ok || len(part) > 2 {
			return 0, false
		}
		all = 60*all + time.Duration(n)*time.Second
	}
	return all, true
}

// finish ends the log, and tells fallback keys from caches of their own.
func (p *logParser) finish() Log {
	p.leave(time.Time{})
	p.fallbacks()
	return p.log
}

// fallbacks marks the keys that were tried after a failed one and that the job
// does not save: older runners do not say that they are fallbacks. Only a log
// that saves the first key can tell.
func (p *logParser) fallbacks() {
	saved := map[string]bool{}
	for _, u := range p.log.Caches {
		saved[u.Key] = saved[u.Key] || u.Save
	}
	first := ""
	for i := range p.log.Caches {
		u := &p.log.Caches[i]
		if u.Save {
			continue
		}
		if i == 0 || first == "" || p.log.Caches[i-1].Save || worked(p.log.Caches[i-1]) || !saved[first] || saved[u.Key] {
			first = u.Key
			continue
		}
		u.Fallback = true
	}
}

// worked reports whether nothing more is tried after this.
func worked(u CacheUse) bool { return u.Outcome == Hit || u.Outcome == Local || !u.Asked() }

// field is a text of the log of bounded length, without secrets.
func field(s string) string { return hide(bounded(s)) }

// nameField is field for a key and for a URL without query.
func nameField(s string) string { return hideName(bounded(s)) }

func bounded(s string) string {
	if len(s) > maxField {
		s = strings.ToValidUTF8(s[:maxField], "")
	}
	return strings.Clone(s)
}
