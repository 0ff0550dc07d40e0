package export

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writes collects each call of Write.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestWritePrintsEachFormatInOneWrite(t *testing.T) {
	set := []Var{{"AWS_SECRET_ACCESS_KEY", `it's a \key`}, {"EMPTY", ""}}
	unset := []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}
	tests := []struct {
		name   string
		format Format
		set    []Var
		unset  []string
		want   string
	}{
		{"sh", Sh, set, unset, "export AWS_SECRET_ACCESS_KEY='it'\\''s a \\key'\nexport EMPTY=''\nunset AWS_PROFILE\nunset AWS_DEFAULT_PROFILE\n"},
		{"fish", Fish, set, unset, "set -gx AWS_SECRET_ACCESS_KEY 'it\\'s a \\\\key';\nset -gx EMPTY '';\nwhile set -e AWS_PROFILE; end;\nwhile set -e AWS_DEFAULT_PROFILE; end;\n"},
		{"dotenv leaves removals out", Dotenv, set, unset, "AWS_SECRET_ACCESS_KEY=it's a \\key\nEMPTY=\n"},
		{"json", JSON, set, unset, "{\n  \"AWS_SECRET_ACCESS_KEY\": \"it's a \\\\key\",\n  \"EMPTY\": \"\",\n  \"AWS_PROFILE\": null,\n  \"AWS_DEFAULT_PROFILE\": null\n}\n"},
		{"json of nothing", JSON, nil, nil, "{}\n"},
		{"sh of removals only", Sh, nil, unset[:1], "unset AWS_PROFILE\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got writes
			if err := Write(&got, tt.format, tt.set, tt.unset); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(writes{tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWriteRefusesWhatAFormatCannotCarry(t *testing.T) {
	const planted = "pl4nted"
	tests := []struct {
		name   string
		format Format
		set    []Var
		unset  []string
		want   string
	}{
		{"a NUL in sh", Sh, []Var{{"A", planted + "\x00"}}, nil, `variable "A": the value holds a NUL byte`},
		{"a NUL in fish", Fish, []Var{{"A", planted + "\x00"}}, nil, `variable "A": the value holds a NUL byte`},
		{"a NUL in dotenv", Dotenv, []Var{{"A", planted + "\x00"}}, nil, `variable "A": the value holds a NUL byte`},
		{"a NUL in json", JSON, []Var{{"A", planted + "\x00"}}, nil, `variable "A": the value holds a NUL byte`},
		{"a newline in dotenv", Dotenv, []Var{{"A", planted + "\nB=1"}}, nil, `variable "A": the value holds a line break, which a dotenv file cannot carry`},
		{"a carriage return in dotenv", Dotenv, []Var{{"A", planted + "\rB=1"}}, nil, `variable "A": the value holds a line break, which a dotenv file cannot carry`},
		{"a blank at the end in dotenv", Dotenv, []Var{{"A", planted + " "}}, nil, `variable "A": the value begins or ends with white space, which GitLab strips from a dotenv file`},
		{"a dollar in dotenv", Dotenv, []Var{{"A", planted + "$HOME"}}, nil, `variable "A": the value holds a dollar sign, which GitLab expands in a dotenv file`},
		{"stray bytes in dotenv", Dotenv, []Var{{"A", planted + "\xff"}}, nil, `variable "A": the value is not UTF-8, as a dotenv file must be`},
		{"stray bytes in json", JSON, []Var{{"A", planted + "\xff"}}, nil, `variable "A": the value is not UTF-8, as JSON must be`},
		{"only removals in dotenv", Dotenv, nil, []string{"A"}, "a dotenv file cannot unset variables"},
		{"an empty name", Sh, []Var{{"", planted}}, nil, `"" is not a variable name`},
		{"a name that begins with a digit", Sh, []Var{{"1A", planted}}, nil, `"1A" is not a variable name`},
		{"a name that runs a command", Sh, []Var{{"A;id", planted}}, nil, `"A;id" is not a variable name`},
		{"a name with a newline to unset", Fish, nil, []string{"A\nid"}, `"A\nid" is not a variable name`},
		{"a name of other letters", JSON, []Var{{"Ä", planted}}, nil, `"Ä" is not a variable name`},
		{"a name set and unset", JSON, []Var{{"A", planted}}, []string{"A"}, `variable "A" is named twice`},
		{"an unknown format", "csv", []Var{{"A", planted}}, nil, `unknown format "csv": want sh, fish, dotenv or json`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out writes
			set := tt.set
			if set != nil {
				set = append([]Var{{"FIRST", "1"}}, set...)
			}
			err := Write(&out, tt.format, set, tt.unset)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if len(out) != 0 {
				t.Errorf("%d writes before the error", len(out))
			}
		})
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteReportsABrokenOutput(t *testing.T) {
	err := Write(brokenPipe{}, Sh, []Var{{"A", "pl4nted"}}, nil)
	if err == nil || err.Error() != "writing the variables: broken pipe" {
		t.Errorf("error %v", err)
	}
}

func TestParseFormatNamesTheFormats(t *testing.T) {
	for _, want := range []Format{Sh, Fish, Dotenv, JSON} {
		if got, err := ParseFormat(string(want)); got != want || err != nil {
			t.Errorf("ParseFormat(%q) = %q, %v", want, got, err)
		}
	}
	for _, in := range []string{"", "SH", "bash"} {
		_, err := ParseFormat(in)
		if err == nil || !strings.HasSuffix(err.Error(), ": want sh, fish, dotenv or json") {
			t.Errorf("ParseFormat(%q): error %v", in, err)
		}
	}
}

func TestFailureIsAFailedCommandWhereAShellEvals(t *testing.T) {
	got := map[Format]string{}
	for _, f := range []Format{Sh, Fish, Dotenv, JSON} {
		got[f] = Failure(f)
	}
	want := map[Format]string{Sh: "false\n", Fish: "false\n", Dotenv: "", JSON: ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// readDotenv reads a dotenv report by the rules of checkDotenv's source.
func readDotenv(blob string) map[string]string {
	vars := map[string]string{}
	for line := range strings.Lines(strings.ToValidUTF8(blob, "\uFFFD")) {
		key, value, _ := strings.Cut(line, "=")
		vars[strings.Trim(key, " \t\n\v\f\r\x00")] = strings.Trim(value, " \t\n\v\f\r\x00")
	}
	return vars
}

func FuzzDotenv(f *testing.F) {
	for _, value := range hostile() {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var out bytes.Buffer
		if Write(&out, Dotenv, []Var{{"A", value}, {"B", "2"}}, nil) != nil {
			return
		}
		if diff := cmp.Diff(map[string]string{"A": value, "B": "2"}, readDotenv(out.String())); diff != "" {
			t.Error(diff)
		}
	})
}
