package awsconfig

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"
)

func profile(name string) Profile {
	return Profile{Name: name, Command: []string{"/bin/ci-aws", "credential-process", "--role-arn", "arn:aws:iam::123456789012:role/x"}, Region: "eu-central-1"}
}

// block is the section of profile(name).
func block(header string) string {
	return header + "\n" + markerLine + "\ncredential_process = /bin/ci-aws credential-process --role-arn arn:aws:iam::123456789012:role/x\nregion = eu-central-1\n"
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestSetKeepsEveryOtherByte(t *testing.T) {
	const others = "# mine\n[default]\nregion=us-east-1 # note\n[sso-session corp]\nsso_region = x\n[services s3]\ns3 =\n  endpoint_url = http://x\n"
	ours := block("[profile ci]")
	tests := []struct {
		name, in, want string
		force          bool
	}{
		{"an empty file", "", ours, false},
		{"other sections", others, others + "\n" + ours, false},
		{"no final line end", "[default]", "[default]\n\n" + strings.TrimSuffix(ours, "\n"), false},
		{"Windows line ends", crlf(others), crlf(others + "\n" + ours), false},
		{"a byte order mark", "\ufeff" + others, "\ufeff" + others + "\n" + ours, false},
		{"only a byte order mark", "\ufeff", "\ufeff" + ours, false},
		{"a profile of ours is brought up to date in its place", "[profile ci] ; x\n" + marker + " of old\nregion = a\ncredential_process = b\n\n# next\n[profile z]\na = b\n", strings.Replace(ours, "]", "] ; x", 1) + "\n# next\n[profile z]\na = b\n", false},
		{"what others added to a profile of ours stays", ours + "# why\noutput = json\ns3 =\n  x = y\n", ours + "# why\noutput = json\ns3 =\n  x = y\n", false},
		{"a continued setting of ours goes whole", "[profile ci]\n" + marker + "\ncredential_process =\n  a\n  b\noutput = json", ours + "output = json", false},
		{"also where a comment parts it", "[profile ci]\n" + marker + "\ncredential_process =\n  a\n# why\n  b\noutput = json\n", ours + "# why\noutput = json\n", false},
		{"by force another's profile keeps its comments only", "[profile ci]\n# theirs\nrole_arn = x\ns3 =\n  y = z\nregion = us-east-1\n# next\n[profile z]\n", ours + "# theirs\n# next\n[profile z]\n", true},
		{"by force the default profile in its old form", "[ profile  default ]\nregion = x\n", block("[ profile  default ]"), true},
		{"a section that is no profile has another name", "[ci]\na = b\n[services ci]\n", "[ci]\na = b\n[services ci]\n\n" + ours, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := "ci"
			if strings.Contains(tt.in, "[ profile  default ]") {
				name = "default"
			}
			got, err := set([]byte(tt.in), profile(name), tt.force)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if again, err := set(got, profile(name), false); err != nil || string(again) != string(got) {
				t.Errorf("setting it twice changes it again: %v, %q", err, again)
			}
		})
	}
}

