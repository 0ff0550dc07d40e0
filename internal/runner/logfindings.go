package runner

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// The checks of a job's log.
const (
	logRead     = "cache-log-read"
	logRestored = "cache-log-restored"
	logStored   = "cache-log-stored"
	logShared   = "cache-log-shared"
)

// Findings say what became of each cache, in the order of the log. A cache that
// was not asked for has none.
func (l Log) Findings() []report.Finding {
	found := []report.Finding{l.read()}
	for i, u := range l.Caches {
		if !u.Asked() || !u.Save && u.Outcome == Miss && l.saves(u.Key) {
			if u.Outcome == Miss {
				found = append(found, l.find("cache-log-first", u))
			}
			continue
		}
		if f, ok := l.fellBack(i); ok {
			found = append(found, f)
			continue
		}
		if !u.Fallback {
			found = append(found, l.judge(u))
		}
		found = append(found, l.besides(u)...)
	}
	return found
}

// name is what the log is called.
func (l Log) name() string { return cmp.Or(l.Name, "the log") }

// runner is what the log's runner is called.
func (l Log) runner() string {
	if l.Runner == "" {
		return "the runner of " + l.name()
	}
	return "the runner " + catalogue.Quote(l.Runner)
}

// read says whether the log tells of caches at all.
func (l Log) read() report.Finding {
	f := catalogue.Facts{"log": l.name()}
	f.Say("log-cut", l.Cut)
	f.Say("lines-kept", len(l.Lines) > 0)
	f.Say("no-start", l.Runner == "")
	switch {
	case len(l.Caches) == 0:
		return catalogue.Find("cache-log-none").Finding(f, l.said(l.Lines))
	case l.Lost > 0:
		f["lost"] = catalogue.Count(l.Lost, "cache")
		return catalogue.Find("cache-log-crowded").Finding(f, l.said(l.Lines))
	}
	text := []string{}
	for _, u := range l.Caches {
		text = append(text, u.verb()+" "+u.Key+": "+string(u.Outcome))
	}
	return catalogue.Holds(logRead, append([]report.Value{{Text: strings.Join(text, ", "), From: l.name()}}, l.said(l.Lines)...)...)
}

func (u CacheUse) verb() string {
	if u.Save {
		return "save"
	}
	return "restore"
}

// said are lines of the log as evidence.
func (l Log) said(lines []string) []report.Value {
	var out []report.Value
	for _, line := range lines {
		out = append(out, report.Value{Text: "the runner said: " + line, From: l.name()})
	}
	return out
}

// saves reports whether the job stored that key afterwards.
func (l Log) saves(key string) bool {
	for _, u := range l.Caches {
		if u.Save && u.Key == key && u.Outcome == Uploaded {
			return true
		}
	}
	return false
}

// fellBack is the finding of a cache that was missed, and of whose fallback keys
// one was used.
func (l Log) fellBack(i int) (report.Finding, bool) {
	u := l.Caches[i]
	if u.Save || u.Fallback || u.Outcome != Miss {
		return report.Finding{}, false
	}
	for _, next := range l.Caches[i+1:] {
		if !next.Fallback {
			break
		}
		if next.Outcome == Hit {
			f := l.facts(u)
			f["fallback"] = next.Key
			return catalogue.Find("cache-log-fallback").Finding(f, l.evidence(next)), true
		}
	}
	return report.Finding{}, false
}

// judge is the finding of a cache that was asked for.
func (l Log) judge(u CacheUse) report.Finding {
	check := logRestored
	if u.Save {
		check = logStored
	}
	var found report.Finding
	switch id := caseOf(u); {
	case id == "", u.Outcome == UpToDate && l.has(u.Key):
		found = catalogue.Holds(check, l.evidence(u)...)
	default:
		found = l.find(id, u)
	}
	if u.Timed {
		found.Took = u.Took
	}
	return found
}

// has reports whether the log shows that the server has that key: the job
// restored it from there.
func (l Log) has(key string) bool {
	return slices.ContainsFunc(l.Caches, func(u CacheUse) bool { return !u.Save && u.Key == key && u.Outcome == Hit })
}

