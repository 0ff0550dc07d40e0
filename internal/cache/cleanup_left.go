package cache

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// leftover is what could not be removed.
type leftover struct {
	key, version, upload string
	mark                 bool   // the version is a mark that only hides the object
	unsure               string // what it would be, where nobody knows whether it is there: "a version"
	action               string // that failed
	err                  error  // how
}

// What a leftover may be that nobody knows of.
const (
	unsureObject  = "an object"
	unsureVersion = "a version"
	unsureMark    = "a delete marker"
	unsureUpload  = "an unfinished upload"
)

func (l leftover) String() string {
	what := ""
	switch {
	case l.unsure != "" && l.unsure != unsureObject:
		what = l.unsure + " of "
	case l.upload != "":
		what = "upload " + catalogue.Quote(l.upload) + " of "
	case l.mark:
		what = "delete marker " + catalogue.Quote(l.version) + " of "
	case l.version != "":
		what = "version " + catalogue.Quote(l.version) + " of "
	}
	return what + quoteKey(l.key)
}

// maxKey is how long keys are at most, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// quoteKey is catalogue.Quote for a key, which it leaves whole.
func quoteKey(key string) string {
	if len(key) > maxKey || !utf8.ValidString(key) {
		return catalogue.Quote(key)
	}
	var b strings.Builder
	for _, piece := range pieces(key) {
		b.WriteString(report.Clean(piece))
	}
	return `"` + strings.ReplaceAll(b.String(), `"`, `\"`) + `"`
}

// pieces cuts a text into as much as report.Clean leaves whole.
func pieces(s string) []string {
	var all []string
	for piece := range slices.Chunk([]rune(s), report.MaxText) {
		all = append(all, string(piece))
	}
	return all
}

// sentence names leftovers within a sentence that is cut after report.MaxText
// runes; those that do not fit, or are too many to read, are counted.
func sentence(left []leftover, perhaps string) string {
	const most, counted = 2, len(" and 1000 more")
	var names []string
	room := report.MaxText - counted
	for _, l := range left[:min(len(left), most)] {
		name := l.String()
		if l.unsure != "" {
			name = perhaps + name
		}
		if room -= utf8.RuneCountInString(name) + len(" and "); room < 0 {
			break
		}
		names = append(names, name)
	}
	switch more := len(left) - len(names); {
	case len(names) == 0:
		return catalogue.Count(more, "thing") + " under " + folder
	case more > 0:
		names = append(names, strconv.Itoa(more)+" more")
	}
	return strings.Join(names, " and ")
}

// removal is what was removed, and what was not.
type removal struct {
	gone int // objects of which something was removed
	left []leftover
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
	f["folder"], f["scope"] = k.prefix()+folder, k.scope(true)
	refused := func(l leftover) bool { return l.unsure == "" && isDenied(l.err) }
	if i := slices.IndexFunc(r.left, refused); i >= 0 {
		_, told, d := k.refusal(r.left[i].err)
		f["action"] = r.left[i].action
		for _, fact := range []string{"caller", "role", "account", "action"} {
			if d.action != "" {
				f[fact] = told[fact]
			}
		}
		f["leftovers"] = k.redact.Redact(sentence(r.left, "perhaps "))
		f.Say("versioned", f["action"] == "s3:DeleteObjectVersion")
		return k.leaves("delete-denied", f, r.left), true
	}
	first := r.left[slices.IndexFunc(r.left, func(l leftover) bool { return l.err != nil })]
	answer := answerOf(first.err)
	f["action"], f["why"] = first.action, "no answer"
	switch {
	case isDenied(first.err):
		f["why"] = "S3 refuses " + first.action
	case answer.Status != 0:
		f["why"] = "S3 says " + cmp.Or(k.redact.Redact(answer.Code), http.StatusText(answer.Status))
	}
	f["leftovers"] = k.redact.Redact(sentence(r.left, ""))
	f.Say("untold", isDenied(first.err))
	f.Say("no-verdict", !isDenied(first.err))
	return k.leaves("leftovers", f, r.left), true
}

// leaves is the finding of what is left: each as a fact, with the command that
// deletes it.
func (k *checker) leaves(kase string, f catalogue.Facts, left []leftover) report.Finding {
	found := k.finding(kase, checkDelete, f, k.commands(left)...)
	for _, l := range left {
		from := "left in the bucket"
		if l.unsure != "" {
			from = "perhaps " + from
		}
		found.Evidence = append(found.Evidence, report.Value{Text: k.redact.Redact(l.String()), From: from})
	}
	return found
}

// commands delete by hand what is left. What no line of a shell can name as it
// is has none: half a key would be another one's.
func (k *checker) commands(left []leftover) []report.Snippet {
	var lines []string
	for _, l := range left {
		if line, ok := k.command(l); ok && k.redact.Redact(line) == line {
			lines = append(lines, line)
		}
	}
	if lines == nil {
		return nil
	}
	return []report.Snippet{{For: "what deletes it, as a role that may", Text: strings.Join(lines, "\n")}}
}

// command gives its values by "=", since they may start as flags do.
func (k *checker) command(l leftover) (line string, ok bool) {
	var words [3]string
	for i, s := range []string{k.b.Name.Text, l.key, l.version + l.upload} {
		if words[i], ok = word(s); !ok {
			return "", false
		}
	}
	at, key, id := " --bucket="+words[0], " --key="+words[1], words[2]
	each := func(list, query, id string) string {
		return "for id in $(aws s3api " + list + at + " --prefix=" + words[1] + " --query='" + query + "' --output=text); do aws s3api " + id + at + key
	}
	switch {
	case l.unsure == unsureUpload:
		return each("list-multipart-uploads", "[Uploads][].UploadId", "abort-multipart-upload") + ` --upload-id="$id"; done`, true
	case l.unsure == unsureVersion, l.unsure == unsureMark:
		return each("list-object-versions", "[Versions,DeleteMarkers][].VersionId", "delete-object") + ` --version-id="$id"; done`, true
	case l.upload != "":
		return "aws s3api abort-multipart-upload" + at + key + " --upload-id=" + id, true
	case l.version != "":
		return "aws s3api delete-object" + at + key + " --version-id=" + id, true
	}
	return "aws s3api delete-object" + at + key, true
}

// word is a text as one word of a POSIX shell; false where the word would be
// another text than this one.
func word(s string) (string, bool) {
	if len(s) > maxKey || !utf8.ValidString(s) || strings.Contains(s, "section_start:") || strings.Contains(s, "section_end:") {
		return "", false
	}
	if s == "" {
		return "''", true
	}
	var b strings.Builder
	for _, piece := range pieces(s) {
		if report.Clean(piece) != piece {
			return "", false
		}
		b.WriteString(report.ShellWord(piece))
	}
	return b.String(), true
}
