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
	"maps"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
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
// in it with the release: its name, every digest, size and media type, each
// platform's user, labels, folders, certificates, copyright files and programs.
// The programs are known by their ELF headers only; nothing is run. Of c the
// parts are not read.
func check(path string, c contents, out io.Writer) error {
	index, digest, err := openLayout(path)
	if err != nil {
		return err
	}
	if err := checkName(path, c.name()); err != nil {
		return err
	}
	if err := checkMediaTypes(index); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := validate.Index(index); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintf(out, "%s: index %s is valid\n", path, digest)
	for _, platform := range platforms {
		said, err := checkPlatform(index, platform, c)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, platform, err)
		}
		fmt.Fprintf(out, "%s: %s: %s\n", path, platform, said)
	}
	return nil
}

func checkName(path, want string) error {
	top, err := layout.ImageIndexFromPath(path)
	if err != nil {
		return err
	}
	manifest, err := top.IndexManifest()
	if err != nil {
		return err
	}
	if got := manifest.Manifests[0].Annotations[refName]; got != want {
		return fmt.Errorf("%s: is named %q, wanted %q", path, got, want)
	}
	return nil
}

// checkMediaTypes wants OCI's types throughout: a registry or runtime may refuse
// an index of one kind with images of another.
func checkMediaTypes(index v1.ImageIndex) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	type named struct {
		what      string
		got, want types.MediaType
	}
	all := []named{{"index", manifest.MediaType, types.OCIImageIndex}}
	for _, descriptor := range manifest.Manifests {
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			return err
		}
		m, err := image.Manifest()
		if err != nil {
			return err
		}
		all = append(all, named{"manifest", descriptor.MediaType, types.OCIManifestSchema1},
			named{"manifest", m.MediaType, types.OCIManifestSchema1}, named{"config", m.Config.MediaType, types.OCIConfigJSON})
		for _, layer := range m.Layers {
			all = append(all, named{"layer", layer.MediaType, types.OCILayer})
		}
	}
	for _, n := range all {
		if n.got != n.want {
			return fmt.Errorf("%s of the media type %q, wanted %s", n.what, n.got, n.want)
		}
	}
	return nil
}

func checkPlatform(index v1.ImageIndex, platform v1.Platform, c contents) (string, error) {
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
	if !maps.Equal(config.Config.Labels, c.labels()) {
		return "", fmt.Errorf("has the labels %v, wanted %v", config.Config.Labels, c.labels())
	}
	files, err := readFiles(image)
	if err != nil {
		return "", err
	}
	released, err := os.ReadFile(filepath.Join(c.Binaries, "ci-aws-linux-"+platform.Architecture)) //nolint:gosec // the folder that the command line names
	if err != nil {
		return "", err
	}
	if sha256.Sum256(files["usr/local/bin/ci-aws"].text) != sha256.Sum256(released) {
		return "", errors.New("usr/local/bin/ci-aws is not the binary of the release")
	}
	if !x509.NewCertPool().AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"].text) {
		return "", errors.New("etc/ssl/certs/ca-certificates.crt holds no certificate")
	}
	for _, want := range []entry{{name: "tmp", mode: 0o1777}, {name: "home/ci-aws", mode: 0o755, owner: 65532}} {
		if got := files[want.name]; got.kind != kindDir || got.mode != want.mode || got.owner != want.owner {
			return "", fmt.Errorf("%s is no folder of mode %o that %d owns", want.name, want.mode, want.owner)
		}
	}
	programs, packages := []string{"usr/local/bin/ci-aws"}, []string{"ca-certificates"}
	if c.Busybox {
		programs, packages = append(programs, "bin/busybox"), append(packages, "busybox-static")
	} else if _, ok := files["bin/busybox"]; ok {
		return "", errors.New("bin/busybox is in the image without a shell")
	}
	for _, name := range packages {
		if len(files["usr/share/doc/"+name+"/copyright"].text) == 0 {
			return "", fmt.Errorf("usr/share/doc/%s/copyright is missing", name)
		}
	}
	for _, program := range programs {
		if err := checkELF(files[program].text, platform.Architecture); err != nil {
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

// readFiles is what is in the image, by name without a slash at either end. An
// owner that is not its own group is -1.
func readFiles(image v1.Image) (map[string]entry, error) {
	stream := mutate.Extract(image)
	defer stream.Close() //nolint:errcheck // only read from
	files := map[string]entry{}
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		e := entry{name: strings.Trim(header.Name, "/"), kind: header.Typeflag, mode: header.Mode, owner: header.Uid, target: header.Linkname}
		if header.Gid != header.Uid {
			e.owner = -1
		}
		if e.text, err = io.ReadAll(archive); err != nil {
			return nil, err
		}
		files[e.name] = e
	}
}
