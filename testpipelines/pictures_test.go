package testpipelines_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestReadmeAndSetUpPageShowTheMatrix(t *testing.T) {
	for _, page := range []string{"../README.md", "../docs/setup.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		shown := false
		for _, m := range regexp.MustCompile(`!\[[^\]]+\]\(([^)]+\.svg)\)`).FindAllSubmatch(text, -1) {
			path := filepath.Join(filepath.Dir(page), string(m[1]))
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s shows a picture that is not there: %v", page, err)
			}
			shown = shown || path == filepath.Join("..", "docs", "matrix.svg")
		}
		if !shown {
			t.Errorf("%s does not show docs/matrix.svg", page)
		}
	}
}
