package awsconfig

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"
)

func TestANewFileBeginsAsTheOneBefore(t *testing.T) {
	ours := block("[profile ci]")
	tests := []struct{ name, kept, want string }{
		{"nothing", "", ours},
		{"other profiles stay", "# mine\n[profile x]\nsource_profile = ci\n", "# mine\n[profile x]\nsource_profile = ci\n\n" + ours},
		{"its own goes, with all it says", "[profile ci]\nrole_arn = y\ns3 =\n  a = b\n\n# next\n[default]\n", "\n# next\n[default]\n\n" + ours},
		{"its own goes, however often it stands", "[profile ci]\na = b\n[x]\n[profile ci]\nsso_session = c\n", "[x]\n\n" + ours},
		{"one that was written before goes as well", ours, ours},
		{"Windows line ends and a byte order mark", "\ufeff[default]\r\n", "\ufeff[default]\r\n\r\n" + crlf(ours)},
		{"keys are not copied", "[profile x]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\nregion = y\n", "[profile x]\nregion = y\n\n" + ours},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "new", "config")
			for range 2 { // the second call finds a file, and copies nothing
				must(t, SetKept(t.Context(), path, []byte(tt.kept), []Profile{profile("ci")}, false))
				hold(t, path, tt.want, "config")
			}
		})
	}
}

func TestAFileThatIsThereIsEditedInPlace(t *testing.T) {
	for _, text := range []string{"", "# mine\n[default]\n"} {
		path := filepath.Join(closed(t), "config")
		write(t, path, text)
		must(t, SetKept(t.Context(), path, []byte("[profile lost]\n"), []Profile{profile("ci")}, false))
		want := block("[profile ci]")
		if text != "" {
			want = text + "\n" + want
		}
		hold(t, path, want, "config")
	}
	path := filepath.Join(closed(t), "config")
	write(t, path, "[profile ci]\n")
	if err := SetKept(t.Context(), path, nil, []Profile{profile("ci")}, false); err == nil || !strings.Contains(err.Error(), "was not written by ci-aws configure") {
		t.Errorf("error %v", err)
	}
	hold(t, path, "[profile ci]\n", "config")
}

// TestKeysThatAnSDKPutsFirstAreFound compares with what the SDK takes.
func TestKeysThatAnSDKPutsFirstAreFound(t *testing.T) {
	const keys = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n"
	tests := []struct {
		name, profile, text string
		want                bool
	}{
		{"a section of that name", "ci", "[ci]\n" + keys, true},
		{"the default one", "default", "[default] # x\r\n" + crlf(keys), true},
		{"another section", "ci", "[other]\n" + keys + "[ci]\nregion = x\n", false},
		{"in a comment", "ci", "[ci]\n# aws_access_key_id = x\n", false},
		{"no file", "ci", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := HasKeys([]byte(tt.text), tt.profile); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			dir := t.TempDir()
			conf, credentials := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
			write(t, credentials, tt.text)
			must(t, Set(t.Context(), conf, []Profile{profile(tt.profile)}, false))
			sdk, err := config.LoadSharedConfigProfile(t.Context(), tt.profile, func(o *config.LoadSharedConfigOptions) {
				o.ConfigFiles, o.CredentialsFiles = []string{conf}, []string{credentials}
			})
			must(t, err)
			if got := sdk.Credentials.HasKeys(); got != tt.want {
				t.Errorf("the SDK has keys: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReadRefusesWhatSetRefuses(t *testing.T) {
	dir := t.TempDir()
	text, err := Read(filepath.Join(dir, "absent"))
	if diff := cmp.Diff([]byte(nil), text); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	if _, err := Read(dir); err == nil || err.Error() != "it is not a regular file" {
		t.Errorf("error %v for a folder", err)
	}
}

func FuzzKept(f *testing.F) {
	for _, text := range []string{"", "[profile fresh]\n[profile fresh]", "[profile fresh]\nregion = x", "\ufeff[profile fresh]\r\n\r\n[profile fresh]", "\r[profile fresh]#\n[default]\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, kept string) {
		left := without([]byte(kept), []Profile{profile("fresh")})
		for _, s := range parse(left) {
			if s.profile == "fresh" {
				t.Fatalf("%q leaves %q", kept, left)
			}
		}
		if others(kept) != others(string(left)) {
			t.Errorf("%q loses others: %q", kept, left)
		}
		if _, err := setAll(left, []Profile{profile("fresh")}, false); err != nil {
			t.Errorf("%q: %v", kept, err)
		}
	})
}

// others are the bodies of all sections but that of fresh.
func others(text string) string {
	var b strings.Builder
	for _, s := range parse([]byte(text)) {
		if s.profile != "fresh" {
			fmt.Fprintf(&b, "%s\x00", strings.TrimRight(text[s.start:s.end], "\r\n"))
		}
	}
	return b.String()
}
