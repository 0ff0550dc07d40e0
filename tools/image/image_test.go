package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
)

// program is the header of an ELF file of nothing, with a mark.
func program(t *testing.T, machine elf.Machine, mark string) []byte {
	t.Helper()
	var b bytes.Buffer
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64,
	}
	if err := binary.Write(&b, binary.LittleEndian, header); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), mark...)
}

// parts lays down what an image is made of.
func parts(t *testing.T, mark string) contents {
	t.Helper()
	dir := t.TempDir()
	certificate := httptest.NewTLSServer(nil)
	defer certificate.Close()
	for name, content := range map[string][]byte{
		"ci-aws-linux-amd64":       program(t, elf.EM_X86_64, mark),
		"ci-aws-linux-arm64":       program(t, elf.EM_AARCH64, mark),
		"busybox-amd64":            program(t, elf.EM_X86_64, ""),
		"busybox-arm64":            program(t, elf.EM_AARCH64, ""),
		"busybox-static.copyright": []byte("GPL-2\n"), "ca-certificates.copyright": []byte("MPL-2.0\n"),
		"ca-certificates.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate().Raw}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return contents{Binaries: dir, Parts: dir, Busybox: true, Version: "1.2.3"}
}

func layoutOf(t *testing.T, c contents) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layout")
	if err := writeLayout(path, c); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheSameFilesAreTheSameImage(t *testing.T) {
	c := parts(t, "one")
	_, first, err := openLayout(layoutOf(t, c))
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := openLayout(layoutOf(t, c))
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := openLayout(layoutOf(t, parts(t, "two")))
	if err != nil {
		t.Fatal(err)
	}
	if first != second || first == other {
		t.Errorf("%s, again %s, of another binary %s", first, second, other)
	}
}

func TestWhatAnImageRuns(t *testing.T) {
	c := parts(t, "")
	bare := c
	bare.Busybox = false
	type runs struct {
		User            string
		Entrypoint, Cmd []string
		Env             []string
		Labels          map[string]string
	}
	labels := func(licenses string) map[string]string {
		return map[string]string{
			"org.opencontainers.image.title": "ci-aws", "org.opencontainers.image.version": "1.2.3",
			"org.opencontainers.image.source": "https://gitlab.com/ci-aws/ci-aws", "org.opencontainers.image.licenses": licenses,
		}
	}
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/ci-aws"}
	for _, tt := range []struct {
		name string
		in   contents
		want runs
	}{
		{"without a shell it is the command", bare, runs{"65532:65532", []string{"/usr/local/bin/ci-aws"}, nil, env, labels("MIT AND MPL-2.0")}},
		{"with a shell it has no entrypoint, so that a runner can start its own", c, runs{"65532:65532", nil, []string{"sh"}, env, labels("MIT AND MPL-2.0 AND GPL-2.0-only AND LGPL-2.1-or-later")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			index, _, err := openLayout(layoutOf(t, tt.in))
			if err != nil {
				t.Fatal(err)
			}
			for _, platform := range platforms {
				image, err := imageFor(index, platform)
				if err != nil {
					t.Fatal(err)
				}
				file, err := image.ConfigFile()
				if err != nil {
					t.Fatal(err)
				}
				got := runs{file.Config.User, file.Config.Entrypoint, file.Config.Cmd, file.Config.Env, file.Config.Labels}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", platform, diff)
				}
				if file.Architecture != platform.Architecture || !file.Created.Equal(created) {
					t.Errorf("%s: for %s, made %s", platform, file.Architecture, file.Created)
				}
			}
		})
	}
}

