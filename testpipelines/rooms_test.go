package testpipelines_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "gitlab.com/ci-aws/ci-aws/"

// goList is the output of go list at the root of the module, by lines.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// TestEachRoomKnowsOnlyTheRoomsBelowIt holds the imports of the product's
// packages to the one direction in which they may go. A new package needs a row.
func TestEachRoomKnowsOnlyTheRoomsBelowIt(t *testing.T) {
	mayKnow := map[string]string{
		"cmd/ci-aws":          "internal/cli",
		"internal/cli":        "internal/awsconfig internal/cache internal/catalogue internal/child internal/credserver internal/credstore internal/doctor internal/export internal/iam internal/identity internal/job internal/mask internal/near internal/refs internal/render internal/report internal/runner internal/smoke internal/trust",
		"internal/refs":       "internal/catalogue internal/iam internal/near internal/report internal/runner internal/trust",
		"internal/render":     "internal/iam internal/near internal/report internal/runner internal/smoke",
		"internal/smoke":      "internal/catalogue internal/report internal/runner",
		"internal/doctor":     "internal/cache internal/catalogue internal/iam internal/identity internal/job internal/near internal/report internal/runner",
		"internal/cache":      "internal/catalogue internal/iam internal/report internal/silence",
		"internal/runner":     "internal/catalogue internal/near internal/report",
		"internal/trust":      "internal/catalogue internal/iam internal/near internal/report",
		"internal/identity":   "internal/catalogue internal/iam internal/job internal/report internal/silence",
		"internal/iam":        "internal/report",
		"internal/catalogue":  "internal/report",
		"internal/job":        "internal/report",
		"internal/awsfake":    "internal/iam",
		"internal/awsconfig":  "",
		"internal/child":      "",
		"internal/credserver": "",
		"internal/credstore":  "",
		"internal/export":     "",
		"internal/mask":       "",
		"internal/near":       "",
		"internal/report":     "",
		"internal/silence":    "",
	}
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./cmd/...", "./internal/...") {
		fields := strings.Fields(line)
		room := strings.TrimPrefix(fields[0], module)
		known, listed := mayKnow[room]
		if !listed {
			t.Errorf("%s is a new room: say here what it may know", room)
			continue
		}
		for _, path := range fields[1:] {
			if other, ours := strings.CutPrefix(path, module); ours && !slices.Contains(strings.Fields(known), other) {
				t.Errorf("%s imports %s", room, other)
			}
		}
	}
}

func TestTheBinaryHoldsNoFake(t *testing.T) {
	linked := goList(t, "-deps", "-tags", "urfave_cli_no_docs", "./cmd/ci-aws")
	if !slices.Contains(linked, module+"internal/cli") {
		t.Fatalf("go list told of %d packages without internal/cli", len(linked))
	}
	for _, foreign := range []string{module + "internal/awsfake", module + "testpipelines", "github.com/go-jose/", "github.com/johannesboyne/", "github.com/aws/aws-sdk-go-v2/service/s3"} {
		for _, path := range linked {
			if strings.HasPrefix(path, foreign) {
				t.Errorf("the binary holds %s", path)
			}
		}
	}
}
