package child_test

import (
	"os"
	"testing"
)

func openTerminal(t *testing.T) (terminal, device *os.File) {
	t.Helper()
	t.Skip("the test opens pseudo-terminals as Linux has them")
	return nil, nil
}
