package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// remade is a layout of the same name whose images are changed, and whose index is of that type.
func remade(t *testing.T, path, name string, kind types.MediaType, change func(t *testing.T, image v1.Image) v1.Image) string {
	t.Helper()
	old, _, err := openLayout(path)
	if err != nil {
		t.Fatal(err)
	}
	var index v1.ImageIndex = empty.Index
	for _, platform := range platforms {
		image, err := imageFor(old, platform)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: change(t, image), Descriptor: v1.Descriptor{Platform: &platform}})
	}
	written, err := layout.Write(filepath.Join(t.TempDir(), layoutName), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := written.AppendIndex(mutate.IndexMediaType(index, kind), layout.WithAnnotations(map[string]string{refName: name})); err != nil {
		t.Fatal(err)
	}
	return string(written)
}

// over puts files over those of an image.
func over(files ...entry) func(*testing.T, v1.Image) v1.Image {
	return func(t *testing.T, image v1.Image) v1.Image {
		t.Helper()
		layer, err := newLayer(files)
		if err != nil {
			t.Fatal(err)
		}
		return changed(t, image, layer)
	}
}

func changed(t *testing.T, image v1.Image, layer v1.Layer) v1.Image {
	t.Helper()
	image, err := mutate.AppendLayers(image, layer)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestCheckRefusesAnImageThatIsMadeOtherwise(t *testing.T) {
	same := func(_ *testing.T, image v1.Image) v1.Image { return image }
	for _, tt := range []struct {
		name, ref string
		kind      types.MediaType
		change    func(*testing.T, v1.Image) v1.Image
		want      string // "" for none
	}{
		{"made alike", "1.2.3-busybox", types.OCIImageIndex, same, ""},
		{"named as the image without a shell", "1.2.3", types.OCIImageIndex, same, `is named "1.2.3", wanted "1.2.3-busybox"`},
		{"an index of Docker", "1.2.3-busybox", types.DockerManifestList, same, "index of the media type"},
		{"images of Docker", "1.2.3-busybox", types.OCIImageIndex, func(_ *testing.T, image v1.Image) v1.Image {
			return mutate.MediaType(image, types.DockerManifestSchema2)
		}, "manifest of the media type"},
		{"a config of Docker", "1.2.3-busybox", types.OCIImageIndex, func(_ *testing.T, image v1.Image) v1.Image {
			return mutate.ConfigMediaType(image, types.DockerConfigJSON)
		}, "config of the media type"},
		{"a layer of Docker", "1.2.3-busybox", types.OCIImageIndex, func(t *testing.T, image v1.Image) v1.Image {
			t.Helper()
			layers, err := image.Layers()
			if err != nil {
				t.Fatal(err)
			}
			layer, err := tarball.LayerFromOpener(layers[0].Uncompressed, tarball.WithMediaType(types.DockerLayer))
			if err != nil {
				t.Fatal(err)
			}
			return changed(t, image, layer)
		}, "layer of the media type"},
		{"a /tmp that not everybody may write to", "1.2.3-busybox", types.OCIImageIndex, over(entry{name: "tmp", kind: kindDir, mode: 0o755}), "tmp is no folder of mode 1777 that 0 owns"},
		{"a home of root", "1.2.3-busybox", types.OCIImageIndex, over(entry{name: "home/ci-aws", kind: kindDir, mode: 0o755}), "home/ci-aws is no folder of mode 755 that 65532 owns"},
		{"a busybox without its licence", "1.2.3-busybox", types.OCIImageIndex, over(entry{name: "usr/share/doc/busybox-static/copyright", kind: kindFile, mode: 0o644}), "usr/share/doc/busybox-static/copyright is missing"},
		{"certificates without their licence", "1.2.3-busybox", types.OCIImageIndex, over(entry{name: "usr/share/doc/ca-certificates/copyright", kind: kindFile, mode: 0o644}), "usr/share/doc/ca-certificates/copyright is missing"},
		{"without labels", "1.2.3-busybox", types.OCIImageIndex, func(t *testing.T, image v1.Image) v1.Image {
			t.Helper()
			image, err := mutate.Config(image, v1.Config{User: user})
			if err != nil {
				t.Fatal(err)
			}
			return image
		}, "has the labels map[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := parts(t, "")
			var out bytes.Buffer
			err := check(remade(t, layoutOf(t, c), tt.ref, tt.kind, tt.change), c, &out)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, wanted %q\n%s", err, tt.want, &out)
			}
		})
	}
}

func TestCheckRefusesAShellInTheImageWithout(t *testing.T) {
	c := parts(t, "")
	c.Busybox = false
	path := remade(t, layoutOf(t, c), "1.2.3", types.OCIImageIndex, over(dir("bin"), text("bin/busybox", "x")))
	if err := check(path, c, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "bin/busybox is in the image without a shell") {
		t.Error(err)
	}
}
