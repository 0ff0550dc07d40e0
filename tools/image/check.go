package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// openLayout is the one index that a layout's index.json names, and its digest.
func openLayout(path string) (v1.ImageIndex, v1.Hash, error) {
	top, err := layout.ImageIndexFromPath(path)
	if err != nil {
		return nil, v1.Hash{}, fmt.Errorf("reading %s: %w", path, err)
	}
	manifest, err := top.IndexManifest()
	if err != nil {
		return nil, v1.Hash{}, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(manifest.Manifests) != 1 || !manifest.Manifests[0].MediaType.IsIndex() {
		return nil, v1.Hash{}, fmt.Errorf("%s: wants one index", path)
	}
	digest := manifest.Manifests[0].Digest
	index, err := top.ImageIndex(digest)
	if err != nil {
		return nil, v1.Hash{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return index, digest, nil
}

func printDigest(path string, out io.Writer) error {
	_, digest, err := openLayout(path)
	if err == nil {
		_, err = fmt.Fprintln(out, digest)
	}
	return err
}

// export writes the files of the image for one platform as a tar.
func export(path, platform string, out io.Writer) error {
	index, _, err := openLayout(path)
	if err != nil {
		return err
	}
	wanted, err := v1.ParsePlatform(platform)
	if err != nil {
		return err
	}
	image, err := imageFor(index, *wanted)
	if err != nil {
		return err
	}
	files := mutate.Extract(image)
	defer files.Close() //nolint:errcheck // read to its end
	_, err = io.Copy(out, files)
	return err
}

func imageFor(index v1.ImageIndex, platform v1.Platform) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, descriptor := range manifest.Manifests {
		if descriptor.Platform != nil && descriptor.Platform.Satisfies(platform) {
			return index.Image(descriptor.Digest)
		}
	}
	return nil, fmt.Errorf("no image for %s", platform)
}

// check reads a layout as a registry and a runtime would, and compares what is
// in it with the binaries of the release: every digest and size, each platform's
// user, certificates and programs. The programs are known by their ELF headers
// only; nothing is run.
func check(path, binaries string, out io.Writer) error {
	index, digest, err := openLayout(path)
	if err != nil {
		return err
	}
	if err := validate.Index(index); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintf(out, "%s: index %s is valid\n", path, digest)
	for _, platform := range platforms {
		said, err := checkPlatform(index, platform, binaries)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, platform, err)
		}
		fmt.Fprintf(out, "%s: %s: %s\n", path, platform, said)
	}
	return nil
}

func checkPlatform(index v1.ImageIndex, platform v1.Platform, binaries string) (string, error) {
	image, err := imageFor(index, platform)
	if err != nil {
		return "", err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return "", err
	}
	if config.Config.User != user {
		return "", fmt.Errorf("runs as user %q, wanted %s", config.Config.User, user)
	}
	files, err := readFiles(image)
	if err != nil {
		return "", err
	}
	released, err := os.ReadFile(filepath.Join(binaries, "ci-aws-linux-"+platform.Architecture)) //nolint:gosec // the folder that the command line names
	if err != nil {
		return "", err
	}
	if sha256.Sum256(files["usr/local/bin/ci-aws"]) != sha256.Sum256(released) {
		return "", errors.New("usr/local/bin/ci-aws is not the binary of the release")
	}
	if !x509.NewCertPool().AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"]) {
		return "", errors.New("etc/ssl/certs/ca-certificates.crt holds no certificate")
	}
	programs := []string{"usr/local/bin/ci-aws"}
	if _, ok := files["bin/busybox"]; ok {
		programs = append(programs, "bin/busybox")
	}
	for _, program := range programs {
		if err := checkELF(files[program], platform.Architecture); err != nil {
			return "", fmt.Errorf("%s %w", program, err)
		}
	}
	return fmt.Sprintf("%s: static, by their ELF headers; user %s", strings.Join(programs, ", "), user), nil
}

// checkELF wants a program of that architecture that needs no loader.
func checkELF(program []byte, arch string) error {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return errors.New("is no ELF file")
	}
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	if file.Machine != machine {
		return fmt.Errorf("is for %s, wanted %s", file.Machine, machine)
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return errors.New("is not static")
		}
	}
	return nil
}

// readFiles is the content of the image's files, by name.
func readFiles(image v1.Image) (map[string][]byte, error) {
	stream := mutate.Extract(image)
	defer stream.Close() //nolint:errcheck // only read from
	files := map[string][]byte{}
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag == kindFile {
			if files[header.Name], err = io.ReadAll(archive); err != nil {
				return nil, err
			}
		}
	}
}