// caseOf is the case of an outcome, "" where it is as it should be.
func caseOf(u CacheUse) string {
	switch u.Outcome {
	case Hit, Uploaded, Present:
		return ""
	case UpToDate:
		return "cache-log-not-uploaded"
	case Miss:
		return "cache-log-miss"
	case Local:
		if u.Transfer != "" {
			return "cache-log-local"
		}
		return "cache-log-download-no-url"
	case NoURL:
		if u.Save {
			return "cache-log-upload-no-url"
		}
		return "cache-log-download-no-url"
	case Denied:
		if u.Save {
			return "cache-log-upload-denied"
		}
		return "cache-log-download-denied"
	case TooLarge:
		return "cache-log-too-large"
	case Empty:
		return "cache-log-empty"
	case Failed:
		if u.Save {
			return "cache-log-upload-failed"
		}
		return "cache-log-download-failed"
	}
	if u.Save {
		return "cache-log-save-unfinished"
	}
	return "cache-log-unfinished"
}

// besides are findings about a cache that do not change what became of it.
func (l Log) besides(u CacheUse) []report.Finding {
	var found []report.Finding
	if u.NoRole != "" {
		found = append(found, l.find("cache-log-no-role", u))
	}
	if u.Retries > 0 {
		found = append(found, l.find("cache-log-retried", u))
	}
	if len(u.Bare) > 0 && u.Outcome != Empty {
		found = append(found, l.find("cache-log-path-empty", u))
	}
	return found
}

// facts are what the words of the cases need.
func (l Log) facts(u CacheUse) catalogue.Facts {
	f := catalogue.Facts{
		"log": l.name(), "runner": l.runner(), "key": u.Key, "action": u.verb(), "tries": catalogue.Count(u.Retries, "further try"),
		"answer": answer(u), "why": u.reason(), "path": strings.Join(u.Bare, ", "), "no-role": u.NoRole,
	}
	if u.Retries > 1 {
		f["tries"] = strconv.Itoa(u.Retries) + " further tries"
	}
	if u.Size > 0 {
		f["size"], f["limit"] = strconv.FormatInt(u.Size, 10), strconv.FormatInt(u.Limit, 10)
	}
	f.Say("log-cut", l.Cut)
	f.Say("lines-kept", len(u.Lines) > 0)
	f.Say("local-copy", u.Outcome == Local)
	f.Say("gocloud", u.Transfer == GoCloud)
	f.Say("may-be-miss", u.Expected)
	f.Say("code-known", u.Code != "" && u.Code != "AccessDenied")
	f.Say("moved", strings.HasPrefix(u.Status, "301") || strings.HasPrefix(u.Status, "307"))
	f.Say("bad-request", strings.HasPrefix(u.Status, "400"))
	f.Say("no-bucket", strings.HasPrefix(u.Status, "404"))
	f.Say("success-alone", u.Why == successAlone)
	f.Say("refused-last", u.Why == refusedLast)
	f.Say("no-end", u.Why != successAlone && u.Why != refusedLast)
	f.Say("unread", u.Status == "")
	return f
}

// answer words what S3 said.
func answer(u CacheUse) string {
	if u.Code != "" {
		return u.Status + " (" + u.Code + ")"
	}
	return u.Status
}

// reason is the best that the log has for a failure.
func (u CacheUse) reason() string {
	last := ""
	if len(u.Lines) > 0 {
		last = u.Lines[len(u.Lines)-1]
	}
	return cmp.Or(answer(u), u.Why, last, "the log gives no reason")
}

func (l Log) find(id string, u CacheUse) report.Finding {
	return catalogue.Find(id).Finding(l.facts(u), l.evidence(u))
}

// evidence is what the log has of a cache.
func (l Log) evidence(u CacheUse) []report.Value {
	text := u.Key + ": " + string(u.Outcome)
	if u.URL != "" {
		text += ", " + u.URL
	}
	out := []report.Value{{Text: text, From: l.name()}}
	whose := u.Transfer // whose credentials it went with, where that may be the reason
	if slices.Contains([]Outcome{Hit, Miss, Uploaded}, u.Outcome) && u.NoRole == "" {
		whose = ""
	}
	switch whose {
	case Presigned:
		out = append(out, report.Value{Text: "a pre-signed URL: the manager's role decides", From: l.name()})
	case GoCloud:
		out = append(out, report.Value{Text: "GoCloud: credentials of RoleARN decide or, without them, those of this job's pod", From: l.name()})
	}
	return append(out, l.said(u.Lines)...)
}