func TestCheckRefusesAWrongImage(t *testing.T) {
	for _, tt := range []struct {
		name string
		harm func(t *testing.T, c contents, layout string) // before the layout is written ("") and after
		want string
	}{
		{"a good one passes", func(*testing.T, contents, string) {}, ""},
		{"another binary than the release's", func(t *testing.T, c contents, layout string) {
			if layout != "" {
				write(t, filepath.Join(c.Binaries, "ci-aws-linux-arm64"), program(t, elf.EM_AARCH64, "later"))
			}
		}, "linux/arm64/v8: usr/local/bin/ci-aws is not the binary of the release"},
		{"a binary of the wrong machine", func(t *testing.T, c contents, layout string) {
			write(t, filepath.Join(c.Binaries, "ci-aws-linux-arm64"), program(t, elf.EM_X86_64, ""))
		}, "linux/arm64/v8: usr/local/bin/ci-aws is for EM_X86_64, wanted EM_AARCH64"},
		{"a busybox that is a page of HTML", func(t *testing.T, c contents, layout string) {
			write(t, filepath.Join(c.Parts, "busybox-amd64"), []byte("<html>"))
		}, "linux/amd64: bin/busybox is no ELF file"},
		{"no certificate", func(t *testing.T, c contents, layout string) {
			write(t, filepath.Join(c.Parts, "ca-certificates.crt"), nil)
		}, "etc/ssl/certs/ca-certificates.crt holds no certificate"},
		{"a blob that was changed", func(t *testing.T, c contents, layout string) {
			if layout == "" {
				return
			}
			blobs, err := filepath.Glob(filepath.Join(layout, "blobs", "sha256", "*"))
			if err != nil || len(blobs) == 0 {
				t.Fatal(blobs, err)
			}
			for _, blob := range blobs {
				content, err := os.ReadFile(blob)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) { // a layer
					content[len(content)/2] ^= 1
					write(t, blob, content)
					return
				}
			}
		}, layoutName},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := parts(t, "")
			tt.harm(t, c, "")
			layout := layoutOf(t, c)
			tt.harm(t, c, layout)
			var out bytes.Buffer
			err := check(layout, c, &out)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, wanted %q\n%s", err, tt.want, &out)
			}
		})
	}
}

// layoutName is in every error of a layout.
const layoutName = "layout"

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPush(t *testing.T) {
	const password = "not-to-be-seen"
	store := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user != "ci" || given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		store.ServeHTTP(w, r)
	}))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/group/ci-aws:1.2.3"
	one, two := layoutOf(t, parts(t, "one")), layoutOf(t, parts(t, "two"))
	login := map[string]string{"CI_REGISTRY_USER": "ci", "CI_REGISTRY_PASSWORD": password}
	wrong := map[string]string{"CI_REGISTRY_USER": "ci", "CI_REGISTRY_PASSWORD": "wrong-" + password}
	for _, tt := range []struct {
		name, layout, reference string
		env                     map[string]string
		out, err                string
	}{
		{"without credentials nothing is tried", one, reference, nil, "", "CI_REGISTRY_USER and CI_REGISTRY_PASSWORD are not set"},
		{"a wrong password is refused and not shown", one, reference, wrong, "", "asking for"},
		{"a reference without a tag is no release", one, strings.TrimSuffix(reference, ":1.2.3"), login, "", "tag must be"},
		{"a new version is pushed", one, reference, login, "pushed " + reference, ""},
		{"the job run again finds it there", one, reference, login, reference + " is there already, sha256:", ""},
		{"a version is one image for ever", two, reference, login, "", "is there already and is sha256:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			err := push(t.Context(), tt.layout, tt.reference, &out, func(name string) string { return tt.env[name] })
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || !strings.HasPrefix(out.String(), tt.out) {
				t.Errorf("%q, %v; wanted %q, %q", out.String(), err, tt.out, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}

	t.Run("whether it can be pushed is told without pushing", func(t *testing.T) {
		getenv := func(name string) string { return login[name] }
		if there, err := pushable(t.Context(), one, reference, io.Discard, getenv); there != nil || err != nil {
			t.Errorf("the same: %v, %v", there, err)
		}
		if _, err := pushable(t.Context(), two, reference, io.Discard, getenv); err == nil || !strings.Contains(err.Error(), "is there already and is sha256:") {
			t.Errorf("another: %v", err)
		}
		if there, err := pushable(t.Context(), two, reference+"-busybox", io.Discard, getenv); there == nil || err != nil {
			t.Errorf("a free tag: %v, %v", there, err)
		}
		if there, err := pushable(t.Context(), two, reference+"-busybox", io.Discard, getenv); there == nil || err != nil {
			t.Errorf("a free tag asked for before: %v, %v", there, err)
		}
	})
}
