package refs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// TestShapesThatLookLikeSlips has set-ups that are whole, or a part of a whole,
// and the slips that are nearest to them: each with all that is said of it, and
// what fails where the files are all there is.
func TestShapesThatLookLikeSlips(t *testing.T) {
	all, err := filepath.Glob("testdata/shapes/*.txtar")
	if err != nil || len(all) < 30 {
		t.Fatal(len(all), err)
	}
	for _, file := range all {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files, want := map[string]string{}, ""
			var kept []txtar.File
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				files[f.Name] = string(f.Data)
				kept = append(kept, f)
			}
			got := said(Check(setOf(t, files), Options{}), "")
			var closed []string
			for line := range strings.Lines(said(Check(setOf(t, files), Options{Closed: true}), "closed: ")) {
				if strings.Contains(line, ": fail ") && !strings.Contains(got, strings.TrimPrefix(line, "closed: ")) {
					closed = append(closed, line)
				}
			}
			got += strings.Join(slices.Compact(closed), "")
			if *updateCheck {
				archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// said is each finding that does not hold, with its first place, its fix and
// what there is to paste, as far as it is a patch.
func said(r Result, prefix string) string {
	var b strings.Builder
	for _, f := range r.Report.Findings() {
		if f.Status == report.OK {
			continue
		}
		fmt.Fprintf(&b, "%s%s %s at %s: %s\n", prefix, f.Status, f.ID, first(f), f.Cause)
		if prefix != "" || f.Status == report.Note && f.ID != "refs-files" {
			continue
		}
		for _, h := range f.Hints {
			fmt.Fprintf(&b, "  %s\n", h)
		}
		for _, s := range f.Paste {
			if s.For == patchTitle {
				b.WriteString(s.Text)
			}
		}
	}
	return b.String()
}
