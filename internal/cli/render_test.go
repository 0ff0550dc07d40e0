package cli_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/cli"
)

func TestExitCodesOfRender(t *testing.T) {
	dir := t.TempDir()
	good, bad, out := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml"), filepath.Join(dir, "out")
	for name, text := range map[string]string{
		good: "account: '123456789012'\nissuer: https://oidc.eks.eu-central-1.amazonaws.com/id/AB\n",
		bad:  "account: '1'\nissuer: https://oidc.eks.eu-central-1.amazonaws.com/id/AB\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		args []string
		want int
	}{
		{"a folder that is not there differs", []string{"--file", good, "--output-dir", out, "--diff"}, 1},
		{"written", []string{"--file", good, "--output-dir", out}, 0},
		{"no difference", []string{"--file", good, "--output-dir", out, "--diff"}, 0},
		{"a difference", []string{"--file", good, "--output-dir", out, "--diff", "--namespace", "x"}, 1},
		{"a wrong value in the file", []string{"--file", bad, "--output-dir", out}, 1},
		{"a right flag over a wrong value", []string{"--file", bad, "--account", "123456789012", "--output-dir", out, "--force"}, 0},
		{"a wrong flag", []string{"--file", good, "--account", "1", "--output-dir", out}, 2},
		{"a wrong flag and a wrong value", []string{"--file", bad, "--region", "1", "--output-dir", out}, 1},
		{"nothing given", []string{"--output-dir", out}, 2},
		{"no folder", []string{"--file", good}, 2},
		{"no such file", []string{"--file", filepath.Join(dir, "none"), "--output-dir", out}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var said bytes.Buffer
			args := append([]string{"ci-aws", "render"}, tt.args...)
			got := cli.Run(t.Context(), args, cli.IO{In: &bytes.Buffer{}, Out: io.Discard, Err: &said, Now: time.Now})
			if got != tt.want {
				t.Errorf("exit code %d, want %d: %s", got, tt.want, said.String())
			}
		})
	}
}
