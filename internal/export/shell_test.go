package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shell is a real one that evals what Write prints.
type shell struct {
	name   string
	argv   []string
	format Format
	evals  []string // the ways to eval the file named by $1, that people use
}

func shells() []shell {
	sh := []string{`eval "$(cat "$1")"`, `. "$1"`}
	return []shell{
		{"dash", []string{"dash", "-eu", "-c"}, Sh, sh},
		{"bash", []string{"bash", "-eu", "-c"}, Sh, sh},
		{"busybox ash", []string{"busybox", "ash", "-eu", "-c"}, Sh, sh},
		{"fish", []string{"fish", "--no-config", "-c"}, Fish, []string{`cat $argv[1] | source; or exit 9`, `eval (cat $argv[1]); or exit 9`}},
	}
}

// have skips where the shell is not installed, aloud; in CI that is a failure.
func (s shell) have(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath(s.argv[0]); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("%s is not installed, and CI must test it", s.name)
		}
		tb.Skipf("%s is not installed: its quoting was not tested", s.name)
	}
}

// run evals text, then runs script, and returns its output.
func (s shell) run(t *testing.T, locale, eval, text, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vars")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append(s.argv[1:len(s.argv):len(s.argv)], eval+"\n"+script)
	if s.format == Sh {
		args = append(args, "eval")
	}
	cmd := exec.CommandContext(t.Context(), s.argv[0], append(args, file)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(file), "LC_ALL=" + locale}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", s.name, err, stderr.String())
	}
	if stderr.Len() > 0 {
		t.Errorf("%s complains: %s", s.name, stderr.String())
	}
	return out.String()
}

// roundTrip assigns each value to a variable in one shell, and returns what the shell then has.
func (s shell) roundTrip(t *testing.T, locale, eval string, values []string) []string {
	t.Helper()
	var set []Var
	var script strings.Builder
	for i, value := range values {
		name := fmt.Sprintf("V%d", i)
		set = append(set, Var{name, value})
		fmt.Fprintf(&script, "printf '%%s\\0' \"$%s\"\n", name)
	}
	var text bytes.Buffer
	if err := Write(&text, s.format, set, nil); err != nil {
		t.Fatal(err)
	}
	out := s.run(t, locale, eval, text.String(), script.String())
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
}

// hostile are values that quoting gets wrong.
func hostile() []string {
	values := []string{
		"", "plain", "'", "''", `'\''`, `\`, `\\`, `\'`, `ends in \`, `"`, "`id`", "$(id)", "${HOME}", "$HOME", "(id)", "{a,b}", "*", "~", "a  b", " edge ",
		"\t", "\n", "\n\n", "ends\n", "\r\n", "a\nb;c&d|e<f>g", "!!", "#", "-n", "--", "%s%d", "\\n\\0\\x41", "\x01", "\x7f", "\x80", "\x81\x88\xff", "é", "日本", "\u2028",
		"\uFDD0\uFDD5\uF600\uF6FF\uFFFE", "\U0010FFFF", "\xed\xa0\x80", "IQoJb3JpZ2luX2VjEPT//////////wEaDGV1LWNlbnRyYWwtMSJHMEUCIQ==",
	}
	for c := 1; c < 256; c++ {
		values = append(values, string([]byte{byte(c)}), string([]byte{'a', byte(c), '\'', byte(c)}))
	}
	return values
}

func random(n int) []string {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same values in every run
	alphabet := []byte("'\\\"$`\n\t ;!(){}*a0\x01\x7f\x80\xc3\xa9")
	values := make([]string, n)
	for i := range values {
		b := make([]byte, r.IntN(40))
		for j := range b {
			if b[j] = alphabet[r.IntN(len(alphabet))]; r.IntN(2) == 0 {
				b[j] = byte(1 + r.IntN(255))
			}
		}
		values[i] = string(b)
	}
	return values
}

func TestShellsGetEveryValueByteForByte(t *testing.T) {
	values := append(hostile(), random(500)...)
	for _, s := range shells() {
		t.Run(s.name, func(t *testing.T) {
			s.have(t)
			for _, locale := range []string{"C", "C.UTF-8"} {
				for _, eval := range s.evals {
					if diff := cmp.Diff(values, s.roundTrip(t, locale, eval, values)); diff != "" {
						t.Errorf("LC_ALL=%s %s: %s", locale, eval, diff)
					}
				}
			}
		})
	}
}

func TestShellsUnsetNamesThatAreSetAndNamesThatAreNot(t *testing.T) {
	for _, s := range shells() {
		t.Run(s.name, func(t *testing.T) {
			s.have(t)
			var out strings.Builder
			if err := Write(&out, s.format, []Var{{"KEPT", "kept"}}, []string{"GONE", "NEVER_SET"}); err != nil {
				t.Fatal(err)
			}
			before, script := "GONE=1; export GONE; ", `printf %s "$KEPT${GONE+GONE}${NEVER_SET+NEVER_SET}"`
			if s.format == Fish {
				before, script = "set -gx GONE 1; set -Ux GONE 2; ", `printf %s $KEPT; set -q GONE; and printf GONE; set -q NEVER_SET; and printf NEVER_SET; true`
			}
			for _, eval := range s.evals {
				if got := s.run(t, "C", before+eval, out.String(), script); got != "kept" {
					t.Errorf("%s: %q, want the one variable kept", eval, got)
				}
			}
		})
	}
}

func TestShellsFailOnFailure(t *testing.T) {
	for _, s := range shells() {
		t.Run(s.name, func(t *testing.T) {
			s.have(t)
			script := map[Format]string{
				Sh:   `if eval "$1"; then echo taken; else echo failed; fi`,
				Fish: `if eval $argv[1]; echo taken; else; echo failed; end`,
			}[s.format]
			args := append(s.argv[1:len(s.argv):len(s.argv)], script)
			if s.format == Sh {
				args = append(args, "eval")
			}
			out, err := exec.CommandContext(t.Context(), s.argv[0], append(args, Failure(s.format))...).CombinedOutput()
			if string(out) != "failed\n" || err != nil {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

func TestJSONIsTheValue(t *testing.T) {
	for _, value := range hostile() {
		quoted, err := Quote(JSON, value)
		if err != nil {
			continue
		}
		var got string
		if err := json.Unmarshal([]byte(quoted), &got); err != nil || got != value {
			t.Errorf("%q became %q, %v", value, got, err)
		}
	}
}

func FuzzDash(f *testing.F) { fuzzShell(f, 0) }
func FuzzBash(f *testing.F) { fuzzShell(f, 1) }
func FuzzAsh(f *testing.F)  { fuzzShell(f, 2) }
func FuzzFish(f *testing.F) { fuzzShell(f, 3) }

func fuzzShell(f *testing.F, n int) {
	s := shells()[n]
	s.have(f)
	for _, value := range hostile()[:40:40] {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsRune(value, 0) || len(value) > 4096 {
			return // no environment carries it
		}
		for _, eval := range s.evals {
			if diff := cmp.Diff([]string{value}, s.roundTrip(t, "C.UTF-8", eval, []string{value})); diff != "" {
				t.Errorf("%s: %s", eval, diff)
			}
		}
	})
}
