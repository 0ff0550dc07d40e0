package cache

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func TestWhatDeletesALeftoverIsWrittenWholeOrNotAtAll(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	long := strings.Repeat("long-key/", 100)
	for _, tt := range []struct {
		name string
		in   leftover
		want string // the arguments of aws, a line each
	}{
		{"an object", leftover{key: "k"}, "s3api\ndelete-object\n--bucket=b-1\n--key=k\n"},
		{"a version", leftover{key: "k", version: "v"}, "s3api\ndelete-object\n--bucket=b-1\n--key=k\n--version-id=v\n"},
		{"a mark", leftover{key: "k", version: "null", mark: true}, "s3api\ndelete-object\n--bucket=b-1\n--key=k\n--version-id=null\n"},
		{"an upload", leftover{key: "k", upload: "u"}, "s3api\nabort-multipart-upload\n--bucket=b-1\n--key=k\n--upload-id=u\n"},
		{"what starts as flags do", leftover{key: "--key", version: "-v"}, "s3api\ndelete-object\n--bucket=b-1\n--key=--key\n--version-id=-v\n"},
		{"an upload that starts so", leftover{key: "-k", upload: "--query"}, "s3api\nabort-multipart-upload\n--bucket=b-1\n--key=-k\n--upload-id=--query\n"},
		{"what a shell would run", leftover{key: "'; $(touch x) `y`", version: "\"$HOME\""}, "s3api\ndelete-object\n--bucket=b-1\n--key='; $(touch x) `y`\n--version-id=\"$HOME\"\n"},
		{"a long key", leftover{key: long + "'end"}, "s3api\ndelete-object\n--bucket=b-1\n--key=" + long + "'end\n"},
		{"letters of other scripts", leftover{key: strings.Repeat("日", 300)}, "s3api\ndelete-object\n--bucket=b-1\n--key=" + strings.Repeat("日", 300) + "\n"},
		{
			"a lost upload",
			leftover{key: "-k", unsure: unsureUpload},
			"s3api\nabort-multipart-upload\n--bucket=b-1\n--key=-k\n--upload-id=told\n",
		},
		{"a lost version", leftover{key: "k", unsure: unsureVersion}, "s3api\ndelete-object\n--bucket=b-1\n--key=k\n--version-id=told\n"},
		{"a lost mark", leftover{key: "k", unsure: unsureMark}, "s3api\ndelete-object\n--bucket=b-1\n--key=k\n--version-id=told\n"},
		{"a lost object", leftover{key: "k", unsure: unsureObject}, "s3api\ndelete-object\n--bucket=b-1\n--key=k\n"},
		{"a line break", leftover{key: "a\nb"}, ""},
		{"a control character", leftover{key: "k", version: "\x1b[2J"}, ""},
		{"a mark of direction", leftover{key: "a\u202eb"}, ""},
		{"bytes that are no text", leftover{key: "a\xffb"}, ""},
		{"a section of a log", leftover{key: "section_start:1:x"}, ""},
		{"a section that is cut apart", leftover{key: strings.Repeat("a", report.MaxText-4) + "section_end:1:x"}, ""},
		{"more than a key has", leftover{key: "k", upload: strings.Repeat("u", 1025)}, ""},
		{"a secret", leftover{key: "k", upload: secret}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &checker{probe: &probe{b: Bucket{Name: report.Value{Text: "b-1"}}, redact: &report.Redactor{}}}
			k.redact.Add(report.NewSecret(secret))
			got := ""
			for _, s := range k.commands([]leftover{tt.in}) {
				// A list says "told", all else its arguments.
				script := `aws() { case "$2" in list-*) echo told;; *) printf '%s\n' "$@";; esac; }` + "\n" + s.Text
				out, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput()
				if err != nil {
					t.Error(err)
				}
				got += string(out)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASentenceOfLeftoversIsNeverCut(t *testing.T) {
	long := leftover{key: strings.Repeat("k", 485)}
	for _, tt := range []struct {
		name string
		in   []leftover
		want string
	}{
		{"one", []leftover{{key: "a"}}, `"a"`},
		{"two", []leftover{{key: "a"}, {key: "b", upload: "u"}}, `"a" and upload "u" of "b"`},
		{"four", []leftover{{key: "a"}, {key: "b"}, {key: "c"}, {key: "d"}}, `"a" and "b" and 2 more`},
		{"one that nobody knows of", []leftover{{key: "a"}, {key: "b", unsure: unsureUpload}}, `"a" and perhaps an unfinished upload of "b"`},
		{"an object that nobody knows of", []leftover{{key: "a", unsure: unsureObject}}, `perhaps "a"`},
		{"a long one", []leftover{long, {key: "a"}}, `"` + long.key + `" and 1 more`},
		{"one that is too long", []leftover{{key: strings.Repeat("k", 600)}, {key: "a"}}, "2 things under ci-aws-check/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := sentence(tt.in, "perhaps ")
			if diff := cmp.Diff([]string{tt.want, tt.want}, []string{got, report.Clean(got)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}
