package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// contents is what an image is made of.
type contents struct {
	Binaries string // folder of ci-aws-linux-ARCH
	Parts    string // folder that scripts/image-parts.sh has filled
	Busybox  bool   // with a shell
	Version  string
}

// name is the tag of the image.
func (c contents) name() string {
	if c.Busybox {
		return c.Version + "-busybox"
	}
	return c.Version
}

// labels say what the image is and under which licences: ci-aws, the CA
// certificates, busybox with the C library in it. There is no commit among them,
// since the same binary is the same image.
// https://github.com/opencontainers/image-spec/blob/main/annotations.md
func (c contents) labels() map[string]string {
	licenses := "MIT AND MPL-2.0"
	if c.Busybox {
		licenses += " AND GPL-2.0-only AND LGPL-2.1-or-later"
	}
	return map[string]string{
		"org.opencontainers.image.title":    "ci-aws",
		"org.opencontainers.image.version":  c.Version,
		"org.opencontainers.image.source":   "https://gitlab.com/ci-aws/ci-aws",
		"org.opencontainers.image.licenses": licenses,
	}
}

// platforms are those of the index, in its order.
var platforms = []v1.Platform{
	{OS: "linux", Architecture: "amd64"},
	{OS: "linux", Architecture: "arm64", Variant: "v8"},
}

// user is who runs in the image: nobody in particular, and not root. Kubernetes
// checks runAsNonRoot by the number.
const user = "65532:65532"

// created is the time of everything in an image. A true time would make each
// build another image.
var created = time.Unix(0, 0).UTC()

// refName is the annotation that holds a layout's tag.
const refName = "org.opencontainers.image.ref.name"

// writeLayout writes the image as an OCI layout into a new folder, whose
// index.json names one index, tagged as the registry will have it.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md
func writeLayout(path string, c contents) error {
	if c.Version == "" || c.Binaries == "" || c.Parts == "" {
		return errors.New("layout wants -binaries, -parts and -version")
	}
	if _, err := os.Stat(path); err == nil { //nolint:gosec // the folder that the command line names
		return fmt.Errorf("%s: exists", path)
	}
	var index v1.ImageIndex = empty.Index
	for _, platform := range platforms {
		image, err := c.image(platform)
		if err != nil {
			return fmt.Errorf("making the image for %s: %w", platform, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	index = mutate.IndexMediaType(index, types.OCIImageIndex)
	written, err := layout.Write(path, empty.Index)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	tag := layout.WithAnnotations(map[string]string{refName: c.name()})
	if err := written.AppendIndex(index, tag); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// image is the image for one platform: what a release does not change in the
// first layer, the binary in the second.
func (c contents) image(platform v1.Platform) (v1.Image, error) {
	base, err := c.base(platform.Architecture)
	if err != nil {
		return nil, err
	}
	binary, err := fromDisk(filepath.Join(c.Binaries, "ci-aws-linux-"+platform.Architecture), "usr/local/bin/ci-aws", 0o755)
	if err != nil {
		return nil, err
	}
	config := v1.Config{
		User:       user,
		Env:        []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/ci-aws"},
		WorkingDir: "/home/ci-aws",
		Labels:     c.labels(),
	}
	if !c.Busybox {
		config.Entrypoint = []string{"/usr/local/bin/ci-aws"}
	} else {
		config.Cmd = []string{"sh"} // and no entrypoint: the runner starts its own shell
	}
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	for _, files := range [][]entry{base, {dir("usr/local"), dir("usr/local/bin"), binary}} {
		layer, err := newLayer(files)
		if err != nil {
			return nil, err
		}
		history := v1.History{Created: v1.Time{Time: created}, CreatedBy: "ci-aws " + c.Version}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: history}); err != nil {
			return nil, err
		}
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.Config, file.Created = config, v1.Time{Time: created}
	file.OS, file.Architecture, file.Variant = platform.OS, platform.Architecture, cmp.Or(platform.Variant, file.Variant)
	return mutate.ConfigFile(image, file)
}

// base is everything but the binary.
func (c contents) base(arch string) ([]entry, error) {
	certificates, err := fromDisk(filepath.Join(c.Parts, "ca-certificates.crt"), "etc/ssl/certs/ca-certificates.crt", 0o644)
	if err != nil {
		return nil, err
	}
	copyright, err := c.copyright("ca-certificates")
	if err != nil {
		return nil, err
	}
	files := []entry{
		dir("etc"),
		text("etc/group", "root:x:0:\nci-aws:x:65532:\n"),
		text("etc/passwd", "root:x:0:0:root:/:/sbin/nologin\nci-aws:x:65532:65532:ci-aws:/home/ci-aws:/sbin/nologin\n"),
		dir("etc/ssl"), dir("etc/ssl/certs"), certificates,
		dir("home"),
		{name: "home/ci-aws", kind: kindDir, mode: 0o755, owner: 65532},
		{name: "tmp", kind: kindDir, mode: 0o1777},
		dir("usr"), dir("usr/share"), dir("usr/share/doc"), dir("usr/share/doc/ca-certificates"), copyright,
	}
	if !c.Busybox {
		return files, nil
	}
	if copyright, err = c.copyright("busybox-static"); err != nil {
		return nil, err
	}
	busybox, err := fromDisk(filepath.Join(c.Parts, "busybox-"+arch), "bin/busybox", 0o755)
	if err != nil {
		return nil, err
	}
	files = append(files, dir("usr/share/doc/busybox-static"), copyright, dir("bin"), busybox)
	for _, applet := range applets {
		files = append(files, entry{name: "bin/" + applet, kind: kindLink, mode: 0o777, target: "busybox"})
	}
	return files, nil
}

// copyright is the file in which a Debian package says whose it is, where Debian
// has it.
func (c contents) copyright(of string) (entry, error) {
	return fromDisk(filepath.Join(c.Parts, of+".copyright"), "usr/share/doc/"+of+"/copyright", 0o644)
}
