package runner

import (
	"cmp"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// ComparePair says what the logs of two jobs mean together: of one that stores a
// cache, and of one that restores it. For each cache of the reader: was it
// stored, was it restored, and where not, which setting of the two runners keeps
// them apart. A check that another's failure explains waits for that one.
func ComparePair(writer, reader Log) []report.Finding {
	writer.Name, reader.Name = cmp.Or(writer.Name, "the writer's log"), cmp.Or(reader.Name, "the reader's log")
	var found []report.Finding
	for _, l := range []Log{writer, reader} {
		if f := l.read(); f.Status != report.OK {
			found = append(found, f)
		}
	}
	pairs := pairsOf(writer, reader)
	for _, p := range pairs {
		found = append(found, p.findings()...)
	}
	if len(pairs) == 0 && len(found) == 0 {
		f := catalogue.Facts{"writer": writer.name(), "reader": reader.name(), "stored": keys(writer, true), "looked": keys(reader, false)}
		f.Say("nothing-asked", f["looked"] == "none")
		f.Say("nothing-stored", f["stored"] == "none")
		found = append(found, catalogue.Find("cache-log-unpaired").Finding(f, nil))
	}
	return found
}

// keys lists what a log stores or restores, "none" where that is nothing.
func keys(l Log, save bool) string {
	var all []string
	for _, u := range l.Caches {
		if u.Save == save && u.Asked() {
			all = append(all, u.Key)
		}
	}
	return cmp.Or(strings.Join(all, ", "), "none")
}

// pair is a cache that one job stores and another restores.
type pair struct {
	writer, reader Log
	stored, looked CacheUse
}

// pairsOf joins by key, else by key without the protected suffix, else the only
// cache of each log.
func pairsOf(writer, reader Log) []pair {
	var stores, looks []CacheUse
	for _, u := range writer.Caches {
		if u.Save && u.Asked() {
			stores = append(stores, u)
		}
	}
	for _, u := range reader.Caches {
		if !u.Save && u.Asked() && !u.Fallback {
			looks = append(looks, u)
		}
	}
	var pairs []pair
	for _, u := range looks {
		for _, match := range []func(CacheUse) bool{
			func(s CacheUse) bool { return s.Key == u.Key },
			func(s CacheUse) bool { return withoutSuffix(s.Key) == withoutSuffix(u.Key) },
			func(CacheUse) bool { return len(stores) == 1 && len(looks) == 1 },
		} {
			if s, ok := find(stores, match); ok {
				pairs = append(pairs, pair{writer, reader, s, u})
				break
			}
		}
	}
	return pairs
}

func find(all []CacheUse, match func(CacheUse) bool) (CacheUse, bool) {
	for _, u := range all {
		if match(u) {
			return u, true
		}
	}
	return CacheUse{}, false
}

// withoutSuffix takes off what GitLab adds to a key.
// https://docs.gitlab.com/ci/caching/#use-the-same-cache-for-all-branches
func withoutSuffix(key string) string {
	return strings.TrimSuffix(strings.TrimSuffix(key, "-protected"), "-non_protected")
}

func (p pair) findings() []report.Finding {
	stored := p.writer.judge(p.stored)
	if p.stored.Outcome == UpToDate && p.met() {
		stored = catalogue.Holds(logStored, p.writer.evidence(p.stored)...)
	}
	found := append([]report.Finding{stored}, p.writer.besides(p.stored)...)
	restored := p.reader.judge(p.looked)
	switch miss := p.looked.Outcome == Miss; {
	case stored.Bad() && miss && p.stored.Outcome != UpToDate:
		return append(found, catalogue.Waits(logRestored, logStored), catalogue.Waits(logShared, logStored))
	case !stored.Bad() && miss:
		return append(found, p.apart())
	case !stored.Bad() && p.mayMiss():
		// Without s3:ListBucket a miss is a 403: what is certain comes first.
		if f, ok := p.differs(p.places()); ok {
			return append(append(found, f, restored), p.reader.besides(p.looked)...)
		}
	}
	found = append(append(found, restored), p.reader.besides(p.looked)...)
	switch {
	case stored.Bad():
		return append(found, catalogue.Waits(logShared, logStored))
	case restored.Bad():
		return append(found, catalogue.Waits(logShared, logRestored))
	}
	return append(found, p.same())
}

// same judges a hit: it has to be the writer's object, and not one that stood
// there before.
func (p pair) same() report.Finding {
	f := p.facts()
	switch {
	case p.stored.Key != p.looked.Key:
		return p.make("cache-log-other-object", f)
	case p.early() && p.stored.Outcome == Uploaded:
		return p.make("cache-log-early", f)
	case p.stored.URL != "" && p.looked.URL != "" && p.stored.URL != p.looked.URL:
		a, okA := readPlace(p.stored.URL, p.stored.Key)
		b, okB := readPlace(p.looked.URL, p.looked.Key)
		if !okA || !okB || a != b {
			return p.make("cache-log-other-object", f)
		}
	}
	return catalogue.Holds(logShared, p.evidence()...)
}

// mayMiss reports whether the reader was denied in the way in which S3 denies
// what is not there to who may not list the bucket.
func (p pair) mayMiss() bool {
	return p.looked.Outcome == Denied && (p.looked.Code == "" || p.looked.Code == "AccessDenied")
}

// met reports whether the reader downloaded the key from the place in which the
// writer's log shows that its runner keeps caches.
func (p pair) met() bool {
	from, _, okFrom := p.writer.placeOf(p.stored.Key)
	to, okTo := readPlace(p.looked.URL, p.looked.Key)
	from.Key, from.Hashed = to.Key, to.Hashed // the writer's may be another cache's
	return p.looked.Outcome == Hit && p.stored.Key == p.looked.Key && okFrom && okTo && from == to
}

// places are what both logs tell of where their runners keep the cache.
type places struct {
	facts        catalogue.Facts
	from, to     place
	okFrom, okTo bool
}

func (p pair) places() places {
	f := p.facts()
	from, url, okFrom := p.writer.placeOf(p.stored.Key)
	to, readerURL, okTo := p.reader.placeOf(p.looked.Key)
	f["url"], f["reader-url"] = located(url), located(readerURL)
	f["stored"], f["looked"] = from.folder(), to.folder()
	f["stored-bucket"], f["looked-bucket"] = from.Bucket, to.Bucket
	f["stored-path"], f["looked-path"] = cmp.Or(from.Path, "none"), cmp.Or(to.Path, "none")
	f["stored-token"], f["reader-token"] = from.Token, p.reader.Token
	f["stored-project"], f["looked-project"] = from.Project, to.Project
	return places{f, from, to, okFrom, okTo}
}

// differs names what the logs show to keep the reader from what was stored, if
// they do. The most certain comes first: what both logs say, then what the
// writer's says alone.
func (p pair) differs(at places) (report.Finding, bool) {
	f, from, to := at.facts, at.from, at.to
	both := at.okFrom && at.okTo
	id := ""
	switch {
	case p.stored.Key != p.looked.Key && withoutSuffix(p.stored.Key) == withoutSuffix(p.looked.Key):
		id = "cache-log-suffix"
	case p.stored.Key != p.looked.Key:
		id = "cache-log-other-key"
	case both && from.Project != to.Project:
		id = "cache-log-other-project"
	case both && from.Bucket != to.Bucket:
		id = "cache-log-other-bucket"
	case both && from.Token != to.Token:
		f["apart"] = "and " + f["reader"] + " does not look there but under " + catalogue.Quote(to.folder())
		id = "cache-log-not-shared"
	case both && from.Path != to.Path:
		id = "cache-log-other-path"
	case both && to.Key != "" && from.Hashed != to.Hashed:
		id = "cache-log-hashed"
	case !both && at.okFrom && from.Token != "" && p.reader.Token != "" && from.Token != p.reader.Token:
		f["apart"] = "which is another runner's own; " + f["reader"] + " does not look there"
		id = "cache-log-not-shared"
	case p.early():
		id = "cache-log-early"
	default:
		return report.Finding{}, false
	}
	return p.make(id, f), true
}

// apart names what keeps a reader from an object that was stored.
func (p pair) apart() report.Finding {
	at := p.places()
	if f, ok := p.differs(at); ok {
		return f
	}
	f, from := at.facts, at.from
	if at.okFrom && at.okTo {
		return p.make("cache-log-vanished", f)
	}
	f.Say("stored-shared", at.okFrom && from.Token == "")
	f.Say("stored-hashed", from.Hashed)
	f.Say("stored-plain", at.okFrom && !from.Hashed)
	f.Say("archive-as-before", p.stored.Outcome == UpToDate || p.stored.Outcome == Present)
	return p.make("cache-log-lost", f)
}

// early reports whether the reader looked before the writer had stored.
func (p pair) early() bool {
	return !p.looked.Began.IsZero() && p.looked.Began.Before(p.stored.Ended)
}

func (p pair) facts() catalogue.Facts {
	f := catalogue.Facts{
		"writer": p.writer.runner(), "reader": p.reader.runner(),
		"key": p.stored.Key, "reader-key": p.looked.Key, "url": located(p.stored.URL), "reader-url": located(p.looked.URL),
	}
	if p.early() {
		f["began"] = p.looked.Began.UTC().Format(timeOfDay)
		f["ended"] = p.stored.Ended.UTC().Format(timeOfDay)
	}
	f.Say("writer-protected", strings.HasSuffix(p.stored.Key, "-protected"))
	f.Say("reader-protected", strings.HasSuffix(p.looked.Key, "-protected"))
	return f
}

func located(url string) string {
	if url == "" {
		return "a place that its log does not tell"
	}
	return catalogue.Quote(url)
}

const timeOfDay = "2006-01-02 15:04:05 UTC"

func (p pair) evidence() []report.Value {
	return append(p.writer.evidence(p.stored), p.reader.evidence(p.looked)...)
}

func (p pair) make(id string, f catalogue.Facts) report.Finding {
	return catalogue.Find(id).Finding(f, p.evidence())
}
