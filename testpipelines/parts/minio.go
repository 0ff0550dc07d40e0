package parts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// BuildMinIO builds the MinIO that testpipelines/minio/go.mod pins, unless it is
// built already, and returns its path. The first build takes minutes; it is
// announced on progress.
//
// The server is kept in the user's cache folder, outside the tree, under a name
// made from the module's sums: another version is another file.
func BuildMinIO(ctx context.Context, progress io.Writer) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	path, err := minioPath(root)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(filepath.Dir(path), "building-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	fmt.Fprintln(progress, "building MinIO for the tests, once: this takes minutes")
	built := filepath.Join(scratch, "minio")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", built, "github.com/minio/minio")
	build.Dir = filepath.Join(root, "testpipelines", "minio")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, text)
	}
	return path, os.Rename(built, path)
}

// minioPath is where the MinIO of this tree's sums is kept.
func minioPath(root string) (string, error) {
	sums, err := os.ReadFile(filepath.Join(root, "testpipelines", "minio", "go.sum"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(sums)
	return filepath.Join(cache, "ci-aws-tests", "minio-"+hex.EncodeToString(hash[:8])), nil
}
