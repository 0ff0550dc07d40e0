package awsconfig

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeysAreLeftOutAndToldOf(t *testing.T) {
	const keys = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\naws_session_token = example\naws_security_token = example\n"
	tests := []struct {
		name, in, want string
		headers        []string
	}{
		{"none", "# mine\n[profile a]\nrole_arn = x\nregion = y\n", "# mine\n[profile a]\nrole_arn = x\nregion = y\n", nil},
		{"each of them, and nothing else", "# mine\n[profile a]\n" + keys + "region = y\n\n[default]\nregion = z\n", "# mine\n[profile a]\nregion = y\n\n[default]\nregion = z\n", []string{"profile a"}},
		{"in several sections", "[default]\n" + keys + "[ profile  b ] # x\r\n" + crlf(keys) + "[default]\n" + keys, "[default]\n[ profile  b ] # x\r\n[default]\n", []string{"default", "profile b"}},
		{"in capitals, without blanks, with a colon", "[profile a]\nAWS_Secret_Access_Key=example\naws_session_token: example\n", "[profile a]\n", []string{"profile a"}},
		{"going on in the next line", "[profile a]\naws_secret_access_key =\n  example\n\n# why\n\texample\nregion = y\n", "[profile a]\n\n# why\nregion = y\n", []string{"profile a"}},
		{"among the settings of another", "[profile a]\ns3 =\n  aws_session_token = example\n    example\n  max_queue_size = 1\n", "[profile a]\ns3 =\n  max_queue_size = 1\n", []string{"profile a"}},
		{"in comments", "[profile a]\n# aws_secret_access_key = example\n;;aws_session_token=example\nregion = y\n", "[profile a]\nregion = y\n", []string{"profile a"}},
		{"behind a carriage return", "[profile a]\nregion = y\raws_secret_access_key = example\n", "[profile a]\n", []string{"profile a"}},
		{"before all sections", "\ufeffaws_secret_access_key = example\n[default]\n", "\ufeff[default]\n", []string{""}},
		{"in a section that is no profile", "[sso-session x]\naws_session_token = example", "[sso-session x]\n", []string{"sso-session x"}},
		{"what is only called alike", "[profile a]\naws_session_tokens = 1\nx = aws_session_token = 1\n", "[profile a]\naws_session_tokens = 1\nx = aws_session_token = 1\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := withoutKeys([]byte(tt.in))
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.headers, Keys([]byte(tt.in))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheAWSCLITakesAColonForAnEqualsSign(t *testing.T) {
	if !HasKeys([]byte("[ci]\naws_access_key_id: AKIAEXAMPLE\n"), "ci") {
		t.Error("the keys are not found")
	}
}

func FuzzWithoutKeys(f *testing.F) {
	for _, text := range []string{"", "[a]\naws_access_key_id = x\n  y\n", "\ufeffaws_session_token:x", "#aws_security_token\r[a]\r\naws_secret_access_key=\n\n x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		left, headers := withoutKeys([]byte(text))
		if again := Keys(left); again != nil {
			t.Errorf("%q leaves %q: keys in %q", text, left, again)
		}
		if headers == nil && text != string(left) {
			t.Errorf("%q becomes %q, and nobody is told", text, left)
		}
		if headersOf(text) != headersOf(string(left)) {
			t.Errorf("%q loses sections: %q", text, left)
		}
	})
}

// headersOf are the lines that begin sections.
func headersOf(text string) string {
	var b strings.Builder
	for _, s := range parse([]byte(text)) {
		header, _, _ := strings.Cut(text[s.start:s.end], "\n")
		b.WriteString(header + "\x00")
	}
	return b.String()
}
