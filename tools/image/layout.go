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
	Binaries     string // folder
	Certificates string // file
	Busybox      string // folder; "" for an image of nothing but the binary
	Version      string
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

// writeLayout writes the image as an OCI layout into a new folder, whose
// index.json names one index, tagged with the version.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md
func writeLayout(path string, c contents) error {
	if c.Version == "" || c.Binaries == "" || c.Certificates == "" {
		return errors.New("layout wants -binaries, -certificates and -version")
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
	tag := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": c.Version})
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
	binary, err := fromDisk(filepath.Join(c.Binaries, "ci-aws-linux-"+platform.Architecture), "usr/local/bin/ci-aws")
	if err != nil {
		return nil, err
	}
	config := v1.Config{
		User:       user,
		Env:        []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/ci-aws"},
		WorkingDir: "/home/ci-aws",
		Labels: map[string]string{
			"org.opencontainers.image.title":   "ci-aws",
			"org.opencontainers.image.version": c.Version,
		},
	}
	if c.Busybox == "" {
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
	certificates, err := fromDisk(c.Certificates, "etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		return nil, err
	}
	certificates.mode = 0o644
	files := []entry{
		dir("etc"),
		text("etc/group", "root:x:0:\nci-aws:x:65532:\n"),
		text("etc/passwd", "root:x:0:0:root:/:/sbin/nologin\nci-aws:x:65532:65532:ci-aws:/home/ci-aws:/sbin/nologin\n"),
		dir("etc/ssl"), dir("etc/ssl/certs"), certificates,
		dir("home"),
		{name: "home/ci-aws", kind: kindDir, mode: 0o755, owner: 65532},
		{name: "tmp", kind: kindDir, mode: 0o1777},
		dir("usr"),
	}
	if c.Busybox == "" {
		return files, nil
	}
	busybox, err := fromDisk(filepath.Join(c.Busybox, "busybox-"+arch), "bin/busybox")
	if err != nil {
		return nil, err
	}
	files = append(files, dir("bin"), busybox)
	for _, applet := range applets {
		files = append(files, entry{name: "bin/" + applet, kind: kindLink, mode: 0o777, target: "busybox"})
	}
	return files, nil
}