func TestSetRefusesWhatIsNotItsOwn(t *testing.T) {
	tests := []struct {
		name, profile, in, want string
		force                   bool
	}{
		{"another's profile", "ci", "a\n[profile ci]\nregion = x\n", `profile "ci" in line 2 was not written by ci-aws configure`, false},
		{"in quotes", "ci", "[profile \"ci\"]\n", `profile "ci" in line 1 was not written by ci-aws configure`, false},
		{"with a comment behind", "ci", "[profile ci] # x\n", `profile "ci" in line 1 was not written by ci-aws configure`, false},
		{"after a byte order mark", "default", "\ufeff[default]\n", `profile "default" in line 1 was not written by ci-aws configure`, false},
		{"our mark below a setting", "ci", "[profile ci]\nregion = x\n" + marker + "\n", `profile "ci" in line 1 was not written by ci-aws configure`, false},
		{"twice, by force as well", "ci", "[profile ci]\n\n[x]\n[profile ci]\n", `profile "ci" stands in lines 1 and 4`, true},
		{"default in both forms", "default", "[default]\n[profile default]\n", `profile "default" stands in lines 1 and 2`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := set([]byte(tt.in), profile(tt.profile), tt.force)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestRemoveTakesOnlyItsOwn(t *testing.T) {
	a, b := block("[profile a]"), block("[profile b]")
	tests := []struct {
		name, in string
		names    []string
		want     string
		removed  []string
	}{
		{"all of ours", "[default]\n\n" + a + "\n" + b, nil, "[default]\n", []string{"a", "b"}},
		{"the named one", a + "\n" + b, []string{"b", "absent"}, a, []string{"b"}},
		{"no names is not all", a, []string{}, a, nil},
		{"with what was added to it, without what follows", a + "output = json\n\n# next\n[profile z]\n", nil, "\n# next\n[profile z]\n", []string{"a"}},
		{"without a blank line before it", "[x]\n" + a + b, []string{"b"}, "[x]\n" + a, []string{"b"}},
		{"nothing of ours", "[profile a]\nregion = x\n", nil, "[profile a]\nregion = x\n", nil},
		{"both of two that stand together", "[profile a]\n" + markerLine + "\n[profile a]\n" + markerLine, nil, "", []string{"a"}},
		{"of two with one name that of ours", "[profile a]\nregion = x\n\n" + a, []string{"a"}, "[profile a]\nregion = x\n", []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, removed, err := remove([]byte(tt.in), tt.names)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.removed, removed); diff != "" {
				t.Error(diff)
			}
		})
	}
	_, _, err := remove([]byte(a+"[profile z]\n"), []string{"a", "z"})
	if foreign := (*ForeignError)(nil); !errors.As(err, &foreign) || *foreign != (ForeignError{"z", 5}) {
		t.Errorf("error %v for a profile that is not ours", err)
	}
}

// randomText is made of what config files are made of, whole or broken.
func randomText(r *rand.Rand) string {
	parts := []string{
		"\n", "\r\n", "\r", " ", "\t", "\ufeff", "x", "[default]", "[profile a]", "[profile  b] # c", "[services s]", "[", "]", "[profile", "#", "# note", ";", marker, markerLine,
		"region = eu-central-1", "credential_process = /bin/x", "s3 =", "  nested = y", "é", "\xff", "\n\n", "\n[profile c]\n" + markerLine + "\nregion = x\n",
	}
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteString(parts[r.IntN(len(parts))])
		if r.IntN(2) == 0 {
			b.WriteString([]string{"\n", "\r\n"}[r.IntN(2)])
		}
	}
	return b.String()
}

func TestSetThenRemoveGivesTheOriginalBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same texts in every run
	for i := range 50_000 {
		original := randomText(r)
		text := []byte(original)
		for _, p := range []string{"new-1", "new-2"} {
			var err error
			if text, err = set(text, profile(p), false); err != nil {
				t.Fatalf("text %d %q: %v", i, original, err)
			}
			changed := profile(p)
			changed.Region = ""
			if text, err = set(text, changed, false); err != nil {
				t.Fatalf("text %d %q: %v", i, original, err)
			}
		}
		order := []string{"new-1", "new-2"}
		if r.IntN(2) == 0 {
			order = []string{"new-2", "new-1"}
		}
		for _, p := range order {
			var removed []string
			if text, removed, _ = remove(text, []string{p}); len(removed) != 1 {
				t.Fatalf("text %d %q: removed %q of %q", i, original, removed, p)
			}
		}
		if string(text) != original {
			t.Fatalf("text %d: %q came back as %q", i, original, text)
		}
	}
}

func FuzzSetThenRemove(f *testing.F) {
	for _, text := range []string{"", "[default]\nregion = x", "\ufeff[profile a]\r\n", "\r"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, original string) {
		text, err := set([]byte(original), profile("fresh"), false)
		if err != nil || strings.Contains(original, "fresh") {
			return
		}
		if text, _, err = remove(text, []string{"fresh"}); err != nil || string(text) != original {
			t.Errorf("%q came back as %q, %v", original, text, err)
		}
	})
}

