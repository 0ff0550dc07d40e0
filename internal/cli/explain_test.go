package cli_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
)

// TestEveryCaseHasATranscript holds the promise of docs/checks.md: each way to
// fail is shown as a command prints it, recorded, not written.
func TestEveryCaseHasATranscript(t *testing.T) {
	known := map[string]bool{}
	for _, c := range catalogue.All() {
		known[c.ID+".txt"] = true
		raw, err := os.ReadFile(filepath.Join("testdata", "setups", c.ID+".txt"))
		switch {
		case errors.Is(err, fs.ErrNotExist) && slices.Contains(unseen, c.ID):
		case errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s has no transcript", c.ID)
		case err != nil:
			t.Error(err)
		case strings.TrimSpace(string(raw)) == "":
			t.Errorf("the transcript of %s is empty", c.ID)
		}
	}
	recorded, err := filepath.Glob(filepath.Join("testdata", "setups", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range recorded {
		if !known[filepath.Base(file)] {
			t.Errorf("%s is the transcript of no case", file)
		}
	}
}