func TestSDKReadsTheProfile(t *testing.T) {
	for _, in := range []string{"", "[default]\nregion = x", crlf("[profile z]\noutput = json\n"), "s3 =\n"} {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Set(t.Context(), path, []Profile{profile("ci"), profile("default")}, true); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ci", "default"} {
			got, err := config.LoadSharedConfigProfile(t.Context(), name, func(o *config.LoadSharedConfigOptions) {
				o.ConfigFiles, o.CredentialsFiles = []string{path}, []string{}
			})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{strings.Join(profile(name).Command, " "), "eu-central-1"}
			if diff := cmp.Diff(want, []string{got.CredentialProcess, got.Region}); diff != "" {
				t.Errorf("profile %s after %q: %s", name, in, diff)
			}
		}
	}
}

func TestCommandLineReachesTheProgramUnchanged(t *testing.T) {
	args := []string{"arn:aws:iam::123456789012:role/x", valueChars, "~/x"[1:], "%d", "-n=a,b@c+d"}
	line, err := CommandLine(append([]string{"/bin/echo"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", line).Output()
	if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != strings.Join(args, " ") {
		t.Errorf("the program got %q, %v", got, err)
	}
}

func TestCommandLineRefusesWhatAShellOrAnSDKWouldChange(t *testing.T) {
	for _, arg := range []string{"", "a b", "a\tb", "a\nb", "a #b", "$HOME", "`id`", "a;b", "a&b", "a|b", "a>b", `a"b`, "a'b", `a\b`, "*", "?", "[a]", "{a}", "(a)", "~", "!", "é", "a\x00"} {
		_, err := CommandLine([]string{"/bin/ci-aws", arg})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", arg)) {
			t.Errorf("argument %q: error %v", arg, err)
		}
		if _, err := CommandLine([]string{"/bin/" + arg + "x/ci aws"}); err == nil {
			t.Errorf("program in %q is accepted", arg)
		}
	}
	for _, argv := range [][]string{nil, {}, {"ci-aws"}, {"./ci-aws"}} {
		if _, err := CommandLine(argv); err == nil {
			t.Errorf("%q is accepted", argv)
		}
	}
}

func TestSetRefusesProfilesBeforeItTouchesAnything(t *testing.T) {
	good := profile("ci")
	long := strings.Repeat("a", maxName)
	tests := []struct {
		name     string
		profiles []Profile
		want     string
	}{
		{"the longest name", []Profile{profile(long)}, ""},
		{"a name that is too long", []Profile{profile(long + "a")}, `profile name "` + long + `a": want 1 to 64 letters, digits and _.-`},
		{"an empty name", []Profile{profile("")}, `profile name "": want 1 to 64 letters, digits and _.-`},
		{"a name that ends the header", []Profile{profile("a]")}, `profile name "a]": want 1 to 64 letters, digits and _.-`},
		{"a blank in the name", []Profile{profile("a b")}, `profile name "a b": want 1 to 64 letters, digits and _.-`},
		{"the same twice", []Profile{good, good}, `profile "ci" is given twice`},
		{"a region with a line", []Profile{{"ci", good.Command, "x\ny"}}, `region of profile "ci": "x\ny" cannot stand in an AWS config file: only letters, digits and _./:=@,+%- can`},
		{"a command with a blank", []Profile{{"ci", []string{"/bin/ci aws"}, ""}}, `profile "ci": "/bin/ci aws" cannot stand in an AWS config file: only letters, digits and _./:=@,+%- can`},
		{"no command", []Profile{{"ci", nil, ""}}, `profile "ci": a credential_process needs the absolute path of its program`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "aws", "config")
			err := Set(t.Context(), path, tt.profiles, true)
			if fmt.Sprint(err) != tt.want && (err != nil || tt.want != "") {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if _, statErr := os.Stat(filepath.Dir(path)); (statErr == nil) != (err == nil) {
				t.Errorf("folder: %v", statErr)
			}
		})
	}
}
